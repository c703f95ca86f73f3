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
import threading
import unicodedata
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.errors import VerificationFailed
from linkage.kernel.run import State
from linkage.kernel.state_tables import audit_table
from linkage.portal import clock
from linkage.portal.audit_check import check_audit, check_chain
from linkage.portal.audit_entry import Entry, canonical, check_entry
from linkage.portal.audit_head import Head, HeadFile
from linkage.portal.audit_index import write_index
from linkage.portal.audit_key import KEY_FILE, read_key

LOCK_FILE = "audit.lock"
FIRST_MAC = "0" * 64
FIRST_HEAD = Head(0, FIRST_MAC)
ADVISORY_LOCK = 0x61756469
MOST_AT_ONCE = 64
"""So many entries are written together at most."""

__all__ = ["FIRST_HEAD", "FIRST_MAC", "Audit", "Entry"]


@dataclass
class _Ticket:
    """An entry that waits to be written."""

    entry: Entry
    moment: str
    seq: int = 0
    error: BaseException | None = None
    is_done: bool = False
    leads: bool = False
    """Whether its thread writes for all that are waiting."""
    called: threading.Event = field(default_factory=threading.Event)
    """It is done, or it leads."""


class Audit:
    """The audit of one installation; safe for threads and for processes of one machine."""

    def __init__(self, state: State, copy_to: Path | None = None) -> None:
        self.state = state
        folders = (state.root, *((copy_to,) if copy_to else ()))
        is_new = not (state.keys / KEY_FILE).exists()
        self._key = read_key(state)
        self.heads = tuple(HeadFile(state, folder) for folder in folders)
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._is_led = False
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
        VerificationFailed when the end of the audit is not the one that was signed.

        Entries of several threads that come at once are written together: they share the waiting for the disk.
        """
        moment = (at or clock.moment()).astimezone(UTC).isoformat(timespec="milliseconds")
        check_entry(entry)
        ticket = _Ticket(entry, moment)
        with self._turn:
            self._waiting.append(ticket)
            ticket.leads, self._is_led = not self._is_led, True
        if not ticket.leads:
            ticket.called.wait()
        if ticket.leads:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.seq

    def _lead(self, ticket: _Ticket) -> None:
        """Write what is waiting until ``ticket`` is written, then let the next one lead."""
        try:
            while not ticket.is_done:
                self._write_together()
        finally:
            with self._turn:
                self._is_led = bool(self._waiting)
                if self._is_led:
                    self._waiting[0].leads = True
                    self._waiting[0].called.set()

    def _write_together(self) -> None:
        with self._turn:
            tickets = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
        try:
            with self._alone(), open_database(self.state).connect() as connection:
                self._write(connection, tickets)
        except BaseException as error:
            for ticket in tickets:
                ticket.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for ticket in tickets:
                ticket.is_done = True
                ticket.called.set()

    def _write(self, connection: sa.Connection, tickets: list["_Ticket"]) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        signed = end = self._trusted_end(connection)
        for ticket in tickets:
            text = canonical(ticket.entry, end.seq + 1, ticket.moment, signed.seq)
            end = Head(end.seq + 1, self.mac(end.mac, text))
            connection.execute(sa.insert(audit_table), {"seq": end.seq, "entry": text, "mac": end.mac})
            write_index(connection, json.loads(text))
            ticket.seq = end.seq
        connection.commit()
        for file in self.heads:
            file.write(end)

    def _trusted_end(self, connection: sa.Connection) -> Head:
        """The last entry, which the heads must speak of. A head may be one step behind (the power failed, or a disk was full, between entries
        and head): then it is brought up first. Anything else means that entries or heads were taken away."""
        row = connection.execute(sa.select(audit_table).order_by(audit_table.c.seq.desc()).limit(1)).first()
        last = Head(row.seq, row.mac) if row else FIRST_HEAD
        for file in self.heads:
            found = file.read()
            if found == last:
                continue
            if row is None or found is None or not self._is_one_step_behind(connection, found, row):
                raise VerificationFailed(
                    f"The audit ends at entry {last.seq}, its signed head {file.path} speaks of {found.seq if found else 'nothing'}.",
                    remedy="Run `linkage audit verify`, keep the database as evidence, and restore audit and head from one back-up.",
                )
            file.write(last)
        return last

    def _is_one_step_behind(self, connection: sa.Connection, found: Head, last: Any) -> bool:
        """Whether the entries behind the head ``found`` are those that were written together last, and follow it."""
        behind = sa.select(audit_table).where(audit_table.c.seq > found.seq).order_by(audit_table.c.seq)
        rows = [(row.seq, row.entry, row.mac) for row in connection.execute(behind.limit(MOST_AT_ONCE + 1))]
        try:
            ends = list(check_chain(self, rows, found))
            return bool(ends) and ends[-1].seq == last.seq and json.loads(last.entry)["head"] == found.seq
        except (VerificationFailed, ValueError, KeyError, TypeError):
            return False

    def check_end(self) -> None:
        """Raise VerificationFailed when the heads do not speak of the last entry (one behind is brought up)."""
        with self._alone(), open_database(self.state).connect() as connection:
            self._trusted_end(connection)

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
