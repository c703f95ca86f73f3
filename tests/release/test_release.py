"""Releases: signed, complete, unchanged; slices show what a department may see; CURRENT moves once and forward."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError, LinkageError, VerificationFailed
from linkage.kernel.run import StageContext, State, write_json
from linkage.release import retention, stage
from linkage.release.chain import night_before
from linkage.release.publish import publish
from linkage.release.signing import public_pem, signing_key
from linkage.release.trust import trust_around, trust_named
from linkage.release.verify import verify_release
from tests.builders import REPOSITORY, record, stage_context, write_rows

pytestmark = pytest.mark.slow  # whole stages

PERSONS = [
    {"person_id": "P1", "full_name": "=张伟", "identity_number": "330106198503121234", "phone": "13911112222", "status": "alive", "sources": ["police", "health"], "residence_address": "浙江省杭州市西湖区翠苑街道桂花苑1幢1单元101室"},
    {"person_id": "P2", "full_name": "買買提·䶮", "identity_number": "11010519491231002X", "status": "alive", "sources": ["grid"]},
]  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def build(
    tmp_path: Path,
    engine: Engine,
    night: date = date(2026, 3, 2),
    previous: Path | None = None,
    persons: list[dict[str, Any]] = PERSONS,
    inputs: dict[str, str] = {},  # noqa: B006 - never changed
    events: list[dict[str, Any]] = [],  # noqa: B006 - never changed
    tables: dict[str, list[dict[str, Any]]] = {},  # noqa: B006 - never changed
    fingerprint: str = "0a1b2c3d",
) -> tuple[StageContext, Path]:
    """A release of two persons; ``tables`` replaces the rows of some."""
    run_id = f"{night.isoformat()}-{fingerprint}"
    context = stage_context(tmp_path, engine, "release", night=night, run_id=run_id, previous_release=previous)
    plan = json.loads((context.run_dir / "run.json").read_text())
    landings = {source: {"path": path} for source, path in inputs.items()}
    write_json(context.run_dir / "run.json", plan | {"landings": landings})
    rows: dict[str, list[dict[str, Any]]] = {
        "register/persons": persons,
        "register/households": [{"household_id": "H1", "kind": "hukou", "members": 2, "head_person_id": "P1"}],
        "register/members": [{"household_id": "H1", "person_id": "P1", "is_head": True}, {"household_id": "H1", "person_id": "P2"}],
        "register/values": [],
        "register/statements": [],
        "register/events": events,
        "resolve/links": [{"source": "police", "feed": "police_hukou", "record_id": "1", "record_key": "police:1", "person_id": "P1", "link_kind": "single"}],
        "resolve/retired_ids": [],
        "resolve/former_records": [],
        "resolve/former_households": [],
        "resolve/judgement_status": [],
        "resolve/record_changes": [],
        "resolve/notices": [{"source": "police", "person_id": "P0", "new_person_id": "P1", "kind": "merged", "records": ["1"]}],
        "estimate/review_cases": [],
        "sources/file_accounting": [{"source": "police", "feed": "police_hukou", "file": "a.csv", "counted_rows": 3, "accepted_rows": 3, "rejected_rows": 0, "duplicate_rows": 0, "carried_rows": 0}],
        "gate_incoming/common_records": [record("police:1", name="张三")],
        "gate_incoming/set_aside": [{"record_key": "police:9", "file": "a.csv", "rule": "x"}],
        "restrictions": [],
    }  # fmt: skip
    for name, table in (rows | tables).items():
        write_rows(engine, name.split("/")[-1], table, context.run_dir / f"{name}.parquet")
    write_json(context.run_dir / "model" / "card.json", {"model_id": "m", "sha256": "0"})
    stage.run(context)
    return context, context.state.releases / run_id


@pytest.fixture
def release(tmp_path: Path, engine: Engine) -> Path:
    return build(tmp_path, engine)[1]


def test_a_fresh_release_verifies(release: Path) -> None:
    assert len(verify_release(release)) > 20


def test_it_holds_what_the_design_names(release: Path) -> None:
    names = [
        "persons",
        "households",
        "members",
        "crosswalk",
        "values",
        "statements",
        "events",
        "history",
        "retired_ids",
        "former_records",
        "former_households",
        "accounting",
    ]
    for name in [
        *(f"{n}.parquet" for n in names),
        "register.duckdb",
        "manifest.json",
        "manifest.sig",
        "datapackage.json",
    ]:
        assert (release / name).is_file(), name
    assert not list(release.rglob("*.wal"))
    assert all(not p.stat().st_mode & 0o222 for p in release.rglob("*") if p.is_file())


def test_the_history_is_that_of_the_release_before_and_the_events_of_this_one(tmp_path: Path, engine: Engine) -> None:
    """Also when a night is published twice, and when nothing happens on one of them."""

    def event(kind: str, night: date) -> dict[str, Any]:
        return {"subject_id": "P1", "subject": "person", "kind": kind, "related_id": "", "field": "", "night": night, "cause": "source_data"}  # fmt: skip

    first, second = date(2026, 3, 2), date(2026, 3, 3)
    release: Path | None = None
    for night, fingerprint, kinds in (
        (first, "0a", ["appeared"]),
        (second, "0b", ["ended"]),
        (second, "0c", []),
        (second, "0d", ["revived"]),
    ):
        events = [event(kind, night) for kind in kinds]
        _, release = build(tmp_path, engine, night, release, events=events, fingerprint=fingerprint)
    rows = engine.rows(f"SELECT sequence, kind, night FROM read_parquet('{release}/history.parquet')")
    assert [tuple(row.values()) for row in rows] == [
        (1, "appeared", first),
        (2, "ended", second),
        (3, "revived", second),
    ]
    assert release and "history.parquet" in json.loads((release / "manifest.json").read_text())["files"]
    resources = json.loads((release / "datapackage.json").read_text())["resources"]
    assert {"name": "history", "rows": 3}.items() <= next(r for r in resources if r["name"] == "history").items()


def test_rows_set_aside_count_as_rejected(release: Path, engine: Engine) -> None:
    (row,) = engine.rows(f"SELECT * FROM read_parquet('{release}/accounting.parquet')")
    assert (row["counted_rows"], row["accepted_rows"], row["rejected_rows"]) == (3, 2, 1)


def test_a_flipped_byte_in_any_file_is_found(release: Path) -> None:
    for path in sorted(p for p in release.rglob("*") if p.is_file()):
        original = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
        with pytest.raises(VerificationFailed, match="signature" if path.suffix == ".sig" else path.name):
            verify_release(release)
        path.write_bytes(original)
    verify_release(release)


def test_outside_its_installation_only_damage_is_found_and_that_is_said(release: Path, tmp_path: Path) -> None:
    pinned = State(release.parents[1]).keys / "release_ed25519.pub.pem"
    away = Path(shutil.copytree(release, tmp_path / "away" / release.name))
    trust = trust_around(away)
    assert "own" in verify_release(away, trust)[0] and trust.warning
    assert trust_around(release).warning is None and "pinned" in verify_release(release)[0]
    assert str(pinned) in verify_release(away, trust_named(pinned))[0]
    forged = sign_again(away)
    verify_release(forged, trust_around(forged))
    for trusted in (trust_named(pinned), trust_around(release)):
        with pytest.raises(VerificationFailed, match="not by the key trusted"):
            verify_release(forged, trusted)


def sign_again(release: Path) -> Path:
    """What a forger can do: change the manifest, sign it with a key of one's own, and put that key beside it."""
    key = Ed25519PrivateKey.generate()
    changed = (release / "manifest.json").read_bytes().replace(b'"m"', b'"n"')
    for name, data in (
        ("manifest.json", changed),
        ("manifest.sig", key.sign(changed)),
        ("derived.sig", key.sign((release / "derived.json").read_bytes())),
        ("manifest.pub.pem", public_pem(key.public_key())),
    ):
        (release / name).chmod(0o644)
        (release / name).write_bytes(data)
    return release


@pytest.mark.parametrize("content", [None, b"garbage"])
def test_a_release_without_a_readable_key_does_not_verify(release: Path, tmp_path: Path, content: bytes | None) -> None:
    away = Path(shutil.copytree(release, tmp_path / "away" / release.name))
    key = away / "manifest.pub.pem"
    key.unlink()
    if content:
        key.write_bytes(content)
    with pytest.raises(VerificationFailed, match=r"manifest\.pub\.pem|signature"):
        verify_release(away)


def test_another_signing_key_is_refused_until_the_change_is_meant(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, new = State(release.parents[1]), State(tmp_path / "new")
    signing_key(new)
    monkeypatch.setenv("GRIDROLL_SIGNING_KEY", str(new.keys / "release_ed25519.pem"))
    with pytest.raises(ConfigurationError, match="not the one this installation signs with"):
        signing_key(state)
    (state.keys / "release_ed25519.pub.pem").rename(state.keys / "until-2026.pub.pem")
    signing_key(state)
    verify_release(release)


@pytest.mark.parametrize("kind", ["garbage", "folder", "missing"])
def test_a_signing_key_that_cannot_be_read_is_a_mistake_of_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "key.pem"
    if kind == "garbage":
        path.write_text("garbage")
    elif kind == "folder":
        path.mkdir()
    monkeypatch.setenv("GRIDROLL_SIGNING_KEY", str(path))
    with pytest.raises(ConfigurationError, match=r"key\.pem cannot be read"):
        signing_key(State(tmp_path / "state"))


def test_a_missing_and_a_foreign_file_are_found(release: Path) -> None:
    (release / "extra.txt").write_text("x")
    with pytest.raises(VerificationFailed, match=r"extra\.txt"):
        verify_release(release)
    (release / "extra.txt").unlink()
    (release / "values.parquet").rename(release.parent / "values.parquet")
    with pytest.raises(VerificationFailed, match=r"values\.parquet"):
        verify_release(release)
    (release.parent / "values.parquet").rename(release / "values.parquet")
    (release / "derived.json").unlink()
    with pytest.raises(VerificationFailed, match=r"register\.duckdb"):
        verify_release(release)
    (release / "derived.sig").unlink()
    (release / "register.duckdb").unlink()
    with pytest.raises(VerificationFailed, match=r"register\.duckdb"):
        verify_release(release)


def test_a_forged_manifest_is_found_even_with_its_own_key(release: Path) -> None:
    manifest = release / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text().replace('"m"', '"n"'))
    with pytest.raises(VerificationFailed, match="signature"):
        verify_release(release)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    signing_key(State(tmp_path))
    monkeypatch.setenv("GRIDROLL_SIGNING_KEY", str(tmp_path / "keys" / "release_ed25519.pem"))
    one, two = (build(tmp_path / name, engine)[1] for name in ("a", "b"))
    files = [p.relative_to(one) for p in sorted(one.rglob("*")) if p.is_file()]
    unequal = [str(f) for f in files if (one / f).read_bytes() != (two / f).read_bytes()]
    assert set(unequal) <= {"register.duckdb", "derived.json", "derived.sig"}


def test_a_release_of_before_derived_json_still_verifies(release: Path) -> None:
    """There register.duckdb stands in the manifest itself."""
    manifest = json.loads((release / "manifest.json").read_text())
    manifest["files"] |= json.loads((release / "derived.json").read_text())["files"]
    manifest["derived"] = ["register.duckdb"]
    for name in ("derived.json", "derived.sig"):
        (release / name).unlink()
    for name in ("manifest.json", "manifest.sig"):
        (release / name).unlink()
    write_json(release / "manifest.json", manifest)
    key = signing_key(State(release.parents[1]))
    (release / "manifest.sig").write_bytes(key.sign((release / "manifest.json").read_bytes()))
    verify_release(release)


# publishing


def test_publishing_moves_current_forward_only_and_once(tmp_path: Path, engine: Engine) -> None:
    context, first = build(tmp_path, engine)
    publish(context.state, first.name)
    _, second = build(tmp_path, engine, date(2026, 3, 3), previous=first)
    publish(context.state, second.name)
    publish(context.state, second.name)
    assert context.state.current_release() == second
    assert night_before(context.state, date(2026, 3, 3)) == first
    assert night_before(context.state, date(2026, 3, 2)) is None
    with pytest.raises(LinkageError, match="back in time"):
        publish(context.state, first.name)


def test_a_release_that_does_not_continue_the_current_one_is_not_published(tmp_path: Path, engine: Engine) -> None:
    context, first = build(tmp_path, engine)
    publish(context.state, first.name)
    _, second = build(tmp_path, engine, date(2026, 3, 3), previous=first)
    _, third = build(tmp_path, engine, date(2026, 3, 4), previous=first)
    publish(context.state, second.name)
    with pytest.raises(LinkageError, match=f"continues {first.name}, but {second.name} is current") as refused:
        publish(context.state, third.name)
    assert "Run the night 2026-03-04 again" in refused.value.remedy
    _, orphan = build(tmp_path, engine, date(2026, 3, 5))
    with pytest.raises(LinkageError, match="continues no release"):
        publish(context.state, orphan.name)
    assert context.state.current_release() == second


def test_a_broken_release_is_never_published(tmp_path: Path, engine: Engine) -> None:
    context, release = build(tmp_path, engine)
    (release / "persons.parquet").chmod(0o644)
    (release / "persons.parquet").write_bytes(b"x")
    with pytest.raises(VerificationFailed):
        publish(context.state, release.name)
    assert context.state.current_release() is None


def test_a_fault_while_publishing_leaves_the_last_release(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, first = build(tmp_path, engine)
    publish(context.state, first.name)
    _, second = build(tmp_path, engine, date(2026, 3, 3), previous=first)

    def fault(*paths: object) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(os, "replace", fault)
    with pytest.raises(OSError, match="power cut"):
        publish(context.state, second.name)
    assert context.state.current_release() == first


def test_a_broken_chain_is_found(tmp_path: Path, engine: Engine) -> None:
    _, first = build(tmp_path, engine)
    _, second = build(tmp_path, engine, date(2026, 3, 3), previous=first)
    (first / "manifest.json").chmod(0o644)
    (first / "manifest.json").write_text("{}")
    with pytest.raises(VerificationFailed, match=first.name):
        verify_release(second)


def test_retention_never_deletes_the_current_release(tmp_path: Path, engine: Engine) -> None:
    context, first = build(tmp_path, engine)
    publish(context.state, first.name)
    (context.state.releases / "2020-01-01-0a1b2c3d").mkdir()
    deleted = retention.apply_retention(context.state, date(2036, 1, 1), runs_days=1, landings_days=1, releases_days=1)
    assert deleted["releases"] == ["2020-01-01-0a1b2c3d"]
    assert first.exists() and (context.state.root / "retention.jsonl").read_text()


def landed(state: State, night: str, source: str, name: str, sequence: int = 1) -> str:
    folder = state.landings / f"night={night}" / source / name
    write_json(folder / "landing.json", {"source": source, "night": night, "sequence": sequence})
    return folder.relative_to(state.root).as_posix()


def test_retention_keeps_what_the_next_night_needs(tmp_path: Path, engine: Engine) -> None:
    """Three published nights and one that was held; the health office delivered last long ago."""
    nights = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]
    state = State(tmp_path / "state")
    old = landed(state, "2026-03-02", "police", "aa")
    late = [landed(state, "2026-01-05", "health", "cc", 1), landed(state, "2026-01-05", "health", "dd", 2)]
    used = landed(state, "2026-03-04", "police", "bb", 1)
    newest = landed(state, "2026-03-04", "police", "ee", 2)
    releases: list[Path] = []
    for night in nights:
        _, release = build(tmp_path, engine, night, releases[-1] if releases else None, inputs={"police": used})
        publish(state, release.name)
        releases.append(release)
    _, held = build(tmp_path, engine, date(2026, 3, 5), releases[0])
    deleted = retention.apply_retention(state, date(2036, 1, 1), runs_days=1, landings_days=1, releases_days=1)
    assert deleted == {
        "runs": [releases[0].name, held.name],
        "landings": [path.removeprefix("landings/") for path in (late[0], old)],
        "releases": [held.name],
        "emptied": [releases[0].name],
    }
    assert all((state.root / path).is_dir() for path in (late[1], used, newest))
    assert not (state.landings / "night=2026-03-02").exists()
    assert all((state.runs / release.name).is_dir() for release in releases[1:])
    assert sorted(p.name for p in releases[0].iterdir()) == ["manifest.json", "manifest.pub.pem", "manifest.sig"]
    for release in releases[1:]:
        verify_release(release)
    assert not any(
        retention.apply_retention(state, date(2036, 1, 1), runs_days=1, landings_days=1, releases_days=1).values()
    )


# slices


def test_a_department_sees_its_own_persons_only(release: Path) -> None:
    assert "11010519491231002X" not in (release / "slices/health/persons.csv").read_text(encoding="utf-8-sig")
    assert "330106198503121234" in (release / "slices/health/persons.csv").read_text(encoding="utf-8-sig")


def test_rows_come_in_key_order_whatever_is_shown(tmp_path: Path, engine: Engine) -> None:
    """The first column shown is the same for all; the key is not shown."""
    persons = [PERSONS[0] | {"person_id": f"P{n:03}", "full_name": "张伟", "phone": f"139{n:08}"} for n in range(200)]
    config = tmp_path / "config"
    shutil.copytree(REPOSITORY / "config", config)
    department = {"source": "police", "scope": "all", "purpose": "x", "persons": ["full_name", "phone"]}
    (config / "sharing.yaml").write_text(json.dumps({"departments": [department]}))
    context, release = build(tmp_path, engine, persons=persons[::-1])
    shutil.rmtree(release)
    stage.run(replace(context, config_dir=config))
    lines = (release / "slices/police/persons.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    assert lines == [f"张伟,139{n:08}" for n in range(200)]


def test_masked_columns(release: Path) -> None:
    assert "139****2222" in (release / "slices/civil/persons.csv").read_text(encoding="utf-8-sig")
    grid = (release / "slices/grid/persons.csv").read_text(encoding="utf-8-sig")
    assert "110***********002X" in grid


def test_cells_that_a_spreadsheet_would_run_are_neutralised(release: Path) -> None:
    assert "'=张伟" in (release / "slices/police/persons.csv").read_text(encoding="utf-8-sig")
    sheet = openpyxl.load_workbook(release / "slices/police/persons.xlsx").active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert all(cell.data_type == "s" for cell in cells)


def test_a_department_gets_the_notices_about_ids_it_holds_and_no_other(release: Path) -> None:
    told = {
        folder.name: (folder / "notices.csv").read_text(encoding="utf-8-sig").splitlines()
        for folder in (release / "slices").iterdir()
    }
    assert told["police"][0].startswith("原编号,现编号,种类,本部门记录号")
    assert [line.split(",")[:4] for line in told.pop("police")[1:]] == [["P0", "P1", "merged", "[1]"]]
    assert {len(lines) for lines in told.values()} == {1}


def test_encodings_and_headers(release: Path) -> None:
    raw = (release / "slices/police/persons.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.decode("utf-8-sig").splitlines()[0].startswith("人员编号,公民身份号码")
    assert (release / "slices/police/persons.gb18030.csv").read_bytes().decode("gb18030") == raw.decode("utf-8-sig")


def test_a_large_table_has_no_xlsx_and_says_so(tmp_path: Path, engine: Engine) -> None:
    context, _ = build(tmp_path / "a", engine)
    config = tmp_path / "config"
    shutil.copytree(REPOSITORY / "config", config)
    (config / "sharing.yaml").write_text(
        (config / "sharing.yaml").read_text().replace("xlsx_maximum_rows: 50000", "xlsx_maximum_rows: 1")
    )
    shutil.rmtree(context.state.releases)
    stage.run(replace(context, config_dir=config))
    folder = context.state.releases / context.run_id / "slices" / "police"
    assert not (folder / "persons.xlsx").exists()
    assert "persons.xlsx" in (folder / "README.txt").read_text(encoding="utf-8-sig")


def test_the_signing_key_is_private(release: Path) -> None:
    state = State(release.parents[1])
    assert (state.keys / "release_ed25519.pem").stat().st_mode & 0o077 == 0
