"""The register as of a date: as published then, as true then; and what became of each id between two releases."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from linkage.cli import app
from linkage.doctor import examine
from linkage.kernel.engine import Engine
from linkage.kernel.errors import LinkageError, VerificationFailed
from linkage.kernel.run import State, write_json
from linkage.release import retention
from linkage.release.as_of import write_published, write_true
from linkage.release.chain import PUBLISHED, publication_moments, record_publication, release_of, seen_on
from linkage.release.id_crosswalk import write_id_crosswalk
from linkage.release.manifest import MANIFEST
from linkage.release.publish import publish
from linkage.release.verify import verify_chain
from tests.builders import REPOSITORY, write_rows
from tests.release.test_release import build

pytestmark = pytest.mark.slow  # whole stages

MARCH = [date(2026, 3, day) for day in (2, 3, 5)]
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Path:
    """A state of three published nights; nothing was published for the fourth of March."""
    root, before = tmp_path_factory.mktemp("published"), None
    for night in MARCH:
        context, before = build(root, engine, night, before)
        publish(context.state, before.name)
    return root / "state"


@pytest.fixture
def releases(published: Path, tmp_path: Path) -> list[Path]:
    """The three releases, in a state of the test's own."""
    return sorted((Path(shutil.copytree(published, tmp_path / "state")) / "releases").iterdir())


# as published


@pytest.mark.parametrize(
    ("day", "which"),
    [
        (date(2026, 3, 1), None),
        (MARCH[0], 0),
        (MARCH[1], 1),
        (date(2026, 3, 4), 1),
        (MARCH[2], 2),
        (date(2030, 1, 1), 2),
    ],
)
def test_the_register_of_a_date_is_the_newest_night_not_after_it(
    releases: list[Path], day: date, which: int | None
) -> None:
    assert release_of(State(releases[0].parents[1]), day) == (None if which is None else releases[which])


def test_as_published_is_the_release_byte_for_byte(releases: list[Path], engine: Engine, tmp_path: Path) -> None:
    state = State(releases[0].parents[1])
    found = write_published(engine, state, date(2026, 3, 4), tmp_path / "out")
    assert (found.release, found.rows["persons"]) == (releases[1].name, 2)
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == {
        p.name: p.read_bytes() for p in releases[1].glob("*.parquet")
    }
    with pytest.raises(LinkageError, match="no register yet") as early:
        write_published(engine, state, date(2026, 3, 1), tmp_path / "early")
    assert "2026-03-02" in early.value.remedy


def test_when_each_release_became_current_is_on_record(releases: list[Path]) -> None:
    state = State(releases[0].parents[1])
    assert list(publication_moments(state)) == [release.name for release in releases]
    (state.root / PUBLISHED).unlink()
    # On the fourth a process stopped before the pointer moved.
    stopped = Path(shutil.copytree(releases[0], releases[0].with_name("2026-03-04-ffffffff")))
    for release, moment in zip((releases[0], stopped, *releases[1:]), ((2, 20), (4, 1), (6, 1), (6, 2)), strict=True):
        record_publication(state, release, datetime(2026, 3, *moment, tzinfo=UTC))
    seen = {day: seen_on(state, date(2026, 3, day)) for day in (1, 2, 5, 6)}
    assert seen == {1: None, 2: releases[0].name, 5: releases[0].name, 6: releases[2].name}


def test_a_changed_record_of_publications_is_found(releases: list[Path]) -> None:
    record = releases[0].parents[1] / PUBLISHED
    record.write_text(record.read_text().replace('"night": "2026-03-03"', '"night": "2026-03-04"'))
    with pytest.raises(VerificationFailed, match="line 3"):
        publication_moments(State(releases[0].parents[1]))
    bad = [finding.text for finding in examine(releases[0].parents[1], REPOSITORY / "config") if not finding.good]
    assert [text for text in bad if PUBLISHED in text]


def test_the_command_says_what_readers_really_had(releases: list[Path], tmp_path: Path) -> None:
    words = ["as-of", "2026-03-04", "--out", str(tmp_path / "out"), "--state", str(releases[0].parents[1])]
    said = CliRunner().invoke(app, words, catch_exceptions=False).output
    assert f"published 已发布: {releases[1].name}" in said and "readers had nothing" in said
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["published", "true"]


# as true

NEWEST: dict[str, Rows] = {
    "register/persons": [
        {"person_id": "P1", "status": "deceased", "status_on": date(2026, 2, 10), "phone": "new", "residence_address": "new", "grid_code": "G2", "first_night": date(2026, 3, 2)},
        {"person_id": "P2", "status": "alive", "birth_date": date(2026, 2, 20), "first_night": date(2026, 3, 2)},
        {"person_id": "P3", "status": "alive", "first_night": date(2026, 3, 5)},
    ],
    "register/values": [
        {"person_id": "P1", "field": "phone", "value": "new", "source": "grid", "record_id": "1", "observed_on": date(2026, 2, 5), "won": True, "reason": "recency"},
        {"person_id": "P1", "field": "phone", "value": "old", "source": "police", "record_id": "1", "observed_on": date(2025, 1, 1), "reason": "recency"},
        {"person_id": "P1", "field": "phone", "value": "older", "source": "civil", "record_id": "1", "observed_on": date(2024, 1, 1), "reason": "recency"},
        {"person_id": "P1", "field": "residence_address", "value": "new", "source": "grid", "record_id": "1", "observed_on": date(2026, 2, 5), "won": True, "reason": "recency"},
        {"person_id": "P1", "field": "residence_address", "value": "new", "source": "police", "record_id": "1", "observed_on": date(2025, 6, 1), "reason": "same_as_winner"},
    ],
    "register/households": [{"household_id": "H1", "kind": "residence", "members": 1, "head_person_id": "P2"}, {"household_id": "H2", "kind": "hukou", "members": 1}],
    "register/members": [
        {"household_id": "H1", "person_id": "P1", "valid_from": date(2020, 1, 1), "valid_to": date(2026, 2, 1)},
        {"household_id": "H1", "person_id": "P2", "is_head": True, "valid_from": date(2026, 2, 20)},
        {"household_id": "H2", "person_id": "P1", "valid_from": date(2026, 3, 5)},
    ],
}  # fmt: skip
TRUTH = {
    # day: phone, address, grid and status of P1; persons; members
    date(2024, 6, 1): (("older", None, None, "alive"), ["P1"], [("H1", "P1")]),
    date(2025, 5, 31): (("old", None, None, "alive"), ["P1"], [("H1", "P1")]),
    date(2025, 6, 1): (("old", "new", "G2", "alive"), ["P1"], [("H1", "P1")]),
    date(2026, 2, 1): (("old", "new", "G2", "alive"), ["P1"], []),
    date(2026, 2, 9): (("new", "new", "G2", "alive"), ["P1"], []),
    date(2026, 2, 10): (("new", "new", "G2", "deceased"), ["P1"], []),
    date(2026, 2, 20): (("new", "new", "G2", "deceased"), ["P1", "P2"], [("H1", "P2")]),
    date(2026, 3, 5): (("new", "new", "G2", "deceased"), ["P1", "P2", "P3"], [("H1", "P2"), ("H2", "P1")]),
}


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> State:
    context, release = build(tmp_path_factory.mktemp("newest"), engine, date(2026, 3, 5), tables=NEWEST)
    publish(context.state, release.name)
    return context.state


@pytest.mark.parametrize("day", TRUTH)
def test_what_held_on_a_day(newest: State, engine: Engine, tmp_path: Path, day: date) -> None:
    write_true(engine, newest, day, tmp_path)
    persons = engine.rows(f"SELECT * FROM '{tmp_path}/persons.parquet' ORDER BY person_id")
    first = persons[0]
    members = engine.rows(f"SELECT household_id, person_id FROM '{tmp_path}/members.parquet' ORDER BY ALL")
    assert (
        (first["phone"], first["residence_address"], first["grid_code"], first["status"]),
        [p["person_id"] for p in persons],
        [(m["household_id"], m["person_id"]) for m in members],
    ) == TRUTH[day]
    households = engine.rows(f"SELECT household_id, members FROM '{tmp_path}/households.parquet' ORDER BY ALL")
    assert households == [{"household_id": h, "members": 1} for h, _ in TRUTH[day][2]]


def test_who_ended_since_stands_as_published_then(tmp_path: Path, engine: Engine) -> None:
    """P2 and the household vanished on the second night; P1 became P9."""
    context, first = build(tmp_path, engine)
    publish(context.state, first.name)
    later: dict[str, Rows] = {
        "register/persons": [{"person_id": "P9", "status": "alive", "first_night": date(2026, 3, 2)}],
        "register/households": [],
        "register/members": [],
        "resolve/retired_ids": [
            {"id": "P1", "successor_id": "P9", "kind": "person", "retired_on": MARCH[1], "cause": "merged_into"},
            {"id": "P2", "successor_id": None, "kind": "person", "retired_on": MARCH[1], "cause": "ended"},
        ],
    }
    _, second = build(tmp_path, engine, MARCH[1], previous=first, tables=later)
    publish(context.state, second.name)
    write_true(engine, context.state, MARCH[0], tmp_path / "out")
    rows = {
        table: engine.rows(f"SELECT * FROM '{tmp_path}/out/{table}.parquet' ORDER BY ALL")
        for table in ("persons", "members", "households")
    }
    assert [p["person_id"] for p in rows["persons"]] == ["P2", "P9"]
    assert [(m["household_id"], m["person_id"]) for m in rows["members"]] == [("H1", "P2"), ("H1", "P9")]
    assert [(h["household_id"], h["members"]) for h in rows["households"]] == [("H1", 2)]
    write_true(engine, context.state, MARCH[1], tmp_path / "out")
    assert engine.rows(f"SELECT person_id FROM '{tmp_path}/out/persons.parquet'") == [{"person_id": "P9"}]


# the chain, and what retention left of it


def test_the_chain_is_verified_to_the_first_release(releases: list[Path]) -> None:
    assert [line.split(":")[0] for line in verify_chain(releases[2])] == [r.name for r in reversed(releases)]


def test_a_release_emptied_by_policy_counts_as_its_manifest(
    releases: list[Path], engine: Engine, tmp_path: Path
) -> None:
    state = State(releases[0].parents[1])
    retention.apply_retention(state, date(2036, 1, 1), runs_days=1, landings_days=1, releases_days=1)
    assert "manifest only, tables deleted by policy" in list(verify_chain(releases[2]))[2]
    with pytest.raises(LinkageError, match="deleted when their term was over"):
        write_published(engine, state, MARCH[0], tmp_path / "out")
    (state.root / retention.RECORD).unlink()
    with pytest.raises(VerificationFailed, match=f"{releases[0].name}: the file .* is missing"):
        list(verify_chain(releases[2]))


@pytest.mark.parametrize("damage", ["manifest changed", "manifest gone", "table gone"])
def test_damage_anywhere_in_the_chain_is_found(releases: list[Path], damage: str) -> None:
    victim = releases[0] / ("values.parquet" if damage == "table gone" else "manifest.json")
    victim.chmod(0o644)
    if damage == "manifest changed":
        victim.write_bytes(victim.read_bytes() + b" ")
    else:
        victim.unlink()
    with pytest.raises(VerificationFailed, match=releases[0].name):
        list(verify_chain(releases[2]))


@pytest.mark.parametrize("damage", [None, b"{", b"5", b"{}"])
def test_with_a_manifest_lost_or_changed_nothing_older_is_deleted_or_said_never_to_have_been(
    releases: list[Path], engine: Engine, tmp_path: Path, damage: bytes | None
) -> None:
    state, manifest = State(releases[0].parents[1]), releases[1] / MANIFEST
    manifest.unlink()
    if damage is not None:
        manifest.write_bytes(damage)
    with pytest.raises(VerificationFailed, match=releases[1].name):
        retention.apply_retention(state, date(2036, 1, 1), runs_days=1, landings_days=1, releases_days=1)
    with pytest.raises(VerificationFailed, match=releases[1].name):
        write_published(engine, state, MARCH[0], tmp_path / "out")
    with pytest.raises(LinkageError, match=releases[1].name):
        write_id_crosswalk(engine, releases[1], releases[2], tmp_path / "out")
    assert (releases[0] / "persons.parquet").exists()


def test_retention_by_hand_says_how_much_it_deleted(releases: list[Path]) -> None:
    arguments = ["retain", "--date", "2036-01-01", "--state", str(releases[0].parents[1])]
    found = CliRunner().invoke(app, [*arguments, "--config", str(REPOSITORY / "config")])
    assert found.exit_code == 0 and "1  emptied" in found.output
    assert not (releases[0] / "persons.parquet").exists() and (releases[0] / MANIFEST).exists()


def test_what_was_published_then_is_verified_before_it_is_taken_for_true(
    releases: list[Path], engine: Engine, tmp_path: Path
) -> None:
    (releases[0] / "members.parquet").unlink()
    write_rows(engine, "members", [], releases[0] / "members.parquet")
    with pytest.raises(VerificationFailed, match=r"members\.parquet was changed"):
        write_true(engine, State(releases[0].parents[1]), MARCH[0], tmp_path / "out")


def test_a_chain_of_no_release(tmp_path: Path) -> None:
    with pytest.raises(VerificationFailed, match="it is not a release"):
        list(verify_chain(tmp_path / "nothing"))


# ids between two releases


def linked(
    engine: Engine, folder: Path, night: date, persons: dict[str, str], retired: dict[str, str | None] | None = None
) -> Path:
    """A release in which each person has the named records of the police, and lives in household H1."""
    ids = [{"id": i, "successor_id": s, "kind": "person", "cause": "ended"} for i, s in (retired or {}).items()]
    rows: dict[str, Rows] = {
        "persons": [{"person_id": person} for person in persons],
        "households": [{"household_id": "H1", "kind": "hukou"}],
        "members": [{"household_id": "H1", "person_id": person} for person in persons],
        "crosswalk": [
            {"source": "police", "record_id": record, "person_id": person}
            for person, records in persons.items()
            for record in records
        ],
        "retired_ids": ids,
    }
    for table, content in rows.items():
        write_rows(engine, table, content, folder / f"{table}.parquet")
    write_json(folder / MANIFEST, {"night": night.isoformat()})
    return folder


FATES: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str | None], list[tuple[str, str, str, int]]]] = {
    "same": ({"P1": "ab"}, {"P1": "ab"}, {}, [("P1", "same", "P1", 2)]),
    "grown and shrunk": ({"P1": "ab"}, {"P1": "bc"}, {}, [("P1", "same", "P1", 1)]),
    "all records new": ({"P1": "a"}, {"P1": "b"}, {}, [("P1", "same", "P1", 0)]),
    "merged": ({"P1": "ab", "P2": "c"}, {"P1": "abc"}, {"P2": "P1"}, [("P1", "same", "P1", 2), ("P2", "merged_into", "P1", 1)]),
    "merged, records gone": ({"P1": "a", "P2": "c"}, {"P1": "a"}, {"P2": "P1"}, [("P1", "same", "P1", 1), ("P2", "merged_into", "P1", 0)]),
    "split": ({"P1": "abc"}, {"P1": "ab", "P2": "c"}, {}, [("P1", "split", "P1", 2), ("P1", "split", "P2", 1)]),
    "split up for good": ({"P1": "abc"}, {"P2": "ab", "P3": "c"}, {"P1": "P2"}, [("P1", "split", "P2", 2), ("P1", "split", "P3", 1)]),
    "ended": ({"P1": "a", "P2": "b"}, {"P1": "a"}, {"P2": None}, [("P1", "same", "P1", 1), ("P2", "ended", "", 0)]),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other", "retired", "expected"), FATES.values(), ids=FATES.keys())
def test_what_became_of_an_id(
    tmp_path: Path,
    engine: Engine,
    one: dict[str, str],
    other: dict[str, str],
    retired: dict[str, str | None],
    expected: list[tuple[str, str, str, int]],
) -> None:
    before = linked(engine, tmp_path / "before", MARCH[0], one)
    after = linked(engine, tmp_path / "after", MARCH[1], other, retired)
    write_id_crosswalk(engine, before, after, tmp_path / "out")
    rows = engine.con.execute(
        f"SELECT id, fate, successor_id, records FROM '{tmp_path}/out/ids.parquet' WHERE kind = 'person' ORDER BY ALL"
    ).fetchall()
    assert rows == expected
    household = engine.rows(f"SELECT fate, successor_id FROM '{tmp_path}/out/ids.parquet' WHERE kind = 'household'")
    assert household == [{"fate": "same", "successor_id": "H1"}]


@pytest.mark.parametrize("night", [MARCH[1], MARCH[0]], ids=["a later night", "the same night again"])
def test_backwards_an_id_is_merged_or_not_there_yet(tmp_path: Path, engine: Engine, night: date) -> None:
    before = linked(engine, tmp_path / "before", MARCH[0], {"P1": "ab"})
    after = linked(engine, tmp_path / "after", night, {"P1": "a", "P2": "b", "P3": "c"})
    write_json(after / MANIFEST, {"night": night.isoformat(), "previous_release": "before"})
    write_id_crosswalk(engine, after, before, tmp_path / "out")
    rows = engine.con.execute(f"SELECT id, fate FROM '{tmp_path}/out/ids.parquet' WHERE kind = 'person' ORDER BY ALL").fetchall()  # fmt: skip
    assert rows == [("P1", "same"), ("P2", "merged_into"), ("P3", "not_yet")]
    fates = engine.con.execute(f"SELECT record_id, fate FROM '{tmp_path}/out/records.parquet' ORDER BY ALL").fetchall()
    assert fates == [("a", "same"), ("b", "moved"), ("c", "ended")]


def test_records_numbered_anew_between_two_releases_are_followed(tmp_path: Path, engine: Engine) -> None:
    """Rows x and y swap their numbers, z's number goes to a new row w: ids stay with their rows."""
    folders = {}
    for name, night, rows in (
        ("before", MARCH[0], {"1": ("x", "P1"), "2": ("y", "P2"), "3": ("z", "P3")}),
        ("after", MARCH[1], {"2": ("x", "P1"), "1": ("y", "P2"), "4": ("z", "P3"), "3": ("w", "P4")}),
    ):
        folders[name] = linked(engine, tmp_path / name, night, {person: "" for _, person in rows.values()})
        links = [
            {"source": "health", "feed": "health_archive", "record_id": number, "person_id": person, "content_hash": content, "link_kind": "single", "confidence": 1.0}
            for number, (content, person) in rows.items()
        ]  # fmt: skip
        write_rows(engine, "crosswalk", links, folders[name] / "crosswalk.parquet")
    write_id_crosswalk(engine, folders["before"], folders["after"], tmp_path / "out")
    rows = engine.con.execute(f"SELECT id, fate, successor_id FROM '{tmp_path}/out/ids.parquet' WHERE kind = 'person' ORDER BY ALL").fetchall()  # fmt: skip
    assert rows == [("P1", "same", "P1"), ("P2", "same", "P2"), ("P3", "same", "P3")]
    records = engine.con.execute(
        f"SELECT record_id, record_id_before, fate FROM '{tmp_path}/out/records.parquet' ORDER BY record_id"
    ).fetchall()
    assert records == [("1", "2", "same"), ("2", "1", "same"), ("3", None, "added"), ("4", "3", "same")]
