"""The whole night on one page: land, plan (``night_plan.py``), run the stages in order, assess, publish.

The command line and the DAGs both run these functions.
"""

import json
import pkgutil
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError, GateStopped, LinkageError, UnreadableInput
from linkage.kernel.lock import only_one
from linkage.kernel.run import (
    Progress,
    StageContext,
    StageFunction,
    State,
    Summary,
    run_stage,
    stage_context,
    write_json,
)
from linkage.kernel.source_config import read_source_configs
from linkage.night_config import NightConfig
from linkage.night_plan import check_ready, landing_entry, plan_night, read_plan
from linkage.release import publish as release_publish
from linkage.sources import claims, landing

# By name, so that a task of the night imports its own stage and no other: all together take longer to import than most take to run.
STAGE_FUNCTIONS: Mapping[str, str] = {
    "sources": "linkage.sources.stage:run",
    "standardise": "linkage.standardise.stage:run",
    "gate_incoming": "linkage.quality.stage:run_incoming",
    "model": "linkage.match.stage:run_model",
    "match": "linkage.match.stage:run",
    "resolve": "linkage.resolve.stage:run",
    "estimate": "linkage.estimate.stage:run",
    "register": "linkage.register.stage:run",
    "gate_outgoing": "linkage.quality.stage:run_outgoing",
    "release": "linkage.release.stage:run",
    "report": "linkage.report.stage:run",
}
STAGES: tuple[str, ...] = tuple(STAGE_FUNCTIONS)
GATES = ("gate_incoming", "gate_outgoing")
TIMINGS = "timings.json"
RUN_LOCK, STAGE_LOCK, PUBLISH_LOCK = "run.lock", "stage.lock", "publish.lock"


@dataclass(frozen=True)
class Outcome:
    """How a night ended: the published (or held) release, and why it may need a person."""

    run_id: str
    release: Path
    report: Path
    published: bool
    abnormal: bool
    reasons_zh: tuple[str, ...]
    reasons_en: tuple[str, ...]
    counts: Mapping[str, Any]
    """Rows, persons, households and changes, as the release accounts for them and the resolver counted them."""
    stands: bool = False
    """Nothing arrived that the current release was not made from: it stands, and no new one was made."""


def run_night(
    exports: Path,
    state: Path,
    night: date,
    config_dir: Path,
    *,
    hold_abnormal: bool = False,
    full: bool = False,
    note: Progress = print,
) -> Outcome:
    """One night without Airflow: land every department, run all stages, publish.

    ``hold_abnormal`` leaves an abnormal night unpublished (as the DAGs do until a person approves). ``full`` works everything
    out anew instead of carrying over what did not change since the night before; the register is the same.
    Raises ConfigurationError (exit code 2), GateStopped (3), UnreadableInput (4), LinkageError (1) when another process
    runs a night on the same state; the last release stays.
    """
    if not exports.is_dir():
        raise ConfigurationError(
            f"Exports folder {exports} does not exist.",
            remedy="Give --exports the folder of one night, with one folder per department.",
        )
    check_ready(State(state), night, config_dir)
    with only_one(state / RUN_LOCK, f"running a night on {state}"):
        return _run_night(exports, state, night, config_dir, hold_abnormal, full, note)


def _run_night(
    exports: Path, state: Path, night: date, config_dir: Path, hold_abnormal: bool, full: bool, note: Progress
) -> Outcome:
    landed = 0
    for source in read_source_configs(config_dir):
        try:
            land_source(exports, state, night, config_dir, source)
            landed += 1
        except UnreadableInput as error:
            if landing.latest_landing(State(state), night, source) is None:
                raise
            note(f"{source}: {error.what} The night goes on with the department's last landing.")
    if not landed:
        raise UnreadableInput(
            f"No department delivered anything in {exports}.",
            remedy="Check the folder and the patterns in config/sources/*.yaml.",
        )
    return _run_planned(state, plan_night(state, night, config_dir, full=full), night, hold_abnormal, note)


def rerun_night(state: Path, config_dir: Path, *, hold_abnormal: bool = False, note: Progress = print) -> Outcome:
    """The night of the current release again, on what the departments delivered for it, with what was decided since.

    It continues the current release; where nothing was decided, that stands. Raises what ``run_night`` raises, and
    ConfigurationError when nothing is published.
    """
    current = State(state).current_release()
    if current is None:
        raise ConfigurationError("Nothing is published yet.", remedy="Run a night first (`linkage run`).")
    night = date.fromisoformat(read_plan(state, current.name)["night"])
    check_ready(State(state), night, config_dir)
    with only_one(state / RUN_LOCK, f"running a night on {state}"):
        return _run_planned(state, plan_night(state, night, config_dir), night, hold_abnormal, note, current.name)


def _run_planned(
    state: Path, run_id: str, night: date, hold_abnormal: bool, note: Progress, standing: str | None = None
) -> Outcome:
    """Run the stages and publish, unless the plan says that a release stands: one of an earlier night, or ``standing``."""
    stands = run_id[:10] < night.isoformat() or run_id == standing
    for stage in () if stands else STAGES:
        run_one_stage(state, run_id, stage, note=note)
    verdict = assess(state, run_id)
    publish = stands or not (hold_abnormal and verdict["abnormal"])
    run_dir = State(state).runs / run_id
    if publish:
        publish_release(state, run_id)
    return Outcome(
        run_id=run_id,
        release=State(state).releases / run_id,
        report=run_dir / "report" / "index.html",
        published=publish,
        abnormal=verdict["abnormal"],
        reasons_zh=tuple(verdict["reasons_zh"]),
        reasons_en=tuple(verdict["reasons_en"]),
        counts=_summary(run_dir, "release") | _summary(run_dir, "resolve"),
        stands=stands,
    )


def land_source(
    exports: Path, state: Path, night: date, config_dir: Path, source: str, *, patient: bool = False
) -> dict[str, Any]:
    """Copy one department's files into the state, hashed and read-only. Raises UnreadableInput if not all are there.

    ``patient``: for callers that come again; a delivery that may still grow is not there yet either.
    """
    configs = read_source_configs(config_dir)
    if source not in configs:
        raise ConfigurationError(
            f"There is no department {source!r}.", remedy=f"Known departments: {', '.join(configs)}."
        )
    folders = {folder for config in configs.values() for folder in claims.folders_of(config)}
    landed = landing.land(exports, State(state), night, configs[source], known_folders=folders, patient=patient)
    return landing_entry(State(state), landed, night)


def run_one_stage(state: Path, run_id: str, stage: str, *, note: Progress = print) -> Summary:
    """Run one stage of a planned night (or find it finished). Raises GateStopped when its gate says stop."""
    if stage not in STAGE_FUNCTIONS:
        raise ConfigurationError(f"There is no stage {stage!r}.", remedy=f"Stages in order: {', '.join(STAGES)}.")
    where = State(state)
    run_dir = where.runs / run_id
    plan = read_plan(state, run_id)
    with only_one(run_dir / STAGE_LOCK, f"working on the run {run_id}"):
        return _run_stage(where, run_dir, stage, plan, note)


def _run_stage(where: State, run_dir: Path, stage: str, plan: Mapping[str, Any], note: Progress) -> Summary:
    run_id, night = run_dir.name, date.fromisoformat(plan["night"])
    limits = read_config(run_dir / "config" / "night.yaml", NightConfig).engine
    previous = where.releases / plan["previous_release"] if plan["previous_release"] else None
    before = where.runs / plan["night_before"] if plan.get("night_before") else None
    previous_run = before if before and before.is_dir() else None
    started = time.monotonic()
    scratch = run_dir / ".scratch"
    with Engine(threads=limits.threads, memory_limit=limits.memory_limit, temp_dir=scratch) as engine:
        base = StageContext(
            night=night,
            run_id=run_id,
            run_dir=run_dir,
            stage=stage,
            out_dir=run_dir,
            config_dir=run_dir / "config",
            state=where,
            engine=engine,
            previous_release=previous,
            previous_run=previous_run,
            carry_from=None if plan.get("full") else previous_run,
            model_dir=run_dir / "model",
            note=note,
        )
        finished_before = (run_dir / stage / "_stage.json").exists()
        function: StageFunction = pkgutil.resolve_name(STAGE_FUNCTIONS[stage])
        try:
            summary = run_stage(function, stage_context(base, stage))
        except duckdb.OutOfMemoryException:
            raise LinkageError(
                f"The stage {stage!r} needs more than the {limits.memory_limit} of memory, or the room for spills in {scratch}, that it has.",
                remedy=f"Raise engine.memory_limit in night.yaml (two thirds of the machine's memory at most; now with {limits.threads} threads: fewer need less), "
                "or make room on the disk, and run the night again. What was published stays.",
            ) from None
    shutil.rmtree(scratch, ignore_errors=True)
    if not finished_before:
        seconds = round(time.monotonic() - started, 1)
        _record_timing(run_dir, stage, seconds)
        note(f"{stage}: {seconds:.1f} s")
    if stage in GATES and summary.get("verdict") == "stop":
        raise GateStopped(
            f"The gate {stage} stopped the night {plan['night']}; nothing was published. "
            + "; ".join([*summary.get("reasons_zh", []), *summary.get("reasons_en", [])]),
            remedy=f"Read {run_dir / stage / 'index.html'}, have the department correct its export, and run the night again.",
        )
    return summary


def assess(state: Path, run_id: str) -> dict[str, Any]:
    """Whether a person should look before publishing: ``{"abnormal", "reasons_zh", "reasons_en"}``."""
    run_dir = State(state).runs / run_id
    plan = read_plan(state, run_id)
    limits = read_config(run_dir / "config" / "night.yaml", NightConfig).abnormal
    zh: list[str] = []
    en: list[str] = []
    stale = sorted(name for name, entry in plan["landings"].items() if entry["stale"])
    if len(stale) >= limits.late_sources > 0:
        zh.append(f"{len(stale)} 个部门未按时交数，沿用上次数据：{'、'.join(stale)}")
        en.append(f"{len(stale)} department(s) late, linked with their last landing: {', '.join(stale)}")
    warnings = sum(_summary(run_dir, gate).get("warnings", 0) for gate in GATES)
    if warnings > limits.gate_warnings:
        zh.append(f"门禁警告 {warnings} 条，超过 {limits.gate_warnings} 条")
        en.append(f"{warnings} gate warnings, more than {limits.gate_warnings}")
    resolved = _summary(run_dir, "resolve")
    before = resolved.get("persons_before", 0)
    if before:
        for key, limit, label_zh, label_en in (
            ("persons_merged", limits.merged_percent, "合并", "merged"),
            ("persons_split", limits.split_percent, "拆分", "split"),
            ("persons_ended", limits.ended_percent, "终止", "ended"),
        ):
            share = 100 * resolved.get(key, 0) / before
            if share > limit:
                zh.append(f"{label_zh}人员占 {share:.2f}%，超过 {limit}%")
                en.append(f"{share:.2f}% of persons {label_en}, more than {limit}%")
        change = 100 * abs(resolved.get("persons", 0) - before) / before
        if change > limits.persons_change_percent:
            zh.append(f"人数变化 {change:.1f}%，超过 {limits.persons_change_percent}%")
            en.append(f"the register changed by {change:.1f}%, more than {limits.persons_change_percent}%")
    return {"abnormal": bool(zh), "reasons_zh": zh, "reasons_en": en}


def publish_release(state: Path, run_id: str) -> None:
    """Verify the release and make it CURRENT, atomically; of two at once the second is refused."""
    with only_one(state / PUBLISH_LOCK, f"publishing on {state}"):
        release_publish.publish(State(state), run_id)


def needs_a_person(state: Path, run_id: str) -> bool:
    """Whether a finished release waits for a person's yes: it is abnormal and not yet the current one."""
    current = State(state).current_release()
    return (current is None or current.name != run_id) and bool(assess(state, run_id)["abnormal"])


def publishable_releases(state: Path) -> tuple[str, ...]:
    """Releases that continue the current one: those that may still be published."""
    return release_publish.publishable(State(state))


def retain(state: Path, night: date, config_dir: Path) -> dict[str, Any]:
    """Delete what the retention policy says, seen from ``night``; what the next night needs stays (see retention.py). Logins that are over go as
    well (linkage/portal/housekeeping.py)."""
    from linkage.portal.config import PortalConfig
    from linkage.portal.housekeeping import purge
    from linkage.release.retention import apply_retention

    policy = read_config(config_dir / "night.yaml", NightConfig).retention
    if State(state).database_exists():
        purge(State(state), read_config(config_dir / "portal.yaml", PortalConfig))
    return apply_retention(
        State(state),
        night,
        runs_days=policy.runs_days,
        landings_days=policy.landings_days,
        releases_days=policy.releases_days,
    )


def _summary(run_dir: Path, stage: str) -> Summary:
    path = run_dir / stage / "_stage.json"
    summary: Summary = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return summary


def _record_timing(run_dir: Path, stage: str, seconds: float) -> None:
    path = run_dir / TIMINGS
    timings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_json(path, timings | {stage: seconds})
