"""Accounts (the system administrator's), the roles they hold (the security administrator's), and who may what."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import RedirectResponse

from linkage.kernel.source_config import read_source_configs
from linkage.portal.access import PERMISSIONS
from linkage.portal.account_changes import (
    ask_second_factor_reset,
    change_account,
    decide_second_factor_reset,
    disable,
    enable,
    reset_password,
)
from linkage.portal.account_list import STATUSES, Account, grants_of, list_accounts
from linkage.portal.accounts import create_user, grant_role, revoke_role
from linkage.portal.areas import known_areas, parse_area
from linkage.portal.desk import AtDesk, Desk, NotThere, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.matrix import table_matrices
from linkage.portal.pages import page
from linkage.portal.passwords import one_time_password
from linkage.portal.permission_words import PERMISSION_WORDS
from linkage.portal.sessions import end_sessions
from linkage.portal.viewer import OFFICE

router = APIRouter(route_class=GuardedRoute)
Text = Annotated[str, Form(max_length=100)]
Subject = Annotated[str, Form(max_length=300)]
Reason = Annotated[str, Form(min_length=1, max_length=300)]
Filter = Annotated[str, Query(max_length=100)]
ACCOUNTS_ON_A_PAGE = 50


@router.get("/accounts")
@guarded("accounts", "accounts", "grants", "audit")
def accounts(
    request: Request,
    desk: AtDesk,
    q: Filter = "",
    department: Filter = "",
    role: Filter = "",
    status: Filter = "",
    page_number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    """Who has an account and which roles each holds."""
    found = [
        account
        for account in list_accounts(desk.settings.state)
        if (q.lower() in account.username or q in account.display_name)
        and department in ("", account.department)
        and (not role or role in account.roles)
        and (not status or status in account.statuses)
    ]
    first = (page_number - 1) * ACCOUNTS_ON_A_PAGE
    chosen = {"q": q, "department": department, "role": role, "status": status}
    return page(
        request, "accounts.html", accounts=found[first : first + ACCOUNTS_ON_A_PAGE], total=len(found), number=page_number, chosen=chosen,
        pages=-(-len(found) // ACCOUNTS_ON_A_PAGE), departments=_departments(desk), statuses=STATUSES, roles=desk.settings.access.roles,
    )  # fmt: skip


@router.get("/accounts/matrix")
@guarded("access_matrix", "accounts", "grants", "audit")
def matrix(request: Request, desk: AtDesk) -> Response:
    """Role x permission, and role x table x column, as config/access.yaml and config/sharing.yaml are understood."""
    settings = desk.settings
    tables = table_matrices(settings.access, settings.sharing)
    return page(
        request,
        "access_matrix.html",
        roles=settings.access.roles,
        permissions=PERMISSIONS,
        words=PERMISSION_WORDS,
        tables=tables,
    )


@router.get("/accounts/new")
@guarded("account_new_page", "accounts", on_record=False)
def new_page(request: Request, desk: AtDesk) -> Response:
    """The form for a new account."""
    return page(request, "account_new.html", areas=known_areas(desk), departments=_departments(desk))


@router.post("/accounts/new")
@guarded("account_create", "accounts")
def create(
    request: Request,
    desk: AtDesk,
    username: Text,
    display_name: Text,
    department: Text,
    area_level: Text = "district",
    area_name: Text = "",
    oidc_subject: Subject = "",
) -> Response:
    """Make an account without a role. With a subject of the unified login it needs no password; else a one-time password is shown once."""
    level, name = parse_area(desk, area_level, area_name)
    _check_department(desk, department)
    password = None if oidc_subject.strip() else one_time_password()
    user_id = create_user(
        desk.settings.state, username, display_name=display_name, department=department, created_by=desk.who.username, password=password,
        must_change_password=password is not None, area_level=level, area_name=name, oidc_subject=oidc_subject.strip() or None,
    )  # fmt: skip
    account = _account(desk, user_id)
    desk.details["account"] = account.username
    return page(request, "account_made.html", account=account, password=password)


@router.get("/accounts/{user_id}")
@guarded("account", "accounts", "grants", "audit")
def account(request: Request, desk: AtDesk, user_id: str) -> Response:
    """One account: what it is, and every role given and taken."""
    found = _account(desk, user_id)
    desk.details["account"] = found.username
    return page(
        request, "account_one.html", account=found, grants=grants_of(desk.settings.state, user_id), areas=known_areas(desk),
        departments=_departments(desk), roles=desk.settings.access.roles,
    )  # fmt: skip


@router.post("/accounts/{user_id}/change")
@guarded("account_change", "accounts")
def change(
    desk: AtDesk,
    user_id: str,
    display_name: Text,
    department: Text,
    area_level: Text,
    area_name: Text = "",
    oidc_subject: Subject = "",
) -> Response:
    """Change name, department, area or subject."""
    found = _named(desk, user_id)
    level, name = parse_area(desk, area_level, area_name)
    _check_department(desk, department)
    desk.details |= {"department": [found.department, department], "area": [found.area_name, name]}
    change_account(
        desk.settings.state, user_id, by=desk.who.username, display_name=display_name, department=department, area_level=level, area_name=name,
        oidc_subject=oidc_subject,
    )  # fmt: skip
    return _back(user_id)


@router.post("/accounts/{user_id}/disable")
@guarded("account_disable", "accounts")
def disable_account(desk: AtDesk, user_id: str) -> Response:
    """Close the account at once."""
    _named(desk, user_id)
    desk.details["sessions_ended"] = disable(desk.settings.state, user_id, by=desk.who.username)
    return _back(user_id)


@router.post("/accounts/{user_id}/enable")
@guarded("account_enable", "accounts")
def enable_account(desk: AtDesk, user_id: str) -> Response:
    """Open it again."""
    _named(desk, user_id)
    enable(desk.settings.state, user_id, by=desk.who.username)
    return _back(user_id)


@router.post("/accounts/{user_id}/password")
@guarded("account_reset_password", "accounts")
def reset(request: Request, desk: AtDesk, user_id: str) -> Response:
    """A one-time password, shown once."""
    found = _named(desk, user_id)
    password = reset_password(desk.settings.state, user_id, by=desk.who.username)
    return page(request, "account_made.html", account=found, password=password)


@router.post("/accounts/{user_id}/sessions/end")
@guarded("account_end_sessions", "accounts", "grants")
def end_all(desk: AtDesk, user_id: str) -> Response:
    """End every login of the account."""
    _named(desk, user_id)
    desk.details["sessions_ended"] = end_sessions(desk.settings.state, user_id)
    return _back(user_id)


@router.post("/accounts/{user_id}/second-factor")
@guarded("account_ask_reset_second_factor", "accounts")
def ask_reset(desk: AtDesk, user_id: str) -> Response:
    """The first of two: ask that the second factor be taken away."""
    _named(desk, user_id)
    ask_second_factor_reset(desk.settings.state, user_id, by=desk.who.username)
    return _back(user_id)


@router.post("/accounts/{user_id}/second-factor/decide")
@guarded("account_reset_second_factor", "grants")
def decide_reset(desk: AtDesk, user_id: str, verdict: Annotated[str, Form(pattern="^(agree|refuse)$")]) -> Response:
    """The second of two: agree or refuse."""
    _named(desk, user_id)
    desk.details["verdict"] = verdict
    decide_second_factor_reset(desk.settings.state, user_id, by=desk.who.username, agrees=verdict == "agree")
    return _back(user_id)


@router.post("/accounts/{user_id}/roles")
@guarded("role_grant", "grants")
def give(desk: AtDesk, user_id: str, role: Text, reason: Reason) -> Response:
    """Give a role."""
    _named(desk, user_id)
    desk.details["role"] = role if desk.settings.access.role(role) else None
    grant_role(
        desk.settings.state, desk.settings.access, user_id, role, granted_by=desk.who.username, reason=_said(reason)
    )
    return _back(user_id)


@router.post("/accounts/{user_id}/roles/{grant_id}/revoke")
@guarded("role_revoke", "grants")
def take(desk: AtDesk, user_id: str, grant_id: str, reason: Reason) -> Response:
    """Take a role away."""
    _named(desk, user_id)
    by = desk.who.username
    desk.details["role"] = revoke_role(desk.settings.state, user_id, grant_id, revoked_by=by, reason=_said(reason))
    return _back(user_id)


def _said(reason: str) -> str:
    if not reason.strip():
        raise Refused(422, "请填写理由。", "Give a reason.")
    return reason.strip()


def _account(desk: Desk, user_id: str) -> Account:
    found = list_accounts(desk.settings.state, user_id=user_id)
    if not found:
        raise NotThere
    return found[0]


def _named(desk: Desk, user_id: str) -> Account:
    """The account, put on record by its name."""
    found = _account(desk, user_id)
    desk.details["account"] = found.username
    return found


def _departments(desk: Desk) -> list[str]:
    return [OFFICE, *read_source_configs(desk.settings.config_dir)]


def _check_department(desk: Desk, department: str) -> None:
    if department not in _departments(desk):
        raise Refused(422, "没有这个部门。", "There is no such department.")


def _back(user_id: str) -> Response:
    return RedirectResponse(f"/accounts/{user_id}", status_code=303)
