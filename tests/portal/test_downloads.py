"""Who may download what, how it is named, described, checked and put on record."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from linkage.kernel.database import open_database
from linkage.kernel.errors import ConfigurationError, VerificationFailed
from linkage.kernel.state_tables import audit_table
from linkage.portal.downloads.proof import verify_copy
from linkage.portal.downloads.releases import published
from linkage.release.manifest import read_manifest
from linkage.release.trust import trust_named
from tests.portal.conftest import Portal, grant_register

SLICE_TABLES = {"persons", "households", "notices"}


@pytest.fixture(scope="module")
def newest(portal: Portal) -> str:
    return published(portal.state)[0].name


@pytest.fixture(scope="module")
def first(portal: Portal) -> str:
    return published(portal.state)[-1].name


@pytest.fixture(scope="module")
def grid(portal: Portal) -> TestClient:
    return portal.client("grid_downloader")


def last_entry(portal: Portal, action: str) -> dict[str, object]:
    query = sa.select(audit_table.c.entry).order_by(audit_table.c.seq.desc()).limit(50)
    with open_database(portal.state).connect() as connection:
        entries = [json.loads(text) for text in connection.execute(query).scalars()]
    found: dict[str, object] = next(entry for entry in entries if entry["action"] == action)
    return found


def offered(client: TestClient, release: str) -> set[str]:
    answer = client.get(f"/api/v1/releases/{release}/files")
    assert answer.status_code == 200, answer.text
    return {file["path"] for file in answer.json()}


# who may take what


def test_a_department_is_offered_its_slice_and_the_signed_manifest_alone(grid: TestClient, newest: str) -> None:
    paths = offered(grid, newest)
    others = {p for p in paths if not p.startswith("slices/grid/")}
    assert others == {"manifest.json", "manifest.sig", "manifest.pub.pem"}
    assert {f"slices/grid/{t}.{e}" for t in SLICE_TABLES for e in ("csv", "gb18030.csv", "xlsx", "parquet")} < paths
    assert "slices/grid/deltas/persons.parquet" in paths
    assert "slices/grid/README.txt" in paths


def test_whole_releases_come_as_signed_and_verify(portal: Portal, newest: str, tmp_path: Path) -> None:
    from linkage.release.verify import verify_release

    grant_register(portal, "archivist")
    client = portal.client("archivist")
    release = portal.state.releases / newest
    folder = tmp_path / newest
    for path in offered(client, newest):
        answer = client.get(f"/api/v1/releases/{newest}/files/{path}")
        assert answer.status_code == 200
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(answer.content)
    assert len(verify_release(folder, trust_named(release / "manifest.pub.pem"))) > 60


NOT_FOR_GRID = [
    "slices/police/persons.csv", "slices/police/persons.parquet.sha256", "slices/civil/persons.csv.proof.json", "persons.parquet",
    "values.parquet", "register.duckdb", "derived.json", "restricted.parquet", "deltas/persons.parquet", "slices/grid", "slices/grid/", "",
    "slices/grid/..%2f..%2fpersons.parquet", "..%2f..%2fkeys%2frelease_ed25519.pem",
    "%2e%2e/%2e%2e/keys/watermark.key", "/etc/passwd", "%2fetc%2fpasswd", "slices/grid/persons.csv%00.parquet", "slices\\grid\\persons.csv",
    "slices//grid/persons.csv", "slices/grid/persons.csv/", "slices/grid/persons.csv.sha256.sha256",
    "slices/grid/persons.csv.prepared.json", "slices/grid/README.txt.proof.json", "manifest.json.proof.json", "slices/grid/PERSONS.csv",
]  # fmt: skip


@pytest.mark.parametrize("path", NOT_FOR_GRID)
@pytest.mark.parametrize("prefix", ["/downloads/{}/", "/api/v1/releases/{}/files/"])
def test_other_files_look_like_none(grid: TestClient, newest: str, prefix: str, path: str) -> None:
    nothing = grid.get(prefix.format(newest) + "slices/grid/nothing.csv")
    answer = grid.get(prefix.format(newest) + path)
    assert (answer.status_code, answer.headers.get("etag")) == (404, None)
    if prefix.startswith("/api/"):
        assert answer.text == nothing.text


@pytest.mark.parametrize("release", ["2026-03-01-00000000", "..", "%2e%2e", "CURRENT", ".unfinished", "a" * 300])
def test_a_release_that_is_not_published_is_not_there(grid: TestClient, release: str) -> None:
    answer = grid.get(f"/api/v1/releases/{release}/files/manifest.json")
    assert answer.status_code in (404, 405)


@pytest.mark.parametrize("username", ["steward", "grid_reader", "auditor", "sysadmin", "nobody", "head"])
def test_who_does_not_download_gets_nothing(portal: Portal, newest: str, username: str) -> None:
    for path in (f"/downloads/{newest}/slices/grid/persons.csv", f"/api/v1/releases/{newest}/files/manifest.json"):
        assert portal.client(username).get(path).status_code == 403


def test_without_a_purpose_nothing_is_downloaded(portal: Portal, newest: str) -> None:
    client = portal.client("grid_downloader", purpose=None)
    answer = client.get(f"/downloads/{newest}/slices/grid/persons.csv")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/purpose?next=")


# which release


def test_a_day_leads_to_the_release_that_was_its_register(grid: TestClient, newest: str, first: str) -> None:
    for day, expected in {"2026-03-02": first, "2026-03-03": newest, "2026-04-01": newest}.items():
        assert f"/downloads/{expected}/slices/grid/persons.csv" in grid.get("/downloads", params={"as_of": day}).text
        assert [r["release"] for r in grid.get("/api/v1/releases", params={"as_of": day}).json()] == [expected]
    assert grid.get("/api/v1/releases", params={"as_of": "2026-03-01"}).json() == []
    assert "尚无总库" in grid.get("/downloads", params={"as_of": "2026-03-01"}).text
    assert grid.get("/downloads", params={"as_of": "yesterday"}).status_code == 422


def test_releases_are_listed_newest_first(grid: TestClient, newest: str, first: str) -> None:
    releases = grid.get("/api/v1/releases").json()
    assert [r["release"] for r in releases] == [newest, first]
    assert [r["current"] for r in releases] == [True, False]


# the file and what stands beside it


@pytest.mark.parametrize(
    "path", ["persons.csv", "persons.gb18030.csv", "persons.xlsx", "persons.parquet", "deltas/persons.parquet"]
)
def test_checksum_and_proof_stand_beside_each_copy(
    portal: Portal, grid: TestClient, newest: str, path: str, tmp_path: Path
) -> None:
    address = f"/api/v1/releases/{newest}/files/slices/grid/{path}"
    answer = grid.get(address)
    file = tmp_path / Path(path).name
    file.write_bytes(answer.content)
    digest = hashlib.sha256(answer.content).hexdigest()
    assert answer.headers["etag"] == f'"{digest}"'
    assert grid.get(address + ".sha256").text == f"{digest}  {file.name}\n"
    proof, manifest = tmp_path / "proof.json", tmp_path / "manifest.json"
    proof.write_bytes(grid.get(address + ".proof.json").content)
    manifest.write_bytes(grid.get(f"/api/v1/releases/{newest}/files/manifest.json").content)
    trust = trust_named(portal.state.releases / newest / "manifest.pub.pem")
    assert len(verify_copy(file, proof, trust, manifest)) == 3
    tampered = answer.content[:-1] + bytes([answer.content[-1] ^ 1])
    file.write_bytes(tampered)
    with pytest.raises(VerificationFailed):
        verify_copy(file, proof, trust)


def test_a_proof_that_was_changed_or_is_none_is_refused(
    portal: Portal, grid: TestClient, newest: str, tmp_path: Path
) -> None:
    address = f"/api/v1/releases/{newest}/files/slices/grid/persons.csv"
    file, proof = tmp_path / "persons.csv", tmp_path / "proof.json"
    file.write_bytes(grid.get(address).content)
    signed = grid.get(address + ".proof.json").json()
    trust = trust_named(portal.state.releases / newest / "manifest.pub.pem")
    proof.write_text(json.dumps(signed | {"proof": signed["proof"].replace(newest, "2026-01-01-00000000")}))
    with pytest.raises(VerificationFailed):
        verify_copy(file, proof, trust)
    proof.write_text("{}")
    with pytest.raises(ConfigurationError):
        verify_copy(file, proof, trust)


def test_head_says_what_get_would_give(grid: TestClient, newest: str) -> None:
    address = f"/api/v1/releases/{newest}/files/slices/grid/persons.csv"
    got, head = grid.get(address), grid.head(address)
    same = ("etag", "content-length", "content-type", "content-disposition", "repr-digest", "accept-ranges")
    assert {name: head.headers[name] for name in same} == {name: got.headers[name] for name in same}
    assert head.content == b""


def test_unchanged_and_wrong_versions_are_told_without_a_body(grid: TestClient, newest: str) -> None:
    address = f"/downloads/{newest}/slices/grid/persons.csv"
    whole = grid.get(address)
    etag, size = whole.headers["etag"], len(whole.content)
    known = grid.get(address, headers={"if-none-match": etag})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", etag)
    assert grid.get(address, headers={"if-match": '"another"'}).status_code == 412
    behind = grid.get(address, headers={"range": f"bytes={size}-"})
    assert (behind.status_code, behind.headers["content-range"]) == (416, f"bytes */{size}")
    part = grid.get(address, headers={"range": "bytes=-100", "if-range": etag})
    assert (part.status_code, part.content) == (206, whole.content[-100:])
    assert part.headers["content-range"] == f"bytes {size - 100}-{size - 1}/{size}"
    assert part.headers["repr-digest"] == whole.headers["repr-digest"]
    assert "content-digest" not in part.headers


def test_a_page_saves_under_a_chinese_name_and_kept_nowhere_else(grid: TestClient, newest: str) -> None:
    headers = grid.get(f"/downloads/{newest}/slices/grid/persons.csv").headers
    assert "filename*=UTF-8''%E7%BD%91%E6%A0%BC_%E4%BA%BA%E5%91%98_" in headers["content-disposition"]
    assert headers["cache-control"] == "no-store"
    checksum = grid.get(f"/downloads/{newest}/slices/grid/persons.csv.sha256").text
    assert checksum.endswith(f"  网格_人员_{newest}.csv\n")


# on record


def test_every_download_is_on_record_with_what_and_how_much(portal: Portal, grid: TestClient, newest: str) -> None:
    address = f"/downloads/{newest}/slices/grid/persons.csv"
    whole = grid.get(address)
    entry = last_entry(portal, "download")
    details = entry["details"]
    assert isinstance(details, dict)
    rows = read_manifest(portal.state.releases / newest)["files"]["slices/grid/persons.csv"]["rows"]
    assert (details["release"], details["file"], details["rows"]) == (newest, "slices/grid/persons.csv", rows)
    assert details["bytes"] == f"0-{len(whole.content) - 1}/{len(whole.content)}"
    assert (entry["purpose"], entry["actor"]) == ("register_quality", "grid_downloader")
    columns = entry["columns"]
    assert isinstance(columns, list)
    assert "persons.full_name" in columns
    today = details["downloads_today"]
    grid.get(address, headers={"range": "bytes=1000-1999"})
    resumed = last_entry(portal, "download")["details"]
    assert isinstance(resumed, dict)
    assert resumed["bytes"] == f"1000-1999/{len(whole.content)}"
    assert "downloads_today" not in resumed
    grid.get(address)
    again = last_entry(portal, "download")["details"]
    assert isinstance(again, dict)
    assert again["downloads_today"] == today + 1


# what the columns mean


def test_the_dictionary_names_what_the_slice_has_and_how_it_is_masked(grid: TestClient, newest: str) -> None:
    entries = grid.get("/api/v1/dictionary").json()
    persons = {e["column"]: e for e in entries if e["table"] == "persons"}
    content = grid.get(f"/downloads/{newest}/slices/grid/persons.csv").content.decode("utf-8-sig")
    header = next(csv.reader(io.StringIO(content)))
    assert sorted(e["zh"] for e in persons.values()) == sorted(header[:-1])
    assert (header[-1], persons["identity_number"]["mask"], persons["full_name"]["mask"]) == ("留痕码", "number", "")
    assert persons["identity_number"]["standard"] == "GB 11643-1999"
    assert grid.get("/downloads/dictionary.json").json() == entries
    rows = list(csv.DictReader(io.StringIO(grid.get("/downloads/dictionary.csv").content.decode("utf-8-sig"))))
    assert [row["column"] for row in rows] == [e["column"] for e in entries]


def test_the_api_is_described_without_the_pages(grid: TestClient) -> None:
    paths = grid.get("/api/v1/openapi.json").json()["paths"]
    assert "/api/v1/releases/{release}/files/{path}" in paths
    assert all(path.startswith("/api/v1/") for path in paths)


@pytest.fixture(
    scope="module", params=["/downloads", "/downloads/help", "/downloads/dictionary", "/downloads/unmasked", "/tokens"]
)
def any_page(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_speak_one_language_at_a_time(portal: Portal, any_page: str, language: str) -> None:
    client = portal.client("grid_downloader")
    client.cookies.set("gridroll_language", language)
    text = client.get(any_page).text
    assert ("导航" in text or "<nav" in text) and ("怎样打开" in text) == (language == "zh" and any_page != "/tokens")
