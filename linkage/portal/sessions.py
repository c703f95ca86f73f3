"""Logins: a random secret in a cookie, its hash in the database. API tokens likewise."""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import sessions_table
from linkage.portal import clock
from linkage.portal.access import AccessConfig
from linkage.portal.accounts import find_user, roles_of
from linkage.portal.audit import Entry
from linkage.portal.config import Sessions
from linkage.portal.tokens import REUSE, find_token, is_good, is_reused, note_use, revoke_family
from linkage.portal.viewer import Viewer

if TYPE_CHECKING:
    from linkage.portal.settings import Settings

SEEN_EVERY = timedelta(minutes=1)


def open_session(state: State, user_id: str, limits: Sessions, *, second_factor: bool) -> str:
    """Start a session and return its secret, which is told once and kept nowhere."""
    secret, moment = secrets.token_urlsafe(32), clock.now()
    row = {
        "session_hash": _hash(secret), "user_id": user_id, "second_factor": second_factor, "created_at": moment, "last_seen_at": moment,
        "expires_at": moment + timedelta(hours=limits.hours),
    }  # fmt: skip
    with open_database(state).begin() as connection:
        connection.execute(sa.insert(sessions_table), row)
    return secret


def read_session(
    state: State, secret: str, limits: Sessions, access: AccessConfig
) -> tuple[Viewer, dict[str, Any]] | None:
    """Whose session it is, and the session's row; None when it has ended, idled too long, or its account is disabled."""
    moment, session_hash = clock.now(), _hash(secret)
    query = sa.select(sessions_table).where(sessions_table.c.session_hash == session_hash)
    with open_database(state).connect() as connection:
        row = connection.execute(query).mappings().first()
    idle = timedelta(minutes=limits.idle_minutes)
    if (
        row is None
        or row["ended_at"] is not None
        or row["expires_at"] <= moment
        or row["last_seen_at"] + idle <= moment
    ):
        return None
    more = {"session_hash": session_hash, "csrf": csrf_token(secret), "second_factor": row["second_factor"]}
    viewer = viewer_of(state, access, row["user_id"], **more)
    if viewer is None:
        return None
    if row["last_seen_at"] + SEEN_EVERY <= moment:
        update_session(state, session_hash, last_seen_at=moment)
    return viewer, dict(row)


def update_session(state: State, session_hash: str, **values: Any) -> None:
    """Change columns of a session."""
    with open_database(state).begin() as connection:
        connection.execute(
            sa.update(sessions_table).where(sessions_table.c.session_hash == session_hash).values(**values)
        )


def end_sessions(state: State, user_id: str, *, only: str | None = None) -> int:
    """End all sessions of an account at once, or the one with the hash ``only``; returns how many ended."""
    open_ones = (sessions_table.c.user_id == user_id) & sessions_table.c.ended_at.is_(None)
    if only is not None:
        open_ones &= sessions_table.c.session_hash == only
    with open_database(state).begin() as connection:
        return connection.execute(sa.update(sessions_table).where(open_ones).values(ended_at=clock.now())).rowcount


def open_sessions(state: State, user_id: str, limits: Sessions) -> list[dict[str, Any]]:
    """The sessions of an account that have not ended, newest first."""
    table, moment = sessions_table.c, clock.now()
    alive = (table.user_id == user_id) & table.ended_at.is_(None) & (table.expires_at > moment)
    alive &= table.last_seen_at > moment - timedelta(minutes=limits.idle_minutes)
    with open_database(state).connect() as connection:
        query = sa.select(sessions_table).where(alive).order_by(table.created_at.desc())
        return [dict(row) for row in connection.execute(query).mappings()]


def csrf_token(secret: str) -> str:
    """What a form of this session carries; it cannot be told from outside, and tells nothing of the session."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def read_token(settings: "Settings", bearer: str, address: str | None = None) -> tuple[Viewer, dict[str, Any]] | None:
    """Whose API token it is, and its row; None when it is unknown, expired, revoked, rotated away, or its account disabled.

    A token that comes back after it was rotated away revokes its whole family, on record.
    """
    row = find_token(settings.state, bearer)
    if row is None:
        return None
    if is_reused(row):
        owner = find_user(settings.state, user_id=row["user_id"]) or {"username": "", "department": ""}
        details = {"family_id": row["family_id"]}
        entry = Entry(
            "token_reused", owner["username"], owner["department"], "denied", 401, address=address, token_id=row["token_id"], details=details
        )  # fmt: skip
        settings.audit.append(entry)
        revoke_family(settings.state, row["family_id"], REUSE)
    if not is_good(row):
        return None
    viewer = viewer_of(
        settings.state, settings.access, row["user_id"], token_id=row["token_id"], token_scope=row["scope"]
    )
    if viewer is None:
        return None
    note_use(settings.state, row)
    return viewer, row


def viewer_of(state: State, access: AccessConfig, user_id: str, **more: Any) -> Viewer | None:
    """The account as it asks now; None when there is none, or it is disabled."""
    user = find_user(state, user_id=user_id)
    if user is None or user["disabled_at"] is not None:
        return None
    names = {
        name: user[name]
        for name in (
            "user_id",
            "username",
            "display_name",
            "department",
            "area_level",
            "area_name",
            "must_change_password",
        )
    }
    more |= {"has_second_factor": user["totp_secret"] is not None}
    return Viewer(**names, role_names=roles_of(state, user_id), access=access, **more)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
