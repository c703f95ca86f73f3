"""A portal over an empty state: for accounts and audit, which need no register."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
import yaml
from fastapi.testclient import TestClient

from linkage.kernel.run import State
from linkage.portal import clock
from linkage.portal.app import create_app
from linkage.portal.settings import read_settings
from tests.portal.conftest import CONFIG, PASSWORD, PEOPLE, Portal, add_person, without_codes_at_desks

START = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)
ADDRESS = "http://localhost:8090"


def bare_portal(
    folder: Path,
    people: tuple[str, ...] = ("steward", "police_reader", "sysadmin", "secadmin", "auditor"),
    **portal: object,
) -> Portal:
    """A portal in ``folder`` with some of PEOPLE; ``portal`` changes keys of config/portal.yaml."""
    state = State(folder / "state")
    state.root.mkdir(parents=True, exist_ok=True)
    settings = without_codes_at_desks(read_settings(state, config_with(folder, **portal)))
    found = Portal(create_app(settings), settings)
    for username in people:
        department, roles = PEOPLE[username]
        found.users[username] = add_person(found, username, department, roles)
    return found


def config_with(folder: Path, **portal: object) -> Path:
    """The configuration that ships, with some keys of portal.yaml changed."""
    if not portal:
        return CONFIG
    target = folder / "config"
    target.mkdir()
    for path in CONFIG.iterdir():
        (target / path.name).symlink_to(path)
    (target / "portal.yaml").unlink()
    shipped = yaml.safe_load((CONFIG / "portal.yaml").read_text(encoding="utf-8"))
    (target / "portal.yaml").write_text(yaml.safe_dump(shipped | portal), encoding="utf-8")
    return target


class Clock:
    """The portal's time, moved by hand."""

    def __init__(self) -> None:
        self.moment = START

    def tick(self, **delta: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**delta)


@pytest.fixture
def time_of(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still until it is moved."""
    found = Clock()
    monkeypatch.setattr(clock, "moment", lambda: found.moment)
    return found


@contextmanager
def browser_at(portal: Portal, address: str = "10.0.0.1") -> Iterator[TestClient]:
    """A browser of a certain address."""
    with TestClient(
        portal.app, base_url=ADDRESS, follow_redirects=False, raise_server_exceptions=False, client=(address, 1)
    ) as client:
        yield client


def log_in(client: TestClient, username: str, password: str = PASSWORD) -> int:
    """Type a password in a browser that carries nothing yet; returns the status."""
    client.cookies.clear()
    return client.post("/login", data={"username": username, "password": password}).status_code


def form_token(client: TestClient, path: str) -> str:
    """The token that the forms of a page carry."""
    return client.get(path).text.partition('name="csrf" value="')[2].partition('"')[0]


def code_at(secret: str, moment: datetime) -> str:
    """The one-time code of a secret."""
    return pyotp.TOTP(secret).at(moment)
