"""A district's exports: a night up to its persons, and the plain script on the same standardised records."""

import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.accuracy.scores import score
from benchmarks.plain_splink import RECORDS, plain_script
from linkage.fiction.district import generate
from linkage.kernel.source_config import read_source_configs
from linkage.night import STAGES, land_source, run_one_stage
from linkage.night_plan import plan_night

NIGHT = date(2026, 3, 2)
CONFIG = Path(__file__).resolve().parents[2] / "config"
LINKING = ("model", "match", "resolve")


def make_district(out: Path, persons: int, seed: int, dirt: str) -> Path:
    """Make a fictional district of one night, unless it is there already."""
    if not (out / "truth").is_dir():
        generate(persons, 1, seed, out, dirt=dirt, first_night=NIGHT, note=lambda _: None)
    return out


def measure(name: str, exports: Path, truth: Path, state: Path, night: date = NIGHT) -> list[dict[str, Any]]:
    """Rows of the result table. Seconds are those of the linking stages alone: model, match, resolve."""
    run = link_night(exports, state, night)
    timings = json.loads((run / "timings.json").read_text(encoding="utf-8"))
    con = duckdb.connect(config={"threads": 2})
    con.execute(
        f"CREATE TABLE truth AS SELECT source || ':' || record_id AS record, source, true_person_id AS person FROM '{truth}/records.parquet'"
    )
    con.execute(
        f"CREATE TABLE predicted AS SELECT record_key AS record, person_id AS cluster FROM '{run}/resolve/links.parquet'"
    )
    rows = [_row(con, name, "gridroll", sum(timings[stage] for stage in LINKING))]
    started = time.monotonic()
    con.execute(f"CREATE TABLE records AS {RECORDS.format(path=run / 'gate_incoming' / 'common_records.parquet')}")
    clusters = plain_script(con)
    plain = time.monotonic() - started
    con.execute(
        f"CREATE OR REPLACE TABLE predicted AS SELECT unique_id AS record, cluster_id::VARCHAR AS cluster FROM {clusters}"
    )
    return [*rows, _row(con, name, "plain Splink", plain)]


def link_night(exports: Path, state: Path, night: date) -> Path:
    """Run the stages up to ``resolve``; returns the run's folder."""
    for source in read_source_configs(CONFIG):
        land_source(exports, state, night, CONFIG, source)
    run_id = plan_night(state, night, CONFIG)
    for stage in STAGES[: STAGES.index("resolve") + 1]:
        run_one_stage(state, run_id, stage, note=lambda _: None)
    return state / "runs" / run_id


def _row(con: duckdb.DuckDBPyConnection, name: str, by: str, seconds: float) -> dict[str, Any]:
    records = con.execute("SELECT count(*) FROM predicted").fetchall()[0][0]
    return {"data": name, "by": by, "records": records} | score(con, within=True) | {"seconds": round(seconds, 1)}
