"""Who has an account, which roles each holds, and when it was last used."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import role_grants_table, sessions_table, tokens_table, users_table
from linkage.portal import clock

STALE_AFTER = timedelta(days=90)
STATUSES = ("active", "disabled", "stale", "no_role", "waiting_for_reset")


@dataclass(frozen=True)
class Account:
    """One account as administrators see it; nothing that opens it."""

    user_id: str
    username: str
    display_name: str
    department: str
    area_level: str
    area_name: str
    roles: tuple[str, ...]
    has_password: bool
    has_second_factor: bool
    oidc_subject: str | None
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    last_used_at: datetime | None
    reset_asked_by: str | None
    reset_asked_at: datetime | None

    @property
    def is_stale(self) -> bool:
        """Not used for 90 days, though it could be."""
        return self.disabled_at is None and (self.last_used_at or self.created_at) < clock.now() - STALE_AFTER

    @property
    def statuses(self) -> tuple[str, ...]:
        """Which of STATUSES are true."""
        found = {
            "active": self.disabled_at is None, "disabled": self.disabled_at is not None, "stale": self.is_stale,
            "no_role": not self.roles, "waiting_for_reset": self.reset_asked_by is not None,
        }  # fmt: skip
        return tuple(name for name in STATUSES if found[name])


def list_accounts(state: State, *, user_id: str | None = None) -> list[Account]:
    """All accounts (or the one), by username."""
    users = users_table.c
    query = sa.select(users_table).order_by(users.username)
    if user_id is not None:
        query = query.where(users.user_id == user_id)
    with open_database(state).connect() as connection:
        rows = list(connection.execute(query).mappings())
        roles = _roles(connection)
        used = _last_used(connection)
    return [_account(row, roles.get(row["user_id"], ()), used.get(row["user_id"])) for row in rows]


def grants_of(state: State, user_id: str) -> list[dict[str, Any]]:
    """Every role given to an account and taken from it, newest first."""
    table = role_grants_table.c
    query = sa.select(role_grants_table).where(table.user_id == user_id).order_by(table.granted_at.desc())
    with open_database(state).connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _account(row: sa.RowMapping, roles: tuple[str, ...], used: datetime | None) -> Account:
    same = ("user_id", "username", "display_name", "department", "area_level", "area_name", "oidc_subject", "created_at", "created_by", "disabled_at",
            "reset_asked_by", "reset_asked_at")  # fmt: skip
    return Account(
        **{name: row[name] for name in same},
        roles=roles,
        has_password=row["password_hash"] is not None,
        has_second_factor=row["totp_secret"] is not None,
        last_used_at=used,
    )


def _roles(connection: sa.Connection) -> dict[str, tuple[str, ...]]:
    table = role_grants_table.c
    held = sa.select(table.user_id, table.role).where(table.revoked_at.is_(None)).distinct().order_by(table.role)
    found: dict[str, tuple[str, ...]] = {}
    for user_id, role in connection.execute(held):
        found[user_id] = (*found.get(user_id, ()), role)
    return found


def _last_used(connection: sa.Connection) -> dict[str, datetime]:
    """When each account was last used, by a login or a token."""
    found: dict[str, datetime] = {}
    for table, moment in ((sessions_table, "last_seen_at"), (tokens_table, "last_used_at")):
        newest = sa.select(table.c.user_id, sa.func.max(table.c[moment])).group_by(table.c.user_id)
        for user_id, used in connection.execute(newest):
            if used is not None and used > found.get(user_id, datetime.min):
                found[user_id] = used
    return found
