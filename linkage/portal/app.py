"""The web application: its routes, its headers, its error pages."""

from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles

from linkage import __version__
from linkage.kernel.errors import LinkageError
from linkage.portal.desk import Desk, Refused
from linkage.portal.guard import API, LANGUAGE_COOKIE, Elsewhere, LoginNeeded, to_login
from linkage.portal.middleware import BodyLimit, KnownHosts, SafeHeaders
from linkage.portal.pages import page
from linkage.portal.routes import ROUTERS
from linkage.portal.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The portal of one installation."""
    app = FastAPI(title=settings.portal.title_en, version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    for router in ROUTERS:
        # They have their prefix and guard already; include_router would work every one out a second time, and only to change them.
        app.router.routes.extend(router.routes)
    app.mount("/static", StaticFiles(directory=Path(str(files("linkage.portal") / "static"))), name="static")
    app.add_middleware(BodyLimit)
    app.add_middleware(
        KnownHosts, hosts=frozenset((urlsplit(settings.portal.public_url).hostname or "", *settings.portal.hosts))
    )
    app.add_middleware(SafeHeaders, secure=settings.portal.is_secure, fault=_fault)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(LinkageError, _linkage_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    return app


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
    if error.form is not None:
        template, values = error.form
        answer = page(request, template, status=error.status, problem=error, **values)
    else:
        answer = problem(request, error.status, error.zh, error.en)
    answer.headers.update(error.headers)
    return answer


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
        413: ("提交的内容过大。", "More was sent than is taken here."),
    }.get(error.status_code, ("请求有误。", "The request is not right."))
    answer = problem(request, error.status_code, zh, en)
    answer.headers.update(error.headers or {})
    if error.status_code == 405:
        answer.headers["allow"] = _methods_of(request)
    return answer


def _methods_of(request: Request) -> str:
    """Methods of the address, of all its routes: the framework names only those of the first (RFC 9110, 10.2.1)."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    found = {
        method
        for route in routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    return ", ".join(sorted(found))


def _fault(request: Request, error: Exception) -> Response:
    return problem(request, 500, "程序出错，已记录。", "Something went wrong here; it is on record.")


def mounted_paths(app: FastAPI) -> tuple[str, ...]:
    """Paths served as plain files, for the test of the authorisation matrix."""
    return tuple(route.path for route in app.routes if isinstance(route, Mount))
