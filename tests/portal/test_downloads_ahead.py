"""Whoever took a file of the release before finds the same of the new one ready; nobody else's is made."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkage.kernel.run import write_bytes
from linkage.portal.account_changes import disable
from linkage.portal.downloads import ahead
from linkage.portal.downloads.ahead import make_ahead, orders_ahead
from linkage.portal.downloads.copies import Copies
from linkage.portal.downloads.releases import published
from linkage.portal.tokens import revoke_tokens_of
from linkage.release.publish import publish
from tests.portal.conftest import Portal, open_portal
from tests.portal.test_tokens import make

PERSONS = "slices/grid/persons.csv"


@pytest.fixture
def before(two_nights: Path, tmp_path: Path) -> Iterator[Portal]:
    """The first of the two releases is current."""
    shutil.copytree(two_nights, tmp_path / "state")
    portal = open_portal(tmp_path / "state")
    write_bytes(portal.state.current_pointer, f"{published(portal.state)[1].name}\n".encode())
    yield portal


def take(portal: Portal, path: str = PERSONS, bearer: str | None = None) -> bytes:
    """Take a file of the current release, at the pages or with a token."""
    release = published(portal.state)[0].name
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    client = portal.client(None if bearer else "grid_downloader")
    address = f"/api/v1/releases/{release}/files/{path}" if bearer else f"/downloads/{release}/{path}"
    answer = client.get(address, headers=headers)
    while answer.status_code in (202, 503):
        answer = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.content


def next_night(portal: Portal) -> None:
    """The second release becomes current."""
    (other,) = {path.name for path in portal.state.releases.glob("2*")} - {published(portal.state)[0].name}
    publish(portal.state, other)


def test_the_same_files_are_ready_and_are_what_would_be_made_on_demand(
    before: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bearer = make(before, tables=["persons"])
    take(before)
    take(before, "slices/grid/households.xlsx")
    take(before, PERSONS, bearer)
    next_night(before)
    copies = before.settings.copies
    orders = orders_ahead(before.settings)
    assert sorted(order.path for order in orders) == ["slices/grid/households.xlsx", PERSONS]
    assert not any(copies.find(order) for order in orders)
    assert make_ahead(before.settings) == 2
    with monkeypatch.context() as patch:
        patch.setattr(Copies, "_make", lambda *_: pytest.fail("it was to be ready"))
        ready = take(before)
    shutil.rmtree(copies.folder)
    assert take(before) == ready


def test_a_tokens_copy_has_the_columns_of_the_token(before: Portal) -> None:
    bearer = make(before, tables=["notices"])
    take(before, "slices/grid/notices.csv", bearer)
    next_night(before)
    assert [order.path for order in orders_ahead(before.settings)] == ["slices/grid/notices.csv"]
    revoke_tokens_of(before.state, before.users["grid_downloader"], "test")
    # At the pages the account takes the table with the same columns.
    assert [order.path for order in orders_ahead(before.settings)] == ["slices/grid/notices.csv"]


def test_whose_account_is_disabled_gets_none(before: Portal) -> None:
    take(before)
    next_night(before)
    disable(before.state, before.users["grid_downloader"], by=before.users["sysadmin"])
    assert orders_ahead(before.settings) == []


def test_what_was_made_ahead_and_left_lying_is_not_made_for_the_next_release(before: Portal) -> None:
    take(before)
    next_night(before)
    make_ahead(before.settings)
    newest = published(before.state)[0].name
    user = before.users["grid_downloader"]
    assert before.settings.copies.fetched(newest, user) == set()
    take(before)
    assert {path for path, _ in before.settings.copies.fetched(newest, user)} == {PERSONS}


def test_the_first_release_has_none_before_it(before: Portal) -> None:
    take(before)
    assert orders_ahead(before.settings) == []
    assert make_ahead(before.settings) == 0


def test_one_that_fails_does_not_hold_up_the_others(before: Portal, caplog: pytest.LogCaptureFixture) -> None:
    take(before)
    take(before, "slices/grid/households.csv")
    next_night(before)
    spoilt = published(before.state)[0].path / "slices/grid/persons.parquet"
    os.chmod(spoilt, 0o644)
    content = bytearray(spoilt.read_bytes())
    content[100] ^= 1
    spoilt.write_bytes(content)
    assert make_ahead(before.settings) == 1
    assert "VerificationFailed" in caplog.text


def test_it_looks_until_it_is_told_to_stop(before: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(ahead, "make_ahead", lambda settings: seen.append(published(settings.state)[0].name))

    class Stop:
        turns = 0

        def wait(self, seconds: float) -> bool:
            self.turns += 1
            if self.turns == 3:
                next_night(before)
            return self.turns == 5

    ahead.keep_making_ahead(before.settings, Stop())  # type: ignore[arg-type]
    assert len(seen) == len(set(seen)) == 2
