"""What the system administrator does with accounts; roles are the security administrator's (linkage/portal/accounts.py)."""

from typing import Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.kernel.state_tables import role_grants_table, users_table
from linkage.portal import clock
from linkage.portal.accounts import check_area, check_not_last, lock_user
from linkage.portal.passwords import hash_password, one_time_password
from linkage.portal.sessions import end_sessions
from linkage.portal.tokens import revoke_tokens_of


def change_account(
    state: State,
    user_id: str,
    *,
    by: str,
    display_name: str,
    department: str,
    area_level: str,
    area_name: str,
    oidc_subject: str,
) -> None:
    """Change who the account belongs to; what it sees changes with the next request. Raises ConfigurationError when one changes one's
    own, an account with roles would see rows that it does not see now, the area is none, or another account has the subject."""
    check_area(area_level, area_name)
    values = {
        "display_name": display_name.strip(), "department": department, "area_level": area_level, "area_name": area_name,
        "oidc_subject": oidc_subject.strip() or None,
    }  # fmt: skip
    try:
        with open_database(state).begin() as connection:
            user = _another(connection, user_id, by)
            holds = bool(_holds(connection, user_id))
            if holds and _sees_more(user, department, area_level, area_name):
                raise ConfigurationError(
                    "该账号已有角色，不能改换部门或扩大区域：授权由安全管理员决定。An account with roles keeps its department and sees no larger area.",
                    remedy="Let the security administrator take the roles away first, and give them again afterwards.",
                )
            if values["oidc_subject"] != user["oidc_subject"] and holds:
                raise ConfigurationError(
                    "该账号已有角色，不能更改统一认证标识：否则一人即可冒用他人权限。An account with roles keeps its subject.",
                    remedy="Let the security administrator take the roles away first, and give them again afterwards.",
                )
            _set(connection, user_id, **values)
    except sa.exc.IntegrityError:
        raise ConfigurationError(
            "该统一认证标识已属于另一账号。The subject belongs to another account.", remedy="Check the subject."
        ) from None


def disable(state: State, user_id: str, *, by: str) -> int:
    """Close an account; its logins end at once and its tokens open nothing. Returns how many logins ended. Raises ConfigurationError for
    one's own account, and for the last administrator of a kind."""
    with open_database(state).begin() as connection:
        _another(connection, user_id, by)
        for role in _holds(connection, user_id):
            check_not_last(connection, user_id, role)
        _set(connection, user_id, disabled_at=clock.now())
    revoke_tokens_of(state, user_id, by)
    return end_sessions(state, user_id)


def enable(state: State, user_id: str, *, by: str) -> None:
    """Open a closed account again; it holds the roles that it held."""
    with open_database(state).begin() as connection:
        _another(connection, user_id, by)
        _set(connection, user_id, disabled_at=None)


def reset_password(state: State, user_id: str, *, by: str) -> str:
    """Give the account a one-time password, end its logins, and return the password, which is told once."""
    password = one_time_password()
    hashed = hash_password(password)
    with open_database(state).begin() as connection:
        if _another(connection, user_id, by)["password_hash"] is None:
            raise ConfigurationError(
                "该账号由统一身份认证登录，没有密码。The account logs in through the unified login and has no password.",
                remedy="Its password is reset there.",
            )
        _set(connection, user_id, password_hash=hashed, must_change_password=True)
    revoke_tokens_of(state, user_id, by)
    end_sessions(state, user_id)
    return password


def ask_second_factor_reset(state: State, user_id: str, *, by: str) -> None:
    """The first of two: ask that the account's second factor be taken away. Alone, whoever resets passwords could become anybody."""
    with open_database(state).begin() as connection:
        user = _another(connection, user_id, by)
        if user["totp_secret"] is None:
            raise ConfigurationError("该账号未绑定验证码。The account has no codes.", remedy="Nothing is to be reset.")
        _set(connection, user_id, reset_asked_by=by, reset_asked_at=clock.now())


def decide_second_factor_reset(state: State, user_id: str, *, by: str, agrees: bool) -> None:
    """The second of two: agree, and the account sets up new codes at its next login; or refuse. Raises ConfigurationError when nobody asked,
    or the one who asked decides."""
    with open_database(state).begin() as connection:
        user = _another(connection, user_id, by)
        if user["reset_asked_by"] is None or user["reset_asked_by"] == by:
            raise ConfigurationError(
                "没有待确认的重置申请，或申请人就是您。Nobody else asked for a reset.",
                remedy="The system administrator asks, the security administrator decides.",
            )
        taken: dict[str, Any] = {"totp_secret": None, "totp_last_step": None} if agrees else {}
        _set(connection, user_id, reset_asked_by=None, reset_asked_at=None, **taken)
    if agrees:
        end_sessions(state, user_id)


def _sees_more(user: dict[str, Any], department: str, area_level: str, area_name: str) -> bool:
    """Whether the rows that its roles show would be others than now; from the whole district to a part of it they are only fewer."""
    is_same_area = (area_level, area_name) == (user["area_level"], user["area_name"])
    return department != user["department"] or not (is_same_area or user["area_level"] == "district")


def _holds(connection: sa.Connection, user_id: str) -> list[str]:
    held = role_grants_table.c
    query = sa.select(held.role).where(held.user_id == user_id, held.revoked_at.is_(None))
    return list(connection.execute(query).scalars())


def _another(connection: sa.Connection, user_id: str, by: str) -> dict[str, Any]:
    """The account, which is not one's own."""
    user = lock_user(connection, user_id)
    if user["username"] == by:
        raise ConfigurationError(
            "不得管理自己的账号。Nobody administers their own account.", remedy="Another administrator must."
        )
    return user


def _set(connection: sa.Connection, user_id: str, **values: Any) -> None:
    connection.execute(sa.update(users_table).where(users_table.c.user_id == user_id).values(**values))
