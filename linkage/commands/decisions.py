"""What stewards decide and ask: judgements, restrictions, explanations."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from linkage.commands.common import ConfigOption, StateOption, console, existing
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State

commands = typer.Typer()


@commands.command()
def judge(
    record: Annotated[str, typer.Argument(help="One record, <source>:<record_id>, e.g. police:330106000123.")],
    other: Annotated[str, typer.Argument(help="The other record.")],
    verdict: Annotated[str, typer.Argument(help="same, different or unsure.")],
    reader: Annotated[str, typer.Option(help="Who decided.")],
    reason: Annotated[str, typer.Option(help="Why; an auditor will ask.")],
    state: StateOption = Path("state"),
) -> None:
    """Record a steward's verdict about two records; the next night applies it. Nothing is ever overwritten."""
    from linkage.review.decisions import judge as decide

    judgement_id = decide(State(state), record, other, verdict, reader=reader, reason=reason)
    console.print(f"judgement {judgement_id}: {record} and {other} are {verdict}; applied from the next night on")


@commands.command()
def unlink(
    records: Annotated[list[str], typer.Argument(help="The records that do not belong to their person.")],
    reader: Annotated[str, typer.Option(help="Who decided.")],
    reason: Annotated[str, typer.Option(help="Why; an auditor will ask.")],
    state: StateOption = Path("state"),
) -> None:
    """Take records out of a person: from the next night on they are never one person with the rest of it.

    Name all that belong together: what is not named stays. Departments that hold the id are told (notices in their slices).
    """
    from linkage.review.decisions import unlink as decide

    decision_id, person_id, rest = decide(State(state), records, reader=reader, reason=reason)
    console.print(
        f"decision {decision_id}: {', '.join(records)} leave {person_id}, where {rest} record(s) stay; applied from the next night on"
    )


@commands.command()
def withdraw(
    judgement: Annotated[str, typer.Argument(help="Id of a judgement or of an unlinking, as it was printed.")],
    reader: Annotated[str, typer.Option(help="Who decided.")],
    reason: Annotated[str, typer.Option(help="Why; an auditor will ask.")],
    state: StateOption = Path("state"),
) -> None:
    """Take a judgement back, from the next night on. It stays on record, and so does the withdrawal."""
    from linkage.review.decisions import withdraw as decide

    count = decide(State(state), judgement, reader=reader, reason=reason)
    console.print(f"{judgement}: {count} judgement(s) taken back, from the next night on")


@commands.command()
def judgements(
    status: Annotated[
        str | None, typer.Option(help="Only those: waiting, applied, changed, stale, contradicted, ...")
    ] = None,
    state: StateOption = Path("state"),
) -> None:
    """List judgements, newest first, with what became of them. Readers masked, no residents' values."""
    from linkage.review.listing import STATUS_ZH, list_judgements

    if status is not None and status not in STATUS_ZH:
        raise ConfigurationError(f"There is no status {status!r}.", remedy=f"Use one of {', '.join(STATUS_ZH)}.")
    listed = list_judgements(existing(state), status)
    if not listed:
        console.print("没有记录 none recorded")
    for found in listed:
        decision = "" if found.decision_id == found.judgement_id else f"  ({found.decision_id})"
        console.print(
            f"{found.judgement_id}{decision}  {found.decided_at:%Y-%m-%d %H:%M}  {found.reader}  {found.verdict}  "
            f"{found.records[0]}  {found.records[1]}  {STATUS_ZH[found.status]} {found.status}"
            + (f": {found.reason} ({found.reason_en})" if found.reason else ""),
            markup=False,
        )


@commands.command()
def restrict(
    person_id: Annotated[str, typer.Argument(help="Permanent id, living or retired.")],
    reason: Annotated[str, typer.Option(help="Why; an auditor will ask.")],
    by: Annotated[str, typer.Option(help="Who decided.")],
    basis: Annotated[str, typer.Option(help="Law and article, e.g. 《个人信息保护法》第四十七条.")],
    action: Annotated[
        str, typer.Option(help="restrict 限制: keep, use no more; end 终止: the same, for good; lift 解除.")
    ] = "restrict",
    state: StateOption = Path("state"),
) -> None:
    """Restrict what is done with a person's data (or end, or lift it); applied from the next night on, recorded for ever.

    docs/retention.md says which law lets what stay.
    """
    from linkage.restriction import restrict as record

    done = record(State(state), person_id, action, reason=reason, decided_by=by, basis=basis)
    console.print(f"{done.action_id}: {action} {done.person_id}; applied from the next night on")
    if action == "end" and done.departments:
        console.print(f"请各部门在源头删除 to be deleted at the source by: {', '.join(done.departments)}")


@commands.command()
def restrictions(state: StateOption = Path("state")) -> None:
    """Every decision to restrict, end or lift, oldest first."""
    from linkage.review.restrictions import read_restrictions

    rows = read_restrictions(existing(state)).to_pylist()
    if not rows:
        console.print("没有记录 none recorded")
    for row in rows:
        console.print(
            escape(
                "{decided_at:%Y-%m-%d %H:%M} UTC  {action:<8}  {person_id}  {decided_by}  {basis}  {reason}".format(
                    **row
                )
            )
        )


@commands.command()
def explain(
    subject: Annotated[
        str,
        typer.Argument(help="A person or household id, or a record <source>:<record_id>, e.g. police:330106000123."),
    ],
    other: Annotated[
        str | None, typer.Argument(help="A second person or record: why the two are, or are not, one person.")
    ] = None,
    english: Annotated[bool, typer.Option("--english", help="In English; left out, in Chinese.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The facts as JSON, for machines.")] = False,
    unmasked: Annotated[
        bool,
        typer.Option(
            "--unmasked",
            help="For stewards at the console: show personal values, on a terminal only (never into a file, a pipe or a log).",
        ),
    ] = False,
    release: Annotated[str | None, typer.Option(help="A release id; left out, the current release.")] = None,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Why the register says what it says: records and links, values, households, history. Personal values are masked.

    A retired id leads to its successor. With two, why they are one person or not; a pair that the night did not compare is
    scored now, with that night's model.
    """
    from linkage.explain.tell import as_facts, tell, words_for
    from linkage.explain.text import render

    if unmasked and not sys.stdout.isatty():
        raise ConfigurationError(
            "--unmasked shows personal values on a terminal only, and this output goes elsewhere.",
            remedy="Run it at the console without redirecting, or leave --unmasked out.",
        )
    story = tell(state, subject, other, release=release, unmasked=unmasked)
    if as_json:
        typer.echo(json.dumps(as_facts(story), ensure_ascii=False, indent=1, default=str))
    else:
        language: Literal["zh", "en"] = "en" if english else "zh"
        typer.echo(render(story, words_for(story, state, config, language), language))
