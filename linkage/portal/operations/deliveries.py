"""Departments tonight: whose export has landed, whose is waited for, whose is late; and the DAG run of a night in Airflow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from linkage.kernel.run import State
from linkage.kernel.source_config import SourceConfig
from linkage.schedule import PullWindow, night_cron, pull_window
from linkage.sources.landing import latest_landing

Word = Literal["landed", "not_due", "waited_for", "late", "never", "not_expected"]
WORDS: Mapping[Word, tuple[str, str]] = {
    "landed": ("已到", "landed"),
    "not_due": ("未到时间", "not due yet"),
    "waited_for": ("等待中", "waited for"),
    "late": ("迟到", "late"),
    "never": ("从未交数", "has never delivered"),
    "not_expected": ("今夜不交", "not expected tonight"),
}
NIGHT_DAG, PUBLISH_DAG = "gridroll_night", "gridroll_publish"


@dataclass(frozen=True)
class Delivery:
    """One department's export of one night."""

    source: str
    word: Word
    landed_night: date | None
    window: PullWindow


def deliveries(
    state: State, sources: Mapping[str, SourceConfig], night: date, zone: str, now: datetime
) -> list[Delivery]:
    """Every department at the moment ``now`` (with a zone) of the night."""
    found = []
    for name, config in sources.items():
        window = pull_window(config, night, zone)
        landing = latest_landing(state, night, name)
        landed = landing.night if landing else None
        found.append(Delivery(name, _word(window, landed, night, now), landed, window))
    return found


def _word(window: PullWindow, landed: date | None, night: date, now: datetime) -> Word:
    if landed == night:
        return "landed"
    if window.opens == window.closes:
        return "not_expected"
    if window.not_open(now):
        return "not_due"
    if not window.closed(now):
        return "waited_for"
    return "never" if landed is None else "late"


def night_link(airflow_url: str, night: date, sources: Mapping[str, SourceConfig], zone: str) -> str:
    """The scheduled DAG run of ``night`` in Airflow's pages (one started by hand or by a backfill has a name of its own)."""
    minute, hour = (int(part) for part in night_cron(sources.values()).split()[:2])
    fires = datetime.combine(night, datetime.min.time(), ZoneInfo(zone)) + timedelta(hours=hour, minutes=minute)
    return _dag_run(airflow_url, NIGHT_DAG, f"scheduled__{fires.astimezone(UTC).isoformat()}")


def publish_link(airflow_url: str, run_id: str) -> str:
    """The DAG run that publishes (or asks about) ``run_id``."""
    return _dag_run(airflow_url, PUBLISH_DAG, f"publish__{run_id}")


def _dag_run(airflow_url: str, dag: str, run: str) -> str:
    return f"{airflow_url.rstrip('/')}/dags/{dag}/runs/{quote(run, safe='')}"


def state_folder_bytes(state: State) -> dict[str, int]:
    """Bytes by part of the state folder; files that vanish meanwhile count nothing."""
    return {part.name: _bytes(part) for part in (state.landings, state.runs, state.releases, state.models)}


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        except FileNotFoundError:
            continue
    return total
