"""The audit: who did what, when, for which purpose, about which persons, and which columns were shown. Never a personal value in clear.

Each entry carries HMAC-SHA256(key, mac of the entry before + canonical JSON). After each entry the head (number and mac of the last one) is signed with
the installation's Ed25519 key and written outside the database, so that a tail that is cut off is missed (HashiCorp Vault's audit
devices and RFC 9162 are the models). An entry that cannot be written refuses the request.
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.errors import ConfigurationError, VerificationFailed
from linkage.kernel.run import State, write_bytes
from linkage.kernel.state_tables import audit_persons_table, audit_table
from linkage.release.signing import TRUSTED_KEYS, is_signed, parse_public_key, signing_key

KEY_ENVIRONMENT, KEY_FILE = "GRIDROLL_AUDIT_KEY", "audit_hmac.key"
HEAD_FILE, LOCK_FILE = "audit_head.json", "audit.lock"
FIRST_MAC = "0" * 64
ADVISORY_LOCK = 0x61756469


@dataclass(frozen=True)
class Entry:
    """What is put on record. ``details`` holds counts, ids, codes and keyed hashes (``Audit.keyed_hash``), never values."""

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
        self._state = state
        self._copy_to = copy_to
        self._key = _read_key(state)
        self._signing_key = signing_key(state)
        self._lock = threading.Lock()

    def keyed_hash(self, text: str) -> str:
        """A hash by which an auditor finds a value that they know, and nobody without the key can test guesses."""
        return hmac.new(self._key, b"value\x00" + text.strip().encode(), hashlib.sha256).hexdigest()[:32]

    def append(self, entry: Entry, *, at: datetime | None = None) -> int:
        """Write ``entry``; durable when this returns. Returns its number. Raises whatever kept it from being written."""
        moment = (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
        with self._alone(), open_database(self._state).connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            newest = sa.select(audit_table.c.seq, audit_table.c.mac).order_by(audit_table.c.seq.desc()).limit(1)
            last = connection.execute(newest).first()
            seq, before = (last.seq + 1, last.mac) if last else (1, FIRST_MAC)
            text = canonical(entry, seq, moment)
            mac = self._mac(before, text)
            connection.execute(sa.insert(audit_table), {"seq": seq, "entry": text, "mac": mac})
            if persons := sorted(set(entry.persons)):
                connection.execute(sa.insert(audit_persons_table), [{"person_id": p, "seq": seq} for p in persons])
            connection.commit()
            self._write_head(seq, mac)
        return int(seq)

    def _mac(self, before: str, text: str) -> str:
        return hmac.new(self._key, f"{before}\n{text}".encode(), hashlib.sha256).hexdigest()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, over threads and processes: entries and heads stay in one order."""
        with self._lock, (self._state.root / LOCK_FILE).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write_head(self, seq: int, mac: str) -> None:
        head = json.dumps({"seq": seq, "mac": mac}, sort_keys=True)
        signed = json.dumps({"head": head, "signature": self._signing_key.sign(head.encode()).hex()}).encode() + b"\n"
        write_bytes(self._state.root / HEAD_FILE, signed)
        if self._copy_to is not None:
            write_bytes(self._copy_to / HEAD_FILE, signed)

    def verify(self) -> int:
        """Check every entry and the head; returns the number of entries. Raises VerificationFailed at the first fault."""
        before, seq = FIRST_MAC, 0
        macs_at: dict[int, str] = {}
        head = self._head()
        indexed = 0
        with open_database(self._state).connect() as connection:
            rows = connection.execution_options(yield_per=10_000).execute(
                sa.select(audit_table).order_by(audit_table.c.seq)
            )
            for row in rows:
                seq += 1
                if row.seq != seq or not hmac.compare_digest(row.mac, self._mac(before, row.entry)):
                    raise VerificationFailed(
                        f"The audit is broken at entry {row.seq if row.seq == seq else seq}: it was changed, moved, added or taken out.",
                        remedy="Keep the database as evidence, restore the audit from a back-up, and find out who had access.",
                    )
                read = json.loads(row.entry)
                if read["seq"] != seq:
                    raise VerificationFailed(
                        f"Entry {seq} of the audit says it is {read['seq']}.", remedy="Keep the database as evidence."
                    )
                indexed += len(set(read["persons"]))
                before = row.mac
                if head is not None and seq == head["seq"]:
                    macs_at[seq] = row.mac
            index = connection.execute(sa.select(sa.func.count()).select_from(audit_persons_table)).scalar_one()
        if seq and head is None:
            raise VerificationFailed(
                f"The signed head {HEAD_FILE} is missing.",
                remedy="Restore it from its copy; without it nobody can say that the end is whole.",
            )
        if head is not None and (head["seq"] > seq or macs_at.get(head["seq"]) != head["mac"]):
            raise VerificationFailed(
                f"The audit ends at entry {seq}, its signed head speaks of entry {head['seq']}: entries were cut off or replaced.",
                remedy="Keep the database as evidence and restore the audit from a back-up.",
            )
        if index != indexed:
            raise VerificationFailed(
                f"The index of persons has {index} rows, the entries name {indexed}.",
                remedy="Keep the database as evidence; the entries themselves are whole.",
            )
        return seq

    def _head(self) -> dict[str, Any] | None:
        """The newest signed head, of the state folder or its copy. Raises VerificationFailed when a signature does not hold."""
        heads = []
        for folder in (self._state.root, *((self._copy_to,) if self._copy_to else ())):
            path = folder / HEAD_FILE
            if not path.exists():
                continue
            keys = [parse_public_key(p.read_bytes()) for p in sorted(self._state.keys.glob(TRUSTED_KEYS))]
            try:
                signed = json.loads(path.read_bytes())
                good = any(
                    key and is_signed(signed["head"].encode(), bytes.fromhex(signed["signature"]), key) for key in keys
                )
                head = json.loads(signed["head"])
            except (ValueError, KeyError, TypeError, AttributeError):
                good, head = False, None
            if not good or head is None:
                raise VerificationFailed(
                    f"The signed head {path} is not what this installation signed.",
                    remedy="Keep it as evidence; compare with its copy.",
                )
            heads.append(head)
        return max(heads, key=lambda found: int(found["seq"]), default=None)


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
        state.keys.mkdir(parents=True, exist_ok=True)
        state.keys.chmod(0o700)
        old_mask = os.umask(0o077)
        try:
            write_bytes(path, secrets.token_bytes(32))
        finally:
            os.umask(old_mask)
    return path.read_bytes()
