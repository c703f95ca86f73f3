"""Planted values (planted.py): of those who may not see one, nobody finds it in an answer, a file, an error, a log or the audit; who may, finds each."""

import gzip
import html
import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import openpyxl
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from httpx import Response

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import audit_table
from linkage.portal.corrections.life import REASONS
from linkage.portal.people.kinds import SEARCH_KINDS
from linkage.portal.settings import Pace
from linkage.portal.views import View
from tests.portal.conftest import PEOPLE, grant_register
from tests.portal.planted import NEVER_SHOWN, Place, Planted, plant
from tests.portal.test_leaks import LINK, NOT_FOLLOWED
from tests.portal.test_views import ROLES, SHARING, expected_columns

pytestmark = pytest.mark.slow
PAGES_PER_PERSON = 8
USERS = [name for name in PEOPLE if name != "steward2"]  # a second of the same role

SEARCHED = {
    "number": "identity_number", "name": "full_name", "phone": "phone", "address": "residence_address", "dwelling": "dwelling_code",
    "household": "household_number",
}  # fmt: skip
SENT_BACK = ("phone", "former_name", "marital_status", "hukou_address", "tenure")
TAKEN = re.compile(r".*(\.parquet|\.duckdb|\.xlsx|deltas/.*|README\.txt|\.json)")
"""Of the files of a whole release, those that are taken: the other formats hold the same."""
TAKEN_OF_SLICE = re.compile(
    r".*(persons\.parquet|/households\.parquet|persons\.xlsx|persons\.gb18030\.csv|README\.txt)"
)


@pytest.fixture(scope="module")
def planted(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(two_nights, tmp_path_factory.mktemp("planted") / "state")


class Policy:
    """Who may see what, worked out from the two files and the release's tables, without the portal's own views."""

    def __init__(self, planted: Planted) -> None:
        con = planted.portal.settings.registers.current().con
        self.sources = dict(con.execute("SELECT person_id, sources FROM persons").fetchall())
        living = con.execute("SELECT household_id, person_id FROM members WHERE valid_to IS NULL").fetchall()
        self.homes: dict[str, list[str]] = {}
        for household, person in living:
            self.homes.setdefault(household, []).append(person)

    def may_see(self, username: str, place: Place) -> bool:
        """Whether the planted value may come to the user's eyes in full."""
        department, roles = PEOPLE[username]
        may = {permission for role in roles for permission in ROLES[role]["may"]}
        if "download_register" in may and place.table != "common_records":
            return True
        if place.column == "record_id":
            return self._sees_record(username, place)
        if place.table == "values":
            value = expected_columns(username, "values").get("value", "hidden")
            shown = value is None and expected_columns(username, "persons").get(place.column, "hidden") is None
        else:
            shown = expected_columns(username, place.table).get(place.column, "hidden") is None
        if "download" in may and department in SHARING and place.table in ("persons", "households"):
            is_given = place.column in SHARING[department].get(place.table, ())
            shown |= is_given and place.column not in SHARING[department].get("mask", {})
        return shown and self._in_scope(username, place)

    def _sees_record(self, username: str, place: Place) -> bool:
        department, _ = PEOPLE[username]
        granted = "record_id" in expected_columns(username, "crosswalk")
        return granted and (department == place.source or self._sees_all(username)) and self._in_scope(username, place)

    def _sees_all(self, username: str) -> bool:
        return any(r.get("rows") == "all" for role in PEOPLE[username][1] for r in ROLES[role].get("reads", ()))

    def _in_scope(self, username: str, place: Place) -> bool:
        department, _ = PEOPLE[username]
        if self._sees_all(username):
            return True
        if department not in SHARING:
            return False
        people = [place.subject] if place.subject in self.sources else self.homes[place.subject]
        return SHARING[department]["scope"] == "all" or any(department in self.sources[p] for p in people)


def texts_in(content: bytes, folder: Path) -> Iterator[str]:
    """All that stands in a file or page: as it is, and opened, cell by cell, where it is packed."""
    for encoding in ("utf-8", "gb18030"):
        yield content.decode(encoding, "replace")
    if content[:2] == b"\x1f\x8b":
        yield from texts_in(gzip.decompress(content), folder)
    if content[:4] == b"PAR1":
        yield _cells_of(_kept(folder, "f.parquet", content), "read_parquet")
    if content[8:12] == b"DUCK":
        yield _cells_of(_kept(folder, "f.duckdb", content), "database")
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for name in packed.namelist():
                yield from texts_in(packed.read(name), folder)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
        for sheet in book:
            yield "\n".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row)


def _kept(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _cells_of(path: Path, kind: str) -> str:
    with duckdb.connect() as con:
        if kind == "read_parquet":
            return str(con.execute(f"SELECT * FROM read_parquet('{path}')").fetchall())
        con.execute(f"ATTACH '{path}' AS opened (READ_ONLY)")
        tables = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'opened'").fetchall()
        return "\n".join(str(con.execute(f'SELECT * FROM opened."{table}"').fetchall()) for (table,) in tables)


class Walk:
    """One user's way through the portal; notes which planted values came back, and where."""

    def __init__(self, planted: Planted, username: str, folder: Path) -> None:
        self.planted, self.username, self.folder = planted, username, folder
        self.client: TestClient = planted.portal.client(username)
        self.pattern = re.compile("|".join(map(re.escape, planted.places)))
        self.seen: dict[str, str] = {}
        self.answered: dict[str, int] = {}

    def ask(self, method: str, path: str, **sent: Any) -> Response:
        """One request. What was typed may stand in its own answer: a form shows what it was given."""
        answer: Response = self.client.request(method, path, **sent)
        assert answer.status_code < 500, path
        self.answered[f"{method} {path}"] = answer.status_code
        typed = json.dumps(sent, ensure_ascii=False)
        heads = unquote("\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items()))
        for text in (heads, *texts_in(answer.content, self.folder)):
            for found in self.pattern.findall(html.unescape(text)):
                if found not in typed:
                    self.seen.setdefault(found, f"{method} {path} ({answer.status_code})")
        return answer

    def crawl(self, seeds: list[str]) -> None:
        """The pages given, and those that can be reached from them by links."""
        waiting, done = ["/", *seeds], set[str]()
        while waiting and len(done) < len(seeds) + PAGES_PER_PERSON:
            path = waiting.pop(0)
            if path in done or path.startswith(NOT_FOLLOWED):
                continue
            done.add(path)
            answer = self.ask("GET", path)
            if answer.headers.get("content-type", "").startswith("text/html"):
                links = [html.unescape(link) for link in LINK.findall(answer.text)]
                waiting += [link for link in links if link.startswith("/") and not link.startswith("//")]

    def search(self) -> None:
        """Every kind of search by every planted value it could be for, on the page and by the API; what is hidden finds nobody."""
        for kind in SEARCH_KINDS if self.may("look_up") else SEARCH_KINDS[:1]:
            for subject in (self.planted.known, self.planted.other):
                for text in self._texts(kind, subject):
                    self.ask("POST", "/people", data={"kind": kind, "text": text})
                    self.ask("POST", "/api/v1/persons/search", json={"kind": kind, "text": text})

    def _texts(self, kind: str, subject: str) -> list[str]:
        if kind == "person":
            return [subject]
        if kind == "record":
            return list(self.planted.records[:4])
        found = [self.planted.value(SEARCHED[kind], subject)]
        return found + [self.planted.value("former_name", subject)] * (kind == "name")

    def verify_and_match(self) -> None:
        """Questions about both persons, with what is right and what is not."""
        for subject in (self.planted.known, self.planted.other):
            given = {name: self.planted.value(name, subject) for name in ("identity_number", "full_name", "phone")}
            number, name = given["identity_number"], given["full_name"]
            for said in (name, "无此人") if self.may("verify") else (name,):
                self.ask("POST", "/verify", data={"number": number, "name": said})
                self.ask("POST", "/api/v1/verify", json={"number": number, "name": said})
        self.ask("POST", "/match", data=given)
        self.ask(
            "POST", "/api/v1/match", json={"full_name": name, "phone": self.planted.value("phone", self.planted.known)}
        )

    def send_back(self) -> None:
        """Requests to correct some fields, and one as it must not be."""
        for subject in (self.planted.known, self.planted.other):
            for field in SENT_BACK if self.may("send_back") else SENT_BACK[:1]:
                self.ask("GET", f"/corrections/new?person={subject}&field={field}")
                form = {"field": field, "reason_code": next(iter(REASONS)), "value": "暗标路一号"}
                self.ask("POST", "/corrections", data=form | {"person": subject})
                self.ask("POST", "/api/v1/corrections", json=form | {"person_id": subject})
            self.ask("POST", "/corrections", data=form | {"person": subject, "reason_code": "none"})

    def may(self, permission: str) -> bool:
        """Whether one of the user's roles has the permission."""
        return any(permission in ROLES[role]["may"] for role in PEOPLE[self.username][1])

    def download(self) -> None:
        """The files of the current release; of a department's slice one of each format and table."""
        release = self.planted.portal.state.current_release()
        assert release is not None
        listed = self.ask("GET", f"/api/v1/releases/{release.name}/files")
        for entry in listed.json() if listed.status_code == 200 else ():
            path = entry["path"]
            if (TAKEN_OF_SLICE if entry["marked"] else TAKEN).fullmatch(path):
                assert self.ask("GET", f"/downloads/{release.name}/{path}").status_code == 200


def seeds(planted: Planted) -> list[str]:
    """Pages and API answers about what was planted."""
    found = [
        "/corrections",
        "/corrections?status=all",
        "/api/v1/corrections",
        "/review",
        "/audit",
        "/api/v1/dictionary",
    ]
    for person in (planted.known, planted.other):
        found += [f"/people/{person}", f"/people/{person}/explain", f"/api/v1/persons/{person}"]
        found += [f"/corrections/new?person={person}", f"/audit/persons/{person}", f"/audit/persons/{person}/csv"]
        found += [f"/api/v1/persons/search?id={person}"]
    for household in planted.households:
        found += [f"/households/{household}", f"/api/v1/households/{household}"]
    for case in planted.cases:
        found += [f"/review/{case}", f"/review/{case}/foresight"]
    for key in planted.records:
        found.append("/api/v1/records/" + key.replace(":", "/", 1))
    found += [
        "/people/P0000000000000000",
        "/people/nobody",
        "/nowhere",
        "/audit/export?first=2020-01-01&last=2099-12-31",
    ]
    return found


@dataclass(frozen=True)
class Walked:
    """Everybody's walk, and what the portal logged meanwhile."""

    walks: dict[str, Walk]
    logged: str


@pytest.fixture(scope="module")
def walked(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """All walk through the portal; what one writes (requests to correct) the next may come upon."""
    folder = tmp_path_factory.mktemp("opened")
    with pytest.MonkeyPatch.context() as patch, all_logs() as logged:
        patch.setattr(Pace, "allows", lambda *asked: True)
        walks = {username: Walk(planted, username, folder) for username in USERS}
        for walk in walks.values():
            walk.send_back()
            walk.search()
            walk.verify_and_match()
        grant_register(planted.portal, "archivist")  # who may ask for whole releases has two others' consent
        for walk in walks.values():
            walk.crawl(seeds(planted))
            walk.download()
    return Walked(walks, logged.getvalue())


@contextmanager
def all_logs() -> Iterator[io.StringIO]:
    """Everything logged in this process at any level, but for the addresses that the test's own browser asks for."""
    logged, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(logged), root.level
    handler.addFilter(lambda record: not record.name.startswith("httpx"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield logged
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@pytest.mark.parametrize("username", USERS)
def test_what_a_role_may_not_see_comes_back_in_no_answer_and_no_file(
    planted: Planted, walked: Walked, username: str
) -> None:
    policy, walk = Policy(planted), walked.walks[username]
    leaked = {
        str(planted.places[text]): where
        for text, where in walk.seen.items()
        if not policy.may_see(username, planted.places[text])
    }
    assert leaked == {}
    assert len(walk.answered) > 50


@pytest.mark.parametrize("username", USERS)
def test_what_a_role_may_see_comes_back(planted: Planted, walked: Walked, username: str) -> None:
    """The control: a walk that finds nothing would prove nothing."""
    policy, walk = Policy(planted), walked.walks[username]
    for text, place in planted.places.items():
        is_on_case = place.table == "common_records"
        if policy.may_see(username, place) and not (
            is_on_case and (place.column in NEVER_SHOWN or username == "second")
        ):
            assert text in walk.seen, place


def test_each_planted_column_is_kept_from_somebody_and_seen_by_somebody(planted: Planted, walked: Walked) -> None:
    seen = {planted.places[text] for walk in walked.walks.values() for text in walk.seen}
    policy = Policy(planted)
    for place in set(planted.places.values()):
        assert place in seen or place.column in NEVER_SHOWN, place
        assert not all(policy.may_see(username, place) for username in USERS)


def test_no_log_and_no_entry_of_the_audit_holds_a_planted_value(planted: Planted, walked: Walked) -> None:
    """Record numbers are no secret to the audit: who asked for which is its matter."""
    values = [text for text, place in planted.places.items() if place.column != "record_id"]
    with open_database(planted.portal.state).connect() as connection:
        entries = "\n".join(connection.execute(sa.select(audit_table.c.entry)).scalars())
    assert len(entries) > 100_000 and planted.known in entries
    assert [planted.places[text] for text in values if text in entries] == []
    assert [planted.places[text] for text in values if text in walked.logged] == []


@pytest.mark.parametrize(
    "path", ["/people/{}", "/people/{}/explain", "/api/v1/persons/{}", "/corrections/new?person={}"]
)
def test_no_fault_tells_a_value(planted: Planted, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    texts = " ".join(planted.places)

    def fail(*asked: Any, **more: Any) -> None:
        raise RuntimeError(texts)

    client = planted.portal.client("steward")
    monkeypatch.setattr(View, "rows", fail)
    with all_logs() as logged:
        answer = client.get(path.format(planted.known))
    assert answer.status_code == 500
    assert "RuntimeError" in logged.getvalue()
    assert [place for text, place in planted.places.items() if text in answer.text + logged.getvalue()] == []
