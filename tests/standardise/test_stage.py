"""The stage: raw records in, common records and signals out; the same bytes whatever the order of the rows."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.engine import Engine
from linkage.kernel.errors import LinkageError
from linkage.standardise.stage import check_complete, relations, run
from tests.builders import stage_context, write_rows

GOOD = "330106198311239390"  # 23 November 1983, male
NIGHT = date(2026, 3, 2)


def raw(record_id: str, feed: str = "grid_visit", source: str = "grid", **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"source": source, "feed": feed, "record_id": record_id, "numeric_cells": []}
    return row | {"file": f"{source}/{feed}.csv", "row_number": 2, "content_hash": record_id} | fields


RECORDS = [
    raw(
        "good", identity_number=GOOD, full_name="李建敏", sex="男", birth_date="1983-11-23", observed_on="2025/1/2 9:30"
    ),
    raw("other sex", identity_number=GOOD, sex="女", birth_date="1983-11-23"),
    raw("other day", identity_number=GOOD, sex="男", birth_date="1983-11-22"),
    raw("same month", identity_number=GOOD, birth_date="1983年11月"),
    raw("other month", identity_number=GOOD, birth_date="1983年10月"),
    raw("same year", identity_number=GOOD, birth_date="1983"),
    raw("1 January", identity_number=GOOD, birth_date="1983-01-01"),
    raw("1 January alone", birth_date="1983-01-01"),
    raw("filler", identity_number=GOOD, birth_date="1900-01-01"),
    raw("old", birth_date="1950-03-12"),
    raw("young", birth_date="2000-03-12"),
    raw("lunar", birth_date="农历1985年腊月23"),
    raw("baby", full_name="沈宝宝", birth_date="2026-02-02"),
    raw("grown up", full_name="沈宝宝", birth_date="1990-02-02"),
    raw("nameless", identity_number=GOOD),
    raw("son", relation_to_head="子女", sex="男"),
    raw("daughter", relation_to_head="子女", identity_number="33010419820311570X"),
    raw("child", relation_to_head="子女"),
    raw("unknown relation", relation_to_head="结拜", sex="男"),
    raw("unknown relation too", relation_to_head="结拜"),
    raw("long code", tenure="这是一个写错了地方的很长的说明"),
    raw(
        "family ids", head_identity_number="'" + GOOD, mother_identity_number="3301**********0348", head_name="李 建敏"
    ),
    raw("former in brackets", full_name="李建敏（曾用名李敏）"),
    raw("former in its field", full_name="李建敏（曾用名李敏）", former_name="李小敏"),
    raw("nobody can read", full_name="李\ue123敏"),
    raw("excel", identity_number="3.30106198311239E+17", numeric_cells=["identity_number"]),
    raw("disability card", identity_number=GOOD + "43"),
    raw("excel household", household_number="3.30106012345678E+16", numeric_cells=["household_number"]),
    raw("household", household_number=" '33010600147208878 "),
    raw("bad date", birth_date="1983-02-30"),
    raw("future", birth_date="2027-01-05"),
    raw("registered", "police_floating", "police", ended_on="2026-03-01", started_on="2024-05-06"),
    raw("still here", "police_floating", "police", ended_on=None, observed_on="20240506070809"),
    raw("dead", "police_hukou", "police", person_status="死亡注销"),
    raw("alive", "police_hukou", "police", person_status="正常"),
    raw("file open", "health_archive", "health", person_status="有效", full_name="张三"),
    raw("benefit ended", "civil_assist", "civil", ended_on="2025-12-31", person_status=None),
    raw("wedding", "civil_marriage", "civil", event_date="1983年6月7日", event_kind="结婚登记", spouse_name="鲁 志亮"),
]


def standardise(tmp_path: Path, records: list[dict[str, Any]]) -> tuple[Path, dict[str, Any]]:
    with Engine(threads=2) as engine:
        context = stage_context(tmp_path, engine, "standardise")
        write_rows(engine, "raw_records", records, context.run_dir / "sources" / "raw_records.parquet")
        before = relations(engine)
        summary = run(context)
        assert relations(engine) == before, "working tables are dropped"
        return context.out_dir, summary


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    return standardise(tmp_path_factory.mktemp("standardise"), RECORDS)


@pytest.fixture(scope="module")
def common(written: tuple[Path, dict[str, Any]]) -> Iterator[dict[str, dict[str, Any]]]:
    with Engine(threads=1) as engine:
        engine.read("common_records", written[0] / "common_records.parquet")
        yield {row["record_id"]: row for row in engine.rows("SELECT * FROM common_records")}


@pytest.fixture(scope="module")
def signals(written: tuple[Path, dict[str, Any]]) -> list[dict[str, Any]]:
    with Engine(threads=1) as engine:
        engine.read("signals", written[0] / "signals.parquet")
        return engine.rows("SELECT * FROM signals")


def test_every_raw_record_is_one_common_record(common: dict[str, Any], written: tuple[Path, dict[str, Any]]) -> None:
    assert sorted(common) == sorted(r["record_id"] for r in RECORDS)
    assert written[1]["records"] == len(RECORDS)
    assert common["good"]["record_key"] == "grid:good"


def test_a_disability_card_gives_number_kind_and_level(common: dict[str, Any]) -> None:
    row = common["disability card"]
    assert (row["identity_number"], row["disability_kind"], row["disability_level"]) == (GOOD, "4", "3")
    assert common["good"]["disability_kind"] is None


def test_raw_values_stay(common: dict[str, Any]) -> None:
    row = common["excel"]
    assert (row["identity_number_raw"], row["identity_number"]) == ("3.30106198311239E+17", None)
    assert common["former in brackets"]["full_name_raw"] == "李建敏（曾用名李敏）"


@pytest.mark.parametrize(
    ("record", "grade"),
    [
        ("good", "A"),
        ("other sex", "C"),
        ("other day", "C"),
        ("same month", "A"),
        ("other month", "C"),
        ("same year", "A"),
        ("1 January", "A"),
        ("filler", "A"),
        ("nameless", "A"),
        ("excel", "E"),
        ("old", None),
    ],
)
def test_grade_c_is_a_good_number_that_contradicts_the_record(common: dict[str, Any], record: str, grade: str) -> None:
    assert common[record]["identity_grade"] == grade


@pytest.mark.parametrize(
    ("record", "day", "precision"),
    [
        ("good", date(1983, 11, 23), "day"),
        ("same month", date(1983, 11, 1), "month"),
        ("same year", date(1983, 1, 1), "year"),
        ("1 January", date(1983, 1, 1), "year"),
        ("1 January alone", date(1983, 1, 1), "year"),
        ("filler", None, None),
        ("bad date", None, None),
        ("future", None, None),
        ("lunar", date(1986, 2, 1), "day"),
    ],
)
def test_birth_dates(common: dict[str, Any], record: str, day: date | None, precision: str | None) -> None:
    assert (common[record]["birth_date"], common[record]["birth_date_precision"]) == (day, precision)


@pytest.mark.parametrize(
    ("record", "candidate"),
    [("old", date(1950, 4, 28)), ("young", None), ("same month", None), ("1 January alone", None), ("lunar", None)],
)
def test_lunar_candidates_only_for_full_dates_of_people_over_40(
    common: dict[str, Any], record: str, candidate: date | None
) -> None:
    assert common[record]["birth_date_lunar"] == candidate


@pytest.mark.parametrize(
    ("record", "kind"),
    [("baby", "newborn_placeholder"), ("grown up", "ordinary"), ("nameless", "missing"), ("good", "ordinary")],
)
def test_pet_names_are_placeholders_for_babies_only(common: dict[str, Any], record: str, kind: str) -> None:
    assert common[record]["name_kind"] == kind


@pytest.mark.parametrize(
    ("record", "code"), [("son", "20"), ("daughter", "30"), ("child", None), ("unknown relation", None)]
)
def test_sons_and_daughters_by_sex(common: dict[str, Any], record: str, code: str | None) -> None:
    assert common[record]["relation_to_head"] == code


@pytest.mark.parametrize(
    ("record", "status"),
    [
        ("registered", "cancelled"),
        ("still here", None),
        ("dead", "deceased"),
        ("alive", "alive"),
        ("file open", None),
        ("benefit ended", None),
    ],
)
def test_person_status(common: dict[str, Any], record: str, status: str | None) -> None:
    assert common[record]["person_status"] == status


@pytest.mark.parametrize(
    ("record", "day"),
    [
        ("good", date(2025, 1, 2)),
        ("still here", date(2024, 5, 6)),
        ("registered", date(2026, 3, 1)),
        ("wedding", date(1983, 6, 7)),
        ("old", None),
    ],
)
def test_observed_on(common: dict[str, Any], record: str, day: date | None) -> None:
    assert common[record]["observed_on"] == day


def test_family_numbers_and_names(common: dict[str, Any]) -> None:
    row = common["family ids"]
    assert (row["head_identity_number"], row["mother_identity_number"]) == (GOOD, None)
    assert (row["head_name"], row["head_name_key"]) == ("李建敏", "李建敏")
    assert common["wedding"]["spouse_name_key"] == "鲁志亮"


def test_former_names(common: dict[str, Any]) -> None:
    assert [common[r]["former_name"] for r in ("former in brackets", "former in its field")] == ["李敏", "李小敏"]
    assert common["former in brackets"]["former_name_key"] == "李敏"


def test_household_numbers(common: dict[str, Any]) -> None:
    assert common["household"]["household_number"] == "33010600147208878"
    assert common["excel household"]["household_number"] is None


def test_signals(signals: list[dict[str, Any]]) -> None:
    told = {(s["source"], s["column"], s["kind"], s["value_masked"]): s["count"] for s in signals}
    assert told == {
        ("grid", "birth_date", "filler_date", ""): 1,
        ("grid", "birth_date", "future_date", ""): 1,
        ("grid", "birth_date", "invalid_date", "9999-99-99"): 1,
        ("grid", "full_name", "unresolved_glyph", ""): 1,
        ("grid", "identity_number", "damaged_number", ""): 1,
        ("grid", "relation_to_head", "unknown_code", "汉汉"): 2,
        ("grid", "tenure", "unknown_code", "汉" * 15): 1,
    }


def test_signals_say_what_to_do(signals: list[dict[str, Any]]) -> None:
    assert all("。" in s["message"] and "." in s["message_en"] for s in signals)


def test_the_summary_holds_counts_only(written: tuple[Path, dict[str, Any]]) -> None:
    summary = written[1]
    assert summary["identity_grade"]["grid"]["C"] == 3
    assert summary["signals"] == 7
    assert "李" not in str(summary) and GOOD not in str(summary)


def test_the_order_of_rows_does_not_matter(tmp_path: Path, written: tuple[Path, dict[str, Any]]) -> None:
    out, summary = standardise(tmp_path, RECORDS[::-1])
    assert summary == written[1]
    for table in ("common_records", "signals"):
        assert (out / f"{table}.parquet").read_bytes() == (written[0] / f"{table}.parquet").read_bytes()


def test_a_lost_record_stops_the_night() -> None:
    with pytest.raises(LinkageError, match="2 common records of 3"):
        check_complete(2, 3)
