"""When a night runs and who is asked: the closed model of ``config/schedule.yaml``, and the night's own calendar.

Everything here is plain Python: the DAGs read it, and the tests can ask it about any moment.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from croniter import croniter
from pydantic import Field, field_validator, model_validator

from linkage.kernel.config import ClosedModel
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.source_config import SourceConfig

SHIPPED_CONFIG = Path(__file__).resolve().parent.parent / "config"


class Approver(ClosedModel):
    """A person who may decide. ``id`` is the sign-in manager's own: with Airflow's FAB the number of the user's row."""

    id: str
    """User id as Airflow's sign-in manager knows it (FAB: number of the row; simple sign-in: user name)."""
    name: str
    """Name shown beside the question."""


class ScheduleConfig(ClosedModel):
    """When the DAGs run, how they wait, and whom they ask."""

    owner: str
    """Office that answers for the DAGs, shown by Airflow."""
    retention_cron: str = "0 12 * * *"
    """When the retention policy of night.yaml is applied, as cron in the district's time zone."""
    poll_seconds: int = Field(default=120, ge=1)
    """How often a department's folder is looked at while its export is not there yet."""
    retries: int = Field(default=2, ge=0)
    """Further tries of a task after a fault of the machine (never after a bad input: the same bytes stay bad)."""
    retry_delay_minutes: float = Field(default=5, ge=0)
    """Minutes between two tries."""
    night_timeout_hours: float = Field(default=20, gt=0)
    """A night that is still running after so many hours fails, so that the next one can start."""
    approval_timeout_hours: float = Field(default=18, gt=0)
    """Without an answer within so many hours an abnormal night stays unpublished; the next night is planned only then."""
    approvers: tuple[Approver, ...] = ()
    """Who may publish an abnormal night or approve a model. Empty: anyone whose Airflow role may edit DAG runs."""

    @model_validator(mode="after")
    def _an_answer_comes_in_time(self) -> Self:
        if self.approval_timeout_hours >= self.night_timeout_hours:
            raise ValueError(
                "approval_timeout_hours must be less than night_timeout_hours: the next night waits for the answer"
            )
        return self

    @field_validator("retention_cron")
    @classmethod
    def _readable_cron(cls, value: str) -> str:
        if not croniter.is_valid(value):
            raise ValueError(f"{value!r} is not a cron expression; write five fields, e.g. '0 12 * * *'")
        return value


@dataclass(frozen=True)
class Places:
    """Where an installation keeps its exports, its state and its configuration."""

    exports: Path
    state: Path
    config: Path

    def night_folder(self, night: date) -> Path:
        """The folder into which the departments put one night's exports."""
        return self.exports / f"night={night.isoformat()}"


def read_places() -> Places:
    """Places from GRIDROLL_EXPORTS, GRIDROLL_STATE and GRIDROLL_CONFIG. Raises ConfigurationError if one is missing."""
    missing = [name for name in ("GRIDROLL_EXPORTS", "GRIDROLL_STATE") if not os.environ.get(name)]
    if missing:
        raise ConfigurationError(
            f"The environment does not say where things are: {', '.join(missing)} not set.",
            remedy="Set them for the scheduler and its workers, as docker-compose.yml does.",
        )
    return Places(Path(os.environ["GRIDROLL_EXPORTS"]), Path(os.environ["GRIDROLL_STATE"]), config_dir())


def config_dir() -> Path:
    """GRIDROLL_CONFIG, or the configuration that ships with gridroll."""
    return Path(os.environ.get("GRIDROLL_CONFIG") or SHIPPED_CONFIG)


def night_of(moment: datetime, zone: str, asked: str | None = None) -> date:
    """The night a run is about: ``asked`` (YYYY-MM-DD) if given, else the calendar day of ``moment`` in ``zone``."""
    if not asked:
        return moment.astimezone(ZoneInfo(zone)).date()
    try:
        return date.fromisoformat(asked)
    except ValueError:
        raise ConfigurationError(f"{asked!r} is not a night.", remedy="Write the date as YYYY-MM-DD.") from None


@dataclass(frozen=True)
class PullWindow:
    """When one department's export of one night may be taken, and until when the night waits for it."""

    opens: datetime
    closes: datetime

    def not_open(self, now: datetime) -> bool:
        return now < self.opens

    def closed(self, now: datetime) -> bool:
        return now >= self.closes


def pull_window(source: SourceConfig, night: date, zone: str) -> PullWindow:
    """The window of ``source`` for ``night``: from its cron until ``late_after_minutes`` later.

    A department whose cron does not fire on that day is not waited for: its window opens and closes at midnight.
    """
    midnight = datetime.combine(night, time(), tzinfo=ZoneInfo(zone))
    fires = _first_fire(source.pull_cron, midnight)
    if fires is None:
        return PullWindow(midnight, midnight)
    return PullWindow(fires, fires + timedelta(minutes=source.late_after_minutes))


def night_cron(sources: Iterable[SourceConfig]) -> str:
    """Every day at the earliest time at which any department's export is expected, whatever its days.

    A department that delivers once a week must not make the nights weekly: the others deliver every day.
    """
    hour, minute = min(_earliest_time(source.pull_cron) for source in sources)
    return f"{minute} {hour} * * *"


def _earliest_time(cron: str) -> tuple[int, int]:
    """Hour and minute at which ``cron`` fires first on a day on which it fires."""
    minutes, hours = croniter.expand(cron)[0][:2]
    hour, minute = (0 if "*" in values else min(values) for values in (hours, minutes))
    return hour, minute


def _first_fire(cron: str, midnight: datetime) -> datetime | None:
    """First time ``cron`` fires on the day that begins at ``midnight``."""
    fires: datetime = croniter(cron, midnight - timedelta(seconds=1)).get_next(datetime)
    return fires if fires.date() == midnight.date() else None
