"""The night and what goes with it: land, run, publish, retain."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from linkage.commands.common import ConfigOption, NightOption, StateOption, console, existing, parse_date
from linkage.kernel.errors import ConfigurationError

commands = typer.Typer()

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


@commands.command()
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
        exports, state, night_of(exports, night), config, hold_abnormal=hold_abnormal, full=full, note=console.print
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


@commands.command()
def rerun(
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
    hold_abnormal: Annotated[
        bool, typer.Option(help="Leave an abnormal night unpublished until a person approves.")
    ] = False,
) -> None:
    """The night of the current release again, with what stewards decided since; the portal's "apply now" does the same."""
    from linkage.night import rerun_night

    outcome = rerun_night(existing(state).root, config, hold_abnormal=hold_abnormal, note=_say)
    if outcome.stands:
        _say(f"stands: nothing was decided since {outcome.run_id}")
        return
    for zh, en in zip(outcome.reasons_zh, outcome.reasons_en, strict=True):
        _say(f"abnormal: {zh} ({en})")
    _say(f"{'published' if outcome.published else 'held'}: {outcome.run_id}")


def _say(text: str) -> None:
    """A line at once, also into a file that somebody follows."""
    print(text, flush=True)


@commands.command()
def publish(
    release: Annotated[str, typer.Argument(help="Release id, as `linkage run` printed it.")],
    state: StateOption = Path("state"),
) -> None:
    """Make a held release the current one (verified first)."""
    from linkage.night import publish_release

    publish_release(state, release)
    console.print(f"CURRENT is now {release}")


@commands.command()
def land(
    source: Annotated[str, typer.Argument(help="Department, e.g. police.")],
    exports: Annotated[Path, typer.Option(help="Folder of one night's exports.")],
    night: NightOption,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Copy one department's files of a night into the state (hashed, read-only)."""
    from linkage.night import land_source

    console.print_json(json.dumps(land_source(exports, state, parse_date(night), config, source)))


@commands.command()
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

    with only_one(existing(state).root / RUN_LOCK, f"running a night on {state}"):
        deleted = apply(state, parse_date(night), config)
    for kind, names in deleted.items():
        console.print(f"{len(names):>12,}  {kind}")


def night_of(exports: Path, night: str | None) -> date:
    name = exports.resolve().name
    if night is None and not name.startswith("night="):
        raise ConfigurationError(
            f"No night is given, and the folder {name} is not called night=YYYY-MM-DD.",
            remedy="Add --date YYYY-MM-DD.",
        )
    return parse_date(night or name.removeprefix("night="))
