"""Who is registered with whom, who lives with whom, who is head, and how everybody is related to the head."""

from datetime import date
from typing import Any

import pytest

from linkage.kernel.engine import Engine
from tests.builders import record
from tests.resolve.test_stage import NIGHT_1, World

pytestmark = pytest.mark.slow  # whole stages

Rows = list[dict[str, Any]]
OLD_HOME, NEW_HOME = "翠苑街道|和睦府|1|2|301", "翠苑街道|新金都小区|5|1|802"
ADULT, CHILD, OLD = date(1985, 3, 12), date(2016, 5, 1), date(1940, 7, 7)


def police(key: str, number: str | None = "H1", relation: str | None = None, home: str = OLD_HOME, **more: Any) -> dict[str, Any]:  # fmt: skip
    return record(f"police:{key}", household_number=number, relation_to_head=relation, hukou_dwelling_key=home) | more


def grid(key: str, home: str | None, presence: str | None = None, **more: Any) -> dict[str, Any]:
    return record(f"grid:{key}", residence_dwelling_key=home, presence=presence) | more


def health(key: str, home: str | None, **more: Any) -> dict[str, Any]:
    return record(f"health:{key}", residence_dwelling_key=home) | more


@pytest.fixture
def world(tmp_path: Any) -> Any:
    with Engine() as engine:
        yield World(tmp_path, engine)


def households(world: World, records: Rows) -> dict[str, dict[str, str]]:
    """Link records of equal number (``police:1``, ``grid:1``) to one person; household basis key -> person's number -> relation."""
    keys = [r["record_key"] for r in records]
    pairs = [
        (a, b, 20.0, []) for i, a in enumerate(keys) for b in keys[i + 1 :] if a.split(":")[1][0] == b.split(":")[1][0]
    ]
    world.night(NIGHT_1, records, pairs)
    number = {row["person_id"]: row["record_key"].split(":")[1][0] for row in world.table("links")}
    home = {row["household_id"]: row["basis_key"] for row in world.table("household_links")}
    found: dict[str, dict[str, str]] = {}
    for row in world.table("members"):
        found.setdefault(home[row["household_id"]], {})[number[row["person_id"]]] = row["relation_to_head"]
    return found


LIVES: list[tuple[str, Rows, str | None]] = [
    ("only registered somewhere: there", [police("1")], OLD_HOME),
    ("met by a grid worker elsewhere", [police("1"), grid("1", NEW_HOME, "present_without_hukou")], NEW_HOME),
    ("an old file against tonight's visit", [health("1", OLD_HOME), grid("1", NEW_HOME, "present_without_hukou")], NEW_HOME),
    ("registered here, says the grid, but lives elsewhere", [police("1"), grid("1", OLD_HOME, "hukou_without_presence"), health("1", NEW_HOME)], NEW_HOME),
    ("nobody knows where, only that it is not here", [police("1"), grid("1", OLD_HOME, "hukou_without_presence")], None),
    ("a visit that says nothing about presence gives way to one that does", [grid("1", OLD_HOME, None, hukou_dwelling_key=OLD_HOME), grid("1b", NEW_HOME, "present_without_hukou")], NEW_HOME),
    ("two departments against one", [police("1"), health("1", OLD_HOME), record("civil:1", feed="civil_elder", residence_dwelling_key=NEW_HOME)], OLD_HOME),
    ("who died lives nowhere", [police("1"), health("1", OLD_HOME, person_status="deceased")], None),
    ("a record that has ended says nothing", [record("police:1", feed="police_floating", residence_dwelling_key=NEW_HOME, ended_on=date(2026, 1, 1))], None),
]  # fmt: skip


@pytest.mark.parametrize(("case", "records", "home"), LIVES, ids=[c[0] for c in LIVES])
def test_where_a_person_lives(world: World, case: str, records: Rows, home: str | None) -> None:
    found = {key for key, members in households(world, records).items() if "1" in members and key != "H1"}
    assert found == ({home} if home else set())


FAMILY: list[tuple[str, Rows, bool]] = [
    ("a child lives where its parent was met", [police("1", identity_birth_date=CHILD), police("2", identity_birth_date=ADULT), grid("2", NEW_HOME, "present_without_hukou")], True),
    ("a grown-up does not follow a parent", [police("1", identity_birth_date=ADULT), police("2", identity_birth_date=OLD), grid("2", NEW_HOME, "present_without_hukou")], False),
    ("who names the same head lives with them", [police("1"), health("1", None, head_name_key="王芳"), police("2"), grid("2", NEW_HOME, "present_without_hukou", head_name_key="王芳")], True),
    ("the same head's name in another family is chance", [police("1", "H1"), health("1", None, head_name_key="王芳"), police("2", "H2", home="K2"), grid("2", NEW_HOME, "present_without_hukou", head_name_key="王芳")], False),
    ("a relative of whom nobody knows more places nobody", [police("1", identity_birth_date=CHILD), police("2", identity_birth_date=ADULT), health("2", NEW_HOME)], False),
    ("one's own visit counts more than the family", [grid("1", OLD_HOME, "present_with_hukou"), health("1", OLD_HOME, head_name_key="王芳", household_number="J1"), health("2", None, head_name_key="王芳", household_number="J1"), grid("2", NEW_HOME, "present_without_hukou")], False),
]  # fmt: skip


@pytest.mark.parametrize(("case", "records", "together"), FAMILY, ids=[c[0] for c in FAMILY])
def test_the_family_speaks_for_who_is_not_known_to_live_anywhere(
    world: World, case: str, records: Rows, together: bool
) -> None:
    assert ("1" in households(world, records).get(NEW_HOME, {})) is together


def test_a_room_written_without_its_unit_is_the_room_that_the_night_knows(world: World) -> None:
    room = {"residence_building_key": "翠苑街道|和睦府|1", "residence_room": "301"}
    found = households(world, [grid("1", OLD_HOME, "present_with_hukou") | room, health("2", None) | room])
    assert set(found[OLD_HOME]) == {"1", "2"}


UNLISTED: list[tuple[str, dict[str, Any], bool]] = [
    ("met at home as registered there", grid("2", OLD_HOME, "present_with_hukou"), True),
    ("young, and the health file names the registered home", health("2", NEW_HOME, hukou_dwelling_key=OLD_HOME, identity_birth_date=ADULT), True),
    ("old, and nobody met them: may have been taken off the list by death", health("2", NEW_HOME, hukou_dwelling_key=OLD_HOME, identity_birth_date=OLD), False),
    ("an infant without a number is not registered yet", grid("2", OLD_HOME, "present_with_hukou", birth_date=date(2026, 1, 5)), False),
    ("an infant with a number is", grid("2", OLD_HOME, "present_with_hukou", birth_date=date(2026, 1, 5), identity_grade="A"), True),
    ("registered elsewhere", health("2", NEW_HOME, hukou_dwelling_key="341522|周集镇|刘集村|21组|147", identity_birth_date=ADULT), False),
    ("lives there as a tenant", grid("2", OLD_HOME, "present_without_hukou", identity_birth_date=ADULT), False),
]  # fmt: skip


@pytest.mark.parametrize(("case", "unlisted", "belongs"), UNLISTED, ids=[c[0] for c in UNLISTED])
def test_who_is_missing_from_the_police_list_tonight(world: World, case: str, unlisted: dict[str, Any], belongs: bool) -> None:  # fmt: skip
    assert ("2" in households(world, [police("1"), unlisted])["H1"]) is belongs


EVIDENCE: list[tuple[str, Rows, dict[str, list[str]]]] = [
    ("registered, and lives there", [police("1")], {"hukou": ["police:1"], "residence": ["police:1"]}),
    ("the visit decided", [police("1"), health("1", NEW_HOME), grid("1", NEW_HOME, "present_without_hukou")], {"hukou": ["police:1"], "residence": ["grid:1", "health:1"]}),
    ("a child whom only a parent's visit places", [police("1", identity_birth_date=CHILD, relation="20"), police("2", identity_birth_date=ADULT, relation="02"), grid("2", NEW_HOME, "present_without_hukou")], {"hukou": ["police:1"], "residence": []}),
]  # fmt: skip


@pytest.mark.parametrize(("case", "records", "expected"), EVIDENCE, ids=[c[0] for c in EVIDENCE])
def test_which_records_place_a_person_and_which_decided(
    world: World, case: str, records: Rows, expected: dict[str, list[str]]
) -> None:
    """The first of each list decided."""
    households(world, records)
    person = world.person("police:1")
    homes = {m["household_id"] for m in world.table("members") if m["person_id"] == person}
    mine = [e for e in world.table("household_evidence") if e["person_id"] == person and e["household_id"] in homes]
    found = {
        family: sorted((e for e in mine if e["family"] == family), key=lambda e: (not e["decided"], e["record_key"]))
        for family in ("hukou", "residence")
    }
    assert len(homes) == 2
    assert {family: [e["record_key"] for e in said] for family, said in found.items()} == expected
    assert all([e["decided"] for e in said] == [n == 0 for n in range(len(said))] for said in found.values())


def test_a_home_with_two_registered_families_tells_nothing(world: World) -> None:
    found = households(world, [police("1"), police("3", "H2"), grid("2", OLD_HOME, "present_with_hukou")])
    assert "2" not in found["H1"] and "2" not in found["H2"]


def test_a_room_of_unrelated_people_is_a_dormitory_and_has_no_head(world: World) -> None:
    records = [grid(str(i), NEW_HOME, "present_without_hukou", relation_to_head="99" if i > 2 else "02") for i in range(1, 7)]  # fmt: skip
    households(world, records)
    (home,) = world.table("household_links")
    assert (home["kind"], home["head_person_id"]) == ("collective", None)


MOVED_OUT: Rows = [
    police("1", relation="02", sex="1", identity_birth_date=date(1955, 1, 1)),
    police("2", relation="21", sex="1", identity_birth_date=ADULT),
    police("3", relation="38", sex="2", identity_birth_date=ADULT),
    police("4", relation="42", sex="2", identity_birth_date=CHILD),
    *(grid(k, NEW_HOME, "present_without_hukou", relation_to_head=r) for k, r in (("2", "02"), ("3", None), ("4", None))),
    grid("1", OLD_HOME, "present_with_hukou", relation_to_head="02"),
]  # fmt: skip


def test_relations_hold_for_the_head_of_this_household(world: World) -> None:
    """The son moved out with wife and daughter: in the registered household they are the father's, in the new home the son's."""
    found = households(world, MOVED_OUT)
    assert found["H1"] == {"1": "02", "2": "21", "3": "38", "4": "42"}
    assert found[NEW_HOME] == {"2": "02", "3": "12", "4": "30"}


def test_of_two_children_it_is_not_guessed_whose_grandchild_it_is(world: World) -> None:
    brother = [
        police("5", relation="22", sex="1"),
        grid("5", NEW_HOME, "present_without_hukou", relation_to_head=None),
    ]
    found = households(world, [*MOVED_OUT, *brother])
    assert found[NEW_HOME] == {"2": "02", "3": "79", "4": "80", "5": "70"}
