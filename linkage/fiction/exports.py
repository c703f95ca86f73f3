"""Files as departments hand them over: encodings, line ends, title rows, notes, broken rows."""

import zlib
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import xlsxwriter

from linkage.fiction.dirt import Dirt
from linkage.fiction.places import STREETS
from linkage.fiction.records import DATE_COLUMNS, HEADERS, NUMBER_COLUMNS, Record

TITLES = {
    "civil_assist": ("社会救助对象.xlsx", "社会救助对象花名册（单位：区民政局  导出人：王某）"),
    "civil_marriage": ("婚姻登记信息.xlsx", "婚姻登记信息导出表（单位：区民政局  导出人：王某）"),
    "civil_elder": ("高龄补贴发放.xlsx", "高龄老人补贴发放花名册（单位：区民政局  导出人：王某）"),
}
NOTES = (
    "说明：1.本表数据仅供内部使用；2.如有疑问请联系区民政局社会事务科。",
    "制表人：        审核人：        负责人：",
)
MAXIMUM_SHEET_ROWS = 1_000_000


def write_night(folder: Path, night: date, records: Iterable[Record], dirt: Dirt) -> dict[str, int]:
    """Write all exports of one night; returns rows by file (junk and repeated rows included)."""
    tables: dict[str, list[Record]] = {table: [] for table in HEADERS}
    for record in records:
        tables[record.table].append(record)
    day = f"{night:%Y%m%d}"
    written: dict[str, int] = {}

    def text(table: str, path: str, rows: list[Record], encoding: str, line_end: str) -> None:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = [b",".join(_cell(name, encoding) for name in HEADERS[table])]
        lines.extend(line for record in rows for line in _lines(record, dirt, encoding))
        start = b"\xef\xbb\xbf" if encoding == "utf-8-sig" else b""
        target.write_bytes(start + line_end.encode().join(lines) + line_end.encode())
        written[path] = len(lines) - 1

    text("police_hukou", f"police/户籍常住人口_{day}.csv", tables["police_hukou"], "gb18030", "\r\n")
    text("police_floating", f"police/流动人口登记_{day}.csv", tables["police_floating"], "gb18030", "\r\n")
    text("health_archive", f"health/居民健康档案_{day}.csv", tables["health_archive"], "utf-8-sig", "\r\n")
    for number, street in enumerate(STREETS):
        rows = [r for r in tables["grid_visit"] if r.record_id[2:11] == street[0]]
        style = ("utf-8", "\n") if number % 2 == 0 else ("gb18030", "\r\n")
        if not rows:
            continue
        text("grid_visit", f"grid/网格采集_{street[0]}_{street[2]}.csv", rows, *style)
    for table, (name, title) in TITLES.items():
        for part, start in enumerate(range(0, max(len(tables[table]), 1), MAXIMUM_SHEET_ROWS)):
            path = f"civil/{name}" if part == 0 else f"civil/{name.replace('.xlsx', f'_{part + 1}.xlsx')}"
            rows = tables[table][start : start + MAXIMUM_SHEET_ROWS]
            written[path] = _write_workbook(folder / path, table, title, rows, dirt)
    return written


def _chance(record: Record, salt: str) -> float:
    """A number between 0 and 1 that a record keeps from night to night, so unchanged rows stay the same bytes."""
    return zlib.crc32(f"{record.record_id}{salt}".encode()) / 2**32


def _cell(text: str, encoding: str) -> bytes:
    if any(sign in text for sign in ',"\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text.encode("utf-8" if encoding.startswith("utf") else "gb18030")


def _lines(record: Record, dirt: Dirt, encoding: str) -> list[bytes]:
    """The record's row, perhaps repeated, broken in two, with junk bytes, or with a line feed inside quotes."""
    row = record.row
    longest = max(range(1, len(row)), key=lambda i: len(row[i]))
    if _chance(record, "newline") < dirt.newline_rows and len(row[longest]) > 6:
        row = [*row[:longest], row[longest][:5] + "\n" + row[longest][5:], *row[longest + 1 :]]
    line = b",".join(_cell(cell, encoding) for cell in row)
    draw = _chance(record, "damage")
    if draw < dirt.broken_rows:
        cut = line.find(b",", len(line) // 2) - 2
        return [line + b",,"] if _chance(record, "kind") < 0.5 else [line[:cut], line[cut:]]
    if draw < dirt.broken_rows + dirt.junk_rows:
        place = len(b",".join(_cell(cell, encoding) for cell in row[:longest])) + 1
        return [line[:place] + b"\xff\x00\x02" + line[place:]]
    return [line, line] if _chance(record, "again") < dirt.duplicate_rows else [line]


def _write_workbook(path: Path, table: str, title: str, records: list[Record], dirt: Dirt) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_numbers": False})
    book.set_properties({"created": datetime(2026, 1, 1)})
    sheet = book.add_worksheet("Sheet1")
    day_format = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_string(0, 0, title)
    sheet.write_row(1, 0, HEADERS[table])
    line = 2
    for record in records:
        for _ in range(2 if _chance(record, "again") < dirt.duplicate_rows else 1):
            for column, cell in enumerate(record.row):
                if not cell:
                    continue
                if (
                    column in NUMBER_COLUMNS[table]
                    and len(cell) == 18
                    and cell.isdigit()
                    and _chance(record, f"excel{column}") < dirt.number_excel
                ):
                    sheet.write_number(line, column, float(cell))
                elif column in DATE_COLUMNS.get(table, ()) and (day := _as_date(cell)) and _chance(record, "day") < 0.5:
                    sheet.write_datetime(line, column, datetime(day.year, day.month, day.day), day_format)
                else:
                    sheet.write_string(line, column, cell)
            line += 1
    sheet.write_string(line + 1, 0, "合计")
    sheet.write_number(line + 1, 3, line - 2)
    for offset, note in enumerate(NOTES, start=2):
        sheet.write_string(line + offset, 0, note)
    book.close()
    return line - 2


def _as_date(cell: str) -> date | None:
    parts = cell.replace("/", ".").split(".")
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day) if year > 1900 else None
    except ValueError:
        return None
