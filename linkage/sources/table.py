"""What every reader gives: rows of text with their physical row numbers, and how many rows there are by another count."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

Cell = str | None


@dataclass(frozen=True)
class BadRow:
    """A physical row that cannot be read as a row; ``column`` is a position from 0, or None for the whole row."""

    row_number: int
    rule: str
    column: int | None = None
    shape: str = ""


@dataclass(frozen=True)
class Row:
    """One row: physical row number from 1, its cells, positions of cells that held a number or date, not text, and
    how many further lines of a text file it takes up."""

    row_number: int
    cells: list[Cell]
    numeric: tuple[int, ...] = ()
    more_lines: int = 0


@dataclass(frozen=True)
class DelimitedText:
    """A text cut into lines, without their line feeds; ``width`` is the number of cells that most lines have."""

    lines: list[str]
    delimiter: str
    width: int


@dataclass
class RawTable:
    """One table of one file. ``rows`` is read once; of delimited text there is also the ``text``, to be read faster.

    ``first_rows`` are the rows in which the header is looked for; ``count_rows_below(header_row)`` counts data rows
    (in text: lines) by a code path of its own, so that a parser that loses rows is found out.
    """

    label: str
    encoding: str
    first_rows: list[Row]
    rows: Iterator[Row | BadRow]
    count_rows_below: "RowCounter"
    undecodable_rows: int = 0
    text: DelimitedText | None = None


class RowCounter(ABC):
    """Counts the data rows below a header row; each format brings its own way of counting."""

    @abstractmethod
    def __call__(self, header_row: int) -> int:
        """Data rows below physical row ``header_row``."""
