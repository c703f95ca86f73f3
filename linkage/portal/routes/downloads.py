"""Pages of downloads: what there is, what it means, and the files."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import JSONResponse, RedirectResponse

from linkage.portal.desk import AtDesk, NotThere
from linkage.portal.downloads.dictionary import dictionary, dictionary_csv
from linkage.portal.downloads.listing import listing
from linkage.portal.downloads.releases import named, published, read_day, register_of
from linkage.portal.downloads.response import bytes_answer
from linkage.portal.downloads.serving import deliver_of
from linkage.portal.downloads.whole_register import granted_register, may_take_register
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page
from linkage.portal.routes import downloads_api, downloads_trace, downloads_unmasked
from linkage.release.chain import seen_on

router = APIRouter(route_class=GuardedRoute)
for part in (downloads_unmasked, downloads_trace, downloads_api):
    router.include_router(part.router)


@router.get("/downloads", include_in_schema=False)
@guarded("downloads", "download", "download_register", "grant_unmasked")
def downloads(
    request: Request,
    desk: AtDesk,
    release: Annotated[str, Query(max_length=60)] = "",
    as_of: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The files of one release: the current one, one by name, or the one that was the register of a day."""
    if not desk.who.permissions & {"download", "download_register"}:
        return RedirectResponse("/downloads/unmasked", status_code=303)
    state = desk.settings.state
    all_releases = published(state)
    day = read_day(as_of) if as_of else None
    if release:
        chosen = named(state, release)
        if chosen is None:
            raise NotThere
    else:
        chosen = register_of(state, day) if day else next(iter(all_releases), None)
    desk.details |= {"release": chosen.name} if chosen else {}
    found = listing(desk, chosen) if chosen else ()
    may_whole, portal = may_take_register(desk.who), desk.settings.portal
    under = granted_register(desk) if may_whole else None
    return page(
        request, "downloads.html", releases=all_releases, chosen=chosen, day=day, seen=seen_on(state, day) if day and chosen else None,
        tables=found, is_part=any(line.offer.is_part for group in found for line in group.lines),
        is_marked=any(line.offer.order is not None for group in found for line in group.lines), may_whole=may_whole,
        until=under.until(portal.unmasked_votes, portal.unmasked_hours) if under else None,
    )  # fmt: skip


@router.get("/downloads/help", include_in_schema=False)
@guarded("downloads_help", "download", "download_register", "tokens", on_record=False)
def help_page(request: Request, desk: AtDesk) -> Response:
    """How to open, read, fetch and check what was downloaded."""
    current = next(iter(published(desk.settings.state)), None)
    return page(request, "downloads_help.html", release=current, address=desk.settings.portal.public_url.rstrip("/"))


@router.get("/downloads/dictionary", include_in_schema=False)
@guarded("dictionary", "download", "download_register", "tokens")
def dictionary_page(request: Request, desk: AtDesk) -> Response:
    """Every column that the viewer is given."""
    return page(request, "downloads_dictionary.html", entries=dictionary(desk.who, desk.settings.sharing))


@router.get("/downloads/dictionary.csv", include_in_schema=False)
@guarded("dictionary", "download", "download_register", "tokens")
def dictionary_as_csv(request: Request, desk: AtDesk) -> Response:
    """The same as CSV."""
    content = dictionary_csv(dictionary(desk.who, desk.settings.sharing))
    return bytes_answer(request.method, dict(request.headers), "数据字典.csv", content)


@router.get("/downloads/dictionary.json", include_in_schema=False)
@guarded("dictionary", "download", "download_register", "tokens")
def dictionary_as_json(desk: AtDesk) -> Response:
    """The same as JSON."""
    return JSONResponse(downloads_api.dictionary_entries(desk))


@router.head("/downloads/{release}/{path:path}", include_in_schema=False)
@router.get("/downloads/{release}/{path:path}", include_in_schema=False)
@guarded("download", "download", "download_register", needs_purpose=True)
def download(request: Request, desk: AtDesk, release: str, path: str) -> Response:
    """A file of a release, or its checksum or proof."""
    chosen = named(desk.settings.state, release)
    if chosen is None:
        raise NotThere
    return deliver_of(request, desk, chosen.path, path)
