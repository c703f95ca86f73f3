"""docker-compose.yml without a Docker engine: it is read as a deployment (``test_catch_up.py`` starts its services)."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from linkage.kernel.database import MIGRATIONS, VERSION_TABLE, create_database, migrate, open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import metadata
from linkage.review.judgements import Verdict, append_judgements, read_judgements
from tests.builders import REPOSITORY
from tests.deploy.services import COMPOSE, RUNNING, SERVICES


def test_these_services_and_no_other() -> None:
    assert set(SERVICES) == RUNNING | {"postgres", "airflow-init"}


@pytest.mark.parametrize("name", sorted(RUNNING | {"postgres"}))
def test_long_running_services_have_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", sorted(RUNNING))
def test_services_run_without_root_and_after_the_migration(name: str) -> None:
    assert SERVICES[name]["user"].split(":")[0] != "0"
    assert SERVICES[name]["depends_on"]["airflow-init"]["condition"] == "service_completed_successfully"


def test_no_secret_stands_in_the_file() -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
    for line in text.splitlines():
        if re.search(r"(PASSWORD|SECRET|FERNET_KEY)\w*:", line):
            assert "${" in line, line
    named = set(re.findall(r"\$\{(\w+):\?", text))
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    assert named == {name for name in named if f"{name}=" in example}


def test_the_image_is_pinned_and_runs_without_root() -> None:
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in text
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)


def test_the_copy_of_the_audits_head_has_a_volume_that_the_portal_alone_mounts() -> None:
    shipped = (REPOSITORY / "config" / "portal.yaml").read_text(encoding="utf-8")
    (named,) = re.findall(r"^# audit_heads: (\S+)", shipped, re.MULTILINE)
    mounting = {
        name for name, one in SERVICES.items() if any(str(v).endswith(f":{named}") for v in one.get("volumes", ()))
    }
    assert mounting == {"portal"}
    assert {*SERVICES["airflow-scheduler"]["volumes"]} < {*SERVICES["portal"]["volumes"]}
    assert not named.startswith(f"{SERVICES['portal']['environment']['GRIDROLL_STATE']}/")
    assert named in (REPOSITORY / "Dockerfile").read_text(
        encoding="utf-8"
    )  # a new volume belongs to whom the folder does
    assert "audit-heads" in COMPOSE["volumes"]


NEWEST = max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v*.py"))


@pytest.mark.postgres
def test_the_state_database_is_made_and_migrated_on_postgresql(
    postgres: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql+psycopg://gridroll@127.0.0.1:{postgres}/gridroll_judgements"
    monkeypatch.setenv("GRIDROLL_DATABASE_URL", url)
    create_database(url)
    create_database(url)
    state = State(tmp_path)
    append_judgements(state, [Verdict(("a:1", "b:1"), "same")], reader="r", reason="r")
    assert read_judgements(state).num_rows == 1
    for change in ("UPDATE judgements SET verdict = 'different'", "DELETE FROM judgements", "TRUNCATE judgements"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), open_database(state).begin() as connection:
            connection.execute(sa.text(change))
    assert read_judgements(state)["verdict"].to_pylist() == ["same"]
    with open_database(state).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert (context.get_current_revision(), compare_metadata(context, metadata)) == (NEWEST, [])
    open_database(state).dispose()


@pytest.mark.postgres
def test_withdrawals_of_before_they_bore_a_name_get_the_one_they_took_back_on_postgresql(
    postgres: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql+psycopg://gridroll@127.0.0.1:{postgres}/gridroll_withdrawals"
    monkeypatch.setenv("GRIDROLL_DATABASE_URL", url)
    create_database(url)
    state = State(tmp_path)
    engine = open_database(state)
    with engine.begin() as connection:
        for back in (
            "ALTER TABLE judgements DROP COLUMN takes_back",
            "DROP TABLE fruitless_tries",
            "DROP TRIGGER unmask_requests_append_only ON unmask_requests",
            "DROP FUNCTION refuse_to_change_unmask_requests",
            f"UPDATE {VERSION_TABLE} SET version_num = '0004'",
        ):
            connection.exec_driver_sql(back)
        for number, verdict in enumerate(("same", "withdrawn", "same", "different", "withdrawn", "unsure")):
            connection.exec_driver_sql(
                "INSERT INTO judgements (judgement_id, record_key_l, record_key_r, verdict, reader, decided_at, reason) "
                f"VALUES ('j{number}', 'a:1', 'b:1', '{verdict}', 'r', '2026-01-01 10:0{number}:00', 'r')"
            )
    migrate(engine)
    assert read_judgements(state)["takes_back"].to_pylist() == [None, "j0", None, None, "j3", None]
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE judgements SET takes_back = NULL")
    engine.dispose()
