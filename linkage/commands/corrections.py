"""``linkage corrections``: values sent back, their counts by department, and what the current release shows of them."""

from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from linkage.commands.common import ConfigOption, StateOption, console, existing

commands = typer.Typer()


@commands.command()
def corrections(
    check: Annotated[
        bool,
        typer.Option("--check", help="First record what the current release shows (the portal does so by itself)."),
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="List settled ones too.")] = False,
    department: Annotated[str, typer.Option(help="Only what this department is to answer.")] = "",
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """List values that were sent back to their owner (校核), and count them by department. No value is printed."""
    from linkage.kernel.config import read_config
    from linkage.night_config import DistrictConfig
    from linkage.portal.config import PortalConfig
    from linkage.portal.corrections.clock import local_day, today_in
    from linkage.portal.corrections.counts import count
    from linkage.portal.corrections.life import STATUS_WORDS, UNSETTLED
    from linkage.portal.corrections.outcomes import record_outcomes
    from linkage.portal.corrections.store import read_corrections
    from linkage.portal.register import Registers

    where = existing(state)
    zone = ZoneInfo(read_config(config / "district.yaml", DistrictConfig).timezone)
    if check:
        patience = read_config(config / "portal.yaml", PortalConfig).corrections.patience_releases
        taken = record_outcomes(where, Registers(where).current(), patience_releases=patience)
        console.print(f"{taken} outcome(s) recorded")
    found = [c for c in read_corrections(where) if not department or c.owner == department]
    today = today_in(zone)
    for c in found:
        if every or c.status in UNSETTLED:
            late = " OVERDUE" if c.is_overdue(today) else ""
            console.print(
                f"{c.correction_id} {c.owner} {c.field} {c.status} due {c.due_on}{late} ({STATUS_WORDS[c.status][0]})"
            )
    for name, counts in count(found, (), today, partial(local_day, zone=zone)).items():
        console.print(
            f"{name}: received {counts.received}, answered {counts.answered} ({counts.answered_in_time} in time), overdue {counts.overdue}, "
            f"accepted {counts.accepted}, refused {counts.refused}, corrected {counts.corrected}, not corrected {counts.not_corrected}, raised {counts.raised}"
        )
