"""The first page: what the viewer can do, and which release they look at."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import PlainTextResponse, RedirectResponse

from linkage.portal.desk import AtDesk
from linkage.portal.guard import LANGUAGE_COOKIE, GuardedRoute, guarded
from linkage.portal.pages import page

router = APIRouter(route_class=GuardedRoute)


@router.get("/")
@guarded("home")
def home(request: Request, desk: AtDesk) -> Response:
    """The first page after the login."""
    release = desk.settings.state.current_release()
    return page(request, "home.html", release=release.name if release else None)


@router.get("/health")
@guarded("health", public=True, on_record=False)
def health() -> Response:
    """Whether the portal answers (for the supervisor)."""
    return PlainTextResponse("ok")


@router.get("/language/{language}")
@guarded("language", public=True, on_record=False)
def language(language: str, next: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """Switch the language and go back."""
    answer = RedirectResponse(own_path(next), status_code=303)
    answer.set_cookie(
        LANGUAGE_COOKIE, "en" if language == "en" else "zh", max_age=31_536_000, samesite="strict", httponly=True
    )
    return answer


def own_path(path: str) -> str:
    """``path`` if it is one of this portal, else the first page: nobody is sent to another site. Browsers pass over blanks and control
    characters and read a backslash as a slash, so that a path with one of them is none of ours."""
    is_own = path.startswith("/") and not path.startswith("//")
    return path if is_own and all(char > " " and char != "\\" and char.isprintable() for char in path) else "/"
