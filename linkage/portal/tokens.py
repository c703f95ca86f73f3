"""API tokens: ``grt_<id>_<secret>``, told once, kept as a hash; narrower than their owner, short-lived, revoked at once.

Rotating gives a successor of the same family; the old one works on for a short overlap. Whoever comes with it after that has kept, or stolen, a
secret that should be gone: the whole family is revoked (RFC 9700, 4.14.2, for refresh tokens).
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import tokens_table, users_table
from linkage.portal import clock
from linkage.portal.access import Permission
from linkage.portal.accounts import new_id
from linkage.portal.viewer import Viewer

PREFIX = "grt"
SECRET_BYTES = 32
SEEN_EVERY = timedelta(minutes=1)
LONGEST_OVERLAP_HOURS = 72
REUSE = "reuse of a rotated token"
GRANTABLE: tuple[Permission, ...] = (
    "look_up", "verify", "match_call", "explain", "send_back", "answer_corrections", "download", "download_register", "report",
)  # fmt: skip
"""What a token can be for. Granting, administering, reviewing and tokens themselves need a person at a session."""
Row = dict[str, Any]


def create_token(
    state: State,
    viewer: Viewer,
    *,
    name: str,
    purpose: str,
    may: Iterable[str],
    tables: Mapping[str, Iterable[str]],
    days: int,
) -> tuple[str, str]:
    """Make a token and return its id and the bearer text. What it may be for is the caller's to check; what it sees is narrowed once
    more at each use, so that it never sees what its owner does not."""
    token_id = new_id()
    scope = {"may": sorted(set(may)), "tables": {table: sorted(set(columns)) for table, columns in tables.items()}}
    row = {
        "token_id": token_id,
        "family_id": token_id,
        "name": name,
        "user_id": viewer.user_id,
        "scope": scope,
        "purpose": purpose,
    }
    return token_id, _insert(state, row, days)


def rotate_token(state: State, old: Row, *, overlap_hours: int, days: int) -> tuple[str, str]:
    """Make the successor of ``old``, which works on for ``overlap_hours``; returns the successor's id and bearer text."""
    token_id = new_id()
    row = {name: old[name] for name in ("family_id", "name", "user_id", "scope", "purpose")} | {"token_id": token_id}
    bearer = _insert(state, row, days)
    until = min(old["expires_at"], clock.now() + timedelta(hours=overlap_hours))
    _update(state, tokens_table.c.token_id == old["token_id"], replaced_by=token_id, overlap_until=until)
    return token_id, bearer


def _insert(state: State, row: Row, days: int) -> str:
    secret, moment = secrets.token_urlsafe(SECRET_BYTES), clock.now()
    times = {"created_at": moment, "expires_at": moment + timedelta(days=days)}
    with open_database(state).begin() as connection:
        connection.execute(sa.insert(tokens_table), row | times | {"secret_hash": _hash(secret)})
    return f"{PREFIX}_{row['token_id']}_{secret}"


def find_token(state: State, bearer: str) -> Row | None:
    """The token of this bearer text, whatever its state; None when the id or the secret is wrong."""
    prefix, _, rest = bearer.partition("_")
    token_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not secret:
        return None
    found = token_by_id(state, token_id)
    # Compared in any case, so that an id that does not exist takes as long.
    good = hmac.compare_digest(found["secret_hash"] if found else "0" * 64, _hash(secret))
    return found if good else None


def token_by_id(state: State, token_id: str) -> Row | None:
    """The token with this id."""
    query = sa.select(tokens_table).where(tokens_table.c.token_id == token_id)
    with open_database(state).connect() as connection:
        row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def is_reused(row: Row) -> bool:
    """Whether the token was rotated away, and its overlap is over, though it would still be good otherwise."""
    return row["overlap_until"] is not None and row["overlap_until"] <= clock.now() and row["revoked_at"] is None


def is_good(row: Row) -> bool:
    """Whether the token may be used now."""
    over = row["overlap_until"] is not None and row["overlap_until"] <= clock.now()
    return row["revoked_at"] is None and row["expires_at"] > clock.now() and not over


def note_use(state: State, row: Row) -> None:
    """Remember that the token was used, at most once a minute."""
    if row["last_used_at"] is None or row["last_used_at"] + SEEN_EVERY <= clock.now():
        _update(state, tokens_table.c.token_id == row["token_id"], last_used_at=clock.now())


def revoke_token(state: State, token_id: str, by: str) -> None:
    """Revoke one token, from the next request on."""
    _update(
        state,
        (tokens_table.c.token_id == token_id) & tokens_table.c.revoked_at.is_(None),
        revoked_at=clock.now(),
        revoked_by=by,
    )


def revoke_family(state: State, family_id: str, by: str) -> None:
    """Revoke a token and all that it was rotated to."""
    _update(
        state,
        (tokens_table.c.family_id == family_id) & tokens_table.c.revoked_at.is_(None),
        revoked_at=clock.now(),
        revoked_by=by,
    )


def revoke_tokens_of(state: State, user_id: str, by: str) -> None:
    """Revoke all tokens of an account, from the next request on."""
    _update(
        state,
        (tokens_table.c.user_id == user_id) & tokens_table.c.revoked_at.is_(None),
        revoked_at=clock.now(),
        revoked_by=by,
    )


def list_tokens(state: State, user_id: str | None = None) -> list[Row]:
    """Tokens with their owners' usernames and departments, newest first: of one user or all; without secrets."""
    shown = [column for column in tokens_table.c if column.name != "secret_hash"]
    query = (
        sa.select(*shown, users_table.c.username, users_table.c.department)
        .join(users_table, users_table.c.user_id == tokens_table.c.user_id)
        .order_by(tokens_table.c.created_at.desc(), tokens_table.c.token_id)
    )
    if user_id is not None:
        query = query.where(tokens_table.c.user_id == user_id)
    with open_database(state).connect() as connection:
        return [dict(row) | {"state": state_of(dict(row))} for row in connection.execute(query).mappings()]


def state_of(row: Row) -> str:
    """good, rotated (works until its overlap is over), expired, revoked."""
    if row["revoked_at"] is not None:
        return "revoked"
    if not is_good(row):
        return "expired"
    return "rotated" if row["overlap_until"] is not None else "good"


def _update(state: State, which: sa.ColumnElement[bool], **values: Any) -> None:
    with open_database(state).begin() as connection:
        connection.execute(sa.update(tokens_table).where(which).values(**values))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
