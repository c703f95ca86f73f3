"""Every rule about what departments send: a good table passes, and each way to break it is noticed by one rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.engine import Engine, quote_text
from linkage.quality.gate import Gate, Outcome
from linkage.quality.set_aside import find_set_aside
from linkage.quality.suite import read_suite
from tests.builders import NIGHT, REPOSITORY
from tests.quality.good_tables import Row, common_records, file_accounting, parameters, write_tables

SUITES = REPOSITORY / "expectations"
Rows = list[Row]


def change(key: str, **fields: Any) -> Callable[[Rows], Rows]:
    """Set fields of the record ``key``."""
    return lambda rows: [row | fields if row["record_key"] == key else row for row in rows]


def change_grid(first: int, **fields: Any) -> Callable[[Rows], Rows]:
    """Set fields of the ``first`` grid records."""
    keys = {f"grid:{n}" for n in range(first)}
    return lambda rows: [row | fields if row["record_key"] in keys else row for row in rows]


def rename(key: str, record_id: str) -> Callable[[Rows], Rows]:
    return change(key, record_id=record_id, record_key=f"{key.split(':')[0]}:{record_id}")


def without(source: str) -> Callable[[Rows], Rows]:
    return lambda rows: [row for row in rows if row["source"] != source]


def copied(key: str) -> Callable[[Rows], Rows]:
    return lambda rows: [*rows, *(row | {"row_number": 99} for row in rows if row["record_key"] == key)]


NO_NUMBER = {"identity_number": None, "identity_grade": None, "identity_kind": None}


@dataclass(frozen=True)
class Case:
    name: str
    rule: str
    broken: Callable[[Rows], Rows]
    verdict: str
    aside: tuple[str, ...] = ()
    rows: int = 1
    """Rows that fail; for a measure, the departments or feeds beyond the limit."""


RECORD_CASES = [
    Case("two records, one key", "record_is_unique", copied("grid:3"), "warn", ("grid:3", "grid:3"), 2),
    Case("tab behind a record number", "record_id_is_plain", rename("grid:3", "3\t"), "warn", ("grid:3\t",)),
    Case("blank before a record number", "record_id_is_plain", rename("grid:3", " 3"), "warn", ("grid: 3",)),
    Case("key built another way", "record_key_is_built_right", change("grid:3", record_key="grid-3"), "stop"),
    Case("paragraph for a name", "name_length", change("grid:3", full_name="王" * 51), "warn", ("grid:3",)),
    Case("empty name", "name_length", change("grid:3", full_name=""), "warn", ("grid:3",)),
    Case(
        "line feed in a name",
        "name_without_control_characters",
        change("grid:3", full_name="王\n一"),
        "warn",
        ("grid:3",),
    ),
    Case("phone for a name", "name_is_not_a_number", change("grid:3", full_name="王13800000000"), "warn", ("grid:3",)),
    Case(
        "punctuation in a passport number",
        "number_is_well_formed",
        change("grid:3", identity_number="E12345!!", identity_kind="passport"),
        "warn",
        ("grid:3",),
    ),
    Case("17 characters, grade A", "good_number_has_18", change("grid:3", identity_number="33010619850312000"), "stop"),
    Case("placeholder used as a number", "bad_number_is_hidden", change("grid:3", identity_grade="X"), "stop"),
    Case("grade nobody knows", "grade_is_known", change("grid:3", identity_grade="Z"), "stop"),
    Case("number without grade", "number_and_grade_together", change("grid:3", identity_grade=None), "stop"),
    Case(
        "born tomorrow",
        "birth_not_in_future",
        change("grid:3", birth_date=NIGHT + timedelta(1)),
        "warn",
        ("grid:3",),
    ),
    Case("born in 1879", "birth_not_in_future", change("grid:3", birth_date=date(1879, 12, 31)), "warn", ("grid:3",)),
    Case("date without precision", "precision_with_date", change("grid:3", birth_date_precision=None), "stop"),
    Case("precision nobody knows", "precision_with_date", change("grid:3", birth_date_precision="week"), "stop"),
    Case("sex as a letter", "sex_is_coded", change("grid:3", sex="M"), "stop"),
    Case("ethnicity 57", "ethnicity_is_coded", change("grid:3", ethnicity="57"), "warn"),
    Case("relation of one digit", "relation_is_coded", change("grid:3", relation_to_head="1"), "warn"),
    Case("status in own words", "status_is_coded", change("grid:3", person_status="dead"), "stop"),
    Case("a department is missing", "sources_present", without("health"), "stop"),
    Case("names missing", "names_present", change_grid(2, full_name=None), "stop"),
    Case("numbers missing", "numbers_present", change_grid(20, **NO_NUMBER), "warn"),
    Case("births missing", "births_present", change_grid(5, birth_date=None, birth_date_precision=None), "warn"),
    Case("hukou numbers missing", "hukou_numbers_good", change("police:1", **NO_NUMBER), "stop"),
    Case("numbers shifted by a row", "numbers_contradict_themselves", change_grid(5, identity_grade="C"), "warn"),
    Case("nothing to link by", "something_to_link_by", change_grid(1, full_name=None, **NO_NUMBER), "warn"),
    Case("addresses not parsed", "addresses_parsed", change_grid(7, residence_address_grade="region"), "warn"),
    Case("half of a department", "records_like_before", change_grid(0), "warn"),
    Case("numbers fall overnight", "numbers_like_before", change_grid(3, **NO_NUMBER), "warn"),
]


def verdicts(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Rules that did not pass."""
    return {outcome.rule.name: outcome.verdict for outcome in outcomes if outcome.verdict != "pass"}


def test_good_records_pass_every_rule(engine: Engine, gate: Gate, tmp_path: Path) -> None:
    paths = write_tables(engine, {"common_records": common_records()}, tmp_path)
    known = parameters(paths, path_common_records_before=quote_text(paths["common_records"]))
    outcomes = gate.run(read_suite(SUITES / "common_records.json"), paths["common_records"], known)
    assert verdicts(outcomes) == {}
    assert {o.rows_checked for o in outcomes} == {len(common_records())}


@pytest.mark.slow
@pytest.mark.parametrize("case", RECORD_CASES, ids=lambda case: case.name)
def test_a_broken_record_is_noticed_by_its_rule_alone(engine: Engine, gate: Gate, tmp_path: Path, case: Case) -> None:
    paths = write_tables(engine, {"common_records": case.broken(common_records())}, tmp_path)
    known = parameters(paths, **_night_before(engine, case, tmp_path))
    outcomes = gate.run(read_suite(SUITES / "common_records.json"), paths["common_records"], known)
    assert verdicts(outcomes) == {case.rule: case.verdict}
    assert [o.rows_failed for o in outcomes if o.rule.name == case.rule] == [case.rows]

    engine.read("night", paths["common_records"])
    find_set_aside(engine, outcomes, known, "night")
    aside = engine.rows("SELECT record_key, rule, reason, reason_en FROM set_aside ORDER BY record_key")
    assert [(row["record_key"], row["rule"]) for row in aside] == [(key, case.rule) for key in case.aside]
    assert all(row["reason"] and row["reason_en"] for row in aside)


def _night_before(engine: Engine, case: Case, folder: Path) -> dict[str, Any]:
    """Yesterday's records: the same, or twice as many grid records, for the rules that compare with them."""
    if case.rule not in ("records_like_before", "numbers_like_before"):
        return {}
    rows = common_records()
    if case.rule == "records_like_before":
        grid = [row for row in rows if row["source"] == "grid"]
        rows += [row | {"record_id": f"9{row['record_id']}", "record_key": f"grid:9{row['record_id']}"} for row in grid]
    paths = write_tables(engine, {"common_records": rows}, folder / "before")
    return {"path_common_records_before": quote_text(paths["common_records"])}


def of_file(**fields: Any) -> Callable[[Rows], Rows]:
    """Set fields of the grid's file."""
    return lambda rows: [row | fields if row["source"] == "grid" else row for row in rows]


FILE_CASES = [
    Case(
        "a file counted twice",
        "file_is_unique",
        lambda rows: [*rows, rows[0] | {"accepted_rows": 0, "rejected_rows": rows[0]["counted_rows"], "feed": ""}],
        "stop",
        rows=2,
    ),
    Case("a row lost", "rows_add_up", of_file(counted_rows=32), "stop"),
    Case("a row lost in standardising", "records_are_accounted", of_file(accepted_rows=31, rejected_rows=0), "stop"),
    Case("six percent rejected", "rejects_are_few", of_file(counted_rows=1030, rejected_rows=70), "stop"),
    Case("three percent rejected", "rejects_to_look_at", of_file(counted_rows=1030, rejected_rows=30), "warn"),
    Case("a file sent twice", "duplicates_are_few", of_file(counted_rows=1030, duplicate_rows=60), "warn"),
    Case("an empty file", "files_not_empty", lambda rows: [*rows, EMPTY], "stop"),
    Case("a file nobody claims", "unclaimed_files", lambda rows: [*rows, EMPTY | {"feed": ""}], "warn"),
    Case("a file of tomorrow", "landed_by_tonight", of_file(landed_night=NIGHT + timedelta(1)), "stop"),
    Case("a late department", "nobody_is_late", of_file(stale=True, landed_night=NIGHT - timedelta(1)), "warn"),
]
EMPTY: Row = file_accounting()[0] | {
    "file": "civil/new.csv",
    "counted_rows": 0,
    "accepted_rows": 0,
    "rejected_rows": 0,
}


def test_good_accounting_passes_every_rule(engine: Engine, gate: Gate, tmp_path: Path) -> None:
    paths = write_tables(engine, {"common_records": common_records(), "file_accounting": file_accounting()}, tmp_path)
    outcomes = gate.run(read_suite(SUITES / "file_accounting.json"), paths["file_accounting"], parameters(paths))
    assert verdicts(outcomes) == {}


@pytest.mark.slow
@pytest.mark.parametrize("case", FILE_CASES, ids=lambda case: case.name)
def test_a_broken_file_is_noticed_by_its_rule(engine: Engine, gate: Gate, tmp_path: Path, case: Case) -> None:
    rows = case.broken(file_accounting())
    grid = next(row for row in rows if row["source"] == "grid")
    if case.rule in ("rejects_are_few", "rejects_to_look_at", "duplicates_are_few"):
        grid["accepted_rows"] = grid["counted_rows"] - grid["rejected_rows"] - grid["duplicate_rows"]
    records = common_records()
    known_records = sum(row["accepted_rows"] for row in file_accounting())
    extra = 0 if case.rule == "records_are_accounted" else sum(row["accepted_rows"] for row in rows) - known_records
    records += [records[0] | {"record_id": f"x{n}", "record_key": f"civil:x{n}"} for n in range(extra)]
    paths = write_tables(engine, {"common_records": records, "file_accounting": rows}, tmp_path)
    outcomes = gate.run(read_suite(SUITES / "file_accounting.json"), paths["file_accounting"], parameters(paths))
    # What is too much to publish is also too much to overlook, and a double entry belongs to no feed here.
    also = {"rejects_are_few": {"rejects_to_look_at": "warn"}, "file_is_unique": {"unclaimed_files": "warn"}}
    assert verdicts(outcomes) == {case.rule: case.verdict} | also.get(case.rule, {})


@pytest.mark.parametrize(("aside", "verdict"), [(20, {}), (21, {"few_set_aside": "stop"})])
def test_setting_aside_is_for_single_records(
    engine: Engine, gate: Gate, tmp_path: Path, aside: int, verdict: dict[str, str]
) -> None:
    refused = [
        {"record_key": f"grid:{n}", "source": "grid", "rule": "name_length", "reason": "理由", "reason_en": "reason"}
        for n in range(aside)
    ]
    paths = write_tables(engine, {"common_records": common_records(), "set_aside": refused}, tmp_path)
    outcomes = gate.run(read_suite(SUITES / "set_aside.json"), paths["set_aside"], parameters(paths))
    assert verdicts(outcomes) == verdict


def test_a_set_aside_record_without_reason_stops_the_night(engine: Engine, gate: Gate, tmp_path: Path) -> None:
    refused = [{"record_key": "grid:1", "source": "grid", "rule": "name_length", "reason": ""}]
    paths = write_tables(engine, {"common_records": common_records(), "set_aside": refused}, tmp_path)
    outcomes = gate.run(read_suite(SUITES / "set_aside.json"), paths["set_aside"], parameters(paths))
    assert verdicts(outcomes) == {"reason_is_given": "stop"}


@pytest.mark.parametrize(("suite", "cases"), [("common_records", RECORD_CASES), ("file_accounting", FILE_CASES)])
def test_every_shipped_rule_has_a_case(suite: str, cases: list[Case]) -> None:
    rules = {rule.name for rule in read_suite(SUITES / f"{suite}.json").expectations}
    assert rules == {case.rule for case in cases}
