"""Yes or no: does somebody of this number and name live, and live here? For those who may not see more.

Three answers and nothing else. Whatever is not certain - no such number, another name, two persons, a restricted person, a person outside
the asker's rows - is one and the same "cannot say", so that the answer does not tell which of them it was.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from linkage.portal.desk import Desk, Refused
from linkage.portal.guard import add_usage
from linkage.portal.people.granted import granted
from linkage.portal.people.guessing import counted
from linkage.portal.people.keys import hits
from linkage.portal.people.reader import name_key, reader

VERIFICATIONS = "verifications"
Question = Literal["alive", "resident", "alive_and_resident"]
Answer = Literal["yes", "no", "cannot_say"]
NUMBER_FIELDS, NAME_FIELDS = ("identity_number",), ("full_name", "former_name")


@dataclass(frozen=True)
class Asked:
    """Whom it is about, as typed, and what is asked of them."""

    number: str
    name: str
    question: Question = "alive_and_resident"


def verify(desk: Desk, asked: Asked) -> Answer:
    """The answer; puts on record which person it was about. The same work is done whatever the answer is.

    Raises Refused when the viewer verified as many today as they may, or when numbers are tried out (guessing.py).
    """
    night = date.fromisoformat(desk.register.manifest["night"])
    number, key = reader().number(asked.number, night) or "", name_key(asked.name) or ""
    told = f"verify:{number or asked.number.strip()}:{key or asked.name.strip()}"
    desk.details |= {"question": asked.question, "query_hash": desk.settings.audit.keyed_hash(told)}
    _count_one(desk)
    sees_numbers = granted(desk).in_full("identity_number")
    with counted(desk, (number,) if number and not sees_numbers else ()) as this:
        answer = _read(desk, asked, number, key)
        this.fits = answer != "cannot_say"
    desk.details["answer"] = answer
    return answer


def _count_one(desk: Desk) -> None:
    limit = desk.settings.portal.verifications_per_day
    if add_usage(desk, VERIFICATIONS, 1) > limit:
        desk.details["limit"] = VERIFICATIONS
        raise Refused(
            429,
            f"今日核验已达 {limit} 次的上限，请明日再试；成批核对请用下载或比对。",
            f"You made today's {limit} verifications; go on tomorrow. To check many persons use downloads or match calls.",
        )


def _read(desk: Desk, asked: Asked, number: str, key: str) -> Answer:
    view = desk.view("persons")
    numbered = {hit.person_id for hit in hits(desk.register, "identity_number", [number], NUMBER_FIELDS, number.__eq__)}
    named = hits(desk.register, "name", [key], NAME_FIELDS, lambda value: name_key(value) == key, about=numbered)
    both = sorted({hit.person_id for hit in named})
    # Two persons who ever had this number and name: nobody can say which one is meant.
    condition, bound = view.who, {k: v for k, v in view.parameters.items() if f"${k}" in view.who}
    rows = desk.register.rows(
        "SELECT person_id, status, residence_division_code FROM persons "
        f"WHERE person_id IN (SELECT unnest($both)) AND restriction IS NULL AND ({condition})",
        both=both or [""],
        **bound,
    )
    person = rows[0] if len(rows) == len(both) == 1 else None
    answer = _answer(desk, asked.question, person)
    if person is not None:
        desk.persons.add(person["person_id"])
        desk.columns.add("persons.status")
    return answer


def _answer(desk: Desk, question: Question, person: dict[str, Any] | None) -> Answer:
    if person is None or person["status"] == "unknown":
        return "cannot_say"
    alive = person["status"] != "deceased"
    if question == "alive":
        return "yes" if alive else "no"
    if not alive or person["status"] == "moved_away":
        # The dead and those who moved away live here no more, whichever was asked.
        return "no"
    division = person["residence_division_code"]
    if division is None:
        return "cannot_say"
    return "yes" if division == desk.register.manifest["district"] else "no"
