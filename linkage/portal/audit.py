"""The audit: who did what, when, for which purpose, about which persons, and which columns were shown. Never a personal value in clear.

Each entry carries HMAC-SHA256(key, mac of the entry before + canonical JSON). After each entry the head (linkage/portal/audit_head.py) is signed with
the installation's Ed25519 key and written outside the database (HashiCorp Vault's audit devices and RFC 9162 are the models). An entry
that cannot be written refuses the request; nothing is appended behind an end that is not the one the head speaks of.
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.errors import ConfigurationError, VerificationFailed
from linkage.kernel.run import State, write_bytes
from linkage.kernel.state_tables import audit_table
from linkage.portal import clock
from linkage.portal.audit_head import HEAD_FILE, Head, HeadFile
from linkage.portal.audit_index import write_index

KEY_ENVIRONMENT, KEY_FILE = "GRIDROLL_AUDIT_KEY", "audit_hmac.key"
LOCK_FILE = "audit.lock"
FIRST_MAC = "0" * 64
FIRST_HEAD = Head(0, FIRST_MAC)
ADVISORY_LOCK = 0x61756469


@dataclass(frozen=True)
class Entry:
    """What is put on record. ``details`` holds counts, ids, codes and keyed hashes (``Audit.keyed_hash``), never values; those whose name
    ends in ``_hash`` or ``_hashes`` can be searched for by whoever knows the value."""

    action: str
    actor: str
    department: str
    outcome: str  # asked (before something changes), done, denied, failed
    status: int | None = None
    purpose: str | None = None
    purpose_note_hash: str | None = None
    persons: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    address: str | None = None
    token_id: str | None = None


class Audit:
    """The audit of one installation; safe for threads and for processes of one machine."""

    def __init__(self, state: State, copy_to: Path | None = None) -> None:
        self.state = state
        folders = (state.root, *((copy_to,) if copy_to else ()))
        is_new = not (state.keys / KEY_FILE).exists()
        self._key = _read_key(state)
        self.heads = tuple(HeadFile(state, folder) for folder in folders)
        self._lock = threading.Lock()
        if any(not file.path.exists() for file in self.heads):
            self._begin(is_new)

    def _begin(self, is_new: bool) -> None:
        """Sign that nothing is on record yet, once: from then on a missing head is a fault. A folder for copies that was named later gets
        the head as it stands."""
        with self._alone(), open_database(self.state).connect() as connection:
            is_empty = connection.execute(sa.select(audit_table.c.seq).limit(1)).first() is None
            found = next((head for file in self.heads if (head := file.read())), None)
            head = self.heads[0].read() or (FIRST_HEAD if is_new and is_empty and found is None else None)
            for file in self.heads:
                if head is not None and file.read() is None:
                    file.write(head)

    def keyed_hash(self, text: str) -> str:
        """A hash by which an auditor finds a value that they know, and nobody without the key can test guesses. Full-width and
        small letters, and blanks around, make no difference."""
        plain = unicodedata.normalize("NFKC", text).strip().upper()
        return hmac.new(self._key, b"value\x00" + plain.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]

    def append(self, entry: Entry, *, at: datetime | None = None) -> int:
        """Write ``entry``; durable when this returns. Returns its number. Raises whatever kept it from being written, and
        VerificationFailed when the end of the audit is not the one that was signed."""
        moment = (at or clock.moment()).astimezone(UTC).isoformat(timespec="milliseconds")
        with self._alone(), open_database(self.state).connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            last = self._trusted_end(connection)
            text = canonical(entry, last.seq + 1, moment)
            head = Head(last.seq + 1, self.mac(last.mac, text))
            connection.execute(sa.insert(audit_table), {"seq": head.seq, "entry": text, "mac": head.mac})
            write_index(connection, json.loads(text))
            connection.commit()
            self._write_heads(head)
        return head.seq

    def _trusted_end(self, connection: sa.Connection) -> Head:
        """The last entry, which the heads must speak of. A head may be one entry behind (the power failed, or a disk was full, between the
        two): then it is brought up first. Anything else means that entries or heads were taken away."""
        newest = sa.select(audit_table).order_by(audit_table.c.seq.desc()).limit(2)
        rows = connection.execute(newest).all()
        last = Head(rows[0].seq, rows[0].mac) if rows else FIRST_HEAD
        before = Head(rows[1].seq, rows[1].mac) if len(rows) > 1 else FIRST_HEAD
        for file in self.heads:
            found = file.read()
            if found == last:
                continue
            is_behind_by_one = found == before and rows and last.mac == self.mac(before.mac, rows[0].entry)
            if not is_behind_by_one:
                raise VerificationFailed(
                    f"The audit ends at entry {last.seq}, its signed head {file.path} speaks of {found.seq if found else 'nothing'}.",
                    remedy="Run `linkage audit verify`, keep the database as evidence, and restore audit and head from one back-up.",
                )
            file.write(last)
        return last

    def check_end(self) -> None:
        """Raise VerificationFailed when the heads do not speak of the last entry (one behind is brought up)."""
        with self._alone(), open_database(self.state).connect() as connection:
            self._trusted_end(connection)

    def _write_heads(self, head: Head) -> None:
        for file in self.heads:
            file.write(head)

    def mac(self, before: str, text: str) -> str:
        """The mac of an entry's text behind the entry with the mac ``before``."""
        return hmac.new(self._key, f"{before}\n{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, over threads and processes: entries and heads stay in one order."""
        with self._lock, _locked(self.state.root / LOCK_FILE):
            yield

    def verify(self) -> int:
        """Check every entry, the indexes and the heads; returns the number of entries. Raises VerificationFailed at the first fault."""
        from linkage.portal.audit_check import check_audit

        return check_audit(self)


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """Hold the lock file; one that was put in its place meanwhile is not the one that others wait for, so it is taken instead."""
    while True:
        with path.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                is_current = os.path.samestat(os.fstat(lock.fileno()), path.stat())
            except FileNotFoundError:
                is_current = False
            if is_current:
                yield lock
                return


def canonical(entry: Entry, seq: int, moment: str) -> str:
    """The entry as JSON that is the same for the same content."""
    return json.dumps(
        {
            "seq": seq, "at": moment, "action": entry.action, "actor": entry.actor, "department": entry.department, "outcome": entry.outcome,
            "status": entry.status, "purpose": entry.purpose, "purpose_note_hash": entry.purpose_note_hash, "persons": sorted(set(entry.persons)),
            "columns": sorted(set(entry.columns)), "details": entry.details, "address": entry.address, "token_id": entry.token_id,
        },
        ensure_ascii=False,
        sort_keys=True,
    )  # fmt: skip


def _read_key(state: State) -> bytes:
    """The key of the hashes: in the file named by GRIDROLL_AUDIT_KEY, else ``state/keys/audit_hmac.key``, made on first use (mode 0600)."""
    named = os.environ.get(KEY_ENVIRONMENT)
    path = Path(named) if named else state.keys / KEY_FILE
    if not path.exists():
        if named or (state.root / HEAD_FILE).exists():
            raise ConfigurationError(
                f"The key of the audit {path} is missing.",
                remedy="Restore it from the back-up; a new one would not fit the audit.",
            )
        make_key(path)
    key = path.read_bytes()
    if len(key) < 32:
        raise ConfigurationError(
            f"The key of the audit {path} has {len(key)} bytes, fewer than 32.",
            remedy="Restore it from the back-up, or make one of 32 random bytes before the first use.",
        )
    return key


def make_key(path: Path) -> None:
    """Write 32 random bytes into ``path``, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    old_mask = os.umask(0o077)
    try:
        write_bytes(path, secrets.token_bytes(32))
    finally:
        os.umask(old_mask)
