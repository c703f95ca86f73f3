"""The web application: its routes, its headers, its error pages."""

import logging
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from linkage import __version__
from linkage.kernel.errors import LinkageError
from linkage.portal.desk import Desk, Refused
from linkage.portal.guard import API, LANGUAGE_COOKIE, Elsewhere, LoginNeeded, to_login
from linkage.portal.pages import page
from linkage.portal.routes import ROUTERS
from linkage.portal.settings import Settings

log = logging.getLogger(__name__)
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer browsers send the origin "null" with our own forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def create_app(settings: Settings) -> FastAPI:
    """The portal of one installation."""
    app = FastAPI(title=settings.portal.title_en, version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=Path(str(files("linkage.portal") / "static"))), name="static")
    app.add_middleware(SafeHeaders, secure=settings.portal.is_secure)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(LinkageError, _linkage_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _fault)
    return app


class SafeHeaders:
    """Headers of every answer; whatever does not say otherwise is not kept by browsers."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        self.headers = HEADERS | ({"strict-transport-security": "max-age=31536000"} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                extra = self.headers | {"cache-control": "max-age=3600" if static else "no-store"}
                message["headers"] = [
                    *message["headers"],
                    *((k.encode(), v.encode()) for k, v in extra.items() if k.encode() not in given),
                ]
            await send(message)

        await self.app(scope, receive, send_safely)


def problem(request: Request, status: int, zh: str, en: str) -> Response:
    """An error as people read it: a page, or ``application/problem+json`` (RFC 9457) under /api/."""
    headers = {"www-authenticate": "Bearer"} if status == 401 and request.url.path.startswith(API) else {}
    if request.url.path.startswith(API):
        content = {"status": status, "title": en, "detail": zh}
        return JSONResponse(content, status, headers=headers, media_type="application/problem+json")
    if not hasattr(request.state, "desk"):
        language = "en" if request.cookies.get(LANGUAGE_COOKIE) == "en" else "zh"
        request.state.desk = Desk(request.app.state.settings, None, language)
    return page(request, "error.html", status=status, zh=zh, en=en, code=status)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    if not request.url.path.startswith(API):
        if isinstance(error, LoginNeeded):
            return to_login(request)
        if isinstance(error, Elsewhere):
            return RedirectResponse(error.where, status_code=303)
    return problem(request, error.status, error.zh, error.en)


def _linkage_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LinkageError)
    return problem(request, 422, f"{error.what} → {error.remedy}", f"{error.what} -> {error.remedy}")


def _invalid(request: Request, error: Exception) -> Response:
    """Which fields were wrong, never their values."""
    assert isinstance(error, RequestValidationError)
    fields = ", ".join(sorted({str(found["loc"][-1]) for found in error.errors()}))
    return problem(request, 422, f"填写有误：{fields}", f"Not filled in correctly: {fields}")


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    zh, en = {
        404: ("没有这个页面。", "There is no such page."),
        405: ("不支持这种请求方式。", "This method is not allowed here."),
    }.get(error.status_code, ("请求有误。", "The request is not right."))
    answer = problem(request, error.status_code, zh, en)
    answer.headers.update(error.headers or {})
    return answer


def _fault(request: Request, error: Exception) -> Response:
    # The text of an exception may hold what was looked up: its kind and place are enough to find the fault.
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
    log.error("fault on %s %s: %s at %s", request.method, request.scope.get("route", "?"), type(error).__name__, where)
    return problem(request, 500, "程序出错，已记录。", "Something went wrong here; it is on record.")


def mounted_paths(app: FastAPI) -> tuple[str, ...]:
    """Paths served as plain files, for the test of the authorisation matrix."""
    return tuple(route.path for route in app.routes if isinstance(route, Mount))
