"""Verification answers yes, no or cannot say, in one shape, and tells nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import audit_table
from linkage.portal.settings import Pace
from tests.portal.conftest import Portal
from tests.portal.people import change, rows


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "allows", lambda *asked: True)


def person(portal: Portal, condition: str) -> dict[str, Any]:
    return rows(
        portal, f"SELECT * FROM persons WHERE length(identity_number) = 18 AND {condition} ORDER BY person_id LIMIT 1"
    )[0]


def ask(
    portal: Portal, number: str, name: str, question: str = "alive_and_resident", username: str = "verifier"
) -> str:
    answer = portal.client(username).post("/api/v1/verify", json={"number": number, "name": name, "question": question})
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"answer"}
    return str(answer.json()["answer"])


def test_alive_and_resident(portal: Portal) -> None:
    who = person(portal, "status = 'alive' AND residence_division_code = '330106'")
    for question in ("alive_and_resident", "alive", "resident"):
        assert ask(portal, who["identity_number"], who["full_name"], question) == "yes"


def test_the_dead_live_nowhere(portal: Portal) -> None:
    who = person(portal, "status = 'deceased'")
    for question in ("alive_and_resident", "alive", "resident"):
        assert ask(portal, who["identity_number"], who["full_name"], question) == "no"


def test_what_is_not_certain_cannot_be_said(portal: Portal) -> None:
    who = person(portal, "status = 'alive' AND residence_division_code = '330106'")
    other = person(portal, f"full_name <> '{who['full_name']}'")
    cases = {
        "another name": (who["identity_number"], other["full_name"]),
        "no such number": ("110101199003077475", who["full_name"]),
        "no number": ("没有", who["full_name"]),
        "no name": (who["identity_number"], "未取名"),
    }
    for case, (number, name) in cases.items():
        assert ask(portal, number, name) == "cannot_say", case


def test_a_restricted_person_cannot_be_told_from_an_unknown_one(two_nights: Path, tmp_path: Path) -> None:
    changed = change(two_nights, tmp_path / "state")
    who = changed.restricted
    client = changed.portal.client("verifier")
    known = client.post("/api/v1/verify", json={"number": who["identity_number"], "name": who["full_name"]})
    unknown = client.post("/api/v1/verify", json={"number": "110101199003077475", "name": who["full_name"]})
    assert (known.text, known.headers.get("content-length")) == (unknown.text, unknown.headers.get("content-length"))
    assert "cannot_say" in known.text


def test_the_page_says_one_of_three_things_and_repeats_nothing(portal: Portal) -> None:
    alive = person(portal, "status = 'alive' AND residence_division_code = '330106'")
    dead = person(portal, "status = 'deceased'")
    pages = {}
    for answer, who, name in (
        ("是", alive, alive["full_name"]),
        ("否", dead, dead["full_name"]),
        ("不能判定", alive, dead["full_name"]),
    ):
        page = portal.client("verifier").post("/verify", data={"number": who["identity_number"], "name": name}).text
        assert who["identity_number"] not in page
        assert who["full_name"] not in page
        assert re.findall(r'answer" role="status"><b>(.*?)</b>', page) == [answer]
        pages[answer] = page
    assert len(pages) == 3


def test_everybody_else_may_not(portal: Portal) -> None:
    for username in ("steward", "auditor", "grid_downloader", "nobody"):
        assert portal.client(username).post("/api/v1/verify", json={"number": "1", "name": "x"}).status_code in (
            401,
            403,
        )


def test_the_audit_knows_whom_it_was_about(portal: Portal) -> None:
    who = person(portal, "status = 'alive' AND residence_division_code = '330106'")
    ask(portal, who["identity_number"], who["full_name"])
    with open_database(portal.state).connect() as connection:
        entries = [row.entry for row in connection.execute(audit_table.select()) if '"action": "verify"' in row.entry]
    assert any(who["person_id"] in entry for entry in entries)
    assert who["full_name"] not in "".join(entries)
