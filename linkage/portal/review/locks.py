"""Who works on which case: a lock that one steward has until it expires, is released, or the case is decided."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import review_locks_table, users_table
from linkage.portal.accounts import now

LOCKS = review_locks_table.c


@dataclass(frozen=True)
class Lock:
    """Who has a case (``name``: as displayed), since when and until when (UTC)."""

    case_id: str
    user_id: str
    name: str
    taken_at: datetime
    expires_at: datetime


def take_lock(state: State, case_id: str, user_id: str, minutes: int) -> Lock:
    """Take or renew the lock of a case and return it; another steward's, if it is theirs. Of two at once exactly one gets it."""
    try:
        with open_database(state).begin() as connection:
            hold_lock(connection, case_id, user_id, minutes)
    except LockHeld:
        pass
    with open_database(state).connect() as connection:
        found = _read(connection, case_id)
    # Released between the two: whoever comes next may have it.
    return found or take_lock(state, case_id, user_id, minutes)


class LockHeld(Exception):
    """Another steward has the case."""


def hold_lock(connection: sa.Connection, case_id: str, user_id: str, minutes: int) -> None:
    """Take or renew the lock within a transaction, which keeps every other out until it ends. Raises LockHeld."""
    moment = now()
    expires = moment + timedelta(minutes=minutes)
    mine = (LOCKS.case_id == case_id) & (LOCKS.user_id == user_id) & (LOCKS.expires_at > moment)
    renewed = connection.execute(sa.update(review_locks_table).where(mine).values(expires_at=expires))
    if renewed.rowcount:
        return
    free = (LOCKS.case_id == case_id) & ((LOCKS.expires_at <= moment) | (LOCKS.user_id == user_id))
    taken = {"user_id": user_id, "taken_at": moment, "expires_at": expires}
    if connection.execute(sa.update(review_locks_table).where(free).values(**taken)).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(review_locks_table), {"case_id": case_id, **taken})
    except sa.exc.IntegrityError:
        raise LockHeld from None


def release_lock(connection: sa.Connection, case_id: str, user_id: str) -> None:
    """Let a case go; another's lock stays."""
    connection.execute(sa.delete(review_locks_table).where(LOCKS.case_id == case_id, LOCKS.user_id == user_id))


def held_by_others(state: State, user_id: str) -> dict[str, Lock]:
    """Locks that others have now, by case."""
    query = _select().where(LOCKS.user_id != user_id, LOCKS.expires_at > now())
    with open_database(state).connect() as connection:
        return {row["case_id"]: Lock(**row) for row in connection.execute(query).mappings()}


def _read(connection: sa.Connection, case_id: str) -> Lock | None:
    row = connection.execute(_select().where(LOCKS.case_id == case_id)).mappings().first()
    return Lock(**row) if row else None


def _select() -> sa.Select[tuple[object, ...]]:
    name = sa.func.coalesce(users_table.c.display_name, LOCKS.user_id).label("name")
    joined = review_locks_table.outerjoin(users_table, users_table.c.user_id == LOCKS.user_id)
    return sa.select(LOCKS.case_id, LOCKS.user_id, name, LOCKS.taken_at, LOCKS.expires_at).select_from(joined)


def taken_at(connection: sa.Connection, case_id: str, user_id: str) -> datetime | None:
    """Since when ``user_id`` has had the case."""
    query = sa.select(LOCKS.taken_at).where(LOCKS.case_id == case_id, LOCKS.user_id == user_id)
    return connection.execute(query).scalar_one_or_none()
