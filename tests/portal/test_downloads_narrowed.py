"""What a department, or an account of an area, is given of any release follows the rules of today, row by row and value by value."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from linkage.portal.app import create_app
from linkage.portal.downloads.leak import read_leak
from linkage.portal.downloads.prepare import Job, prepare
from linkage.portal.downloads.proof import verify_copy
from linkage.portal.downloads.releases import published
from linkage.portal.downloads.trace import trace
from linkage.release.manifest import file_hash
from linkage.release.trust import trust_named
from tests.portal.conftest import Portal, add_person
from tests.portal.people import Changed, change
from tests.portal.test_downloads import last_entry, offered
from tests.portal.test_tokens import make

FORMATS = ("csv", "gb18030.csv", "xlsx", "parquet")
Rows = set[tuple[str, ...]]


@pytest.fixture(scope="module")
def changed(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """Somebody is restricted in the current release who stands in the one before."""
    return change(two_nights, tmp_path_factory.mktemp("narrowed") / "state")


def under(portal: Portal, source: str, **rule: object) -> Portal:
    """A second portal over the same state, under a sharing file with another rule for ``source``."""
    sharing = portal.settings.sharing
    departments = tuple(d.model_copy(update=rule) if d.source == source else d for d in sharing.departments)
    settings = replace(portal.settings, sharing=sharing.model_copy(update={"departments": departments}))
    return Portal(create_app(settings), settings, portal.users)


def take(client: TestClient, release: str, path: str) -> bytes:
    answer = client.get(f"/downloads/{release}/{path}")
    while answer.status_code == 202:
        answer = client.get(f"/downloads/{release}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.content


def read(content: bytes, format: str) -> pd.DataFrame:
    if format == "parquet":
        return pd.read_parquet(io.BytesIO(content))
    if format == "xlsx":
        return pd.read_excel(io.BytesIO(content), dtype=str, keep_default_na=False)
    encoding = "gb18030" if "gb" in format else "utf-8-sig"
    return pd.read_csv(io.BytesIO(content), dtype=str, encoding=encoding, keep_default_na=False)


@dataclass(frozen=True)
class Then:
    """The tables of a release, to tell by hand what may be given of it."""

    persons: pd.DataFrame
    households: pd.DataFrame
    members: pd.DataFrame

    @staticmethod
    def of(release: Path) -> "Then":
        return Then(*(pd.read_parquet(release / f"{t}.parquet") for t in ("persons", "households", "members")))

    def known_to(self, source: str) -> set[str]:
        return set(self.persons.person_id[self.persons.sources.map(lambda sources: source in sources)])

    def within(self, column: str, value: str) -> set[str]:
        return set(self.persons.person_id[self.persons[column] == value])

    def homes(self, persons: set[str]) -> set[str]:
        now = self.members[self.members.valid_to.isna()]
        return set(now.household_id[now.person_id.isin(persons)])


# a scope that was narrowed


@pytest.mark.parametrize("night", [0, 1])
def test_a_narrowed_scope_binds_what_was_released_before(changed: Changed, night: int) -> None:
    portal = under(changed.portal, "police", scope="own")
    release = published(portal.state)[night]
    then, client = Then.of(release.path), portal.client("police_downloader")
    allowed = then.known_to("police") - ({changed.restricted["person_id"]} if night == 1 else set())
    # What was signed has more.
    assert set(pd.read_parquet(release.path / "slices/police/persons.parquet").person_id) > allowed
    for format in FORMATS:
        persons = read(take(client, release.name, f"slices/police/persons.{format}"), format)
        assert set(persons["person_id" if format == "parquet" else "人员编号"]) == allowed, format
    households = pd.read_parquet(io.BytesIO(take(client, release.name, "slices/police/households.parquet")))
    signed = pd.read_parquet(release.path / "slices/police/households.parquet")
    assert set(households.household_id) == then.homes(allowed) & set(signed.household_id)
    assert set(households.household_id) < set(signed.household_id)


def test_deltas_between_wider_slices_are_not_given_and_the_page_says_what_to_take(changed: Changed) -> None:
    delta = "slices/police/deltas/persons.parquet"
    newest = published(changed.portal.state)[0].name
    assert delta in offered(changed.portal.client("police_downloader"), newest)
    client = under(changed.portal, "police", scope="own").client("police_downloader")
    assert delta not in offered(client, newest)
    for end in ("", ".sha256", ".proof.json"):
        assert client.get(f"/downloads/{newest}/{delta}{end}").status_code == 404
    text = client.get("/downloads").text
    assert "共享范围已收窄" in text and "请取整表" in text


def test_a_scope_that_is_what_it_was_leaves_files_and_deltas_as_they_were(portal: Portal) -> None:
    release, client = published(portal.state)[0], portal.client("grid_downloader")
    paths = offered(client, release.name)
    assert {f"slices/grid/deltas/{table}.parquet" for table in ("persons", "households")} < paths
    copy = pd.read_parquet(io.BytesIO(take(client, release.name, "slices/grid/persons.parquet")))
    signed = pd.read_parquet(release.path / "slices/grid/persons.parquet")
    assert set(copy.person_id) == set(signed.person_id)
    assert "收窄" not in client.get("/downloads").text


def test_a_delta_stays_when_the_tables_before_it_were_deleted_by_term(changed: Changed) -> None:
    newest, before = published(changed.portal.state)[:2]
    tables = before.path / "persons.parquet"
    tables.rename(tables.with_suffix(".away"))
    try:
        paths = offered(changed.portal.client("grid_downloader"), newest.name)
    finally:
        tables.with_suffix(".away").rename(tables)
    assert "slices/grid/deltas/persons.parquet" in paths


def test_a_token_and_a_copy_that_was_ready_follow_the_rule_of_today(changed: Changed) -> None:
    wide, narrow = changed.portal, under(changed.portal, "police", scope="own")
    release = published(wide.state)[0]
    bearer = {"authorization": f"Bearer {make(wide, 'police_downloader', tables=['persons'])}"}
    address = f"/api/v1/releases/{release.name}/files/slices/police/persons.parquet"
    before, after = (portal.client().get(address, headers=bearer) for portal in (wide, narrow))
    assert (before.status_code, after.status_code) == (200, 200)
    allowed = Then.of(release.path).known_to("police")
    assert set(pd.read_parquet(io.BytesIO(before.content)).person_id) > allowed
    assert set(pd.read_parquet(io.BytesIO(after.content)).person_id) == allowed
    # A download that began before does not go on with what is no longer given.
    resumed = narrow.client().get(address, headers=bearer | {"range": "bytes=100-", "if-range": before.headers["etag"]})
    assert (resumed.status_code, resumed.content) == (200, after.content)


def test_a_slice_whose_rows_cannot_be_told_apart_is_withheld_once_the_scope_is_narrower(changed: Changed) -> None:
    from linkage.portal.downloads import offers

    newest = published(changed.portal.state)[0].name
    client = under(changed.portal, "police", scope="own").client("police_downloader")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offers, "_columns", lambda path, sha256: ("full_name", "phone"))
        assert not [p for p in offered(client, newest) if p.startswith("slices/police/persons.")]
        wide = changed.portal.client("police_downloader")
        assert [p for p in offered(wide, newest) if p.startswith("slices/police/persons.")]


def test_unmasked_rows_are_those_of_today(changed: Changed) -> None:
    mask = {"mask": {"phone": "phone"}}
    wide, narrow = (under(changed.portal, "police", scope=scope, **mask) for scope in ("all", "own"))
    form = {"table": "persons", "columns": ["phone"], "purpose": "visit", "note": "批文 3 号"}
    assert wide.client("police_downloader").post("/downloads/unmasked", data=form).status_code == 303
    from linkage.portal.downloads.unmasked import read_requests

    request = read_requests(wide.state)[0]
    for who in ("head", "secadmin"):
        path = f"/downloads/unmasked/{request.request_id}/vote"
        assert wide.client(who).post(path, data={"verdict": "grant", "reason": "已核"}).status_code == 303
    answer = narrow.client("police_downloader").get(f"/downloads/unmasked/{request.request_id}/persons.parquet")
    rows = pd.read_parquet(io.BytesIO(answer.content)).set_index("person_id")
    then = Then.of(published(narrow.state)[0].path)
    assert set(rows.index) == then.known_to("police")
    golden = then.persons.set_index("person_id").phone
    assert rows.phone.dropna().to_dict() == golden[rows.index].dropna().to_dict()


# a mask that came later


def test_a_mask_of_today_hides_values_that_were_released_in_full(changed: Changed) -> None:
    portal = under(changed.portal, "police", mask={"phone": "phone", "full_name": "name"})
    release = published(portal.state)[1]
    signed = pd.read_parquet(release.path / "slices/police/persons.parquet").set_index("person_id")
    copy = pd.read_parquet(
        io.BytesIO(take(portal.client("police_downloader"), release.name, "slices/police/persons.parquet"))
    ).set_index("person_id")
    hidden: Callable[[str], str] = lambda name: name[0] + "*" * (len(name) - 1) if len(name) > 1 else "*"  # noqa: E731
    assert copy.full_name.dropna().to_dict() == signed.full_name[copy.index].dropna().map(hidden).to_dict()
    assert copy.phone.dropna().str.contains(r"\*", regex=True).all()
    assert signed.phone.dropna().str.fullmatch(r"[0-9+-]+").any()


@pytest.mark.parametrize("mask", ["name", "number", "phone", "address"])
def test_a_mask_does_nothing_to_what_is_masked_already(tmp_path: Path, mask: str) -> None:
    values = [
        "张三",
        "欧阳娜娜",
        "王",
        "",
        None,
        "330102199001011234",
        "33010219900101123X",
        "13800001234",
        "1380000",
        "古荡街道文三路1号",
        "某镇",
    ]
    release = tmp_path / "2026-03-02-0000"
    (release / "slices/grid").mkdir(parents=True)
    source, given = "slices/grid/persons.parquet", []
    table = pd.DataFrame({"person_id": [f"P{i:02}" for i in range(len(values))], "phone": values})
    for step in range(2):
        table.to_parquet(release / source)
        (release / "manifest.json").write_text(
            json.dumps({"files": {source: {"sha256": file_hash(release / source), "rows": len(values)}}})
        )
        target = tmp_path / f"{step}.parquet"
        prepare(
            Job(str(release), source, "persons", ("person_id", "phone"), ".parquet", "AAAA-BBBB-CCCC", "00", str(target), {"phone": mask}), tmp_path
        )  # fmt: skip
        table = pd.read_parquet(target).drop(columns="copy_mark").sort_values("person_id", ignore_index=True)
        given.append(table)
    pd.testing.assert_frame_equal(given[0], given[1])
    assert not given[0].phone.equals(pd.Series(values))


# an account of an area


def area_account(portal: Portal, *roles: str) -> tuple[TestClient, str, str]:
    """A downloader of the grid department, bound to the largest grid: client, username and the grid's code."""
    rows = portal.settings.registers.current().rows(
        "SELECT grid_code FROM persons WHERE list_contains(sources, 'grid') AND grid_code IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    code, username = str(rows[0]["grid_code"]), f"bound_{'_'.join(roles)}"
    if username not in portal.users:
        portal.users[username] = add_person(
            portal, username, "grid", ("downloader", *roles), area_level="grid", area_name=code
        )
    return portal.client(username), username, code


@pytest.mark.parametrize("night", [0, 1])
def test_an_area_takes_its_rows_of_the_departments_slice(portal: Portal, night: int) -> None:
    client, _, code = area_account(portal)
    release = published(portal.state)[night]
    then = Then.of(release.path)
    allowed = then.known_to("grid") & then.within("grid_code", code)
    assert 0 < len(allowed) < len(then.known_to("grid"))
    for format in FORMATS:
        persons = read(take(client, release.name, f"slices/grid/persons.{format}"), format)
        assert set(persons["person_id" if format == "parquet" else "人员编号"]) == allowed, format
    details = last_entry(portal, "download")["details"]
    assert isinstance(details, dict)
    assert (details["area"], details["rows"]) == (code, len(allowed))
    households = pd.read_parquet(io.BytesIO(take(client, release.name, "slices/grid/households.parquet")))
    own = set(then.households.household_id[then.households.grid_code == code])
    assert set(households.household_id) == own & then.homes(allowed) != set()


@pytest.mark.parametrize(("level", "column"), [("street", "residence_street"), ("community", "residence_community")])
def test_an_area_that_is_the_whole_department_takes_all_of_it(portal: Portal, level: str, column: str) -> None:
    (name,) = {row["name"] for row in portal.settings.registers.current().rows(f"SELECT {column} AS name FROM persons WHERE list_contains(sources, 'grid')")}  # fmt: skip
    portal.users[level] = add_person(portal, level, "grid", ("downloader",), area_level=level, area_name=str(name))
    client, release = portal.client(level), published(portal.state)[0]
    copy = pd.read_parquet(io.BytesIO(take(client, release.name, "slices/grid/persons.parquet")))
    assert set(copy.person_id) == Then.of(release.path).known_to("grid")
    assert "slices/grid/deltas/persons.parquet" in offered(client, release.name)


def test_an_areas_copy_is_listed_checked_proved_resumed_and_traced_like_others(portal: Portal, tmp_path: Path) -> None:
    client, username, code = area_account(portal)
    release = published(portal.state)[0]
    address = f"/api/v1/releases/{release.name}/files/slices/grid/persons.csv"
    whole = client.get(address)
    listed = {f["path"]: f for f in client.get(f"/api/v1/releases/{release.name}/files").json()}
    file = listed["slices/grid/persons.csv"]
    assert f'"{file["sha256"]}"' == whole.headers["etag"]
    assert file["rows"] == len(read(whole.content, "csv"))
    part = client.get(address, headers={"range": "bytes=500-", "if-range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, whole.content[500:])
    (tmp_path / "persons.csv").write_bytes(whole.content)
    (tmp_path / "proof").write_bytes(client.get(address + ".proof.json").content)
    (tmp_path / "manifest.json").write_bytes(client.get(f"/api/v1/releases/{release.name}/files/manifest.json").content)
    trust = trust_named(release.path / "manifest.pub.pem")
    assert len(verify_copy(tmp_path / "persons.csv", tmp_path / "proof", trust, tmp_path / "manifest.json")) == 3
    best = trace(portal.state, read_leak(tmp_path / "persons.csv"))[0]
    assert (best.username, len(best.evidence)) == (username, 2)
    page = client.get("/downloads").text
    assert code in page and "deltas/persons.parquet" not in page


def test_an_area_sees_neither_other_slices_nor_whole_releases_and_asks_for_nothing_unmasked(portal: Portal) -> None:
    client, _, _ = area_account(portal, "register_downloader")
    newest = published(portal.state)[0].name
    others = {p for p in offered(client, newest) if not p.startswith("slices/grid/")}
    assert others == {"manifest.json", "manifest.sig", "manifest.pub.pem"}
    for path in ("persons.parquet", "slices/police/persons.csv", "slices/grid/deltas/persons.parquet"):
        assert client.get(f"/downloads/{newest}/{path}").status_code == 404
    form = {"table": "persons", "columns": ["identity_number"], "purpose": "visit", "note": "因"}
    assert client.post("/downloads/unmasked", data=form).status_code == 422
    dictionary = {e["table"] for e in client.get("/api/v1/dictionary").json()}
    assert dictionary == {"persons", "households", "notices"}


def test_an_area_has_a_spreadsheet_where_the_department_is_too_long_for_one(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from linkage.portal.downloads import offers

    client, _, _ = area_account(portal)
    release = published(portal.state)[0]
    manifest: dict[str, Any] = offers.read_manifest(release.path)
    files = {name: entry for name, entry in manifest["files"].items() if not name.endswith(".xlsx")}
    monkeypatch.setattr(offers, "read_manifest", lambda path: manifest | {"files": files})
    assert "slices/grid/persons.xlsx" in offered(client, release.name)
    assert "slices/grid/persons.xlsx" not in offered(portal.client("grid_downloader"), release.name)
    sheet = read(take(client, release.name, "slices/grid/persons.xlsx"), "xlsx")
    assert len(sheet) == len(read(take(client, release.name, "slices/grid/persons.csv"), "csv")) > 0
    assert pq.read_table(release.path / "slices/grid/persons.parquet").num_rows > len(sheet)
