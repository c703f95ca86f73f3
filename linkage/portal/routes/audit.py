"""The auditor's pages. What the auditor looks at is on record as well."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import StreamingResponse

from linkage.kernel.errors import VerificationFailed
from linkage.portal import clock
from linkage.portal.audit_downloads import MOST_EXAMINED, Download, downloads_of_person
from linkage.portal.audit_export import export_lines
from linkage.portal.audit_search import (
    OUTCOMES,
    Filters,
    Found,
    entry_numbers,
    find_entries,
    known_actions,
    read_entry,
)
from linkage.portal.audit_usage import unusual, usage_by_day
from linkage.portal.csv_text import csv_text
from linkage.portal.desk import AtDesk, Desk, NotThere, Refused
from linkage.portal.guard import GuardedRoute, guarded
from linkage.portal.pages import page
from linkage.portal.same_person import ids_of_person

router = APIRouter(route_class=GuardedRoute)
ENTRIES_ON_A_PAGE = 50
MOST_LOOKS = 5_000
MOST_FOUND = 500
HELD = {
    "held": "含此人 held",
    "may": "可能含此人 may hold",
    "unknown": "无法查明 cannot be told: the release was removed",
}
PERSON_ID = re.compile("P[0-9A-HJKMNP-TV-Z]{16}")
Short = Annotated[str, Query(max_length=200)]
Day = Annotated[str, Query(max_length=10)]


@router.get("/audit")
@guarded("audit", "audit")
def audit(
    request: Request,
    desk: AtDesk,
    first: Day = "",
    last: Day = "",
    actor: Short = "",
    action: Short = "",
    outcome: Short = "",
    person: Short = "",
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """Entries, newest first."""
    persons = _ids_for(desk, person.strip()) if person.strip() else ()
    filters = Filters(_day(first), _day(last), actor.strip(), action, outcome, persons)
    found = find_entries(desk.settings.state, filters, desk.settings.zone, limit=ENTRIES_ON_A_PAGE + 1, before=before)
    chosen = {"first": first, "last": last, "actor": actor, "action": action, "outcome": outcome, "person": person}
    return page(
        request, "audit.html", entries=found[:ENTRIES_ON_A_PAGE], chosen=chosen, actions=known_actions(desk.settings.state), outcomes=OUTCOMES,
        more=found[ENTRIES_ON_A_PAGE - 1].seq if len(found) > ENTRIES_ON_A_PAGE else None, is_first=before is None,
    )  # fmt: skip


@router.get("/audit/entries/{seq}")
@guarded("audit_entry", "audit")
def entry(request: Request, desk: AtDesk, seq: int) -> Response:
    """One entry in full."""
    found = read_entry(desk.settings.state, seq) if 0 < seq < 2**31 else None
    if found is None:
        raise NotThere
    return page(request, "audit_entry.html", found=found)


@router.get("/audit/persons/{person_id}")
@guarded("audit_person", "audit")
def person(request: Request, desk: AtDesk, person_id: str) -> Response:
    """Who looked at this person, or took a file that held them, under whatever id."""
    ids, found = _looks(desk, person_id)
    taken = downloads_of_person(desk.settings, ids)
    return page(
        request, "audit_person.html", person_id=person_id, ids=ids, entries=found, most=MOST_LOOKS, taken=taken, examined=MOST_EXAMINED
    )  # fmt: skip


@router.get("/audit/persons/{person_id}/csv")
@guarded("audit_person_csv", "audit")
def person_csv(desk: AtDesk, person_id: str) -> Response:
    """The same as a file."""
    ids, found = _looks(desk, person_id)
    taken = downloads_of_person(desk.settings, ids)
    names = ("seq", "at", "actor", "department", "action", "outcome", "purpose", "address", "persons", "columns")
    looks = [[*_csv_row(one, ids, names), "", "", ""] for one in found]
    downloads = [_csv_download(one, ids, names) for one in (*taken.listed, *taken.unknown)]
    rows = [[*names, "release", "file", "held"], *looks, *downloads]
    if taken.is_cut:
        rows.append(
            [
                *("" for _ in names),
                "",
                "",
                f"只查了最近 {MOST_EXAMINED} 次下载 only the newest downloads were looked into",
            ]
        )
    headers = {"content-disposition": f'attachment; filename="looks-at-{person_id}.csv"'}
    return Response(csv_text(rows), media_type="text/csv; charset=utf-8", headers=headers)


def _csv_row(found: Found, ids: tuple[str, ...], names: tuple[str, ...]) -> list[Any]:
    """Of the persons of an entry only this one: the others are nobody's business here."""
    entry = found.entry | {
        "persons": " ".join(sorted(set(found.entry["persons"]) & set(ids))),
        "columns": " ".join(found.entry["columns"]),
    }
    return [entry[name] for name in names]


def _csv_download(one: Download, ids: tuple[str, ...], names: tuple[str, ...]) -> list[Any]:
    return [*_csv_row(one.found, ids, names), one.release, one.file, HELD[one.answer]]


@router.get("/audit/value")
@guarded("audit_value_page", "audit", on_record=False)
def value_page(request: Request) -> Response:
    """Ask for a value that the auditor knows."""
    return page(request, "audit_value.html", entries=None, most=MOST_FOUND)


@router.post("/audit/value")
@guarded("audit_value", "audit")
def value(request: Request, desk: AtDesk, value: Annotated[str, Form(min_length=1, max_length=300)]) -> Response:
    """Entries that speak of the value; only its keyed hash is on record."""
    value_hash = desk.settings.audit.keyed_hash(value)
    desk.details["searched_hash"] = value_hash
    found = find_entries(desk.settings.state, Filters(value_hash=value_hash), desk.settings.zone, limit=MOST_FOUND)
    desk.details["entries"] = len(found)
    return page(request, "audit_value.html", entries=found, most=MOST_FOUND)


@router.get("/audit/usage")
@guarded("audit_usage", "audit")
def usage(request: Request, desk: AtDesk, days: Annotated[int, Query(ge=1, le=366)] = 30) -> Response:
    """Looks by day and user, and what is unusual."""
    zone = desk.settings.zone
    today = clock.moment().astimezone(zone).date()
    first = today - timedelta(days=days - 1)
    found = usage_by_day(desk.settings.state, first, zone)
    totals = [
        (
            day,
            sum(one.persons for one in found if one.day == day),
            sum(one.night_persons for one in found if one.day == day),
        )
        for day in (first + timedelta(days=n) for n in range(days))
    ]
    return page(request, "audit_usage.html", days=found, hints=unusual(found), totals=totals, span=days)


@router.get("/audit/verification")
@guarded("audit_verification_page", "audit")
def verification_page(request: Request, desk: AtDesk) -> Response:
    """When the audit was last checked, and the export."""
    last = find_entries(
        desk.settings.state, Filters(action="audit_verify", outcome="done"), desk.settings.zone, limit=10
    )
    return page(request, "audit_verification.html", checks=last, fault=None, entries=None, export=_this_month(desk))


@router.post("/audit/verification")
@guarded("audit_verify", "audit")
def verify(request: Request, desk: AtDesk) -> Response:
    """Check the whole audit now."""
    fault, entries = None, None
    try:
        entries = desk.settings.audit.verify()
        desk.details |= {"whole": True, "entries": entries}
    except VerificationFailed as error:
        fault = error
        desk.details["whole"] = False
    return page(request, "audit_verification.html", checks=[], fault=fault, entries=entries, export=_this_month(desk))


@router.get("/audit/export")
@guarded("audit_export", "audit")
def export(desk: AtDesk, first: Day, last: Day) -> Response:
    """The entries of some days as JSON lines, to be kept elsewhere."""
    begin, end = _day(first), _day(last)
    if begin is None or end is None:
        raise Refused(422, "请填写起止日期。", "Give the first and the last day.")
    numbers = entry_numbers(desk.settings.state, begin, end, desk.settings.zone)
    if numbers is None:
        raise Refused(404, "这些日期没有记录。", "Nothing is on record of these days.")
    desk.details["entries"] = list(numbers)
    name = f"audit-{begin}-{end}.jsonl"
    lines: Iterator[bytes] = export_lines(desk.settings.state, *numbers)
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="application/jsonl", headers=headers)


def _looks(desk: Desk, person_id: str) -> tuple[tuple[str, ...], list[Found]]:
    ids = _ids_for(desk, person_id)
    desk.persons |= set(ids)
    found = find_entries(desk.settings.state, Filters(persons=ids), desk.settings.zone, limit=MOST_LOOKS)
    return ids, found


def _ids_for(desk: Desk, person_id: str) -> tuple[str, ...]:
    if not PERSON_ID.fullmatch(person_id):
        raise Refused(
            422,
            "这不是人员编号（P 加 16 位）；按号码或姓名查，请用“按值查找”。",
            "This is no person id (P and 16 characters); by number or name search for a value.",
        )
    return ids_of_person(desk, person_id)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(422, "日期应为 YYYY-MM-DD。", "A day is written YYYY-MM-DD.") from None
    if found is not None and not 1970 <= found.year <= 9000:
        raise Refused(422, "日期超出范围。", "The day is out of range.")
    return found


def _this_month(desk: Desk) -> tuple[date, date]:
    today = clock.moment().astimezone(desk.settings.zone).date()
    return today.replace(day=1), today
