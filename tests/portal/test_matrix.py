"""The authorisation matrix: every route of the application times every role, each cell asserted.

``routes.yaml`` says in plain words what each route asks for. A route that is not in it fails the test, and so does one that asks for something else.
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
