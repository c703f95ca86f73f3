"""Logging in and out."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import RedirectResponse

from linkage.portal.accounts import find_user
from linkage.portal.desk import AtDesk, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.login import begin_session, check_code, check_password, drop_session
from linkage.portal.login_steps import ALL_STEPS
from linkage.portal.pages import page
from linkage.portal.routes.home import own_path
from linkage.portal.sessions import end_sessions

router = APIRouter(route_class=GuardedRoute)
Next = Annotated[str, Query(max_length=500)]
NextField = Annotated[str, Form(max_length=500)]


@router.get("/login")
@guarded("login_page", public=True, on_record=False)
def login_page(request: Request, next: Next = "/") -> Response:
    """The login form."""
    return page(request, "login.html", next=own_path(next), problem=None)


@router.post("/login")
@guarded("login", public=True)
def login(
    request: Request,
    desk: AtDesk,
    username: Annotated[str, Form(max_length=100)],
    password: Annotated[str, Form(max_length=200)],
    next: NextField = "/",
) -> Response:
    """Check the password and start a session; where the account gives codes it is of no use before the code."""
    try:
        user = check_password(request, desk, username, password)
    except Refused as refusal:
        raise refusal.again("login.html", next=own_path(next)) from None
    desk.details["actor"] = user["username"]
    target = own_path(next)
    if user["totp_secret"] is not None:
        target = f"/login/code?next={quote(target, safe='')}"
    answer = RedirectResponse(target, status_code=303)
    begin_session(desk, answer, user["user_id"], second_factor=False)
    return answer


@router.get("/login/code")
@guarded("login_code_page", on_record=False, steps=("code",))
def code_page(request: Request, next: Next = "/") -> Response:
    """Ask for the one-time code."""
    return page(request, "login_code.html", next=own_path(next), problem=None)


@router.post("/login/code")
@guarded("login_code", steps=("code",))
def code(desk: AtDesk, code: Annotated[str, Form(max_length=20)], next: NextField = "/") -> Response:
    """Check the code; the session begins anew with it."""
    user = find_user(desk.settings.state, user_id=desk.who.user_id)
    if user is None or user["totp_secret"] is None or desk.who.second_factor:
        raise Refused(409, "此登录不需要验证码。", "This login needs no code.")
    try:
        check_code(desk, user, code)
    except Refused as refusal:
        raise refusal.again("login_code.html", next=own_path(next)) from None
    answer = RedirectResponse(own_path(next), status_code=303)
    begin_session(desk, answer, user["user_id"], second_factor=True)
    return answer


@router.post("/logout")
@guarded("logout", steps=ALL_STEPS)
def logout(desk: AtDesk) -> Response:
    """End the session."""
    end_sessions(desk.settings.state, desk.who.user_id, only=desk.who.session_hash)
    answer = RedirectResponse("/login", status_code=303)
    drop_session(desk, answer)
    answer.headers["clear-site-data"] = '"cache"'
    return answer
