"""The judgements database: made and brought up to date by migrations, and written to by `linkage judge`."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from typer.testing import CliRunner

from linkage.cli import app
from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.review.database import VERSION_TABLE, metadata, open_database
from linkage.review.judgements import append_judgement, read_judgements
from tests.builders import write_rows


def open_it(root: Path) -> str | None:
    with open_database(State(root)).connect() as connection:
        return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def test_a_new_database_has_the_tables_that_the_code_declares(tmp_path: Path) -> None:
    assert open_it(tmp_path) == "0003"
    with open_database(State(tmp_path)).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_a_database_of_before_the_migrations_keeps_its_judgements(tmp_path: Path) -> None:
    before = sa.create_engine(f"sqlite:///{tmp_path / 'gridroll.sqlite'}")
    metadata.create_all(before, tables=[metadata.tables["judgements"]])
    row = dict.fromkeys(("judgement_id", "record_key_l", "record_key_r", "verdict", "reader", "reason"), "x")
    with before.begin() as connection:
        connection.execute(
            sa.insert(metadata.tables["judgements"]).values(**row, decided_at=sa.func.current_timestamp())
        )
    before.dispose()
    assert open_it(tmp_path) == "0003"
    assert read_judgements(State(tmp_path)).num_rows == 1


def test_processes_that_open_a_new_database_at_once_take_turns(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        assert list(pool.map(open_it, [tmp_path] * 4)) == ["0003"] * 4


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A current release with two records."""
    state = State(tmp_path / "state")
    release = state.releases / "2026-03-02-0a1b2c3d"
    rows = [
        {"source": source, "record_id": "1", "person_id": "P1", "link_kind": "single"} for source in ("police", "grid")
    ]
    with Engine() as engine:
        write_rows(engine, "crosswalk", rows, release / "crosswalk.parquet")
    state.current_pointer.write_text(release.name)
    return state


def judge(state: State, *words: str, reader: str = "王五", reason: str = "看过原件") -> None:
    arguments = ["judge", *words, "--reader", reader, "--reason", reason, "--state", str(state.root)]
    CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_judgement_is_appended(state: State) -> None:
    judge(state, "police:1", "grid:1", "same")
    judge(state, "grid:1", "police:1", "different")
    found = read_judgements(state).to_pylist()
    assert [(j["record_key_l"], j["record_key_r"], j["verdict"], j["reader"]) for j in found] == [
        ("grid:1", "police:1", "same", "王五"),
        ("grid:1", "police:1", "different", "王五"),
    ]


@pytest.mark.parametrize(
    ("words", "more", "message"),
    [
        (("police:1", "grid:2", "same"), {}, "no record 'grid:2'"),
        (("police:1", "police", "same"), {}, "no record 'police'"),
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


def test_appending_checks_what_it_is_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not known"):
        append_judgement(State(tmp_path), "a:1", "b:1", "perhaps", reader="r", reason="r")
