"""Every value of the register is a sentinel: what a role may not see stands on no page, in no answer, no error, no log and no audit entry.

Here pages are looked through for what real nights give; test_leaks_planted.py plants values, and asks, posts, and opens files.
"""

import html
import logging
import random
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import audit_table
from linkage.portal.downloads.dictionary import columns_of
from linkage.portal.views import view_of
from tests.portal.conftest import PEOPLE, Portal
from tests.portal.test_views import viewer

pytestmark = pytest.mark.slow
LINK = re.compile(r'(?:href|src)="([^"#]+)"')
PAGES_PER_PERSON = 40
NOT_FOLLOWED = ("/logout", "/language", "/static")
# Golden field -> columns of persons and households that show it.
SHOWN_BY = {
    "identity_number": ("persons.identity_number",),
    "phone": ("persons.phone",),
    "hukou_address": ("persons.hukou_address", "households.address"),
    "residence_address": ("persons.residence_address", "households.address"),
    "full_name": ("persons.full_name",),
    "dwelling_code": ("persons.dwelling_code", "households.dwelling_code"),
    "household_number": ("persons.household_number", "households.household_number"),
}


def sentinels(portal: Portal) -> dict[str, list[str]]:
    """All values of each field that are long enough to be no accident."""
    register = portal.settings.registers.current()
    found = {}
    for field in SHOWN_BY:
        rows = register.rows(
            f"SELECT DISTINCT value FROM (SELECT CAST({field} AS VARCHAR) AS value FROM persons UNION ALL SELECT value FROM values WHERE field = '{field}') "
            "WHERE length(value) >= 3 ORDER BY value"
        )
        found[field] = [row["value"] for row in rows if field != "full_name" or not row["value"].isascii()]
    return found


def forbidden_to(portal: Portal, username: str, values: dict[str, list[str]]) -> dict[str, list[str]]:
    """Fields that neither a view nor a download of the user shows in full, with their values."""
    granted = columns_of(viewer(username), portal.settings.sharing)
    full = {f"{table}.{name}" for table, columns in granted.items() for name, mask in columns.items() if mask is None}
    for table in ("persons", "households", "common_records"):
        found = view_of(viewer(username), table, portal.settings.sharing)
        full |= {f"{table}.{name}" for name in (found.columns if found else ()) if found and found.sees_in_full(name)}
    hidden = [field for field, columns in SHOWN_BY.items() if not full & set(columns)]
    # Many live where they are registered: what is (part of) a value that is shown is no sentinel.
    shown = "\n".join(value for field in SHOWN_BY if field not in hidden for value in values[field])
    return {field: [value for value in values[field] if value not in shown] for field in hidden}


def crawl(portal: Portal, client: TestClient, seeds: list[str]) -> Iterator[tuple[str, str]]:
    """Pages that can be reached by links, with their text; nothing is posted."""
    waiting, seen = deque(["/", *seeds]), set[str]()
    while waiting and len(seen) < PAGES_PER_PERSON:
        path = waiting.popleft()
        if path in seen or path.startswith(NOT_FOLLOWED):
            continue
        seen.add(path)
        answer = client.get(path)
        assert answer.status_code < 500, path
        text = answer.content.decode("utf-8", "replace")
        yield path, html.unescape(text)
        here = f"http://localhost:8090{path}"
        for link in [*LINK.findall(text), answer.headers.get("location", "")]:
            there = urlsplit(urljoin(here, html.unescape(link)))
            if link and there.netloc == "localhost:8090":
                waiting.append(there.path + (f"?{there.query}" if there.query else ""))


def seeds_for(portal: Portal, username: str) -> list[str]:
    """Pages about persons, some within the user's scope and some without."""
    register = portal.settings.registers.current()
    random.seed(username)
    persons = [row["person_id"] for row in register.rows("SELECT person_id FROM persons ORDER BY person_id")]
    households = [row["household_id"] for row in register.rows("SELECT household_id FROM households ORDER BY 1")]
    cases = [row["case_id"] for row in register.rows("SELECT case_id FROM review_cases ORDER BY 1")]
    some = random.sample(persons, 12)
    paths = [f"/people/{person}" for person in some] + [f"/people/{person}/explain" for person in some[:2]]
    paths += [f"/households/{household}" for household in random.sample(households, 4)]
    paths += [f"/review/{case}" for case in cases[:3]]
    paths += [f"/corrections/new?person={some[0]}&field=phone", f"/audit/persons/{some[0]}"]
    paths += [f"/api/v1/persons/{some[1]}", f"/api/v1/households/{households[0]}"]
    return paths


@pytest.mark.parametrize("username", PEOPLE)
def test_no_page_shows_what_the_role_may_not_see(
    portal: Portal, username: str, caplog: pytest.LogCaptureFixture
) -> None:
    values = sentinels(portal)
    forbidden = forbidden_to(portal, username, values)
    client = portal.client(username)
    leaks, pages = [], 0
    with caplog.at_level(logging.DEBUG):
        for path, text in crawl(portal, client, seeds_for(portal, username)):
            pages += 1
            for field, found in forbidden.items():
                leaks += [f"{path}: a value of {field}" for value in found if value in text][:1]
    assert leaks == []
    assert pages > 5
    assert [field for field, found in values.items() for value in found if value in caplog.text] == []


def test_no_audit_entry_holds_a_value(portal: Portal) -> None:
    client = portal.client("steward")
    (person,) = portal.settings.registers.current().rows(
        "SELECT * FROM persons WHERE identity_number IS NOT NULL AND phone IS NOT NULL AND length(full_name) >= 3 LIMIT 1"
    )
    client.get(f"/people/{person['person_id']}")
    client.post("/people", data={"q": person["identity_number"]})
    client.get(f"/people/{person['identity_number']}")
    client.get(f"/households/{person['phone']}", params={"q": person["full_name"]})
    values = sentinels(portal)
    with open_database(portal.state).connect() as connection:
        entries = "\n".join(connection.execute(sa.select(audit_table.c.entry)).scalars())
    assert len(entries) > 1000
    for field, found in values.items():
        assert [value for value in found if value in entries] == [], field


def test_the_portals_files_hold_no_value_in_clear(portal: Portal) -> None:
    values = sentinels(portal)
    for path in sorted(Path(portal.state.root).glob("audit*")):
        text = path.read_bytes().decode("utf-8", "replace")
        assert [f for f, found in values.items() for value in found if value in text] == []
