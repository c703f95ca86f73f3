"""Accounts from the server's console: the first three administrators, and help when nobody can log in. All of it is on record."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.errors import ConfigurationError, LinkageError
from linkage.kernel.state_tables import users_table
from linkage.portal.access import ADMINISTRATORS
from linkage.portal.accounts import count_users, create_user, find_user, grant_role
from linkage.portal.audit import Entry
from linkage.portal.passwords import hash_password, one_time_password
from linkage.portal.sessions import end_sessions
from linkage.portal.settings import Settings
from linkage.portal.viewer import OFFICE


def console_actor() -> str:
    """Who sits at the console, as the audit names them."""
    return f"console:{getpass.getuser()}"


@contextmanager
def on_record(settings: Settings, action: str, **details: Any) -> Iterator[None]:
    """Put on record that something is done at the console: before, and after it worked or failed. What cannot be put on record is not done."""

    def write(outcome: str) -> None:
        settings.audit.append(Entry(action, console_actor(), OFFICE, outcome, details=details))

    try:
        write("asked")
    except LinkageError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"The audit cannot be written ({type(error).__name__}), so nothing is done.",
            remedy="Check the state folder's disk and rights, then run the command again.",
        ) from None
    try:
        yield
    except Exception:
        write("failed")
        raise
    write("done")


def create_administrators(settings: Settings, usernames: dict[str, str]) -> dict[str, str]:
    """Make the three administrators' accounts (role -> username); returns username -> one-time password. Raises ConfigurationError when
    there are accounts already, or the names are not three."""
    if len(set(usernames.values())) != len(ADMINISTRATORS):
        raise ConfigurationError("The three administrators need three usernames.", remedy="Name three persons.")
    if count_users(settings.state):
        raise ConfigurationError(
            "There are accounts already. 已有账号。",
            remedy="Log in as the system administrator; if nobody can, `linkage user reset <username>`.",
        )
    passwords = {}
    with on_record(settings, "console_init", accounts=sorted(usernames.values())):
        for role in ADMINISTRATORS:
            passwords[usernames[role]] = add_user(
                settings, usernames[role], OFFICE, role, reason="first administrators"
            )
    return passwords


def add_user(settings: Settings, username: str, department: str, role: str | None, *, reason: str) -> str:
    """Make an account with a one-time password, and return that."""
    password = one_time_password()
    user_id = create_user(
        settings.state, username, display_name=username, department=department, created_by=console_actor(), password=password
    )  # fmt: skip
    if role is not None:
        grant_role(settings.state, settings.access, user_id, role, granted_by=console_actor(), reason=reason)
    return password


def reset_user(settings: Settings, username: str, *, second_factor: bool) -> str:
    """Give a one-time password, end all logins, open the account, and take the second factor away where asked; returns the password."""
    user = find_user(settings.state, username=username)
    if user is None:
        raise ConfigurationError(f"There is no account {username!r}.", remedy="`linkage user list` names them.")
    password = one_time_password()
    values: dict[str, Any] = {
        "password_hash": hash_password(password), "must_change_password": True, "disabled_at": None, "reset_asked_by": None, "reset_asked_at": None,
    }  # fmt: skip
    if second_factor:
        values |= {"totp_secret": None, "totp_last_step": None}
    with on_record(settings, "console_user_reset", account=user["username"], second_factor=second_factor):
        with open_database(settings.state).begin() as connection:
            mine = users_table.c.user_id == user["user_id"]
            connection.execute(sa.update(users_table).where(mine).values(**values))
        end_sessions(settings.state, user["user_id"])
    return password
