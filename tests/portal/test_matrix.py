"""The authorisation matrix: every route of the application times every role, each cell asserted.

``routes.yaml`` says in plain words what each route asks for. A route that is not in it fails the test, and so does one that asks for something else.
What is allowed to read is asked for once more with ids of what is there: it must come.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from linkage.kernel.config import read_yaml
from linkage.portal.app import mounted_paths
from linkage.portal.guard import guard_of
from tests.portal.conftest import CONFIG, PEOPLE, Portal
from tests.portal.people import one

LISTED: dict[str, Any] = read_yaml(Path(__file__).parent / "routes.yaml")
MAY = {role["role"]: set(role["may"]) for role in read_yaml(CONFIG / "access.yaml")["roles"]}
# What stands for an id in a path: well formed, and nobody's.
NOBODYS = {
    "person_id": "P0000000000000000", "household_id": "H0000000000000000", "source": "grid", "record_id": "0", "release": "2026-01-01-00000000",
    "language": "zh", "case_id": "0000000000000000",
}  # fmt: skip


def routes(portal: Portal) -> dict[str, APIRoute]:
    """``METHOD path`` -> route."""
    return {
        f"{method} {route.path}": route
        for route in portal.app.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods - {"HEAD"})
    }


def asks_for(route: APIRoute) -> str | list[str]:
    """What the route's guard says: public, login, or the permissions of which one is needed."""
    guard = guard_of(route.endpoint)
    if guard.public:
        return "public"
    return sorted(guard.may) or "login"


def test_every_route_is_listed_and_asks_for_what_is_listed(portal: Portal) -> None:
    found = {name: asks_for(route) for name, route in routes(portal).items()}
    assert found == {name: sorted(asked) if isinstance(asked, list) else asked for name, asked in LISTED.items()}
    others = [route.path for route in portal.app.routes if not isinstance(route, APIRoute)]  # type: ignore[attr-defined]
    assert set(others) == set(mounted_paths(portal.app)) == {"/static"}


def is_allowed(username: str | None, asked: str | list[str]) -> bool:
    """By the two files alone."""
    if asked == "public":
        return True
    if username is None:
        return False
    if asked == "login":
        return True
    return any(set(asked) & MAY[role] for role in PEOPLE[username][1])


@pytest.mark.parametrize("username", [None, *PEOPLE])
def test_every_cell_of_the_matrix(portal: Portal, username: str | None) -> None:
    wrong = []
    client = portal.client(username)
    for name, asked in sorted(LISTED.items(), key=lambda entry: entry[0] == "POST /logout"):
        method, path = name.split(" ", 1)
        filled = re.sub(r"\{(\w+)(?::path)?\}", lambda m: NOBODYS.get(m[1], "0000000000000000"), path)
        answer = client.request(method, filled)
        sent_to_login = answer.status_code == 303 and answer.headers["location"].startswith("/login")
        refused = answer.status_code in (401, 403) or (sent_to_login and (username is None or path != "/logout"))
        if asked == "public":
            refused = False  # a login that fails answers 401 as well; nobody is kept from trying
        if refused == is_allowed(username, asked) or answer.status_code >= 500:
            wrong.append(
                f"{name}: {answer.status_code}, {'allowed' if is_allowed(username, asked) else 'refused'} by the files"
            )
    assert wrong == []


def theirs(portal: Portal, username: str) -> dict[str, str]:
    """What stands for an id in a path: something that is there, and within everybody's scope."""
    person = one(portal, "SELECT person_id FROM persons WHERE len(sources) = 4 ORDER BY 1 LIMIT 1")
    department = PEOPLE[username][0]
    source = department if department != "office" else "police"
    record = "SELECT record_id FROM crosswalk WHERE person_id = $id AND source = $source ORDER BY 1 LIMIT 1"
    home = "SELECT household_id FROM members WHERE person_id = $id AND valid_to IS NULL ORDER BY 1 LIMIT 1"
    release = portal.settings.registers.current().release.name
    return {
        "person_id": person, "household_id": one(portal, home, id=person), "source": source, "record_id": one(portal, record, id=person, source=source),
        "release": release, "run_id": release, "gate": "gate_incoming", "path": "manifest.json", "language": "zh",
        "case_id": one(portal, "SELECT case_id FROM review_cases ORDER BY 1 LIMIT 1"), "user_id": portal.users["nobody"], "seq": "1",
    }  # fmt: skip


# What a page must be asked besides its address.
ASKED = {
    "/corrections/new": "?person={person_id}&field=phone", "/api/v1/persons/search": "?id={person_id}", "/audit/export": "?first=2020-01-01&last=2099-12-31",
}  # fmt: skip
# Of what has its own tests: ids that are made there.
MADE_ELSEWHERE = ("{correction_id}", "{request_id}", "{pattern}", "/login")


@pytest.mark.parametrize("username", PEOPLE)
def test_what_is_allowed_is_shown(portal: Portal, username: str) -> None:
    client, ids = portal.client(username), theirs(portal, username)
    wrong = []
    for name, asked in LISTED.items():
        method, path = name.split(" ", 1)
        if method != "GET" or not is_allowed(username, asked) or any(part in path for part in MADE_ELSEWHERE):
            continue
        if "{case_id}" in path and username == "second":
            continue  # shown only what somebody else has read before: test_review_rules.py
        filled = re.sub(r"\{(\w+)(?::path)?\}", lambda m: ids[m[1]], path) + ASKED.get(path, "").format(**ids)
        answer = client.get(filled)
        if answer.status_code not in (200, 303) or answer.headers.get("location", "").startswith("/login"):
            wrong.append(f"{name}: {answer.status_code}")
    assert wrong == []
