"""Finding the header row and mapping its columns to the common fields."""

import re
import unicodedata
from dataclasses import dataclass, field

from linkage.kernel.masking import mask_shape
from linkage.kernel.source_config import Column, Feed
from linkage.sources.table import Row

MINIMUM_MATCHES = 3
MAXIMUM_COLUMNS = 1000
MAXIMUM_HEADER_LENGTH = 80
SHOWN_HEADER_LENGTH = 30
LONG_NUMBER = re.compile(r"\d{11}")  # a phone number is the shortest number that names a person
NUMBER = re.compile(r"\d{5}")


@dataclass(frozen=True)
class Mapping:
    """How the columns of one table become common fields.

    ``positions`` are column positions from 0 by common field; ``extra`` are kept columns without a field.
    """

    header_row: int
    width: int
    names: tuple[str, ...]
    positions: dict[str, int]
    extra: dict[str, int]
    by_synonym: dict[str, str] = field(default_factory=dict)
    missing: tuple[Column, ...] = ()
    unknown: tuple[str, ...] = ()


def normalise_header(text: str | None) -> str:
    """A header cell without blanks, in half-width form and lower case."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text or "")).lower()


def find_mapping(rows: list[Row], feed: Feed) -> Mapping | None:
    """The row among ``rows`` that names most of the feed's columns, mapped; None if none names enough of them."""
    known = _known_headers(feed)
    best = max(filter(_is_plausible, rows), key=lambda row: (_matches(row, known), -row.row_number), default=None)
    if best is None or _matches(best, known) < min(MINIMUM_MATCHES, len(feed.columns)):
        return None
    names = tuple((cell or "").strip() for cell in best.cells)
    width = max((i + 1 for i, name in enumerate(names) if name), default=0)
    positions: dict[str, int] = {}
    extra: dict[str, int] = {}
    by_synonym: dict[str, str] = {}
    found: set[str] = set()
    unknown: list[str] = []
    for position, name in enumerate(names[:width]):
        column = known.get(normalise_header(name))
        if column is None or (isinstance(column, Column) and column.column in found):
            unknown.append(name)
        elif isinstance(column, Column):
            found.add(column.column)
            (positions if column.field else extra)[column.field or column.column] = position
            if normalise_header(name) != normalise_header(column.column):
                by_synonym[column.column] = name
    missing = tuple(c for c in feed.columns if c.column not in found)
    return Mapping(best.row_number, width, names[:width], positions, extra, by_synonym, missing, tuple(unknown))


def _is_plausible(row: Row) -> bool:
    """A header is short words. A row with long texts or numbers of people is none, and must never be shown as one."""
    return len(row.cells) <= MAXIMUM_COLUMNS and not any(
        cell and (len(cell) > MAXIMUM_HEADER_LENGTH or LONG_NUMBER.search(cell)) for cell in row.cells
    )


def shown_header(name: str) -> str:
    """An unknown column's name for signals and reports: as it is if it can only be a name, else its shape."""
    return name if len(name) <= SHOWN_HEADER_LENGTH and not NUMBER.search(name) else mask_shape(name)[:40]


def _known_headers(feed: Feed) -> dict[str, Column | str]:
    """Normalised header -> the column it is, or the name of a column that is deliberately ignored."""
    known: dict[str, Column | str] = {normalise_header(name): name for name in feed.ignored}
    for column in feed.columns:
        for name in (*column.synonyms, column.column):
            known[normalise_header(name)] = column
    return known


def _matches(row: Row, known: dict[str, Column | str]) -> int:
    return len({normalise_header(cell) for cell in row.cells if cell} & known.keys())
