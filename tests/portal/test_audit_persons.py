"""One person under several ids, and areas that exist, on a real register."""

import duckdb
import pytest

from linkage.kernel.errors import ConfigurationError
from linkage.portal.areas import known_areas, parse_area
from linkage.portal.desk import Desk
from linkage.portal.same_person import ids_of_person
from tests.portal.conftest import Portal


@pytest.fixture
def desk(portal: Portal) -> Desk:
    return Desk(portal.settings, None, "zh")


RETIRED = {"A": ("B", "C"), "B": ("C", "C"), "D": ("C", "C"), "X": (None, None), "Y": (None, "Z"), "H": ("B", "B")}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("A", "ABCD"), ("B", "ABCD"), ("C", "ABCD"), ("D", "ABCD"), ("X", "X"), ("Y", "YZ"), ("Z", "YZ"), ("N", "N")],
)
def test_all_ids_that_lead_to_one_person_are_one(desk: Desk, asked: str, expected: str) -> None:
    con = duckdb.connect()
    con.execute("CREATE TABLE retired_ids (id VARCHAR, successor_id VARCHAR, last_successor_id VARCHAR, kind VARCHAR)")
    for retired, (next_id, last_id) in RETIRED.items():
        con.execute(
            "INSERT INTO retired_ids VALUES (?, ?, ?, ?)",
            [retired, next_id, last_id, "household" if retired == "H" else "person"],
        )
    found = desk.register
    desk.register = type(found)(found.release, found.manifest, con, found.run)
    assert "".join(ids_of_person(desk, asked)) == expected


def test_the_report_works_on_the_register_as_it_is(portal: Portal, desk: Desk) -> None:
    (person,) = desk.register.rows("SELECT person_id FROM persons LIMIT 1")
    answer = portal.client("auditor", purpose=None).get(f"/audit/persons/{person['person_id']}")
    assert answer.status_code == 200 and person["person_id"] in answer.text


def test_areas_are_those_of_the_register(desk: Desk) -> None:
    areas = known_areas(desk)
    assert set(areas) == {"street", "community", "grid"} and all(areas.values())
    for level, names in areas.items():
        assert parse_area(desk, level, f" {names[0]} ") == (level, names[0])
        with pytest.raises(ConfigurationError, match="总库中没有"):
            parse_area(desk, level, "不存在")
    assert parse_area(desk, "district", "whatever") == ("district", "")


def test_an_account_of_a_street_is_made_in_the_pages(portal: Portal, desk: Desk) -> None:
    street = known_areas(desk)["street"][0]
    officer = portal.client("sysadmin", purpose=None)
    assert street in officer.get("/accounts/new").text
    fields = {"username": "street_reader", "display_name": "S", "department": "grid", "area_level": "street"}
    assert officer.post("/accounts/new", data=fields | {"area_name": "不存在"}).status_code == 422
    assert officer.post("/accounts/new", data=fields | {"area_name": street}).status_code == 200
