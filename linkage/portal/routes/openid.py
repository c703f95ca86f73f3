"""Logging in through the unified login."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from linkage.portal.accounts import find_user
from linkage.portal.desk import AtDesk, Desk, NotThere, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.login import begin_session
from linkage.portal.openid import FLIGHT_SECONDS, Provider
from linkage.portal.pages import page
from linkage.portal.routes.home import own_path

router = APIRouter(route_class=GuardedRoute)
CALLBACK = "/login/openid/callback"
Given = Annotated[str, Query(max_length=4000)]


@router.get("/login/openid")
@guarded("openid_begin", public=True, on_record=False)
def begin(request: Request, desk: AtDesk, next: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """Send the browser to the provider. A link and no form: the content policy lets forms lead nowhere else."""
    address, carried = _provider(request, desk).begin(own_path(next))
    answer = RedirectResponse(address, status_code=303)
    # Lax: it must come along when the provider sends the browser back.
    answer.set_cookie(
        _cookie(desk), carried, max_age=FLIGHT_SECONDS, httponly=True, samesite="lax", secure=_secure(desk), path="/"
    )
    return answer


@router.get(CALLBACK)
@guarded("login_openid", public=True)
def callback(request: Request, desk: AtDesk, state: Given = "", code: Given = "", error: Given = "") -> Response:
    """Check what the provider says and start a session. The protocol makes this a GET: its state, which only the browser that began
    carries the other half of, takes the place of the form's token."""
    if error or not code:
        raise Refused(401, "统一身份认证未完成登录。", "The unified login was not completed.")
    identity, target = _provider(request, desk).finish(request.cookies.get(_cookie(desk)), state, code)
    user = find_user(desk.settings.state, oidc_subject=identity.subject)
    if user is None or user["disabled_at"] is not None:
        desk.details["subject_hash"] = desk.settings.audit.keyed_hash(identity.subject)
        raise Refused(
            403,
            f"统一身份认证已通过，但本系统尚无对应的有效账号。请把此标识告诉系统管理员：{identity.subject}",
            f"The unified login knows you, but no account here belongs to you. Tell the system administrator this subject: {identity.subject}",
        )
    desk.details |= {"actor": user["username"], "second_factor": identity.second_factor}
    # A page and no redirect: a session cookie that is Strict does not come along when another site sent the browser here.
    answer = page(request, "openid.html", target=own_path(target))
    begin_session(desk, answer, user["user_id"], second_factor=identity.second_factor)
    answer.delete_cookie(_cookie(desk), path="/", secure=_secure(desk), httponly=True, samesite="lax")
    return answer


def _provider(request: Request, desk: Desk) -> Provider:
    config = desk.settings.portal.openid
    if config is None:
        raise NotThere
    found: Provider | None = getattr(request.app.state, "openid", None)
    if found is None:
        redirect_uri = desk.settings.portal.public_url.rstrip("/") + CALLBACK
        found = request.app.state.openid = Provider(config, redirect_uri, desk.settings.sealer)
    return found


def _secure(desk: Desk) -> bool:
    return desk.settings.portal.is_secure


def _cookie(desk: Desk) -> str:
    return "__Host-gridroll_openid" if _secure(desk) else "gridroll_openid"
