"""Requests in the state database: raising one, taking a step, reading them."""

import hashlib
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import correction_steps_table as steps_table
from linkage.kernel.state_tables import corrections_table as table
from linkage.portal.accounts import now
from linkage.portal.corrections.life import MAY_FOLLOW, UNSETTLED, Correction, Status, Step

OPEN: Status = "open"


class StepRefused(Exception):
    """The step may not follow, or somebody else took one at the same moment."""


def raise_correction(state: State, asked: dict[str, Any], *, by: str) -> tuple[Correction, bool]:
    """Record a request and its first step. A person's field with an unsettled request gets no second one: then that one is returned, and False.

    ``asked`` has the columns of ``corrections`` but the id and the moment.
    """
    earlier = read_corrections(state, table.c.person_id == asked["person_id"], table.c.field == asked["field"])
    if unsettled := next((found for found in earlier if found.status in UNSETTLED), None):
        return unsettled, False
    # Of two requests at the same moment both have this id: the database takes one.
    text = f"{asked['person_id']}|{asked['field']}|{len(earlier)}"
    correction_id, moment = hashlib.sha256(text.encode()).hexdigest()[:16], now()
    row = asked | {"correction_id": correction_id, "raised_at": moment}
    step = _step(correction_id, 1, OPEN, "", asked["release"], asked["due_on"], by)
    try:
        with open_database(state).begin() as connection:
            connection.execute(sa.insert(table), row)
            connection.execute(sa.insert(steps_table), step)
    except sa.exc.IntegrityError:
        return read_correction(state, correction_id), False
    return read_correction(state, correction_id), True


def take_step(
    state: State,
    correction: Correction,
    status: Status,
    *,
    note: str,
    release: str,
    by: str,
    due_on: date | None = None,
) -> None:
    """Append a step. Raises StepRefused when it may not follow the newest one, or another came first."""
    if status not in MAY_FOLLOW[correction.status]:
        raise StepRefused
    step = _step(correction.correction_id, len(correction.steps) + 1, status, note, release, due_on, by)
    try:
        with open_database(state).begin() as connection:
            connection.execute(sa.insert(steps_table), step)
    except sa.exc.IntegrityError:
        raise StepRefused from None


def _step(
    correction_id: str, position: int, status: Status, note: str, release: str, due_on: date | None, by: str
) -> dict[str, Any]:
    return {
        "correction_id": correction_id, "position": position, "status": status, "note": note, "release": release, "due_on": due_on, "by": by,
        "at": now(),
    }  # fmt: skip


def read_correction(state: State, correction_id: str) -> Correction:
    """One request. Raises KeyError when there is none."""
    found = read_corrections(state, table.c.correction_id == correction_id)
    if not found:
        raise KeyError(correction_id)
    return found[0]


def read_corrections(
    state: State, *conditions: sa.ColumnElement[bool], statuses: Sequence[Status] | None = None
) -> list[Correction]:
    """Requests that meet all ``conditions`` on ``corrections`` and whose newest step is one of ``statuses``; newest first."""
    query = (
        sa.select(table, *(column.label(f"step_{column.name}") for column in steps_table.c))
        .join(steps_table, steps_table.c.correction_id == table.c.correction_id)
        .where(*conditions)
        .order_by(table.c.raised_at.desc(), table.c.correction_id, steps_table.c.position)
    )
    if statuses is not None:
        newest = sa.select(steps_table.c.correction_id, sa.func.max(steps_table.c.position).label("position"))
        last = newest.group_by(steps_table.c.correction_id).subquery()
        state_of = steps_table.alias()
        query = query.join(last, last.c.correction_id == table.c.correction_id).join(
            state_of,
            sa.and_(state_of.c.correction_id == last.c.correction_id, state_of.c.position == last.c.position),
        )
        query = query.where(state_of.c.status.in_(statuses))
    with open_database(state).connect() as connection:
        rows = connection.execute(query).mappings().all()
    return [_correction(list(group)) for _, group in groupby(rows, key=lambda row: row["correction_id"])]


def _correction(rows: list[sa.RowMapping]) -> Correction:
    steps = tuple(Step(**{name: row[f"step_{name}"] for name in Step.__dataclass_fields__}) for row in rows)
    return Correction(
        **{name: rows[0][name] for name in Correction.__dataclass_fields__ if name != "steps"}, steps=steps
    )
