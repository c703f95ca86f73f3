"""Copies that departments downloaded: is one whole, and whose is it."""

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from linkage.commands.common import StateOption, console, existing

commands = typer.Typer()
FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file.")]


@commands.command("verify-copy")
def verify_copy(
    file: FileArgument,
    proof: Annotated[Path | None, typer.Option(help="Its proof; left out: <file>.proof.json beside it.")] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="PEM file of the key you trust; left out: the keys of --state.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="manifest.json of the release: checks as well what the copy was made from.")
    ] = None,
    state: StateOption = Path("state"),
) -> None:
    """Check a downloaded copy against its signed proof."""
    from linkage.portal.downloads.proof import ENDING
    from linkage.portal.downloads.proof import verify_copy as check
    from linkage.release.trust import trust_around, trust_named

    trust = trust_named(public_key) if public_key else trust_around(existing(state).releases / "any")
    for line in check(file, proof or file.with_name(file.name + ENDING), trust, manifest):
        console.print(f"ok  {escape(line)}")


@commands.command()
def trace(file: FileArgument, state: StateOption = Path("state")) -> None:
    """Whose copy is this file? Looks for its mark and for the order of its rows; the search is put on record.

    Ends with 1 when nothing was found.
    """
    from linkage.portal.audit import Audit, Entry
    from linkage.portal.downloads.leak import read_leak
    from linkage.portal.downloads.trace import trace as search

    where = existing(state)
    findings = search(where, read_leak(file))
    marks = [finding.mark for finding in findings]
    Audit(where).append(Entry("trace_file", getpass.getuser(), "", "done", details={"copies_found": marks}))
    for finding in findings:
        console.print(
            f"{finding.username} ({finding.department})  {finding.copy.release}  {finding.copy.stem}  copy {finding.mark}"
        )
        for line in finding.evidence:
            console.print(f"    {line}")
        for entry in finding.downloads:
            details = entry["details"]
            token = f"  token {entry['token_id']}" if entry["token_id"] else ""
            console.print(
                f"    {entry['at']}  {entry['action']}  {details['file']}  bytes {details.get('bytes', '-')}  "
                f"from {entry['address']}  purpose {entry['purpose']}{token}"
            )
    if not findings:
        console.print(
            "没有找到任何标记。No mark of any copy was found: the column is gone and the rows were sorted, or it is no copy."
        )
        raise typer.Exit(1)
