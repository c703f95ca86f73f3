"""``linkage user``: accounts from the console, when the pages cannot help."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from linkage.commands.common import ConfigOption, StateOption, console, existing
from linkage.commands.portal import ToOption, check_output, tell_passwords
from linkage.kernel.errors import ConfigurationError

user_app = typer.Typer(
    help="The portal's accounts, for emergencies; everything is put on record.", no_args_is_help=True
)
UsernameArgument = Annotated[str, typer.Argument(help="Username.")]


@user_app.command("list")
def list_users(state: StateOption = Path("state")) -> None:
    """Who has an account, and which roles each holds."""
    from linkage.portal.account_list import list_accounts

    accounts = list_accounts(existing(state))
    if not accounts:
        console.print("尚无账号 no accounts yet: run `linkage portal init`")
    for account in accounts:
        used = f"{account.last_used_at:%Y-%m-%d}" if account.last_used_at else "-"
        roles = ",".join(account.roles) or "-"
        states = ",".join(account.statuses)
        console.print(escape(f"{account.username}  {account.department}  {roles}  {states}  last used {used}"))


@user_app.command("add")
def add(
    username: UsernameArgument,
    role: Annotated[
        str | None,
        typer.Option(
            help="Only system_administrator, security_administrator or auditor; others are given in the portal."
        ),
    ] = None,
    department: Annotated[str, typer.Option(help="A department of config/sources, or office.")] = "office",
    to: ToOption = None,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Make an account with a one-time password: when no administrator of a kind is left."""
    from linkage.kernel.source_config import read_source_configs
    from linkage.portal.access import ADMINISTRATORS
    from linkage.portal.console_accounts import add_user, on_record
    from linkage.portal.settings import read_settings
    from linkage.portal.viewer import OFFICE

    check_output(to)
    if role is not None and role not in ADMINISTRATORS:
        raise ConfigurationError(
            f"{role!r} is not given at the console.", remedy=f"Only {', '.join(ADMINISTRATORS)}; others in the portal."
        )
    departments = (OFFICE, *read_source_configs(config))
    if department not in departments:
        raise ConfigurationError(
            f"There is no department {department!r}.", remedy=f"Departments: {', '.join(departments)}."
        )
    settings = read_settings(existing(state), config)
    with on_record(settings, "console_user_add", account=username, role=role):
        password = add_user(settings, username, department, role, reason="given at the console")
    tell_passwords({username: password}, to)


@user_app.command("reset")
def reset(
    username: UsernameArgument,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="Take the one-time codes away as well.")
    ] = False,
    to: ToOption = None,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Give an account a one-time password, open it, and end all its logins."""
    from linkage.portal.console_accounts import reset_user
    from linkage.portal.settings import read_settings

    check_output(to)
    settings = read_settings(existing(state), config)
    tell_passwords({username: reset_user(settings, username, second_factor=second_factor)}, to)
