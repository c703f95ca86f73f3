"""Sources: every format and kind of damage a department sends, and that no physical row is lost."""

import io
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dbf
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlwt
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError, UnreadableInput
from linkage.kernel.run import State, write_json
from linkage.kernel.source_config import SourceConfig
from linkage.sources import stage
from linkage.sources.check import check_file, render
from linkage.sources.landing import land, latest_landing
from linkage.sources.plain_lines import split_plain
from linkage.sources.readers import open_members, read_tables
from linkage.sources.table import BadRow, DelimitedText, Row
from linkage.sources.text import LineCounter, count_undecodable, parse_records
from tests.builders import NIGHT, stage_context

HEADER = ["编号", "姓名", "身份证号", "出生日期", "住址"]
ROWS = [
    ["A1", "张伟", "330106198503121234", "1985-03-12", "长乐一区1幢"],
    ["A2", "李䶮", "", "", "和睦府2幢"],
    ["A3", "王芳", "11010519491231002X", "1949-12-31", "桂花苑3幢"],
]
CONFIG: dict[str, Any] = {
    "source": "police",
    "title": {"zh": "公安", "en": "Police"},
    "owner": "数据专管员",
    "description": "测试",
    "feeds": [
        {
            "feed": "people",
            "title": {"zh": "人员", "en": "people"},
            "description": "一行一人",
            "files": ["police/people*"],
            "columns": [
                {"column": "编号", "field": "record_id", "required": True},
                {"column": "姓名", "field": "full_name", "required": True},
                {"column": "身份证号", "field": "identity_number", "synonyms": ["公民身份号码"]},
                {"column": "出生日期", "field": "birth_date"},
                {"column": "住址", "field": "residence_address"},
                {"column": "备用"},
            ],
            "ignored": ["操作员"],
        }
    ],
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def text(rows: list[list[str]], encoding: str = "utf-8", end: str = "\r\n", header: list[str] = HEADER) -> bytes:
    return end.join(",".join(row) for row in [header, *rows]).encode(encoding) + end.encode()


def workbook(*, title: bool = True, notes: bool = True) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    if title:
        sheet.append(["人员花名册（单位：某局）"])
    sheet.append(HEADER)
    for row in ROWS:
        sheet.append([cell or None for cell in row])
    sheet.cell(sheet.max_row, 3).value = 330106198503121234
    sheet.cell(sheet.max_row, 4).value = datetime(1949, 12, 31)
    if notes:
        sheet.append([])
        sheet.append(["合计", None, None, 3])
        sheet.append(["说明：1.内部使用"])
        sheet.append(["制表人：    审核人："])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def old_workbook() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for r, row in enumerate([["名册"], HEADER, *ROWS]):
        for c, cell in enumerate(row):
            sheet.write(r, c, cell)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def html() -> bytes:
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in [HEADER, *ROWS])
    return f"<html><body><table>{body}</table></body></html>".encode("gb18030")


def dbase(tmp_path: Path) -> bytes:
    path = tmp_path / "people.dbf"
    table = dbf.Table(str(path), "ID C(10); NAME C(20); IDNO C(18); DOB C(10); ADDR C(40)", codepage="cp936")
    table.open(dbf.READ_WRITE)
    for row in ROWS:
        table.append(tuple(cell.replace("䶮", "龙") for cell in row))
    table.close()
    return path.read_bytes()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({name: [row[i] or None for row in ROWS] for i, name in enumerate(HEADER)}), out)
    return out.getvalue()


def archive(name: bytes = "people_一.csv".encode("gb18030")) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(zipfile.ZipInfo("people.csv"), text(ROWS, "gb18030"))
    return out.getvalue()


def run(
    tmp_path: Path, engine: Engine, files: dict[str, bytes], config: dict[str, Any] = CONFIG, *, stale: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """Land the files and run the stage; returns its tables."""
    exports = tmp_path / "exports"
    for name, data in files.items():
        (exports / name).parent.mkdir(parents=True, exist_ok=True)
        (exports / name).write_bytes(data)
    folder = tmp_path / "config" / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "police.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    context = stage_context(tmp_path, engine, "sources")
    landed = land(exports, context.state, NIGHT, read_config(folder / "police.yaml", SourceConfig))
    entry = {
        "path": landed.path.relative_to(context.state.root).as_posix(),
        "night": NIGHT.isoformat(),
        "stale": stale,
        "sha256": landed.sha256,
    }
    write_json(context.run_dir / "run.json", {"landings": {"police": entry}})
    from dataclasses import replace

    stage.run(replace(context, config_dir=tmp_path / "config"))
    return {
        t: engine.rows(f"SELECT * FROM read_parquet('{context.output(t)}')")
        for t in ("raw_records", "file_accounting", "rejects", "signals")
    }


def kinds(tables: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    return {s["kind"]: s["severity"] for s in tables["signals"]}


FORMATS: list[tuple[str, str, Callable[[Path], bytes]]] = [
    ("UTF-8", "people.csv", lambda _: text(ROWS)),
    ("UTF-8 with a byte order mark", "people.csv", lambda _: text(ROWS, "utf-8-sig")),
    ("GB18030, LF", "people.csv", lambda _: text(ROWS, "gb18030", "\n")),
    ("tabs", "people.txt", lambda _: text(ROWS).replace(b",", b"\t")),
    ("xlsx with title and notes", "people.xlsx", lambda _: workbook()),
    ("xlsx called csv", "people.csv", lambda _: workbook()),
    ("xls", "people.xls", lambda _: old_workbook()),
    ("HTML called xls", "people.xls", lambda _: html()),
    ("tab text called xls", "people.xls", lambda _: text(ROWS, "gb18030").replace(b",", b"\t")),
    ("Parquet", "people.parquet", lambda _: parquet()),
    ("zip", "people.zip", lambda _: archive()),
]


@pytest.mark.parametrize(("case", "name", "make"), FORMATS, ids=[f[0] for f in FORMATS])
def test_every_format_gives_the_same_records(
    tmp_path: Path, engine: Engine, case: str, name: str, make: Callable[[Path], bytes]
) -> None:
    tables = run(tmp_path, engine, {f"police/{name}": make(tmp_path)})
    assert [(r["record_id"], r["full_name"], r["residence_address"]) for r in tables["raw_records"]] == [
        (r[0], r[1], r[4]) for r in ROWS
    ]
    (account,) = tables["file_accounting"]
    assert account["counted_rows"] == account["accepted_rows"] + account["rejected_rows"] + account["duplicate_rows"]
    assert account["accepted_rows"] == 3


def test_dbase_in_gbk(tmp_path: Path, engine: Engine) -> None:
    config = json.loads(json.dumps(CONFIG))
    for column, name in zip(config["feeds"][0]["columns"], ["ID", "NAME", "IDNO", "DOB", "ADDR"], strict=False):
        column["synonyms"] = [name]
    tables = run(tmp_path, engine, {"police/people.dbf": dbase(tmp_path)}, config)
    assert [r["full_name"] for r in tables["raw_records"]] == ["张伟", "李龙", "王芳"]
    assert "renamed_column" in kinds(tables)


def test_a_database_view(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(tmp_path / "office.sqlite") as database:
        database.execute("CREATE TABLE people (编号 TEXT, 姓名 TEXT)")
        database.executemany("INSERT INTO people VALUES (?, ?)", [(row[0], row[1]) for row in ROWS])
    config = json.loads(json.dumps(CONFIG))
    config["feeds"][0] |= {
        "files": [],
        "database": {"url_env": "OFFICE_URL", "query": "SELECT * FROM people"},
        "columns": CONFIG["feeds"][0]["columns"][:2],
    }
    (tmp_path / "exports").mkdir()
    with pytest.raises(ConfigurationError, match="OFFICE_URL"):
        run(tmp_path, engine, {}, config)
    monkeypatch.setenv("OFFICE_URL", f"sqlite:///{tmp_path}/office.sqlite")
    assert len(run(tmp_path, engine, {}, config)["raw_records"]) == 3


def test_numbers_that_went_through_excel_are_named(tmp_path: Path, engine: Engine) -> None:
    last = run(tmp_path, engine, {"police/people.xlsx": workbook()})["raw_records"][2]
    assert last["identity_number"].startswith("330106198503121") and len(last["identity_number"]) == 18
    assert last["birth_date"] == "1949-12-31"
    assert set(last["numeric_cells"]) == {"identity_number", "birth_date"}


DAMAGE: list[tuple[str, bytes, dict[str, int], int]] = [
    ("a cell too many", text([*ROWS, ["A4", "a", "b", "c", "d", "e"]]), {"cell_count": 1}, 3),
    (
        "a row cut in two is joined",
        text(ROWS) + "A4,赵六,,,长乐\n一区1幢\n".encode().replace(b"\n", b"\n", 1),
        {"joined_to_previous": 0, "cell_count": 1},
        4,
    ),
    ("no record number", text([*ROWS, ["", "赵六", "", "", ""]]), {"record_id_missing": 1}, 3),
    ("junk bytes", text(ROWS) + b"A4,\xff\x00\x02,,,x\r\n", {"unreadable_bytes": 1}, 3),
    (
        "a quote never closed spoils its own row only",
        text(ROWS) + 'A4,"赵,,,x\r\nA5,钱,,,y\r\n'.encode(),
        {"unclosed_quote": 1},
        4,
    ),
    ("a line break inside quotes belongs to the row", text(ROWS) + 'A4,赵,,,"长乐\n一区"\r\n'.encode(), {}, 4),
    ("blank lines are no rows", text(ROWS) + b"\r\n\r\n", {}, 3),
]


@pytest.mark.parametrize(("case", "data", "rules", "accepted"), DAMAGE, ids=[d[0] for d in DAMAGE])
def test_damaged_rows(
    tmp_path: Path, engine: Engine, case: str, data: bytes, rules: dict[str, int], accepted: int
) -> None:
    tables = run(tmp_path, engine, {"police/people.csv": data})
    found: dict[str, int] = {}
    for reject in tables["rejects"]:
        found[reject["rule"]] = found.get(reject["rule"], 0) + 1
        assert reject["remedy"] and reject["remedy_en"] and reject["row_number"] > 1
    assert found == {rule: n for rule, n in rules.items() if n}
    assert len(tables["raw_records"]) == accepted
    (account,) = tables["file_accounting"]
    assert account["counted_rows"] == account["accepted_rows"] + account["rejected_rows"] + account["duplicate_rows"]


def test_a_row_cut_by_a_line_break_is_put_together(tmp_path: Path, engine: Engine) -> None:
    data = text(ROWS) + "A4,赵六,,19\n90-01-01,长乐一区\r\n".encode()
    tables = run(tmp_path, engine, {"police/people.csv": data})
    assert tables["raw_records"][3]["birth_date"] == "1990-01-01"
    assert [r["rule"] for r in tables["rejects"]] == ["joined_to_previous"]


def test_repeated_record_numbers(tmp_path: Path, engine: Engine) -> None:
    again = ["A1", "张伟", "330106198503121234", "1985-03-12", "搬到别处"]
    tables = run(tmp_path, engine, {"police/people.csv": text([*ROWS, ROWS[2], again])})
    assert {r["record_id"]: r["residence_address"] for r in tables["raw_records"]}["A1"] == "搬到别处"
    assert tables["file_accounting"][0]["duplicate_rows"] == 2
    assert kinds(tables)["conflicting_duplicate"] == "info"


SIGNALS: list[tuple[str, dict[str, bytes], str, str]] = [
    ("a required column is gone", {"police/people.csv": text(ROWS).replace("姓名".encode(), "名字".encode())}, "missing_column", "stop"),
    ("an unknown column", {"police/people.csv": text([[*r, "x"] for r in ROWS], header=[*HEADER, "新列"])}, "new_column", "info"),
    ("a column under its synonym", {"police/people.csv": text(ROWS).replace("身份证号".encode(), "公民身份号码".encode())}, "renamed_column", "info"),
    ("an empty file", {"police/people.csv": b""}, "empty_file", "stop"),
    ("a header without rows", {"police/people.csv": text([])}, "empty_file", "stop"),
    ("a file nobody claims", {"police/people.csv": text(ROWS), "police/other.csv": b"x"}, "unclaimed_file", "warn"),
    ("no header at all", {"police/people.csv": text(ROWS[1:], header=ROWS[0])}, "no_header", "stop"),
    ("a broken workbook", {"police/people.xlsx": b"PK\x03\x04broken"}, "unreadable_member", "stop"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "files", "kind", "severity"), SIGNALS, ids=[s[0] for s in SIGNALS])
def test_signals(tmp_path: Path, engine: Engine, case: str, files: dict[str, bytes], kind: str, severity: str) -> None:
    tables = run(tmp_path, engine, files)
    assert kinds(tables).get(kind) == severity
    assert all(s["message"] and s["message_en"] for s in tables["signals"])


def test_an_ignored_column_is_no_signal_and_a_late_department_is(tmp_path: Path, engine: Engine) -> None:
    tables = run(
        tmp_path, engine, {"police/people.csv": text([[*r, "x"] for r in ROWS], header=[*HEADER, "操作员"])}, stale=True
    )
    assert "new_column" not in kinds(tables)
    assert kinds(tables)["late_source"] == "warn"


def test_fewer_rows_than_expected(tmp_path: Path, engine: Engine) -> None:
    config = json.loads(json.dumps(CONFIG))
    config["feeds"][0]["expected_rows"] = {"minimum": 10}
    assert kinds(run(tmp_path, engine, {"police/people.csv": text(ROWS)}, config))["row_count_out_of_range"] == "stop"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(alphabet='a,"\n\r\x00é张 \u3000', max_size=12), max_size=25), st.integers(1, 4))
def test_every_line_is_a_row_or_continues_one_whatever_the_dirt(lines: list[str], width: int) -> None:
    data = ("h1,h2\n" + "\n".join(lines)).encode()
    rows = list(parse_records(DelimitedText(data.decode().split("\n"), ",", width)))
    counted = sum(1 + getattr(row, "more_lines", 0) for row in rows if row.row_number > 1)
    assert LineCounter(data, b"\n")(1) == counted
    assert len({row.row_number for row in rows}) == len(rows)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text(alphabet='a1,"\r\x00\ufffd张合 \u3000', max_size=12), max_size=25),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_rows_split_all_at_once_are_the_rows_read_one_by_one(
    lines: list[str], width: int, usual: int, header_row: int
) -> None:
    text_of = DelimitedText(lines, ",", usual)
    blocks, others = split_plain(text_of, width, header_row, ("张",), ("合",))
    split: dict[int, list[str | None] | str] = {}
    for block in blocks:
        cells = [column.to_pylist() for column in block.columns]
        for place, number in enumerate(block.row_numbers.tolist()):
            split[number] = [column[place] for column in cells]
    plain = set(split)
    for row in others:
        assert row.row_number not in split
        split[row.row_number] = row.cells if isinstance(row, Row) else row.rule
    one_by_one = {row.row_number: row.rule if isinstance(row, BadRow) else row.cells for row in parse_records(text_of)}
    assert split == one_by_one
    assert not any(number <= header_row or str(split[number][0]).startswith(("合", "张,")) for number in plain)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.binary(max_size=6) | st.text(alphabet="张a", max_size=4).map(lambda t: t.encode("gb18030")), max_size=12
    )
)
def test_undecodable_lines_are_counted_as_if_each_stood_alone(lines: list[bytes]) -> None:
    data = b"\n".join(line.replace(b"\r", b"") for line in lines)
    for encoding in ("utf-8-sig", "gb18030"):
        alone = 0
        for line in data.split(b"\n"):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                alone += 1
        assert count_undecodable(data, encoding, 100) == alone
        assert count_undecodable(data, encoding, 2) == min(alone, 2)


# landing


def test_a_delivery_lands_once_and_the_newest_wins(tmp_path: Path) -> None:
    config, state = SourceConfig.model_validate(CONFIG), State(tmp_path / "state")
    file = tmp_path / "exports" / "police" / "people.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"one")
    first = land(tmp_path / "exports", state, NIGHT, config)
    assert land(tmp_path / "exports", state, NIGHT, config) == first
    file.write_bytes(b"two")
    second = land(tmp_path / "exports", state, NIGHT, config)
    assert latest_landing(state, NIGHT, "police") == second != first
    assert (first.path / "police" / "people.csv").read_bytes() == b"one"
    assert not (second.path / "police" / "people.csv").stat().st_mode & 0o222


def test_an_unfinished_landing_is_not_a_landing(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    left = state.landings / f"night={NIGHT}" / "police" / ".unfinished-1"
    left.mkdir(parents=True)
    (left / "landing.json").write_text("{}")
    assert latest_landing(state, NIGHT, "police") is None


def test_an_earlier_night_counts_when_tonight_is_missing(tmp_path: Path) -> None:
    config, state = SourceConfig.model_validate(CONFIG), State(tmp_path / "state")
    (tmp_path / "exports" / "police").mkdir(parents=True)
    (tmp_path / "exports" / "police" / "people.csv").write_bytes(text(ROWS))
    landed = land(tmp_path / "exports", state, NIGHT, config)
    assert latest_landing(state, date(2026, 3, 9), "police") == landed
    assert latest_landing(state, date(2026, 3, 1), "police") is None
    with pytest.raises(UnreadableInput, match="公安"):
        land(tmp_path / "nothing", state, NIGHT, config)


# the dry run


def test_check_says_what_maps_and_shows_shapes_only(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(text([[*r, "x"] for r in ROWS], header=[*HEADER, "新列"]))
    report = check_file(SourceConfig.model_validate(CONFIG), file)
    (table,) = report.tables
    assert (table.accepted, table.counted, dict(table.rejects)) == (3, 3, {})
    from rich.console import Console

    console = Console(record=True, width=160, file=io.StringIO())
    console.print(render(report))
    shown = console.export_text()
    assert "identity_number" in shown and "新列" in shown and "999999999999999999" in shown
    assert not [cell for row in ROWS for cell in row[1:3] if cell and cell in shown]


def test_check_of_something_that_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"PK\x03\x04broken")
    with pytest.raises(UnreadableInput):
        check_file(SourceConfig.model_validate(CONFIG), tmp_path / "x.xlsx")


@pytest.mark.parametrize(("encoding", "placeholder"), [("gb18030", "AAAA"), ("utf-8", "AAAAAA")])
def test_members_of_a_zip_keep_their_names_without_the_flag(encoding: str, placeholder: str) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as file:
        file.writestr(f"{placeholder}.csv", text(ROWS))
    data = raw.getvalue().replace(placeholder.encode(), "人员".encode(encoding))
    (member,) = open_members(data, "x.zip", "x.zip")
    assert read_tables(member)[0].label == member.label == "x.zip#人员.csv"
