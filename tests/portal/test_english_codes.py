"""English pages name residents' codes in English: person, household, corrections, match, review."""

import re

import pytest
from fastapi.testclient import TestClient

from linkage.explain.veil import CODE_TABLES, decoded
from linkage.kernel.reference import reference_rows
from linkage.portal.corrections.proposals import shown_value
from tests.portal.conftest import Portal
from tests.portal.people import desk, one, rows
from tests.portal.review_desk import of_kind

CHINESE = {row["name"] for table, _ in CODE_TABLES.values() for row in reference_rows(table)}
SHOWN_TEXT = re.compile(r">([^<>]+)<")


def in_chinese(html: str) -> set[str]:
    """Names of codes that stand alone in a place of the page, or before a comma or bracket."""
    pieces = {re.split(r"[,(（，]", text.strip())[0].strip() for text in SHOWN_TEXT.findall(html)}
    return pieces & CHINESE


@pytest.fixture(scope="module")
def english(portal: Portal) -> TestClient:
    client = portal.client("steward")
    client.cookies.set("gridroll_language", "en")
    return client


def test_the_walk_would_find_a_chinese_name(portal: Portal) -> None:
    person = one(portal, "SELECT person_id FROM persons WHERE marital_status IS NOT NULL ORDER BY 1 LIMIT 1")
    assert in_chinese(portal.client("steward").get(f"/people/{person}").text) & {"汉族", "男性", "女性", "已婚", "未婚"}


def test_persons_and_households(portal: Portal, english: TestClient) -> None:
    found = rows(
        portal,
        "SELECT DISTINCT ON (relation_to_head) person_id, household_id, relation_to_head FROM members JOIN persons USING (person_id) "
        "WHERE valid_to IS NULL AND ethnicity IS NOT NULL AND relation_to_head IS NOT NULL ORDER BY relation_to_head, person_id LIMIT 12",
    )
    assert len(found) >= 4
    for row in found:
        page = english.get(f"/people/{row['person_id']}")
        home = english.get(f"/households/{row['household_id']}")
        assert (page.status_code, home.status_code) == (200, 200)
        assert (in_chinese(page.text), in_chinese(home.text)) == (set(), set())
    ethnicity = one(portal, "SELECT ethnicity FROM persons WHERE person_id = $id", id=found[0]["person_id"])
    assert decoded("ethnicity", ethnicity, english=True) in english.get(f"/people/{found[0]['person_id']}").text


def test_why_and_corrections(portal: Portal, english: TestClient) -> None:
    person = one(
        portal, "SELECT person_id FROM persons WHERE ethnicity IS NOT NULL AND len(sources) = 4 ORDER BY 1 LIMIT 1"
    )
    for path in (f"/people/{person}/why", f"/people/{person}/explain", f"/corrections/new?person={person}"):
        answer = english.get(path)
        if answer.status_code != 404:
            assert in_chinese(answer.text) == set(), path


SENT_BACK = {
    "a date has no precision beside it": ("birth_date", "2001-01-06 day", "2001-01-06", "2001-01-06"),
    "tenure": ("tenure", "rent", "租住", "rent"),
    "a status": ("status", "deceased", "已故", "deceased"),
    "a code of a standard": ("ethnicity", "01", "汉族", "Han"),
    "what has no codes": ("phone", "13912345678", "13912345678", "13912345678"),
    "what was proposed before it had codes": ("tenure", "借住", "借住", "借住"),
}


@pytest.mark.parametrize("name", SENT_BACK)
def test_a_value_sent_back_reads_as_on_the_persons_page(portal: Portal, name: str) -> None:
    field, value, zh, en = SENT_BACK[name]
    shown = [shown_value(desk(portal, "steward", language), field, value) for language in ("zh", "en")]
    assert shown == [zh, en]


def test_the_api_keeps_the_standards_names(portal: Portal) -> None:
    (row,) = rows(
        portal,
        "SELECT household_id, relation_to_head FROM members WHERE valid_to IS NULL AND relation_to_head IS NOT NULL AND NOT is_head ORDER BY ALL LIMIT 1",
    )
    members = portal.client("steward").get(f"/api/v1/households/{row['household_id']}").json()["members"]
    assert decoded("relation_to_head", row["relation_to_head"]) in {member["relation"] for member in members}


@pytest.mark.parametrize("kind", ["constraint_conflict", "possible_death"])
def test_the_review_desk(english: TestClient, kind: str) -> None:
    case = of_kind(english, kind)[0]
    page = english.get(f"/review/{case}")
    assert page.status_code == 200
    assert in_chinese(page.text) == set()
