"""The review desk: what is decided takes effect now, not tonight."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from linkage.portal.desk import AtDesk, Desk, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page
from linkage.portal.review.apply_now import STAGE_NAMES, read_progress, start
from linkage.review.listing import WAITING, list_judgements

router = APIRouter(route_class=GuardedRoute)


@router.get("/review/apply")
@guarded("review_apply_page", "apply_now", on_record=False)
def progress(request: Request, desk: AtDesk) -> Response:
    """How far it is; the page loads itself again while it runs."""
    found = read_progress(desk.settings.state)
    headers = {"refresh": "3"} if found.phase == "running" else {}
    return page(
        request, "review_apply.html", headers=headers, found=found, waiting=_waiting(desk), STAGE_NAMES=STAGE_NAMES
    )


@router.post("/review/apply")
@guarded("review_apply", "apply_now")
def apply(desk: AtDesk) -> Response:
    """Start it. Refused while it runs already, and when no decision waits."""
    if not _waiting(desk):
        raise Refused(409, "没有等待应用的判定。", "No decision waits to be applied.")
    start(desk.settings.state, desk.settings.config_dir, desk.who.username)
    return RedirectResponse("/review/apply", status_code=303)


def _waiting(desk: Desk) -> int:
    """Decisions that the current release does not know."""
    return len({judgement.decision_id for judgement in list_judgements(desk.settings.state, WAITING)})
