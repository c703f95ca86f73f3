"""Pages and API of a person and a household: what each viewer is shown, and what nobody is told."""

from pathlib import Path

import pytest

from linkage.portal.settings import Pace
from tests.portal.conftest import Portal
from tests.portal.people import RETIRED, RETIRED_HOUSEHOLD, RETIRED_TO_RESTRICTED, Changed, change, one, rows

READERS = ("police_reader", "civil_reader", "health_reader", "grid_reader")


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "allows", lambda *asked: True)


@pytest.fixture(scope="module")
def changed(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Changed:
    return change(two_nights, tmp_path_factory.mktemp("people") / "state")


def known_to_all(portal: Portal) -> str:
    return str(one(portal, "SELECT person_id FROM persons WHERE len(sources) = 4 ORDER BY person_id LIMIT 1"))


@pytest.mark.parametrize("username", READERS)
def test_a_department_is_shown_its_columns_and_its_own_records(portal: Portal, username: str) -> None:
    person = known_to_all(portal)
    answer = portal.client(username).get(f"/api/v1/persons/{person}").json()
    department = username.removesuffix("_reader")
    granted = next(d for d in portal.settings.sharing.departments if d.source == department)
    assert set(answer["person"]) == set(granted.persons)
    assert {line["field"] for line in answer["fields"]} <= set(granted.persons)
    assert {record["source"] for record in answer["records"]} == {department}
    for line in answer["fields"]:
        for value in filter(None, (line["winner"], *line["agreeing"], *line["losing"])):
            assert value["record_id"] is None
    foreign = rows(
        portal,
        "SELECT record_id FROM crosswalk WHERE person_id = $id AND source <> $own",
        id=person,
        own=department,
    )
    page = portal.client(username).get(f"/people/{person}").text
    assert person in page
    assert not [row for row in foreign if row["record_id"] in page]


def test_masks_hold_on_every_line(portal: Portal) -> None:
    person = one(
        portal,
        "SELECT person_id FROM persons WHERE list_contains(sources, 'grid') AND length(identity_number) = 18 ORDER BY person_id LIMIT 1",
    )
    numbers = [
        row["value"]
        for row in rows(
            portal, "SELECT value FROM \"values\" WHERE person_id = $id AND field = 'identity_number'", id=person
        )
    ]
    client = portal.client("grid_reader")
    for text in (client.get(f"/people/{person}").text, client.get(f"/api/v1/persons/{person}").text):
        assert numbers
        assert not [number for number in numbers if number in text]
    assert "***********" in client.get(f"/people/{person}").text


def test_a_steward_sees_all_records_and_why(portal: Portal) -> None:
    person = known_to_all(portal)
    page = portal.client("steward").get(f"/people/{person}").text
    for record in rows(portal, "SELECT record_id FROM crosswalk WHERE person_id = $id", id=person):
        assert record["record_id"] in page
    assert f"/people/{person}/explain" in page
    assert portal.client("steward").get(f"/people/{person}/explain").status_code == 200
    assert portal.client("police_reader").get(f"/people/{person}/explain").status_code == 403
    assert f"/corrections/new?person={person}" in portal.client("police_reader").get(f"/people/{person}").text


def test_restricted_persons_are_hidden_from_departments_and_marked_for_stewards(changed: Changed) -> None:
    person = changed.restricted["person_id"]
    for username in (*READERS, "grid_system"):
        client = changed.portal.client(username)
        unknown = client.get("/api/v1/persons/P000000000000000Z")
        for path in (f"/api/v1/persons/{person}", f"/api/v1/persons/{RETIRED_TO_RESTRICTED}"):
            assert (client.get(path).status_code, client.get(path).text) == (404, unknown.text)
    page = changed.portal.client("steward").get(f"/people/{person}").text
    assert "此人已被限制处理" in page


def test_a_household_does_not_count_a_restricted_member_for_departments(changed: Changed) -> None:
    steward = changed.portal.client("steward").get(f"/api/v1/households/{changed.household}").json()
    police = changed.portal.client("police_reader").get(f"/api/v1/households/{changed.household}").json()
    person = changed.restricted["person_id"]
    assert person in {member["person_id"] for member in steward["members"]}
    assert person not in str(police)
    assert police["household"]["members"] == steward["household"]["members"] - 1
    assert police["members_outside_your_rights"] == 0
    assert (
        changed.restricted["full_name"]
        not in changed.portal.client("police_reader").get(f"/households/{changed.household}").text
    )


def test_members_outside_the_viewers_rows_are_counted_and_not_named(portal: Portal) -> None:
    row = rows(
        portal,
        "SELECT m.household_id, count(*) AS n FROM members m JOIN persons p USING (person_id) WHERE m.valid_to IS NULL GROUP BY 1 "
        "HAVING bool_or(list_contains(sources, 'health')) AND bool_or(NOT list_contains(sources, 'health')) ORDER BY 1 LIMIT 1",
    )[0]
    foreign = [
        entry["person_id"]
        for entry in rows(
            portal,
            "SELECT person_id FROM members JOIN persons USING (person_id) WHERE household_id = $id AND valid_to IS NULL AND NOT list_contains(sources, 'health')",
            id=row["household_id"],
        )
    ]
    answer = portal.client("health_reader").get(f"/api/v1/households/{row['household_id']}")
    assert answer.json()["members_outside_your_rights"] == len(foreign)
    assert not [person for person in foreign if person in answer.text]
    assert "不在您权限内的成员" in portal.client("health_reader").get(f"/households/{row['household_id']}").text


def test_retired_ids_lead_to_their_successors(changed: Changed) -> None:
    client = changed.portal.client("steward")
    answer = client.get(f"/people/{RETIRED}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/people/{changed.successor}?from={RETIRED}")
    assert "已停用，由本编号继任" in client.get(answer.headers["location"]).text
    assert client.get(f"/api/v1/persons/{RETIRED}").json()["retired_id"] == RETIRED
    assert (
        client.get(f"/households/{RETIRED_HOUSEHOLD}")
        .headers["location"]
        .startswith(f"/households/{changed.household}")
    )
    # A notice cannot be put under just any id.
    assert "继任" not in client.get(f"/people/{changed.successor}?from=P00000000000000AA").text


def test_an_area_user_sees_nobody_of_elsewhere(portal: Portal) -> None:
    from tests.portal.conftest import add_person

    if "grid_area" not in portal.users:
        portal.users["grid_area"] = add_person(
            portal, "grid_area", "grid", ("department_reader",), area_level="community", area_name="别的社区"
        )
    assert portal.client("grid_area").get(f"/people/{known_to_all(portal)}").status_code == 404


@pytest.mark.parametrize("username", [*READERS, "steward"])
def test_a_record_of_a_department_leads_to_its_person(portal: Portal, username: str) -> None:
    record = rows(
        portal, "SELECT source, record_id, person_id FROM crosswalk WHERE source = 'police' ORDER BY ALL LIMIT 1"
    )[0]
    answer = portal.client(username).get(f"/api/v1/records/{record['source']}/{record['record_id']}")
    if username in ("police_reader", "steward"):
        assert answer.json()["person_id"] == record["person_id"]
    else:
        assert answer.status_code == 404


def test_looking_needs_a_purpose_and_is_put_on_record(portal: Portal) -> None:
    person = known_to_all(portal)
    answer = portal.client("police_reader", purpose=None).get(f"/people/{person}")
    assert answer.headers["location"].startswith("/purpose")
    assert portal.client("police_reader", purpose=None).get(f"/api/v1/persons/{person}").status_code == 403
    assert portal.client("verifier").get(f"/people/{person}").status_code == 403


def test_pages_speak_english_too(portal: Portal) -> None:
    client = portal.client("steward")
    client.cookies.set("gridroll_language", "en")
    assert "What happened" in client.get(f"/people/{known_to_all(portal)}").text


def test_a_person_who_merged_or_changed_has_a_line_for_it(portal: Portal) -> None:
    event = rows(
        portal,
        "SELECT subject_id, night, kind, field FROM history WHERE kind = 'field_changed' AND field IN ('phone', 'residence_address', 'full_name') "
        "AND subject_id IN (SELECT person_id FROM persons) ORDER BY ALL LIMIT 1",
    )[0]
    page = portal.client("steward").get(f"/people/{event['subject_id']}").text
    told = page.partition('<ol class="timeline">')[2].partition("</ol>")[0]
    assert f'<time datetime="{event["night"]}">' in told
    assert "没有记下变更" not in page
    name = {"phone": "电话", "residence_address": "现住地址", "full_name": "姓名"}[event["field"]]
    assert name in told


def test_a_household_shows_its_address_and_every_member(portal: Portal) -> None:
    home = rows(
        portal,
        "SELECT household_id, address FROM households WHERE members >= 3 AND address IS NOT NULL ORDER BY 1 LIMIT 1",
    )[0]
    members = rows(
        portal,
        "SELECT person_id, full_name FROM members JOIN persons USING (person_id) WHERE household_id = $id AND valid_to IS NULL",
        id=home["household_id"],
    )
    page = portal.client("steward").get(f"/households/{home['household_id']}").text
    assert home["address"] in page and len(members) >= 3
    assert all(m["full_name"] in page and f"/people/{m['person_id']}" in page for m in members)
