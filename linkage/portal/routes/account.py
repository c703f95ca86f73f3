"""One's own account: password, second factor, logins, and the purpose of this one."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form, Path, Query, Request, Response
from starlette.responses import RedirectResponse

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import role_grants_table
from linkage.portal.accounts import find_user, update_user
from linkage.portal.backoff import count_try, forgive
from linkage.portal.desk import AtDesk, Desk, NotThere, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.login import begin_session
from linkage.portal.pages import page
from linkage.portal.passwords import check_new_password, hash_password, is_right
from linkage.portal.routes.home import own_path
from linkage.portal.second_factor import enrol, enrolment_picture, new_secret
from linkage.portal.sessions import end_sessions, open_sessions, update_session

router = APIRouter(route_class=GuardedRoute)
Next = Annotated[str, Query(max_length=500)]
Secret = Annotated[str, Form(max_length=200)]
HASH_SHOWN = 16
"""So many characters of a session's hash tell it from the others."""


@router.get("/account")
@guarded("account_page")
def account(request: Request, desk: AtDesk) -> Response:
    """Who I am here, what I may, and where I am logged in."""
    grants = role_grants_table.c
    query = sa.select(role_grants_table).where(grants.user_id == desk.who.user_id, grants.revoked_at.is_(None))
    with open_database(desk.settings.state).connect() as connection:
        held = list(connection.execute(query.order_by(grants.granted_at)).mappings())
    user = find_user(desk.settings.state, user_id=desk.who.user_id)
    assert user is not None
    sessions = open_sessions(desk.settings.state, desk.who.user_id, desk.settings.portal.sessions)
    return page(request, "account.html", grants=held, sessions=sessions, shown=HASH_SHOWN, user=user)


@router.post("/account/sessions/{session}/end")
@guarded("session_end")
def end_session(desk: AtDesk, session: Annotated[str, Path(pattern="^[0-9a-f]{16}$")]) -> Response:
    """End one of my logins."""
    mine = open_sessions(desk.settings.state, desk.who.user_id, desk.settings.portal.sessions)
    found = next((row["session_hash"] for row in mine if row["session_hash"].startswith(session)), None)
    if found is None:
        raise NotThere
    end_sessions(desk.settings.state, desk.who.user_id, only=found)
    return RedirectResponse("/account", status_code=303)


@router.get("/account/password")
@guarded("password_page", on_record=False, steps=("password",))
def password_page(request: Request, desk: AtDesk) -> Response:
    """The form for a new password."""
    return page(request, "password.html", shortest=desk.settings.portal.login.password_length, problem=None)


@router.post("/account/password")
@guarded("password_change", steps=("password",))
def change_password(desk: AtDesk, old: Secret, new: Secret, again: Secret) -> Response:
    """Change the password: all logins of the account end, and this browser gets a new one."""
    state, who, shortest = desk.settings.state, desk.who, desk.settings.portal.login.password_length
    try:
        _check_old_password(desk, old)
        if new != again:
            raise Refused(422, "两次输入的新密码不一致。", "The new password was typed in two ways.")
        if new == old:
            raise Refused(422, "新密码不得与原密码相同。", "The new password must differ from the old one.")
        check_new_password(new, who.username, shortest)
    except Refused as refusal:
        raise refusal.again("password.html", shortest=shortest) from None
    update_user(state, who.user_id, password_hash=hash_password(new), must_change_password=False)
    desk.details["sessions_ended"] = end_sessions(state, who.user_id)
    return _anew(desk, "/", second_factor=who.second_factor)


def _check_old_password(desk: Desk, old: str) -> None:
    state, user_id = desk.settings.state, desk.who.user_id
    user = find_user(state, user_id=user_id)
    tried = desk.settings.audit.keyed_hash(f"old password {user_id}")
    count_try(state, tried, desk.settings.portal.login)
    if user is None or not is_right(user["password_hash"], old):
        raise Refused(422, "原密码不正确。", "The old password is not right.")
    forgive(state, tried)


@router.get("/account/second-factor")
@guarded("second_factor_page", on_record=False, steps=("enrol",))
def second_factor_page(request: Request, desk: AtDesk) -> Response:
    """Show a new secret as a picture; nothing is kept until its first code comes back."""
    if desk.who.has_second_factor:
        raise Refused(
            409,
            "已绑定动态验证码；如更换手机，请联系系统管理员重置。",
            "Codes are set up already; for another phone ask the system administrator for a reset.",
        )
    secret = new_secret()
    picture = enrolment_picture(secret, desk.who.username, desk.settings.portal.title_en)
    sealed = desk.settings.sealer.seal(secret, bound_to=f"enrol {desk.who.session_hash}")
    return page(request, "second_factor.html", secret=secret, picture=picture, sealed=sealed)


@router.post("/account/second-factor")
@guarded("second_factor_enrol", steps=("enrol",))
def second_factor_enrol(
    desk: AtDesk, sealed: Annotated[str, Form(max_length=300)], code: Annotated[str, Form(max_length=20)]
) -> Response:
    """Keep the secret once its owner has given a code of it: all logins of the account end, and this browser gets a new one."""
    state, sealer = desk.settings.state, desk.settings.sealer
    secret = sealer.open(sealed, bound_to=f"enrol {desk.who.session_hash}")
    if secret is None:
        raise Refused(422, "页面已过期，请重新打开。", "The page is out of date; open it again.")
    if not enrol(state, sealer, desk.who.user_id, secret, code):
        raise Refused(
            422,
            "验证码不正确，请返回重新扫码并核对手机时间。",
            "The code is not right; go back, scan again, and check the phone's clock.",
        )
    end_sessions(state, desk.who.user_id)
    return _anew(desk, "/", second_factor=True)


def _anew(desk: Desk, target: str, *, second_factor: bool) -> Response:
    answer = RedirectResponse(target, status_code=303)
    begin_session(desk, answer, desk.who.user_id, second_factor=second_factor)
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
