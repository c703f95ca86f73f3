"""The life of a model: trained as a candidate, compared with the live one on the same records, approved by a person.

Orchestration only, like ``night.py``: the comparison runs the stages match, resolve and estimate twice into a scratch folder,
once with each model, and looks at what differs.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from linkage.compare.differences import SIDES, differences, weight_changes
from linkage.estimate import stage as estimate_stage
from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError, LinkageError
from linkage.kernel.lock import only_one
from linkage.kernel.pair_rules import read_pair_rules
from linkage.kernel.run import (
    Progress,
    StageContext,
    StageFunction,
    State,
    run_stage,
    stage_context,
    write_bytes,
    write_json,
)
from linkage.match import models
from linkage.match import stage as match_stage
from linkage.match.config import MatchConfig
from linkage.night_config import EngineConfig, NightConfig
from linkage.release.manifest import file_hash
from linkage.report.intervals import estimate_tables
from linkage.report.page import bilingual, render
from linkage.resolve import stage as resolve_stage

COMPARISON, PAGE = "comparison.json", "comparison.html"
COMPARED_STAGES: Mapping[str, StageFunction] = {
    "match": match_stage.run,
    "resolve": resolve_stage.run,
    "estimate": estimate_stage.run,
}
COMPARING_LOCK = "comparing.lock"


@dataclass(frozen=True)
class Comparison:
    """A finished comparison: where it is, and what it says in a few lines (Chinese, English), counts only."""

    page: Path
    lines: tuple[tuple[str, str], ...]


def train_model(state: Path, night: date, config_dir: Path) -> str:
    """Train a candidate model on the newest run of ``night`` or before, records and judgements; it is not live until approved. Returns its id."""
    where = State(state)
    run_dir = _newest_run(where, night)
    with _engine(run_dir, read_config(config_dir / "night.yaml", NightConfig).engine) as engine:
        return models.train_candidate(
            engine,
            where,
            run_dir / "gate_incoming" / "common_records.parquet",
            run_dir,
            config_dir,
            night,
        )


def compare_models(state: Path, candidate_id: str, config_dir: Path, *, note: Progress = print) -> Comparison:
    """Link the newest run's records with the live model and with the candidate, and write what differs beside the candidate.

    Both continue the current release, with that run's judgements: the live side is the register as it stands, the candidate's what
    it would become if only the model changed. Writes ``comparison.json`` and ``comparison.html`` into the candidate's folder.
    Raises LinkageError when there is no live model, or when it is the candidate itself.
    """
    where = State(state)
    cards = {"live": models.require_model(where, _live(where)), "candidate": models.require_model(where, candidate_id)}
    if cards["live"]["model_id"] == candidate_id:
        raise LinkageError(
            f"{candidate_id} is the live model itself; there is nothing to compare.",
            remedy="Train on newer records, or change config/match.yaml first.",
        )
    run_dir = _newest_run(where, date.max)
    scratch = where.models / f".comparing-{candidate_id}"
    with only_one(where.models / COMPARING_LOCK, f"comparing models on {state}"):
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            for side in SIDES:
                _link_with(where, run_dir, scratch / side, cards[side]["model_id"], config_dir, note)
            limits = read_config(config_dir / "night.yaml", NightConfig).engine
            rules = read_pair_rules(config_dir / "match.yaml")
            with _engine(scratch, limits) as engine:
                found = differences(engine, {side: scratch / side for side in SIDES}, rules.cannot_link_guards)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        current = where.current_release()
        about = {"run": run_dir.name, "continues": current.name if current else None}
        found |= cards | about | {"weights": weight_changes(cards["live"], cards["candidate"])}
        folder = where.models / candidate_id
        write_json(folder / COMPARISON, found)
        write_bytes(folder / PAGE, _comparison_page(found).encode())
    return Comparison(folder / PAGE, comparison_lines(state, candidate_id))


def comparison_lines(state: Path, candidate_id: str) -> tuple[tuple[str, str], ...]:
    """What the comparison of ``candidate_id`` says, for whoever is asked: (Chinese, English), counts only.

    Raises LinkageError when it was not compared.
    """
    path = State(state).models / candidate_id / COMPARISON
    if not path.exists():
        raise LinkageError(
            f"The model {candidate_id} was not compared with the live one.",
            remedy=f"Run `linkage model compare {candidate_id}` first.",
        )
    found = json.loads(path.read_text(encoding="utf-8"))
    p, h = found["persons"], found["households"]
    cases = {side: sum(row[side] for row in found["review_cases"]) for side in SIDES}
    households = h["households_new"] + h["households_gone"] + h["households_with_other_members"]
    lines = [
        (
            f"合并：{p['persons_merged']:,} 人归为 {p['persons_merged_into']:,} 人；拆分：{p['persons_split']:,} 人拆为 {p['persons_split_into']:,} 人（共 {p['persons_live']:,} 人）",
            f"merge: {p['persons_merged']:,} persons become {p['persons_merged_into']:,}; split: {p['persons_split']:,} become {p['persons_split_into']:,} (of {p['persons_live']:,})",
        ),
        (f"家庭变化：{households:,}", f"households that change: {households:,}"),
        (
            f"复核事项：{cases['live']:,} → {cases['candidate']:,}",
            f"review cases: {cases['live']:,} -> {cases['candidate']:,}",
        ),
    ]
    for measure, zh, en in (
        ("precision", "估计精确率", "estimated precision"),
        ("recall", "估计召回率", "estimated recall"),
    ):
        shares = [_whole_register(found["errors"][side], measure) for side in SIDES]
        if all(shares):
            lines.append((f"{zh}：{shares[0]} → {shares[1]}", f"{en}: {shares[0]} -> {shares[1]}"))
    return tuple(lines)


def approve_model(state: Path, model_id: str, *, by: str, reason: str) -> dict[str, Any]:
    """Make a model the live one for every night that has not begun; logged with who, when and why. Returns the entry.

    An older model may be approved again: that is how to go back.
    """
    where = State(state)
    runs = [path.parent.name[:10] for path in where.runs.glob("*/run.json")]
    current = where.current_release()
    nights = [*runs, *([current.name[:10]] if current else [])]
    if not nights:
        raise LinkageError(
            "No night has been run on this state, so there is no register to link.",
            remedy="Run a night first; the first night trains the first model by itself.",
        )
    seen = where.models / model_id / COMPARISON
    return models.approve(
        where,
        model_id,
        by=by,
        reason=reason,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        after_night=date.fromisoformat(max(nights)),
        comparison_sha256=file_hash(seen) if seen.exists() else None,
    )


def _live(where: State) -> str:
    live = models.live_model_id(where, before=date.max)
    if live is None:
        raise LinkageError(
            "There is no live model to compare with.",
            remedy="Run a night first; the first night trains the first model by itself.",
        )
    return live


def _newest_run(where: State, night: date) -> Path:
    """The run of the newest night up to ``night`` whose records passed the gate: of several of one night, the published one."""
    runs = [p.parent.parent for p in where.runs.glob("*/gate_incoming/common_records.parquet")]
    runs = [run for run in runs if run.name[:10] <= night.isoformat()]
    if not runs:
        raise LinkageError(
            "There is no run to train on or compare with.",
            remedy="Run a night first; the first night trains the first model by itself.",
        )
    current = where.current_release()
    return max(runs, key=lambda run: (run.name[:10], current is not None and run.name == current.name, run.name))


def _link_with(where: State, run_dir: Path, folder: Path, model_id: str, config_dir: Path, note: Progress) -> None:
    """Link the records of ``run_dir`` with one model into ``folder``, which is laid out like a run."""
    plan = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    fitting = _fitting_config(where, model_id, config_dir, run_dir / "config")
    folder.mkdir(parents=True)
    write_json(folder / "run.json", plan | {"model_id": model_id})
    shutil.copyfile(run_dir / "judgements.parquet", folder / "judgements.parquet")
    shutil.copytree(fitting, folder / "config")
    shutil.copytree(where.models / model_id, folder / "model")
    write_json(folder / "model" / "_stage.json", {"model_id": model_id})
    (folder / "gate_incoming").symlink_to((run_dir / "gate_incoming").resolve(), target_is_directory=True)
    current = where.current_release()
    for stage, function in COMPARED_STAGES.items():
        note(f"{model_id}: {stage}")
        with _engine(folder, read_config(config_dir / "night.yaml", NightConfig).engine) as engine:
            base = StageContext(
                night=date.fromisoformat(plan["night"]),
                run_id=plan["run_id"],
                run_dir=folder,
                stage=stage,
                out_dir=folder,
                config_dir=folder / "config",
                state=where,
                engine=engine,
                previous_release=current,
                model_dir=folder / "model",
            )
            run_stage(function, stage_context(base, stage))


def _fitting_config(where: State, model_id: str, *config_dirs: Path) -> Path:
    """The first of the configurations that has the comparisons the model was trained for: after a change the live one fits only the old."""
    for config_dir in config_dirs:
        if models.fits(where, model_id, read_config(config_dir / "match.yaml", MatchConfig)):
            return config_dir
    raise ConfigurationError(
        f"The model {model_id} was trained for other comparisons than config/match.yaml has now.",
        remedy="Train a candidate with this configuration, or bring back the match.yaml of the model.",
    )


def _comparison_page(found: dict[str, Any]) -> str:
    estimates = {side: estimate_tables(found["errors"][side]) for side in SIDES}
    return render(
        "comparison.html",
        c=found,
        names={row["comparison"]: bilingual(row["comparison_zh"], row["comparison_en"]) for row in found["weights"]},
        tables={side: estimates[side]["tables"] for side in SIDES},
        ticks=estimates["live"]["ticks"],
    )


def _engine(folder: Path, limits: EngineConfig) -> Engine:
    return Engine(threads=limits.threads, memory_limit=limits.memory_limit, temp_dir=folder / ".scratch")


def _whole_register(errors: list[dict[str, Any]], measure: str) -> str | None:
    """The estimate of the whole register with its interval, in words; None without a hold-out."""
    for row in errors:
        if (row["method"], row["measure"], row["subgroup"]) == ("register", measure, "all"):
            return f"{100 * row['estimate']:.2f}% ({100 * row['low']:.2f}–{100 * row['high']:.2f}%)"
    return None
