"""The judgements database: made and brought up to date by migrations, and written to by `linkage judge`."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from typer.testing import CliRunner

from linkage.cli import app
from linkage.kernel.database import MIGRATIONS, VERSION_TABLE, migrate, open_database
from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.kernel.state_tables import metadata
from linkage.review.decisions import withdraw
from linkage.review.judgements import Verdict, append_judgements, read_judgements
from tests.builders import record, write_rows

NEWEST = max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v*.py"))


def open_it(root: Path) -> str | None:
    with open_database(State(root)).connect() as connection:
        return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def test_a_new_database_has_the_tables_that_the_code_declares(tmp_path: Path) -> None:
    assert open_it(tmp_path) == NEWEST
    with open_database(State(tmp_path)).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_a_database_of_before_the_migrations_keeps_its_judgements(tmp_path: Path) -> None:
    before = sa.create_engine(f"sqlite:///{tmp_path / 'gridroll.sqlite'}")
    with before.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE judgements (judgement_id VARCHAR(16) PRIMARY KEY, record_key_l VARCHAR(200) NOT NULL, "
            "record_key_r VARCHAR(200) NOT NULL, verdict VARCHAR(10) NOT NULL, reader VARCHAR(100) NOT NULL, "
            "decided_at DATETIME NOT NULL, reason TEXT NOT NULL)"
        )
        connection.exec_driver_sql(
            "INSERT INTO judgements VALUES ('x', 'a:1', 'b:1', 'same', 'r', '2026-01-01 10:00:00', 'r')"
        )
    before.dispose()
    assert open_it(tmp_path) == NEWEST
    (kept,) = read_judgements(State(tmp_path)).to_pylist()
    assert (kept["judgement_id"], kept["decision_id"], kept["verdict"], kept["seen_l"]) == ("x", "x", "same", None)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE judgements SET verdict = 'different'",
        "DELETE FROM judgements",
        "INSERT OR REPLACE INTO judgements SELECT judgement_id, record_key_l, record_key_r, 'different', reader, decided_at, reason, "
        "decision_id, evidence, takes_back FROM judgements",
    ],
)
def test_the_database_itself_refuses_to_change_a_judgement(tmp_path: Path, change: str) -> None:
    append_judgements(State(tmp_path), [Verdict(("a:1", "b:1"), "same")], reader="r", reason="r")
    stranger = sa.create_engine(f"sqlite:///{tmp_path / 'gridroll.sqlite'}")
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), stranger.begin() as connection:
        connection.exec_driver_sql(change)
    stranger.dispose()
    assert read_judgements(State(tmp_path))["verdict"].to_pylist() == ["same"]


def test_processes_that_open_a_new_database_at_once_take_turns(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        assert list(pool.map(open_it, [tmp_path] * 4)) == [NEWEST] * 4


PERSON_OF = {"police:1": "P1", "grid:1": "P2", "health:1": "P3", "health:2": "P3", "civil:1": "P3"}


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A current release with its run: two persons of one record, one of three; a case about the two, a blind one about the three."""
    state = State(tmp_path / "state")
    release = state.releases / "2026-03-02-0a1b2c3d"
    records = [record(key, name="张伟") | {"content_hash": f"hash of {key}"} for key in PERSON_OF]
    links = [
        {
            "source": r["source"],
            "record_id": r["record_id"],
            "person_id": PERSON_OF[r["record_key"]],
            "link_kind": "single",
        }
        for r in records
    ]
    cases = [
        {"case_id": "C1", "kind": "twins", "records": ["grid:1", "police:1"], "person_ids": ["P1", "P2"], "match_weight": 3.5},
        {"case_id": "C2", "kind": "quality_sample", "records": ["grid:1", "police:1"], "person_ids": []},
    ]  # fmt: skip
    with Engine() as engine:
        write_rows(engine, "crosswalk", links, release / "crosswalk.parquet")
        write_rows(engine, "review_cases", cases, release / "review_cases.parquet")
        run = state.runs / release.name / "gate_incoming" / "common_records.parquet"
        write_rows(engine, "common_records", records, run)
    state.current_pointer.write_text(release.name)
    return state


def call(state: State, *words: str) -> str:
    return CliRunner().invoke(app, [*words, "--state", str(state.root)], catch_exceptions=False).output


def judge(state: State, *words: str, command: str = "judge", reader: str = "王五", reason: str = "看过原件") -> str:
    return call(state, command, *words, "--reader", reader, "--reason", reason)


def test_a_judgement_is_appended(state: State) -> None:
    judge(state, "police:1", "grid:1", "same")
    judge(state, "grid:1", "police:1", "different")
    found = read_judgements(state).to_pylist()
    assert [(j["record_key_l"], j["record_key_r"], j["verdict"], j["reader"]) for j in found] == [
        ("grid:1", "police:1", "same", "王五"),
        ("grid:1", "police:1", "different", "王五"),
    ]


def test_a_judgement_bears_what_its_reader_saw(state: State) -> None:
    judge(state, "police:1", "grid:1", "same")
    (found,) = read_judgements(state).to_pylist()
    assert (found["release"], found["case_id"], found["match_weight"]) == ("2026-03-02-0a1b2c3d", "C1", 3.5)
    assert [found[side]["person_id"] for side in ("seen_l", "seen_r")] == ["P2", "P1"]
    assert found["seen_r"]["content_hash"] == "hash of police:1"
    assert len(found["seen_r"]["name_hash"]) == 64 and found["seen_r"]["number_hash"] is None
    assert "张" not in str({**found, "reader": "", "reason": ""})


def test_unlinking_judges_each_record_against_all_that_stay(state: State) -> None:
    told = judge(state, "health:1", "civil:1", command="unlink")
    found = read_judgements(state).to_pylist()
    assert {(j["record_key_l"], j["record_key_r"], j["verdict"]) for j in found} == {
        ("health:1", "health:2", "different"),
        ("civil:1", "health:2", "different"),
    }
    assert len({j["decision_id"] for j in found}) == 1 and found[0]["decision_id"] in told and "P3" in told


def test_what_was_judged_is_withdrawn_whole_by_rows_of_their_own(state: State) -> None:
    judge(state, "police:1", "grid:1", "same")
    judge(state, "health:1", command="unlink")
    before = read_judgements(state).to_pylist()
    judge(state, before[-1]["decision_id"], command="withdraw")
    after = read_judgements(state).to_pylist()
    assert after[:3] == before
    same = ("record_key_l", "record_key_r", "seen_l", "seen_r", "release")
    taken_back = sorted(([j[name] for name in same] for j in before[1:]), key=str)
    assert sorted(([j[name] for name in same] for j in after[3:]), key=str) == taken_back
    assert {j["verdict"] for j in after[3:]} == {"withdrawn"}


def test_a_withdrawal_names_what_it_takes_back_also_where_that_was_replaced(state: State) -> None:
    for verdict in ("same", "different", "unsure"):
        judge(state, "police:1", "grid:1", verdict)
    first, second, third = read_judgements(state)["judgement_id"].to_pylist()
    for judgement in (second, third, first):
        assert withdraw(state, judgement, reader="r", reason="r") == 1
    with pytest.raises(ConfigurationError, match="taken back already"):
        withdraw(state, third, reader="r", reason="r")
    rows = read_judgements(state).to_pylist()
    assert [row["takes_back"] for row in rows] == [None, None, None, second, third, first]
    assert len({row["judgement_id"] for row in rows}) == 6


def test_an_unlinking_is_taken_back_whole_also_where_a_newer_judgement_replaced_it(state: State) -> None:
    judge(state, "health:1", command="unlink")
    decision = read_judgements(state)["decision_id"].to_pylist()[0]
    judge(state, "health:1", "health:2", "same")
    assert withdraw(state, decision, reader="r", reason="r") == 2
    with pytest.raises(ConfigurationError, match="taken back already"):
        withdraw(state, decision, reader="r", reason="r")


@pytest.mark.parametrize(("verdict", "names"), [("withdrawn", None), ("same", "j0")])
def test_only_a_withdrawal_names_another_judgement(state: State, verdict: str, names: str | None) -> None:
    with pytest.raises(ConfigurationError, match="names the judgement"):
        append_judgements(state, [Verdict(("police:1", "grid:1"), verdict, takes_back=names)], reader="r", reason="r")


def test_withdrawals_of_before_they_bore_a_name_get_the_one_they_took_back(tmp_path: Path) -> None:
    state = State(tmp_path)
    open_it(tmp_path)
    engine = sa.create_engine(state.database_url)
    verdicts = ("same", "withdrawn", "same", "different", "withdrawn", "unsure")
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE judgements DROP COLUMN takes_back")
        connection.exec_driver_sql("DROP TABLE fruitless_tries")
        for name in ("no_update", "no_delete", "no_replace"):
            connection.exec_driver_sql(f"DROP TRIGGER unmask_requests_{name}")
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '0004'")
        for number, verdict in enumerate(verdicts):
            connection.exec_driver_sql(
                "INSERT INTO judgements (judgement_id, record_key_l, record_key_r, verdict, reader, decided_at, reason) "
                f"VALUES ('j{number}', 'a:1', 'b:1', '{verdict}', 'r', '2026-01-01 10:0{number}:00.000000', 'r')"
            )
    migrate(engine)
    assert read_judgements(state)["takes_back"].to_pylist() == [None, "j0", None, None, "j3", None]
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE judgements SET takes_back = NULL")
    engine.dispose()


def test_a_withdrawal_is_later_than_what_a_fast_clock_wrote(state: State) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    judgement = append_judgements(
        state, [Verdict(("police:1", "grid:1"), "same")], reader="r", reason="r", decided_at=ahead
    )
    withdraw(state, judgement, reader="r", reason="r")
    assert read_judgements(state)["verdict"].to_pylist() == ["same", "withdrawn"]


def test_the_list_tells_what_became_of_each_and_names_nobody(state: State) -> None:
    judge(state, "police:1", "grid:1", "same")
    judge(state, "health:1", "grid:1", "unsure")
    ids = read_judgements(state)["judgement_id"].to_pylist()
    known = [
        {
            "judgement_id": ids[0],
            "status": "stale",
            "reason": "记录已不在",
            "reason_en": "gone",
            "current_key_l": "grid:7",
        }
    ]
    with Engine() as engine:
        release = state.current_release()
        assert release is not None
        write_rows(
            engine,
            "judgement_status",
            [r | {"decided_at": "2026-03-02"} for r in known],
            release / "judgement_status.parquet",
        )
    newest, oldest = call(state, "judgements").splitlines()
    assert ids[1] in newest and "unsure" in newest and "待夜间应用 waiting" in newest
    assert ids[0] in oldest and "grid:7  police:1" in oldest and "失效 stale: 记录已不在 (gone)" in oldest
    assert "王*" in oldest and "王五" not in oldest + newest and "看过原件" not in oldest + newest
    assert call(state, "judgements", "--status", "waiting").splitlines() == [newest]
    with pytest.raises(ConfigurationError, match="no status 'old'"):
        call(state, "judgements", "--status", "old")


@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        ("unlink", ("health:1", "police:1"), "of 2 persons: P1, P3"),
        ("unlink", ("police:1",), "P1 has no other records"),
        ("unlink", ("health:1", "health:2", "civil:1"), "P3 has no other records"),
        ("unlink", ("health:7",), "no record 'health:7'"),
        ("withdraw", ("0123456789abcdef",), "no judgement '0123456789abcdef'"),
        ("judge", ("police:1", "grid:1", "withdrawn"), "withdrawn"),
    ],
)
def test_what_else_is_refused(state: State, command: str, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        judge(state, *words, command=command)
    assert read_judgements(state).num_rows == 0


def test_without_the_run_nobody_can_say_what_was_seen(state: State) -> None:
    shutil.rmtree(state.runs)
    with pytest.raises(ConfigurationError, match="is gone"):
        judge(state, "police:1", "grid:1", "same")


@pytest.mark.parametrize(
    ("words", "more", "message"),
    [
        (("police:1", "grid:2", "same"), {}, "no record 'grid:2'"),
        (("police:1", "police", "same"), {}, "no record 'police'"),
        (("police:1", "police:330106198503121234", "same"), {}, r"no record 'police:330\*{14}4'"),
        (("police:1", "13911112222", "same"), {}, r"no record '139\*{7}2'"),
        (("police:1", "grid:1", "maybe"), {}, "maybe"),
        (("police:1", "police:1", "same"), {}, "twice"),
        (("police:1", "grid:1", "same"), {"reader": " "}, "reader is empty"),
        (("police:1", "grid:1", "same"), {"reason": ""}, "reason is empty"),
    ],
)
def test_what_is_refused(state: State, words: tuple[str, ...], more: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        judge(state, *words, **more)
    assert read_judgements(state).num_rows == 0


def test_before_the_first_release_there_is_nothing_to_judge(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Nothing is published"):
        judge(State(tmp_path), "police:1", "grid:1", "same")


@pytest.mark.parametrize("command", ["judgements", "restrictions"])
def test_who_only_looks_makes_no_state(tmp_path: Path, command: str) -> None:
    with pytest.raises(ConfigurationError, match="no state"):
        call(State(tmp_path / "typo"), command)
    assert not (tmp_path / "typo").exists()


def test_appending_checks_what_it_is_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not known"):
        append_judgements(State(tmp_path), [Verdict(("a:1", "b:1"), "perhaps")], reader="r", reason="r")
