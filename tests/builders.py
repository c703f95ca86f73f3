"""Small tables by contract for tests: name the columns that matter, the rest is empty or neutral."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from linkage.kernel.contracts import OPEN_STRUCT, contract
from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.run import StageContext, State, write_json
from linkage.match.config import MatchConfig
from linkage.match.splink_adapter import comparison_settings

NIGHT = date(2026, 3, 2)
REPOSITORY = Path(__file__).resolve().parent.parent
NEUTRAL: dict[str, Any] = {
    "VARCHAR": "",
    "BIGINT": 1,
    "INTEGER": 1,
    "DOUBLE": 0.0,
    "BOOLEAN": False,
    "DATE": NIGHT,
    "VARCHAR[]": [],
}


def write_rows(engine: Engine, table: str, rows: Iterable[Mapping[str, Any]], path: Path) -> Path:
    """Write ``rows`` as the contract table ``table``; fields not named are null, or neutral where null is not allowed."""
    spec = contract(table)
    full = []
    for row in rows:
        unknown = set(row) - set(spec.column_names)
        assert not unknown, f"{table} has no columns {unknown}"
        full.append({f.name: row.get(f.name, None if f.nullable else NEUTRAL.get(f.type)) for f in spec.fields})
    load_rows(engine, table, full, "building")
    path.parent.mkdir(parents=True, exist_ok=True)
    engine.write_table(table, path, source="building")
    engine.con.execute("DROP TABLE building")
    return path


def load_rows(engine: Engine, table: str, rows: list[dict[str, Any]], name: str) -> None:
    """Make the temp table ``name`` of complete ``rows`` of the contract table ``table``, in their order.

    By way of Arrow: to insert a row of so many columns takes DuckDB five milliseconds.
    """
    types = {f.name: f.type for f in contract(table).fields}
    typed = ", ".join(f"CAST(NULL AS {t}) AS {quote_name(n)}" for n, t in types.items() if t != OPEN_STRUCT)
    wanted = {field.name: field.type for field in engine.arrow(f"SELECT {typed}").schema}
    engine.load_arrow("loading", pa.table({n: _column([row[n] for row in rows], wanted.get(n)) for n in types}))
    cast = ", ".join(
        n if t == OPEN_STRUCT else f"CAST({quote_name(n)} AS {t}) AS {quote_name(n)}" for n, t in types.items()
    )
    engine.con.execute(f"CREATE OR REPLACE TEMP TABLE {quote_name(name)} AS SELECT {cast} FROM loading")
    engine.con.execute("DROP TABLE loading")


def _column(values: list[Any], wanted: pa.DataType | None) -> pa.Array:
    """``wanted`` None: structs of which the contract does not name the parts; the values do, or nobody."""
    if wanted is None and not any(values):
        wanted = pa.struct([("number", pa.float64())])
    try:
        return pa.array(values, wanted)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array(values)  # a date written as text, say: DuckDB knows what it means


def record(key: str, **fields: Any) -> dict[str, Any]:
    """One common record, ``key`` like ``police:1``; the feed is the department's main one unless named."""
    source, record_id = key.split(":")
    feed = {"police": "police_hukou", "civil": "civil_marriage", "health": "health_archive", "grid": "grid_visit"}[
        source
    ]
    row: dict[str, Any] = {
        "source": source,
        "feed": feed,
        "record_id": record_id,
        "record_key": key,
        "name_kind": "ordinary",
    }
    if "name" in fields:
        name = fields.pop("name")
        row |= {
            "full_name": name,
            "name_key": name,
            "name_sound": " ".join(name),
            "surname": name[0],
            "given_name": name[1:],
        }
    if "number" in fields:
        number = fields.pop("number")
        row |= {"identity_number": number, "identity_grade": "A", "identity_kind": "resident_id"}
    if "birth" in fields:
        row |= {"birth_date": fields.pop("birth"), "birth_date_precision": "day"}
    return row | fields


def stage_context(
    tmp_path: Path,
    engine: Engine,
    stage: str,
    *,
    night: date = NIGHT,
    previous_release: Path | None = None,
    run_id: str | None = None,
) -> StageContext:
    """A context of ``stage`` over a fresh state in ``tmp_path`` with the shipped configuration."""
    state = State(tmp_path / "state")
    run_id = run_id or f"{night.isoformat()}-test"
    run_dir = state.runs / run_id
    out_dir = run_dir / stage
    out_dir.mkdir(parents=True, exist_ok=True)
    if not (run_dir / "run.json").exists():
        write_json(
            run_dir / "run.json",
            {
                "run_id": run_id,
                "night": night.isoformat(),
                "district": "330106",
                "model_id": None,
                "landings": {},
                "previous_release": None,
            },
        )
    return StageContext(
        night=night,
        run_id=run_id,
        run_dir=run_dir,
        stage=stage,
        out_dir=out_dir,
        config_dir=REPOSITORY / "config",
        state=state,
        engine=engine,
        previous_release=previous_release,
    )


def write_model(engine: Engine, folder: Path, config: MatchConfig) -> None:
    """A model by hand: the first level of each comparison speaks for a pair (10 bits), the others say nothing."""
    comparisons = [
        comparison_settings(
            c,
            {
                name: (0.5, 0.5 / 1024) if position == 0 else (0.5, 0.5)
                for position, name in enumerate(level.name for level in c.levels if not level.missing)
            },
        )
        for c in config.comparisons
    ]
    splink = {
        "link_type": "dedupe_only",
        "comparisons": comparisons,
        "probability_two_random_records_match": 0.5,
    }
    write_json(folder / "model.json", {"splink": splink})
    frequencies = (
        "SELECT * FROM (VALUES ('name', '张伟', 0.25), ('name_sound', '张 伟', 0.25)) t(feature, value, frequency)"
    )
    engine.write_query(frequencies, folder / "term_frequencies.parquet")
