"""API tokens: one's own, and for the security administrator everybody's, without any data."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from linkage.portal.desk import AtDesk, Desk, NotThere, Refused
from linkage.portal.downloads.dictionary import columns_of
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page
from linkage.portal.tokens import (
    GRANTABLE,
    LONGEST_OVERLAP_HOURS,
    Row,
    create_token,
    is_good,
    list_tokens,
    revoke_token,
    rotate_token,
    token_by_id,
)

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)
Names = Annotated[list[str] | None, Form()]
Days = Annotated[int, Form(ge=1, le=90)]


@router.get("/tokens")
@guarded("tokens_page", "tokens", "grants")
def tokens_page(request: Request, desk: AtDesk) -> Response:
    """One's own tokens, and the form for a new one."""
    if "tokens" not in desk.who.permissions:
        return RedirectResponse("/tokens/all", status_code=303)
    return page(
        request, "tokens.html", tokens=list_tokens(desk.settings.state, desk.who.user_id), tables=_grantable_columns(desk),
        permissions=_grantable(desk), longest_days=desk.settings.portal.token_days, longest_overlap=LONGEST_OVERLAP_HOURS,
    )  # fmt: skip


@router.get("/tokens/all")
@guarded("tokens_all", "grants")
def tokens_all(request: Request, desk: AtDesk) -> Response:
    """Everybody's tokens: whose, what for, until when, last used."""
    return page(request, "tokens_all.html", tokens=list_tokens(desk.settings.state))


@router.post("/tokens")
@guarded("token_create", "tokens")
def token_create(
    request: Request,
    desk: AtDesk,
    name: Annotated[str, Form(max_length=100)],
    purpose: Annotated[str, Form(max_length=50)],
    days: Days,
    may: Names = None,
    tables: Names = None,
    columns: Names = None,
) -> Response:
    """Make a token. ``tables``: tables with all their columns; ``columns``: ``table.column`` one by one."""
    portal = desk.settings.portal
    if not name.strip() or portal.purpose(purpose) is None or not may:
        raise Refused(
            422, "请填写名称、用途，并至少选择一项权限。", "Give a name, a purpose, and at least one permission."
        )
    if days > portal.token_days:
        raise Refused(422, f"最长 {portal.token_days} 天。", f"At most {portal.token_days} days.")
    chosen = _chosen(desk, tables or [], columns or [])
    if not set(may) <= set(_grantable(desk)) or chosen is None:
        raise Refused(422, "令牌不能超出您本人的权限。", "A token cannot be for more than you may do and see yourself.")
    token_id, bearer = create_token(
        desk.settings.state, desk.who, name=name.strip(), purpose=purpose, may=may, tables=chosen, days=days
    )  # fmt: skip
    desk.details |= {"token": token_id, "may": sorted(set(may)), "tables": {t: len(c) for t, c in chosen.items()}}
    return page(request, "tokens_made.html", status=201, bearer=bearer, token_id=token_id)


@router.post("/tokens/{token_id}/rotate")
@guarded("token_rotate", "tokens")
def token_rotate(
    request: Request,
    desk: AtDesk,
    token_id: str,
    days: Days,
    overlap_hours: Annotated[int, Form(ge=0, le=LONGEST_OVERLAP_HOURS)] = 24,
) -> Response:
    """Replace a token by a new one; the old one works on for a while."""
    old = _own(desk, token_id)
    if not is_good(old) or old["replaced_by"] is not None or days > desk.settings.portal.token_days:
        raise Refused(409, "该令牌已失效或已轮换。", "The token is over, or was rotated already.")
    new_id, bearer = rotate_token(desk.settings.state, old, overlap_hours=overlap_hours, days=days)
    desk.details["successor"] = new_id
    return page(request, "tokens_made.html", status=201, bearer=bearer, token_id=new_id)


@router.post("/tokens/{token_id}/revoke")
@guarded("token_revoke", "tokens", "grants")
def token_revoke(desk: AtDesk, token_id: str) -> Response:
    """Revoke a token at once: one's own, or as security administrator anybody's."""
    everybodys = "grants" in desk.who.permissions
    if everybodys:
        if token_by_id(desk.settings.state, token_id) is None:
            raise NotThere
    else:
        _own(desk, token_id)
    revoke_token(desk.settings.state, token_id, desk.who.username)
    return RedirectResponse("/tokens/all" if everybodys else "/tokens", status_code=303)


def _own(desk: Desk, token_id: str) -> Row:
    found = token_by_id(desk.settings.state, token_id)
    if found is None or found["user_id"] != desk.who.user_id:
        raise NotThere
    return found


def _grantable(desk: Desk) -> tuple[str, ...]:
    return tuple(name for name in GRANTABLE if name in desk.who.permissions)


def _grantable_columns(desk: Desk) -> dict[str, tuple[str, ...]]:
    return {table: tuple(columns) for table, columns in columns_of(desk.who, desk.settings.sharing).items()}


def _chosen(desk: Desk, tables: list[str], columns: list[str]) -> dict[str, set[str]] | None:
    """The columns by table; None when one is not the viewer's to give."""
    granted = _grantable_columns(desk)
    if not set(tables) <= set(granted):
        return None
    chosen: dict[str, set[str]] = {table: set(granted[table]) for table in tables}
    for text in columns:
        table, _, column = text.partition(".")
        if column not in granted.get(table, ()):
            return None
        chosen.setdefault(table, set()).add(column)
    return chosen
