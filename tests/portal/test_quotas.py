"""How much one user may look up: persons a day, look-ups a minute. Small limits, as a copy of config/access.yaml would set them."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from linkage.portal.app import create_app
from linkage.portal.guard import guard_of, read_usage
from linkage.portal.settings import Pace
from tests.portal.conftest import Portal, open_portal
from tests.portal.people import desk, rows
from tests.portal.test_security_review import machine, newest

Look = Callable[[TestClient, str], tuple[int, str]]
LOOK_UPS = {"search", "person", "household", "record", "explain", "verify", "match"}


@pytest.fixture(scope="module")
def own(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """A portal whose usage is these tests' own."""
    folder = tmp_path_factory.mktemp("quotas") / "state"
    shutil.copytree(two_nights, folder)
    return open_portal(folder)


def limited(portal: Portal, role: str, **limits: int) -> Portal:
    """A second portal over the same state, in which ``role`` has other limits; nobody asked it for anything yet."""
    access = portal.settings.access
    roles = tuple(one.model_copy(update=limits) if one.role == role else one for one in access.roles)
    settings = replace(portal.settings, access=access.model_copy(update={"roles": roles}), pace=Pace())
    return Portal(create_app(settings), settings, portal.users)


@pytest.fixture(scope="module")
def persons(own: Portal) -> list[str]:
    """Persons of the police, whom the police and a department's system of the grid may see."""
    found = rows(own, "SELECT person_id FROM persons WHERE list_contains(sources, 'police') AND list_contains(sources, 'grid') ORDER BY 1 LIMIT 4")  # fmt: skip
    return [row["person_id"] for row in found]


def by_page(client: TestClient, person: str) -> tuple[int, str]:
    answer = client.get(f"/people/{person}")
    return answer.status_code, answer.text


def by_search(client: TestClient, person: str) -> tuple[int, str]:
    answer = client.post("/people", data={"kind": "person", "text": person})
    return answer.status_code, answer.text


def by_program(client: TestClient, person: str) -> tuple[int, str]:
    answer = client.get(f"/api/v1/persons/{person}")
    return answer.status_code, answer.text


@pytest.mark.parametrize(("username", "look"), [("police_reader", by_page), ("civil_reader", by_search), ("health_reader", by_program)])  # fmt: skip
def test_a_look_over_the_days_quota_is_refused_and_shows_nobody(own: Portal, username: str, look: Look) -> None:
    source = username.partition("_")[0]
    first, second = rows(own, "SELECT person_id, full_name FROM persons WHERE list_contains(sources, $s) ORDER BY 1 LIMIT 2", s=source)  # fmt: skip
    assert look(own.client(username), first["person_id"])[0] == 200
    client = limited(own, "department_reader", rows_per_day=read_usage(desk(own, username), "rows")).client(username)
    status, text = look(client, second["person_id"])
    assert status == 429 and "今日查询人数已达上限" in text
    assert second["full_name"] not in text
    entry = newest(own, "search" if look is by_search else "person")
    assert (entry["actor"], entry["outcome"], entry["status"], entry["persons"]) == (username, "denied", 429, [])
    assert client.get("/people").status_code == 200  # what shows nobody is no matter of the quota


def test_the_last_look_of_the_quota_is_answered(own: Portal, persons: list[str]) -> None:
    one_look = limited(own, "department_system", rows_per_day=1)
    client = machine(one_look, {"persons": ["person_id", "full_name"]}, "look_up")
    search = {"kind": "person", "text": persons[0]}
    assert client.post("/api/v1/persons/search", json=search).status_code == 200
    refused = client.post("/api/v1/persons/search", json=search)
    assert refused.status_code == 429 and persons[0] not in refused.text


@pytest.mark.parametrize("look", [by_page, by_search, by_program])
def test_look_ups_beyond_the_minutes_are_refused(own: Portal, persons: list[str], look: Look) -> None:
    portal = limited(own, "department_reader", searches_per_minute=2)
    client = portal.client("police_reader")
    assert [look(client, person)[0] for person in persons[:2]] == [200, 200]
    status, text = look(client, persons[2])
    assert status == 429 and "查询过于频繁" in text
    entry = newest(own, "search" if look is by_search else "person")
    assert (entry["outcome"], entry["status"], entry["persons"]) == ("denied", 429, [])
    assert look(portal.client("civil_reader"), persons[2])[0] != 429  # the pace is each user's own


def test_every_look_up_and_no_other_page_counts_for_the_pace(own: Portal) -> None:
    guards = [guard_of(route.endpoint) for route in own.app.routes if isinstance(route, APIRoute)]
    assert {guard.action for guard in guards} >= LOOK_UPS
    assert {guard.action for guard in guards if guard.paced} == LOOK_UPS
    assert all(guard.paced for guard in guards if guard.action in LOOK_UPS)
