"""A thousand ids that exist and are not the asker's business: each is answered exactly like one that somebody made up."""

import json
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from httpx import Response

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import corrections_table, sessions_table, tokens_table, unmask_requests_table
from linkage.portal.settings import Pace
from tests.portal.conftest import Portal, add_person
from tests.portal.people import rows
from tests.portal.test_downloads_resume import bearer
from tests.portal.test_views import expected_columns

pytestmark = pytest.mark.slow
MOST = 65
"""So many ids of one kind are tried by one asker over one route; with what is tried here they are more than a thousand."""
ON_PAGES = 8
Ask = Callable[[str], Response]


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "allows", lambda *asked: True)


def like(known: Iterable[str], how_many: int) -> list[str]:
    """Ids made up of the letters and digits of those known, as long as they are, and none of them."""
    chance, given = random.Random(5), sorted(known)
    letters = sorted({c for one in given for c in one[1:] if c.isalnum()})
    found = list[str]()
    while len(found) < how_many:
        pattern = chance.choice(given)
        made = pattern[0] + "".join(chance.choice(letters) if c.isalnum() else c for c in pattern[1:])
        if made not in given:
            found.append(made)
    return found


def assert_alike(ask: Ask, foreign: list[str], how_many: int = MOST, *, status: int = 404) -> int:
    """Answers to foreign ids and to ids made up are one and the same, but for the id; returns how many foreign ids were tried."""
    chosen = random.Random(11).sample(foreign, min(how_many, len(foreign)))
    invented = like(foreign, max(4, len(chosen) // 10))
    answers = {_told(ask(one), one): one for one in chosen + invented}
    assert len(answers) == 1, sorted(answers.values())
    assert next(iter(answers))[0] == status
    return len(chosen)


def _told(answer: Response, asked: str) -> tuple[int, str, str]:
    heads = {name: value for name, value in answer.headers.items() if name not in ("content-length", "date")}
    return answer.status_code, answer.text.replace(asked, "…"), json.dumps(heads).replace(asked, "…")


def area_of(portal: Portal) -> str:
    """The grid with most persons."""
    (row,) = rows(
        portal, "SELECT grid_code FROM persons WHERE grid_code <> '' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    return str(row["grid_code"])


@pytest.fixture(scope="module")
def askers(portal: Portal) -> dict[str, TestClient]:
    """A department's user, two users of one grid (a department's and a steward), and a token."""
    for username, department, role in (
        ("police_here", "police", "department_reader"),
        ("steward_here", "office", "steward"),
    ):
        portal.users[username] = add_person(
            portal, username, department, (role,), area_level="grid", area_name=area_of(portal)
        )
    tables = {
        table: list(expected_columns("grid_system", table))
        for table in ("persons", "households", "members", "crosswalk")
    }
    token = portal.client()
    token.headers["authorization"] = f"Bearer {bearer(portal, 'grid_system', 'grid', ['look_up', 'verify'], tables)}"
    found = {name: portal.client(name) for name in ("grid_reader", "police_here", "steward_here")}
    return found | {"token": token}


def ids(portal: Portal, sql: str, **parameters: Any) -> list[str]:
    return [str(next(iter(row.values()))) for row in rows(portal, sql, **parameters)]


def outside(portal: Portal, asker: str) -> str:
    """The condition on persons whom the asker may not see."""
    return (
        f"coalesce(grid_code, '') <> '{area_of(portal)}'"
        if asker.endswith("_here")
        else "NOT list_contains(sources, 'grid')"
    )


@pytest.mark.parametrize("asker", ["grid_reader", "police_here", "steward_here", "token"])
def test_persons_of_others(portal: Portal, askers: dict[str, TestClient], asker: str) -> None:
    client = askers[asker]
    foreign = ids(portal, f"SELECT person_id FROM persons WHERE {outside(portal, asker)} ORDER BY 1")
    assert len(foreign) > 50
    assert assert_alike(lambda i: client.get(f"/api/v1/persons/{i}"), foreign) > 50
    search = {"kind": "person"}
    assert_alike(lambda i: client.get("/api/v1/persons/search", params={"id": i}), foreign, ON_PAGES, status=200)
    assert_alike(
        lambda i: client.post("/api/v1/persons/search", json=search | {"text": i}), foreign, ON_PAGES, status=200
    )
    if asker != "token":
        assert_alike(lambda i: client.get(f"/people/{i}"), foreign, ON_PAGES)
        assert_alike(lambda i: client.post("/people", data=search | {"text": i}), foreign, ON_PAGES, status=200)
        assert_alike(lambda i: client.get(f"/corrections/new?person={i}&field=phone"), foreign, ON_PAGES)
        form = {"field": "phone", "reason_code": "outdated", "value": "13900000000"}
        assert_alike(lambda i: client.post("/corrections", data=form | {"person": i}), foreign, ON_PAGES)
        assert_alike(lambda i: client.post("/api/v1/corrections", json=form | {"person_id": i}), foreign, ON_PAGES)
    if asker == "steward_here":
        assert_alike(lambda i: client.get(f"/people/{i}/explain"), foreign, ON_PAGES)


@pytest.mark.parametrize("asker", ["grid_reader", "police_here", "steward_here", "token"])
def test_households_of_others(portal: Portal, askers: dict[str, TestClient], asker: str) -> None:
    client = askers[asker]
    foreign = ids(
        portal,
        "SELECT household_id FROM households WHERE household_id NOT IN (SELECT household_id FROM members JOIN persons USING (person_id) "
        f"WHERE valid_to IS NULL AND NOT ({outside(portal, asker)})) ORDER BY 1",
    )
    assert len(foreign) > 10
    assert_alike(lambda i: client.get(f"/api/v1/households/{i}"), foreign)
    assert_alike(lambda i: client.get("/api/v1/persons/search", params={"id": i}), foreign, ON_PAGES, status=200)
    if asker != "token":
        assert_alike(lambda i: client.get(f"/households/{i}"), foreign, ON_PAGES)
        assert_alike(
            lambda i: client.post("/people", data={"kind": "household", "text": i}), foreign, ON_PAGES, status=200
        )


@pytest.mark.parametrize("asker", ["grid_reader", "police_here", "steward_here", "token"])
@pytest.mark.parametrize("source", ["police", "grid"])
def test_records_of_others(portal: Portal, askers: dict[str, TestClient], asker: str, source: str) -> None:
    """Another department's record, also of a person whom the asker sees; the own department's of persons elsewhere."""
    client = askers[asker]
    sees_source = asker == "steward_here" or asker.startswith(source) or (asker == "token" and source == "grid")
    condition = outside(portal, asker) if sees_source else "true"
    sql = f"SELECT record_id FROM crosswalk JOIN persons USING (person_id) WHERE source = '{source}' AND {condition} ORDER BY 1"
    foreign = ids(portal, sql)
    if sees_source and source == "grid" and asker in ("grid_reader", "token"):
        assert foreign == []  # whom the department has a record of, it sees
        return
    assert len(foreign) > 50
    assert_alike(lambda i: client.get(f"/api/v1/records/{source}/{i}"), foreign)
    body = {"kind": "record"}
    assert_alike(
        lambda i: client.post("/api/v1/persons/search", json=body | {"text": f"{source}:{i}"}), foreign, ON_PAGES, status=200
    )  # fmt: skip


def test_review_cases_of_elsewhere(portal: Portal, askers: dict[str, TestClient]) -> None:
    client = askers["steward_here"]
    foreign = ids(
        portal,
        "WITH sides AS (SELECT case_id, unnest(records) AS record_key FROM review_cases) SELECT case_id FROM sides JOIN "
        "(SELECT source || ':' || record_id AS record_key, person_id FROM crosswalk) USING (record_key) JOIN persons USING (person_id) "
        f"GROUP BY case_id HAVING bool_and({outside(portal, 'steward_here')}) ORDER BY 1",
    )
    assert len(foreign) > 3
    assert_alike(lambda i: client.get(f"/review/{i}"), foreign)
    assert_alike(lambda i: client.get(f"/review/{i}/foresight"), foreign)
    form = {"verdict": "same", "release": portal.settings.registers.current().release.name}
    assert_alike(lambda i: client.post(f"/review/{i}", data=form), foreign)
    assert_alike(
        lambda i: client.post(f"/review/{i}/leave"), foreign, status=303
    )  # nobody is told whether there was a lock


def kept(portal: Portal, column: sa.Column[Any], where: Any) -> list[str]:
    with open_database(portal.state).connect() as connection:
        return list(connection.execute(sa.select(column).where(where).order_by(column)).scalars())


def test_corrections_of_other_departments(portal: Portal) -> None:
    """To be answered by another department, or about persons whom the asker does not see."""
    police, handler, reader = (portal.client(name) for name in ("police_reader", "police_handler", "grid_reader"))
    table = corrections_table.c
    sent = {}
    for condition in ("list_contains(sources, 'grid')", "NOT list_contains(sources, 'grid')"):
        sent[condition] = ids(portal, f"SELECT person_id FROM persons WHERE phone IS NOT NULL AND {condition} ORDER BY 1 LIMIT 10")  # fmt: skip
        for person in sent[condition]:
            form = {"person": person, "field": "phone", "reason_code": "unreachable"}
            assert police.post("/corrections", data=form).status_code == 303
    of_others = kept(portal, table.correction_id, (table.owner != "police") & (table.raised_department == "police"))
    assert len(of_others) > 10
    assert_alike(lambda i: handler.get(f"/corrections/{i}"), of_others)
    assert_alike(lambda i: handler.get(f"/api/v1/corrections/{i}"), of_others)
    assert_alike(lambda i: handler.post(f"/corrections/{i}/answer", data={"answer": "accepted"}), of_others)
    about_others = kept(portal, table.correction_id, table.person_id.in_(sent["NOT list_contains(sources, 'grid')"]))
    assert len(about_others) > 5
    assert_alike(lambda i: reader.get(f"/corrections/{i}"), about_others)
    assert_alike(lambda i: reader.get(f"/api/v1/corrections/{i}"), about_others)
    assert_alike(lambda i: reader.post(f"/corrections/{i}/withdraw"), about_others)


def test_requests_for_unmasked_values_of_others(portal: Portal) -> None:
    form = {"table": "persons", "columns": ["identity_number"], "purpose": "visit", "note": "核查补贴 批文 12 号"}
    asked = portal.client("grid_downloader").post("/downloads/unmasked", data=form)
    foreign = kept(
        portal,
        unmask_requests_table.c.request_id,
        unmask_requests_table.c.requested_by == portal.users["grid_downloader"],
    )
    assert foreign, asked.text
    other = portal.client("police_downloader")
    assert_alike(lambda i: other.get(f"/downloads/unmasked/{i}/persons.csv"), foreign)


def test_tokens_and_logins_of_others(portal: Portal, askers: dict[str, TestClient]) -> None:
    foreign = kept(portal, tokens_table.c.token_id, tokens_table.c.user_id == portal.users["grid_system"])
    other = portal.client("police_downloader")
    assert_alike(lambda i: other.post(f"/tokens/{i}/revoke"), foreign)
    assert_alike(lambda i: other.post(f"/tokens/{i}/rotate", data={"days": "1"}), foreign)
    logins = kept(portal, sessions_table.c.session_hash, sessions_table.c.user_id != portal.users["police_downloader"])
    assert_alike(lambda i: other.post(f"/account/sessions/{i}/end"), sorted({one[:16] for one in logins}))
    assert askers["token"].get("/api/v1/dictionary").status_code == 200  # none of it had an effect
