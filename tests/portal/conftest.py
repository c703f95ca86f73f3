"""A portal over two real nights of a small fictional district, with one account for each role."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import argon2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from linkage.fiction.district import generate
from linkage.kernel.config import read_config
from linkage.kernel.run import State
from linkage.night import run_night
from linkage.portal import passwords
from linkage.portal.access import AccessConfig
from linkage.portal.accounts import create_user, grant_role
from linkage.portal.app import create_app
from linkage.portal.config import PortalConfig, Sessions
from linkage.portal.downloads import copies
from linkage.portal.downloads.releases import published
from linkage.portal.downloads.unmasked import REGISTER, ask, vote
from linkage.portal.sessions import csrf_token, open_session, viewer_of
from linkage.portal.settings import Settings, read_settings
from tests.builders import REPOSITORY
from tests.once import made_once

CONFIG = REPOSITORY / "config"
NIGHTS = (date(2026, 3, 2), date(2026, 3, 3))
PASSWORD = "correct horse battery"
DESKS = ("department_reader", "verifier", "correction_handler")
# username -> (department, roles)
PEOPLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "steward": ("office", ("steward",)),
    "steward2": ("office", ("steward",)),
    "second": ("office", ("second_reader",)),
    "police_reader": ("police", ("department_reader",)),
    "civil_reader": ("civil", ("department_reader",)),
    "health_reader": ("health", ("department_reader",)),
    "grid_reader": ("grid", ("department_reader",)),
    "grid_system": ("grid", ("department_system",)),
    "verifier": ("civil", ("verifier",)),
    "police_handler": ("police", ("correction_handler",)),
    "grid_handler": ("grid", ("correction_handler",)),
    "grid_downloader": ("grid", ("downloader",)),
    "police_downloader": ("police", ("downloader",)),
    "archivist": ("office", ("register_downloader",)),
    "head": ("office", ("data_owner",)),
    "sysadmin": ("office", ("system_administrator",)),
    "secadmin": ("office", ("security_administrator",)),
    "auditor": ("office", ("auditor",)),
    "nobody": ("grid", ()),
}


@dataclass
class Portal:
    """A running application and who uses it."""

    app: FastAPI
    settings: Settings
    users: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return self.settings.state

    def client(self, username: str | None = None, *, purpose: str | None = "register_quality") -> TestClient:
        """A browser; logged in as ``username``, with a purpose stated. ``client.headers`` carries the form token."""
        client = TestClient(
            self.app, base_url="http://localhost:8090", follow_redirects=False, raise_server_exceptions=False
        )
        if username is not None:
            secret = open_session(self.state, self.users[username], Sessions(), second_factor=True)
            client.cookies.set("gridroll", secret)
            client.headers["x-csrf-token"] = csrf_token(secret)
            if purpose is not None:
                answer = client.post("/purpose", data={"purpose": purpose, "note": "核查 1"})
                assert answer.status_code == 303, answer.text
        return client


@pytest.fixture(scope="session", autouse=True)
def patient_downloads() -> Iterator[None]:
    """A request waits for its copy however busy the machine is; what is told to whoever comes too early is tested for itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "WAIT_SECONDS", 120.0)
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks at two real nights is slow, whichever file it stands in."""
    for item in items:
        if "two_nights" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


SHIPPED_HASHER = passwords.HASHER


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Argon2 with the smallest parameters: at the cost that ships, everybody of PEOPLE takes four seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def shipped_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 as it ships."""
    monkeypatch.setattr(passwords, "HASHER", SHIPPED_HASHER)


@pytest.fixture(scope="session")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder after two nights of 600 residents. Nobody writes into it: a test that changes anything copies it."""
    return made_once(tmp_path_factory, "portal-nights", run_two_nights) / "state"


def run_two_nights(folder: Path) -> None:
    """Exports and state of both nights below ``folder``."""
    generate(600, 2, 11, folder / "exports")
    for night in NIGHTS:
        run_night(folder / "exports" / f"night={night}", folder / "state", night, CONFIG, note=lambda text: None)


@pytest.fixture(scope="session")
def portal(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """The portal over both nights with everybody of PEOPLE. Shared by all tests: what a test writes stays."""
    state_dir = tmp_path_factory.mktemp("shared") / "state"
    shutil.copytree(two_nights, state_dir)
    return open_portal(state_dir)


def open_portal(state_dir: Path, config: Path = CONFIG) -> Portal:
    """A portal over ``state_dir`` with everybody of PEOPLE."""
    settings = without_codes_at_desks(read_settings(State(state_dir), config))
    found = Portal(create_app(settings), settings)
    for username, (department, roles) in PEOPLE.items():
        found.users[username] = add_person(found, username, department, roles)
    return found


def without_codes_at_desks(settings: Settings) -> Settings:
    """The same, but desks log in with a password alone, so that tests of passwords need no one-time codes."""
    asked = tuple(role for role in settings.portal.login.second_factor_roles if role not in DESKS)
    login = settings.portal.login.model_copy(update={"second_factor_roles": asked})
    return replace(settings, portal=settings.portal.model_copy(update={"login": login}))


def add_person(portal: Portal, username: str, department: str, roles: tuple[str, ...], **more: str) -> str:
    """An account with roles; returns its id."""
    user_id = create_user(
        portal.state,
        username,
        display_name=username,
        department=department,
        created_by="test",
        password=PASSWORD,
        must_change_password=False,
        **more,
    )
    for role in roles:
        grant_role(portal.state, portal.settings.access, user_id, role, granted_by="test", reason="test")
    return user_id


def grant_register(portal: Portal, username: str) -> str:
    """A request of ``username`` for whole releases, granted by two others; returns its id."""
    found = viewer_of(portal.state, portal.settings.access, portal.users[username])
    assert found is not None
    release = published(portal.state)[0].name
    request_id = ask(
        portal.state, found, release=release, table=REGISTER, columns=(), purpose="register_quality", note="批文 1 号"
    )
    for other in ("head", "secadmin"):
        granter = viewer_of(portal.state, portal.settings.access, portal.users[other])
        assert granter is not None
        assert vote(portal.state, request_id, granter, "grant", "已核")
    return request_id


def access() -> AccessConfig:
    """The access file as it ships."""
    return read_config(CONFIG / "access.yaml", AccessConfig)


def portal_config() -> PortalConfig:
    """The portal's configuration as it ships."""
    return read_config(CONFIG / "portal.yaml", PortalConfig)
