"""What can be sent back: golden fields, and what the register concludes from records: a person's status and households.

Of the latter the table ``statements`` says which record decided, as ``values`` does of golden fields; ``given_values`` of the register is both.
"""

from typing import Any

from linkage.kernel.contracts import contract
from linkage.portal.corrections.proposals import HOUSEHOLDS, STATUS
from linkage.portal.desk import Desk, NotThere, Refused
from linkage.portal.views import View

Row = dict[str, Any]


def label(desk: Desk, field: str) -> str:
    """A field's name in the request's language."""
    if field in HOUSEHOLDS:
        return str(desk.t(*HOUSEHOLDS[field]))
    return str(desk.t(contract("persons").field(field).zh, field.replace("_", " ")))


def shown_fields(desk: Desk) -> dict[str, str | None]:
    """What the viewer may see of a person and send back: field -> mask of its value."""
    values, persons = desk.view_or_none("values"), desk.view_or_none("persons")
    found = dict(values.fields or {}) if values else {}
    found.pop(STATUS, None)
    if persons and persons.shows("person_id") and persons.shows(STATUS):
        found[STATUS] = persons.columns[STATUS]
    if _shows_membership(desk.view_or_none("members")):
        found |= dict.fromkeys(HOUSEHOLDS)
    return found


def readable_values(desk: Desk) -> dict[str, str | None]:
    """Those of them whose values the viewer reads: a token may be for the fields' names alone."""
    values, shown = desk.view_or_none("values"), shown_fields(desk)
    reads_values = values is not None and values.shows("value")
    return {field: mask for field, mask in shown.items() if reads_values or field == STATUS or field in HOUSEHOLDS}


def correctable(desk: Desk, person_id: str, field: str | None = None) -> list[Row]:
    """What the viewer sees of the person and may send back (one field, or all), put on record: field, value, source, observed_on.

    Raises NotThere when there is nothing, Refused when no record says so: then nobody could correct one.
    """
    rows = _golden(desk, person_id, field)
    shown = shown_fields(desk)
    if STATUS in shown and field in (None, STATUS):
        rows += _status(desk, person_id, asked=field is not None)
    if HOUSEHOLDS.keys() & shown and (field is None or field in HOUSEHOLDS):
        rows += _households(desk, person_id, field)
    if not rows:
        raise NotThere
    return rows


def _golden(desk: Desk, person_id: str, field: str | None) -> list[Row]:
    if desk.view_or_none("values") is None or field == STATUS or field in HOUSEHOLDS:
        return []
    where = "person_id = $person AND won" + (" AND field = $field" if field is not None else "")
    asked = {"person": person_id} | ({"field": field} if field is not None else {})
    return desk.look("values", where, "ORDER BY field", **asked)


def _status(desk: Desk, person_id: str, *, asked: bool) -> list[Row]:
    rows = desk.look("persons", about=[person_id])
    if not rows:
        return []
    given = _given(desk, person_id, STATUS)
    if not given and asked:
        raise Refused(
            409,
            "没有部门的记录说明其状态，无从反馈。",
            "No department's record says what the status is, so it cannot be sent back.",
        )
    return [row | {"value": rows[0][STATUS]} for row in given]


def _households(desk: Desk, person_id: str, field: str | None) -> list[Row]:
    view = desk.view("members")
    seen = view.rows(desk.register.con, "valid_to IS NULL", about=[person_id])
    desk.saw("members", seen, view)
    homes = {row["household_id"] for row in seen}
    wanted = HOUSEHOLDS if field is None else (field,)
    rows = [row for name in wanted for row in _given(desk, person_id, name) if row["value"] in homes]
    if homes and not rows and field is not None:
        raise Refused(
            409,
            "没有部门的记录把此人写在这一户：由家人的记录推定，或不属于此类户；请告知数据专员。",
            "No record of this person names the household: it follows from the family's records, or there is none of this kind; tell a data steward.",
        )
    return rows


def _given(desk: Desk, person_id: str, field: str) -> list[Row]:
    """The record that decided, without its number: who may see the field learns which department gave it."""
    return desk.register.rows(
        "SELECT person_id, field, value, source, observed_on FROM given_values WHERE person_id = $person AND field = $field AND won",
        person=person_id,
        field=field,
    )


def _shows_membership(view: View | None) -> bool:
    return view is not None and all(view.shows(name) for name in ("household_id", "person_id", "valid_to"))
