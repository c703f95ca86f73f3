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

ROW = re.compile(rb"<row\b[^>]*?\br=\"(\d+)\"[^>]*?(?:/>|>(.*?)</row>)", re.DOTALL)
FILLED_CELL = re.compile(rb"<(?:v|t)\b[^>]*>[^<]")


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
    """Counts rows with a filled cell in the sheet's own XML."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    def __call__(self, header_row: int) -> int:
        with zipfile.ZipFile(io.BytesIO(self._data)) as archive:
            xml = archive.read(self._sheet_member(archive))
        return sum(int(row[1]) > header_row and bool(FILLED_CELL.search(row[2] or b"")) for row in ROW.finditer(xml))

    def _sheet_member(self, archive: zipfile.ZipFile) -> str:
        """Sheets stand in workbook.xml in tab order; its relations say which file each is."""
        book = archive.read("xl/workbook.xml").decode()
        relations = archive.read("xl/_rels/workbook.xml.rels").decode()
        ids = re.findall(r"<(?:\w+:)?sheet\b[^>]*?\br:id=\"([^\"]+)\"", book)
        target = next(
            tag for tag in re.findall(r"<Relationship\b[^>]*>", relations) if f'Id="{ids[self._position]}"' in tag
        )
        path = re.search(r"Target=\"([^\"]+)\"", target)
        assert path is not None
        return path[1].removeprefix("/") if path[1].startswith("/") else f"xl/{path[1]}"


class OldSheetCounter(RowCounter):
    """Counts rows of a BIFF sheet with xlrd."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    def __call__(self, header_row: int) -> int:
        sheet = xlrd.open_workbook(file_contents=self._data).sheet_by_index(self._position)
        return sum(any(str(v) for v in sheet.row_values(r)) for r in range(header_row, sheet.nrows))
