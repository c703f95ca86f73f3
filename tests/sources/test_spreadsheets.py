"""Workbooks as programs other than Excel write them, and numbers that a number cell or column could not hold."""

import io
import re
import sqlite3
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import dbf
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linkage.kernel.errors import ConfigurationError
from tests.sources.nights import Nights

NIGHT = date(2026, 3, 2)
NUMBER = "330106198503121234"
ROWS = [["1", "张伟", NUMBER], ["2", "李强", "110105199003070000"], ["3", "王芳", None]]
CONFIG: dict[str, Any] = {
    "source": "civil",
    "title": {"zh": "民政", "en": "Civil affairs"},
    "owner": "数据专管员",
    "description": "测试",
    "feeds": [
        {
            "feed": "people",
            "title": {"zh": "人员", "en": "people"},
            "description": "一行一人",
            "files": ["civil/*"],
            "columns": [
                {"column": "ID", "field": "record_id"},
                {"column": "NAME", "field": "full_name"},
                {"column": "IDNO", "field": "identity_number"},
            ],
        }
    ],
}
HEADER = [column["column"] for column in CONFIG["feeds"][0]["columns"]]
Edit = Callable[[str], str]


STRINGS = "xl/sharedStrings.xml"
STRINGS_RELATION = (
    '<Relationship Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" '
    'Target="sharedStrings.xml" Id="rId9" /></Relationships>'
)
INLINE = re.compile(r't="inlineStr"><is><t>([^<]*)</t></is>')


def workbook(sheet: Edit = str, strings: Edit = str, relations: Edit = str, *, empty_strings: int = 0) -> bytes:
    """A workbook with a title, a header and ROWS, with its XML edited; texts are shared strings, some of them empty."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["名册"], HEADER, *ROWS):
        book.active.append(row)
    plain = io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as old:
        parts = {name: old.read(name).decode() for name in old.namelist()}
    main, links = "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"
    texts = INLINE.findall(parts[main]) + [""] * empty_strings
    order = iter(range(len(texts)))
    parts[main] = sheet(INLINE.sub(lambda _: f't="s"><v>{next(order)}</v>', parts[main]))
    items = "".join(f"<si><t>{text}</t></si>" for text in texts)
    parts[STRINGS] = strings(f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{items}</sst>')
    parts[links] = relations(parts[links].replace("</Relationships>", STRINGS_RELATION))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name, text in parts.items():
            new.writestr(name, text)
    return out.getvalue()


def prefixed(xml: str) -> str:
    return re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", xml).replace(' xmlns="', ' xmlns:x="')


def without_positions(xml: str) -> str:
    return re.sub(r'(<(?:row|c)\b[^>]*?) r="\w+"', r"\1", xml)


def with_rows(*rows: str) -> Edit:
    return lambda xml: xml.replace("</sheetData>", "".join(rows) + "</sheetData>")


TEXTS = 1 + len(HEADER) + sum(cell is not None for row in ROWS for cell in row)
EMPTY_SHARED = f'<row r="90"><c r="A90" t="s"><v>{TEXTS}</v></c><c r="B90" t="s"><v>{TEXTS}</v></c></row>'
BLANK_FORMULA = '<row r="91"><c r="A91" t="str"><f>""</f><v></v></c></row><row r="92"/>'


WORKBOOKS: list[tuple[str, bytes]] = [
    ("as openpyxl writes it", workbook()),
    ("with a namespace prefix", workbook(prefixed, prefixed, prefixed)),
    ("rows and cells without their positions", workbook(without_positions)),
    ("trailing rows of empty shared strings", workbook(with_rows(EMPTY_SHARED), empty_strings=1)),
    ("a prefix and empty shared strings", workbook(lambda xml: prefixed(with_rows(EMPTY_SHARED)(xml)), prefixed, empty_strings=1)),
    ("rows that look filled and are not", workbook(with_rows(BLANK_FORMULA))),
]  # fmt: skip


@pytest.mark.parametrize(("case", "data"), WORKBOOKS, ids=[w[0] for w in WORKBOOKS])
def test_the_rows_of_any_workbook_are_counted_right(tmp_path: Path, case: str, data: bytes) -> None:
    nights = Nights(tmp_path, CONFIG)
    run = nights.night(NIGHT, {"civil/a.xlsx": data})
    (account,) = nights.rows(run, "file_accounting")
    assert (account["counted_rows"], account["accepted_rows"]) == (3, 3)
    assert not nights.kinds(run)


# numbers in number columns


def parquet(kind: pa.DataType) -> bytes:
    numbers = [int(row[2]) if row[2] else None for row in ROWS]
    columns: list[Any] = [[row[0] for row in ROWS], [row[1] for row in ROWS]]
    typed = (
        pa.array([None if n is None else float(n) for n in numbers], kind)
        if pa.types.is_floating(kind)
        else pa.array(numbers, kind)
    )
    out = io.BytesIO()
    pq.write_table(pa.table([*columns, typed], names=HEADER), out)
    return out.getvalue()


def dbase(tmp_path: Path, number_field: str) -> bytes:
    path = tmp_path / "people.dbf"
    table = dbf.Table(str(path), f"ID C(10); NAME C(20); IDNO {number_field}", codepage="cp936")
    table.open(dbf.READ_WRITE)
    for row in ROWS[:2]:
        table.append((row[0], row[1], int(row[2] or 0) if number_field.startswith("N") else row[2]))
    table.close()
    return path.read_bytes()


COLUMNS: list[tuple[str, str, Callable[[Path], bytes], bool]] = [
    ("Parquet double", "a.parquet", lambda _: parquet(pa.float64()), True),
    ("Parquet whole numbers are exact", "a.parquet", lambda _: parquet(pa.int64()), False),
    ("dBase number", "a.dbf", lambda folder: dbase(folder, "N(18,0)"), True),
    ("dBase text", "a.dbf", lambda folder: dbase(folder, "C(18)"), False),
]


@pytest.mark.parametrize(("case", "name", "make", "numeric"), COLUMNS, ids=[c[0] for c in COLUMNS])
def test_a_number_column_is_named(
    tmp_path: Path, case: str, name: str, make: Callable[[Path], bytes], numeric: bool
) -> None:
    nights = Nights(tmp_path, CONFIG)
    run = nights.night(NIGHT, {f"civil/{name}": make(tmp_path)})
    row = nights.rows(run, "raw_records")[0]
    assert len(row["identity_number"]) == 18
    assert (row["numeric_cells"] == ["identity_number"]) == numeric


def view(tmp_path: Path, column_type: str, monkeypatch: pytest.MonkeyPatch) -> Nights:
    with sqlite3.connect(tmp_path / "office.sqlite") as database:
        database.execute(f"CREATE TABLE people (ID TEXT, NAME TEXT, IDNO {column_type})")
        database.executemany("INSERT INTO people VALUES (?, ?, ?)", ROWS)
    monkeypatch.setenv("OFFICE_URL", f"sqlite:///{tmp_path}/office.sqlite")
    return Nights(tmp_path, from_database())


def from_database() -> dict[str, Any]:
    source = {"url_env": "OFFICE_URL", "query": "SELECT * FROM people ORDER BY ID"}
    return CONFIG | {"feeds": [CONFIG["feeds"][0] | {"files": [], "database": source}]}


@pytest.mark.parametrize(("column_type", "numeric"), [("REAL", True), ("INTEGER", False), ("TEXT", False)])
def test_a_number_column_of_a_database_is_named(
    tmp_path: Path, column_type: str, numeric: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = view(tmp_path, column_type, monkeypatch)
    row = nights.rows(nights.night(NIGHT, {"civil/nothing": b""}), "raw_records")[0]
    assert (row["numeric_cells"] == ["identity_number"]) == numeric
    assert (row["identity_number"] == NUMBER) == (not numeric)


@pytest.mark.parametrize(
    ("url", "said"),
    [("mysql+pymysql_absent://x@y/z", "no SQLAlchemy URL"), ("oracle+oracledb://u:secret@h/s", "oracledb"), ("nonsense", "no SQLAlchemy URL")],
)  # fmt: skip
def test_a_database_that_cannot_be_spoken_to_is_a_matter_of_configuration(
    tmp_path: Path, url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFICE_URL", url)
    with pytest.raises(ConfigurationError, match=said) as raised:
        Nights(tmp_path, from_database()).land(NIGHT, {})
    assert "secret" not in str(raised.value) and raised.value.remedy
