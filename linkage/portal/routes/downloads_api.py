"""Downloads for programs: releases, their files, the data dictionary, and the description of the whole API."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.responses import JSONResponse

from linkage.portal.desk import AtDesk, Desk, NotThere
from linkage.portal.downloads.dictionary import dictionary
from linkage.portal.downloads.listing import Line
from linkage.portal.downloads.offers import Offer, offers
from linkage.portal.downloads.releases import Published, named, published, read_day, register_of
from linkage.portal.downloads.response import ALL_MEDIA_TYPES
from linkage.portal.downloads.serving import deliver_of
from linkage.portal.guard import API, GuardedRoute, guarded

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["downloads"])
ABOUT = (
    "Authorise with `Authorization: Bearer grt_...` (令牌，在“API 令牌”页创建). Errors are application/problem+json (RFC 9457). "
    "What a token does not see looks like what is not there (404)."
)

PROBLEM: dict[str, Any] = {
    "application/problem+json": {
        "schema": {
            "type": "object",
            "properties": {name: {"type": kind} for name, kind in {"status": "integer", "title": "string", "detail": "string"}.items()},
            "required": ["status", "title", "detail"],
        }
    }
}  # fmt: skip


class Release(BaseModel):
    """A published release. Its files never change."""

    release: str
    night: date
    published_at: datetime | None
    manifest_sha256: str
    current: bool
    tables_deleted: bool
    """Its term is over: only the signed manifest is left."""


class File(BaseModel):
    """A file of a release that you may take."""

    path: str
    url: str
    table: str | None
    format: str
    rows: int | None
    marked: bool
    """Made for you, with a mark that says whose copy it is; size and hash are known when it has been made, with the first request."""
    bytes: int | None
    sha256: str | None
    """Of what you get; also its ETag."""
    signed_sha256: str
    """Of the file as the manifest lists it."""


class DictionaryEntry(BaseModel):
    """One column that you are given."""

    table: str
    table_zh: str
    column: str
    zh: str
    en: str
    type: str
    standard: str
    unit: str
    sharing: str
    sensitive: bool
    mask: str


AsOf = Annotated[
    str | None,
    Query(
        description="Only the release that was the register of this day.",
        max_length=10,
        json_schema_extra={"format": "date"},
    ),
]


@router.get("/releases")
@guarded("releases", "download", "download_register", takes_tokens=True)
def releases(desk: AtDesk, as_of: AsOf = None) -> list[Release]:
    """Published releases, newest first."""
    state = desk.settings.state
    if as_of is not None:
        found = register_of(state, read_day(as_of))
        return [_release(desk, found)] if found else []
    return [_release(desk, found) for found in published(state)]


@router.get("/releases/{release}/files")
@guarded("release_files", "download", "download_register", takes_tokens=True)
def files(desk: AtDesk, release: str) -> list[File]:
    """The files of a release that you may take now: those of the whole register while a request for it is granted."""
    chosen = _named(desk, release)
    copies = desk.settings.copies
    found = offers(desk, chosen.path).values()
    return [_file(Line(offer, copies.find(offer.order) if offer.order else None)) for offer in found]


BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
BYTES: dict[str, Any] = {"content": {kind: {} if kind.endswith("json") else BINARY for kind in ALL_MEDIA_TYPES}}
FILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file."} | BYTES,
    206: {"description": "A part of it."} | BYTES,
    304: {"description": "You have it already."},
    403: {"description": "Part of the whole register, and no request for it is granted.", "content": PROBLEM},
    412: {"description": "It is not the version you named."},
    416: {"description": "It is not so long."},
    503: {"description": "Your copy is being prepared; ask again after Retry-After seconds.", "content": PROBLEM},
}


@router.head("/releases/{release}/files/{path:path}", include_in_schema=False)
@router.get("/releases/{release}/files/{path:path}", response_class=Response, responses=FILE_ANSWERS)
@guarded("download", "download", "download_register", needs_purpose=True, takes_tokens=True)
def file(request: Request, desk: AtDesk, release: str, path: str) -> Response:
    """A file; resumable (Range, If-Range, ETag). `<path>.sha256` is its checksum, `<path>.proof.json` the signed proof of a marked copy.

    403: part of the whole register, which needs a granted request; the answer says how to ask."""
    return deliver_of(request, desk, _named(desk, release).path, path)


@router.get("/dictionary")
@guarded("dictionary", "download", "download_register", "look_up", takes_tokens=True)
def dictionary_json(desk: AtDesk) -> list[DictionaryEntry]:
    """Every column that you are given: meaning, standard, unit, sharing class, mask."""
    return [DictionaryEntry(**entry) for entry in dictionary_entries(desk)]


@router.get("/openapi.json", include_in_schema=False)
@guarded("openapi", takes_tokens=True, on_record=False)
def openapi(request: Request) -> Response:
    """The description of this API (OpenAPI)."""
    app = request.app
    routes = [route for route in app.routes if getattr(route, "path", "").startswith(f"{API}v1/")]
    schema = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=routes)
    schema.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{"token": []}]
    error = {"description": "An error as people read it.", "content": PROBLEM}
    for methods in schema["paths"].values():
        for operation in methods.values():
            operation["responses"] = {k: v for k, v in operation["responses"].items() if k != "422"} | {
                "default": error
            }
    return JSONResponse(schema)


def dictionary_entries(desk: Desk) -> list[dict[str, Any]]:
    """The data dictionary as plain values."""
    return [asdict(entry) for entry in dictionary(desk.who, desk.settings.sharing)]


def _named(desk: Desk, release: str) -> Published:
    chosen = named(desk.settings.state, release)
    if chosen is None:
        raise NotThere
    return chosen


def _release(desk: Desk, found: Published) -> Release:
    current = desk.settings.state.current_release()
    return Release(
        release=found.name, night=found.night, published_at=found.published_at, manifest_sha256=found.manifest_sha256,
        current=current is not None and current.name == found.name, tables_deleted=found.is_emptied,
    )  # fmt: skip


def _file(line: Line) -> File:
    offer: Offer = line.offer
    known = offer.order is None or line.prepared is not None
    return File(
        path=offer.path, url=f"{API}v1/releases/{offer.release.name}/files/{offer.path}", table=offer.table, format=offer.format.lstrip("."),
        rows=line.rows, marked=offer.order is not None, bytes=line.bytes if known else None, sha256=line.sha256,
        signed_sha256=offer.sha256,
    )  # fmt: skip
