"""Around the nights: fiction and its score, plain tables, a department's new export, the installation."""

import json
from pathlib import Path
from typing import Annotated

import typer

from linkage import __version__
from linkage.commands.common import ConfigOption, StateOption, console, parse_date

source_app = typer.Typer(help="Departments: try a new export before it is connected.", no_args_is_help=True)

commands = typer.Typer()


@commands.command()
def fiction(
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    persons: Annotated[int, typer.Option(min=50, help="Residents of the fictional district.")] = 5000,
    nights: Annotated[int, typer.Option(min=1, help="Consecutive nights.")] = 1,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
    dirt: Annotated[str, typer.Option(help="clean, default or heavy.")] = "default",
    first_night: Annotated[str, typer.Option(help="YYYY-MM-DD of the first night.")] = "2026-03-02",
) -> None:
    """Make a fictional district: four departments' exports as they really arrive, with known truth."""
    from linkage.fiction.district import generate

    summary = generate(persons, nights, seed, out, dirt=dirt, first_night=parse_date(first_night), note=console.print)
    console.print_json(json.dumps(summary, default=str, ensure_ascii=False))


@commands.command()
def link(
    spec: Annotated[Path, typer.Argument(help="Specification: a match.yaml with the sections input and features.")],
    inputs: Annotated[
        list[Path], typer.Argument(help="CSV or Parquet files; each is a source unless input.source says.")
    ],
    out: Annotated[Path, typer.Option(help="Parquet to write: source, record_id, cluster_id, one row per record.")],
    pairs: Annotated[
        Path | None, typer.Option(help="Parquet to write the scored pairs to, with their weights.")
    ] = None,
) -> None:
    """Link plain tables with one specification: no register, no state, any kind of record.

    The model is learned on the given records. Examples of specifications: benchmarks/accuracy/specs; every key:
    docs/configuration.md (config/match.yaml).
    """
    from linkage.plain_link import link_tables

    found = link_tables(spec, inputs, out, pairs)
    console.print(
        f"{found.records:,} records, {found.candidate_pairs:,} candidate pairs, largest block {found.largest_block:,}"
    )
    console.print(f"{found.clusters:,} clusters; {found.linked_records:,} records share theirs with another: {out}")


@commands.command()
def evaluate(
    release: Annotated[Path, typer.Option(help="Release folder.")],
    truth: Annotated[Path, typer.Option(help="Folder with persons.parquet and records.parquet, or its parent.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score a release against known truth: pairs, B-cubed, exact persons, households, golden fields, by subgroup."""
    from linkage.evaluate.score import evaluate as score
    from linkage.evaluate.text import render

    result = score(release, truth)
    if as_json:
        console.print_json(json.dumps(result.as_dict(), ensure_ascii=False))
    else:
        console.print(render(result))


@commands.command()
def doctor(state: StateOption = Path("state"), config: ConfigOption = Path("config")) -> None:
    """What is wrong with this installation: configuration, state, signing key, current release."""
    from linkage.doctor import examine

    findings = examine(state, config)
    for finding in findings:
        console.print(
            f"{'ok  ' if finding.good else 'BAD '}{finding.text}"
            + (f"\n    -> {finding.remedy}" if finding.is_note or not finding.good else "")
        )
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


@source_app.command("check")
def source_check(
    config: Annotated[Path, typer.Argument(help="The department's YAML, e.g. config/sources/police.yaml.")],
    file: Annotated[
        Path | None,
        typer.Argument(help="One file as the department delivers it; left out: its database views."),
    ] = None,
) -> None:
    """Dry run for connecting a department: what maps, what does not, sample values masked. Changes nothing."""
    from linkage.source_check import check_source
    from linkage.sources.check import render

    for report in check_source(config, file):
        console.print(render(report))


@commands.command("config-reference")
def config_reference() -> None:
    """Print docs/configuration.md, generated from the configuration models."""
    from linkage.config_reference import render_reference

    typer.echo(render_reference(), nl=False)


@commands.command()
def version() -> None:
    """Print the version."""
    console.print(__version__)
