"""Every rule about the new register: a good one passes, and each way to break it is noticed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.engine import Engine
from linkage.quality.gate import Gate
from linkage.quality.suite import read_suite
from tests.builders import NIGHT, REPOSITORY
from tests.quality.good_tables import Tables, household_id, parameters, person_id, register, write_tables

SUITES = REPOSITORY / "expectations"


@dataclass(frozen=True)
class Case:
    name: str
    suite: str
    verdicts: dict[str, str]
    """Rules of the suite that do not pass, with their verdict."""
    broken: Callable[[Tables], None]
    parameters: dict[str, Any] | None = None


def change(table: str, *positions: int, **fields: Any) -> Callable[[Tables], None]:
    """Set fields of the rows at ``positions`` (all rows if none is named)."""

    def broken(tables: Tables) -> None:
        for position in positions or range(len(tables[table])):
            tables[table][position] |= fields

    return broken


def drop(table: str, position: int) -> Callable[[Tables], None]:
    def broken(tables: Tables) -> None:
        del tables[table][position]

    return broken


def add(table: str, position: int, **fields: Any) -> Callable[[Tables], None]:
    """A copy of the row at ``position`` with other fields."""

    def broken(tables: Tables) -> None:
        tables[table].append(tables[table][position] | fields)

    return broken


def many_records(persons: int, copies: int) -> Callable[[Tables], None]:
    """The first ``persons`` get ``copies`` more records each, of a feed other than the hukou register."""

    def broken(tables: Tables) -> None:
        for n in range(persons):
            for copy in range(copies):
                new = {
                    "source": "grid",
                    "feed": "grid_visit",
                    "record_id": f"{n}-{copy}",
                    "record_key": f"grid:{n}-{copy}",
                }
                tables["links"].append(tables["links"][n] | new)
                tables["common_records"].append(tables["common_records"][n] | new)

    return broken


def both(*steps: Callable[[Tables], None]) -> Callable[[Tables], None]:
    def broken(tables: Tables) -> None:
        for step in steps:
            step(tables)

    return broken


def nothing(_: Tables) -> None:
    return None


LATE, EARLY = date(2021, 1, 1), date(2020, 1, 1)
CASES = [
    Case(
        "person twice",
        "persons",
        {"person_is_unique": "stop"},
        add("persons", 0, identity_number=None, identity_grade=None),
    ),
    Case("id of another form", "persons", {"person_id_form": "stop"}, change("persons", 0, person_id="P1")),
    Case("status in own words", "persons", {"status_is_known": "stop"}, change("persons", 0, status="dead")),
    Case("death without a date", "persons", {"status_has_evidence": "warn"}, change("persons", 0, status="deceased")),
    Case(
        "empty register",
        "persons",
        {"has_persons": "stop"},
        lambda tables: tables["persons"].clear(),
    ),
    Case(
        "a tenth of the residents gone",
        "persons",
        {"number_of_persons": "stop", "number_of_persons_to_look_at": "warn"},
        nothing,
        {"persons_before": 23},
    ),
    Case(
        "five percent more residents",
        "persons",
        {"number_of_persons_to_look_at": "warn"},
        nothing,
        {"persons_before": 19},
    ),
    Case("as many residents as before", "persons", {}, nothing, {"persons_before": 20}),
    Case(
        "born tomorrow",
        "persons",
        {"born_before_tonight": "stop"},
        change("persons", 0, birth_date=NIGHT + timedelta(1)),
    ),
    Case(
        "damaged golden number", "persons", {"golden_number_is_good": "stop"}, change("persons", 0, identity_grade="E")
    ),
    Case("a person without a name", "persons", {"names_known": "stop"}, change("persons", 0, full_name=None)),
    Case("births missing", "persons", {"births_known": "warn"}, change("persons", 0, 1, birth_date=None)),
    Case(
        "numbers missing",
        "persons",
        {"numbers_known": "warn"},
        change("persons", 0, 1, 2, 3, identity_number=None, identity_grade=None),
    ),
    Case(
        "one number, two living persons",
        "persons",
        {"one_person_per_number": "warn", "few_numbers_shared": "stop"},
        change("persons", 0, 1, identity_number="330106198503120999"),
    ),
    Case(
        "one number, of which one person died",
        "persons",
        {},
        both(
            change("persons", 0, 1, identity_number="330106198503120999"),
            change("persons", 1, status="deceased", status_on=EARLY),
        ),
    ),
    Case("a person without a source", "persons", {"persons_have_records": "stop"}, change("persons", 0, sources=[])),
    Case(
        "household twice",
        "households",
        {"household_is_unique": "stop"},
        add("households", 0, household_number="other"),
    ),
    Case(
        "household id of another form",
        "households",
        {"household_id_form": "stop"},
        both(change("households", 0, household_id="H1"), change("members", 0, 1, household_id="H1")),
    ),
    Case("kind in own words", "households", {"kind_is_known": "stop"}, change("households", 0, kind="family")),
    Case(
        "household without members",
        "households",
        {"has_members": "stop"},
        both(change("households", 9, members=0), drop("members", -1), drop("members", -1)),
    ),
    Case("members do not add up", "households", {"members_add_up": "stop"}, change("households", 0, members=3)),
    Case(
        "head nobody knows",
        "households",
        {"heads_exist": "stop"},
        change("households", 0, head_person_id=person_id(99)),
    ),
    Case(
        "one number, two households",
        "households",
        {"one_household_per_number": "stop"},
        change("households", 0, 1, household_number="330106000"),
    ),
    Case("heads missing", "households", {"hukou_heads_known": "warn"}, change("households", 0, 1, head_person_id=None)),
    Case(
        "a household of thirty",
        "households",
        {"households_not_huge": "warn", "members_add_up": "stop"},
        change("households", 0, members=30),
    ),
    Case(
        "a fifth of the households gone",
        "households",
        {"number_of_households": "stop"},
        nothing,
        {"households_before": 12},
    ),
    Case("member twice", "members", {"member_is_unique": "stop"}, add("members", 1, valid_to=LATE)),
    Case("member nobody knows", "members", {"members_exist": "stop"}, change("members", 1, person_id=person_id(99))),
    Case("two heads", "members", {"one_head": "stop", "head_is_named": "stop"}, change("members", 1, is_head=True)),
    Case(
        "another head than the household's",
        "members",
        {"head_is_named": "stop"},
        change("households", 0, head_person_id=person_id(1)),
    ),
    Case(
        "two hukou households",
        "members",
        {"one_hukou": "stop"},
        add("members", 1, household_id=household_id(5)),
    ),
    Case(
        "hukou moved from one household to another",
        "members",
        {},
        both(add("members", 1, household_id=household_id(5)), change("members", 1, valid_to=LATE)),
    ),
    Case(
        "left before arriving", "members", {"dates_in_order": "warn"}, change("members", 1, valid_to=date(2019, 1, 1))
    ),
    Case(
        "a record of two persons",
        "links",
        {"each_record_once": "stop", "two_hukou": "warn"},
        add("links", 0, person_id=person_id(1)),
    ),
    Case("a record lost", "links", {"no_record_lost": "stop", "no_person_invented": "stop"}, drop("links", 0)),
    Case("a record that did not pass", "links", {"no_record_invented": "stop"}, drop("common_records", 0)),
    Case("a link to nobody", "links", {"persons_exist": "stop"}, drop("persons", 0)),
    Case(
        "a person without records", "links", {"no_person_invented": "stop"}, add("persons", 0, person_id=person_id(99))
    ),
    Case("a person of twenty records", "links", {"persons_to_look_at": "warn"}, many_records(1, 19)),
    Case(
        "a lump of strangers", "links", {"persons_to_look_at": "warn", "persons_not_huge": "stop"}, many_records(1, 60)
    ),
    Case(
        "two hukou records of one person",
        "links",
        {"two_hukou": "warn"},
        both(change("links", 1, person_id=person_id(0)), drop("persons", 1)),
    ),
    Case("matching found nothing", "links", {"singles_are_few": "warn"}, change("links", link_kind="single")),
    Case("two winners", "values", {"one_winner": "stop", "winners_add_up": "stop"}, add("values", 0, value="另一个")),
    Case(
        "a value of nobody", "values", {"winners_exist": "stop"}, add("values", 0, person_id=person_id(99), won=False)
    ),
    Case("a golden value without a source", "values", {"winners_add_up": "stop"}, drop("values", 0)),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.suite}: {case.name}")
def test_a_broken_register_is_noticed_by_its_rule(engine: Engine, gate: Gate, tmp_path: Path, case: Case) -> None:
    tables = register()
    case.broken(tables)
    paths = write_tables(engine, tables, tmp_path)
    known = parameters(paths, **(case.parameters or {}))
    outcomes = gate.run(read_suite(SUITES / f"{case.suite}.json"), paths[case.suite], known)
    assert {o.rule.name: o.verdict for o in outcomes if o.verdict != "pass"} == case.verdicts
    assert not any(o.error for o in outcomes)


@pytest.mark.parametrize("suite", ["persons", "households", "members", "links", "values"])
def test_a_good_register_passes_every_rule(engine: Engine, gate: Gate, tmp_path: Path, suite: str) -> None:
    paths = write_tables(engine, register(), tmp_path)
    known = parameters(paths, persons_before=20, households_before=10)
    outcomes = gate.run(read_suite(SUITES / f"{suite}.json"), paths[suite], known)
    assert {o.verdict for o in outcomes} == {"pass"}


@pytest.mark.parametrize("suite", ["persons", "households", "members", "links", "values"])
def test_every_shipped_rule_has_a_case(suite: str) -> None:
    rules = {rule.name for rule in read_suite(SUITES / f"{suite}.json").expectations}
    assert rules == {rule for case in CASES if case.suite == suite for rule in case.verdicts}
