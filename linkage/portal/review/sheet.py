"""The records of a case side by side: a column for each record, a row for each field, and how each differs from the record of reference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from linkage.kernel.contracts import contract
from linkage.portal.desk import Desk
from linkage.portal.review.differences import Said, differ
from linkage.portal.review.lookups import among, of_records

Row = dict[str, Any]
GRADES = {
    "A": ("校验通过", "good"), "B": ("校验通过，区划不明", "good, unknown area code"), "C": ("与本人性别或日期不符", "disagrees with own sex or date"),
    "D": ("15 位", "15 digits"), "E": ("残缺", "partial"), "F": ("校验位不符", "check digit fails"), "X": ("占位号码", "placeholder"),
}  # fmt: skip
STATUSES = {
    "alive": ("在世", "alive"), "deceased": ("死亡", "deceased"), "moved_out": ("迁出", "moved out"), "moved_away": ("迁出", "moved away"),
    "cancelled": ("注销", "cancelled"),
    "present_with_hukou": ("人户一致", "lives where registered"), "present_without_hukou": ("有人无户", "lives here, registered elsewhere"),
    "hukou_without_presence": ("有户无人", "registered here, lives elsewhere"),
}  # fmt: skip
FIELDS = (
    "full_name", "former_name", "identity_number", "sex", "birth_date", "phones", "residence_address", "hukou_address", "household_number",
    "relation_to_head", "head_name", "ethnicity", "marital_status", "person_status", "presence", "started_on", "ended_on", "event_kind", "remark",
    "observed_on",
)  # fmt: skip
PLACE_KEYS = ("dwelling_key", "building_key", "estate", "community", "street")
READ = frozenset(FIELDS) | {
    "record_key", "identity_grade", "identity_partial", "identity_number_raw", "birth_date_precision", "birth_date_lunar", "name_key", "name_sound",
    "surname", "former_name_key", *(f"{side}_{key}" for side in ("residence", "hukou") for key in PLACE_KEYS),
}  # fmt: skip
"""Columns that the page shows or compares."""
NEVER_COMPARED = frozenset(("observed_on", "remark", "started_on", "ended_on", "event_kind", "relation_to_head"))
"""Fields that may well differ between two records of one person."""
REFERENCE: Said = ("reference", "基准", "compared with this")


@dataclass(frozen=True)
class Column:
    """One record: its letter on the page, whose it is, and whether the case itself names it."""

    letter: str
    key: str
    source: str
    feed: str
    record_id: str
    person_id: str
    is_asked: bool


@dataclass(frozen=True)
class Cell:
    """A value as shown, a note on it, and how it differs from the record of reference."""

    text: str
    note: tuple[str, str] = ("", "")
    said: Said | None = None


@dataclass(frozen=True)
class Sheet:
    """All of it; ``rows`` are (field, cells in the order of the columns)."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    reference: str
    person_of: dict[str, str] = field(default_factory=dict)

    def letter(self, key: str) -> str:
        """How the page names a record: by its column, or by its key where it has none."""
        return next((column.letter for column in self.columns if column.key == key), key)


def read_sheet(desk: Desk, asked: Sequence[str], *, whole_persons: bool) -> Sheet:
    """The records ``asked``, with ``whole_persons`` also all others of their persons, as the viewer may see them; put on record."""
    known, bound = of_records(asked)
    links = desk.look("crosswalk", known, **bound)
    persons = sorted({row["person_id"] for row in links})
    if whole_persons:
        theirs, bound = among("person_id", persons, "person")
        links = desk.look("crosswalk", theirs, **bound)
    else:
        # Two records of the quality sample: whose they are would tell what the machine decided.
        links = [row | {"person_id": ""} for row in links]
    by_key = {f"{row['source']}:{row['record_id']}": row for row in links}
    named, bound = among("record_key", list(by_key), "key")
    granted = desk.view("common_records")
    columns_read = {name: mask for name, mask in granted.columns.items() if name in READ}
    view = replace(granted, columns=columns_read, relation=desk.register.holding("common_records", by_key))
    rows_read = view.rows(desk.register.con, named, **bound)
    desk.saw("common_records", rows_read, view)
    values = {row["record_key"]: row for row in rows_read}
    first = {row["person_id"]: min((asked.index(k) for k, r in by_key.items() if r["person_id"] == row["person_id"] and k in asked), default=99) for row in links}  # fmt: skip
    ordered = sorted(
        (key for key in by_key if key in values),
        key=lambda k: (first[by_key[k]["person_id"]], by_key[k]["person_id"], by_key[k]["source"], k),
    )
    if not ordered:
        return Sheet((), (), "")
    columns = tuple(
        Column(
            _letter(n),
            k,
            by_key[k]["source"],
            by_key[k]["feed"],
            by_key[k]["record_id"],
            by_key[k]["person_id"],
            k in asked,
        )
        for n, k in enumerate(ordered)
    )
    reference = next((key for key in asked if key in values), ordered[0])
    asked_first = [values[k] for k in [*(k for k in asked if k in values), *(k for k in ordered if k not in asked)]]
    rows = tuple((name, _cells(name, [values[k] for k in ordered], asked_first)) for name in FIELDS)
    shown = tuple((name, cells) for name, cells in rows if any(cell.text for cell in cells))
    return Sheet(columns, shown, reference, {k: by_key[k]["person_id"] for k in ordered})


def _cells(name: str, records: Sequence[Row], asked_first: Sequence[Row]) -> tuple[Cell, ...]:
    """One row. Each value is compared with that of the first record asked about that has one."""
    show = SHOWN.get(name, _text(name))
    reference = next((row for row in asked_first if show(row)[0]), None)
    compared = reference is not None and name not in NEVER_COMPARED and sum(bool(show(row)[0]) for row in records) > 1

    def cell(row: Row) -> Cell:
        text, note = show(row)
        if not compared or not text or reference is None:
            return Cell(text, note)
        return Cell(text, note, REFERENCE if row is reference else differ(name, reference, row))

    return tuple(cell(row) for row in records)


def _text(name: str) -> Callable[[Row], tuple[str, tuple[str, str]]]:
    def show(row: Row) -> tuple[str, tuple[str, str]]:
        value = row.get(name)
        return ("" if value is None else str(value)), ("", "")

    return show


def _number(row: Row) -> tuple[str, tuple[str, str]]:
    text = row.get("identity_number") or row.get("identity_number_raw") or row.get("identity_partial") or ""
    grade = row.get("identity_grade")
    zh, en = GRADES.get(str(grade), ("", ""))
    return str(text), (f"{grade} {zh}", f"{grade} {en}") if grade and text else ("", "")


def _birth(row: Row) -> tuple[str, tuple[str, str]]:
    value, precision = row.get("birth_date"), row.get("birth_date_precision")
    if value is None or precision is None:
        return "", ("", "")
    if precision == "day":
        return f"{value:%Y-%m-%d}", ("", "")
    return (
        f"{value:%Y-%m}" if precision == "month" else f"{value:%Y}",
        ("只到月", "month only") if precision == "month" else ("只到年", "year only"),
    )


def _phones(row: Row) -> tuple[str, tuple[str, str]]:
    return " ".join(row.get("phones") or ()), ("", "")


def _status(name: str) -> Callable[[Row], tuple[str, tuple[str, str]]]:
    def show(row: Row) -> tuple[str, tuple[str, str]]:
        code = row.get(name)
        return "" if code is None else str(code), STATUSES.get(str(code), ("", ""))

    return show


SHOWN: dict[str, Callable[[Row], tuple[str, tuple[str, str]]]] = {
    "identity_number": _number,
    "birth_date": _birth,
    "phones": _phones,
    "person_status": _status("person_status"),
    "presence": _status("presence"),
}
SPOKEN = frozenset(("person_status", "presence"))
"""Fields whose codes are told in words alone."""


def title_of(name: str) -> tuple[str, str]:
    """A field's name in both languages."""
    found = next((f for f in contract("common_records").fields if f.name == name), None)
    return (found.zh if found else name), name.replace("_", " ")


def _letter(number: int) -> str:
    """A, B, ..., Z, AA, AB, ..."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


__all__ = ["Cell", "Column", "Sheet", "read_sheet", "title_of"]
