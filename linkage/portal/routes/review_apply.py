"""The review desk: what is decided takes effect now, not tonight."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from linkage.portal.desk import AtDesk
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
    waiting = {j.decision_id for j in list_judgements(desk.settings.state, WAITING)}
    return page(
        request, "review_apply.html", headers=headers, found=found, waiting=len(waiting), STAGE_NAMES=STAGE_NAMES
    )


@router.post("/review/apply")
@guarded("review_apply", "apply_now")
def apply(desk: AtDesk) -> Response:
    """Start it. Refused while a night runs."""
    start(desk.settings.state, desk.settings.config_dir, desk.who.username)
    return RedirectResponse("/review/apply", status_code=303)
