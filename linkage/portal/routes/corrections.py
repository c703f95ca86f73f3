"""Sending a value back to its owner (校核): pages."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import RedirectResponse

from linkage.portal.access import Permission
from linkage.portal.corrections import life
from linkage.portal.corrections.asking import Proposal, send_back
from linkage.portal.corrections.clock import due_on, local_day, today
from linkage.portal.corrections.fields import correctable, label
from linkage.portal.corrections.listing import LIMIT, Side, listed, one, sides
from linkage.portal.corrections.proposals import HOUSEHOLDS, LONGEST, choices, shown_value
from linkage.portal.corrections.rights import Shown
from linkage.portal.corrections.store import StepRefused, take_step
from linkage.portal.desk import AtDesk, Desk, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page
from linkage.release.chain import published_releases

router = APIRouter(route_class=GuardedRoute)
EITHER_SIDE: tuple[Permission, ...] = ("send_back", "answer_corrections", "review")
Filter = Literal[
    "unsettled", "overdue", "open", "accepted", "refused", "withdrawn", "corrected", "not_corrected", "all"
]
Text = Annotated[str, Form(max_length=1000)]


@router.get("/corrections")
@guarded("corrections_list", *EITHER_SIDE)
def corrections_list(
    request: Request,
    desk: AtDesk,
    side: Side | None = None,
    status: Filter = "unsettled",
    owner: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """Requests on the viewer's side: raised by the own department, to be answered by it, or all for the data office."""
    offered = sides(desk)
    chosen = side if side in offered else offered[0]
    found = listed(desk, chosen, status, owner)
    return page(
        request, "corrections.html", shown=found, side=chosen, sides=offered, wanted=status, owner=owner, life=life, today=today(desk.settings),
        limit=LIMIT, owners=[d.source for d in desk.settings.sharing.departments], label=partial(label, desk),
    )  # fmt: skip


@router.get("/corrections/new")
@guarded("correction_form", "send_back", needs_purpose=True)
def correction_form(
    request: Request,
    desk: AtDesk,
    person: Annotated[str, Query(max_length=20)],
    field: Annotated[str | None, Query(max_length=50)] = None,
) -> Response:
    """The form: the value as the viewer sees it, its source and age. Without a field, the person's values to choose from."""
    rows = correctable(desk, person, field)
    settings = desk.settings
    return page(
        request, "correction_new.html", rows=rows, row=rows[0] if field is not None else None, person=person, life=life,
        choices=choices(field or "", english=desk.language == "en"), longest=LONGEST, due_on=due_on(settings, today(settings)), label=partial(label, desk),
        shown_value=partial(shown_value, desk), takes_value=field not in HOUSEHOLDS,
    )  # fmt: skip


@router.post("/corrections")
@guarded("correction_raise", "send_back", needs_purpose=True)
def correction_raise(
    desk: AtDesk,
    person: Annotated[str, Form(max_length=20)],
    field: Annotated[str, Form(max_length=50)],
    reason_code: Annotated[str, Form(max_length=20)],
    value: Annotated[str, Form(max_length=LONGEST)] = "",
    reason: Text = "",
    basis: Text = "",
) -> Response:
    """Send the value back; where a request is on its way already, show that one."""
    raised, is_new = send_back(desk, Proposal(person, field, value, reason_code, reason, basis))
    return RedirectResponse(f"/corrections/{raised.correction_id}{'' if is_new else '?found=1'}", status_code=303)


@router.get("/corrections/{correction_id}")
@guarded("correction", *EITHER_SIDE, needs_purpose=True)
def correction_page(request: Request, desk: AtDesk, correction_id: str, found: bool = False) -> Response:
    """One request with its steps."""
    shown = one(desk, correction_id)
    zone = desk.settings.zone
    order = [release.name for release in published_releases(desk.settings.state)]
    raised_in = shown.correction.release
    since = order.index(raised_in) if raised_in in order else None
    return page(
        request, "correction.html", shown=shown, c=shown.correction, found=found, life=life, today=today(desk.settings), since=since,
        day=lambda moment: local_day(moment, zone), label=partial(label, desk), shown_value=partial(shown_value, desk),
    )  # fmt: skip


@router.post("/corrections/{correction_id}/answer")
@guarded("correction_answer", "answer_corrections", needs_purpose=True)
def correction_answer(
    desk: AtDesk, correction_id: str, answer: Annotated[Literal["accepted", "refused"], Form()], note: Text = ""
) -> Response:
    """The owning department's answer."""
    shown = one(desk, correction_id)
    if not shown.may_answer:
        raise Refused(403, "此请求不由您答复，或已答复。", "This request is not yours to answer, or it is answered.")
    if answer == "refused" and not note.strip():
        raise Refused(422, "不予更正须写明理由。", "A refusal gives its reason.")
    return _step(desk, shown, answer, note)


@router.post("/corrections/{correction_id}/withdraw")
@guarded("correction_withdraw", "send_back", needs_purpose=True)
def correction_withdraw(desk: AtDesk, correction_id: str, note: Text = "") -> Response:
    """Whoever raised the request takes it back."""
    shown = one(desk, correction_id)
    if not shown.may_withdraw:
        raise Refused(403, "只有提出人可撤回未办结的请求。", "Only who raised it may withdraw it, until it is settled.")
    return _step(desk, shown, "withdrawn", note)


def _step(desk: Desk, shown: Shown, status: life.Status, note: str) -> Response:
    correction = shown.correction
    due = correction.due_on if status == "accepted" else None
    try:
        take_step(
            desk.settings.state, correction, status, note=note.strip(), release=desk.register.release.name, by=desk.who.username, due_on=due
        )  # fmt: skip
    except StepRefused:
        raise Refused(
            409, "此请求刚刚被他人处理，请刷新后查看。", "Somebody has just dealt with this request; reload it."
        ) from None
    desk.details["status"] = status
    return RedirectResponse(f"/corrections/{correction.correction_id}", status_code=303)
