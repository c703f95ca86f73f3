"""Which rows a department, or an account of an area, is given: a small register, by hand.

Street 东: A (police, grid), B (grid), R (grid, restricted). Street 西: C (police). Nowhere: D (grid). Households: 1 in 东 of A and C, 2 in 西 of B and C,
3 in 东 of R, 4 in 东 that A has left.
"""

from collections.abc import Iterator

import pytest

from linkage.kernel.engine import Engine
from linkage.release.scope import Scope

SQL = """
CREATE TABLE persons AS FROM (VALUES ('A', ['police', 'grid'], '东'), ('B', ['grid'], '东'), ('R', ['grid'], '东'), ('C', ['police'], '西'), ('D', ['grid'], NULL))
    t(person_id, sources, residence_street);
CREATE TABLE households AS FROM (VALUES ('1', '东', 2, 'C'), ('2', '西', 2, 'C'), ('3', '东', 1, 'R'), ('4', '东', 1, NULL)) t(household_id, street, members, head_person_id);
CREATE TABLE members AS FROM (VALUES ('1', 'A', NULL), ('1', 'C', NULL), ('2', 'B', NULL), ('2', 'C', NULL), ('3', 'R', NULL), ('4', 'A', DATE '2026-03-01'))
    t(household_id, person_id, valid_to);
CREATE TABLE restricted AS SELECT 'R' AS person_id;
CREATE TABLE notices AS FROM (VALUES ('grid', 'gone', 'A'), ('grid', 'B', 'A'), ('grid', 'C', 'A'), ('grid', 'A', 'C'), ('grid', 'D', 'B'), ('grid', 'A', 'R'), ('police', 'gone', 'A'))
    t(source, person_id, new_person_id)
"""  # fmt: skip
EAST, WEST = ("residence_street", "东"), ("residence_street", "西")


@pytest.fixture(scope="module")
def register() -> Iterator[Engine]:
    with Engine() as engine:
        engine.con.execute(SQL)
        for view in ("shared_persons", "shared_households", "shared_notices"):
            engine.run_sql("linkage.release", view)
        yield engine


# name: (own_only, area) -> (persons, households, notices) of grid
RULES: dict[str, tuple[bool, tuple[str, str] | None, str, str, list[str]]] = {
    "every person": (False, None, "ABCD", "124", ["A-C", "B-A", "C-A", "D-B", "gone-A"]),
    "persons it has a record of": (True, None, "ABD", "12", ["A-C", "B-A", "C-A", "D-B", "gone-A"]),
    "every person of a street": (False, EAST, "AB", "1", ["B-A", "gone-A"]),
    "its persons of a street": (True, EAST, "AB", "1", ["B-A", "gone-A"]),
    "every person of another": (False, WEST, "C", "2", []),
    "its persons of another": (True, WEST, "", "", []),
    "a name with a quote": (False, ("residence_street", "东' OR '1'='1"), "", "", []),
}


@pytest.mark.parametrize("name", RULES)
def test_who_is_given(register: Engine, name: str) -> None:
    own_only, area, persons, households, notices = RULES[name]
    scope = Scope("grid", own_only, area)

    def given(table: str, shown: str) -> list[str]:
        query = f"SELECT {shown} FROM shared_{table} WHERE {scope.where_sql(table)} ORDER BY 1"
        return [row[0] for row in register.con.execute(query).fetchall()]

    assert given("persons", "person_id") == list(persons)
    assert given("households", "household_id") == list(households)
    assert given("notices", "person_id || '-' || new_person_id") == notices


@pytest.mark.parametrize(
    ("own_only", "area", "table", "bounds"),
    [
        (False, None, "persons", False),
        (True, None, "households", True),
        (True, None, "notices", False),
        (False, EAST, "notices", True),
    ],
)
def test_whether_a_rule_can_leave_out_anything(
    own_only: bool, area: tuple[str, str] | None, table: str, bounds: bool
) -> None:
    assert Scope("grid", own_only, area).bounds(table) == bounds
