"""What is over is deleted; what is not, and what says when an account was last used, stays."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import fruitless_tries_table, login_failures_table, review_locks_table, sessions_table
from linkage.night import retain
from linkage.portal import clock
from linkage.portal.account_list import list_accounts
from linkage.portal.backoff import FORGOTTEN_AFTER
from linkage.portal.housekeeping import purge
from linkage.portal.review.locks import take_lock
from linkage.portal.sessions import end_sessions, open_session, read_session
from tests.portal.bare import Clock, bare_portal
from tests.portal.bare import time_of as time_of
from tests.portal.conftest import CONFIG, Portal


@pytest.fixture
def portal(tmp_path: Path, time_of: Clock) -> Portal:
    return bare_portal(tmp_path, ("steward", "auditor"))


def sessions(portal: Portal) -> set[str]:
    with open_database(portal.state).connect() as connection:
        return set(connection.execute(sa.select(sessions_table.c.session_hash)).scalars())


def log_in(portal: Portal, username: str = "steward") -> str:
    return open_session(portal.state, portal.users[username], portal.settings.portal.sessions, second_factor=True)


def is_in(portal: Portal, secret: str) -> bool:
    return read_session(portal.state, secret, portal.settings.portal.sessions, portal.settings.access) is not None


@pytest.mark.parametrize("how", ["idle", "too old", "logged out"])
def test_sessions_that_are_over_go_and_live_ones_stay(portal: Portal, time_of: Clock, how: str) -> None:
    limits = portal.settings.portal.sessions
    over = log_in(portal)
    match how:
        case "idle":
            time_of.tick(minutes=limits.idle_minutes)
        case "too old":
            for _ in range(int(limits.hours * 4)):
                time_of.tick(minutes=15)
                is_in(portal, over)
        case "logged out":
            time_of.tick(minutes=2)
            end_sessions(portal.state, portal.users["steward"])
    time_of.tick(minutes=1)
    live, other = log_in(portal), log_in(portal, "auditor")
    assert not is_in(portal, over) and len(sessions(portal)) == 3
    assert purge(portal.state, portal.settings.portal)["sessions"] == 1
    assert is_in(portal, live) and is_in(portal, other) and len(sessions(portal)) == 2
    assert purge(portal.state, portal.settings.portal)["sessions"] == 0


def test_when_an_account_was_last_used_is_still_known(portal: Portal, time_of: Clock) -> None:
    for _ in range(3):
        log_in(portal)
        last = clock.now()
        time_of.tick(days=2)
    purge(portal.state, portal.settings.portal)
    (steward,) = [account for account in list_accounts(portal.state) if account.username == "steward"]
    assert steward.last_used_at == last and len(sessions(portal)) == 1


def test_locks_failures_and_tries_go_when_they_count_no_more(portal: Portal, time_of: Clock) -> None:
    days = portal.settings.portal.guessing.days
    with open_database(portal.state).begin() as connection:
        for name, ago in (("old", FORGOTTEN_AFTER + timedelta(minutes=1)), ("new", timedelta(hours=1))):
            row = {"tried": name, "failures": 3, "last_at": clock.now() - ago}
            connection.execute(sa.insert(login_failures_table), row)
        for name, ago in (("old", timedelta(days=days)), ("new", timedelta(days=days - 1))):
            row = {"tried": name, "value_hash": name, "day": clock.now().date() - ago}
            connection.execute(sa.insert(fruitless_tries_table), row)
    take_lock(portal.state, "C1", portal.users["steward"], 15)
    time_of.tick(minutes=10)
    take_lock(portal.state, "C2", portal.users["steward"], 15)
    time_of.tick(minutes=10)
    assert purge(portal.state, portal.settings.portal) == {
        "sessions": 0, "login_failures": 1, "review_locks": 1, "fruitless_tries": 1,
    }  # fmt: skip
    with open_database(portal.state).connect() as connection:
        left = [
            set(connection.execute(sa.select(column)).scalars())
            for column in (login_failures_table.c.tried, fruitless_tries_table.c.tried, review_locks_table.c.case_id)
        ]
    assert left == [{"new"}, {"new"}, {"C2"}]


def test_the_nightly_retention_does_it(portal: Portal, time_of: Clock) -> None:
    log_in(portal)
    time_of.tick(days=1)
    log_in(portal)
    retain(portal.state.root, date(2026, 3, 2), CONFIG)
    assert len(sessions(portal)) == 1
