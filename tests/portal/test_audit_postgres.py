"""The same on PostgreSQL: one chain by many writers, accounts, waiting, and the end that is trusted."""

import concurrent.futures
import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from linkage.kernel.database import create_database, open_database
from linkage.kernel.errors import ConfigurationError, VerificationFailed
from linkage.kernel.run import DATABASE_ENVIRONMENT
from linkage.portal.access import ADMINISTRATORS
from linkage.portal.accounts import grant_role, roles_of
from tests.deploy.services import postgres_server
from tests.portal.bare import bare_portal, browser_at, log_in
from tests.portal.conftest import Portal
from tests.portal.test_audit_chain import look

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture(scope="module")
def postgres() -> Iterator[int]:
    """Port of a server of these tests' own."""
    with postgres_server() as port:
        yield port


@pytest.fixture
def own(tmp_path: Path, postgres: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    url = f"postgresql+psycopg://gridroll@127.0.0.1:{postgres}/portal_{secrets.token_hex(4)}"
    create_database(url)
    monkeypatch.setenv(DATABASE_ENVIRONMENT, url)
    portal = bare_portal(tmp_path, ("police_reader", "sysadmin", "secadmin", "auditor", "nobody"))
    yield portal
    open_database(portal.state).dispose()


def test_many_writers_keep_one_chain_that_verifies(own: Portal) -> None:
    before = own.settings.audit.verify()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda n: own.settings.audit.append(look(n)), range(100)))
    assert sorted(numbers) == list(range(before + 1, before + 101))
    assert own.settings.audit.verify() == before + 100


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET entry = replace(entry, 'user', 'used') WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 10",
        "DELETE FROM audit WHERE seq = 4",
        "DELETE FROM audit_persons WHERE seq = 6",
        "UPDATE audit_index SET actor = 'x' WHERE seq = 6",
    ],
)
def test_changes_are_refused_and_found_out_when_forced(own: Portal, change: str) -> None:
    for number in range(10):
        own.settings.audit.append(look(number))
    engine = open_database(own.state)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(change)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET session_replication_role = replica")  # what an owner of the server can do
        connection.exec_driver_sql(change)
    with pytest.raises(VerificationFailed):
        own.settings.audit.verify()


def test_accounts_pages_and_waiting_work(own: Portal) -> None:
    with browser_at(own) as client:
        assert [log_in(client, "police_reader", "wrong") for _ in range(6)] == [401] * 5 + [429]
        assert log_in(client, "police_reader\x00") in (401, 422)
    officer = own.client("sysadmin", purpose=None)
    assert officer.get("/accounts").status_code == 200
    assert officer.post(f"/accounts/{own.users['nobody']}/disable").status_code == 303
    auditor = own.client("auditor", purpose=None)
    for path in ("/audit", "/audit/usage", "/audit?actor=sysadmin&action=account_disable", "/audit/verification"):
        assert auditor.get(path).status_code == 200, path
    assert "完整：" in auditor.post("/audit/verification").text


def test_grants_at_once_do_not_slip_past_the_separation(own: Portal) -> None:
    def give(role: str) -> None:
        with contextlib.suppress(ConfigurationError):
            grant_role(own.state, own.settings.access, own.users["nobody"], role, granted_by="x", reason="x")

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(give, [*ADMINISTRATORS, "steward", "verifier", "downloader"]))
    held = set(roles_of(own.state, own.users["nobody"]))
    assert held and (len(held) == 1 or not held & set(ADMINISTRATORS))
