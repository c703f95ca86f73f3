"""Every route passes here: who asks, may they, for which purpose, how often; and what they were shown is on record before it leaves.

A route without a declared guard cannot be registered: what is not granted is refused. Requests that change something are put on record twice, before
(asked) and after (done), so that nothing is done which is not on record; requests that only read once, before their answer leaves.
"""

import hmac
import logging
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import sqlalchemy as sa
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from linkage.kernel.database import open_database
from linkage.kernel.errors import LinkageError
from linkage.kernel.state_tables import usage_table
from linkage.portal import clock
from linkage.portal.access import Permission
from linkage.portal.audit import Audit, Entry
from linkage.portal.desk import Desk, NotThere, Refused
from linkage.portal.login_steps import STEPS, Step, next_step
from linkage.portal.sessions import read_session, read_token
from linkage.portal.settings import Settings

log = logging.getLogger(__name__)
SAFE_METHODS = frozenset(("GET", "HEAD"))
LANGUAGE_COOKIE = "gridroll_language"
API = "/api/"
MOST_FILES = 10
"""Files in one form."""
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True)
class Guard:
    """What a route asks for. ``may``: permissions of which the viewer needs one; none: any login; ``public``: no login either."""

    action: str
    may: tuple[Permission, ...] = ()
    public: bool = False
    needs_purpose: bool = False
    paced: bool = False
    takes_tokens: bool = False
    on_record: bool = True
    steps: tuple[Step, ...] = ()
    """Steps of a login that is not complete yet in which the route may be used (linkage/portal/login_steps.py)."""
    changes: bool | None = None
    """Whether the request changes something; left out: unless it is a GET. Anything that changes needs the form's token."""


def guarded(action: str, *may: Permission, **more: Any) -> Callable[[Endpoint], Endpoint]:
    """Declare what a route asks for."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__guard__ = Guard(action, may, **more)  # type: ignore[attr-defined]
        return endpoint

    return declare


def guard_of(endpoint: Callable[..., Any]) -> Guard:
    """The guard of a route. Raises TypeError when it declares none."""
    guard: Guard | None = getattr(endpoint, "__guard__", None)
    if guard is None:
        raise TypeError(f"The route {endpoint.__name__} declares no guard; write @guarded(...) below its path.")
    return guard


class GuardedRoute(APIRoute):
    """A route that answers only through its guard."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        guard_of(endpoint)
        super().__init__(path, endpoint, **more)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        guard = guard_of(self.endpoint)

        async def answer(request: Request) -> Response:
            settings: Settings = request.app.state.settings
            desk = await _identified(request, settings, guard)
            request.state.desk = desk
            template = self.path_format
            try:
                _check_pace(request, desk, guard)
                await _check(request, desk, guard)
                changes = _changes(request, guard)
                if changes:
                    if guard.needs_purpose:
                        await run_in_threadpool(_check_rows_left, desk)
                    await _record(request, desk, guard, template, "asked", None)
                response = await handle(request)
                await run_in_threadpool(_count_rows, desk, refuses=not changes)
            except AuditFailed:
                raise
            except Refused as refusal:
                if not (isinstance(refusal, TooMany) and refusal.is_on_record):
                    await _record(request, desk, guard, template, "denied", refusal.status)
                raise
            except HTTPException as error:
                await _record(request, desk, guard, template, "failed", error.status_code)
                raise
            except (RequestValidationError, LinkageError):
                await _record(request, desk, guard, template, "failed", 422)
                raise
            except Exception:
                await _record(request, desk, guard, template, "failed", 500)
                raise
            await _record(request, desk, guard, template, "done", response.status_code)
            return response

        return answer


def _changes(request: Request, guard: Guard) -> bool:
    return guard.changes if guard.changes is not None else request.method not in SAFE_METHODS


async def _identified(request: Request, settings: Settings, guard: Guard) -> Desk:
    """Who asks. Accounts and audit are in one database: where it cannot be read, nothing can be put on record, and nothing is answered."""
    try:
        return await run_in_threadpool(_identify, request, settings, guard)
    except sa.exc.SQLAlchemyError as error:
        log.error("accounts cannot be read (%s); the request is refused", type(error).__name__)
        raise AuditFailed from None


def _identify(request: Request, settings: Settings, guard: Guard) -> Desk:
    language = "en" if request.cookies.get(LANGUAGE_COOKIE) == "en" else "zh"
    bearer = request.headers.get("authorization", "")
    if bearer.lower().startswith("bearer ") and guard.takes_tokens:
        if found := read_token(settings, bearer[7:].strip(), request.client.host if request.client else None):
            viewer, row = found
            note = request.headers.get("x-purpose-note")
            return Desk(settings, viewer, language, row["purpose"], note)
        return Desk(settings, None, language)
    secret = request.cookies.get(session_cookie(settings))
    if secret and (found := read_session(settings.state, secret, settings.portal.sessions, settings.access)):
        viewer, row = found
        return Desk(settings, viewer, language, row["purpose"], row["purpose_note"])
    return Desk(settings, None, language)


def session_cookie(settings: Settings) -> str:
    """Name of the session's cookie; over TLS with the prefix that binds it to this host (RFC 6265bis)."""
    return "__Host-gridroll" if settings.portal.is_secure else "gridroll"


class LoginNeeded(Refused):
    """Nobody is logged in."""

    def __init__(self) -> None:
        super().__init__(401, "请先登录。", "Please log in first.")


class Elsewhere(Refused):
    """The viewer must do something else first: pages are redirected there."""

    def __init__(self, where: str, zh: str, en: str) -> None:
        super().__init__(403, zh, en)
        self.where = where


class TooMany(Refused):
    """Too many requests. The first refusal of a minute is put on record, the flood behind it is not."""

    def __init__(self, *, is_on_record: bool) -> None:
        super().__init__(429, "请求过于频繁，请一分钟后再试。", "Too many requests; try again in a minute.")
        self.is_on_record = is_on_record
        self.headers = {"retry-after": "60"}


def _check_pace(request: Request, desk: Desk, guard: Guard) -> None:
    """Each user, and each address of those who are not logged in, has a pace that no person reaches."""
    if not guard.on_record:
        return
    limits = desk.settings.portal.sessions
    if desk.viewer is None:
        who, per_minute = f"address {request.client.host if request.client else ''}", limits.strangers_per_minute
    else:
        per_minute = max(limits.requests_per_minute, 2 * desk.viewer.searches_per_minute)
        who = f"user {desk.viewer.user_id}"
    if not desk.settings.pace.allows(who, per_minute):
        is_first = desk.settings.pace.allows(f"refused {who}", 1)
        raise TooMany(is_on_record=not is_first)


async def _check(request: Request, desk: Desk, guard: Guard) -> None:
    if request.method not in SAFE_METHODS or _changes(request, guard):
        _check_origin(request, desk)
    if _changes(request, guard):
        await _check_form_token(request, desk)
    if guard.public:
        return
    if desk.viewer is None:
        raise LoginNeeded
    step = next_step(desk.viewer, desk.settings.portal.login)
    if step is not None and step not in guard.steps:
        raise Elsewhere(*STEPS[step])
    if guard.may and not desk.viewer.permissions & set(guard.may):
        raise Refused(403, "您的角色没有此项权限。", "Your role does not grant this.")
    if guard.needs_purpose and desk.settings.portal.purpose(desk.purpose) is None:
        here = request.url.path + (f"?{request.url.query}" if request.url.query and request.method == "GET" else "")
        raise Elsewhere(f"/purpose?next={quote(here, safe='')}", "请先说明查询用途。", "State the purpose first.")
    if guard.paced and not desk.settings.pace.allows(desk.viewer.user_id, desk.viewer.searches_per_minute):
        raise Refused(429, "查询过于频繁，请一分钟后再试。", "Too many look-ups; try again in a minute.")


def _check_origin(request: Request, desk: Desk) -> None:
    """A form of another site cannot act in a session's name, nor put a search on record in it."""
    if desk.viewer is not None and desk.viewer.token_id is not None:
        return
    origin = request.headers.get("origin")
    own = {request.headers.get("host", ""), urlsplit(desk.settings.portal.public_url).netloc}
    from_elsewhere = request.headers.get("sec-fetch-site") in ("cross-site", "same-site")
    if (origin is not None and urlsplit(origin).netloc not in own) or from_elsewhere:
        raise Refused(403, "请求来自其他网站，已拒绝。", "The request came from another site.")


async def _check_form_token(request: Request, desk: Desk) -> None:
    """What changes something brings the token that only our own pages carry."""
    if desk.viewer is None or desk.viewer.token_id is not None:
        return
    given = request.headers.get("x-csrf-token")
    if given is None and request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        form: FormData = await request.form(max_files=MOST_FILES)
        value = form.get("csrf")
        given = value if isinstance(value, str) else None
    if given is None or not hmac.compare_digest(given.encode(), desk.viewer.csrf.encode()):
        raise Refused(403, "页面已过期，请刷新后重试。", "The page is out of date; reload it and try again.")


def _count_rows(desk: Desk, *, refuses: bool) -> None:
    """Count the rows of persons shown today. Raises Refused when they are more than the role allows and ``refuses``: what is changed
    already cannot be refused any more."""
    if desk.viewer is None or desk.rows == 0:
        return
    taken = add_usage(desk, "rows", desk.rows)
    if refuses and taken > desk.viewer.rows_per_day:
        raise _no_rows_left()


def _check_rows_left(desk: Desk) -> None:
    """Raises Refused when the viewer was shown more today than the role allows; for requests that change something, beforehand."""
    if desk.viewer is not None and read_usage(desk, "rows") > desk.viewer.rows_per_day:
        raise _no_rows_left()


def _no_rows_left() -> Refused:
    return Refused(429, "今日查询人数已达上限。", "You have been shown as many persons today as your role allows.")


def read_usage(desk: Desk, kind: str) -> int:
    """What the viewer took today (UTC)."""
    table, day = usage_table.c, clock.moment().date()
    mine = (table.user_id == desk.who.user_id) & (table.day == day) & (table.kind == kind)
    with open_database(desk.settings.state).connect() as connection:
        return int(connection.execute(sa.select(table.amount).where(mine)).scalar() or 0)


def add_usage(desk: Desk, kind: str, amount: int) -> int:
    """Add to what the viewer took today (UTC) and return the sum."""
    while True:
        try:
            return _add_usage(desk, kind, amount)
        except sa.exc.IntegrityError:
            continue  # another request of the viewer was first to begin the day


def _add_usage(desk: Desk, kind: str, amount: int) -> int:
    table, who = usage_table.c, desk.who.user_id
    day = clock.moment().date()
    mine = (table.user_id == who) & (table.day == day) & (table.kind == kind)
    with open_database(desk.settings.state).begin() as connection:
        changed = connection.execute(sa.update(usage_table).where(mine).values(amount=table.amount + amount))
        if changed.rowcount == 0:
            connection.execute(sa.insert(usage_table), {"user_id": who, "day": day, "kind": kind, "amount": amount})
        return int(connection.execute(sa.select(table.amount).where(mine)).scalar_one())


async def _record(request: Request, desk: Desk, guard: Guard, template: str, outcome: str, status: int | None) -> None:
    """Write the audit entry. Raises Refused (503) when it cannot be written: then nothing is answered."""
    if not guard.on_record:
        return
    shown = outcome == "done"
    audit = desk.settings.audit
    entry = Entry(
        action=guard.action,
        actor=desk.viewer.username if desk.viewer else str(desk.details.get("actor", "")),
        department=desk.viewer.department if desk.viewer else "",
        outcome=outcome,
        status=status,
        purpose=desk.purpose,
        purpose_note_hash=audit.keyed_hash(desk.purpose_note) if desk.purpose_note else None,
        persons=tuple(desk.persons) if shown else (),
        columns=tuple(desk.columns) if shown else (),
        details={k: v for k, v in desk.details.items() if k != "actor"}
        | {"method": request.method, "route": template}
        | _ids(request, audit),
        address=request.client.host if request.client else None,
        token_id=desk.viewer.token_id if desk.viewer else None,
    )
    try:
        await run_in_threadpool(audit.append, entry)
    except Exception as error:
        log.error("the audit cannot be written (%s); the request is refused", type(error).__name__)
        raise AuditFailed from None


class AuditFailed(Refused):
    """The audit cannot be written."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "审计无法写入，暂停服务，请联系管理员。",
            "The audit cannot be written, so nothing is answered. Call the administrator.",
        )


ID_LIKE = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-.:")
REGISTER_ID = re.compile("[PH][0-9A-HJKMNP-TV-Z]{16}")
MOST_DIGITS = 8
"""A row of more may be somebody's telephone or identity number."""


def _ids(request: Request, audit: Audit) -> dict[str, Any]:
    """Path parameters that look like ids; of anything else, which may be what somebody searched for, a keyed hash."""
    given = {name: str(value) for name, value in request.path_params.items()}
    clean = {name: value for name, value in given.items() if _is_an_id(value)}
    hashes = sorted(audit.keyed_hash(value) for name, value in given.items() if name not in clean)
    return ({"path": clean} if clean else {}) | ({"path_hashes": hashes} if hashes else {})


def _is_an_id(text: str) -> bool:
    if REGISTER_ID.fullmatch(text):
        return True
    digits = max(map(len, re.findall("[0-9]+", text)), default=0)
    return len(text) <= 60 and set(text) <= ID_LIKE and digits <= MOST_DIGITS


def to_login(request: Request) -> RedirectResponse:
    """Send a page's reader to the login, and back afterwards."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = "/login" if here == "/" or request.method != "GET" else f"/login?next={quote(here, safe='')}"
    return RedirectResponse(target, status_code=303)


__all__ = [
    "AuditFailed",
    "Elsewhere",
    "Guard",
    "GuardedRoute",
    "LoginNeeded",
    "NotThere",
    "TooMany",
    "add_usage",
    "guard_of",
    "guarded",
    "session_cookie",
    "to_login",
]
