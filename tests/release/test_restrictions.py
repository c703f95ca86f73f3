"""Restricted persons: out of slices and look-ups, in the signed tables; the restriction follows the id, and can be lifted."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from linkage.kernel.contracts import contract
from linkage.kernel.database import open_database
from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.release import stage
from linkage.release.publish import publish
from linkage.release.stage import SQL_PACKAGE, open_lookup
from linkage.release.verify import verify_release
from linkage.restriction import restrict
from linkage.review.restrictions import read_restrictions
from tests.builders import stage_context, write_rows
from tests.release.test_release import PERSONS, build

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def decided(*actions: tuple[str, str]) -> Rows:
    """Decisions (person, action), in this order."""
    return [
        {"action_id": str(n), "person_id": p, "action": a, "decided_at": datetime(2026, 3, 1, n)}
        for n, (p, a) in enumerate(actions)
    ]


# who is restricted tonight

MERGED = {"id": "P1", "successor_id": "P2", "kind": "person"}


def moved(to: str) -> dict[str, Any]:
    """A record that was P1's the night before."""
    return {"record_key": f"police:{to}", "change": "moved", "person_before": "P1", "person_now": to}


BEFORE = {"person_id": "P2", "asked_person_id": "P1", "action": "restrict", "reached_by": "split"}
CASES: dict[str, tuple[dict[str, Rows], list[tuple[str, str, str]]]] = {
    "nobody": ({}, []),
    "restricted": ({"restrictions": decided(("P1", "restrict"))}, [("P1", "restrict", "id")]),
    "ended": ({"restrictions": decided(("P1", "restrict"), ("P1", "end"))}, [("P1", "end", "id")]),
    "lifted": ({"restrictions": decided(("P1", "restrict"), ("P1", "lift"))}, []),
    "again": ({"restrictions": decided(("P1", "restrict"), ("P1", "lift"), ("P1", "restrict"))}, [("P1", "restrict", "id")]),
    "gone without a successor": ({"restrictions": decided(("P7", "restrict"))}, []),
    "merged into another": ({"restrictions": decided(("P1", "restrict")), "retired_ids": [MERGED]}, [("P2", "restrict", "id")]),
    "merge undone": ({"restrictions": decided(("P1", "restrict")), "previous_restricted": [BEFORE | {"reached_by": "id"}]}, [("P1", "restrict", "id")]),
    "split tonight": ({"restrictions": decided(("P1", "restrict")), "record_changes": [moved("P2")]}, [("P1", "restrict", "id"), ("P2", "restrict", "split")]),
    "split some night before": ({"restrictions": decided(("P1", "end")), "previous_restricted": [BEFORE]}, [("P1", "end", "id"), ("P2", "end", "split")]),
    "split while its id ended": ({"restrictions": decided(("P1", "restrict")), "retired_ids": [MERGED], "record_changes": [moved("P2"), moved("P3")]}, [("P2", "restrict", "id"), ("P3", "restrict", "split")]),
    "came out, and parts again": ({"restrictions": decided(("P1", "restrict")), "previous_restricted": [BEFORE], "record_changes": [moved("P3") | {"person_before": "P2"}]}, [("P1", "restrict", "id"), ("P2", "restrict", "split"), ("P3", "restrict", "split")]),
    "came out, and merged into another": ({"restrictions": decided(("P1", "restrict")), "previous_restricted": [BEFORE], "retired_ids": [{"id": "P2", "successor_id": "P3", "kind": "person"}]}, [("P1", "restrict", "id"), ("P2", "restrict", "split"), ("P3", "restrict", "id")]),
    "came out, merged into another, and that undone": ({"restrictions": decided(("P1", "restrict")), "previous_restricted": [BEFORE, BEFORE | {"person_id": "P3", "reached_by": "id"}], "record_changes": [moved("P2") | {"person_before": "P3"}]}, [("P1", "restrict", "id"), ("P2", "restrict", "split")]),
    "merged in by mistake, and out again": ({"restrictions": decided(("P1", "restrict")), "record_changes": [moved("P2")], "previous_former_records": [{"person_id": "P2", "record_key": "police:P2"}]}, [("P1", "restrict", "id")]),
    "merged in by mistake, and out again with more": ({"restrictions": decided(("P1", "restrict")), "record_changes": [moved("P2"), moved("P2") | {"record_key": "police:1"}], "previous_former_records": [{"person_id": "P2", "record_key": "police:P2"}]}, [("P1", "restrict", "id"), ("P2", "restrict", "split")]),
    "came out, and ended for a while": ({"restrictions": decided(("P1", "restrict")), "previous_restricted": [BEFORE | {"person_id": "P8"}]}, [("P1", "restrict", "id"), ("P8", "restrict", "split")]),
    "split, and the other half lifted": ({"restrictions": decided(("P1", "restrict"), ("P2", "lift")), "previous_restricted": [BEFORE]}, [("P1", "restrict", "id")]),
    "split, and the first lifted": ({"restrictions": decided(("P1", "restrict"), ("P1", "lift")), "previous_restricted": [BEFORE]}, []),
}  # fmt: skip


@pytest.mark.parametrize(("tables", "expected"), CASES.values(), ids=CASES.keys())
def test_whom_a_decision_reaches(
    engine: Engine, tmp_path: Path, tables: dict[str, Rows], expected: list[tuple[str, str, str]]
) -> None:
    persons = [
        {"person_id": p} for p in ("P1", "P2", "P3") if p not in {row["id"] for row in tables.get("retired_ids", [])}
    ]
    defaults: dict[str, Rows] = {
        name: []
        for name in ("restrictions", "retired_ids", "record_changes", "previous_restricted", "previous_former_records")
    }
    for name, rows in (defaults | {"persons": persons} | tables).items():
        engine.read(name, write_rows(engine, name.removeprefix("previous_"), rows, tmp_path / f"{name}.parquet"))
    engine.run_sql(SQL_PACKAGE, "restricted", {"night": "2026-03-04"})
    found = engine.con.execute("SELECT person_id, action, reached_by FROM restricted ORDER BY ALL").fetchall()
    assert found == expected
    since = {str(row["since"]) for row in engine.rows("SELECT since FROM restricted")}
    assert since <= {"2026-03-02" if "previous_restricted" in tables else "2026-03-04"}
    engine.write_table("restricted", tmp_path / "written.parquet")


# what it does


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Path:
    """P1, head of the household of P1 and P2, is restricted; P3 lives alone and is ended."""
    tables: dict[str, Rows] = {
        "register/persons": [*PERSONS, PERSONS[1] | {"person_id": "P3", "full_name": "独居"}],
        "register/households": [
            {"household_id": "H1", "kind": "hukou", "members": 2, "head_person_id": "P1"},
            {"household_id": "H2", "kind": "hukou", "members": 1, "head_person_id": "P3"},
        ],
        "register/members": [
            {"household_id": "H1", "person_id": "P1", "is_head": True},
            {"household_id": "H1", "person_id": "P2"},
            {"household_id": "H2", "person_id": "P3", "is_head": True},
        ],
        "restrictions": decided(("P1", "restrict"), ("P3", "end")),
    }
    context, release = build(tmp_path_factory.mktemp("restricted"), engine, tables=tables)
    publish(context.state, release.name)
    return release


def test_no_slice_holds_a_restricted_person_in_any_form(release: Path, engine: Engine) -> None:
    for path in sorted((release / "slices").rglob("persons.parquet")):
        assert {row["person_id"] for row in engine.rows(f"SELECT * FROM '{path}'")} <= {"P2"}, path
    texts = [p.read_text(encoding="utf-8-sig") for p in (release / "slices").rglob("*.csv") if "gb18030" not in p.name]
    assert texts and not [t for t in texts if PERSONS[0]["identity_number"] in t or "独居" in t]


def test_no_department_is_told_of_a_restricted_persons_ids(release: Path, engine: Engine) -> None:
    assert engine.scalar(f"SELECT count(*) FROM '{release}/notices.parquet'") == 1
    assert engine.scalar(f"SELECT count(*) FROM '{release}/slices/police/notices.parquet'") == 0


def test_a_household_is_shared_without_its_restricted_members(release: Path, engine: Engine) -> None:
    rows = engine.rows(
        f"SELECT household_id, head_person_id, members FROM '{release}/slices/police/households.parquet'"
    )
    assert rows == [{"household_id": "H1", "head_person_id": None, "members": 1}]


def test_the_signed_tables_are_whole_and_the_look_up_keeps_a_flag(release: Path, engine: Engine) -> None:
    verify_release(release)
    assert engine.scalar(f"SELECT count(*) FROM '{release}/persons.parquet'") == 3
    with open_lookup(release) as lookup:
        flags = lookup.execute("SELECT person_id, restriction FROM persons ORDER BY 1").fetchall()
    assert flags == [("P1", "restrict"), ("P2", None), ("P3", "end")]


def test_the_night_says_how_many(release: Path, tmp_path: Path, engine: Engine) -> None:
    root = Path(shutil.copytree(release.parents[2], tmp_path / "copy"))
    summary = stage.run(stage_context(root, engine, "release", run_id=release.name))
    assert summary["persons_restricted"] == 2


# the record of decisions

BASIS = "《个人信息保护法》第四十七条"


@pytest.fixture
def state(release: Path, tmp_path: Path) -> State:
    return State(Path(shutil.copytree(release.parents[1], tmp_path / "state")))


def test_a_decision_is_appended_and_names_the_departments(state: State) -> None:
    done = restrict(state, "P1", "end", reason="本人申请", decided_by="王五", basis=BASIS)
    assert (done.person_id, done.departments) == ("P1", ("police", "health"))
    restrict(state, "P1", "lift", reason="复议", decided_by="李四", basis=BASIS)
    rows = read_restrictions(state).to_pylist()
    assert [(r["person_id"], r["action"], r["decided_by"], r["basis"]) for r in rows] == [
        ("P1", "end", "王五", BASIS),
        ("P1", "lift", "李四", BASIS),
    ]
    assert set(rows[0]) == set(contract("restrictions").column_names)


@pytest.mark.parametrize("change", ["UPDATE restrictions SET action = 'lift'", "DELETE FROM restrictions"])
def test_the_database_itself_refuses_to_change_a_decision(state: State, change: str) -> None:
    restrict(state, "P1", "restrict", reason="x", decided_by="y", basis=BASIS)
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), open_database(state).begin() as connection:
        connection.exec_driver_sql(change)


MISTAKES = {
    "nobody of that id": ({"person_id": "P8"}, "no person 'P8'"),
    "an unknown action": ({"action": "delete"}, "'delete' is not known"),
    "no law": ({"basis": "本人要求"}, "names no law"),
    "a law without its article": ({"basis": "《个人信息保护法》"}, "names no law"),
    "no reason": ({"reason": " "}, "--reason is empty"),
    "nobody decided": ({"decided_by": ""}, "--by is empty"),
    "nothing to lift": ({"person_id": "P2", "action": "lift"}, "P2 is not restricted"),
}


@pytest.mark.parametrize(("wrong", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_refused_and_nothing_is_recorded(state: State, wrong: dict[str, str], message: str) -> None:
    right = {"person_id": "P1", "action": "restrict", "reason": "x", "decided_by": "y", "basis": BASIS}
    with pytest.raises(ConfigurationError, match=message):
        restrict(state, **(right | wrong))
    assert read_restrictions(state).num_rows == 0


def test_a_household_that_ended_is_no_person_to_restrict(tmp_path: Path, engine: Engine) -> None:
    context, release = build(
        tmp_path, engine, tables={"resolve/retired_ids": [{"id": "H9", "kind": "household", "cause": "ended"}]}
    )
    publish(context.state, release.name)
    with pytest.raises(ConfigurationError, match="no person 'H9'"):
        restrict(context.state, "H9", "restrict", reason="x", decided_by="y", basis=BASIS)


def test_before_the_first_release_there_is_nobody_to_restrict(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Nothing is published"):
        restrict(State(tmp_path), "P1", "restrict", reason="x", decided_by="y", basis=BASIS)
