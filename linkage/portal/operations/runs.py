"""Runs as their folders show them: which stages are finished, what their gates said, and what became of the night."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from linkage.kernel.engine import quote_text
from linkage.kernel.run import State, read_stage_summary
from linkage.release.chain import published_releases
from linkage.release.publish import publishable

# As in linkage/night.py, which is not imported for a list of names: it brings every engine with it.
STAGES = (
    "sources", "standardise", "gate_incoming", "model", "match", "resolve", "estimate", "register", "gate_outgoing", "release", "report",
)  # fmt: skip
GATES = ("gate_incoming", "gate_outgoing")
BUSY_SECONDS = 1800
"""A run whose files were touched so lately is taken to be running."""
Fate = Literal["current", "published", "running", "stopped", "waiting", "ready", "passed_over", "unfinished"]
FATES: Mapping[Fate, tuple[str, str]] = {
    "current": ("当前发布", "current release"),
    "published": ("曾发布", "published before"),
    "running": ("运行中", "running"),
    "stopped": ("门禁停止，未发布", "stopped at a gate, not published"),
    "waiting": ("异常，等待批准", "abnormal, waiting for approval"),
    "ready": ("已完成，待发布", "finished, to be published"),
    "passed_over": ("未发布，已被后来的发布取代", "not published, a later release stands"),
    "unfinished": ("中断", "broken off"),
}


@dataclass(frozen=True)
class StageState:
    """One stage of a run; ``verdict`` of gates, ``seconds`` once it is finished."""

    stage: str
    is_finished: bool
    seconds: float | None
    verdict: str | None
    is_begun: bool


@dataclass(frozen=True)
class Run:
    """One run."""

    run_id: str
    plan: Mapping[str, Any]
    stages: tuple[StageState, ...]
    fate: Fate

    @property
    def night(self) -> str:
        return str(self.plan["night"])

    @property
    def late(self) -> tuple[str, ...]:
        """Departments represented by an earlier landing."""
        return tuple(sorted(name for name, entry in self.plan["landings"].items() if entry["stale"]))

    @property
    def seconds(self) -> float:
        return sum(stage.seconds or 0 for stage in self.stages)

    @property
    def finished_stages(self) -> int:
        return sum(stage.is_finished for stage in self.stages)

    @property
    def stopped_at(self) -> str | None:
        return next((stage.stage for stage in self.stages if stage.verdict == "stop"), None)


def run_names(state: State) -> list[str]:
    """Runs that are kept, newest night first."""
    return sorted((path.parent.name for path in state.runs.glob("[!.]*/run.json")), reverse=True)


def read_runs(state: State, limit: int) -> list[Run]:
    """The newest ``limit`` runs."""
    published, open_ones = _published(state), set(publishable(state))
    return [_read(state, name, published, open_ones) for name in run_names(state)[:limit]]


def read_run(state: State, run_id: str) -> Run | None:
    """One run, if it is kept."""
    if run_id not in run_names(state):
        return None
    return _read(state, run_id, _published(state), set(publishable(state)))


def _published(state: State) -> list[str]:
    return [release.name for release in published_releases(state)]


def _read(state: State, run_id: str, published: list[str], open_ones: set[str]) -> Run:
    folder = state.runs / run_id
    timings = _json(folder / "timings.json")
    stages = tuple(_stage(folder, stage, timings) for stage in STAGES)
    return Run(run_id, _json(folder / "run.json"), stages, _fate(state, run_id, stages, published, open_ones))


def _stage(folder: Path, stage: str, timings: Mapping[str, float]) -> StageState:
    finished = (folder / stage / "_stage.json").exists()
    verdict = read_stage_summary(folder, stage).get("verdict") if stage in GATES else None
    return StageState(stage, finished, timings.get(stage), verdict, (folder / f".{stage}.unfinished").exists())


def _fate(state: State, run_id: str, stages: tuple[StageState, ...], published: list[str], open_ones: set[str]) -> Fate:
    if run_id in published:
        return "current" if run_id == published[0] else "published"
    if any(stage.verdict == "stop" for stage in stages):
        return "stopped"
    if not all(stage.is_finished for stage in stages):
        return "running" if _is_busy(state.runs / run_id) else "unfinished"
    if run_id not in open_ones:
        return "passed_over"
    return "waiting" if assessment(state, run_id)["abnormal"] else "ready"


def assessment(state: State, run_id: str) -> Mapping[str, Any]:
    """Whether a finished night is abnormal, with the reasons in both languages."""
    from linkage.night import assess

    return assess(state.root, run_id)


def _is_busy(folder: Path) -> bool:
    """Whether something in the run was written lately. Its lock is not tried: a night must never find it held by somebody who only looks."""
    newest = max((path.stat().st_mtime for path in (folder, *folder.iterdir(), *folder.glob(".*/*"))), default=0.0)
    return time.time() - newest < BUSY_SECONDS


def gate_results(folder: Path, gate: str) -> list[dict[str, Any]]:
    """Rows of ``gate_results``: rule names and counts, the worst first; none when the gate has not finished."""
    path = folder / gate / "gate_results.parquet"
    if gate not in GATES or not path.exists():
        return []
    with duckdb.connect() as con:
        cursor = con.execute(
            "SELECT *, CASE WHEN verdict = 'warn' AND severity = 'info' THEN 'set_aside' ELSE verdict END AS word "
            f"FROM read_parquet({quote_text(path)}) ORDER BY CASE word WHEN 'stop' THEN 0 WHEN 'warn' THEN 1 WHEN 'set_aside' THEN 2 ELSE 3 END, suite, rule"
        )
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def gate_reasons(folder: Path, gate: str) -> list[tuple[str, str]]:
    """Why the gate stopped the night, Chinese and English: rules, and signals of a department's files. None when it did not."""
    summary = read_stage_summary(folder, gate)
    return list(zip(summary.get("reasons_zh", ()), summary.get("reasons_en", ()), strict=True))


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found
