"""Releases: verified, as of another day, from one to another."""

from pathlib import Path
from typing import Annotated

import typer

from linkage.commands.common import StateOption, console, parse_date
from linkage.kernel.run import State

commands = typer.Typer()


@commands.command()
def verify(
    release: Annotated[Path, typer.Argument(help="Release folder, e.g. state/releases/2026-03-02-1a2b3c4d.")],
    public_key: Annotated[
        Path | None, typer.Option(help="PEM file of the key you trust; left out, the one pinned beside the release.")
    ] = None,
    chain: Annotated[bool, typer.Option("--chain", help="Every release before it as well, up to the first.")] = False,
) -> None:
    """Check every file of a release against its manifest, and the manifest against its signature."""
    from linkage.release.trust import trust_around, trust_named
    from linkage.release.verify import verify_chain, verify_release

    trust = trust_named(public_key) if public_key else trust_around(release)
    for check in (verify_chain if chain else verify_release)(release, trust):
        console.print(f"ok  {check}")
    if trust.warning:
        console.print(f"[yellow]注意 warning[/yellow] {trust.warning}")


@commands.command("as-of")
def as_of(
    day: Annotated[str, typer.Argument(metavar="DATE", help="YYYY-MM-DD.")],
    out: Annotated[Path, typer.Option(help="Folder to write into: published/ and true/, Parquet.")],
    published: Annotated[bool, typer.Option("--published", help="Only as it was published on that date.")] = False,
    true: Annotated[
        bool, typer.Option("--true", help="Only as it was true on that date, as far as is known today.")
    ] = False,
    state: StateOption = Path("state"),
) -> None:
    """The register as of a date: as it was published, and as it was true."""
    from linkage.kernel.engine import Engine
    from linkage.release.as_of import write_published, write_true
    from linkage.release.chain import publication_moments, seen_on

    where, on = State(state), parse_date(day)
    with Engine() as engine:
        if published or not true:
            found = write_published(engine, where, on, out / "published")
            moment = publication_moments(where).get(found.release)
            console.print(
                f"published 已发布: {found.release}"
                + (f", CURRENT since {moment:%Y-%m-%d %H:%M} UTC" if moment else "")
            )
            if moment is not None and moment.date() > on:
                console.print(
                    f"[yellow]注意 note[/yellow] 该夜后来才发布，{on} 当天读者所见为 {seen_on(where, on) or '无'}。"
                    f" It was published later; on {on} itself readers had {seen_on(where, on) or 'nothing'}."
                )
            _print_rows(found.rows, out / "published")
        if true or not published:
            found = write_true(engine, where, on, out / "true")
            console.print(f"true 真实: {on}, as {found.release} knows it")
            _print_rows(found.rows, out / "true")


def _print_rows(rows: dict[str, int], folder: Path) -> None:
    for table, count in rows.items():
        console.print(f"{count:>12,}  {folder / table}.parquet")


@commands.command()
def crosswalk(
    before: Annotated[str, typer.Argument(metavar="RELEASE_A", help="Release id, or the folder of a release.")],
    after: Annotated[str, typer.Argument(metavar="RELEASE_B", help="The other release.")],
    out: Annotated[Path, typer.Option(help="Folder to write ids.parquet and records.parquet into.")],
    state: StateOption = Path("state"),
) -> None:
    """What each id of release A is in release B: same, merged_into, split, ended; and whose each record is."""
    from linkage.kernel.engine import Engine
    from linkage.release.id_crosswalk import write_id_crosswalk

    one, other = (Path(name) if "/" in name else State(state).releases / name for name in (before, after))
    with Engine() as engine:
        for row in write_id_crosswalk(engine, one, other, out):
            console.print(f"{row['ids']:>12,}  {row['kind']} {row['fate']}")
    console.print(f"{out / 'ids.parquet'}, {out / 'records.parquet'}")


@commands.command("apply-delta")
def apply_delta(
    base: Annotated[Path, typer.Argument(help="Folder of the release you have (its tables and manifest.json).")],
    following: Annotated[
        list[Path],
        typer.Argument(help="Folders of the releases after it, in order; read are only manifest.json and deltas/."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the tables of the last one into.")],
) -> None:
    """Make the tables of a later release from an earlier one and the delta files between, and check that they are the same bytes."""
    from linkage.kernel.engine import Engine
    from linkage.release.deltas import apply_deltas

    with Engine() as engine:
        name = apply_deltas(engine, base, following, out)
    console.print(f"{out}: the tables of {name}, each with the hash that its manifest names")
