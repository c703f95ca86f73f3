"""Guessing is slowed down: after a few wrong tries each further one waits, twice as long each time.

A try is counted as wrong before it is looked at and forgiven when it was right, so that a hundred tries at once gain nothing. Right
passwords wait too; the wait ends by itself, so nobody is locked out for good.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import login_failures_table
from linkage.portal import clock
from linkage.portal.config import Login
from linkage.portal.desk import Refused

LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
ADDRESS_FACTOR = 10
"""One address may serve a whole office: it waits after so many times as many failures, whatever the accounts."""
ONE_FORGOTTEN_EVERY = timedelta(minutes=5)
"""Of an address: an office's daily typing errors must not add up."""


class TooSoon(Refused):
    """The next try must wait ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            429, f"尝试过多，请 {seconds} 秒后再试。", f"Too many tries; wait {seconds} seconds before the next."
        )
        self.headers = {"retry-after": str(seconds)}


def count_try(state: State, tried: str, rules: Login, *, factor: int = 1) -> None:
    """Count a try on ``tried`` (a keyed hash) as wrong. Raises TooSoon when it comes too early; that one is not counted."""
    while True:
        try:
            wait = _count(state, tried, rules, factor)
        except sa.exc.IntegrityError:
            continue  # another request was first to begin the count
        if wait > timedelta():
            raise TooSoon(-(-wait // timedelta(seconds=1)))
        return


def _count(state: State, tried: str, rules: Login, factor: int) -> timedelta:
    table, now = login_failures_table, clock.now()
    mine = table.c.tried == tried
    with open_database(state).begin() as connection:
        # The update that changes nothing takes the row's lock (in SQLite the database's).
        held = connection.execute(sa.update(table).where(mine).values(last_at=table.c.last_at))
        if held.rowcount == 0:
            connection.execute(sa.delete(table).where(table.c.last_at < now - FORGOTTEN_AFTER))
            connection.execute(sa.insert(table), {"tried": tried, "failures": 0, "last_at": now, "waits_until": None})
        row = connection.execute(sa.select(table).where(mine)).one()
        if row.waits_until is not None and row.waits_until > now:
            left: timedelta = row.waits_until - now
            return left
        before, last_at = _remembered(row, now, is_shared=factor > 1)
        beyond = before + 1 - rules.failures * factor
        wait = min(timedelta(seconds=rules.wait_seconds) * 2 ** min(beyond, 20), LONGEST_WAIT) if beyond >= 0 else None
        new = {"failures": before + 1, "last_at": last_at, "waits_until": now + wait if wait else None}
        connection.execute(sa.update(table).where(mine).values(**new))
    return timedelta()


def _remembered(row: sa.Row[Any], now: datetime, *, is_shared: bool) -> tuple[int, datetime]:
    """Failures that still count, and the moment from which the next ones are forgotten."""
    if row.last_at <= now - FORGOTTEN_AFTER:
        return 0, now
    if not is_shared:
        return row.failures, now
    forgotten = (now - row.last_at) // ONE_FORGOTTEN_EVERY
    left = max(row.failures - forgotten, 0)
    return left, row.last_at + forgotten * ONE_FORGOTTEN_EVERY if left else now


def forgive(state: State, tried: str, *, only_last: bool = False) -> None:
    """The try was right: the count begins anew, or (``only_last``, for an address that many share) is one less."""
    table = login_failures_table
    mine = table.c.tried == tried
    with open_database(state).begin() as connection:
        if only_last:
            one_less = sa.update(table).where(mine, table.c.failures > 0)
            connection.execute(one_less.values(failures=table.c.failures - 1, waits_until=None))
        else:
            connection.execute(sa.delete(table).where(mine))
