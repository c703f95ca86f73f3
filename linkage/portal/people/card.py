"""A person as their page shows them: each golden value with where it comes from, how old it is, who agrees and what lost."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from linkage.explain.phrases import Language, speaker, tenure_in_words
from linkage.explain.veil import decoded
from linkage.portal.desk import Desk, NotThere

FIELDS = (
    "full_name", "former_name", "identity_number", "sex", "birth_date", "ethnicity", "nationality", "marital_status", "education",
    "phone", "residence_address", "hukou_address", "tenure",
)  # fmt: skip
# Golden values that come with another one and have no candidates of their own.
FURTHER = (
    "residence_street",
    "residence_community",
    "grid_code",
    "dwelling_code",
    "household_number",
    "hukou_division_code",
)
Row = dict[str, Any]


@dataclass(frozen=True)
class Value:
    """A value and the department that gave it."""

    value: str
    source: str
    observed_on: date | None
    reason: str
    record_id: str | None
    """Only for who may see record numbers of that department."""


@dataclass(frozen=True)
class Line:
    """One golden field. ``winner`` is None where the viewer does not see where values come from."""

    field: str
    value: str | None
    winner: Value | None
    agreeing: tuple[Value, ...]
    losing: tuple[Value, ...]


@dataclass(frozen=True)
class Card:
    """One person as the viewer sees them. ``golden`` is the granted row itself."""

    golden: Row
    lines: tuple[Line, ...]
    records: tuple[Row, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.golden)


def person_row(desk: Desk, person_id: str) -> Row:
    """The granted row of a person. Raises NotThere when the viewer sees none."""
    rows = desk.look("persons", about=[person_id])
    if not rows or "person_id" not in rows[0]:
        raise NotThere
    return rows[0]


def card(desk: Desk, person_id: str) -> Card:
    """Everything the viewer may see of ``person_id``. Raises NotThere when that is nothing."""
    golden = person_row(desk, person_id)
    return Card(golden, tuple(_lines(desk, golden)), tuple(records(desk, person_id)))


def records(desk: Desk, person_id: str) -> list[Row]:
    """Department records behind a person: all for stewards, their own for departments."""
    view = desk.view_or_none("crosswalk")
    if view is None:
        return []
    own = "true" if view.everything else "source = $own"
    bound = {} if view.everything else {"own": desk.who.department}
    rows = view.rows(desk.register.con, own, "ORDER BY source, record_id", about=[person_id], **bound)
    desk.saw("crosswalk", rows, view)
    return rows


def _lines(desk: Desk, golden: Row) -> list[Line]:
    candidates = _candidates(desk, str(golden["person_id"]))
    lines = []
    for name in (*FIELDS, *FURTHER):
        if name not in golden:
            continue
        given = candidates.get(name, [])
        won = next((value for value, is_won in given if is_won), None)
        lines.append(
            Line(
                field=name,
                value=text_of(desk, name, golden[name]),
                winner=won,
                agreeing=tuple(value for value, is_won in given if not is_won and value.reason == "same_as_winner"),
                losing=tuple(value for value, is_won in given if not is_won and value.reason != "same_as_winner"),
            )
        )
    return [line for line in lines if line.value is not None or line.losing]


def _candidates(desk: Desk, person_id: str) -> dict[str, list[tuple[Value, bool]]]:
    view = desk.view_or_none("values")
    if view is None or not {"field", "value", "source", "observed_on", "won", "reason"} <= set(view.columns):
        return {}
    rows = view.rows(
        desk.register.con,
        tail="ORDER BY field, won DESC, observed_on DESC NULLS LAST, source, record_id, value",
        about=[person_id],
    )
    desk.saw("values", rows, view)
    found: dict[str, list[tuple[Value, bool]]] = {}
    for name, together in groupby(rows, key=lambda row: str(row["field"])):
        found[name] = [
            (
                Value(
                    text_of(desk, name, row["value"]) or "",
                    row["source"],
                    row["observed_on"],
                    row["reason"],
                    row.get("record_id"),
                ),
                row["won"],
            )
            for row in together
        ]
    return found


def text_of(desk: Desk, field: str, value: object) -> str | None:
    """A value as people read it: codes by their name, dates without their precision."""
    if value is None or value == "":
        return None
    text = decoded(field, str(value), english=desk.language == "en")
    if field == "birth_date":
        return text.removesuffix(" day").replace(" month", "").replace(" year", "")
    if field == "tenure":
        language: Language = "en" if desk.language == "en" else "zh"
        return tenure_in_words(speaker(language), text)
    return text


def confidence_in_words(value: float) -> tuple[str, str]:
    """How sure it is that all records are of this one person."""
    if value >= 0.99:
        return "很可靠：各记录几乎可以肯定是同一人", "Very reliable: the records are almost certainly of one person"
    if value >= 0.9:
        return "较可靠：极少可能混入他人的记录", "Reliable: hardly a chance that a record is somebody else's"
    return "需留意：其中可能有他人的记录", "Take care: a record may be somebody else's"


DAYS_A_MONTH, DAYS_A_YEAR, MANY_MONTHS = 30.44, 365.25, 24


def age_in_words(desk: Desk, day: date) -> str:
    """How old a value was on the night of the release."""
    days = (date.fromisoformat(desk.register.manifest["night"]) - day).days
    months, years = round(days / DAYS_A_MONTH), round(days / DAYS_A_YEAR)
    if days <= 0:
        return str(desk.t("当日", "the same day"))
    if months < 2:
        return str(desk.t(f"{days} 天前", f"{days} day(s) ago"))
    if months < MANY_MONTHS:
        return str(desk.t(f"{months} 个月前", f"{months} months ago"))
    return str(desk.t(f"{years} 年前", f"{years} years ago"))
