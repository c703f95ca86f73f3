"""How much each user looked at, day by day, and what of it is unusual. A hint is a reason to ask, no verdict."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import median
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import audit_index_table
from linkage.portal.audit_search import day_begins

NIGHT_BEGINS_HOUR, NIGHT_ENDS_HOUR = 22, 6
NIGHT_PERSONS = 20
"""So many persons at night are worth a question."""
FEWEST_PERSONS, TIMES_MEDIAN, FEWEST_DAYS = 50, 5, 3
"""A day with at least so many persons, so many times the user's own median of at least so many other days, is worth a question."""
REFUSALS = 20
"""So many refusals on one day are worth a question."""


@dataclass
class DayOfUser:
    """What one user did on one day of the district. ``actor`` is empty for those who were not logged in."""

    day: date
    actor: str
    looks: int = 0
    persons: int = 0
    night_persons: int = 0
    refusals: int = 0


@dataclass(frozen=True)
class Hint:
    """Something unusual: ``night``, ``far_above_median`` (then ``usual``, the median, is set) or ``refusals``."""

    kind: str
    day: date
    actor: str
    amount: int
    usual: float | None = None


def usage_by_day(state: State, first_day: date, zone: ZoneInfo) -> list[DayOfUser]:
    """Every user's days since ``first_day``, newest first. ``persons`` counts a person as often as looked at."""
    table = audit_index_table.c
    counted = (
        sa.select(table.hour, table.actor, table.outcome, sa.func.count(), sa.func.sum(table.persons))
        .where(table.at >= day_begins(first_day, zone))
        .group_by(table.hour, table.actor, table.outcome)
    )
    days: dict[tuple[date, str], DayOfUser] = {}
    with open_database(state).connect() as connection:
        for hour, actor, outcome, entries, persons in connection.execute(counted):
            local = datetime.fromisoformat(f"{hour}:00:00").replace(tzinfo=UTC).astimezone(zone)
            found = days.setdefault((local.date(), actor), DayOfUser(local.date(), actor))
            if outcome == "done":
                found.looks += entries
                found.persons += persons
                if local.hour >= NIGHT_BEGINS_HOUR or local.hour < NIGHT_ENDS_HOUR:
                    found.night_persons += persons
            elif outcome == "denied":
                found.refusals += entries
    return sorted(days.values(), key=lambda one: (one.day, one.persons, one.looks, one.actor), reverse=True)


def unusual(days: list[DayOfUser]) -> list[Hint]:
    """The hints, newest first."""
    by_actor: dict[str, list[DayOfUser]] = defaultdict(list)
    for one in days:
        by_actor[one.actor].append(one)
    found = []
    for one in days:
        others = [other.persons for other in by_actor[one.actor] if other.day != one.day and other.persons]
        usual = float(median(others)) if len(others) >= FEWEST_DAYS else None
        if one.night_persons >= NIGHT_PERSONS:
            found.append(Hint("night", one.day, one.actor, one.night_persons))
        if usual is not None and one.persons >= FEWEST_PERSONS and one.persons > TIMES_MEDIAN * usual:
            found.append(Hint("far_above_median", one.day, one.actor, one.persons, usual))
        if one.refusals >= REFUSALS:
            found.append(Hint("refusals", one.day, one.actor, one.refusals))
    return found
