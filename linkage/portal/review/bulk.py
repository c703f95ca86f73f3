"""Deciding cases alike together: only for a pattern that was decided the same often enough one by one, and never otherwise."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from linkage.portal.desk import Desk
from linkage.portal.review.locks import held_by_others
from linkage.portal.review.queue import Case, Filters, find_cases, queue_table, read_cases
from linkage.portal.review.readings import CaseState, read_states
from linkage.portal.review.verdicts import PAIR_KINDS
from linkage.portal.review.weights import Row, pattern_of

OFFERED = ("same", "different")
MOST_CASES = 100
"""So many cases are decided at once, at most: a steward is to look at them."""
LEVELS = """
SELECT q.case_id, p.levels, p.guards FROM {queue} q JOIN scored_pairs p
  ON p.record_key_l = least(q.records[1], q.records[2]) AND p.record_key_r = greatest(q.records[1], q.records[2])
WHERE list_contains($kinds, q.kind) AND NOT q.is_high_harm
"""


@dataclass(frozen=True)
class Pattern:
    """A pattern that is proven: always decided ``verdict``, ``decided`` times one by one."""

    pattern: str
    verdict: str
    decided: int


@dataclass(frozen=True)
class Offer:
    """Open cases of a proven pattern; ``levels``: comparison -> level by its number, of any of them."""

    proven: Pattern
    kind: str
    levels: dict[str, int]
    guards: tuple[str, ...]
    case_ids: tuple[str, ...]


def proven_patterns(states: Iterable[CaseState], least: int) -> dict[str, Pattern]:
    """Patterns of which at least ``least`` cases were decided one by one, all the same: no other verdict, not even 'unsure'."""
    said: dict[str, list[str]] = defaultdict(list)
    contrary: set[str] = set()
    for state in states:
        for reading in state.readings:
            if reading.pattern is None:
                continue
            if reading.batch is None and reading.kind == "first":
                said[reading.pattern].append(reading.verdict)
            elif reading.verdict != state.readings[0].verdict:
                contrary.add(reading.pattern)
    return {
        pattern: Pattern(pattern, verdicts[0], len(verdicts))
        for pattern, verdicts in said.items()
        if len(verdicts) >= least and set(verdicts) <= {verdicts[0]} & set(OFFERED) and pattern not in contrary
    }


def read_offers(desk: Desk) -> list[Offer]:
    """What may be decided together now, the largest first; cases that another steward has open are not among them."""
    states = read_states(desk.settings.state)
    proven = proven_patterns(states.values(), desk.settings.portal.review.bulk_after)
    if not proven or desk.register.run is None:
        return []
    read = [case_id for case_id, state in states.items() if state.standing != "open"]
    kinds = sorted(PAIR_KINDS - {"quality_sample", "stale_judgement"})
    rows = desk.register.rows(LEVELS.format(queue=queue_table(desk)), kinds=kinds)
    open_ids = set(
        find_cases(desk, Filters(), leave_out=[*read, *held_by_others(desk.settings.state, desk.who.user_id)])
    )
    cases = {case.case_id: case for case in read_cases(desk, [r["case_id"] for r in rows if r["case_id"] in open_ids])}
    found: dict[str, list[tuple[Case, Row]]] = defaultdict(list)
    for row in rows:
        case = cases.get(row["case_id"])
        if case is not None and (pattern := pattern_of(case.kind, row)) in proven:
            found[str(pattern)].append((case, row))
    offers = [
        Offer(
            proven[pattern],
            members[0][0].kind,
            dict(members[0][1]["levels"]),
            tuple(members[0][1]["guards"]),
            tuple(case.case_id for case, _ in members[:MOST_CASES]),
        )
        for pattern, members in found.items()
    ]
    return sorted(offers, key=lambda offer: -len(offer.case_ids))
