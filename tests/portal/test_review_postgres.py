"""The review desk on PostgreSQL: one of two gets a case, a decision and its undoing are one transaction each."""

import concurrent.futures
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkage.kernel.database import create_database, open_database
from linkage.kernel.run import DATABASE_ENVIRONMENT
from linkage.portal.review.locks import take_lock
from linkage.portal.review.readings import read_readings, read_states
from linkage.review.judgements import read_rows
from linkage.review.listing import list_judgements
from tests.deploy.services import postgres_server
from tests.portal.conftest import Portal, open_portal
from tests.portal.review_desk import decide, of_kind

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture
def portal(two_nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    shutil.copytree(two_nights, tmp_path / "state")
    with postgres_server() as port:
        url = f"postgresql+psycopg://gridroll@127.0.0.1:{port}/portal_{secrets.token_hex(4)}"
        create_database(url)
        monkeypatch.setenv(DATABASE_ENVIRONMENT, url)
        found = open_portal(tmp_path / "state")
        yield found
        open_database(found.state).dispose()


def test_locks_decisions_and_their_undoing(portal: Portal) -> None:
    for case_id in (f"C{n:016x}" for n in range(20)):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            holders = list(pool.map(lambda user, case=case_id: take_lock(portal.state, case, user, 15).user_id, "abcd"))
        assert len(set(holders)) == 1
    client, second = portal.client("steward"), portal.client("second")
    (conflict,) = of_kind(client, "constraint_conflict")
    death = of_kind(client, "possible_death")[0]
    assert decide(portal, client, conflict, "groups", group=[1, 1, 1, 1, 1, 2, 2]).status_code == 303
    assert {row["verdict"] for row in read_rows(portal.state)} == {"same", "different"}
    assert client.post("/review/undo").status_code == 303
    assert decide(portal, client, death, "same").status_code == 303
    assert decide(portal, second, death, "same").status_code == 303
    assert read_states(portal.state)[death].standing == "decided"
    assert read_states(portal.state)[conflict].standing == "open"
    assert [r.kind for r in read_readings(portal.state)] == ["first", "undo", "first", "second"]
    assert {j.verdict for j in list_judgements(portal.state) if j.verdict != "withdrawn"} == {"same", "different"}
