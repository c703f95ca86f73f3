"""``linkage serve`` and ``linkage portal init``: the portal and its first accounts."""

import os
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from linkage.commands.common import ConfigOption, StateOption, console, existing
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State

commands = typer.Typer()
TURN_SECONDS = 0.0005
portal_app = typer.Typer(help="The portal's first accounts.", no_args_is_help=True)
ToOption = Annotated[
    Path | None,
    typer.Option(
        "--to", help="New file for the one-time passwords (mode 0600); left out, they are shown on the terminal."
    ),
]


@commands.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; behind a proxy that speaks TLS leave it at this.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8090,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Serve the portal: review desk, look-up, downloads, corrections, audit. Who may what: config/access.yaml."""
    import uvicorn

    from linkage.portal.accounts import count_users
    from linkage.portal.app import create_app
    from linkage.portal.audit_head import NO_COPY
    from linkage.portal.downloads.ahead import keep_making_ahead
    from linkage.portal.housekeeping import purge
    from linkage.portal.settings import read_settings

    settings = read_settings(existing(state), config)
    purge(settings.state, settings.portal)
    app = create_app(settings)
    console.print(f"gridroll portal: http://{host}:{port}/  (Ctrl-C ends it)")
    if count_users(settings.state) == 0:
        console.print("尚无账号 no accounts yet: run `linkage portal init` to make the three administrators")
    proxies = settings.portal.trusted_proxies
    if settings.portal.is_secure and not proxies:
        console.print(
            "注意 note: public_url is https, so a proxy stands in front, but trusted_proxies names none: every user counts as one address, "
            "and wrong passwords of one make all of them wait"
        )
    if not settings.portal.audit_heads:
        console.print(f"{NO_COPY} (config/portal.yaml; docs/portal-audit.md)")
    # A page that computes for long lets a short look-up wait for each of its steps; with shorter turns it waits less.
    sys.setswitchinterval(TURN_SECONDS)
    threading.Thread(target=keep_making_ahead, args=(settings, threading.Event()), daemon=True, name="ahead").start()
    # Access lines would hold what people searched for; the audit has what must be kept. Who the client is, only a named proxy may say.
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
    )


@portal_app.command("init")
def init(
    system: Annotated[str, typer.Option(help="Username of the system administrator 系统管理员.")] = "sysadmin",
    security: Annotated[str, typer.Option(help="Username of the security administrator 安全管理员.")] = "secadmin",
    auditor: Annotated[str, typer.Option(help="Username of the auditor 审计员.")] = "auditor",
    to: ToOption = None,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Make the accounts of the three administrators, with one-time passwords that are shown once. Refused when there are accounts."""
    from linkage.portal.console_accounts import create_administrators
    from linkage.portal.settings import read_settings

    check_output(to)
    settings = read_settings(State(state), config)
    names = {"system_administrator": system, "security_administrator": security, "auditor": auditor}
    tell_passwords(create_administrators(settings, names), to)
    console.print(
        "三人各自登录、改密码、绑定动态验证码。Each logs in, changes the password and sets up one-time codes; three persons, three accounts."
    )


def check_output(to: Path | None) -> None:
    """Raise ConfigurationError where one-time passwords would end up in a log, or over a file."""
    if to is None and not sys.stdout.isatty():
        raise ConfigurationError(
            "One-time passwords are shown on a terminal only, and this output goes elsewhere.",
            remedy="Run it at a terminal, or name a new file with --to.",
        )
    if to is not None and to.exists():
        raise ConfigurationError(f"{to} is there already.", remedy="Name a new file.")


def tell_passwords(passwords: dict[str, str], to: Path | None) -> None:
    """Show one-time passwords on the terminal, or write them into the new file ``to``, for its owner alone."""
    lines = [f"{username}  {password}" for username, password in passwords.items()]
    if to is None:
        console.print("一次性密码，只显示这一次 one-time passwords, shown this once:")
        for line in lines:
            console.print(f"  {escape(line)}")
        return
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write("".join(f"{line}\n" for line in lines))
    console.print(f"一次性密码已写入 one-time passwords are in: {to}")
