"""Households as the viewer sees them: who lives there, and how many whom the viewer may not see."""

from dataclasses import dataclass
from typing import Any

from linkage.portal.desk import Desk, NotThere

Row = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """One person's time in a household. ``person`` is the granted row of the person, ``relation`` the code of GB/T 4761."""

    person: Row
    relation: str | None
    is_head: bool
    valid_from: Any
    valid_to: Any


@dataclass(frozen=True)
class Home:
    """One household. ``unseen``: members of today whom the viewer may not see; restricted persons are not counted for departments."""

    row: Row
    members: tuple[Member, ...]
    former: tuple[Member, ...]
    unseen: int
    persons: tuple[str, ...]
    """Ids of everybody who is or was a member, to look up what is about them; not for showing."""


def homes_of(desk: Desk, person_id: str) -> list[Home]:
    """Households that a visible person belongs to."""
    members, households = desk.view_or_none("members"), desk.view_or_none("households")
    if members is None or households is None or not members.shows("household_id"):
        return []
    rows = members.rows(desk.register.con, "valid_to IS NULL", about=[person_id])
    ids = sorted({row["household_id"] for row in rows})
    found = households.rows(
        desk.register.con,
        "list_contains($ids, household_id)",
        "ORDER BY kind, household_id",
        about=[person_id],
        ids=ids,
    )
    desk.saw("households", found, households)
    return [_home(desk, row) for row in found if "household_id" in row]


def home(desk: Desk, household_id: str) -> Home:
    """One household. Raises NotThere when the viewer may not see it."""
    view = desk.view("households")
    persons = _everybody(desk, household_id)
    rows = view.rows(desk.register.con, "household_id = $id", about=persons, id=household_id)
    if not rows or "household_id" not in rows[0]:
        raise NotThere
    desk.saw("households", rows, view)
    return _home(desk, rows[0])


def _everybody(desk: Desk, household_id: str) -> list[str]:
    rows = desk.register.rows("SELECT DISTINCT person_id FROM members WHERE household_id = $id", id=household_id)
    return [row["person_id"] for row in rows]


def _home(desk: Desk, row: Row) -> Home:
    household_id = row["household_id"]
    everybody = _everybody(desk, household_id)
    view = desk.view_or_none("members")
    roster = (
        view.rows(
            desk.register.con,
            "household_id = $id",
            "ORDER BY is_head DESC, valid_from, person_id",
            about=everybody,
            id=household_id,
        )
        if view
        else []
    )
    if view is not None:
        desk.saw("members", roster, view)
    # Whoever reads where a household lives looks at everybody in it, whatever columns a token is for.
    desk.persons |= set(desk.view("persons").ids(desk.register.con, everybody))
    persons = desk.look("persons", about=sorted({entry["person_id"] for entry in roster if "person_id" in entry}))
    by_id = {person["person_id"]: person for person in persons if "person_id" in person}
    members = [_member(entry, by_id[entry["person_id"]]) for entry in roster if entry.get("person_id") in by_id]
    today = {member.person["person_id"] for member in members if member.valid_to is None}
    head = row.get("head_person_id")
    if head is not None and head not in by_id:
        row = row | {"head_person_id": None}
    return Home(
        row=row,
        members=tuple(member for member in members if member.valid_to is None),
        former=tuple(member for member in members if member.valid_to is not None),
        unseen=max(_counted(desk, household_id) - len(today), 0),
        persons=tuple(everybody),
    )


def _counted(desk: Desk, household_id: str) -> int:
    """Members of today; restricted persons are counted only for who may see them."""
    whom = "true" if desk.view("persons").everything else "p.restriction IS NULL"
    rows = desk.register.rows(
        f"SELECT count(DISTINCT person_id) AS n FROM members m JOIN persons p USING (person_id) "
        f"WHERE m.household_id = $id AND m.valid_to IS NULL AND {whom}",
        id=household_id,
    )
    return int(rows[0]["n"])


def _member(entry: Row, person: Row) -> Member:
    return Member(
        person=person,
        relation=entry.get("relation_to_head") or None,
        is_head=bool(entry.get("is_head")),
        valid_from=entry.get("valid_from"),
        valid_to=entry.get("valid_to"),
    )
