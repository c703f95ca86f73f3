"""The auditor's pages: what they find, what they hide, and that they are on record themselves."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from linkage.portal.audit import Entry
from linkage.portal.audit_export import check_export
from linkage.portal.audit_search import Filters, find_entries
from linkage.portal.audit_usage import DayOfUser, unusual, usage_by_day
from linkage.portal.csv_text import FORMULA_SIGNS, csv_text, safe_cell
from tests.portal.bare import START, Clock, bare_portal
from tests.portal.bare import time_of as time_of
from tests.portal.conftest import Portal

PERSON, OTHER = "P0000000000000001", "P0000000000000002"
NUMBER = "330106199001011234"


@pytest.fixture
def own(tmp_path: Path, time_of: Clock) -> Portal:
    return bare_portal(tmp_path, ("steward", "police_reader", "sysadmin", "secadmin", "auditor"))


@pytest.fixture
def auditor(own: Portal) -> TestClient:
    return own.client("auditor", purpose=None)


def put(own: Portal, actor: str = "steward", action: str = "look", outcome: str = "done", **more: object) -> int:
    at = more.pop("at", START)
    return own.settings.audit.append(Entry(action, actor, "grid", outcome, 200, **more), at=at)  # type: ignore[arg-type]


def numbers(page: str) -> list[int]:
    """The entries that a page lists."""
    return [int(found) for found in re.findall(r'href="/audit/entries/([0-9]+)">\1<', page)]


@pytest.mark.parametrize(
    "path",
    [
        "/audit",
        "/audit/entries/1",
        f"/audit/persons/{PERSON}",
        f"/audit/persons/{PERSON}/csv",
        "/audit/value",
        "/audit/usage",
        "/audit/verification",
        "/audit/export?first=2026-01-01&last=2026-12-31",
    ],
)
def test_the_pages_are_the_auditors_alone(own: Portal, path: str) -> None:
    for username in own.users:
        status = own.client(username, purpose=None).get(path).status_code
        assert (status == 200) is (username == "auditor"), (username, status)


def test_entries_are_found_by_time_user_action_outcome_and_person(own: Portal, auditor: TestClient) -> None:
    early = put(own, at=START - timedelta(days=3))
    mine = put(own, "police_reader", persons=(PERSON,))
    refused = put(own, "police_reader", outcome="denied")
    other = put(own, action="download", persons=(OTHER,))
    for query, expected in {
        "actor=police_reader": {mine, refused},
        "action=look&outcome=done": {early, mine},
        "last=2026-11-27": {early},
        "first=2026-11-27&action=look": {mine, refused},
        "action=download": {other},
        f"person={PERSON}": {mine},
        "outcome=denied": {refused},
        "actor=nobody": set(),
    }.items():
        assert set(numbers(auditor.get(f"/audit?{query}").text)) == expected, query


def test_days_are_the_districts(own: Portal, auditor: TestClient) -> None:
    before = put(own, at=datetime(2026, 11, 20, 15, 59, tzinfo=UTC))  # 23:59 in Shanghai
    after = put(own, at=datetime(2026, 11, 20, 16, 1, tzinfo=UTC))  # 00:01 of the next day
    assert set(numbers(auditor.get("/audit?first=2026-11-20&last=2026-11-20").text)) == {before}
    assert set(numbers(auditor.get("/audit?first=2026-11-21&last=2026-11-21").text)) == {after}


def test_pages_follow_each_other_without_a_gap(own: Portal, auditor: TestClient) -> None:
    written = [put(own, "busy") for _ in range(123)]
    seen: list[int] = []
    path = "/audit?actor=busy"
    while path:
        page = auditor.get(path).text
        seen += numbers(page)
        links = re.findall(r'href="(/audit\?[^"]*before=[0-9]+)"', page)
        path = links[0].replace("&amp;", "&") if links else ""
    assert seen == sorted(written, reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        "first=yesterday",
        "last=2026-13-01",
        "person=330106199001011234",
        "person=x",
        "before=0",
        "before=99999999999",
        "first=9999-12-31",
    ],
)
def test_what_cannot_be_searched_for_is_said(auditor: TestClient, query: str) -> None:
    assert auditor.get(f"/audit?{query}").status_code == 422


def test_who_looked_at_a_person_and_that_the_auditor_asked(own: Portal, auditor: TestClient) -> None:
    looks = [put(own, persons=(PERSON, OTHER)), put(own, "police_reader", persons=(PERSON,))]
    put(own, persons=(OTHER,))
    page = auditor.get(f"/audit/persons/{PERSON}").text
    assert numbers(page) == sorted(looks, reverse=True)
    newest = find_entries(own.state, Filters(actor="auditor"), own.settings.zone, limit=1)[0].entry
    assert (newest["action"], newest["persons"]) == ("audit_person", [PERSON])
    again = auditor.get(f"/audit/persons/{PERSON}").text
    assert len(numbers(again)) == 3, "the auditor's own look"
    assert auditor.get("/audit/persons/13812345678").status_code == 422


def test_the_file_of_looks_names_no_other_person(own: Portal, auditor: TestClient) -> None:
    put(own, "=cmd|' /C calc'!A0", persons=(PERSON, OTHER))
    answer = auditor.get(f"/audit/persons/{PERSON}/csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="looks-at-{PERSON}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 1
    assert rows[0]["actor"] == "'=cmd|' /C calc'!A0"
    assert rows[0]["persons"] == PERSON and OTHER not in answer.text


def test_a_value_that_the_auditor_knows_is_found_by_its_hash_alone(own: Portal, auditor: TestClient) -> None:
    hashed = own.settings.audit.keyed_hash
    one = put(own, details={"query_hash": hashed(NUMBER)})
    two = put(own, details={"query_hashes": [hashed("张三"), hashed("1990-01-01")]})
    three = put(own, purpose_note_hash=hashed("CASE-7"))
    for typed, expected in {NUMBER: [one], "张三": [two], "case-7": [three], "李四": []}.items():
        answer = auditor.post("/audit/value", data={"value": typed})
        assert [n for n in numbers(answer.text) if n <= three] == expected, typed
        assert typed not in str(answer.url)
    with (own.state.root / "gridroll.sqlite-wal").open("rb") as wal:
        assert NUMBER.encode() not in wal.read()


def test_an_entry_is_shown_in_full_and_as_text(own: Portal, auditor: TestClient) -> None:
    seq = put(
        own,
        details={"n": "<script>alert(1)</script>"},
        persons=(PERSON,),
        columns=("persons.phone",),
        address="10.0.0.9",
    )
    page = auditor.get(f"/audit/entries/{seq}").text
    for there in (PERSON, "persons.phone", "10.0.0.9", "2026-11-29 10:00:00"):
        assert there in page
    assert "<script>alert" not in page
    for nowhere in (0, seq + 100, 2**31, 2**70):
        assert auditor.get(f"/audit/entries/{nowhere}").status_code == 404


def test_verification_tells_what_is_wrong_and_is_on_record(own: Portal, auditor: TestClient) -> None:
    page = auditor.post("/audit/verification").text
    assert re.search(r"完整：\d+ 条", page)
    import sqlite3

    con = sqlite3.connect(own.state.root / "gridroll.sqlite")
    con.execute("DROP TRIGGER audit_no_update")
    con.execute("UPDATE audit SET entry = replace(entry, 'auditor', 'steward') WHERE seq = 2")
    con.commit()
    con.close()
    page = auditor.post("/audit/verification").text
    assert "审计记录不完整" in page and "entry 2" in page
    said = find_entries(own.state, Filters(action="audit_verify", outcome="done"), own.settings.zone, limit=5)
    assert [one.entry["details"]["whole"] for one in said] == [False, True]


def test_the_export_is_whole_on_its_own(own: Portal, auditor: TestClient, tmp_path: Path) -> None:
    for _ in range(10):
        put(own, at=START - timedelta(days=40))
    for _ in range(5):
        put(own, at=START)
    answer = auditor.get("/audit/export", params={"first": "2026-11-29", "last": "2026-11-29"})
    assert answer.status_code == 200
    (tmp_path / "e.jsonl").write_bytes(answer.content)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert check_export(own.settings.audit, tmp_path / "e.jsonl") == (lines[1]["seq"], lines[-2]["seq"])
    assert lines[0]["begins_behind"]["seq"] == lines[1]["seq"] - 1
    assert auditor.get("/audit/export?first=2020-01-01&last=2020-01-02").status_code == 404
    assert auditor.get("/audit/export?first=&last=").status_code == 422


# --- what is unusual ---------------------------------------------------------------------------------------------------

DAY = date(2026, 11, 29)


def days_of(actor: str, *persons: int, **last: int) -> list[DayOfUser]:
    """A user's days, the last one today."""
    found = [DayOfUser(DAY - timedelta(days=len(persons) - 1 - n), actor, p, p) for n, p in enumerate(persons)]
    for name, value in last.items():
        setattr(found[-1], name, value)
    return found


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (days_of("a", 10, 12, 9, 11), []),
        (days_of("a", 10, 12, 9, 60), ["far_above_median"]),
        (days_of("a", 10, 12, 9, 49), []),
        (days_of("a", 100, 120, 90, 300), []),
        (days_of("a", 10, 500), []),
        (days_of("a", 10, night_persons=20), ["night"]),
        (days_of("a", 10, night_persons=19), []),
        (days_of("a", 0, refusals=20), ["refusals"]),
        (days_of("", 0, refusals=200), ["refusals"]),
        (days_of("a", 10, 12, 9, 60, night_persons=60, refusals=20), ["night", "far_above_median", "refusals"]),
        (days_of("a", 10, 12, 9, 11) + days_of("b", 1, 1, 1, 11), []),
    ],
)  # fmt: skip
def test_what_is_unusual(days: list[DayOfUser], expected: list[str]) -> None:
    assert [hint.kind for hint in unusual(days)] == expected


def test_looks_are_counted_by_the_districts_day_and_night(own: Portal, auditor: TestClient) -> None:
    put(own, "steward", persons=(PERSON, OTHER), at=datetime(2026, 11, 28, 13, 59, tzinfo=UTC))  # 21:59
    put(own, "steward", persons=(PERSON,), at=datetime(2026, 11, 28, 14, 0, tzinfo=UTC))  # 22:00
    put(own, "steward", persons=(PERSON,), at=datetime(2026, 11, 28, 21, 59, tzinfo=UTC))  # 05:59 of the 29th
    put(own, "steward", outcome="denied", at=datetime(2026, 11, 28, 2, 0, tzinfo=UTC))
    found = [d for d in usage_by_day(own.state, DAY - timedelta(days=5), own.settings.zone) if d.actor == "steward"]
    assert [(d.day.day, d.looks, d.persons, d.night_persons, d.refusals) for d in found] == [
        (29, 1, 1, 1, 0),
        (28, 2, 3, 1, 1),
    ]
    page = auditor.get("/audit/usage?days=7").text
    assert "<svg" in page and "style=" not in page
    for wrong in (0, 400, "x"):
        assert auditor.get(f"/audit/usage?days={wrong}").status_code == 422


# --- files for spreadsheets --------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=4), min_size=1, max_size=5))
def test_no_cell_is_a_formula_and_none_is_lost(rows: list[list[str]]) -> None:
    rows = [[cell.replace("\r", "\n") for cell in row] for row in rows]
    read = list(csv.reader(io.StringIO(csv_text(rows).removeprefix("\ufeff"), newline="")))
    for row, back in zip([row for row in rows if row != [""]], [row for row in read if row != [""]], strict=True):
        for cell, shown in zip(row, back, strict=True):
            assert shown in (cell, "'" + cell)
            assert shown.strip()[:1] not in FORMULA_SIGNS


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "＝1", " =1", "\u200b=1", "\t1", "\n=1", "\u3000－1"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(cell: str) -> None:
    assert safe_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "张三", "1-2", "a=b", "'=1"])
def test_what_it_would_not_run_stays(cell: str) -> None:
    assert safe_cell(cell) == cell
