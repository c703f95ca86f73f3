"""A record that somebody types or sends, read by the rules that read the departments' records.

How an address is read depends on the other addresses of the night (which estate stands at a door number, which unit has a room). One that a
department wrote in the same way is read as that night read it; another one is read anew together with those of the same place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine
from linkage.kernel.run import StageContext, State
from linkage.kernel.source_config import SourceConfig, read_source_configs
from linkage.match.given_record import GIVEN_KEY, RecordMatcher
from linkage.standardise.address_aliases import read_address_aliases
from linkage.standardise.addresses import parse_addresses
from linkage.standardise.stage import PACKAGE, parse_fields
from linkage.standardise.tables import create_text_table

GIVEN = "given"
MOST_NEIGHBOURS = 3000
HUKOU = ("hukou_address", "hukou_division_code")
RESIDENCE = (
    "residence_address", "residence_province", "residence_city", "residence_county", "residence_street", "residence_community", "residence_estate",
    "residence_building", "residence_unit", "residence_room", "dwelling_code",
)  # fmt: skip
PARSED = (
    "address", "division_code", "street", "community", "road", "road_number", "estate", "building", "unit", "room", "dwelling_key", "building_key",
    "address_grade",
)  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True)
class Night:
    """The finished night that a record is read like."""

    run: Path
    state: State
    night: date

    @property
    def config_dir(self) -> Path:
        return self.run / "config"


def read_given(night: Night, matcher: RecordMatcher, fields: Mapping[str, str], feed: str = GIVEN) -> Row:
    """``fields`` (names of the contract ``raw_records``, values as they came) as a common record under ``GIVEN_KEY``.

    ``feed``: whose codes and customs it follows; ``given``: nobody's.
    """
    configs = read_source_configs(night.config_dir)
    raw = _raw_row(configs, fields, feed)
    with Engine(threads=1, memory_limit="1GB") as engine:
        _load(engine, [raw])
        context = _context(night, engine)
        parse_fields(context, configs)
        engine.run_sql(PACKAGE, "common_records")
        record = engine.rows("SELECT * FROM common_records")[0] | {"record_key": GIVEN_KEY}
        for kind, columns in (("hukou", HUKOU), ("residence", RESIDENCE)):
            if any(raw[name] is not None for name in columns):
                record |= _address(night, engine, matcher, raw, record, kind)
    return record


def _raw_row(configs: Mapping[str, SourceConfig], fields: Mapping[str, str], feed: str) -> Row:
    source = next((c.source for c in configs.values() if any(f.feed == feed for f in c.feeds)), GIVEN)
    row: Row = dict.fromkeys(contract("raw_records").column_names)
    row |= {name: text if text.strip() else None for name, text in fields.items() if name in row}
    return row | {
        "source": source, "feed": feed, "record_id": GIVEN, "file": GIVEN, "row_number": 1, "content_hash": GIVEN, "numeric_cells": None, "extra": None,
    }  # fmt: skip


def _load(engine: Engine, rows: list[Row]) -> None:
    """``raw_records`` of the engine, by contract."""
    names = [f.name for f in contract("raw_records").fields if f.type == "VARCHAR"]
    create_text_table(engine, "given_texts", names, [[row.get(name) for name in names] for row in rows])
    columns = ", ".join(
        f"{f.name}"
        if f.type == "VARCHAR"
        else f"CAST({1 if f.name == 'row_number' else 'NULL'} AS {f.type}) AS {f.name}"
        for f in contract("raw_records").fields
    )
    engine.con.execute(f"CREATE OR REPLACE TEMP TABLE raw_records AS SELECT {columns} FROM given_texts")


def _address(night: Night, engine: Engine, matcher: RecordMatcher, raw: Row, record: Row, kind: str) -> Row:
    """The columns ``<kind>_*`` of the common record."""
    return _as_written_before(matcher, raw, kind) or _beside_neighbours(night, engine, matcher, raw, record, kind)


def _as_written_before(matcher: RecordMatcher, raw: Row, kind: str) -> Row | None:
    """As the night read the same writing; best of a record whose other address is the same too, for the two complete each other."""
    own, other = (HUKOU, RESIDENCE) if kind == "hukou" else (RESIDENCE, HUKOU)
    written = ", ".join(f"{name} := CAST(${name} AS VARCHAR)" for name in (*HUKOU, *RESIDENCE))
    same = " AND ".join(f"w.{name} IS NOT DISTINCT FROM ${name}" for name in own)
    both = " AND ".join(f"w.{name} IS NOT DISTINCT FROM ${name}" for name in other)
    columns = ", ".join(f"r.{kind}_{name}" for name in PARSED)
    found = matcher.rows(
        f"SELECT {columns} FROM (SELECT position, ({both}) AS is_same FROM raw_addresses w WHERE position IN (SELECT position FROM record_keys "
        f"WHERE key = hash('{kind} text', {kind}_text(struct_pack({written})))) AND {same} ORDER BY is_same DESC, position LIMIT 1) "
        "JOIN records r USING (position)",
        **{name: raw[name] for name in (*HUKOU, *RESIDENCE)},
    )
    return found[0] if found else None


def _beside_neighbours(night: Night, engine: Engine, matcher: RecordMatcher, raw: Row, record: Row, kind: str) -> Row:
    """Read anew, together with the addresses of the same estate, door number or building."""
    road = (record[f"{kind}_road"] or "") + (record[f"{kind}_road_number"] or "")
    estate = record[f"{kind}_estate"]
    places = [estate, f"{estate}小区" if estate else None, road, (record["dwelling_code"] or "")[:18]]
    neighbours = matcher.rows(
        "SELECT w.* FROM raw_addresses w WHERE position IN (SELECT position FROM record_keys WHERE key IN "
        "(SELECT hash('place', place) FROM (SELECT unnest($places) AS place) WHERE place <> '')) ORDER BY position LIMIT $most",
        places=[place or "" for place in places],
        most=MOST_NEIGHBOURS,
    )
    empty = dict.fromkeys(contract("raw_records").column_names)
    beside = [empty | row | {"source": "beside", "record_id": str(row["position"])} for row in neighbours]
    _load(engine, [raw, *beside])
    engine.run_sql(PACKAGE, "address_inputs")
    parse_addresses(engine, read_address_aliases(night.config_dir))
    found = engine.rows(
        "SELECT * FROM parsed_addresses WHERE record_key = $key AND kind = $kind",
        {"key": f"{raw['source']}:{GIVEN}", "kind": kind},
    )
    return {f"{kind}_{name}": found[0][name] for name in PARSED} if found else {}


def _context(night: Night, engine: Engine) -> StageContext:
    return StageContext(
        night=night.night, run_id=night.run.name, run_dir=night.run, stage="standardise", out_dir=night.run, config_dir=night.config_dir,
        state=night.state, engine=engine,
    )  # fmt: skip
