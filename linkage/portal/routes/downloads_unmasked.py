"""Bulk data without masks: ask, answer, take."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from linkage.portal import clock
from linkage.portal.desk import AtDesk, Desk, NotThere, Refused
from linkage.portal.downloads.marks import FORMATS, Copy
from linkage.portal.downloads.offers import Offer, department_of, offers
from linkage.portal.downloads.releases import named, published
from linkage.portal.downloads.serving import deliver
from linkage.portal.downloads.unmasked import (
    REGISTER,
    Status,
    ask,
    masked_columns,
    read_requests,
    vote,
)
from linkage.portal.downloads.unmasked import (
    Request as UnmaskRequest,
)
from linkage.portal.downloads.whole_register import may_take_register
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)
RequestId = Annotated[str, Form(max_length=16)]


@router.get("/downloads/unmasked")
@guarded("unmasked_page", "request_unmasked", "download_register", "grant_unmasked")
def unmasked_page(request: Request, desk: AtDesk) -> Response:
    """The form of a request, one's own requests, and those that wait for an answer."""
    may = desk.who.permissions
    everything = read_requests(desk.settings.state)
    shown = everything if "grant_unmasked" in may else [r for r in everything if r.requested_by == desk.who.user_id]
    return page(
        request, "downloads_unmasked.html", requests=shown, status_of=_status_of(desk), maskable=_maskable(desk), formats=FORMATS,
        needed=desk.settings.portal.unmasked_votes, hours=desk.settings.portal.unmasked_hours,
        may_vote={r.request_id for r in shown if _may_vote(desk, r)}, path_of=_path,
        may_register=may_take_register(desk.who), register=REGISTER, until_of=_until_of(desk),
    )  # fmt: skip


@router.post("/downloads/unmasked")
@guarded("unmasked_request", "request_unmasked", "download_register")
def unmasked_request(
    desk: AtDesk,
    table: Annotated[str, Form(max_length=50)],
    purpose: Annotated[str, Form(max_length=50)],
    note: Annotated[str, Form(max_length=500)],
    columns: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Ask for a table with named columns in full, or for whole releases."""
    if table == REGISTER:
        if not may_take_register(desk.who):
            raise Refused(422, "您不能申请总库。", "Whole releases are not yours to ask for.")
        columns = None
    elif not columns or not set(columns) <= set(_maskable(desk).get(table, ())):
        raise Refused(422, "请选择要取消脱敏的字段。", "Choose the columns that you need in full.")
    if desk.settings.portal.purpose(purpose) is None or not note.strip():
        raise Refused(422, "请选择用途并说明理由。", "Choose a purpose and say why.")
    newest = next(iter(published(desk.settings.state)), None)
    if newest is None:
        raise NotThere
    request_id = ask(
        desk.settings.state, desk.who, release=newest.name, table=table, columns=columns or (), purpose=purpose, note=note.strip()
    )  # fmt: skip
    desk.details |= {
        "request": request_id,
        "release": newest.name,
        "table": table,
        "unmasked": sorted(set(columns or ())),
    }
    return RedirectResponse("/downloads/unmasked", status_code=303)


@router.post("/downloads/unmasked/{request_id}/vote")
@guarded("unmasked_vote", "grant_unmasked")
def unmasked_vote(
    desk: AtDesk,
    request_id: str,
    verdict: Annotated[Literal["grant", "refuse"], Form()],
    reason: Annotated[str, Form(max_length=500)],
) -> Response:
    """Grant or refuse somebody else's request, with a reason."""
    asked = _read(desk, request_id)
    desk.details |= {"request": request_id, "verdict": verdict}
    if asked.requested_by == desk.who.user_id:
        raise Refused(403, "不得审批本人的申请。", "Nobody answers a request of their own.")
    if not reason.strip():
        raise Refused(422, "请填写理由。", "Give a reason.")
    if _status_of(desk)(asked) != "waiting":
        raise Refused(
            409, "该申请已有结论，不再接受意见。", "The request is decided or over; no further answer counts."
        )
    if not vote(desk.settings.state, request_id, desk.who, verdict, reason.strip()):
        raise Refused(409, "您已对该申请表态。", "You have answered this request already.")
    return RedirectResponse("/downloads/unmasked", status_code=303)


@router.post("/downloads/unmasked/{request_id}/withdraw")
@guarded("unmasked_withdraw", "request_unmasked", "download_register")
def unmasked_withdraw(desk: AtDesk, request_id: str) -> Response:
    """End a request of one's own, granted or not."""
    asked = _read(desk, request_id)
    if asked.requested_by != desk.who.user_id:
        raise NotThere
    desk.details |= {"request": request_id}
    ended = _status_of(desk)(asked) not in ("waiting", "granted")
    if ended or not vote(desk.settings.state, request_id, desk.who, "withdraw", ""):
        raise Refused(409, "该申请已结束。", "The request is over already.")
    return RedirectResponse("/downloads/unmasked", status_code=303)


@router.head("/downloads/unmasked/{request_id}/{file}")
@router.get("/downloads/unmasked/{request_id}/{file}")
@guarded("download_unmasked", "request_unmasked", needs_purpose=True)
def download_unmasked(request: Request, desk: AtDesk, request_id: str, file: str) -> Response:
    """Take what was granted: the requester alone, for a short while."""
    asked = _read(desk, request_id)
    if asked.requested_by != desk.who.user_id:
        raise NotThere
    if _status_of(desk)(asked) != "granted":
        raise Refused(403, "该申请未获批准，或下载期已过。", "The request is not granted, or its time is over.")
    desk.details |= {"request": request_id, "unmasked": list(asked.columns)}
    desk.purpose, desk.purpose_note = asked.purpose, asked.purpose_note
    return deliver(request, desk, _offers(desk, asked), f"unmasked/{request_id}/{file}")


def _read(desk: Desk, request_id: str) -> UnmaskRequest:
    found = read_requests(desk.settings.state, request_id=request_id)
    if not found:
        raise NotThere
    return found[0]


def _status_of(desk: Desk) -> Callable[[UnmaskRequest], Status]:
    portal, moment = desk.settings.portal, clock.now()
    return lambda asked: asked.status(portal.unmasked_votes, portal.unmasked_hours, moment)


def _until_of(desk: Desk) -> Callable[[UnmaskRequest], datetime | None]:
    portal = desk.settings.portal
    return lambda asked: asked.until(portal.unmasked_votes, portal.unmasked_hours)


def _may_vote(desk: Desk, asked: UnmaskRequest) -> bool:
    return (
        "grant_unmasked" in desk.who.permissions
        and asked.requested_by != desk.who.user_id
        and _status_of(desk)(asked) == "waiting"
        and desk.who.user_id not in {v.user_id for v in asked.votes}
    )


def _maskable(desk: Desk) -> dict[str, tuple[str, ...]]:
    department = department_of(desk.who, desk.settings.sharing)
    if department is None or "request_unmasked" not in desk.who.permissions or desk.who.area is not None:
        return {}
    return masked_columns(department, desk.settings.sharing)


def _offers(desk: Desk, asked: UnmaskRequest) -> dict[str, Offer]:
    """The granted table in every format in which the slice has it: the slice's rows and columns, the granted ones unmasked."""
    release = named(desk.settings.state, asked.release)
    department = department_of(desk.who, desk.settings.sharing)
    if release is None or department is None or department.source != asked.department:
        raise NotThere
    granted = set(asked.columns) & set(masked_columns(department, desk.settings.sharing).get(asked.table, ()))
    found = {}
    for offer in offers(desk, release.path).values():
        if offer.order is None or offer.table != asked.table or offer.is_delta:
            continue
        path = _path(asked, offer.format)
        masks = {name: mask for name, mask in offer.order.masks.items() if name not in granted}
        copy = Copy(asked.release, path.removesuffix(offer.format), asked.requested_by)
        order = replace(offer.order, copy=copy, path=path, masks=masks, unmasked=True)
        found[path] = replace(offer, path=path, order=order)
    return found


def _path(asked: UnmaskRequest, end: str) -> str:
    return f"unmasked/{asked.request_id}/{asked.table}{end}"
