"""Working days as the law counts them: weekends and public holidays are off, some weekend days are worked instead (调休)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from linkage.portal.config import Holiday

SATURDAY = 5


@dataclass(frozen=True)
class Workdays:
    """The calendar: days off besides weekends, and weekend days that are worked."""

    off: frozenset[date]
    worked: frozenset[date]

    def is_working_day(self, day: date) -> bool:
        """Whether offices are open on ``day``."""
        return day in self.worked or (day.weekday() < SATURDAY and day not in self.off)

    def after(self, day: date, working_days: int) -> date:
        """The ``working_days``-th working day after ``day``; ``day`` itself does not count."""
        while working_days > 0:
            day += timedelta(days=1)
            working_days -= self.is_working_day(day)
        return day


def workdays(holidays: Iterable[Holiday]) -> Workdays:
    """The calendar of ``config/portal.yaml``."""
    spans = tuple(holidays)
    off = {h.first + timedelta(days=n) for h in spans for n in range((h.last - h.first).days + 1)}
    return Workdays(frozenset(off), frozenset(day for h in spans for day in h.worked))
