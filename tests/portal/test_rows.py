"""Whose rows come back: for everybody and every table, worked out here from the two files and the release's tables once more."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import pytest

from linkage.portal.access import READABLE
from linkage.portal.views import view_of
from tests.portal.conftest import PEOPLE, Portal
from tests.portal.people import Changed, change
from tests.portal.test_views import ROLES, SHARING, expected_columns, viewer

Row = dict[str, Any]
AREAS = {"street": "residence_street", "community": "residence_community", "grid": "grid_code"}


@pytest.fixture(scope="module")
def changed(two_nights: Any, tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """A register in which one person is restricted, which the scopes must heed."""
    return change(two_nights, tmp_path_factory.mktemp("rows") / "state")


@dataclass(frozen=True)
class Facts:
    """The release's tables as plain Python."""

    persons: dict[str, Row]
    tables: dict[str, list[Row]]

    def households_of(self, persons: Set[str], *, former: bool = False) -> set[str]:
        """Where these persons live, or ever lived."""
        return {
            row["household_id"]
            for row in self.tables["members"]
            if row["person_id"] in persons and (former or row["valid_to"] is None)
        }


def facts_of(portal: Portal) -> Facts:
    register = portal.settings.registers.current()
    tables = {table: register.rows(f'SELECT * FROM "{table}"') for table in READABLE}
    return Facts({row["person_id"]: row for row in tables["persons"]}, tables)


@pytest.fixture(scope="module")
def facts(changed: Changed) -> Facts:
    return facts_of(changed.portal)


def persons_in_scope(facts: Facts, username: str, table: str, area: tuple[str, str] | None) -> set[str]:
    """Whom the files let the user see in ``table``: all, or by the department's scope nobody restricted; within the area."""
    department, roles = PEOPLE[username]
    reads = [read for role in roles for read in ROLES[role].get("reads", ()) if read["table"] == table]
    if any(read.get("rows") == "all" for read in reads):
        found = set(facts.persons)
    elif reads and department in SHARING:
        own = SHARING[department]["scope"] == "own"
        found = {
            person
            for person, row in facts.persons.items()
            if row["restriction"] is None and (not own or department in row["sources"])
        }
    else:
        return set()
    return {person for person in found if area is None or facts.persons[person][AREAS[area[0]]] == area[1]}


ID_OF = {
    "persons": "person_id",
    "households": "household_id",
    "history": "subject_id",
    "review_cases": "case_id",
    "common_records": "record_key",
}
"""What is looked at of each row; of the other tables whose row it is."""


def expected_ids(facts: Facts, username: str, table: str, area: tuple[str, str] | None) -> list[str]:
    """The ids of the rows that the user may read, one for each row."""
    persons = persons_in_scope(facts, username, table, area)
    rows, name = facts.tables[table], ID_OF.get(table, "person_id")
    if persons == set(facts.persons) and area is None:
        granted: Set[str] = {row[name] for row in rows}
    else:
        granted = _about(facts, table, persons, area)
    fields = expected_columns(username, "persons")
    return sorted(row[name] for row in rows if row[name] in granted and (table != "values" or row["field"] in fields))


def _about(facts: Facts, table: str, persons: Set[str], area: tuple[str, str] | None) -> Set[str]:
    """The ids of rows of ``table`` that are about one of these persons; a household is also of its own area."""
    match table:
        case "households":
            homes = facts.households_of(persons)
            column = {"street": "street", "community": "community", "grid": "grid_code"}[area[0]] if area else ""
            return {
                row["household_id"]
                for row in facts.tables[table]
                if row["household_id"] in homes and (area is None or row[column] == area[1])
            }
        case "history":
            return persons | facts.households_of(persons, former=True)
        case "review_cases":
            return {row["case_id"] for row in facts.tables[table] if persons & set(row["person_ids"])}
        case "common_records":
            links = facts.tables["crosswalk"]
            return {f"{row['source']}:{row['record_id']}" for row in links if row["person_id"] in persons}
        case _:
            return persons


@pytest.mark.parametrize("level", ["district", "grid", "community"])
@pytest.mark.parametrize("username", PEOPLE)
def test_the_rows_that_come_back_are_those_of_the_scope(
    changed: Changed, facts: Facts, username: str, level: str
) -> None:
    portal, column = changed.portal, AREAS.get(level, "")
    names = Counter(row[column] for row in facts.persons.values() if row[column]) if column else Counter[str]()
    area = (level, names.most_common(1)[0][0]) if column else None
    who = viewer(username, area_level=level, area_name=area[1] if area else "")
    for table in READABLE:
        view = view_of(who, table, portal.settings.sharing)
        expected = expected_ids(facts, username, table, area)
        if view is None:
            assert expected_columns(username, table) == {}, table
            continue
        rows = view.rows(portal.settings.registers.current().con)
        assert sorted(row[ID_OF.get(table, "person_id")] for row in rows) == expected, table
        assert expected or table == "review_cases", table


def test_the_scopes_differ(facts: Facts) -> None:
    """What is compared is not everything of everybody."""
    sizes = {name: len(persons_in_scope(facts, name, "persons", None)) for name in PEOPLE}
    assert sizes["nobody"] == sizes["auditor"] == sizes["head"] == sizes["archivist"] == 0
    assert 0 < sizes["grid_reader"] < sizes["police_reader"] == sizes["steward"] - 1  # one is restricted
    assert sizes["grid_reader"] != sizes["health_reader"]
