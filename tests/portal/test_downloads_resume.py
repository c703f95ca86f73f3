"""Interrupted downloads over a real server: whatever is cut, and whatever is published meanwhile, the bytes are the same in the end."""

import hashlib
import http.client
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from linkage.kernel.run import write_bytes
from linkage.portal.config import Sessions
from linkage.portal.downloads.releases import published
from linkage.portal.sessions import open_session, update_session
from linkage.portal.tokens import create_token
from linkage.portal.viewer import Viewer
from linkage.release.publish import publish
from tests.portal.browser import served
from tests.portal.conftest import Portal, grant_register, open_portal

pytestmark = pytest.mark.slow
INTERRUPTIONS = 100
PIECE = 4096


def bearer(portal: Portal, username: str, department: str, may: list[str], tables: dict[str, list[str]]) -> str:
    viewer = Viewer(portal.users[username], username, username, department, "district", "", (), portal.settings.access)
    return create_token(
        portal.state, viewer, name="test", purpose="register_quality", may=may, tables=tables, days=1
    )[1]  # fmt: skip


def slice_tables(portal: Portal, department: str) -> dict[str, list[str]]:
    shared = next(d for d in portal.settings.sharing.departments if d.source == department)
    return {"persons": list(shared.persons), "households": list(shared.households)}


class Reader:
    """Reads a file in pieces over connections that break off."""

    def __init__(self, address: str, path: str, headers: dict[str, str]) -> None:
        self.host, self.path, self.headers = urlsplit(address).netloc, path, headers
        self.content, self.etag, self.statuses = bytearray(), "", list[int]()

    def read(self, upto: int | None) -> bool:
        """Go on from where it broke off, and break off again after ``upto`` bytes; True when the file is whole."""
        more = {"range": f"bytes={len(self.content)}-", "if-range": self.etag} if self.content else {}
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request("GET", self.path, headers=self.headers | more)
        answer = connection.getresponse()
        self.statuses.append(answer.status)
        if answer.status == 200:
            self.content.clear()
        assert answer.status in (200, 206), answer.read()
        self.etag = answer.headers["etag"]
        total = int(
            answer.headers["content-range"].split("/")[1] if answer.status == 206 else answer.headers["content-length"]
        )
        taken = 0
        while upto is None or taken < upto:
            piece = answer.read(PIECE if upto is None else min(PIECE, upto - taken))
            if not piece:
                break
            self.content += piece
            taken += len(piece)
        # Breaks off in the middle: the rest was never read.
        connection.close()
        return len(self.content) == total


@pytest.fixture(scope="module")
def address(portal: Portal) -> Iterator[str]:
    with served(portal) as found:
        yield found


def test_a_hundred_interrupted_downloads_resume_to_identical_bytes(portal: Portal, address: str) -> None:
    release = published(portal.state)[0].name
    cases = [
        ("grid_downloader", "grid", ["download"], slice_tables(portal, "grid"), "slices/grid/persons.csv"),
        ("police_downloader", "police", ["download"], slice_tables(portal, "police"), "slices/police/persons.parquet"),
        ("archivist", "office", ["download_register"], {}, "manifest.json"),
    ]
    interrupted = 0
    chance = random.Random(5)
    for username, department, may, tables, path in cases:
        headers = {"authorization": f"Bearer {bearer(portal, username, department, may, tables)}"}
        address_of = f"/api/v1/releases/{release}/files/{path}"
        whole = Reader(address, address_of, headers)
        assert whole.read(None)
        digest = hashlib.sha256(whole.content).hexdigest()
        assert whole.etag == f'"{digest}"'
        while interrupted < INTERRUPTIONS * (cases.index((username, department, may, tables, path)) + 1) // len(cases):
            reader = Reader(address, address_of, headers)
            cuts = 0
            while not reader.read(chance.randrange(1, len(whole.content)) if cuts < 6 else None):
                cuts += 1
            assert hashlib.sha256(reader.content).hexdigest() == digest
            assert reader.statuses == [200] + [206] * cuts
            interrupted += cuts > 0
    assert interrupted >= INTERRUPTIONS


def test_a_large_file_is_streamed_and_cut_off_readers_are_let_go(portal: Portal, address: str) -> None:
    release = published(portal.state)[0].name
    grant_register(portal, "archivist")
    tables = {t: list(c) for t, c in _everything().items()}
    headers = {"authorization": f"Bearer {bearer(portal, 'archivist', 'office', ['download_register'], tables)}"}
    path = f"/api/v1/releases/{release}/files/register.duckdb"
    reader = Reader(address, path, headers)
    for _ in range(5):
        reader.read(100_000)
    assert reader.read(None)
    assert bytes(reader.content) == (portal.state.releases / release / "register.duckdb").read_bytes()


def _everything() -> dict[str, tuple[str, ...]]:
    from linkage.kernel.contracts import contract, contract_names

    return {name: contract(name).column_names for name in contract_names()}


RAW_PATHS = (
    "slices/grid/../police/persons.csv", "../../../CURRENT", "..\\..\\CURRENT", "slices/grid/%2e%2e/police/persons.csv", "%252e%252e/CURRENT",
    "//etc/passwd", "./slices/grid/persons.csv", "slices/grid/persons.csv%0d%0aX: y", "slices/grid/\xc0\xae\xc0\xae/persons.csv",
)  # fmt: skip


@pytest.mark.parametrize("path", RAW_PATHS)
def test_paths_are_names_of_the_manifest_and_nothing_else(portal: Portal, address: str, path: str) -> None:
    release = published(portal.state)[0].name
    token = bearer(portal, "grid_downloader", "grid", ["download"], slice_tables(portal, "grid"))
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    target = f"/api/v1/releases/{release}/files/{path}"
    connection._validate_path = lambda url: None  # type: ignore[attr-defined]
    connection._encode_request = lambda request: request.encode("latin-1")  # type: ignore[attr-defined]
    connection.request("GET", target, headers={"authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    assert answer.status in (400, 404)
    assert b"person_id" not in answer.read()


def test_a_publication_in_the_middle_mixes_nothing(two_nights: Path, tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    shutil.copytree(two_nights, state_dir)
    portal = open_portal(state_dir)
    newest, first = (release.name for release in published(portal.state))
    write_bytes(portal.state.current_pointer, f"{first}\n".encode())
    secret = open_session(portal.state, portal.users["grid_downloader"], Sessions(), second_factor=True)
    client = portal.client("grid_downloader")
    (current,) = [r["release"] for r in client.get("/api/v1/releases").json() if r["current"]]
    assert current == first
    before = client.get(f"/downloads/{first}/slices/grid/persons.csv").content
    import hashlib as hashes

    update_session(portal.state, hashes.sha256(secret.encode()).hexdigest(), purpose="register_quality")
    with served(portal) as address:
        reader = Reader(address, f"/downloads/{first}/slices/grid/persons.csv", {"cookie": f"gridroll={secret}"})
        reader.read(len(before) // 3)
        publish(portal.state, newest)
        assert f"/downloads/{newest}/" in client.get("/downloads").text
        reader.read(len(before) // 3)
        assert reader.read(None)
    assert bytes(reader.content) == before
    assert reader.statuses == [200, 206, 206]
    assert client.get(f"/downloads/{newest}/slices/grid/persons.csv").content != before
