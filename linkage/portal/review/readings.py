"""Readings of cases, append-only, and what a case's readings together say: open, awaiting a second reader, decided, to discuss."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import readings_table

Standing = Literal["open", "awaits_second", "decided", "to_discuss"]
Groups = tuple[tuple[str, ...], ...]
READINGS = readings_table.c
ASKED_AGAIN = ("stale_judgement", "contradicted_judgement")
"""Kinds that stand in a later release because a decision no longer holds: what was read before does not settle them."""


@dataclass(frozen=True)
class Reading:
    """One row of ``readings``."""

    reading_id: str
    case_id: str
    case_kind: str
    records: tuple[str, ...]
    release: str
    user_id: str
    kind: str
    verdict: str
    groups: Groups | None
    reason: str
    decision_id: str | None
    undoes: str | None
    batch: str | None
    pattern: str | None
    seconds: int | None
    read_at: datetime

    @property
    def says(self) -> tuple[object, ...]:
        """What is decided, whatever the order in which it was written: two readers agree when this is equal."""
        return (self.verdict, frozenset(frozenset(group) for group in self.groups or ()))


@dataclass(frozen=True)
class CaseState:
    """The readings of a case that count, oldest first, and where it stands."""

    standing: Standing = "open"
    readings: tuple[Reading, ...] = ()

    @property
    def readers(self) -> frozenset[str]:
        """User ids of those who have read it."""
        return frozenset(reading.user_id for reading in self.readings)

    @property
    def last(self) -> Reading | None:
        """The newest reading that counts."""
        return self.readings[-1] if self.readings else None


def counting(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Readings that nobody took back, oldest first."""
    every = sorted(readings, key=lambda r: (r.read_at, r.kind == "undo", r.reading_id))
    undone = {reading.undoes for reading in every}
    return tuple(r for r in every if r.kind != "undo" and r.reading_id not in undone)


def case_state(readings: Iterable[Reading]) -> CaseState:
    """Where a case stands. A first reading that became no judgement awaits a second; two that differ are to be discussed; a
    third settles it."""
    found = counting(readings)
    by_kind = {reading.kind: reading for reading in found}
    if "first" not in by_kind:
        return CaseState()
    first, second = by_kind["first"], by_kind.get("second")
    standing: Standing = "decided"
    if "third" in by_kind:
        standing = "decided"
    elif second is not None:
        standing = "decided" if first.says == second.says else "to_discuss"
    elif first.decision_id is None:
        standing = "awaits_second"
    return CaseState(standing, found)


def read_states(state: State) -> dict[str, CaseState]:
    """Every case that somebody read, by its id."""
    by_case: dict[str, list[Reading]] = defaultdict(list)
    for reading in read_readings(state):
        by_case[reading.case_id].append(reading)
    return {case_id: case_state(readings) for case_id, readings in by_case.items()}


def settles(state: CaseState, kind: str, release: str) -> CaseState:
    """``state`` as it counts for a case of ``kind`` in ``release``: a decision that no longer holds is asked again."""
    if kind in ASKED_AGAIN and state.last is not None and state.last.release != release:
        return CaseState()
    return state


def read_readings(state: State, **by: str) -> list[Reading]:
    """Readings with these values of columns, oldest first; all of them when none is given."""
    query = sa.select(readings_table).order_by(READINGS.read_at, READINGS.reading_id)
    for column, value in by.items():
        query = query.where(READINGS[column] == value)
    with open_database(state).connect() as connection:
        return [to_reading(row) for row in connection.execute(query).mappings()]


def to_reading(row: Mapping[Any, Any]) -> Reading:
    """A row of the database."""
    groups = tuple(tuple(group) for group in row["groups"]) if row["groups"] else None
    return Reading(**{**row, "groups": groups, "records": tuple(row["records"])})


def write_reading(connection: sa.Connection, reading: Reading) -> None:
    """Append one row."""
    row = {column.name: getattr(reading, column.name) for column in readings_table.columns}
    groups = [list(group) for group in reading.groups or ()]
    connection.execute(sa.insert(readings_table), row | {"groups": groups or None, "records": list(reading.records)})


def read_on(readings: Sequence[Reading], user_id: str, day: date) -> int:
    """Cases that ``user_id`` read on ``day`` (UTC) and did not take back."""
    return len({r.case_id for r in counting(readings) if r.user_id == user_id and r.read_at.date() == day})
