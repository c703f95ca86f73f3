"""What arrives and how: archives, sheets, folders and files that nobody expects, and deliveries that are not whole yet."""

import copy
import io
import os
import time
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from linkage.kernel.errors import UnreadableInput
from linkage.kernel.run import State
from linkage.kernel.source_config import SourceConfig
from linkage.sources import landing
from linkage.sources.landing import land, latest_landing
from linkage.sources.recurring_names import missing_files, recurring_name
from tests.sources.nights import Nights, Row

FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 3)


def feed(name: str, title: str, **more: Any) -> dict[str, Any]:
    columns: list[dict[str, Any]] = [
        {"column": f"{title}编号", "field": "record_id", "required": True},
        {"column": "姓名", "field": "full_name"},
        {"column": "住址", "field": "residence_address"},
    ]
    return {
        "feed": name,
        "title": {"zh": title, "en": name},
        "description": title,
        "files": [f"police/{title}*.{ending}" for ending in ("csv", "xlsx", "zip")],
        "columns": columns,
    } | more


CONFIG: dict[str, Any] = {
    "source": "police",
    "title": {"zh": "公安", "en": "Police"},
    "owner": "数据专管员",
    "description": "测试",
    "feeds": [feed("hukou", "户籍"), feed("floating", "流动")],
}
HUKOU, FLOATING = "police/户籍_20260302.csv", "police/流动_20260302.csv"


def table(title: str, *numbers: str, header: bool = True) -> bytes:
    lines = [f"{title}编号,姓名,住址"] * header + [f"{number},张伟,翠苑路{number}号" for number in numbers]
    return "\n".join(lines).encode()


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def workbook(**sheets: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


WHOLE = {HUKOU: table("户籍", "a1", "a2"), FLOATING: table("流动", "b1")}


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path, copy.deepcopy(CONFIG))


def numbers(nights: Nights, run: str) -> list[str]:
    return sorted(row["record_id"] for row in nights.rows(run, "raw_records"))


def signals(nights: Nights, run: str, kind: str) -> list[Row]:
    return [row for row in nights.rows(run, "signals") if row["kind"] == kind]


def accounts(nights: Nights, run: str) -> dict[str, Row]:
    lines = nights.rows(run, "file_accounting")
    for line in lines:
        assert line["counted_rows"] == line["accepted_rows"] + line["rejected_rows"] + line["duplicate_rows"]
    return {line["file"]: line for line in lines}


# archives


@pytest.mark.parametrize("name", ["police/公安.zip", "police/户籍_20260302.zip"])
def test_members_belong_to_the_feed_whose_name_they_carry(nights: Nights, name: str) -> None:
    whole = archive(**{Path(path).name: data for path, data in WHOLE.items()})
    run = nights.night(FIRST, {name: whole})
    assert numbers(nights, run) == ["a1", "a2", "b1"]
    assert not nights.kinds(run)


def test_an_archive_within_an_archive(nights: Nights) -> None:
    inner = archive(**{Path(FLOATING).name: WHOLE[FLOATING]})
    run = nights.night(FIRST, {HUKOU: WHOLE[HUKOU], "police/流动.zip": archive(**{"街道/内.zip": inner})})
    assert numbers(nights, run) == ["a1", "a2", "b1"]


HEADERLESS: list[tuple[str, dict[str, bytes], str, str, int]] = [
    ("a member named like the feed, without header", {"户籍甲.csv": table("户籍", "a1"), "户籍乙.csv": table("户籍", "a3", "a4", header=False)}, "no_header", "stop", 2),
    ("another member without header", {"甲.csv": table("户籍", "a1"), "乙.csv": table("户籍", "a3", "a4", header=False)}, "unread_table", "warn", 2),
    ("an empty member named like the feed", {"户籍甲.csv": table("户籍", "a1"), "户籍乙.csv": b""}, "empty_file", "stop", 0),
    ("another empty member", {"甲.csv": table("户籍", "a1"), "乙.csv": b""}, "empty_file", "warn", 0),
    ("a member nobody can read", {"甲.csv": table("户籍", "a1"), "乙.xlsx": b"PK\x03\x04broken"}, "unreadable_member", "warn", 0),
    ("nothing readable at all", {"乙.csv": b""}, "empty_file", "stop", 0),
]  # fmt: skip


@pytest.mark.parametrize(("case", "members", "kind", "severity", "rows"), HEADERLESS, ids=[c[0] for c in HEADERLESS])
def test_no_member_vanishes(
    nights: Nights, case: str, members: dict[str, bytes], kind: str, severity: str, rows: int
) -> None:
    run = nights.night(FIRST, {"police/户籍.zip": archive(**members), FLOATING: WHOLE[FLOATING]})
    assert severity in {row["severity"] for row in signals(nights, run, kind)}
    lines = {name: line for name, line in accounts(nights, run).items() if name.startswith("police/户籍.zip#")}
    assert len(lines) == len(members)
    assert sum(line["rejected_rows"] for line in lines.values()) == rows


def test_what_desktop_systems_leave_in_an_archive_is_no_member(nights: Nights) -> None:
    members = {"甲.csv": table("户籍", "a1"), "__MACOSX/._甲.csv": b"\0\1", ".DS_Store": b"\0"}
    run = nights.night(FIRST, {"police/户籍.zip": archive(**members), FLOATING: WHOLE[FLOATING]})
    assert not nights.kinds(run)


# sheets


def test_a_second_sheet_without_header_is_counted_and_warned_of(nights: Nights) -> None:
    rows = [line.split(",") for line in table("户籍", "a1", "a2").decode().split("\n")]
    book = workbook(一=rows, 续表=[["a3", "李强", "翠苑路3号"], ["a4", "李强", "翠苑路4号"]])
    run = nights.night(FIRST, {"police/户籍.xlsx": book, FLOATING: WHOLE[FLOATING]})
    (signal,) = signals(nights, run, "unread_table")
    assert (signal["severity"], signal["count"], signal["value_masked"]) == ("warn", 2, "续表")
    assert accounts(nights, run)["police/户籍.xlsx#续表"]["rejected_rows"] == 2


def test_the_empty_sheets_of_a_new_workbook_are_nothing(nights: Nights) -> None:
    rows = [line.split(",") for line in table("户籍", "a1").decode().split("\n")]
    run = nights.night(FIRST, {"police/户籍.xlsx": workbook(一=rows, Sheet2=[]), FLOATING: WHOLE[FLOATING]})
    assert not nights.kinds(run)


# files nobody expects


@pytest.mark.parametrize("stray", ["police/补报/户籍_20260302.csv", "fire/x.csv", "x.csv", "police/扫描.jpg"])
def test_a_file_in_an_unexpected_place_is_seen(nights: Nights, stray: str) -> None:
    run = nights.night(FIRST, WHOLE | {stray: b"a,b\n1,2\n"})
    (signal,) = signals(nights, run, "unclaimed_file")
    assert (signal["file"], signal["severity"]) == (stray, "warn")
    assert accounts(nights, run)[stray]["feed"] == ""
    assert numbers(nights, run) == ["a1", "a2", "b1"]


def test_a_street_that_came_the_last_time_is_missed(nights: Nights) -> None:
    streets = {f"police/户籍_{name}街道_20260302.csv": table("户籍", name) for name in ("甲", "乙", "丙")}
    nights.night(FIRST, streets | {FLOATING: WHOLE[FLOATING]})
    del streets["police/户籍_乙街道_20260302.csv"]
    later = {name.replace("0302", "0303"): data for name, data in (streets | {FLOATING: WHOLE[FLOATING]}).items()}
    run = nights.night(SECOND, later)
    (signal,) = signals(nights, run, "file_missing")
    assert (signal["file"], signal["severity"]) == ("police/户籍_乙街道_20260302.csv", "warn")


NAMES: list[tuple[str, list[str], list[str], list[str]]] = [
    ("only the date changed", ["a_20260302.csv"], ["a_20260303.csv"], []),
    ("only the format changed", ["a_20260302.csv"], ["a.zip#a_2026-03-03.xlsx#Sheet1"], []),
    ("a scheme nobody can know", ["a_0302.csv"], ["a_0303.csv"], []),
    ("one of two", ["x/a.csv", "x/b.csv"], ["x/a.csv"], ["x/b.csv"]),
    ("another one instead", ["x/a.csv", "x/b.csv"], ["x/a.csv", "x/c.csv"], ["x/b.csv"]),
    ("new ones only", ["x/a.csv"], ["x/a.csv", "x/c.csv"], []),
    ("the first night", [], ["x/a.csv"], []),
]


@pytest.mark.parametrize(("case", "before", "now", "missing"), NAMES, ids=[n[0] for n in NAMES])
def test_missing_files(case: str, before: list[str], now: list[str], missing: list[str]) -> None:
    assert missing_files(before, now) == missing


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("grid/网格采集_330105001_米市巷街道.csv", "网格采集_330105001_米市巷街道"),
        ("a/户籍 2026年3月2日.xlsx#Sheet1", "户籍 <date>"),
        ("a/户籍_20260302010000.csv", "户籍_<date>"),
        ("a/高龄补贴202603.xls", "高龄补贴<date>"),
    ],
)
def test_a_recurring_name_has_no_date(label: str, name: str) -> None:
    assert recurring_name(label) == name


# a delivery that is not whole yet


def exports(nights: Nights, files: dict[str, bytes], *, age_seconds: float = 3600) -> Path:
    folder = nights.deliver(FIRST, files)
    for path in folder.rglob("*.*"):
        os.utime(path, (time.time() - age_seconds,) * 2)
    return folder


def test_a_delivery_without_one_of_its_tables_is_not_taken(nights: Nights) -> None:
    config = SourceConfig.model_validate(CONFIG)
    with pytest.raises(UnreadableInput, match="floating") as raised:
        land(exports(nights, {HUKOU: WHOLE[HUKOU]}), State(nights.state), FIRST, config)
    assert "optional: true" in raised.value.remedy
    assert latest_landing(State(nights.state), FIRST, "police") is None


def test_an_optional_table_may_be_absent(nights: Nights) -> None:
    nights.configure(CONFIG | {"feeds": [feed("hukou", "户籍"), feed("floating", "流动", optional=True)]})
    first = nights.night(FIRST, {HUKOU: WHOLE[HUKOU]})
    assert nights.kinds(first) == {"feed_missing": "info"}
    second = nights.night(SECOND, WHOLE)
    assert not nights.kinds(second)
    third = nights.night(date(2026, 3, 4), {HUKOU: WHOLE[HUKOU]})
    assert nights.kinds(third) == {"feed_missing": "warn"}, "a whole table is gone, and with it its records"


def test_who_comes_again_does_not_take_a_file_that_is_still_being_written(nights: Nights) -> None:
    config, state = SourceConfig.model_validate(CONFIG), State(nights.state)
    with pytest.raises(UnreadableInput, match="may still be written"):
        land(exports(nights, WHOLE, age_seconds=5), state, FIRST, config, patient=True)
    land(exports(nights, WHOLE, age_seconds=3600), state, FIRST, config, patient=True)


def test_who_comes_again_waits_for_every_street_of_the_last_time(nights: Nights) -> None:
    config, state = SourceConfig.model_validate(CONFIG), State(nights.state)
    both = WHOLE | {"police/户籍_乙_20260302.csv": table("户籍", "a3")}
    land(exports(nights, both), state, FIRST, config)
    some = exports(nights, WHOLE)
    with pytest.raises(UnreadableInput, match="户籍_乙"):
        land(some, state, SECOND, config, patient=True)
    assert len(land(some, state, SECOND, config).files) == 2, "when the time is up, what is there is taken"


def test_a_file_that_changes_while_it_is_copied_is_refused(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = exports(nights, WHOLE)
    monkeypatch.setattr(landing.hashlib, "sha256", lambda *data: _Growing(folder / HUKOU, *data))
    with pytest.raises(UnreadableInput, match="changed while it was copied"):
        land(folder, State(nights.state), FIRST, SourceConfig.model_validate(CONFIG))
    assert latest_landing(State(nights.state), FIRST, "police") is None


class _Growing:
    """A hash during which the department goes on writing."""

    def __init__(self, path: Path, *data: bytes) -> None:
        self.path = path

    def update(self, chunk: bytes) -> None:
        if not chunk.endswith(b"more"):
            with self.path.open("ab") as file:
                file.write(b"more")

    def hexdigest(self) -> str:
        return "0"


def test_a_landing_is_completed_by_a_newer_one_beside_it(nights: Nights) -> None:
    config, state = SourceConfig.model_validate(CONFIG), State(nights.state)
    first = land(exports(nights, WHOLE), state, FIRST, config)
    second = land(exports(nights, WHOLE | {"police/户籍_乙.csv": table("户籍", "a3")}), state, FIRST, config)
    assert latest_landing(state, FIRST, "police") == second
    assert first.path.is_dir() and len(second.files) == len(first.files) + 1
