"""Since when a record is with its person, read from release to release."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from linkage.explain.evidence import LOOKUP, Evidence
from linkage.explain.history import since_when
from linkage.kernel.engine import Engine
from linkage.kernel.run import State, write_json

NIGHTS = [date(2026, 3, day) for day in (2, 3, 4)]
# Record number -> (person, content) in each release, and since which night number 1 is with P in the last one.
CASES: list[tuple[str, list[dict[str, tuple[str, str]]], int]] = [
    ("always there", [{"1": ("P", "a")}, {"1": ("P", "a")}, {"1": ("P", "a")}], 0),
    ("changed on the way", [{"1": ("P", "a")}, {"1": ("P", "b")}, {"1": ("P", "c")}], 0),
    ("under another number before", [{"7": ("P", "a"), "1": ("Q", "x")}, {"7": ("P", "a"), "1": ("Q", "x")}, {"1": ("P", "a"), "7": ("Q", "x")}], 0),
    ("under another number for one night", [{"1": ("P", "a")}, {"8": ("P", "a"), "1": ("Q", "x")}, {"1": ("P", "a")}], 0),
    ("with somebody else before", [{"1": ("Q", "a")}, {"1": ("P", "a")}, {"1": ("P", "a")}], 1),
    ("its number was another record's of the person", [{"1": ("P", "x")}, {"2": ("P", "x")}, {"1": ("P", "a"), "2": ("P", "x")}], 2),
]  # fmt: skip


@pytest.mark.parametrize(("case", "nights", "since"), CASES, ids=[c[0] for c in CASES])
def test_since_when(tmp_path: Path, case: str, nights: list[dict[str, tuple[str, str]]], since: int) -> None:
    state = State(tmp_path)
    before = None
    for night, rows in zip(NIGHTS, nights, strict=True):
        release = state.releases / f"{night}-0a1b2c3d"
        write_json(release / "manifest.json", manifest := {"night": str(night), "previous_release": before})
        with duckdb.connect(str(release / LOOKUP)) as con:
            con.execute(
                "CREATE TABLE crosswalk (source TEXT, feed TEXT, record_id TEXT, person_id TEXT, content_hash TEXT)"
            )
            for number, (person, content) in rows.items():
                con.execute("INSERT INTO crosswalk VALUES ('grid', 'grid_visit', ?, ?, ?)", [number, person, content])
        before = release.name
    with Engine() as engine:
        evidence = Evidence(state, release, manifest, engine, None)
        content = nights[-1]["1"][1]
        found = since_when(evidence, "P", {"grid:1": f"grid_visit {content}"})["grid:1"]
    assert (found.night, found.exact) == (NIGHTS[since], True)
    assert found.is_first_release is (since == 0)
