"""Which requests stand on which viewer's list, with what the current release shows about them."""

import threading
from typing import Literal

import sqlalchemy as sa

from linkage.kernel.state_tables import corrections_table as table
from linkage.portal.corrections.clock import today
from linkage.portal.corrections.life import STATUSES, UNSETTLED, Status
from linkage.portal.corrections.outcomes import record_outcomes
from linkage.portal.corrections.rights import Shown, one_visible, visible
from linkage.portal.corrections.store import read_correction, read_corrections
from linkage.portal.desk import Desk, NotThere

Side = Literal["owned", "raised", "all"]
LIMIT = 200
_checked: dict[str, str] = {}
_lock = threading.Lock()


def sides(desk: Desk) -> tuple[Side, ...]:
    """The lists that the viewer has, the first one first shown."""
    may = desk.who.permissions
    found: tuple[tuple[Side, bool], ...] = (
        ("owned", "answer_corrections" in may),
        ("all", "review" in may),
        ("raised", "send_back" in may),
    )
    return tuple(side for side, has in found if has)


def listed(desk: Desk, side: Side, status: str, owner: str = "") -> list[Shown]:
    """The newest requests of ``side`` (at most LIMIT + 1, so that more are noticed). ``status``: one, ``unsettled``, ``overdue`` or ``all``."""
    look_at_release(desk)
    conditions: list[sa.ColumnElement[bool]] = []
    if side == "owned":
        conditions.append(table.c.owner == desk.who.department)
    if side == "raised":
        conditions.append(table.c.raised_department == desk.who.department)
    if owner:
        conditions.append(table.c.owner == owner)
    statuses: tuple[Status, ...] = tuple(s for s in STATUSES if s == status) or STATUSES
    if status == "unsettled":
        statuses = UNSETTLED
    if status == "overdue":
        statuses = ("open",)
        conditions.append(table.c.due_on < today(desk.settings))
    shown = visible(desk, read_corrections(desk.settings.state, *conditions, statuses=statuses))[: LIMIT + 1]
    desk.persons |= {s.person_id for s in shown}
    if shown:
        desk.columns |= {"corrections.person_id", "corrections.field"}
    return shown


def one(desk: Desk, correction_id: str) -> Shown:
    """One request, put on record. Raises NotThere."""
    look_at_release(desk)
    try:
        return one_visible(desk, read_correction(desk.settings.state, correction_id))
    except KeyError:
        raise NotThere from None


def look_at_release(desk: Desk) -> None:
    """Record what the current release shows, once for each release: a request that is raised on it cannot be settled by it."""
    state, release = desk.settings.state, desk.register.release.name
    with _lock:
        if _checked.get(str(state.root)) != release:
            record_outcomes(state, desk.register, patience_releases=desk.settings.portal.corrections.patience_releases)
            _checked[str(state.root)] = release
