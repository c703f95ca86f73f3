"""Accounts and the roles they hold, in the state database."""

import re
import secrets
import unicodedata
from typing import Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.kernel.state_tables import role_grants_table, users_table
from linkage.portal import clock
from linkage.portal.access import ADMINISTRATORS, AccessConfig
from linkage.portal.clock import now
from linkage.portal.passwords import hash_password
from linkage.portal.viewer import AREA_COLUMNS

USERNAME = re.compile(r"[\w][\w.\-@ ]{0,99}")
Row = dict[str, Any]


def new_id() -> str:
    """16 random hexadecimal digits."""
    return secrets.token_hex(8)


def plain_username(text: str) -> str:
    """A username as it is kept: small letters, half-width, so that two that look alike are one."""
    return unicodedata.normalize("NFKC", text).strip().lower()


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
    check_area(area_level, area_name)
    name = plain_username(username)
    if not USERNAME.fullmatch(name):
        raise ConfigurationError(
            f"{username!r} is no username. 用户名不合规。",
            remedy="Letters, digits and . _ - @, at most 100, beginning with a letter or digit.",
        )
    user_id = new_id()
    row = {
        "user_id": user_id, "username": name, "display_name": display_name.strip() or name, "department": department,
        "area_level": area_level, "area_name": area_name, "password_hash": hash_password(password) if password else None,
        "must_change_password": must_change_password, "oidc_subject": oidc_subject or None, "created_at": clock.now(), "created_by": created_by,
    }  # fmt: skip
    try:
        with open_database(state).begin() as connection:
            connection.execute(sa.insert(users_table), row)
    except sa.exc.IntegrityError:
        raise ConfigurationError(
            f"The username {name!r} or the subject is taken. 用户名或统一认证标识已被使用。",
            remedy="Choose another name.",
        ) from None
    return user_id


def check_area(area_level: str, area_name: str) -> None:
    """Raise ConfigurationError when this is no area: all levels but the district have a name."""
    if area_level not in AREA_COLUMNS or (area_level == "district") != (area_name == ""):
        raise ConfigurationError(
            f"{area_level!r} with the name {area_name!r} is no area.",
            remedy=f"Levels: {', '.join(AREA_COLUMNS)}; all but district need a name.",
        )


def grant_role(state: State, access: AccessConfig, user_id: str, role: str, *, granted_by: str, reason: str) -> str:
    """Give a role and return the id of the grant. Raises ConfigurationError on an unknown role, on one that is held already or that one
    would give to oneself, and where one person would be two of the three administrators, or an administrator who also sees residents' data."""
    if access.role(role) is None:
        raise ConfigurationError(
            f"There is no role {role!r}.", remedy=f"Roles: {', '.join(r.role for r in access.roles)}."
        )
    grant_id = new_id()
    row = {
        "grant_id": grant_id, "user_id": user_id, "role": role, "granted_by": granted_by, "granted_at": clock.now(), "reason": reason,
    }  # fmt: skip
    with open_database(state).begin() as connection:
        user = lock_user(connection, user_id)
        if user["username"] == granted_by:
            raise ConfigurationError(
                "不得给自己授权。Nobody gives a role to themselves.", remedy="Another security administrator must."
            )
        held = set(connection.execute(_roles_query(user_id)).scalars())
        _check_separation(held, role)
        connection.execute(sa.insert(role_grants_table), row)
    return grant_id


def _check_separation(held: set[str], role: str) -> None:
    if role in held:
        raise ConfigurationError(
            "该账号已有此角色。The account holds this role already.", remedy="Nothing is to be done."
        )
    if held and (held | {role}) & set(ADMINISTRATORS):
        raise ConfigurationError(
            "三员分立：管理员不得兼任其他角色。An administrator holds no second role.",
            remedy="Use an account of its own, held by another person.",
        )


def revoke_role(state: State, user_id: str, grant_id: str, *, revoked_by: str, reason: str) -> str:
    """Take a role away, at once, and return its name. Raises ConfigurationError when it is not held, is one's own, or is the last
    administrator's of its kind."""
    table = role_grants_table
    with open_database(state).begin() as connection:
        user = lock_user(connection, user_id)
        is_it = (table.c.grant_id == grant_id) & (table.c.user_id == user_id) & table.c.revoked_at.is_(None)
        role = connection.execute(sa.select(table.c.role).where(is_it)).scalar()
        if role is None:
            raise ConfigurationError("没有此授权，或已收回。There is no such grant.", remedy="Reload the page.")
        if user["username"] == revoked_by:
            raise ConfigurationError(
                "不得收回自己的角色。Nobody takes their own role away.", remedy="Another security administrator must."
            )
        check_not_last(connection, user_id, role)
        taken = {"revoked_at": clock.now(), "revoked_by": revoked_by, "revoke_reason": reason}
        # Several grants of one role (from a time before this was refused) end together.
        same = (table.c.user_id == user_id) & (table.c.role == role) & table.c.revoked_at.is_(None)
        connection.execute(sa.update(table).where(same).values(**taken))
    return str(role)


def check_not_last(connection: sa.Connection, user_id: str, role: str) -> None:
    """Raise ConfigurationError when nobody else is an administrator of this kind: nobody could ever appoint one again."""
    if role not in ADMINISTRATORS:
        return
    grants, users = role_grants_table.c, users_table.c
    others = (
        sa.select(users.user_id)
        .join_from(role_grants_table, users_table, grants.user_id == users.user_id)
        .where(grants.role == role, grants.revoked_at.is_(None), users.disabled_at.is_(None), users.user_id != user_id)
        .limit(1)
    )
    if connection.execute(others).first() is None:
        raise ConfigurationError(
            f"这是最后一名此类管理员（{role}），不能收回或停用。This is the last {role}.",
            remedy="Appoint another one first.",
        )


def lock_user(connection: sa.Connection, user_id: str) -> Row:
    """The account, locked until the transaction ends: what is decided on it is decided one after the other. Raises ConfigurationError
    when there is none."""
    mine = users_table.c.user_id == user_id
    connection.execute(sa.update(users_table).where(mine).values(display_name=users_table.c.display_name))
    row = connection.execute(sa.select(users_table).where(mine)).mappings().first()
    if row is None:
        raise ConfigurationError("没有此账号。There is no such account.", remedy="Choose one of the list.")
    return dict(row)


def _roles_query(user_id: str) -> sa.Select[str]:
    table = role_grants_table.c
    held = (table.user_id == user_id) & table.revoked_at.is_(None)
    return sa.select(table.role).where(held).distinct().order_by(table.role)


def roles_of(state: State, user_id: str) -> tuple[str, ...]:
    """Names of the roles that count now."""
    with open_database(state).connect() as connection:
        return tuple(connection.execute(_roles_query(user_id)).scalars())


def find_user(state: State, **by: str) -> Row | None:
    """The account with this username, user_id or oidc_subject."""
    ((column, value),) = by.items()
    if column == "username":
        value = plain_username(value)
    if "\x00" in value:
        return None  # PostgreSQL refuses to be asked
    query = sa.select(users_table).where(users_table.c[column] == value)
    with open_database(state).connect() as connection:
        row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def update_user(state: State, user_id: str, **values: Any) -> None:
    """Change columns of an account."""
    with open_database(state).begin() as connection:
        connection.execute(sa.update(users_table).where(users_table.c.user_id == user_id).values(**values))


def count_users(state: State) -> int:
    """How many accounts there are."""
    with open_database(state).connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(users_table)).scalar_one())


__all__ = [
    "Row",
    "check_area",
    "check_not_last",
    "count_users",
    "create_user",
    "find_user",
    "grant_role",
    "lock_user",
    "new_id",
    "now",
    "plain_username",
    "revoke_role",
    "roles_of",
    "update_user",
]
