"""For the auditor: whose copy bears this mark."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from linkage.portal.desk import AtDesk, Refused
from linkage.portal.downloads.marks import MARK
from linkage.portal.downloads.trace import trace_mark
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@router.get("/downloads/trace")
@guarded("trace_page", "audit", on_record=False)
def trace_page(request: Request) -> Response:
    """Ask for a mark."""
    return page(request, "downloads_trace.html", mark="", finding=None)


@router.post("/downloads/trace")
@guarded("trace", "audit")
def trace_by_mark(request: Request, desk: AtDesk, mark: Annotated[str, Form(max_length=30)]) -> Response:
    """Whose copy it is, and when it was downloaded."""
    wanted = mark.strip().upper()
    if not MARK.fullmatch(wanted):
        raise Refused(422, "留痕码形如 ABCD-EFGH-2345。", "A mark looks like ABCD-EFGH-2345.")
    finding = trace_mark(desk.settings.state, wanted)
    desk.details |= {"copy_asked": wanted, "found": finding is not None}
    return page(request, "downloads_trace.html", mark=wanted, finding=finding)
