"""Accounts for the demo's portal, one for each role, with one password that is told on the terminal. For fictional data only."""

import secrets
import sys
from pathlib import Path

from linkage.kernel.run import State
from linkage.portal.accounts import count_users, create_user, find_user, grant_role, update_user
from linkage.portal.passwords import hash_password
from linkage.portal.settings import read_settings

# username -> (department, role)
PEOPLE = {
    "steward": ("office", "steward"),
    "second": ("office", "second_reader"),
    "grid": ("grid", "department_reader"),
    "police": ("police", "correction_handler"),
    "download": ("grid", "downloader"),
    "head": ("office", "data_owner"),
    "sysadmin": ("office", "system_administrator"),
    "secadmin": ("office", "security_administrator"),
    "auditor": ("office", "auditor"),
}


def main(state: Path, config: Path) -> None:
    """Make the accounts, or give those of an earlier start a new password."""
    settings = read_settings(State(state), config)
    password = "demo-" + secrets.token_urlsafe(9)
    first = count_users(settings.state) == 0
    for username, (department, role) in PEOPLE.items():
        if first:
            user_id = create_user(
                settings.state,
                username,
                display_name=username,
                department=department,
                created_by="demo",
                password=password,
                must_change_password=False,
            )
            grant_role(settings.state, settings.access, user_id, role, granted_by="demo", reason="demo")
        elif user := find_user(settings.state, username=username):
            update_user(settings.state, user["user_id"], password_hash=hash_password(password))
    for username, (department, role) in PEOPLE.items():
        found = settings.access.role(role)
        sys.stdout.write(f"  {username:<10} {department:<8} {found.zh if found else role} {role}\n")
    sys.stdout.write(f"  密码 password of all: {password}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
