"""``linkage audit``: check the portal's audit, and carry it elsewhere."""

import os
from pathlib import Path
from typing import Annotated

import typer

from linkage.commands.common import ConfigOption, StateOption, console, existing

audit_app = typer.Typer(help="The portal's audit.", no_args_is_help=True)


@audit_app.command("verify")
def verify(
    file: Annotated[
        Path | None,
        typer.Option("--file", exists=True, dir_okay=False, help="Check an export instead of the database."),
    ] = None,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Check every entry, the indexes and the signed head. Ends with 1 when anything was changed, moved, added or taken out."""
    from linkage.portal.audit_export import check_export
    from linkage.portal.settings import read_settings

    audit = read_settings(existing(state), config).audit
    if file is not None:
        first, last = check_export(audit, file)
        console.print(f"审计导出完整 the export is whole: entries {first} to {last}")
        return
    console.print(f"审计完整 the audit is whole: {audit.verify()} entries")


@audit_app.command("export")
def export(
    to: Annotated[Path, typer.Option("--to", help="New file for the entries, JSON lines.")],
    after: Annotated[
        int, typer.Option(min=0, help="Only entries behind this number, the last one of the export before.")
    ] = 0,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Write the audit into a file, each entry with its mac, to be kept on another machine."""
    from linkage.portal.audit_export import check_export, export_lines
    from linkage.portal.console_accounts import on_record
    from linkage.portal.settings import read_settings

    settings = read_settings(existing(state), config)
    with on_record(settings, "console_audit_export", after=after):
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.writelines(export_lines(settings.state, after + 1))
            out.flush()
            os.fsync(out.fileno())
        first, last = check_export(settings.audit, to)
    console.print(f"已导出 exported entries {first} to {last}: {to}")
