"""Requests by department, for lists, scorecards and the command line."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from linkage.portal.corrections.life import Correction


@dataclass(frozen=True)
class Counts:
    """What one department was asked, and how it answered. Counts of requests."""

    received: int = 0
    answered: int = 0
    answered_in_time: int = 0
    accepted: int = 0
    refused: int = 0
    overdue: int = 0
    corrected: int = 0
    not_corrected: int = 0
    withdrawn: int = 0
    raised: int = 0
    """Requests that the department itself sent to others."""

    @property
    def in_time_share(self) -> float | None:
        """Of those answered or overdue, the share answered in time; None when there is none."""
        due = self.answered + self.overdue
        return self.answered_in_time / due if due else None


def count(
    corrections: Iterable[Correction], departments: Iterable[str], today: date, local_day: Callable[[datetime], date]
) -> dict[str, Counts]:
    """Counts of every one of ``departments`` and of every other that was asked or asks."""
    every = list(corrections)
    names = [*departments, *sorted({c.owner for c in every} | {c.raised_department for c in every})]
    return {name: _count(every, name, today, local_day) for name in dict.fromkeys(names)}


def _count(every: list[Correction], name: str, today: date, local_day: Callable[[datetime], date]) -> Counts:
    mine = [c for c in every if c.owner == name]
    answers = [(c, c.answer) for c in mine]
    return Counts(
        received=len(mine),
        answered=sum(answer is not None for _, answer in answers),
        answered_in_time=sum(answer is not None and local_day(answer.at) <= c.due_on for c, answer in answers),
        accepted=sum(answer is not None and answer.status == "accepted" for _, answer in answers),
        refused=sum(answer is not None and answer.status == "refused" for _, answer in answers),
        overdue=sum(c.is_overdue(today) for c in mine),
        corrected=sum(c.status == "corrected" for c in mine),
        not_corrected=sum(c.status == "not_corrected" for c in mine),
        withdrawn=sum(c.status == "withdrawn" for c in mine),
        raised=sum(c.raised_department == name for c in every),
    )
