"""CSV for spreadsheets: no cell is run as a formula (OWASP: CSV injection)."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

FORMULA_SIGNS = frozenset("=+-@＝＋－＠﹦﹢﹣﹫")
PASSED_OVER = ("Z", "Cf", "Cc")


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV with a byte-order mark, by which Excel knows UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([safe_cell("" if cell is None else str(cell)) for cell in row])
    return "\ufeff" + out.getvalue()


def safe_cell(text: str) -> str:
    """The text, with an apostrophe in front of what a spreadsheet would run; it passes over blanks and invisible characters first."""
    if text[:1] in ("\t", "\r", "\n"):
        return "'" + text
    first = next((c for c in text if not unicodedata.category(c).startswith(PASSED_OVER)), "")
    return "'" + text if first in FORMULA_SIGNS else text
