"""Scores of a release against known truth: pairs, B-cubed, exact persons, households, golden fields, each by subgroup.

B-cubed after Bagga and Baldwin (1998). A subgroup holds true persons; a pair of records or of persons counts for it
when at least one of the two is in it. Records that the truth knows and the release does not are counted apart and
take part in no score, nor do records that the truth does not know.
"""

from datetime import date
from pathlib import Path

import pyarrow as pa

from linkage.evaluate.addresses import same_dwelling
from linkage.evaluate.measures import Evaluation, FieldScore, GroupScore, PairScore
from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.reference import reference_rows

SQL_PACKAGE = "linkage.evaluate"
RELEASE_TABLES = ("crosswalk", "persons", "households", "members", "values")


def evaluate(release: Path, truth: Path) -> Evaluation:
    """Score the folder ``release``.

    ``truth`` holds persons.parquet and records.parquet, or a folder ``night=<date>`` that does.

    Raises ConfigurationError when a file is not there or the release's name does not begin with its night.
    """
    night = _night_of(release)
    folder = _truth_folder(truth, night)
    _must_exist(*(release / f"{table}.parquet" for table in RELEASE_TABLES))
    with Engine() as engine:
        for table in RELEASE_TABLES:
            view = "candidate_values" if table == "values" else table  # VALUES is a word of SQL
            engine.read(view, release / f"{table}.parquet")
        _read_truth(engine, folder)
        _score_records(engine, night)
        _score_golden(engine)
        engine.run_sql(SQL_PACKAGE, "household_scores")
        return _collect(engine, households=True)


def evaluate_links(links: Path, truth: Path, night: date) -> Evaluation:
    """Score a Parquet file of links alone (columns source, record_id, person_id): no households, no golden fields.

    The subgroup 'without_number' is then of persons whom the truth gives no number.
    """
    folder = _truth_folder(truth, night)
    _must_exist(links)
    with Engine() as engine:
        engine.read("crosswalk", links)
        engine.con.execute(
            "CREATE TEMP TABLE persons AS SELECT DISTINCT person_id, '' AS identity_number FROM crosswalk"
        )
        _read_truth(engine, folder)
        _score_records(engine, night)
        return _collect(engine, households=False)


def _night_of(release: Path) -> date:
    try:
        return date.fromisoformat(release.resolve().name[:10])
    except ValueError:
        raise ConfigurationError(
            f"{release.name!r} does not begin with a night (YYYY-MM-DD).",
            remedy="Give --release a release folder, e.g. state/releases/2026-03-02-1a2b3c4d.",
        ) from None


def _truth_folder(truth: Path, night: date) -> Path:
    folder = truth if (truth / "records.parquet").exists() else truth / f"night={night.isoformat()}"
    _must_exist(folder / "records.parquet", folder / "persons.parquet")
    return folder


def _must_exist(*paths: Path) -> None:
    for path in paths:
        if not path.exists():
            raise ConfigurationError(
                f"{path} does not exist.", remedy="Give --release a release folder and --truth its truth."
            )


def _read_truth(engine: Engine, folder: Path) -> None:
    engine.read("truth_records", folder / "records.parquet")
    engine.read("truth_persons", folder / "persons.parquet")


def _score_records(engine: Engine, night: date) -> None:
    engine.run_sql(SQL_PACKAGE, "matched")
    engine.run_sql(SQL_PACKAGE, "subgroups", {"night": night})
    engine.run_sql(SQL_PACKAGE, "pair_scores")


def _score_golden(engine: Engine) -> None:
    codes = pa.table({key: [row[key] for row in reference_rows("gb3304_nation")] for key in ("code", "name")})
    engine.load_arrow("ethnicities", codes)
    engine.run_sql(SQL_PACKAGE, "golden_addresses")
    written = engine.arrow("SELECT golden, truth FROM golden_addresses").to_pydict()
    same = [same_dwelling(golden, truth) for golden, truth in zip(written["golden"], written["truth"], strict=True)]
    engine.load_arrow("same_addresses", pa.table({**written, "same": pa.array(same, pa.bool_())}))
    engine.run_sql(SQL_PACKAGE, "golden_scores")


def _collect(engine: Engine, *, households: bool) -> Evaluation:
    home: dict[str, dict[str, PairScore]] = {}
    fields: dict[str, dict[str, FieldScore]] = {}
    if households:
        for r in engine.rows("SELECT * FROM household_scores ORDER BY subgroup, measure"):
            home.setdefault(r["subgroup"], {})[r["measure"]] = PairScore(r["right"], r["wrong"], r["missed"])
        for r in engine.rows("SELECT * FROM golden_scores ORDER BY subgroup, field"):
            fields.setdefault(r["subgroup"], {})[r["field"]] = FieldScore(r["persons"], r["filled"], r["correct"])
    groups = {
        r["subgroup"]: GroupScore(
            persons=r["persons"],
            exact_persons=r["exact"],
            pairs=PairScore(r["right"], r["wrong"], r["missed"]),
            b_cubed_precision=r["b_cubed_precision"],
            b_cubed_recall=r["b_cubed_recall"],
            households=home.get(r["subgroup"], {}),
            fields=fields.get(r["subgroup"], {}),
        )
        for r in engine.rows("SELECT * FROM pair_scores ORDER BY subgroup <> 'all', subgroup")
    }
    matched = engine.scalar("SELECT count(*) FROM matched")
    return Evaluation(
        records=matched,
        records_missing=engine.scalar("SELECT count(*) FROM truth_records") - matched,
        records_unknown=engine.scalar("SELECT count(*) FROM crosswalk") - matched,
        groups=groups,
    )
