"""What is kept in memory for the review desk tells the same as the night's tables, and what it does not hold is read from those."""

from dataclasses import replace

import duckdb
import pytest

from linkage.portal.at_hand import TABLES, AtHand
from linkage.portal.register import Register
from linkage.portal.review.component import open_component
from linkage.portal.review.lookups import among
from linkage.portal.review.weights import read_pairs
from tests.portal.conftest import Portal

BY = {"common_records": "record_key", "former_records": "record_key", "crosswalk": "source || ':' || record_id"}


@pytest.fixture
def register(portal: Portal) -> Register:
    found = portal.settings.registers.current()
    assert found.at_hand is not None
    found.at_hand.wait()
    return found


@pytest.fixture
def cases(register: Register) -> list[list[str]]:
    rows = register.rows("SELECT records FROM review_cases WHERE kind <> 'quality_sample' ORDER BY case_id LIMIT 40")
    return [row["records"] for row in rows]


def test_every_case_is_at_hand_with_all_records_of_its_persons(register: Register) -> None:
    assert register.at_hand is not None
    wanted = register.rows(
        "SELECT DISTINCT source || ':' || record_id AS key FROM crosswalk WHERE person_id IN (SELECT unnest(person_ids) FROM review_cases)"
    )
    assert wanted
    assert register.at_hand.holds([row["key"] for row in wanted])


@pytest.mark.parametrize("table", sorted(BY))
def test_rows_at_hand_are_those_of_the_night(register: Register, cases: list[list[str]], table: str) -> None:
    keys = [key for records in cases for key in records]
    condition, bound = among(BY[table], keys, "k")
    kept = register.holding(table, keys)
    assert kept != table
    both = [
        register.rows(f"SELECT * FROM {relation} WHERE {condition} ORDER BY ALL", **bound) for relation in (kept, table)
    ]
    assert both[0] == both[1]
    assert both[0] or table == "former_records"


def test_pairs_and_components_are_the_same_without_it(
    portal: Portal, register: Register, cases: list[list[str]]
) -> None:
    without = replace(register, at_hand=None)
    found = []
    for records in cases[:15]:
        assert read_pairs(register, records) == read_pairs(without, records)
        pairs = [(records[0], records[1], "same")]
        with (
            open_component(portal.state, register, records) as near,
            open_component(portal.state, without, records) as far,
        ):
            found.append((near.outcome(pairs), far.outcome(pairs)))
    assert all(near == far for near, far in found)
    assert any(near.changes for near, _ in found)


def test_a_record_of_nobody_in_doubt_is_read_from_the_night(register: Register) -> None:
    assert register.at_hand is not None
    everybody = [row["key"] for row in register.rows("SELECT record_key AS key FROM common_records ORDER BY key")]
    other = next(key for key in everybody if not register.at_hand.holds([key]))
    assert {table: register.holding(table, [other]) for table in TABLES} == {table: table for table in TABLES}


def test_a_copy_that_cannot_be_made_only_makes_the_desk_slower(
    register: Register, caplog: pytest.LogCaptureFixture
) -> None:
    assert register.run is not None
    broken = AtHand(duckdb.connect(), register.run)  # knows none of the tables
    broken.wait()
    assert replace(register, at_hand=broken).holding("crosswalk", ["police:1"]) == "crosswalk"
    assert "not kept in memory (CatalogException)" in caplog.text
