"""Sending a value back to its owner (校核): the same for programs."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from linkage.portal.corrections.asking import Proposal, send_back
from linkage.portal.corrections.clock import today
from linkage.portal.corrections.life import REGISTER, Status
from linkage.portal.corrections.listing import LIMIT, Side, listed, one, sides
from linkage.portal.corrections.proposals import LONGEST
from linkage.portal.corrections.rights import Shown
from linkage.portal.desk import AtDesk, Desk, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.routes.corrections import EITHER_SIDE, Filter

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/corrections", tags=["corrections"])


class NewCorrection(BaseModel):
    """A value that is wrong."""

    person_id: str = Field(max_length=20)
    field: str = Field(
        max_length=50,
        description="Golden field, as in the data dictionary; or status, hukou_household, residence_household.",
    )
    reason_code: str = Field(
        max_length=20, description="typing, outdated, other_person, unreachable, or other (then say what in reason)."
    )
    value: str = Field(
        default="",
        max_length=LONGEST,
        description="The right value; a code where the field has codes; of a household none.",
    )
    reason: str = Field(default="", max_length=1000)
    basis: str = Field(default="", max_length=1000, description="What shows the right value, e.g. a paper seen.")


class StepOut(BaseModel):
    """What happened."""

    status: Status
    at: datetime = Field(description="UTC.")
    by: str | None = Field(description="User; null: read off the release.")
    note: str | None
    release: str


class CorrectionOut(BaseModel):
    """A request as the caller may see it. Lists leave out values and texts: read the request itself."""

    correction_id: str
    person_id: str
    field: str
    status: Status
    owner: str
    raised_department: str
    raised_at: datetime = Field(description="UTC.")
    due_on: date
    overdue: bool
    legal_basis: str
    release: str
    value_before: str | None = None
    value_proposed: str | None = None
    reason_code: str | None = None
    reason: str | None = None
    basis: str | None = None
    steps: list[StepOut] = []


class CorrectionList(BaseModel):
    """The newest requests; ``more``: there are older ones that match."""

    corrections: list[CorrectionOut]
    more: bool


@router.post("", status_code=201, response_model=CorrectionOut, responses={200: {"model": CorrectionOut}})
@guarded("correction_raise", "send_back", needs_purpose=True, takes_tokens=True)
def raise_one(desk: AtDesk, body: NewCorrection) -> JSONResponse:
    """Send a value back. 201: raised; 200: one about this value is on its way already, here it is."""
    raised, is_new = send_back(
        desk, Proposal(body.person_id, body.field, body.value, body.reason_code, body.reason, body.basis)
    )
    found = whole(desk, one(desk, raised.correction_id))
    return JSONResponse(found.model_dump(mode="json"), 201 if is_new else 200)


@router.get("")
@guarded("corrections_list", *EITHER_SIDE, takes_tokens=True)
def list_all(
    desk: AtDesk,
    side: Side | None = None,
    status: Filter = "unsettled",
    owner: Annotated[str, Query(max_length=50)] = "",
) -> CorrectionList:
    """Requests raised by the own department, to be answered by it, or all (the data office)."""
    offered = sides(desk)
    if side is not None and side not in offered:
        raise Refused(403, "您没有这份清单。", "This list is not yours.")
    found = listed(desk, side or offered[0], status, owner)
    return CorrectionList(corrections=[head(desk, shown) for shown in found[:LIMIT]], more=len(found) > LIMIT)


@router.get("/{correction_id}")
@guarded("correction", *EITHER_SIDE, needs_purpose=True, takes_tokens=True)
def read_one(desk: AtDesk, correction_id: str) -> CorrectionOut:
    """One request with its steps."""
    return whole(desk, one(desk, correction_id))


def head(desk: Desk, shown: Shown) -> CorrectionOut:
    """Without values and texts."""
    c = shown.correction
    return CorrectionOut(
        correction_id=c.correction_id, person_id=shown.person_id, field=c.field, status=c.status, owner=c.owner, raised_department=c.raised_department,
        raised_at=c.raised_at, due_on=c.due_on, overdue=c.is_overdue(today(desk.settings)), legal_basis=c.legal_basis, release=c.release,
    )  # fmt: skip


def whole(desk: Desk, shown: Shown) -> CorrectionOut:
    """All that the caller may see of it."""
    c, told = shown.correction, shown.shows_texts
    steps = [
        StepOut(
            status=step.status, at=step.at, release=step.release, by=(step.by or None) if told else None,
            note=step.note if told or step.by == REGISTER else None,
        )
        for step in c.steps
    ]  # fmt: skip
    texts = {"reason_code": c.reason_code, "reason": c.reason, "basis": c.basis} if told else {}
    values = {"value_before": shown.value_before, "value_proposed": shown.value_proposed}
    return head(desk, shown).model_copy(update={**values, **texts, "steps": steps})
