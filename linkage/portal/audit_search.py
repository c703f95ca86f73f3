"""Finding entries of the audit: by time, actor, action, outcome, person, or the keyed hash of a value."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import audit_index_table, audit_persons_table, audit_table, audit_values_table

OUTCOMES = ("asked", "done", "denied", "failed")
INDEX, ENTRIES = audit_index_table.c, audit_table.c


@dataclass(frozen=True)
class Filters:
    """What is looked for; empty: everything. Days are the district's, both included."""

    first_day: date | None = None
    last_day: date | None = None
    actor: str = ""
    action: str = ""
    outcome: str = ""
    persons: tuple[str, ...] = ()
    value_hash: str = ""


@dataclass(frozen=True)
class Found:
    """One entry: its number, its content, its mac."""

    seq: int
    entry: dict[str, Any]
    mac: str


def find_entries(
    state: State, filters: Filters, zone: ZoneInfo, *, limit: int, before: int | None = None
) -> list[Found]:
    """Entries, newest first; the next page comes ``before`` the number of the last one."""
    query = sa.select(audit_table).join_from(audit_table, audit_index_table, ENTRIES.seq == INDEX.seq)
    query = query.where(*_conditions(filters, zone)).order_by(INDEX.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(INDEX.seq < before)
    with open_database(state).connect() as connection:
        return [Found(row.seq, json.loads(row.entry), row.mac) for row in connection.execute(query)]


def _conditions(filters: Filters, zone: ZoneInfo) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if filters.first_day:
        found.append(INDEX.at >= day_begins(filters.first_day, zone))
    if filters.last_day:
        found.append(INDEX.at < day_begins(filters.last_day + timedelta(days=1), zone))
    for column, value in (
        (INDEX.actor, filters.actor),
        (INDEX.action, filters.action),
        (INDEX.outcome, filters.outcome),
    ):
        if value:
            found.append(column == value)
    if filters.persons:
        persons = audit_persons_table.c
        found.append(INDEX.seq.in_(sa.select(persons.seq).where(persons.person_id.in_(filters.persons))))
    if filters.value_hash:
        values = audit_values_table.c
        found.append(INDEX.seq.in_(sa.select(values.seq).where(values.value_hash == filters.value_hash)))
    return found


def day_begins(day: date, zone: ZoneInfo) -> str:
    """The moment when a day of the district begins, as the index spells it."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC).isoformat(timespec="milliseconds")


def read_entry(state: State, seq: int) -> Found | None:
    """The entry with this number."""
    with open_database(state).connect() as connection:
        row = connection.execute(sa.select(audit_table).where(ENTRIES.seq == seq)).first()
    return Found(row.seq, json.loads(row.entry), row.mac) if row else None


def known_actions(state: State) -> Sequence[str]:
    """Every action on record."""
    with open_database(state).connect() as connection:
        return connection.execute(sa.select(INDEX.action).distinct().order_by(INDEX.action)).scalars().all()


def entry_numbers(state: State, first_day: date, last_day: date, zone: ZoneInfo) -> tuple[int, int] | None:
    """First and last number of the entries of these days; None when there are none."""
    within = _conditions(Filters(first_day, last_day), zone)
    query = sa.select(sa.func.min(INDEX.seq), sa.func.max(INDEX.seq)).where(*within)
    with open_database(state).connect() as connection:
        first, last = connection.execute(query).one()
    return (int(first), int(last)) if first is not None else None
