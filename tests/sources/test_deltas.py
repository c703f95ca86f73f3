"""Delta feeds: what is not sent again stays, whatever happened in the nights between."""

import copy
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.errors import LinkageError
from tests.sources.nights import Nights

FIRST, SECOND, THIRD = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
PEOPLE = "grid/people.csv"
CONFIG: dict[str, Any] = {
    "source": "grid",
    "title": {"zh": "网格", "en": "Grid"},
    "owner": "数据专管员",
    "description": "测试",
    "feeds": [
        {
            "feed": "visits",
            "title": {"zh": "走访", "en": "visits"},
            "description": "一行一次走访",
            "files": ["grid/people*.csv"],
            "delivery": "delta",
            "columns": [
                {"column": "编号", "field": "record_id", "required": True},
                {"column": "姓名", "field": "full_name"},
                {"column": "住址", "field": "residence_address"},
            ],
        }
    ],
}


def table(**addresses: str) -> bytes:
    return ("编号,姓名,住址\n" + "".join(f"{number},张伟,{where}\n" for number, where in addresses.items())).encode()


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    made = Nights(tmp_path, copy.deepcopy(CONFIG))
    made.night(FIRST, {PEOPLE: table(a="1号", b="2号", c="3号")})
    return made


def addresses(nights: Nights, run_id: str) -> dict[str, str]:
    return {row["record_id"]: row["residence_address"] for row in nights.rows(run_id, "raw_records")}


def test_a_record_that_is_not_sent_again_stays_and_a_changed_one_is_overridden(nights: Nights) -> None:
    run = nights.night(SECOND, {PEOPLE: table(b="搬到9号", d="4号")})
    assert addresses(nights, run) == {"a": "1号", "b": "搬到9号", "c": "3号", "d": "4号"}


def test_carried_records_are_counted_apart_from_the_rows_of_the_file(nights: Nights) -> None:
    run = nights.night(SECOND, {PEOPLE: table(b="搬到9号")})
    (tonight, before) = sorted(nights.rows(run, "file_accounting"), key=lambda row: row["file"])
    assert (tonight["counted_rows"], tonight["accepted_rows"], tonight["carried_rows"]) == (1, 1, 0)
    assert (before["counted_rows"], before["accepted_rows"], before["carried_rows"]) == (0, 0, 2)
    assert before["file"].startswith(f"night={FIRST}/grid/") and before["file"].endswith(PEOPLE)
    assert before["landed_night"] == FIRST
    assert {row["file"] for row in nights.rows(run, "raw_records")} == {tonight["file"], before["file"]}


def test_a_third_night_still_holds_what_the_first_brought(nights: Nights) -> None:
    nights.night(SECOND, {PEOPLE: table(b="搬到9号")})
    run = nights.night(THIRD, {PEOPLE: table(c="搬到8号")})
    assert addresses(nights, run) == {"a": "1号", "b": "搬到9号", "c": "搬到8号"}
    assert [row["carried_rows"] for row in nights.rows(run, "file_accounting")] == [0, 1, 1]


def test_a_quiet_night_changes_nothing(nights: Nights) -> None:
    config = copy.deepcopy(CONFIG)
    config["feeds"][0]["expected_rows"] = {"minimum": 0}
    nights.configure(config)
    run = nights.night(SECOND, {PEOPLE: table()})
    assert len(addresses(nights, run)) == 3
    assert "stop" not in nights.kinds(run).values()


def test_the_changes_of_a_night_that_was_never_published_are_not_lost(nights: Nights) -> None:
    nights.land(SECOND, {PEOPLE: table(b="搬到9号", c="搬到7号")})
    nights.read(SECOND)  # stopped or held: no release
    run = nights.night(THIRD, {PEOPLE: table(c="搬到8号")})
    assert addresses(nights, run) == {"a": "1号", "b": "搬到9号", "c": "搬到8号"}
    for row in nights.rows(run, "file_accounting"):
        assert row["counted_rows"] == row["accepted_rows"] + row["rejected_rows"] + row["duplicate_rows"]
    assert "conflicting_duplicate" not in nights.kinds(run)


def test_a_late_department_changes_nothing(nights: Nights) -> None:
    nights.night(SECOND, {PEOPLE: table(b="搬到9号")})
    run = nights.read(THIRD)
    assert addresses(nights, run) == {"a": "1号", "b": "搬到9号", "c": "3号"}


def test_the_same_night_again_gives_the_same_bytes(nights: Nights) -> None:
    nights.land(SECOND, {PEOPLE: table(b="搬到9号")})
    run = nights.read(SECOND)
    written = nights.state / "runs" / run / "sources"
    before = {path.name: path.read_bytes() for path in written.glob("*.parquet")}
    shutil.rmtree(written)
    nights.read(SECOND)
    assert {path.name: path.read_bytes() for path in written.glob("*.parquet")} == before


def test_without_the_run_before_the_night_stops_and_says_what_to_do(nights: Nights) -> None:
    nights.land(SECOND, {PEOPLE: table(b="搬到9号")})
    for run in (nights.state / "runs").iterdir():
        shutil.rmtree(run)
    with pytest.raises(LinkageError, match="visits") as raised:
        nights.read(SECOND)
    assert "delivery: full" in raised.value.remedy


def test_a_full_feed_keeps_nothing(tmp_path: Path) -> None:
    config = copy.deepcopy(CONFIG)
    del config["feeds"][0]["delivery"]
    nights = Nights(tmp_path, config)
    nights.night(FIRST, {PEOPLE: table(a="1号", b="2号")})
    assert addresses(nights, nights.night(SECOND, {PEOPLE: table(b="2号")})) == {"b": "2号"}


# record numbers of two tables of one department


def two_feeds(**more: Any) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    config["feeds"][0]["delivery"] = "full"
    config["feeds"].append(config["feeds"][0] | {"feed": "lodgers", "files": ["grid/lodgers*.csv"]} | more)
    return config


BOTH = {PEOPLE: table(a="1号", b="2号"), "grid/lodgers.csv": table(b="8号", c="9号")}


def test_one_number_in_two_tables_stops_the_night_and_names_the_remedy(tmp_path: Path) -> None:
    nights = Nights(tmp_path, two_feeds())
    run = nights.night(FIRST, BOTH)
    assert nights.kinds(run)["shared_record_number"] == "stop"
    (signal,) = [s for s in nights.rows(run, "signals") if s["kind"] == "shared_record_number"]
    assert signal["count"] == 1 and "own_numbering: true" in signal["message"] and signal["message_en"]


def test_a_table_with_numbers_of_its_own_keeps_its_rows(tmp_path: Path) -> None:
    nights = Nights(tmp_path, two_feeds(own_numbering=True))
    run = nights.night(FIRST, BOTH)
    assert addresses(nights, run) == {"a": "1号", "b": "2号", "lodgers/b": "8号", "lodgers/c": "9号"}
    assert "shared_record_number" not in nights.kinds(run)


def test_a_number_carried_over_collides_like_any_other(tmp_path: Path) -> None:
    nights = Nights(tmp_path, two_feeds(delivery="delta"))
    nights.night(FIRST, {PEOPLE: table(a="1号"), "grid/lodgers.csv": table(b="8号")})
    run = nights.night(SECOND, {PEOPLE: table(a="1号", b="2号"), "grid/lodgers.csv": table(c="9号")})
    assert nights.kinds(run)["shared_record_number"] == "stop"
