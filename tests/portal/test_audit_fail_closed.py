"""Without an audit there is no answer: whatever keeps an entry from being written refuses the request, and nothing was changed."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from linkage.kernel.database import open_database
from linkage.portal.accounts import find_user, roles_of
from linkage.portal.audit import LOCK_FILE
from linkage.portal.audit_head import HEAD_FILE
from tests.portal.bare import bare_portal
from tests.portal.conftest import PASSWORD, Portal


@pytest.fixture
def own(tmp_path: Path) -> Portal:
    return bare_portal(
        tmp_path,
        ("steward", "police_reader", "sysadmin", "secadmin", "auditor", "nobody"),
        audit_heads=str(tmp_path / "copy"),
    )


def full_disk(portal: Portal, patch: pytest.MonkeyPatch) -> None:
    """The disk of the head is full."""

    def write_bytes(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    patch.setattr("linkage.portal.audit_head.write_bytes", write_bytes)


def full_disk_of_the_copy(portal: Portal, patch: pytest.MonkeyPatch) -> None:
    """The other machine's disk is full, or it is not there."""
    from linkage.kernel import run

    def write_bytes(path: Path, data: bytes) -> None:
        if path.parent.name == "copy":
            raise OSError(5, "Input/output error", str(path))
        run.write_bytes(path, data)

    patch.setattr("linkage.portal.audit_head.write_bytes", write_bytes)


def read_only_database(portal: Portal, patch: pytest.MonkeyPatch) -> None:
    """The database takes no more entries."""
    with open_database(portal.state).connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    engine = open_database(portal.state)
    import sqlalchemy as sa

    sa.event.listen(engine, "checkout", lambda con, record, proxy: con.execute("PRAGMA query_only = ON"))


def lock_taken_away(portal: Portal, patch: pytest.MonkeyPatch) -> None:
    """The lock cannot be had."""
    (portal.state.root / LOCK_FILE).unlink(missing_ok=True)
    (portal.state.root / LOCK_FILE).mkdir()


def table_gone(portal: Portal, patch: pytest.MonkeyPatch) -> None:
    """The table of entries is gone."""
    con = sqlite3.connect(portal.state.root / "gridroll.sqlite")
    con.execute("DROP TABLE audit")
    con.commit()
    con.close()


def head_gone(portal: Portal, patch: pytest.MonkeyPatch) -> None:
    """Somebody took the head away."""
    (portal.state.root / HEAD_FILE).unlink()


def entries_gone(portal: Portal, patch: pytest.MonkeyPatch) -> None:
    """Somebody cut the end off."""
    con = sqlite3.connect(portal.state.root / "gridroll.sqlite")
    con.execute("DROP TRIGGER audit_no_delete")
    con.execute("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    con.commit()
    con.close()


TROUBLES: list[Callable[[Portal, pytest.MonkeyPatch], None]] = [
    full_disk, full_disk_of_the_copy, read_only_database, lock_taken_away, table_gone, head_gone, entries_gone,
]  # fmt: skip
GETS = [
    ("steward", "/"),
    ("steward", "/account"),
    ("sysadmin", "/accounts"),
    ("auditor", "/audit"),
    ("auditor", "/audit/usage"),
    (None, "/"),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_nothing_is_answered_and_nothing_changed(
    own: Portal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trouble: Callable[..., None]
) -> None:
    clients = {name: own.client(name, purpose=None) for name in ("steward", "sysadmin", "secadmin", "auditor", None)}
    clients["steward"].get("/")
    people = {name: find_user(own.state, username=name) for name in own.users}
    target = own.users["nobody"]
    posts = [
        ("sysadmin", f"/accounts/{target}/disable", {}),
        ("sysadmin", f"/accounts/{target}/password", {}),
        ("sysadmin", "/accounts/new", {"username": "new", "display_name": "N", "department": "grid"}),
        ("secadmin", f"/accounts/{target}/roles", {"role": "verifier", "reason": "x"}),
        ("steward", "/purpose", {"purpose": "register_quality"}),
        (
            "steward",
            "/account/password",
            {"old": PASSWORD, "new": "thirteen purple lamps", "again": "thirteen purple lamps"},
        ),
        ("auditor", "/audit/verification", {}),
        (None, "/login", {"username": "police_reader", "password": PASSWORD}),
    ]
    trouble(own, monkeypatch)
    with caplog.at_level(logging.DEBUG):
        for name, path in GETS:
            answer = clients[name].get(path)
            assert answer.status_code == 503, (name, path)
            assert "审计无法写入" in answer.text
        for name, path, fields in posts:
            answer = clients[name].post(path, data=fields)
            assert answer.status_code == 503, (name, path)
            assert "set-cookie" not in answer.headers, path
        assert clients[None].get("/health").status_code == 200
    assert PASSWORD not in caplog.text
    assert {name: find_user(own.state, username=name) for name in own.users} == people
    assert find_user(own.state, username="new") is None
    assert roles_of(own.state, target) == ()


def test_when_the_trouble_is_over_it_goes_on(own: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    client = own.client("auditor", purpose=None)
    with monkeypatch.context() as patch:
        full_disk(own, patch)
        assert [client.get("/audit").status_code for _ in range(3)] == [503] * 3
    assert client.get("/audit").status_code == 200
    assert own.settings.audit.verify() >= 1
    answer = client.post("/audit/verification")
    assert answer.status_code == 200 and "完整：" in answer.text


def test_a_change_that_cannot_be_confirmed_was_at_least_announced(own: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills up between the two entries of a change: the answer is an error, and the record says that it was asked for."""
    officer = own.client("sysadmin", purpose=None)
    from linkage.portal import audit as module

    original, count = module.Audit.append, [0]

    def append(self: module.Audit, entry: module.Entry, **more: object) -> int:
        count[0] += 1
        if count[0] == 2:
            raise OSError(28, "No space left on device")
        return original(self, entry, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(module.Audit, "append", append)
        assert officer.post(f"/accounts/{own.users['nobody']}/disable").status_code == 503
    from linkage.portal.audit_search import Filters, find_entries

    newest = find_entries(own.state, Filters(), own.settings.zone, limit=1)[0].entry
    assert (newest["action"], newest["outcome"]) == ("account_disable", "asked")


def test_a_lock_file_that_cannot_be_opened_refuses(own: Portal) -> None:
    """A folder in its place: that keeps out root too, whom no mode of a file does."""
    client = own.client("auditor", purpose=None)
    lock = own.state.root / LOCK_FILE
    lock.unlink()
    lock.mkdir()
    try:
        assert client.get("/audit").status_code == 503
    finally:
        lock.rmdir()
    assert client.get("/audit").status_code == 200
