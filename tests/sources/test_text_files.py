"""Delimited text: stray quotes, line ends, encodings, lines that are no persons, and headers that are none."""

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linkage.sources.text import line_end
from tests.sources.nights import Nights

NIGHT = date(2026, 3, 2)
HEADER = "编号,姓名,身份证号,电话,住址"
COLUMNS = {
    "编号": "record_id",
    "姓名": "full_name",
    "身份证号": "identity_number",
    "电话": "phone",
    "住址": "residence_address",
}
CONFIG: dict[str, Any] = {
    "source": "health",
    "title": {"zh": "卫健", "en": "Health"},
    "owner": "数据专管员",
    "description": "测试",
    "feeds": [
        {
            "feed": "files",
            "title": {"zh": "档案", "en": "files"},
            "description": "一行一人",
            "files": ["health/*.csv"],
            "columns": [{"column": column, "field": field} for column, field in COLUMNS.items()],
        }
    ],
}
PEOPLE = [f"{n},张伟,33010619850312123{n},1380571000{n},翠苑路{n}号" for n in range(1, 5)]


def night(tmp_path: Path, data: bytes) -> tuple[Nights, str]:
    nights = Nights(tmp_path, copy.deepcopy(CONFIG))
    return nights, nights.night(NIGHT, {"health/a.csv": data})


def read(tmp_path: Path, *lines: str) -> tuple[dict[str, str], dict[str, int], dict[str, Any]]:
    """Names by record number, rejects by rule, and the accounting of a file of these lines."""
    nights, run = night(tmp_path, "\n".join([HEADER, *PEOPLE, *lines]).encode())
    (account,) = nights.rows(run, "file_accounting")
    counted = account["accepted_rows"] + account["rejected_rows"] + account["duplicate_rows"]
    assert account["counted_rows"] == counted
    written = sum(bool(line.strip()) for line in "\n".join(lines).split("\n"))
    assert account["counted_rows"] + account["continued_lines"] == len(PEOPLE) + written
    rules: dict[str, int] = {}
    for row in nights.rows(run, "rejects"):
        rules[row["rule"]] = rules.get(row["rule"], 0) + 1
    names = {row["record_id"]: row["full_name"] for row in nights.rows(run, "raw_records")}
    return {number: name for number, name in names.items() if number > "4"}, rules, account


QUOTES: list[tuple[str, list[str], dict[str, str], dict[str, int]]] = [
    ("one within each of two cells", ['5,5" 张,,,a', '6,6" 李,,,b'], {"5": '5" 张', "6": '6" 李'}, {}),
    ("one before each of two names", ['5,"张,,,a', '6,"李,,,b', "7,王,,,c"], {"7": "王"}, {"unclosed_quote": 2}),
    ("one opens, the next line closes", ['5,"张,,,a', '6,李",,,b'], {"6": '李"'}, {"unclosed_quote": 1}),
    ("a line break in a quoted cell", ['5,"张\n伟",,,a'], {"5": "张\n伟"}, {}),
    ("two line breaks, one line blank", ['5,张,,,"a\n \nb"', "6,李,,,c"], {"5": "张", "6": "李"}, {}),
    ("a quoted comma", ['5,"张,伟",,,a'], {"5": "张,伟"}, {}),
    ("doubled quotes", ['5,"张""伟""",,,a'], {"5": '张"伟"'}, {}),
    ("text behind a quoted cell", ['5,"张"伟,,,a'], {"5": "张伟"}, {}),
    ("a quote that swallows one line would make a row too short", ['5,"张', '6,李,,,"b"'], {"6": "李"}, {"unclosed_quote": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("case", "lines", "names", "rules"), QUOTES, ids=[q[0] for q in QUOTES])
def test_quotes(tmp_path: Path, case: str, lines: list[str], names: dict[str, str], rules: dict[str, int]) -> None:
    found, refused, _ = read(tmp_path, *lines)
    assert (found, refused) == (names, rules)


def test_lines_within_quotes_are_accounted_for_as_such(tmp_path: Path) -> None:
    _, _, account = read(tmp_path, '5,张,,,"a\nb\nc"', "6,李,,,c")
    assert (account["counted_rows"], account["continued_lines"]) == (6, 2)


NO_RECORDS: list[tuple[str, str, str]] = [
    ("the header once more", HEADER, "repeated_header"),
    ("a total of the right width", "合计,40人,,,", "note_row"),
    ("a total in every column", "总计,40,38,36,40", "note_row"),
    ("a total with blanks", "合　计,40人,,,", "note_row"),
    ("a total behind an empty cell", ",合计,,,", "note_row"),
    ("a remark of another width", "说明：仅供内部使用", "note_row"),
]


@pytest.mark.parametrize(("case", "line", "rule"), NO_RECORDS, ids=[n[0] for n in NO_RECORDS])
def test_what_is_no_person_is_not_read_as_one(tmp_path: Path, case: str, line: str, rule: str) -> None:
    names, rules, _ = read(tmp_path, line, "5,李强,,,b")
    assert (names, rules) == ({"5": "李强"}, {rule: 1})


def test_a_person_whose_name_or_number_begins_like_a_note_is_read(tmp_path: Path) -> None:
    names, rules, _ = read(
        tmp_path, "总01,小计划,110105199003070000,13805710005,说明路1号", "审核5,备注,110105199003070000,1,a"
    )
    assert (set(names), rules) == ({"总01", "审核5"}, {})


ENCODINGS: list[tuple[str, bytes]] = [
    ("UTF-16 with byte order mark, as Excel's Unicode text", "\r\n".join([HEADER, *PEOPLE]).replace(",", "\t").encode("utf-16")),
    ("UTF-16 big endian", "\ufeff".encode("utf-16-be") + "\n".join([HEADER, *PEOPLE]).encode("utf-16-be")),
    ("carriage returns only", "\r".join([HEADER, *PEOPLE]).encode("gb18030")),
    ("carriage returns only, with a line feed in a cell", ("\r".join([HEADER, *PEOPLE[:3]]) + '\r4,"张\n伟",,,a\r').encode()),
]  # fmt: skip


@pytest.mark.parametrize(("case", "data"), ENCODINGS, ids=[e[0] for e in ENCODINGS])
def test_line_ends_and_encodings(tmp_path: Path, case: str, data: bytes) -> None:
    nights, run = night(tmp_path, data)
    assert sorted(row["record_id"] for row in nights.rows(run, "raw_records")) == ["1", "2", "3", "4"]
    assert not nights.kinds(run)


@pytest.mark.parametrize(
    ("data", "end"),
    [(b"a\nb\n", b"\n"), (b"a\r\nb\r\n", b"\n"), (b"a\rb\r", b"\r"), (b"", b"\n"), (b"a\r\nb\r \r\n", b"\n"), (b"a\rb\rc\r\n", b"\r")],
    ids=["line feeds", "pairs", "returns", "nothing", "a stray return among pairs", "a stray pair among returns"],
)  # fmt: skip
def test_lines_end_as_most_of_them_do(data: bytes, end: bytes) -> None:
    assert line_end(data) == end


# headers that would give people away


def test_a_header_that_holds_people_is_no_header(tmp_path: Path) -> None:
    glued = "\x85".join([HEADER, *PEOPLE]).replace("\x85", ",")
    nights, run = night(tmp_path, glued.encode())
    assert nights.kinds(run) == {"no_header": "stop", "row_count_out_of_range": "stop"}
    assert "张伟" not in str(nights.rows(run, "signals")) + str(nights.rows(run, "rejects"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [("所属派出所", "所属派出所"), ("张伟330106", "汉汉999999"), ("与户主关系" * 7, ("汉" * 35)[:40])],
)
def test_an_unknown_column_is_shown_only_if_it_can_only_be_a_name(tmp_path: Path, name: str, shown: str) -> None:
    lines = [f"{HEADER},{name}", *(f"{line},x" for line in PEOPLE)]
    nights, run = night(tmp_path, "\n".join(lines).encode())
    (signal,) = nights.rows(run, "signals")
    assert (signal["kind"], signal["value_masked"], signal["column"]) == ("new_column", shown, shown)
    assert name == shown or name not in signal["message"]
