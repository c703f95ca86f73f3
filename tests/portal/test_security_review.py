"""Ways around the views, the audit and the quotas that an attacker with an account would try."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import audit_table, role_grants_table
from linkage.portal.guard import add_usage, read_usage
from linkage.portal.people.told import told_sentences
from linkage.portal.tokens import create_token
from tests.portal.conftest import Portal, add_person, open_portal
from tests.portal.people import desk, one, rows

PERSON_ID = re.compile("P[0-9A-HJKMNP-TV-Z]{16}")


@pytest.fixture(scope="module")
def own(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """A portal of these tests' own, with a steward of the largest community."""
    folder = tmp_path_factory.mktemp("security") / "state"
    shutil.copytree(two_nights, folder)
    found = open_portal(folder)
    add = {"area_level": "community", "area_name": community(found)}
    found.users["community_steward"] = add_person(found, "community_steward", "office", ("steward",), **add)
    return found


def community(portal: Portal) -> str:
    return str(
        one(
            portal,
            "SELECT residence_community FROM persons WHERE residence_community IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
        )
    )


def newest(portal: Portal, action: str) -> dict[str, Any]:
    """The newest entry of the audit about ``action``."""
    query = sa.select(audit_table.c.entry).order_by(audit_table.c.seq.desc())
    with open_database(portal.state).connect() as connection:
        entries = (json.loads(text) for text in connection.execute(query).scalars())
        return next(entry for entry in entries if entry["action"] == action)


def machine(portal: Portal, tables: dict[str, list[str]], *may: str) -> TestClient:
    """A program with a token of grid_system."""
    _, bearer = create_token(
        portal.state, desk(portal, "grid_system").who, name="t", purpose="register_quality", may=may, tables=tables, days=5
    )  # fmt: skip
    client = portal.client()
    client.headers["authorization"] = f"Bearer {bearer}"
    return client


def living_with_others(portal: Portal, where: str = "true") -> str:
    """Somebody who lives with others."""
    return str(
        one(
            portal,
            "SELECT person_id FROM persons p JOIN members m USING (person_id) JOIN households h USING (household_id) "
            f"WHERE h.members >= 3 AND m.valid_to IS NULL AND ({where}) ORDER BY person_id LIMIT 1",
        )
    )


def test_everybody_whom_an_explanation_names_is_on_record(own: Portal) -> None:
    person = living_with_others(own)
    page = own.client("steward").get(f"/people/{person}/explain")
    named = set(PERSON_ID.findall(page.text))
    assert len(named) > 1
    assert set(newest(own, "explain")["persons"]) == named


TOGETHER = """
SELECT a.person_id, b.person_id AS other, a.grid_code AS area
FROM members m JOIN members n USING (household_id)
JOIN persons a ON a.person_id = m.person_id JOIN persons b ON b.person_id = n.person_id
WHERE m.valid_to IS NULL AND n.valid_to IS NULL AND a.grid_code IS NOT NULL AND a.grid_code IS DISTINCT FROM b.grid_code
ORDER BY ALL LIMIT 1
"""


@pytest.fixture(scope="module")
def apart(own: Portal) -> dict[str, str]:
    """Two of one household who are not of one grid; and a steward of the first one's grid alone."""
    found = rows(own, TOGETHER)[0]
    area = {"area_level": "grid", "area_name": found["area"]}
    own.users["of the area"] = add_person(own, "of_the_area", "office", ("steward",), **area)
    return found


def test_an_explanation_names_nobody_outside_the_area(own: Portal, apart: dict[str, str]) -> None:
    path = f"/people/{apart['person_id']}/explain"
    assert apart["other"] in own.client("steward").get(path).text
    page = own.client("of the area").get(path)
    assert page.status_code == 200
    assert apart["person_id"] in page.text
    assert apart["other"] not in page.text
    assert apart["other"] not in newest(own, "explain")["persons"]


def test_what_a_decision_would_do_names_nobody_outside_the_area(own: Portal, apart: dict[str, str]) -> None:
    here, there, new = apart["person_id"], apart["other"], "P0000000000000009"
    told = [(f"从 {there} 移到 {here}，另得 {new}。", f"from {there} to {here}, and {new}.")]
    everybody = desk(own, "steward")
    assert told_sentences(everybody, told, [here, there]) == told
    assert everybody.persons == {here, there}
    bounded = desk(own, "of the area", "en")
    ((zh, en),) = told_sentences(bounded, told, [here, there])
    assert there not in zh + en
    assert here in zh
    assert new in zh  # an id that nobody has had yet
    assert bounded.persons == {here}


def test_the_cases_of_the_whole_district_are_not_for_a_steward_of_one_community(own: Portal) -> None:
    release = own.settings.registers.current().release.name
    assert own.client("steward").get(f"/report/nights/{release}/cases").status_code == 200
    bounded = own.client("community_steward")
    assert bounded.get(f"/report/nights/{release}/cases").status_code == 404
    assert "/cases" not in bounded.get("/report").text


def test_a_token_without_person_ids_still_puts_on_record_who_was_shown(own: Portal) -> None:
    found = rows(own, "SELECT * FROM persons WHERE list_contains(sources, 'grid') AND phone IS NOT NULL ORDER BY person_id LIMIT 1")[0]  # fmt: skip
    client = machine(own, {"persons": ["full_name", "phone"]}, "look_up")
    answer = client.post("/api/v1/persons/search", json={"kind": "phone", "text": found["phone"]})
    assert [set(person) for person in answer.json()["persons"]] == [{"full_name", "phone"}]
    assert newest(own, "search")["persons"] == [found["person_id"]]


def test_a_token_for_addresses_alone_puts_on_record_who_lives_there(own: Portal) -> None:
    person = living_with_others(own, "list_contains(sources, 'grid')")
    household = one(own, "SELECT household_id FROM members WHERE person_id = $p AND valid_to IS NULL LIMIT 1", p=person)
    client = machine(own, {"persons": ["full_name"], "households": ["household_id", "address"]}, "look_up")
    answer = client.get(f"/api/v1/households/{household}")
    assert set(answer.json()["household"]) == {"household_id", "address"}
    assert person in newest(own, "household")["persons"]


def test_another_site_puts_no_search_on_record_in_a_users_name(own: Portal) -> None:
    client = own.client("police_reader")
    asked = {"kind": "name", "text": "张三"}
    for headers in ({"origin": "https://elsewhere.example"}, {"origin": "null"}, {"sec-fetch-site": "same-site"}):
        assert client.post("/people", data=asked, headers=headers).status_code == 403, headers
        assert client.post("/api/v1/persons/search", json=asked, headers=headers).status_code == 403, headers
    assert client.post("/people", data=asked, headers={"origin": "http://localhost:8090"}).status_code == 200


def test_values_read_on_the_form_of_corrections_count_as_persons_shown(own: Portal) -> None:
    client, who = own.client("civil_reader"), desk(own, "civil_reader")
    before = read_usage(who, "rows")
    persons = [row["person_id"] for row in rows(own, "SELECT person_id FROM persons ORDER BY person_id LIMIT 3")]
    for person in persons:
        assert client.get(f"/corrections/new?person={person}").status_code == 200
    assert read_usage(who, "rows") == before + 3
    assert client.get(f"/people/{persons[0]}").status_code == 200
    homes = len(set(newest(own, "person")["persons"]))
    assert read_usage(who, "rows") == before + 3 + homes  # each person once


def test_over_the_quota_a_change_is_refused_before_it_is_made(own: Portal) -> None:
    client, who = own.client("health_reader"), desk(own, "health_reader")
    person = one(own, "SELECT person_id FROM persons WHERE list_contains(sources, 'health') AND phone IS NOT NULL ORDER BY 1 LIMIT 1")  # fmt: skip
    add_usage(who, "rows", who.who.rows_per_day + 1)
    asked = {"person": person, "field": "phone", "reason_code": "outdated"}
    assert client.post("/corrections", data=asked).status_code == 429
    assert newest(own, "correction_raise")["outcome"] == "denied"
    assert person not in own.client("steward").get("/corrections?side=all").text
    assert client.post("/logout").status_code == 303  # what shows nobody is no matter of the quota


def test_a_role_that_is_taken_away_opens_nothing_in_a_running_session(own: Portal) -> None:
    client = own.client("second")
    person = one(own, "SELECT person_id FROM persons ORDER BY 1 LIMIT 1")
    assert client.get(f"/people/{person}").status_code == 200
    mine = role_grants_table.c.user_id == own.users["second"]
    with open_database(own.state).begin() as connection:
        connection.execute(sa.update(role_grants_table).where(mine).values(revoked_at=sa.func.now(), revoked_by="t"))
    assert client.get(f"/people/{person}").status_code == 403


def test_what_people_wrote_and_what_spills_out_of_memory_is_for_the_portals_user_alone(
    tmp_path: Path, own: Portal
) -> None:
    state = State(tmp_path / "state")
    open_database(state)
    assert oct((state.root / "gridroll.sqlite").stat().st_mode)[-3:] == "600"
    spill = Path(one(own, "SELECT current_setting('temp_directory')"))
    assert own.state.root in spill.parents
    assert oct(spill.stat().st_mode)[-3:] == "700"


def test_the_system_administrator_does_not_widen_what_a_role_shows(own: Portal) -> None:
    """Roles are the security administrator's; so is whose rows they show."""
    client, target = own.client("sysadmin"), f"/accounts/{own.users['community_steward']}"
    area = community(own)
    same = {"display_name": "S", "department": "office", "area_level": "community", "area_name": area}
    assert client.post(f"{target}/change", data=same).status_code == 303
    for wider in ({"department": "police"}, {"area_level": "district", "area_name": ""}):
        assert client.post(f"{target}/change", data=same | wider).status_code == 422, wider
    narrower = same | {"department": "civil"}
    reader = f"/accounts/{own.users['civil_reader']}"
    assert client.post(f"{reader}/change", data=narrower).status_code == 303
