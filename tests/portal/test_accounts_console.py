"""The console: the first three administrators, help when nobody can log in, and all of it on record."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from linkage.cli import app
from linkage.kernel.errors import LinkageError, VerificationFailed
from linkage.portal.accounts import find_user, roles_of, update_user
from linkage.portal.audit_search import Filters, find_entries
from linkage.portal.settings import Settings, read_settings
from tests.portal.conftest import CONFIG


class Console:
    """The command line over one state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        self.state.mkdir()

    def __call__(self, *arguments: object, config: bool = True) -> str:
        more = ["--config", str(CONFIG)] if config else []
        result = CliRunner().invoke(app, [*map(str, arguments), "--state", str(self.state), *more])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    @property
    def settings(self) -> Settings:
        from linkage.kernel.run import State

        return read_settings(State(self.state), CONFIG)

    def on_record(self) -> list[tuple[str, str, str]]:
        found = find_entries(self.settings.state, Filters(), self.settings.zone, limit=50)
        return [
            (one.entry["actor"].split(":")[0], one.entry["action"], one.entry["outcome"]) for one in reversed(found)
        ]


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path)


def test_the_first_three_administrators_are_made_once(console: Console, tmp_path: Path) -> None:
    said = console("portal", "init", "--to", tmp_path / "once.txt")
    lines = (tmp_path / "once.txt").read_text().splitlines()
    assert (tmp_path / "once.txt").stat().st_mode & 0o777 == 0o600
    assert [line.split()[0] for line in lines] == ["sysadmin", "secadmin", "auditor"]
    for line, role in zip(lines, ("system_administrator", "security_administrator", "auditor"), strict=True):
        username, password = line.split()
        user = find_user(console.settings.state, username=username)
        assert user is not None and user["must_change_password"]
        assert roles_of(console.settings.state, user["user_id"]) == (role,)
        assert password not in said
    assert console.on_record() == [("console", "console_init", "asked"), ("console", "console_init", "done")]
    with pytest.raises(LinkageError, match="accounts already"):
        console("portal", "init", "--to", tmp_path / "again.txt")
    assert not (tmp_path / "again.txt").exists()


def test_passwords_are_not_shown_where_they_would_stay(console: Console, tmp_path: Path) -> None:
    with pytest.raises(LinkageError, match="terminal only"):
        console("portal", "init")
    (tmp_path / "there.txt").write_text("x")
    with pytest.raises(LinkageError, match="there already"):
        console("portal", "init", "--to", tmp_path / "there.txt")
    assert console.on_record() == []


@pytest.mark.slow
def test_on_a_terminal_they_are_shown(console: Console) -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "linkage.cli",
        "portal",
        "init",
        "--state",
        str(console.state),
        "--config",
        str(CONFIG),
    ]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, close_fds=True) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(ours, 65536)
            except OSError:
                break
        assert process.wait() == 0, said
    assert len(re.findall(rb"(?:sysadmin|secadmin|auditor)  [a-z2-9]{5}(?:-[a-z2-9]{5}){3}", said)) == 3


def test_three_administrators_are_three_accounts(console: Console, tmp_path: Path) -> None:
    with pytest.raises(LinkageError, match="three usernames"):
        console("portal", "init", "--system", "a", "--security", "a", "--to", tmp_path / "once.txt")


def test_a_lost_account_is_opened_again_from_the_console(console: Console, tmp_path: Path) -> None:
    console("portal", "init", "--to", tmp_path / "once.txt")
    user = find_user(console.settings.state, username="sysadmin")
    assert user is not None
    update_user(console.settings.state, user["user_id"], totp_secret="sealed", must_change_password=False)
    console("user", "reset", "sysadmin", "--to", tmp_path / "a.txt")
    again = find_user(console.settings.state, username="sysadmin")
    assert again is not None and again["must_change_password"] and again["totp_secret"] == "sealed"
    assert again["password_hash"] != user["password_hash"]
    console("user", "reset", "sysadmin", "--second-factor", "--to", tmp_path / "b.txt")
    assert find_user(console.settings.state, username="sysadmin")["totp_secret"] is None  # type: ignore[index]
    assert console.on_record()[-2:] == [
        ("console", "console_user_reset", "asked"),
        ("console", "console_user_reset", "done"),
    ]
    with pytest.raises(LinkageError, match="no account"):
        console("user", "reset", "nobody", "--to", tmp_path / "c.txt")


def test_accounts_are_added_and_listed(console: Console, tmp_path: Path) -> None:
    console("user", "add", "second", "--role", "auditor", "--to", tmp_path / "once.txt")
    console("user", "add", "reader", "--department", "grid", "--to", tmp_path / "twice.txt")
    listed = console("user", "list", config=False)
    assert "second  office  auditor" in listed and "reader  grid  -  " in listed
    for wrong in (["--role", "steward"], ["--department", "moon"]):
        with pytest.raises(LinkageError):
            console("user", "add", "third", *wrong, "--to", tmp_path / "d.txt")
    with pytest.raises(LinkageError, match="taken"):
        console("user", "add", "second", "--to", tmp_path / "e.txt")
    assert console.on_record()[-1] == ("console", "console_user_add", "failed")


def test_nothing_is_done_that_cannot_be_put_on_record(console: Console, tmp_path: Path) -> None:
    console("user", "list", config=False)
    (console.settings.state.root / "audit.lock").unlink(missing_ok=True)
    (console.settings.state.root / "audit.lock").mkdir()
    with pytest.raises(LinkageError, match="audit cannot be written"):
        console("user", "add", "x", "--to", tmp_path / "x.txt")
    assert find_user(console.settings.state, username="x") is None


def test_the_audit_is_checked_and_carried_elsewhere(console: Console, tmp_path: Path) -> None:
    console("user", "add", "one", "--to", tmp_path / "1.txt")
    assert "whole: 2 entries" in console("audit", "verify")
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    assert "entries 1 to 3" in console("audit", "export", "--to", first)
    assert "entries 1 to 3" in console("audit", "verify", "--file", first)
    assert "entries 4 to 5" in console("audit", "export", "--to", second, "--after", 3)
    assert "entries 4 to 5" in console("audit", "verify", "--file", second)
    text = first.read_text()
    lines = text.splitlines(keepends=True)
    for changed in (
        text.replace("console_user_add", "console_user_sub", 1),
        "".join(lines[:-1]),
        "".join([*lines[:2], *lines[3:]]),
        "".join([lines[0], lines[2], lines[1], *lines[3:]]),
        text + lines[-1],
        "".join(lines[1:]),
        "not json\n" + text,
        "",
        lines[0] + lines[-1],
    ):
        (tmp_path / "changed.jsonl").write_text(changed)
        with pytest.raises(VerificationFailed):
            console("audit", "verify", "--file", tmp_path / "changed.jsonl")
