"""The command line: ``linkage --help`` teaches what it can do.

Exit codes of ``run``: 0 released; 1 it cannot be done now; 2 bad arguments or configuration, or a night that is over; 3 a gate stopped the night, nothing
published; 4 an input could not be read at all.
"""

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from linkage import __version__
from linkage.kernel.errors import ConfigurationError, LinkageError
from linkage.kernel.run import State

app = typer.Typer(
    name="linkage",
    help="gridroll 网格人户一本账: departments' nightly exports become one register of persons and households.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
source_app = typer.Typer(help="Departments: try a new export before it is connected.", no_args_is_help=True)
model_app = typer.Typer(
    help="The pinned matching model: train a candidate, compare it with the live one, approve it.", no_args_is_help=True
)
app.add_typer(source_app, name="source")
app.add_typer(model_app, name="model")
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

ConfigOption = Annotated[
    Path, typer.Option("--config", help="Folder with district.yaml, night.yaml, match.yaml, sources/ ...")
]
StateOption = Annotated[Path, typer.Option("--state", help="Folder where the installation remembers everything.")]
NightOption = Annotated[str, typer.Option("--date", help="The night, YYYY-MM-DD.")]
ModelArgument = Annotated[str, typer.Argument(help="Model id, a folder under state/models.")]
COUNTS = (
    ("counted_rows", "清点行", "rows counted"),
    ("accepted_rows", "接收", "accepted"),
    ("rejected_rows", "拒收", "rejected"),
    ("duplicate_rows", "重复", "duplicate"),
    ("carried_rows", "沿用（增量表未再送）", "carried over, not sent again by a delta feed"),
    ("persons", "人员", "persons"),
    ("households", "家庭", "households"),
    ("persons_new", "新出现", "appeared"),
    ("persons_merged", "合并", "merged"),
    ("persons_split", "拆分", "split"),
    ("persons_ended", "终止", "ended"),
    ("persons_revived", "恢复", "revived"),
    ("persons_unchanged", "记录未变的人", "persons whose records did not change"),
    ("persons_unchanged_with_their_id", "其中编号不变", "of these, with their id"),
    ("review_cases", "复核事项", "cases for a steward"),
    ("persons_restricted", "限制处理", "persons whose processing is restricted"),
    ("judgements_applied", "人工判定已应用", "judgements applied"),
    ("judgements_changed", "人工判定已应用，记录有变", "judgements applied whose records changed"),
    ("judgements_stale", "人工判定失效", "judgements stale"),
    ("judgements_contradicted", "人工判定矛盾", "judgements contradicted"),
)


@app.command()
def run(
    exports: Annotated[Path, typer.Option(help="Folder of one night's exports, one folder per department.")],
    night: Annotated[
        str | None,
        typer.Option("--date", help="The night, YYYY-MM-DD; needed unless the folder is called night=YYYY-MM-DD."),
    ] = None,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
    hold_abnormal: Annotated[
        bool, typer.Option(help="Leave an abnormal night unpublished until a person approves.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Work everything out anew; nothing is carried over from the night before.")
    ] = False,
) -> None:
    """One night, without Airflow: land, standardise, gate, match, resolve, release, report, publish."""
    from linkage.night import run_night

    outcome = run_night(
        exports, state, _night_of(exports, night), config, hold_abnormal=hold_abnormal, full=full, note=console.print
    )
    if outcome.stands:
        console.print(
            "各部门送来的内容与当前发布所用的一字不差，其间也没有新的判定、模型或配置：当前发布继续有效，不另发布。\n"
            "Nothing new: every department delivered what the current release was made from, and nothing was decided since. "
            f"The release stands (--full makes one of this night): {outcome.release}"
        )
        return
    for name, zh, en in COUNTS:
        console.print(f"{outcome.counts.get(name, 0):>12,}  {zh} {en}")
    for zh, en in zip(outcome.reasons_zh, outcome.reasons_en, strict=True):
        console.print(f"[yellow]注意 {zh}[/yellow] ({en})")
    console.print(
        f"release {'published' if outcome.published else 'NOT published, waits for a person'}: {outcome.release}"
    )
    console.print(f"report: {outcome.report}")


@app.command()
def publish(
    release: Annotated[str, typer.Argument(help="Release id, as `linkage run` printed it.")],
    state: StateOption = Path("state"),
) -> None:
    """Make a held release the current one (verified first)."""
    from linkage.night import publish_release

    publish_release(state, release)
    console.print(f"CURRENT is now {release}")


@app.command()
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


@app.command()
def retain(
    night: NightOption,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Delete what is older than the terms in config/night.yaml, counted back from --date; recorded in retention.jsonl before it is begun.

    What the next night needs stays whatever its age, and so do the manifests of published releases. The DAG gridroll_retention does the same.
    """
    from linkage.kernel.lock import only_one
    from linkage.night import RUN_LOCK
    from linkage.night import retain as apply

    with only_one(_existing(state).root / RUN_LOCK, f"running a night on {state}"):
        deleted = apply(state, _date(night), config)
    for kind, names in deleted.items():
        console.print(f"{len(names):>12,}  {kind}")


@app.command("as-of")
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

    where, on = State(state), _date(day)
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


@app.command()
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


@app.command("apply-delta")
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


@app.command()
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


@app.command()
def restrictions(state: StateOption = Path("state")) -> None:
    """Every decision to restrict, end or lift, oldest first."""
    from linkage.review.restrictions import read_restrictions

    rows = read_restrictions(_existing(state)).to_pylist()
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


@app.command()
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

    summary = generate(persons, nights, seed, out, dirt=dirt, first_night=_date(first_night), note=console.print)
    console.print_json(json.dumps(summary, default=str, ensure_ascii=False))


@app.command()
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


@app.command()
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


@app.command()
def land(
    source: Annotated[str, typer.Argument(help="Department, e.g. police.")],
    exports: Annotated[Path, typer.Option(help="Folder of one night's exports.")],
    night: NightOption,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Copy one department's files of a night into the state (hashed, read-only)."""
    from linkage.night import land_source

    console.print_json(json.dumps(land_source(exports, state, _date(night), config, source)))


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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
    listed = list_judgements(_existing(state), status)
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


@app.command()
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


@app.command()
def doctor(state: StateOption = Path("state"), config: ConfigOption = Path("config")) -> None:
    """What is wrong with this installation: configuration, state, signing key, current release."""
    from linkage.doctor import examine

    findings = examine(state, config)
    for finding in findings:
        console.print(
            f"{'ok  ' if finding.good else 'BAD '}{finding.text}"
            + ("" if finding.good else f"\n    -> {finding.remedy}")
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


@model_app.command("train")
def model_train(night: NightOption, state: StateOption = Path("state"), config: ConfigOption = Path("config")) -> None:
    """Train a candidate model on the newest run and compare it with the live one; it is not used until approved."""
    from linkage.model_life import train_model

    model_id = train_model(state, _date(night), config)
    console.print(f"candidate {model_id}: its card is {state / 'models' / model_id / 'card.json'}")
    _show_comparison(model_id, state, config)


@model_app.command("compare")
def model_compare(
    model_id: ModelArgument, state: StateOption = Path("state"), config: ConfigOption = Path("config")
) -> None:
    """What would change if this model replaced the live one: both link the newest run's records."""
    _show_comparison(model_id, state, config)


@model_app.command("approve")
def model_approve(
    model_id: ModelArgument,
    by: Annotated[str, typer.Option(help="Who approves.")],
    reason: Annotated[str, typer.Option(help="Why; an auditor will ask.")],
    state: StateOption = Path("state"),
) -> None:
    """Make a model the live one for all nights that have not begun. To go back, approve the older model again."""
    from linkage.model_life import approve_model

    entry = approve_model(state, model_id, by=by, reason=reason)
    console.print(
        f"live model after the night {entry['after_night']}: {model_id} (before: {entry['replaces'] or 'none'})"
    )


@model_app.command("history")
def model_history(state: StateOption = Path("state")) -> None:
    """Who approved which model, when and why."""
    from linkage.match.models import read_approvals

    approvals = read_approvals(_existing(state))
    if not approvals:
        console.print("没有记录 none recorded")
    for e in approvals:
        console.print(
            f"after {e['after_night']}  {e['model_id']}  {escape(e['approved_by'])}, {e['approved_at']}: {escape(e['reason'])}"
        )


def _show_comparison(model_id: str, state: Path, config: Path) -> None:
    from linkage.model_life import compare_models

    found = compare_models(state, model_id, config, note=console.print)
    for zh, en in found.lines:
        console.print(f"{zh}\n  {en}")
    console.print(f"comparison: {found.page}; then `linkage model approve {model_id} --by NAME --reason WHY`")


@app.command("config-reference")
def config_reference() -> None:
    """Print docs/configuration.md, generated from the configuration models."""
    from linkage.config_reference import render_reference

    typer.echo(render_reference(), nl=False)


@app.command()
def version() -> None:
    """Print the version."""
    console.print(__version__)


def main() -> None:
    """Entry point: errors are shown as what happened and what to do, with their exit code."""
    code = 0
    try:
        app(standalone_mode=True)
    except LinkageError as error:
        errors.print(f"[red]错误 error:[/red] {escape(error.what)}\n  -> {escape(error.remedy)}")
        code = error.exit_code
    except OSError as error:
        # A full disk, a file where a folder should be, a folder of somebody else: for the one who runs it, no fault of gridroll.
        what = f"{error.strerror or error}: {error.filename or '(no file named)'}"
        errors.print(
            f"[red]错误 error:[/red] {escape(what)}\n"
            "  -> Check that the path exists, is of the right kind, may be written by this user, and that the disk is not full."
        )
        code = 1
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    # DuckDB's bindings print a page of harmless leak notes when the interpreter ends after Great Expectations was used.
    os._exit(code)


def _night_of(exports: Path, night: str | None) -> date:
    name = exports.resolve().name
    if night is None and not name.startswith("night="):
        raise ConfigurationError(
            f"No night is given, and the folder {name} is not called night=YYYY-MM-DD.",
            remedy="Add --date YYYY-MM-DD.",
        )
    return _date(night or name.removeprefix("night="))


def _existing(state: Path) -> State:
    """The state in the folder; a list of nothing, read from a mistyped folder, would look like an answer."""
    if not state.is_dir():
        raise ConfigurationError(f"There is no state folder {state}.", remedy="Check --state, or run a night first.")
    return State(state)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is not a date.", remedy="Write it as YYYY-MM-DD, e.g. 2026-03-02."
        ) from None


if __name__ == "__main__":
    main()
