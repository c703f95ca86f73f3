"""One entry of the audit, and how it is spelled."""

import json
from dataclasses import dataclass, field
from typing import Any


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


def check_entry(entry: Entry) -> None:
    """Raise ValueError when the entry cannot be kept: it must not take those down that are written together with it."""
    canonical(entry, 0, "", 0).encode()
    limits = ((entry.actor, 200), (entry.action, 50), (entry.outcome, 10), *((person, 20) for person in entry.persons))
    if any(len(text) > most for text, most in limits):
        raise ValueError("a part of the entry is longer than its column")


def canonical(entry: Entry, seq: int, moment: str, head: int) -> str:
    """The entry as JSON that is the same for the same content. ``head``: the number that the signed head spoke of before."""
    return json.dumps(
        {
            "seq": seq, "at": moment, "action": entry.action, "actor": entry.actor, "department": entry.department, "outcome": entry.outcome,
            "status": entry.status, "purpose": entry.purpose, "purpose_note_hash": entry.purpose_note_hash, "persons": sorted(set(entry.persons)),
            "columns": sorted(set(entry.columns)), "details": entry.details, "address": entry.address, "token_id": entry.token_id, "head": head,
        },
        ensure_ascii=False,
        sort_keys=True,
    )  # fmt: skip
