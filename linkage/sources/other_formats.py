"""The less frequent formats: dBase, Parquet, and HTML tables that call themselves .xls."""

import io
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from dbfread import DBF

from linkage.sources.table import Cell, RawTable, Row, RowCounter
from linkage.sources.text import HEADER_SEARCH_ROWS, decode
from linkage.sources.workbook import cell_text

DBASE_NUMBERS = frozenset("NFBY")  # number, float, double, currency; I is a whole number of nine digits


class FixedCount(RowCounter):
    """A count that the format itself declares in its header or footer."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __call__(self, header_row: int) -> int:
        return self._rows


def read_dbf(data: bytes, label: str) -> RawTable:
    """A dBase table in GBK; the header row is row 0, records are numbered from 1.

    The programs that write it calculate with 15 digits, so its number columns are named like a spreadsheet's.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.dbf"
        path.write_bytes(data)
        table = DBF(str(path), encoding="gb18030", char_decode_errors="replace", raw=False)
        header = Row(0, [str(name) for name in table.field_names])
        numbers = tuple(i for i, field in enumerate(table.fields) if field.type in DBASE_NUMBERS)
        rows = [Row(i, [_dbf_text(v) for v in r.values()], numbers) for i, r in enumerate(table, start=1)]
        deleted = sum(1 for _ in table.deleted)
    declared = int.from_bytes(data[4:8], "little") - deleted
    return RawTable(label, "dbf", [header], iter([header, *rows]), FixedCount(declared))


def _dbf_text(value: object) -> Cell:
    text = cell_text(value)
    return text.rstrip() or None if text else None


def read_parquet(data: bytes, label: str) -> RawTable:
    """A Parquet file, every column as text; the header row is row 0.

    Floating point columns hold 15 digits and are named; whole numbers and decimals are exact.
    """
    file = pq.ParquetFile(io.BytesIO(data))
    table = file.read()
    header = Row(0, list(table.column_names))
    columns = [[cell_text(v) for v in table[name].to_pylist()] for name in table.column_names]
    floats = tuple(i for i, field in enumerate(table.schema) if pa.types.is_floating(field.type))
    rows = [Row(i, list(cells), floats) for i, cells in enumerate(zip(*columns, strict=True), start=1)]
    return RawTable(label, "parquet", [header], iter([header, *rows]), FixedCount(file.metadata.num_rows))


def read_html(data: bytes, label: str) -> RawTable:
    """The rows of all tables in an HTML page (what some systems call .xls)."""
    text, encoding, undecodable = decode(data)
    parser = _TableParser()
    parser.feed(text)
    rows = [Row(i, cells) for i, cells in enumerate(parser.rows, start=1) if any(cells)]
    counter = _TagCounter(text)
    return RawTable(
        label, f"html {encoding}", rows[:HEADER_SEARCH_ROWS], iter(rows), counter, undecodable_rows=undecodable
    )


class _TagCounter(RowCounter):
    """Counts table rows by their closing tags that hold text."""

    def __init__(self, text: str) -> None:
        self._parts = text.lower().split("</tr")[:-1]

    def __call__(self, header_row: int) -> int:
        import re

        return sum(
            bool(re.sub(r"<[^>]*>|&nbsp;|\s", "", part[part.rfind("<tr") :])) for part in self._parts[header_row:]
        )


class _TableParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[Cell]] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None and self.rows:
            self.rows[-1].append("".join(self._cell).replace("\xa0", " ").strip() or None)
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)
