"""Find persons: by whatever any department ever wrote of them, as far as the searcher is granted it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from linkage.kernel.masking import mask_number, mask_record_key, mask_shape, mask_text
from linkage.portal.desk import Desk, NotThere, Refused
from linkage.portal.guard import add_usage, read_usage
from linkage.portal.people.granted import Granted, Hit, granted
from linkage.portal.people.guessing import Try, counted
from linkage.portal.people.keys import address_hits, hits
from linkage.portal.people.kinds import SearchKind, kind_named
from linkage.portal.people.reader import birth_values, name_key, own_number, reader

SHORTEST_ADDRESS_CHARACTERS = 4
MOST_ADDRESSES = 300
# What is shown in part could be guessed by trying the rest: fruitless tries are counted, all of a user here, and those of one person in guessing.py.
GUESSABLE, MISSES = frozenset(("number", "phone")), "misses"
PERSON_ORDER = "ORDER BY status = 'alive' DESC, person_id LIMIT"
Row = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """What was asked, as typed."""

    kind: SearchKind
    text: str
    birth_date: str = ""


@dataclass(frozen=True)
class Found:
    """Persons on the page, whether there are more, and what was searched as it may be repeated."""

    persons: list[Row]
    more: bool
    tried: str
    matched: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Person id -> fields of which a value fits, for viewers who see values that lost as well."""
    read: bool = True
    """Whether the text could be read as what it was said to be."""
    too_many: bool = False
    """So much fits that nothing is shown."""
    successor_of: str | None = None
    """The retired id that was asked for, where its successor is shown."""


def search(desk: Desk, query: Query) -> Found:
    """Persons that fit and that the viewer may see. Raises Refused when the viewer may not search that way, or the text is too short."""
    grant = granted(desk)
    kind = kind_named(query.kind)
    fields = grant.any_of(kind.fields)
    if not fields:
        raise Refused(
            403, f"您的权限不含“{kind.zh}”，不能按此查找。", f"Your view does not show what “{kind.en}” searches by."
        )
    asked = f"{query.kind}:{query.text.strip()}:{query.birth_date.strip()}"
    desk.details |= {"kind": query.kind, "query_hash": desk.settings.audit.keyed_hash(asked)}
    guessable = query.kind in GUESSABLE and not all(map(grant.in_full, fields))
    if guessable and read_usage(desk, MISSES) >= desk.settings.portal.misses_per_day:
        desk.details["limit"] = MISSES
        raise Refused(
            429,
            "今日按脱敏项目查无此人的次数已达上限，请改按姓名与出生日期查找。",
            "Too many searches by a masked value found nobody today; search by name and birth date.",
        )
    found = _SEARCHES[query.kind](desk, grant, fields, query)
    if guessable and not found.persons:
        add_usage(desk, MISSES, 1)
    desk.details |= {"count": len(found.persons), "more": found.more}
    return found


def _by_number(desk: Desk, grant: Granted, fields: tuple[str, ...], query: Query) -> Found:
    number = reader().number(query.text, _night(desk))
    tried = mask_number(query.text.strip())
    if number is None:
        return Found([], False, tried, read=False)
    with _tried(desk, grant, fields, (number,)) as this:
        found = _show(desk, grant, hits(desk.register, "identity_number", [number], fields, number.__eq__), tried)
        this.fits = bool(found.persons)
    return found


def _by_name(desk: Desk, grant: Granted, fields: tuple[str, ...], query: Query) -> Found:
    key, tried = name_key(query.text), mask_text(query.text.strip())
    if key is None:
        return Found([], False, tried, read=False)
    found = hits(desk.register, "name", [key], fields, lambda value: name_key(value) == key)
    if not query.birth_date.strip():
        return _show(desk, grant, found, tried)
    if not grant.any_of(("birth_date",)):
        raise Refused(
            403,
            "您的权限不含出生日期，不能按此查找。",
            "Your view does not show birth dates, so they cannot be searched by.",
        )
    born = reader().birth_date(query.birth_date, _night(desk))
    tried = f"{tried} {mask_shape(query.birth_date.strip())}"
    if born is None:
        return Found([], False, tried, read=False)
    values = birth_values(*born)
    about = {hit.person_id for hit in found}
    dated = hits(desk.register, "birth_date", values, ("birth_date",), values.__contains__, about)
    both = {hit.person_id for hit in dated}
    return _show(desk, grant, [hit for hit in found if hit.person_id in both], tried, dated)


def _by_phone(desk: Desk, grant: Granted, fields: tuple[str, ...], query: Query) -> Found:
    numbers, tried = reader().phones(query.text), mask_number(query.text.strip())
    if not numbers:
        return Found([], False, tried, read=False)
    with _tried(desk, grant, fields, numbers) as this:
        found = _show(desk, grant, hits(desk.register, "phone", numbers, fields, numbers.__contains__), tried)
        this.fits = bool(found.persons)
    return found


def _tried(
    desk: Desk, grant: Granted, fields: tuple[str, ...], numbers: tuple[str, ...]
) -> AbstractContextManager[Try]:
    """Count what is tried of numbers that the searcher does not see in full."""
    return counted(desk, () if all(map(grant.in_full, fields)) else numbers)


def _by_address(desk: Desk, grant: Granted, fields: tuple[str, ...], query: Query) -> Found:
    parts = reader().address_parts(query.text)
    tried = mask_text(query.text.strip())
    if sum(map(len, parts)) < SHORTEST_ADDRESS_CHARACTERS:
        raise Refused(422, "地址至少输入 4 个字。", "Give at least 4 characters of the address.")
    whole = tuple(name for name in fields if grant.in_full(name))
    if not whole:
        raise Refused(
            403,
            "您只能看到地址的一部分，不能按地址查找。",
            "Your view shows addresses in part only, so they cannot be searched by.",
        )
    found = address_hits(desk.register, parts, whole, MOST_ADDRESSES)
    if found is None:
        return Found([], True, tried, too_many=True)
    return _show(desk, grant, found, tried)


def _by_dwelling(desk: Desk, grant: Granted, fields: tuple[str, ...], query: Query) -> Found:
    code = own_number(query.text)
    found = hits(desk.register, "dwelling_code", [code], fields, code.__eq__)
    return _show(desk, grant, found, mask_number(code))


def _by_household(desk: Desk, grant: Granted, fields: tuple[str, ...], query: Query) -> Found:
    text = own_number(query.text)
    tried = text if _is_id(text, "H") else mask_number(text)
    if _is_id(text.upper(), "H"):
        members = _members_of(desk, _living_id(desk, text.upper())[0])
        return _show(desk, grant, [Hit(person, "person_id", person) for person in members], tried)
    if "household_number" not in fields:
        return Found([], False, tried)
    return _show(desk, grant, hits(desk.register, "household_number", [text], fields, text.__eq__), tried)


def _members_of(desk: Desk, household_id: str) -> list[str]:
    """Persons of a household that the viewer may see at all (their own rights are asked once more when they are shown)."""
    ids = desk.register.rows(
        "SELECT DISTINCT person_id FROM members WHERE household_id = $id AND valid_to IS NULL", id=household_id
    )
    view = desk.view_or_none("members")
    about = [row["person_id"] for row in ids]
    rows = (
        view.rows(desk.register.con, "household_id = $id AND valid_to IS NULL", about=about, id=household_id)
        if view
        else []
    )
    return [row["person_id"] for row in rows if "person_id" in row]


def _by_person(desk: Desk, grant: Granted, fields: tuple[str, ...], query: Query) -> Found:
    asked = query.text.strip().upper()
    person, retired = _living_id(desk, asked)
    found = _show(desk, grant, [Hit(person, "person_id", person)], asked if _is_id(asked, "P") else mask_number(asked))
    return Found(
        found.persons, False, found.tried, found.matched, successor_of=asked if retired and found.persons else None
    )


def _by_record(desk: Desk, grant: Granted, fields: tuple[str, ...], query: Query) -> Found:
    source, _, record_id = query.text.strip().replace("：", ":").partition(":")
    tried = mask_record_key(f"{source}:{record_id}")
    people = persons_of_record(desk, source.strip(), record_id.strip())
    return _show(desk, grant, [Hit(person, "person_id", person) for person in people], tried)


def persons_of_record(desk: Desk, source: str, record_id: str) -> list[str]:
    """The person of a department's record, if the viewer may see the link; departments may ask for records of their own alone."""
    view = desk.view_or_none("crosswalk")
    if view is None or not all(map(view.shows, ("source", "record_id", "person_id"))):
        raise Refused(403, "您的权限不含部门记录，不能按此查找。", "Your view does not show department records.")
    if not sees_records_of(desk, source):
        return []
    where = "source = $source AND record_id = $record_id"
    ids = desk.register.rows(f"SELECT person_id FROM crosswalk WHERE {where}", source=source, record_id=record_id)
    about = [row["person_id"] for row in ids]
    rows = view.rows(desk.register.con, where, about=about, source=source, record_id=record_id)
    return [row["person_id"] for row in rows]


def sees_records_of(desk: Desk, source: str) -> bool:
    """Whether record numbers of the department ``source`` may be shown: its own users see them, and who sees every row."""
    view = desk.view_or_none("crosswalk")
    return view is not None and (view.everything or source == desk.who.department)


def _living_id(desk: Desk, asked: str) -> tuple[str, bool]:
    """The id that carries on, and whether ``asked`` is retired."""
    rows = desk.register.rows("SELECT successor_id FROM retired_ids WHERE id = $id", id=asked)
    return (rows[0]["successor_id"] or asked, True) if rows else (asked, False)


def living_id(desk: Desk, asked: str) -> tuple[str, bool]:
    """The same for pages. Raises NotThere when the id ended without a successor."""
    living, retired = _living_id(desk, asked)
    if retired and living == asked:
        raise NotThere
    return living, retired


def _is_id(text: str, letter: str) -> bool:
    return len(text) == 17 and text.startswith(letter) and text.isascii() and text.isalnum()


def _show(desk: Desk, grant: Granted, found: list[Hit], tried: str, also: list[Hit] | None = None) -> Found:
    """Rows of the persons that were hit, by values that the viewer may see; ``also``: a second value that must fit as well."""
    limit = desk.settings.portal.search_results
    everybody, sure = _people(grant, found)
    condition, parameters = grant.condition(found)
    if also is not None:
        more_people, more_sure = _people(grant, also)
        more, bound = grant.condition(also)
        everybody, sure = everybody & more_people, sure & more_sure
        condition, parameters = f"({condition}) AND ({more})", parameters | bound
    tail = f"{PERSON_ORDER} {limit + 1}"
    ids = grant.persons.ids(desk.register.con, sure, tail=tail)
    ids += grant.persons.ids(desk.register.con, everybody - sure, condition, tail, **parameters)
    rows = grant.persons.rows(desk.register.con, "true", PERSON_ORDER + f" {limit}", about=ids[:limit])
    desk.saw("persons", rows, grant.persons)
    desk.persons |= set(
        ids[:limit]
    )  # a token may be for columns without the id: who was shown is on record all the same
    matched: dict[str, tuple[str, ...]] = {}
    for hit in [*found, *(also or [])]:
        if hit.field != "person_id" and grant.losing(hit.field):
            matched[hit.person_id] = tuple(dict.fromkeys((*matched.get(hit.person_id, ()), hit.field)))
    on_page = {row.get("person_id") for row in rows}
    return Found(
        rows, len(ids) > limit, tried, {person: names for person, names in matched.items() if person in on_page}
    )


def _people(grant: Granted, found: list[Hit]) -> tuple[set[str], set[str]]:
    """Persons that were hit, and those of them by a value that the viewer is shown whether or not it won."""
    return {hit.person_id for hit in found}, {hit.person_id for hit in found if grant.losing(hit.field)}


def _night(desk: Desk) -> date:
    return date.fromisoformat(desk.register.manifest["night"])


_SEARCHES = {
    "number": _by_number,
    "name": _by_name,
    "phone": _by_phone,
    "address": _by_address,
    "dwelling": _by_dwelling,
    "household": _by_household,
    "person": _by_person,
    "record": _by_record,
}
