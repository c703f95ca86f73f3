"""Accounts and the roles they hold, in the state database."""

import secrets
from datetime import UTC, datetime
from typing import Any

import argon2
import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.kernel.state_tables import role_grants_table, users_table
from linkage.portal.access import ADMINISTRATORS, AccessConfig
from linkage.portal.viewer import AREA_COLUMNS

HASHER = argon2.PasswordHasher()  # argon2id with the parameters of RFC 9106, low memory
Row = dict[str, Any]


def now() -> datetime:
    """The moment, UTC without a zone, as the database keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def new_id() -> str:
    """16 random hexadecimal digits."""
    return secrets.token_hex(8)


def create_user(
    state: State,
    username: str,
    *,
    display_name: str,
    department: str,
    created_by: str,
    password: str | None = None,
    must_change_password: bool = True,
    area_level: str = "district",
    area_name: str = "",
    oidc_subject: str | None = None,
) -> str:
    """Make an account and return its id. It holds no role yet. Raises ConfigurationError when the name is taken or the area is none."""
    if area_level not in AREA_COLUMNS or (area_level == "district") != (area_name == ""):
        raise ConfigurationError(
            f"{area_level!r} with the name {area_name!r} is no area.",
            remedy=f"Levels: {', '.join(AREA_COLUMNS)}; all but district need a name.",
        )
    user_id = new_id()
    row = {
        "user_id": user_id, "username": username.strip(), "display_name": display_name.strip(), "department": department,
        "area_level": area_level, "area_name": area_name, "password_hash": HASHER.hash(password) if password else None,
        "must_change_password": must_change_password, "oidc_subject": oidc_subject, "failed_logins": 0, "created_at": now(), "created_by": created_by,
    }  # fmt: skip
    try:
        with open_database(state).begin() as connection:
            connection.execute(sa.insert(users_table), row)
    except sa.exc.IntegrityError:
        raise ConfigurationError(
            f"The username {username!r} or the subject is taken.", remedy="Choose another name."
        ) from None
    return user_id


def grant_role(state: State, access: AccessConfig, user_id: str, role: str, *, granted_by: str, reason: str) -> str:
    """Give a role and return the id of the grant. Raises ConfigurationError on an unknown role, and where one person would be two of
    the three administrators, or an administrator who also sees residents' data."""
    asked = access.role(role)
    if asked is None:
        raise ConfigurationError(
            f"There is no role {role!r}.", remedy=f"Roles: {', '.join(r.role for r in access.roles)}."
        )
    held = set(roles_of(state, user_id)) | {role}
    administrators = held & set(ADMINISTRATORS)
    if len(administrators) > 1 or (administrators and len(held) > 1):
        raise ConfigurationError(
            "三员分立：管理员不得兼任其他角色。An administrator holds no second role.",
            remedy="Use an account of its own, held by another person.",
        )
    grant_id = new_id()
    row = {
        "grant_id": grant_id,
        "user_id": user_id,
        "role": role,
        "granted_by": granted_by,
        "granted_at": now(),
        "reason": reason,
    }
    with open_database(state).begin() as connection:
        connection.execute(sa.insert(role_grants_table), row)
    return grant_id


def roles_of(state: State, user_id: str) -> tuple[str, ...]:
    """Names of the roles that count now."""
    table = role_grants_table.c
    query = (
        sa.select(table.role)
        .where(table.user_id == user_id, table.revoked_at.is_(None))
        .distinct()
        .order_by(table.role)
    )
    with open_database(state).connect() as connection:
        return tuple(connection.execute(query).scalars())


def find_user(state: State, **by: str) -> Row | None:
    """The account with this username, user_id or oidc_subject."""
    ((column, value),) = by.items()
    query = sa.select(users_table).where(users_table.c[column] == value)
    with open_database(state).connect() as connection:
        row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def update_user(state: State, user_id: str, **values: Any) -> None:
    """Change columns of an account."""
    with open_database(state).begin() as connection:
        connection.execute(sa.update(users_table).where(users_table.c.user_id == user_id).values(**values))
