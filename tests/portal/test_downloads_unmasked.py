"""Unmasked bulk data: one asks, two others grant, for a short while; anything else gives nothing."""

import csv
import io
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from linkage.kernel.config import read_config
from linkage.kernel.database import open_database
from linkage.kernel.state_tables import unmask_requests_table
from linkage.portal import clock
from linkage.portal.downloads.unmasked import Request, Vote, masked_columns, read_requests
from linkage.release.sharing import SharingConfig
from tests.portal.conftest import CONFIG, Portal, add_person
from tests.portal.test_downloads import last_entry

START = datetime(2026, 3, 4, 8)
NEEDED, HOURS = 2, 24.0

# name: (votes as (person, verdict, hours after the request), hours after the request at which is asked, status)
VOTES: dict[str, tuple[tuple[tuple[str, str, float], ...], float, str]] = {
    "nobody answered": ((), 1, "waiting"),
    "one grants": ((("a", "grant", 1),), 2, "waiting"),
    "two grant": ((("a", "grant", 1), ("b", "grant", 2)), 3, "granted"),
    "one person twice is one": ((("a", "grant", 1), ("a", "grant", 2)), 3, "waiting"),
    "the requester does not count": ((("me", "grant", 1), ("a", "grant", 2)), 3, "waiting"),
    "the requester and two others": ((("me", "grant", 1), ("a", "grant", 2), ("b", "grant", 3)), 4, "granted"),
    "one refuses": ((("a", "refuse", 1),), 2, "refused"),
    "granted, then refused before the second": ((("a", "grant", 1), ("b", "refuse", 2)), 3, "refused"),
    "grants after a refusal are void": ((("a", "refuse", 1), ("b", "grant", 2), ("c", "grant", 3)), 4, "refused"),
    "a refusal after the decision is void": ((("a", "grant", 1), ("b", "grant", 2), ("c", "refuse", 3)), 4, "granted"),
    "withdrawn": ((("a", "grant", 1), ("b", "grant", 2), ("me", "withdraw", 3)), 4, "withdrawn"),
    "withdrawn before it was granted": ((("a", "grant", 1), ("me", "withdraw", 2), ("b", "grant", 3)), 4, "withdrawn"),
    "withdrawn by another is nothing": ((("a", "grant", 1), ("b", "withdraw", 2)), 3, "waiting"),
    "the last hour": ((("a", "grant", 1), ("b", "grant", 2)), 25.9, "granted"),
    "its time is over": ((("a", "grant", 1), ("b", "grant", 2)), 26, "over"),
    "a third grant does not prolong it": ((("a", "grant", 1), ("b", "grant", 2), ("c", "grant", 20)), 26, "over"),
    "nobody answered in a week": ((), 7 * 24, "over"),
    "one grants within the week, the other after": ((("a", "grant", 1), ("b", "grant", 8 * 24)), 8 * 24 + 1, "over"),
}


@pytest.mark.parametrize("name", VOTES)
def test_what_votes_make_of_a_request(name: str) -> None:
    votes, asked_at, expected = VOTES[name]
    cast = tuple(Vote(who, who, verdict, "因", START + timedelta(hours=hours)) for who, verdict, hours in votes)
    request = Request(
        "r", "me", "me", "grid", "2026-03-03-x", "persons", ("identity_number",), "visit", "因", START, START + timedelta(days=7), cast
    )  # fmt: skip
    assert request.status(NEEDED, HOURS, START + timedelta(hours=asked_at)) == expected


@pytest.fixture(scope="module")
def granters(portal: Portal) -> tuple[str, str]:
    portal.users["head2"] = add_person(portal, "head2", "office", ("data_owner",))
    return "head", "head2"


def ask(portal: Portal, username: str = "grid_downloader", **more: str | list[str]) -> TestClient:
    client = portal.client(username)
    form = {
        "table": "persons",
        "columns": ["identity_number"],
        "purpose": "visit",
        "note": "核查补贴 批文 12 号",
    } | more
    answer = client.post("/downloads/unmasked", data=form)
    assert answer.status_code == 303, answer.text
    return client


def newest_request(portal: Portal) -> Request:
    return read_requests(portal.state)[0]


def say(portal: Portal, username: str, request_id: str, verdict: str, reason: str = "已核") -> int:
    answer = portal.client(username).post(
        f"/downloads/unmasked/{request_id}/vote", data={"verdict": verdict, "reason": reason}
    )  # fmt: skip
    return answer.status_code


def test_two_others_grant_and_the_requester_alone_downloads(portal: Portal, granters: tuple[str, str]) -> None:
    client = ask(portal)
    request = newest_request(portal)
    address = f"/downloads/unmasked/{request.request_id}/persons.csv"
    assert client.get(address).status_code == 403
    assert say(portal, granters[0], request.request_id, "grant") == 303
    assert client.get(address).status_code == 403
    assert say(portal, granters[0], request.request_id, "grant") == 409
    assert say(portal, "secadmin", request.request_id, "grant") == 303
    answer = client.get(address)
    assert answer.status_code == 200
    entry = last_entry(portal, "download_unmasked")
    assert (entry["actor"], entry["purpose"], entry["details"]["unmasked"]) == (
        "grid_downloader",
        "visit",
        ["identity_number"],
    )  # type: ignore[index]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    slice_rows = client.get(f"/downloads/{request.release}/slices/grid/persons.csv").content.decode("utf-8-sig")
    masked = {row["人员编号"]: row for row in csv.DictReader(io.StringIO(slice_rows))}
    assert {row["人员编号"] for row in rows} == set(masked)
    golden = {
        row["person_id"]: row["identity_number"]
        for row in portal.settings.registers.current().rows("SELECT person_id, identity_number FROM persons")
    }
    assert {row["人员编号"]: row["公民身份号码"] or None for row in rows} == {p: golden[p] for p in masked}
    different = {title for row in rows for title in row if row[title] != masked[row["人员编号"]][title]}
    assert different == {"公民身份号码", "留痕码"}
    for other in ("police_downloader", granters[0], "head"):
        assert portal.client(other).get(address).status_code in (403, 404)
    assert client.get(f"/downloads/unmasked/{request.request_id}/households.csv").status_code == 404
    assert client.get(f"/downloads/unmasked/{request.request_id}/persons.csv.proof.json").json()["signature"]


@pytest.mark.parametrize("change", ["UPDATE unmask_requests SET columns = '[]'", "DELETE FROM unmask_requests"])
def test_what_was_asked_for_is_never_changed(portal: Portal, change: str) -> None:
    ask(portal)
    with (
        pytest.raises(sa.exc.DatabaseError, match="append-only"),
        open_database(portal.state).begin() as connection,
    ):
        connection.exec_driver_sql(change)


def test_a_refusal_ends_it(portal: Portal, granters: tuple[str, str]) -> None:
    client = ask(portal)
    request_id = newest_request(portal).request_id
    assert say(portal, granters[0], request_id, "refuse") == 303
    for who in (granters[1], "secadmin"):
        assert say(portal, who, request_id, "grant") == 409
    assert client.get(f"/downloads/unmasked/{request_id}/persons.csv").status_code == 403


def test_nobody_grants_their_own_request(portal: Portal) -> None:
    portal.users["both"] = add_person(portal, "both", "grid", ("downloader", "data_owner"))
    ask(portal, "both")
    request_id = newest_request(portal).request_id
    assert say(portal, "both", request_id, "grant") == 403
    assert say(portal, "grid_downloader", request_id, "grant") == 403
    assert say(portal, "head", request_id, "grant", reason=" ") == 422
    assert say(portal, "head", "ffffffffffffffff", "grant") == 404


def test_its_time_runs_out(portal: Portal, granters: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    client = ask(portal)
    request_id = newest_request(portal).request_id
    for who in granters:
        assert say(portal, who, request_id, "grant") == 303
    address = f"/downloads/unmasked/{request_id}/persons.parquet"
    assert client.get(address).status_code == 200
    later = clock.now() + timedelta(hours=portal.settings.portal.unmasked_hours)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert portal.client("grid_downloader").get(address).status_code == 403


NOT_TO_BE_ASKED = {
    "no column": {"columns": []},
    "a column that is not masked": {"columns": ["full_name"]},
    "a column that is not delivered": {"columns": ["marital_status"]},
    "one of two": {"columns": ["identity_number", "hukou_address"]},
    "another table": {"table": "values"},
    "a table where nothing is masked": {"table": "households"},
    "no reason": {"note": "  "},
    "no such purpose": {"purpose": "curiosity"},
}


@pytest.mark.parametrize("name", NOT_TO_BE_ASKED)
def test_what_cannot_be_asked_for(portal: Portal, name: str) -> None:
    form = {"table": "persons", "columns": ["identity_number"], "purpose": "visit", "note": "因"} | NOT_TO_BE_ASKED[
        name
    ]
    with open_database(portal.state).connect() as connection:
        before = connection.execute(sa.select(sa.func.count()).select_from(unmask_requests_table)).scalar_one()
    assert portal.client("grid_downloader").post("/downloads/unmasked", data=form).status_code == 422
    with open_database(portal.state).connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(unmask_requests_table)).scalar_one() == before


def test_a_department_without_masks_and_a_reader_have_nothing_to_ask(portal: Portal) -> None:
    form = {"table": "persons", "columns": ["identity_number"], "purpose": "visit", "note": "因"}
    assert portal.client("police_downloader").post("/downloads/unmasked", data=form).status_code == 422
    assert portal.client("grid_reader").post("/downloads/unmasked", data=form).status_code == 403


def test_what_is_not_shared_cannot_even_be_asked_for() -> None:
    sharing = read_config(CONFIG / "sharing.yaml", SharingConfig)
    grid = next(d for d in sharing.departments if d.source == "grid")
    assert masked_columns(grid, sharing) == {"persons": ("identity_number",)}
    entry = next(c for c in sharing.classes if c.field == "identity_number")
    barred = sharing.model_copy(update={"classes": (entry.model_copy(update={"class_": "not_shared"}),)})
    assert masked_columns(grid, barred) == {}
    without_key = grid.model_copy(update={"persons": ("identity_number", "full_name")})
    assert masked_columns(without_key, sharing) == {}


def test_requesters_see_their_own_requests_granters_all(portal: Portal) -> None:
    ask(portal)
    mine = newest_request(portal)
    other = portal.client("police_downloader").get("/downloads/unmasked").text
    assert mine.request_id not in other
    assert mine.request_id in portal.client("grid_downloader").get("/downloads/unmasked").text
    assert mine.request_id in portal.client("secadmin").get("/downloads/unmasked").text
    assert portal.client("head").get("/downloads").headers["location"] == "/downloads/unmasked"
