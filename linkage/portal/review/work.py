"""A steward's work: which cases are open, which come next, and what a viewer may do with one."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from linkage.portal.desk import Desk, NotThere
from linkage.portal.review.locks import held_by_others
from linkage.portal.review.lookups import of_records
from linkage.portal.review.queue import Case, Filters, find_cases, read_cases
from linkage.portal.review.readings import CaseState, Reading, read_readings, read_states, settles
from linkage.portal.review.second import is_sampled, may_read, next_step

FIRST, SECOND, DISCUSS = "", "second", "discuss"
QUEUES = {FIRST: ("first",), SECOND: ("second",), DISCUSS: ("third",)}
MAY = {"first": ("review",), "second": ("second_read",), "third": ("review", "second_read")}


@dataclass(frozen=True)
class Work:
    """All readings as they count in the current release."""

    desk: Desk
    states: Mapping[str, CaseState]

    def state(self, case_id: str) -> CaseState:
        """Where a case stands; open when nobody read it."""
        return self.states.get(case_id, CaseState())

    def sampled(self, case_id: str) -> bool:
        """Whether a second reader reads it although it is decided."""
        return is_sampled(self.desk.settings.audit, case_id, self.desk.settings.portal.review.second_reader_percent)

    def step(self, case_id: str) -> str | None:
        """The reading that the case waits for."""
        return next_step(self.state(case_id), sampled=self.sampled(case_id))

    def may(self, case_id: str) -> bool:
        """Whether the viewer may do that reading: by permission, and nobody reads a case twice."""
        step = self.step(case_id)
        return (
            step is not None
            and bool(self.desk.who.permissions & set(MAY[step]))
            and may_read(self.state(case_id), self.desk.who.user_id, step, sampled=self.sampled(case_id))
        )

    def open_cases(self, filters: Filters) -> list[str]:
        """Cases nobody has read, in the queue's order."""
        return find_cases(self.desk, filters, leave_out=[k for k, s in self.states.items() if s.standing != "open"])

    def waiting(self, queue: str) -> list[str]:
        """Cases that the viewer may read a second or third time, those waited for longest first."""
        found = [case_id for case_id in self.states if self.step(case_id) in QUEUES[queue] and self.may(case_id)]
        return sorted(found, key=lambda case_id: (self.states[case_id].readings[0].read_at, case_id))

    def after(self, queue: str, filters: Filters, case_id: str) -> str | None:
        """The next case of ``queue`` behind ``case_id`` that no other steward has; from the front again at the end."""
        ordered = find_cases(self.desk, filters) if queue == FIRST else self.waiting(queue)
        wanted = set(self.open_cases(filters)) if queue == FIRST else set(ordered)
        wanted -= set(held_by_others(self.desk.settings.state, self.desk.who.user_id)) | {case_id}
        place = ordered.index(case_id) + 1 if case_id in ordered else 0
        return next((found for found in [*ordered[place:], *ordered[:place]] if found in wanted), None)


def read_work(desk: Desk) -> Work:
    """The work as it stands now."""
    release = desk.register.release.name
    states = {
        case_id: settles(state, state.readings[-1].case_kind, release) if state.readings else state
        for case_id, state in read_states(desk.settings.state).items()
    }
    return Work(desk, states)


def open_case(desk: Desk, work: Work, case_id: str) -> Case:
    """A case of the queue, or one that was read and is gone from it since. Raises NotThere unless the viewer may see all of it:
    a steward every case, a second reader those that wait for one and what they read themselves."""
    may_see = "review" in desk.who.permissions or work.may(case_id) or desk.who.user_id in work.state(case_id).readers
    if not may_see:
        raise NotThere
    found = read_cases(desk, [case_id])
    if found:
        return found[0]
    last = work.state(case_id).last
    if last is None:
        raise NotThere
    return _case_of(desk, last)


def _case_of(desk: Desk, reading: Reading) -> Case:
    named, bound = of_records(reading.records)
    rows = desk.look("crosswalk", named, **bound)
    if len(rows) < len(reading.records):
        raise NotThere
    blind = reading.case_kind == "quality_sample"
    return Case(
        case_id=reading.case_id,
        kind=reading.case_kind,
        records=reading.records,
        person_ids=() if blind else tuple(sorted({row["person_id"] for row in rows})),
        match_weight=None,
        reason="已裁定，等待另一人复核",
        reason_en="read once, awaits another reader",
        sources=tuple(sorted({row["source"] for row in rows})),
        streets=(),
        communities=(),
        persons=0,
        all_records=len(rows),
        is_high_harm=reading.decision_id is None,
        is_paid=False,
        urgency=0,
        harm=0,
        information=0,
        points=0,
    )


def link(case_id: str, queue: str, filters: Filters, **more: str) -> str:
    """Address of a case, with the queue it was reached from."""
    query = urlencode({k: v for k, v in {"queue": queue, **vars(filters), **more}.items() if v})
    return f"/review/{case_id}" + (f"?{query}" if query else "")


def own_reading(desk: Desk, reading_id: str) -> Reading | None:
    """The viewer's own reading of this id, to tell that it is recorded; None when there is none, or the id is empty."""
    if not reading_id:
        return None
    return next(iter(read_readings(desk.settings.state, reading_id=reading_id, user_id=desk.who.user_id)), None)
