"""The chain of the audit: whatever is edited, taken out, swapped, doubled, put in or cut off is found out, and a crash is no false alarm."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from linkage.kernel import database
from linkage.kernel.errors import ConfigurationError, VerificationFailed
from linkage.kernel.run import State
from linkage.portal.audit import FIRST_MAC, Audit, Entry
from linkage.portal.audit_head import HEAD_FILE, HeadFile
from linkage.portal.audit_index import index_of

ENTRIES = 60
ROUNDS = 1_000
AT = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)


def look(number: int) -> Entry:
    """An entry with everything that an entry can have."""
    persons = tuple(f"P{n:016d}" for n in range(number % 4, number % 7))
    details = {"n": number, "query_hash": f"{number % 5:032x}", "more_hashes": [f"{number % 3:032x}"]}
    return Entry("look", f"user{number % 6}", "grid", "done", 200, "visit", None, persons, ("persons.phone",), details)


def made(folder: Path, entries: int = ENTRIES) -> Audit:
    """An audit with a copy of its head elsewhere."""
    (folder / "state").mkdir(parents=True)
    audit = Audit(State(folder / "state"), folder / "copy")
    for number in range(entries):
        audit.append(look(number), at=AT)
    return audit


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    audit = made(folder)
    assert audit.verify() == ENTRIES
    with database.open_database(audit.state).connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


class Attacker:
    """Somebody who owns the database file, but not the keys."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.con = sqlite3.connect(folder / "state" / "gridroll.sqlite")
        self.con.execute("PRAGMA synchronous = OFF")
        for (name,) in self.con.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            self.con.execute(f"DROP TRIGGER {name}")
        self.rows = self.con.execute("SELECT seq, entry, mac FROM audit ORDER BY seq").fetchall()

    def pick(self, count: int = 1, *, last: bool = True) -> list[Any]:
        return self.random.sample(self.rows if last else self.rows[:-1], count)

    def reindex(self) -> None:
        """Make the indexes say what the entries say now."""
        for table in ("audit_index", "audit_persons", "audit_values"):
            self.con.execute(f"DELETE FROM {table}")
        for seq, text in self.con.execute("SELECT seq, entry FROM audit").fetchall():
            found = index_of(json.loads(text) | {"seq": seq})
            self.con.execute(
                "INSERT OR REPLACE INTO audit_index VALUES (?, ?, ?, ?, ?, ?, ?)", tuple(found.row.values())
            )
            for table, values in (("audit_persons", found.persons), ("audit_values", found.value_hashes)):
                self.con.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", [(v, seq) for v in values])

    # Each kind of attack; every one must be found out.

    def edit(self) -> None:
        (row,) = self.pick()
        entry = json.loads(row[1])
        name = self.random.choice(["actor", "action", "outcome", "persons", "at", "purpose", "details", "columns"])
        entry[name] = {"persons": ["P0000000000000099"], "details": {}, "columns": []}.get(name, "x")
        text = json.dumps(entry, ensure_ascii=False, sort_keys=True)
        self.con.execute("UPDATE audit SET entry = ? WHERE seq = ?", (text, row[0]))

    def edit_with_index(self) -> None:
        self.edit()
        self.reindex()

    def edit_one_character(self) -> None:
        (row,) = self.pick()
        at = self.random.randrange(len(row[1]))
        text = row[1][:at] + chr((ord(row[1][at]) + 1) % 0x10000 or 65) + row[1][at + 1 :]
        self.con.execute("UPDATE audit SET entry = ? WHERE seq = ?", (text, row[0]))

    def edit_mac(self) -> None:
        (row,) = self.pick()
        value = self.random.choice(["0" * 64, row[2].upper() + "", row[2][::-1], "", b"x", row[2] + "0"])
        self.con.execute("UPDATE audit SET mac = ? WHERE seq = ?", (value if value != row[2] else "1" * 64, row[0]))

    def delete(self) -> None:
        for row in self.pick(self.random.choice([1, 1, 2, 5])):
            self.con.execute("DELETE FROM audit WHERE seq = ?", (row[0],))

    def delete_and_renumber(self) -> None:
        (row,) = self.pick()
        self.con.execute("DELETE FROM audit WHERE seq = ?", (row[0],))
        self.con.execute("UPDATE audit SET seq = -seq WHERE seq > ?", (row[0],))
        self.con.execute("UPDATE audit SET seq = -seq - 1 WHERE seq < 0")
        self.reindex()

    def swap(self) -> None:
        one, other = self.pick(2)
        self.con.execute("UPDATE audit SET entry = ?, mac = ? WHERE seq = ?", (other[1], other[2], one[0]))
        self.con.execute("UPDATE audit SET entry = ?, mac = ? WHERE seq = ?", (one[1], one[2], other[0]))
        if self.random.random() < 0.5:
            self.reindex()

    def duplicate(self) -> None:
        (row,) = self.pick()
        seq = self.random.choice([len(self.rows) + 1, 0, -5, len(self.rows) + 50])
        self.con.execute("INSERT INTO audit VALUES (?, ?, ?)", (seq, row[1], row[2]))
        if self.random.random() < 0.5:
            self.reindex()

    def insert(self) -> None:
        seq = self.random.randrange(1, len(self.rows) + 2)
        self.con.execute("UPDATE audit SET seq = -seq WHERE seq >= ?", (seq,))
        self.con.execute("UPDATE audit SET seq = -seq + 1 WHERE seq < 0")
        entry = json.dumps(json.loads(self.rows[0][1]) | {"seq": seq, "actor": "steward"}, sort_keys=True)
        self.con.execute("INSERT INTO audit VALUES (?, ?, ?)", (seq, entry, "a" * 64))
        self.reindex()

    def truncate(self) -> None:
        keep = self.random.randrange(len(self.rows))
        for table in ("audit", "audit_index", "audit_persons", "audit_values"):
            self.con.execute(f"DELETE FROM {table} WHERE seq > ?", (keep,))

    def truncate_and_roll_the_head_back(self) -> None:
        """The head in the state folder is one of an earlier day, truly signed; its copy elsewhere survives."""
        self.truncate()
        keep = self.con.execute("SELECT coalesce(max(seq), 0) FROM audit").fetchone()[0]
        shutil.copy(self.folder / "heads" / f"{keep}.json", self.folder / "state" / HEAD_FILE)

    def roll_the_head_back_alone(self) -> None:
        earlier = self.random.randrange(len(self.rows) - 1)
        for place in ("state", "copy"):
            shutil.copy(self.folder / "heads" / f"{earlier}.json", self.folder / place / HEAD_FILE)

    def forge_the_head(self) -> None:
        path = self.folder / self.random.choice(["state", "copy"]) / HEAD_FILE
        data = bytearray(path.read_bytes())
        data[self.random.randrange(len(data) - 2)] ^= 1 << self.random.randrange(7)
        path.write_bytes(data)

    def take_the_head_away(self) -> None:
        (self.folder / "state" / HEAD_FILE).unlink()

    def take_everything_away(self) -> None:
        for table in ("audit", "audit_index", "audit_persons", "audit_values"):
            self.con.execute(f"DELETE FROM {table}")
        for place in self.random.sample(["state", "copy"], self.random.choice([1, 2])):
            (self.folder / place / HEAD_FILE).unlink()

    def change_the_index(self) -> None:
        one, column = self.random.choice(
            [("actor", "actor"), ("action", "action"), ("outcome", "outcome"), ("at", "at"), ("hour", "hour")]
        )
        (row,) = self.pick()
        self.con.execute(f"UPDATE audit_index SET {one} = 'x' || {column} WHERE seq = ?", (row[0],))

    def change_who_was_looked_at(self) -> None:
        table, column = self.random.choice([("audit_persons", "person_id"), ("audit_values", "value_hash")])
        key = self.random.choice(self.con.execute(f"SELECT {column}, seq FROM {table}").fetchall())
        how = self.random.randrange(3)
        if how == 0:
            self.con.execute(f"DELETE FROM {table} WHERE {column} = ? AND seq = ?", key)
        elif how == 1:
            self.con.execute(f"UPDATE {table} SET {column} = 'P0000000000000098' WHERE {column} = ? AND seq = ?", key)
        else:
            free = self.random.choice([len(self.rows) + 3, 0, 10_000])
            self.con.execute(f"UPDATE {table} SET seq = ? WHERE {column} = ? AND seq = ?", (free, *key))


ATTACKS = [
    name for name, value in vars(Attacker).items() if callable(value) and name not in ("__init__", "pick", "reindex")
]


@pytest.fixture(scope="module")
def with_heads(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit with every head that was ever signed, as a thief of back-ups would have them."""
    heads = kept / "heads"
    heads.symlink_to(tmp_path_factory.mktemp("heads"))  # a copy of the audit shares them
    audit = Audit(State(kept / "state"), kept / "copy")
    with database.open_database(audit.state).connect() as connection:
        macs = connection.execute(sa.text("SELECT mac FROM audit ORDER BY seq")).scalars().all()
    from linkage.portal.audit_head import Head, HeadFile

    for seq, mac in enumerate([FIRST_MAC, *macs]):
        file = HeadFile(audit.state, heads)
        file.write(Head(seq, mac))
        file.path.rename(heads / f"{seq}.json")
    return kept


@pytest.mark.slow
def test_a_thousand_random_attacks_are_all_found_out(with_heads: Path, tmp_path: Path) -> None:
    missed, found = [], dict.fromkeys(ATTACKS, 0)
    assert len(ATTACKS) >= 15
    folder = tmp_path / "attacked"
    for seed in range(ROUNDS):
        name = ATTACKS[seed % len(ATTACKS)]
        shutil.copytree(with_heads, folder, symlinks=True)
        attacker = Attacker(folder, seed)
        getattr(attacker, name)()
        attacker.con.commit()
        attacker.con.close()
        try:
            Audit(State(folder / "state"), folder / "copy").verify()
            missed.append((seed, name))
        except (VerificationFailed, ConfigurationError):
            found[name] += 1
        database._open(f"sqlite:///{folder / 'state' / 'gridroll.sqlite'}").dispose()
        shutil.rmtree(folder)
    assert missed == []
    assert sum(found.values()) == ROUNDS


def test_an_audit_that_was_only_copied_is_whole(with_heads: Path, tmp_path: Path) -> None:
    shutil.copytree(with_heads, tmp_path / "same", symlinks=True)
    assert Audit(State(tmp_path / "same" / "state"), tmp_path / "same" / "copy").verify() == ENTRIES


@pytest.mark.parametrize(
    "attack", ["truncate", "truncate_and_roll_the_head_back", "roll_the_head_back_alone", "forge_the_head"]
)
def test_nothing_is_appended_behind_a_broken_end(with_heads: Path, tmp_path: Path, attack: str) -> None:
    """Else the next entry would sign what an attacker left."""
    for seed in range(5):
        folder = tmp_path / f"{seed}"
        shutil.copytree(with_heads, folder, symlinks=True)
        attacker = Attacker(folder, seed)
        getattr(attacker, attack)()
        attacker.con.commit()
        attacker.con.close()
        with pytest.raises((VerificationFailed, ConfigurationError)):
            Audit(State(folder / "state"), folder / "copy").append(look(1))


def test_the_database_refuses_changes_by_accident(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "a")
    con = sqlite3.connect(tmp_path / "a" / "state" / "gridroll.sqlite")
    for table in ("audit", "audit_index", "audit_persons", "audit_values"):
        for change in (
            f"DELETE FROM {table}",
            f"UPDATE {table} SET seq = seq",
            f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                con.execute(change)


def test_a_folder_for_copies_that_is_named_later_gets_the_head(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    audit = Audit(State(tmp_path / "state"))
    audit.append(look(1))
    later = Audit(State(tmp_path / "state"), tmp_path / "copy")
    later.append(look(2))
    assert later.verify() == 2
    assert (tmp_path / "copy" / HEAD_FILE).read_bytes() == (tmp_path / "state" / HEAD_FILE).read_bytes()


def test_a_copy_of_the_head_that_vanishes_while_it_runs_stops_the_audit(tmp_path: Path) -> None:
    audit = made(tmp_path, 2)
    (tmp_path / "copy" / HEAD_FILE).unlink()
    with pytest.raises(VerificationFailed, match="missing"):
        audit.verify()
    with pytest.raises(VerificationFailed, match="speaks of nothing"):
        audit.append(look(3))


def test_a_new_audit_without_entries_is_whole_and_has_a_head(tmp_path: Path) -> None:
    audit = made(tmp_path, 0)
    assert audit.verify() == 0
    (tmp_path / "state" / HEAD_FILE).unlink()
    with pytest.raises(VerificationFailed, match="missing"):
        audit.verify()


# --- many writers ------------------------------------------------------------------------------------------------------

WRITER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from linkage.kernel.run import State
from linkage.portal.audit import Audit, Entry
folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
audit = Audit(State(folder / "state"), folder / "copy")
def append(number):
    print(f"{audit.append(Entry('look', name, 'grid', 'done', persons=(f'P{number:016d}',)))}\\n", end="", flush=True)
with ThreadPoolExecutor(6) as pool:
    list(pool.map(append, range(count)))
"""


def writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(count)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_two_processes_and_four_threads_keep_one_chain(tmp_path: Path) -> None:
    audit = made(tmp_path, 1)
    processes = [writer(tmp_path, name, 60) for name in ("one", "two")]
    threads = [threading.Thread(target=lambda: [audit.append(look(n)) for n in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    numbers = [int(line) for process in processes for line in process.communicate()[0].split()]
    for thread in threads:
        thread.join()
    assert len(set(numbers)) == 120
    assert audit.verify() == 1 + 120 + 80


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_kill_at_any_moment_loses_nothing_that_was_answered_and_raises_no_alarm(tmp_path: Path, seed: int) -> None:
    made(tmp_path, 1)
    process = writer(tmp_path, "victim", 100_000)
    assert process.stdout is not None
    said = [process.stdout.readline()]
    time.sleep(random.Random(seed).uniform(0.01, 0.3))
    os.kill(process.pid, signal.SIGKILL)
    said += process.stdout.readlines()
    process.wait()
    last = max(int(line) for line in said if line.endswith("\n"))
    audit = Audit(State(tmp_path / "state"), tmp_path / "copy")
    assert last <= audit.verify() <= last + 12, "six were being written, six more may not have been told"
    assert audit.append(look(1)) == audit.verify()


@pytest.mark.parametrize("place", [0, 1], ids=["before the head", "between head and copy"])
def test_a_crash_between_entry_and_head_is_no_alarm_and_the_head_is_brought_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    audit = made(tmp_path, 3)

    def fail(head: object) -> None:
        raise OSError(28, "No space left on device")

    for attempt in range(3):
        monkeypatch.setattr(audit.heads[place], "write", fail)
        with pytest.raises(OSError):
            audit.append(look(attempt))
    monkeypatch.undo()
    again = Audit(State(tmp_path / "state"), tmp_path / "copy")
    assert again.verify() == 4, "the first was written, no other behind it while its head could not be"
    assert again.append(look(9)) == 5
    assert again.verify() == 5
    assert (tmp_path / "copy" / HEAD_FILE).read_bytes() == (tmp_path / "state" / HEAD_FILE).read_bytes()


def test_entries_that_come_at_once_share_the_disk_and_a_crash_behind_them_is_no_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = made(tmp_path, 3)
    writes = []
    write = HeadFile.write
    monkeypatch.setattr(
        HeadFile, "write", lambda self, head: (writes.append(head.seq), time.sleep(0.05), write(self, head))
    )
    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(lambda n: audit.append(look(n)), range(20))) == list(range(4, 24))
    assert len(writes) < 20, "fewer heads than entries"

    def fail(self: HeadFile, head: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(HeadFile, "write", fail)

    def refused(number: int) -> bool:
        try:
            audit.append(look(number))
        except OSError:
            return True
        return False

    with ThreadPoolExecutor(6) as pool, audit._lock:  # one is about to write, five wait behind it
        waiting = [pool.submit(refused, n) for n in range(6)]
        while len(audit._waiting) < 5:
            time.sleep(0.01)
    assert all(one.result() for one in waiting)
    monkeypatch.undo()
    again = Audit(State(tmp_path / "state"), tmp_path / "copy")
    assert again.verify() in (24, 29), (
        "the first alone, or all six together; none behind a head that could not be written"
    )
    assert again.append(look(1)) == again.verify()


@pytest.mark.parametrize(
    "entry",
    [
        Entry("look", "a", "grid", "done", details={"x": object()}),
        Entry("look", "a" * 201, "grid", "done"),
        Entry("look", "a", "grid", "done", persons=("P" * 21,)),
        Entry("look", "\ud800", "grid", "done"),
    ],
    ids=["no JSON", "long actor", "long id", "half a character"],
)
def test_an_entry_that_cannot_be_kept_takes_no_other_down(tmp_path: Path, entry: Entry) -> None:
    audit = made(tmp_path, 1)
    with pytest.raises((ValueError, TypeError)):
        audit.append(entry)
    assert audit.append(look(1)) == audit.verify() == 2


def test_a_lock_file_that_was_taken_away_does_not_break_the_chain(tmp_path: Path) -> None:
    audit = made(tmp_path, 2)
    for number in range(5):
        (tmp_path / "state" / "audit.lock").unlink()
        audit.append(look(number))
    assert audit.verify() == 7


# --- the key -----------------------------------------------------------------------------------------------------------


def test_the_key_is_kept_from_others_and_never_made_anew(tmp_path: Path) -> None:
    made(tmp_path, 1)
    key = tmp_path / "state" / "keys" / "audit_hmac.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.unlink()
    with pytest.raises(ConfigurationError, match="missing"):
        Audit(State(tmp_path / "state"))
    key.write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="fewer than 32"):
        Audit(State(tmp_path / "state"))


@pytest.mark.parametrize(
    ("typed", "searched"), [("33010619900101123x", " 33010619900101123X"), ("ａｂ", "AB"), ("张三", "张三 ")]
)
def test_a_value_is_found_however_it_was_typed(tmp_path: Path, typed: str, searched: str) -> None:
    audit = made(tmp_path, 0)
    assert audit.keyed_hash(typed) == audit.keyed_hash(searched)
    assert audit.keyed_hash(typed) != Audit(State(tmp_path / "other")).keyed_hash(typed)
