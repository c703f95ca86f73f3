"""The report's table of files agrees with the release's accounting."""

from importlib.resources import files
from pathlib import Path

import yaml

from linkage.kernel.engine import Engine
from tests.builders import write_rows


def test_what_a_gate_set_aside_counts_as_rejected(tmp_path: Path) -> None:
    account = {"source": "police", "feed": "police_hukou", "file": "a.csv", "counted_rows": 5, "duplicate_rows": 1}
    aside = {"record_key": "police:1", "file": "a.csv", "row_number": 3}
    tables = {
        "file_accounting": [account | {"accepted_rows": 3, "rejected_rows": 1}],
        "set_aside": [aside | {"rule": "x"}, aside | {"rule": "y"}],
    }
    query = yaml.safe_load((files("linkage.report") / "queries.yaml").read_text(encoding="utf-8"))["files"]
    with Engine() as engine:
        for table, rows in tables.items():
            engine.read(table, write_rows(engine, table, rows, tmp_path / f"{table}.parquet"))
        (shown,) = engine.rows(query)
        engine.run_sql("linkage.release", "accounting")
        (released,) = engine.rows("SELECT * FROM accounting")
    counts = ("counted_rows", "accepted_rows", "rejected_rows", "duplicate_rows")
    assert [shown[c] for c in counts] == [released[c] for c in counts] == [5, 2, 2, 1]
