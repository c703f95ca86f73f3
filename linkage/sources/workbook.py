"""Excel workbooks (.xlsx and .xls) as tables of text.

python-calamine reads the cells (it does not believe a wrong ``<dimension>``); rows are counted again from the raw XML,
or by xlrd for the old format. A number has at most 15 significant digits in a workbook, so cells that hold numbers are named.
"""

import io
import re
import zipfile
from datetime import date, datetime, time
from typing import Any

import xlrd
from python_calamine import CalamineWorkbook

from linkage.sources.table import Cell, RawTable, Row, RowCounter
from linkage.sources.text import HEADER_SEARCH_ROWS

# Programs differ in the namespace prefix of SpreadsheetML (<row>, <x:row>) and in what they leave out.
ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?row>)", re.DOTALL)
ROW_NUMBER = re.compile(rb"\br=\"(\d+)\"")
CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?<!/)>(.*?)</(?:\w+:)?c>", re.DOTALL)
SHARED_CELL = re.compile(rb"\bt=\"s\"")
VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*>([^<]*)")
FILLED_CELL = re.compile(rb"<(?:\w+:)?[vt](?:\s[^>]*)?>[^<]")
SHARED_STRING = re.compile(rb"<(?:\w+:)?si\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?si>)", re.DOTALL)


def read_workbook(data: bytes, label: str) -> list[RawTable]:
    """One table per sheet, labelled ``<label>#<sheet>``."""
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    old_format = data[:4] == b"\xd0\xcf\x11\xe0"
    tables = []
    for position, name in enumerate(workbook.sheet_names):
        grid = workbook.get_sheet_by_index(position).to_python(skip_empty_area=False)
        rows = [row for number, cells in enumerate(grid, start=1) if (row := _row(number, cells)) is not None]
        counter: RowCounter = OldSheetCounter(data, position) if old_format else SheetCounter(data, position)
        tables.append(
            RawTable(f"{label}#{name}", "xls" if old_format else "xlsx", rows[:HEADER_SEARCH_ROWS], iter(rows), counter)
        )
    return tables


def _row(number: int, cells: list[Any]) -> Row | None:
    """A row of text, or None if every cell is empty."""
    texts = [cell_text(value) for value in cells]
    if not any(texts):
        return None
    numeric = tuple(
        i for i, value in enumerate(cells) if isinstance(value, int | float | date) and not isinstance(value, bool)
    )
    return Row(number, texts, numeric)


def cell_text(value: Any) -> Cell:
    """A cell as text: whole numbers as plain digits, dates in ISO form."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


class SheetCounter(RowCounter):
    """Counts rows with a filled cell in the sheet's own XML, whatever its namespace prefix."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    def __call__(self, header_row: int) -> int:
        with zipfile.ZipFile(io.BytesIO(self._data)) as archive:
            xml = archive.read(self._sheet_member(archive))
            nothing = _empty_strings(archive)
        count = number = 0
        for row in ROW.finditer(xml):
            said = ROW_NUMBER.search(row[1])
            number = int(said[1]) if said else number + 1  # rows need not say their number
            count += number > header_row and _is_filled(row[2] or b"", nothing)
        return count

    def _sheet_member(self, archive: zipfile.ZipFile) -> str:
        """Sheets stand in workbook.xml in tab order; its relations say which file each is."""
        book = archive.read("xl/workbook.xml").decode()
        relations = archive.read("xl/_rels/workbook.xml.rels").decode()
        ids = re.findall(r"<(?:\w+:)?sheet\b[^>]*?\b\w+:id=\"([^\"]+)\"", book)
        target = next(
            tag
            for tag in re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", relations)
            if f'Id="{ids[self._position]}"' in tag
        )
        path = re.search(r"Target=\"([^\"]+)\"", target)
        assert path is not None
        return path[1].removeprefix("/") if path[1].startswith("/") else f"xl/{path[1]}"


def _empty_strings(archive: zipfile.ZipFile) -> frozenset[bytes]:
    """Numbers of the shared strings that hold no text: a cell that refers to one looks filled and is empty."""
    names = [name for name in archive.namelist() if name.lower() == "xl/sharedstrings.xml"]
    items = SHARED_STRING.findall(archive.read(names[0])) if names else []
    return frozenset(str(i).encode() for i, item in enumerate(items) if not FILLED_CELL.search(item))


def _is_filled(cells: bytes, nothing: frozenset[bytes]) -> bool:
    if not nothing:
        return bool(FILLED_CELL.search(cells))
    return any(
        bool(FILLED_CELL.search(cell[2])) and not (SHARED_CELL.search(cell[1]) and _value(cell[2]) in nothing)
        for cell in CELL.finditer(cells)
    )


def _value(cell: bytes) -> bytes:
    found = VALUE.search(cell)
    return found[1].strip() if found else b""


class OldSheetCounter(RowCounter):
    """Counts rows of a BIFF sheet with xlrd."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    def __call__(self, header_row: int) -> int:
        sheet = xlrd.open_workbook(file_contents=self._data).sheet_by_index(self._position)
        return sum(any(str(v) for v in sheet.row_values(r)) for r in range(header_row, sheet.nrows))
