"""Logging in and out, and stating a purpose."""

from typing import Annotated

from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import RedirectResponse

from linkage.portal.accounts import HASHER, find_user, now
from linkage.portal.desk import AtDesk, Refused
from linkage.portal.guard import GuardedRoute, guarded, session_cookie
from linkage.portal.pages import page
from linkage.portal.routes.home import own_path
from linkage.portal.sessions import open_session, update_session

router = APIRouter(route_class=GuardedRoute)
Next = Annotated[str, Query(max_length=500)]
# Checked when there is no such account, so that the answer takes as long.
NOBODY = HASHER.hash("nobody")


@router.get("/login")
@guarded("login_page", public=True, on_record=False)
def login_page(request: Request, next: Next = "/") -> Response:
    """The login form."""
    return page(request, "login.html", next=own_path(next), failed=False)


@router.post("/login")
@guarded("login", public=True)
def login(
    request: Request,
    desk: AtDesk,
    username: Annotated[str, Form(max_length=100)],
    password: Annotated[str, Form(max_length=200)],
    next: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Check the password and start a session."""
    settings = desk.settings
    user = find_user(settings.state, username=username.strip())
    good = _password_is_right(user["password_hash"] if user else None, password)
    if user is None or not good or user["disabled_at"] is not None:
        desk.details["username_hash"] = settings.audit.keyed_hash(username)
        raise Refused(401, "用户名或密码不正确。", "Username or password is not right.")
    desk.details["actor"] = user["username"]
    secret = open_session(settings.state, user["user_id"], settings.portal.sessions, second_factor=False)
    answer = RedirectResponse(own_path(next), status_code=303)
    answer.set_cookie(
        session_cookie(settings), secret, httponly=True, samesite="strict", secure=settings.portal.is_secure, path="/"
    )
    return answer


def _password_is_right(stored: str | None, given: str) -> bool:
    try:
        HASHER.verify(stored or NOBODY, given)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@router.post("/logout")
@guarded("logout", while_password_is_old=True)
def logout(desk: AtDesk) -> Response:
    """End the session."""
    assert desk.who.session_hash is not None
    update_session(desk.settings.state, desk.who.session_hash, ended_at=now())
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(session_cookie(desk.settings), path="/")
    answer.headers["clear-site-data"] = '"cache"'
    return answer


@router.get("/purpose")
@guarded("purpose_page", on_record=False)
def purpose_page(request: Request, next: Next = "/") -> Response:
    """Ask what the viewer looks residents up for."""
    return page(request, "purpose.html", next=own_path(next))


@router.post("/purpose")
@guarded("purpose")
def purpose(
    desk: AtDesk,
    purpose: Annotated[str, Form(max_length=50)],
    note: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Keep the purpose for this session; each look-up is put on record with it."""
    chosen = desk.settings.portal.purpose(purpose)
    if chosen is None or (chosen.needs_note and not note.strip()):
        raise Refused(
            422, "请选择用途，并填写案件编号或说明。", "Choose a purpose and give the case number or a reason."
        )
    assert desk.who.session_hash is not None
    update_session(desk.settings.state, desk.who.session_hash, purpose=chosen.code, purpose_note=note.strip() or None)
    desk.purpose, desk.purpose_note = chosen.code, note.strip() or None
    return RedirectResponse(own_path(next), status_code=303)
