"""Delta files: what changed, row by row; applied to one release they give the next, the same bytes."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError, VerificationFailed
from linkage.kernel.run import write_json
from linkage.release.deltas import apply_deltas, write_delta, write_deltas
from linkage.release.manifest import MANIFEST, file_hash
from linkage.release.verify import verify_release
from tests.builders import write_rows
from tests.release.test_release import PERSONS, build

pytestmark = pytest.mark.slow  # whole stages

TABLES = ("persons", "members", "values")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def delta(engine: Engine, tmp_path: Path, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The delta between two tables of persons."""
    paths = [
        write_rows(engine, "persons", rows, tmp_path / f"{name}.parquet") for name, rows in (("old", old), ("new", new))
    ]
    spec = contract("persons")
    out = tmp_path / "delta.parquet"
    write_delta(engine, spec.key, {f.name: f.type for f in spec.fields}, *paths, out)
    return engine.rows(f"SELECT * FROM read_parquet('{out}')")


P1 = {"person_id": "P1", "full_name": "张伟", "status": "alive", "sources": ["police", "grid"], "confidence": 0.5}
CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], list[tuple[str, str]]]] = {
    "nothing": ([P1], [P1], []),
    "added": ([P1], [P1, P1 | {"person_id": "P2"}], [("P2", "added")]),
    "ended": ([P1, P1 | {"person_id": "P2"}], [P1], [("P2", "ended")]),
    "a text": ([P1], [P1 | {"full_name": "张玮"}], [("P1", "changed")]),
    "a text becomes empty": ([P1], [P1 | {"full_name": None}], [("P1", "changed")]),
    "an empty text is not null": ([P1 | {"phone": ""}], [P1 | {"phone": None}], [("P1", "changed")]),
    "two fields swap": ([P1 | {"phone": "1"}], [P1 | {"phone": "张伟", "full_name": "1"}], [("P1", "changed")]),
    "a number in its last digit": ([P1], [P1 | {"confidence": 0.5000000001}], [("P1", "changed")]),
    "the order of a list": ([P1], [P1 | {"sources": ["grid", "police"]}], [("P1", "changed")]),
    "another key with the same values": ([P1], [P1 | {"person_id": "P0"}], [("P0", "added"), ("P1", "ended")]),
    "from nothing": ([], [P1], [("P1", "added")]),
    "to nothing": ([P1], [], [("P1", "ended")]),
}


@pytest.mark.parametrize(("old", "new", "changes"), CASES.values(), ids=CASES.keys())
def test_each_change_once(
    engine: Engine,
    tmp_path: Path,
    old: list[dict[str, Any]],
    new: list[dict[str, Any]],
    changes: list[tuple[str, str]],
) -> None:
    assert [(row["person_id"], row["change"]) for row in delta(engine, tmp_path, old, new)] == changes


def test_an_ended_row_carries_nothing_but_its_key(engine: Engine, tmp_path: Path) -> None:
    (row,) = delta(engine, tmp_path, [P1], [])
    assert {name for name, value in row.items() if value is not None} == {"person_id", "change"}


def test_a_column_that_the_older_release_did_not_have_counts_as_empty(engine: Engine, tmp_path: Path) -> None:
    old = write_rows(engine, "persons", [P1 | {"phone": "1"}, P1 | {"person_id": "P2"}], tmp_path / "old.parquet")
    engine.con.execute(f"COPY (SELECT * EXCLUDE (phone) FROM '{old}') TO '{tmp_path}/older.parquet'")
    spec = contract("persons")
    columns = {f.name: f.type for f in spec.fields}
    write_delta(engine, spec.key, columns, tmp_path / "older.parquet", old, tmp_path / "delta.parquet")
    rows = engine.rows(f"SELECT person_id, change, phone FROM '{tmp_path}/delta.parquet'")
    assert rows == [{"person_id": "P1", "change": "changed", "phone": "1"}]
    assert write_delta(engine, spec.key, columns, tmp_path / "none.parquet", old, tmp_path / "delta.parquet") == 2


# chains of releases

texts = st.one_of(st.none(), st.sampled_from(["", "张伟", "a'b", "1", "\U00020000"]))
person = st.fixed_dictionaries(
    {
        "full_name": texts,
        "phone": texts,
        "birth_date": st.one_of(st.none(), st.dates(date(1900, 1, 1), date(2026, 1, 1))),
        "confidence": st.floats(0, 1),
        "sources": st.lists(st.sampled_from(["police", "civil", "grid"]), max_size=3),
    }
)
world = st.dictionaries(st.sampled_from([f"P{n}" for n in range(5)]), person, max_size=5)


def write_world(engine: Engine, people: dict[str, dict[str, Any]], folder: Path) -> None:
    """A release's persons, members and values, made of the same people."""
    persons = [{"person_id": key, "status": "alive"} | fields for key, fields in people.items()]
    members = [{"household_id": "H", "person_id": key, "relation_to_head": f["phone"]} for key, f in people.items()]
    values = [
        {"person_id": key, "field": "sources", "value": source, "source": source, "record_id": str(n)}
        for key, fields in people.items()
        for n, source in enumerate(fields["sources"])
    ]
    for table, rows in zip(TABLES, (persons, members, values), strict=True):
        write_rows(engine, table, rows, folder / f"{table}.parquet")


@settings(max_examples=15, deadline=None)
@given(worlds=st.lists(world, min_size=2, max_size=4))
def test_any_chain_gives_its_last_release(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, worlds: list[dict[str, dict[str, Any]]]
) -> None:
    root = tmp_path_factory.mktemp("chain")
    releases: list[Path] = []
    for number, people in enumerate(worlds):
        release = root / str(number)
        write_world(engine, people, release)
        if releases:
            write_deltas(engine, TABLES, releases[-1], release)
        files = {p.relative_to(release).as_posix(): {"sha256": file_hash(p)} for p in release.rglob("*.parquet")}
        before = releases[-1] if releases else None
        write_json(
            release / MANIFEST,
            {
                "release": release.name,
                "files": files,
                "previous_release": before.name if before else None,
                "previous_manifest_sha256": file_hash(before / MANIFEST) if before else None,
            },
        )
        releases.append(release)
    assert apply_deltas(engine, releases[0], releases[1:], root / "out") == releases[-1].name
    for table in TABLES:
        assert file_hash(root / "out" / f"{table}.parquet") == file_hash(releases[-1] / f"{table}.parquet")


@pytest.fixture(scope="module")
def two_releases(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("releases")
    _, first = build(root, engine)
    persons = [PERSONS[0] | {"phone": "13900000000"}, PERSONS[1] | {"person_id": "P3"}]
    _, second = build(root, engine, date(2026, 3, 3), previous=first, persons=persons)
    return first, second


def test_a_release_holds_its_deltas_in_its_manifest(
    tmp_path: Path, engine: Engine, two_releases: tuple[Path, Path]
) -> None:
    first, second = two_releases
    assert not (first / "deltas").exists()
    assert "deltas/persons.parquet" in verify_release(second)
    apply_deltas(engine, first, [second], tmp_path / "out")
    for path in second.glob("*.parquet"):
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_a_department_gets_its_own_deltas(engine: Engine, two_releases: tuple[Path, Path]) -> None:
    slices = two_releases[1] / "slices"
    rows = {
        source: engine.rows(f"SELECT person_id, change FROM '{slices}/{source}/deltas/persons.parquet'")
        for source in ("police", "health", "grid")
    }
    added, changed, ended = (
        {"person_id": f"P{n}", "change": c} for n, c in ((3, "added"), (1, "changed"), (2, "ended"))
    )
    assert rows == {"police": [changed, ended, added], "health": [changed], "grid": [ended, added]}


def test_deltas_of_another_release_are_refused(tmp_path: Path, engine: Engine, two_releases: tuple[Path, Path]) -> None:
    first, second = two_releases
    with pytest.raises(ConfigurationError, match=f"follows {first.name}, not {second.name}"):
        apply_deltas(engine, second, [second], tmp_path / "out")
    with pytest.raises(ConfigurationError, match=r"no manifest\.json"):
        apply_deltas(engine, tmp_path, [second], tmp_path / "out")


def test_a_table_that_does_not_come_out_as_released_is_refused(
    tmp_path: Path, engine: Engine, two_releases: tuple[Path, Path]
) -> None:
    first, second = Path(shutil.copytree(two_releases[0], tmp_path / "first")), two_releases[1]
    (first / "persons.parquet").unlink()
    write_rows(engine, "persons", [PERSONS[0], PERSONS[1] | {"person_id": "P9"}], first / "persons.parquet")
    with pytest.raises(VerificationFailed, match=r"first/persons\.parquet is missing, or not what the manifest"):
        apply_deltas(engine, first, [second], tmp_path / "out")
    # A base whose own manifest agrees with it is found by what comes out.
    base = json.loads((first / MANIFEST).read_text())
    base["files"]["persons.parquet"]["sha256"] = file_hash(first / "persons.parquet")
    (first / MANIFEST).chmod(0o644)
    (first / MANIFEST).write_text(json.dumps(base))
    changed = Path(shutil.copytree(second, tmp_path / "second"))
    manifest = json.loads((changed / MANIFEST).read_text())
    (changed / MANIFEST).chmod(0o644)
    (changed / MANIFEST).write_text(json.dumps(manifest | {"previous_manifest_sha256": file_hash(first / MANIFEST)}))
    with pytest.raises(VerificationFailed, match=r"persons\.parquet does not come out"):
        apply_deltas(engine, first, [changed], tmp_path / "out")


@pytest.mark.parametrize("content", [None, b"no parquet"])
@pytest.mark.parametrize("file", ["deltas/persons.parquet", "manifest.json"])
def test_a_damaged_file_is_named(
    tmp_path: Path, engine: Engine, two_releases: tuple[Path, Path], file: str, content: bytes | None
) -> None:
    first, second = two_releases[0], Path(shutil.copytree(two_releases[1], tmp_path / "second"))
    (second / file).unlink()
    if content:
        (second / file).write_bytes(content)
    with pytest.raises(VerificationFailed, match=file.rsplit("/", 1)[-1]):
        apply_deltas(engine, first, [second], tmp_path / "out")


@pytest.mark.parametrize("target", ["first", "second", "another"])
def test_no_release_is_overwritten(
    tmp_path: Path, engine: Engine, two_releases: tuple[Path, Path], target: str
) -> None:
    first, second = (
        Path(shutil.copytree(r, tmp_path / n)) for r, n in zip(two_releases, ("first", "second"), strict=True)
    )
    shutil.copytree(first, tmp_path / "another")
    with pytest.raises(ConfigurationError, match="would be overwritten"):
        apply_deltas(engine, first, [second], tmp_path / target)
    assert verify_release(first) and verify_release(second)
