"""Downloads with the state database on PostgreSQL: tokens, votes, resuming and revoking at once, tracing. The flows that SQLite is tested with, and
what only a database with many writers can get wrong."""

import concurrent.futures
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from linkage.kernel.database import create_database, open_database
from linkage.kernel.errors import VerificationFailed
from linkage.kernel.run import DATABASE_ENVIRONMENT
from linkage.portal.downloads.leak import read_leak
from linkage.portal.downloads.releases import published
from linkage.portal.downloads.trace import trace
from linkage.portal.downloads.unmasked import read_requests
from tests.deploy.services import postgres_server
from tests.portal import test_downloads, test_downloads_resume, test_downloads_unmasked, test_tokens
from tests.portal.browser import served
from tests.portal.conftest import Portal, add_person, open_portal

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
PERSONS = "slices/grid/persons.csv"


@pytest.fixture(scope="module")
def portal(two_nights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    state = tmp_path_factory.mktemp("postgres") / "state"
    shutil.copytree(two_nights, state)
    with postgres_server() as port, pytest.MonkeyPatch.context() as patch:
        url = f"postgresql+psycopg://gridroll@127.0.0.1:{port}/portal_{secrets.token_hex(4)}"
        create_database(url)
        patch.setenv(DATABASE_ENVIRONMENT, url)
        found = open_portal(state)
        assert open_database(found.state).dialect.name == "postgresql"
        yield found
        open_database(found.state).dispose()


@pytest.fixture(scope="module")
def granters(portal: Portal) -> tuple[str, str]:
    portal.users["head2"] = add_person(portal, "head2", "office", ("data_owner",))
    return "head", "head2"


TOKENS: tuple[Callable[[Portal], None], ...] = (
    test_tokens.test_expired_revoked_and_of_a_disabled_account_are_none,
    test_tokens.test_a_rotated_token_works_until_its_overlap_is_over,
    test_tokens.test_a_rotated_token_that_comes_back_takes_its_family_with_it,
    test_tokens.test_its_last_use_is_noted_once_a_minute,
    test_tokens.test_nobody_touches_the_token_of_another_but_the_security_administrator,
    test_tokens.test_tokens_end_with_the_account_and_do_not_come_back_with_it,
    test_tokens.test_whole_files_go_only_to_a_token_for_whole_tables,
)


@pytest.mark.parametrize("flow", TOKENS, ids=lambda flow: flow.__name__)
def test_tokens_live_and_end_as_on_sqlite(portal: Portal, flow: Callable[[Portal], None]) -> None:
    flow(portal)


def test_votes_open_and_close_unmasked_data(
    portal: Portal, granters: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    test_downloads_unmasked.test_two_others_grant_and_the_requester_alone_downloads(portal, granters)
    test_downloads_unmasked.test_a_refusal_ends_it(portal, granters)
    test_downloads_unmasked.test_nobody_grants_their_own_request(portal)
    test_downloads_unmasked.test_its_time_runs_out(portal, granters, monkeypatch)


def test_one_person_who_votes_many_times_at_once_has_one_vote(portal: Portal, granters: tuple[str, str]) -> None:
    test_downloads_unmasked.ask(portal)
    request_id = test_downloads_unmasked.newest_request(portal).request_id
    clients = [portal.client(granters[0]) for _ in range(6)]

    def grant(n: int) -> int:
        form = {"verdict": "grant", "reason": "已核"}
        return int(clients[n].post(f"/downloads/unmasked/{request_id}/vote", data=form).status_code)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(grant, range(6)))
    assert answers == [303] + [409] * 5
    (request,) = read_requests(portal.state, request_id=request_id)
    assert [vote.username for vote in request.votes] == [granters[0]]
    assert portal.client("grid_downloader").get(f"/downloads/unmasked/{request_id}/persons.csv").status_code == 403


def test_a_vote_is_never_changed_nor_taken_back(portal: Portal, granters: tuple[str, str]) -> None:
    test_downloads_unmasked.ask(portal)
    request_id = test_downloads_unmasked.newest_request(portal).request_id
    assert test_downloads_unmasked.say(portal, granters[0], request_id, "refuse") == 303
    engine = open_database(portal.state)
    for change in (
        f"UPDATE unmask_votes SET verdict = 'grant' WHERE request_id = '{request_id}'",
        f"DELETE FROM unmask_votes WHERE request_id = '{request_id}'",
        f"UPDATE unmask_requests SET release = 'another' WHERE request_id = '{request_id}'",
        f"DELETE FROM unmask_requests WHERE request_id = '{request_id}'",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(change)


def test_a_download_resumes_to_the_same_bytes_until_its_token_is_revoked(portal: Portal) -> None:
    release = published(portal.state)[0].name
    bearer = test_tokens.make(portal, tables=["persons"])
    header = {"authorization": f"Bearer {bearer}"}
    with served(portal) as address:
        path = f"/api/v1/releases/{release}/files/{PERSONS}"
        whole = test_downloads_resume.Reader(address, path, header)
        assert whole.read(None)
        reader = test_downloads_resume.Reader(address, path, header)
        for _ in range(3):
            reader.read(len(whole.content) // 5)
        assert reader.read(None)
        assert (reader.content, reader.etag, reader.statuses) == (whole.content, whole.etag, [200, 206, 206, 206])
        cut = test_downloads_resume.Reader(address, path, header)
        cut.read(len(whole.content) // 5)
        assert portal.client("grid_downloader").post(f"/tokens/{bearer.split('_')[1]}/revoke").status_code == 303
        with pytest.raises(AssertionError):
            cut.read(None)
        assert cut.statuses == [200, 401]


def test_downloads_at_once_are_each_on_record_and_counted_once(portal: Portal) -> None:
    newest = published(portal.state)[0].name
    clients = [portal.client("police_downloader") for _ in range(8)]
    address = f"/downloads/{newest}/slices/police/notices.csv"
    while clients[0].get(address).status_code != 200:
        pass

    def count(entry: dict[str, object]) -> int:
        details = entry["details"]
        assert isinstance(details, dict)
        return int(details["downloads_today"])

    before = count(test_downloads.last_entry(portal, "download"))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {client.status_code for client in pool.map(lambda c: c.get(address), clients)} == {200}
    assert clients[0].get(address).status_code == 200
    assert count(test_downloads.last_entry(portal, "download")) == before + 9
    assert portal.settings.audit.verify() > 9


def test_a_copy_is_traced_to_its_downloads(portal: Portal, tmp_path: Path) -> None:
    newest = published(portal.state)[0].name
    file = tmp_path / "leaked.csv"
    file.write_bytes(portal.client("grid_downloader").get(f"/downloads/{newest}/{PERSONS}").content)
    best = trace(portal.state, read_leak(file))[0]
    assert best.username == "grid_downloader"
    assert {entry["actor"] for entry in best.downloads} == {"grid_downloader"}
    with pytest.raises(VerificationFailed):  # the record that tracing rests on cannot be thinned out
        with open_database(portal.state).begin() as connection:
            connection.exec_driver_sql("SET session_replication_role = replica")
            connection.exec_driver_sql("DELETE FROM audit WHERE seq = (SELECT max(seq) - 1 FROM audit)")
        portal.settings.audit.verify()
