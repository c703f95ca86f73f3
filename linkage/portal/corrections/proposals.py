"""How a field's right value is asked for, and when two writings of it are the same."""

import re
import unicodedata
from datetime import date

from linkage.explain.phrases import sentences
from linkage.explain.veil import CODE_TABLES, english_name
from linkage.kernel.reference import reference_rows
from linkage.portal.desk import Desk
from linkage.portal.people.card import text_of

LONGEST = 200
STATUS, TENURE = "status", "tenure"
STATUSES = {"alive": ("在世", "alive"), "deceased": ("已故", "deceased"), "moved_away": ("已迁出", "moved away")}
HOUSEHOLDS = {
    "hukou_household": ("所在户籍户", "registered household"),
    "residence_household": ("所在居住户", "household of those living together"),
}
"""Of a household it is said that the person does not belong to it, never to which other: that follows from the records."""


def choices(field: str, *, english: bool = False) -> tuple[tuple[str, str], ...]:
    """Codes with their names, for fields that have a code table, for tenure and the status; else none."""
    if field == STATUS:
        return tuple((code, en if english else zh) for code, (zh, en) in STATUSES.items())
    if field == TENURE:
        return tuple((code, text["en" if english else "zh"]) for code, text in sentences()[TENURE].items())
    if field not in CODE_TABLES:
        return ()
    table, column = CODE_TABLES[field]
    return tuple((row[column], english_name(row) if english else row["name"]) for row in reference_rows(table))


def normal(field: str, value: str | None) -> str | None:
    """``value`` as it is compared: full-width and half-width are the same, a date has no precision beside it."""
    if value is None:
        return None
    text = "".join(unicodedata.normalize("NFKC", value).split())
    if field == "birth_date":
        return re.sub(r"(day|month|year)$", "", text)
    return re.sub(r"[^0-9]", "", text) if field == "phone" else text.upper()


def shown_value(desk: Desk, field: str, value: str) -> str:
    """``value`` for people, in the request's language: codes by their name, dates as the person's page has them."""
    shown = text_of(desk, field, value) if field == "birth_date" else None
    return shown or dict(choices(field, english=desk.language == "en")).get(value, value)


def is_acceptable(field: str, value: str) -> bool:
    """Whether ``value`` can be one of ``field`` at all: a code of its table, a date, a text that is not too long."""
    if field in HOUSEHOLDS:
        return False
    if codes := choices(field):
        return value in {code for code, _ in codes}
    if field == "birth_date":
        try:
            return date(1850, 1, 1) <= date.fromisoformat(value)
        except ValueError:
            return False
    return 0 < len(value) <= LONGEST
