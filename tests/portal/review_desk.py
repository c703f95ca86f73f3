"""Helpers of the review desk's tests: a desk of its own over a copy of the two nights, and what a steward's browser does."""

import re
import shutil
from pathlib import Path

import httpx
from fastapi.testclient import TestClient

from linkage.kernel.run import State
from linkage.portal.app import create_app
from linkage.portal.desk import Desk
from linkage.portal.sessions import read_session
from linkage.portal.settings import read_settings
from tests.portal.conftest import CONFIG, Portal, open_portal

CASE = re.compile(r"/review/(C[0-9a-f]{16})")


def copied_portal(state: Path, target: Path, config: Path = CONFIG) -> Portal:
    """A portal over a copy of ``state`` in which nobody has done anything yet."""
    shutil.copytree(state, target)
    return open_portal(target, config)


def portal_like(portal: Portal, target: Path) -> Portal:
    """The same portal over a copy of its state, accounts included: passwords take long to hash."""
    shutil.copytree(portal.state.root, target)
    settings = read_settings(State(target), portal.settings.config_dir)
    return Portal(create_app(settings), settings, dict(portal.users))


def desk_of(portal: Portal, username: str) -> Desk:
    """The desk of a request by ``username``."""
    cookie = portal.client(username).cookies["gridroll"]
    found = read_session(portal.state, cookie, portal.settings.portal.sessions, portal.settings.access)
    assert found is not None
    return Desk(portal.settings, found[0], "zh", "register_quality")


def case_ids(text: str) -> list[str]:
    """Cases that a page links to, in its order."""
    return list(dict.fromkeys(CASE.findall(text)))


def of_kind(client: TestClient, kind: str) -> list[str]:
    """Open cases of a kind, in the queue's order."""
    answer = client.get("/review", params={"kind": kind})
    assert answer.status_code == 200
    return case_ids(answer.text)


def decide(portal: Portal, client: TestClient, case_id: str, verdict: str, **form: object) -> httpx.Response:
    """Open a case and decide it."""
    client.get(f"/review/{case_id}")
    release = portal.state.current_release()
    assert release is not None
    data = {"verdict": verdict, "release": release.name, "reason": "paper", **form}
    return client.post(f"/review/{case_id}", data=data)
