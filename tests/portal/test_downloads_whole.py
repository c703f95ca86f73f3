"""Whole releases: one asks with a purpose, two others grant, for a short while; without that nothing but what verifies is given."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from linkage.kernel.contracts import contract
from linkage.kernel.database import open_database
from linkage.kernel.state_tables import role_grants_table, unmask_requests_table
from linkage.portal import clock
from linkage.portal.accounts import revoke_role
from linkage.portal.downloads.releases import published
from linkage.portal.downloads.unmasked import REGISTER, Request, read_requests
from linkage.portal.sessions import viewer_of
from linkage.portal.tokens import create_token, revoke_token
from tests.portal.browser import browser, served, sit_down
from tests.portal.conftest import Portal, add_person, grant_register
from tests.portal.test_downloads import last_entry, offered

WITHOUT_RESIDENTS = {
    "manifest.json", "manifest.sig", "manifest.pub.pem", "derived.json", "derived.sig", "datapackage.json",
}  # fmt: skip
WITH_RESIDENTS = (
    "persons.parquet", "values.parquet", "register.duckdb", "restricted.parquet", "accounting.parquet", "deltas/persons.parquet",
    "slices/police/persons.parquet", "slices/grid/persons.csv", "persons.parquet.sha256",
)  # fmt: skip
FORM = {"table": REGISTER, "purpose": "eligibility", "note": "年度审计 批文 7 号"}
numbers = count()


@pytest.fixture(scope="module")
def newest(portal: Portal) -> str:
    return published(portal.state)[0].name


@pytest.fixture
def taker(portal: Portal) -> Iterator[str]:
    """Somebody who may take whole releases and has asked for nothing yet."""
    username = f"taker{next(numbers)}"
    portal.users[username] = add_person(portal, username, "office", ("register_downloader",))
    yield username


def ask(portal: Portal, username: str) -> Request:
    answer = portal.client(username).post("/downloads/unmasked", data=FORM)
    assert answer.status_code == 303, answer.text
    return read_requests(portal.state, requested_by=portal.users[username])[0]


def say(portal: Portal, username: str, request_id: str, verdict: str = "grant") -> int:
    answer = portal.client(username).post(
        f"/downloads/unmasked/{request_id}/vote", data={"verdict": verdict, "reason": "已核"}
    )
    return int(answer.status_code)


def take(client: TestClient, release: str, path: str = "values.parquet", **headers: str) -> int:
    return int(client.get(f"/api/v1/releases/{release}/files/{path}", headers=headers).status_code)


def token_of(portal: Portal, username: str, days: int = 30) -> tuple[str, dict[str, str]]:
    """Id and header of a token for the table of values."""
    viewer = viewer_of(portal.state, portal.settings.access, portal.users[username])
    assert viewer is not None
    token_id, bearer = create_token(
        portal.state, viewer, name="nightly", purpose="visit", may=["download_register"],
        tables={"values": contract("values").column_names}, days=days,
    )  # fmt: skip
    return token_id, {"authorization": f"Bearer {bearer}"}


@pytest.mark.parametrize("path", WITH_RESIDENTS)
def test_without_a_request_it_is_refused_says_how_to_ask_and_is_on_record(
    portal: Portal, newest: str, taker: str, path: str
) -> None:
    client = portal.client(taker)
    answer = client.get(f"/api/v1/releases/{newest}/files/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert "/downloads/unmasked" in answer.json()["title"] and "须有已获批准" in answer.json()["detail"]
    entry = last_entry(portal, "download")
    details = entry["details"]
    assert isinstance(details, dict)
    assert (entry["actor"], entry["outcome"], entry["columns"]) == (taker, "denied", [])
    assert (details["release"], details["file"]) == (newest, path.removesuffix(".sha256"))
    page = client.get(f"/downloads/{newest}/{path}")
    assert page.status_code == 403 and 'href="/downloads/unmasked"' in page.text and "须有已获批准" in page.text
    client.cookies.set("gridroll_language", "en")
    assert "needs a request that is granted" in client.get(f"/downloads/{newest}/{path}").text
    assert client.head(f"/api/v1/releases/{newest}/files/{path}").status_code == 403
    assert take(client, newest, path, range="bytes=0-99") == 403


def test_what_verifies_is_there_without_a_request(portal: Portal, newest: str, taker: str) -> None:
    client = portal.client(taker)
    paths = offered(client, newest)
    assert {path for path in paths if not path.endswith("README.txt")} == WITHOUT_RESIDENTS
    for path in paths:
        assert client.get(f"/api/v1/releases/{newest}/files/{path}").status_code == 200
        assert client.get(f"/downloads/{newest}/{path}.sha256").status_code == 200
    assert "须申请" in client.get("/downloads").text
    assert client.get(f"/api/v1/releases/{newest}/files/nothing.parquet").status_code == 404


def test_two_others_grant_and_the_requester_alone_downloads(portal: Portal, newest: str, taker: str) -> None:
    client = portal.client(taker)
    request = ask(portal, taker)
    assert take(client, newest) == 403
    assert say(portal, "head", request.request_id) == 303
    assert take(client, newest) == 403
    assert say(portal, "head", request.request_id) == 409
    assert say(portal, "secadmin", request.request_id) == 303
    signed = (portal.state.releases / newest / "values.parquet").read_bytes()
    whole = client.get(f"/api/v1/releases/{newest}/files/values.parquet")
    assert (whole.status_code, whole.content) == (200, signed)
    entry = last_entry(portal, "download")
    details = entry["details"]
    assert isinstance(details, dict)
    assert (entry["outcome"], entry["purpose"], details["request"]) == ("done", "eligibility", request.request_id)
    part = client.get(
        f"/downloads/{newest}/values.parquet", headers={"range": "bytes=100-", "if-range": whole.headers["etag"]}
    )
    assert (part.status_code, part.content) == (206, signed[100:])
    earlier = published(portal.state)[-1].name
    assert earlier != newest and take(client, earlier) == 200  # machines fetch each night
    assert {"register.duckdb", "values.parquet", "restricted.parquet"} < offered(client, newest)
    assert "可下载至" in client.get("/downloads").text
    assert "可下载至" in client.get("/downloads/unmasked").text
    portal.users["bystander"] = add_person(portal, "bystander", "office", ("register_downloader",))
    assert take(portal.client("bystander"), newest) == 403
    assert client.get(f"/downloads/unmasked/{request.request_id}/register.csv").status_code in (403, 404)


def test_a_refusal_ends_it(portal: Portal, newest: str, taker: str) -> None:
    request = ask(portal, taker)
    assert say(portal, "head", request.request_id, "refuse") == 303
    assert say(portal, "secadmin", request.request_id) == 409
    assert take(portal.client(taker), newest) == 403


def test_nobody_grants_their_own(portal: Portal, newest: str) -> None:
    portal.users["keeper"] = add_person(portal, "keeper", "office", ("register_downloader", "data_owner"))
    request = ask(portal, "keeper")
    assert say(portal, "keeper", request.request_id) == 403
    assert say(portal, "head", request.request_id) == 303
    assert take(portal.client("keeper"), newest) == 403
    assert say(portal, "archivist", request.request_id) == 403  # no role for it


def test_its_time_runs_out_for_sessions_and_tokens(
    portal: Portal, newest: str, taker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bearer = token_of(portal, taker)
    machine = portal.client()
    refused = machine.get(f"/api/v1/releases/{newest}/files/values.parquet", headers=bearer)
    assert (refused.status_code, last_entry(portal, "download")["outcome"]) == (403, "denied")
    assert take(machine, newest, "manifest.json", **bearer) == 200
    grant_register(portal, taker)
    assert take(machine, newest, **bearer) == 200
    assert last_entry(portal, "download")["purpose"] == "register_quality"  # the request's, not the token's
    assert take(machine, newest, **bearer, range="bytes=0-9") == 206
    assert take(machine, newest, "persons.parquet", **bearer) == 404  # not what the token is for
    later = clock.now() + timedelta(hours=portal.settings.portal.unmasked_hours)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert take(machine, newest, **bearer) == 403
    assert take(machine, newest, **bearer, range="bytes=10-") == 403
    assert take(portal.client(taker), newest) == 403
    assert take(machine, newest, "manifest.json", **bearer) == 200


def withdraw(portal: Portal, username: str, request_id: str) -> int:
    return int(portal.client(username).post(f"/downloads/unmasked/{request_id}/withdraw").status_code)


def test_its_requester_withdraws_it_for_good(portal: Portal, newest: str, taker: str) -> None:
    request_id = grant_register(portal, taker)
    _, bearer = token_of(portal, taker)
    client, machine = portal.client(taker), portal.client()
    assert (take(client, newest), take(machine, newest, **bearer)) == (200, 200)
    for other, expected in (("archivist", 404), ("grid_downloader", 404), ("head", 403)):
        assert withdraw(portal, other, request_id) == expected
    assert take(client, newest) == 200
    assert withdraw(portal, taker, request_id) == 303
    assert (take(client, newest), take(machine, newest, **bearer)) == (403, 403)
    assert "已撤回" in client.get("/downloads/unmasked").text
    assert withdraw(portal, taker, request_id) == 409
    portal.users["other_head"] = add_person(portal, "other_head", "office", ("data_owner",))
    assert say(portal, "other_head", request_id) == 409


def test_a_request_withdrawn_before_it_was_answered_takes_no_grants(portal: Portal, newest: str, taker: str) -> None:
    request = ask(portal, taker)
    assert say(portal, "head", request.request_id) == 303
    assert withdraw(portal, taker, request.request_id) == 303
    assert say(portal, "secadmin", request.request_id) == 409
    assert take(portal.client(taker), newest) == 403


def test_it_ends_with_the_token_and_with_the_role(portal: Portal, newest: str, taker: str) -> None:
    grant_register(portal, taker)
    token_id, bearer = token_of(portal, taker)
    client, machine = portal.client(taker), portal.client()
    assert (take(client, newest), take(machine, newest, **bearer)) == (200, 200)
    revoke_token(portal.state, token_id, "test")
    assert (take(client, newest), take(machine, newest, **bearer)) == (200, 401)
    mine = sa.select(role_grants_table.c.grant_id).where(role_grants_table.c.user_id == portal.users[taker])
    with open_database(portal.state).connect() as connection:
        grant_id = connection.execute(mine).scalar_one()
    revoke_role(portal.state, portal.users[taker], grant_id, revoked_by="test", reason="test")
    assert take(client, newest) == 403


def test_what_was_granted_in_one_department_does_not_move_to_another(portal: Portal, newest: str, taker: str) -> None:
    moment = datetime(2026, 3, 4)
    row = {
        "request_id": "0d" * 8, "requested_by": portal.users[taker], "department": "police", "release": newest, "table_name": REGISTER,
        "columns": [], "purpose": "visit", "purpose_note": "因", "requested_at": moment, "expires_at": clock.now() + timedelta(days=7),
    }  # fmt: skip
    with open_database(portal.state).begin() as connection:
        connection.execute(sa.insert(unmask_requests_table), row)
    assert [say(portal, who, "0d" * 8) for who in ("head", "secadmin")] == [303, 303]
    assert take(portal.client(taker), newest) == 403


def test_a_department_keeps_its_slice_while_it_waits(portal: Portal, newest: str) -> None:
    portal.users["grid_taker"] = add_person(portal, "grid_taker", "grid", ("register_downloader",))
    client = portal.client("grid_taker")
    copy = client.get(f"/api/v1/releases/{newest}/files/slices/grid/persons.csv")
    assert copy.status_code == 200 and "留痕码" in copy.content.decode("utf-8-sig").splitlines()[0]
    assert (take(client, newest, "slices/police/persons.csv"), take(client, newest)) == (403, 403)


@pytest.mark.parametrize(("username", "status"), [("grid_downloader", 422), ("head", 403), ("grid_reader", 403)])
def test_who_may_not_take_it_cannot_ask_for_it(portal: Portal, username: str, status: int) -> None:
    assert portal.client(username).post("/downloads/unmasked", data=FORM).status_code == status


@pytest.mark.parametrize("change", [{"note": " "}, {"purpose": "curiosity"}])
def test_purpose_and_reason_are_needed(portal: Portal, taker: str, change: dict[str, str]) -> None:
    assert portal.client(taker).post("/downloads/unmasked", data=FORM | change).status_code == 422
    assert read_requests(portal.state, requested_by=portal.users[taker]) == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_granters_see_what_is_asked_for(portal: Portal, taker: str, language: str) -> None:
    request = ask(portal, taker)
    client = portal.client("secadmin")
    client.cookies.set("gridroll_language", language)
    text = client.get("/downloads/unmasked").text
    said = {"zh": "总库（全体居民，未脱敏）", "en": "whole releases (every resident, unmasked)"}[language]
    assert request.request_id in text and said in text


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_on_the_way_are_sound(portal: Portal, newest: str, taker: str, language: str) -> None:
    with served(portal) as address, browser() as started:
        seat, context = sit_down(started, portal, address, taker)
        seat.open(f"/language/{language}?next=/purpose")
        seat.page.get_by_role("radio").nth(1).check()
        seat.page.locator("main form button").click()
        seat.page.wait_for_url("**/")
        seat.page.goto(f"{address}/downloads/{newest}/persons.parquet")
        seat.axe()
        seat.page.locator("main a[href='/downloads/unmasked']").click()
        seat.axe()
        seat.page.locator("textarea").fill("年度审计 批文 7 号")
        seat.page.locator("main form button").click()
        seat.page.get_by_text("年度审计 批文 7 号").wait_for()
        request_id = read_requests(portal.state, requested_by=portal.users[taker])[0].request_id
        assert [say(portal, who, request_id) for who in ("head", "secadmin")] == [303, 303]
        for path in ("/downloads/unmasked", "/downloads"):
            seat.open(path)
            seat.axe()
        assert seat.page.locator(f"a[href='/downloads/{newest}/register.duckdb']").count() == 1
        assert [fault for fault in seat.faults if "403" not in fault] == []
        context.close()
