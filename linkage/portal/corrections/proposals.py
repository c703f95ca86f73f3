"""How a field's right value is asked for, and when two writings of it are the same."""

import re
import unicodedata
from datetime import date

from linkage.explain.veil import CODE_TABLES
from linkage.kernel.reference import reference_rows

LONGEST = 200


def choices(field: str) -> tuple[tuple[str, str], ...]:
    """Codes with their names, for fields that have a code table; else none."""
    if field not in CODE_TABLES:
        return ()
    table, column = CODE_TABLES[field]
    return tuple((row[column], row["name"]) for row in reference_rows(table))


def normal(field: str, value: str | None) -> str | None:
    """``value`` as it is compared: full-width and half-width are the same, a date has no precision beside it."""
    if value is None:
        return None
    text = "".join(unicodedata.normalize("NFKC", value).split())
    if field == "birth_date":
        return re.sub(r"(day|month|year)$", "", text)
    return re.sub(r"[^0-9]", "", text) if field == "phone" else text.upper()


def is_acceptable(field: str, value: str) -> bool:
    """Whether ``value`` can be one of ``field`` at all: a code of its table, a date, a text that is not too long."""
    if codes := choices(field):
        return value in {code for code, _ in codes}
    if field == "birth_date":
        try:
            return date(1850, 1, 1) <= date.fromisoformat(value)
        except ValueError:
            return False
    return 0 < len(value) <= LONGEST
