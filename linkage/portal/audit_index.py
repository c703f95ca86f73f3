"""Where an entry of the audit is found again: by time, actor and action, by person, and by the keyed hash of a searched value.

The indexes are a function of the entry's text alone, so that whoever changes one is found out by comparing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from linkage.kernel.state_tables import audit_index_table, audit_persons_table, audit_values_table

HOUR_CHARACTERS = 13
INDEX_COLUMNS = tuple(column.name for column in audit_index_table.columns)


@dataclass(frozen=True)
class Indexed:
    """What the three indexes say of one entry."""

    row: dict[str, Any]
    persons: tuple[str, ...]
    value_hashes: tuple[str, ...]


def index_of(entry: dict[str, Any]) -> Indexed:
    """The index rows of an entry (the parsed JSON)."""
    row = {
        "seq": entry["seq"], "at": entry["at"], "hour": entry["at"][:HOUR_CHARACTERS], "actor": entry["actor"], "action": entry["action"],
        "outcome": entry["outcome"], "persons": len(entry["persons"]),
    }  # fmt: skip
    hashes = set(_hashes(entry["details"]))
    if entry["purpose_note_hash"]:
        hashes.add(entry["purpose_note_hash"])
    return Indexed(row, tuple(entry["persons"]), tuple(sorted(hashes)))


def write_index(connection: sa.Connection, entry: dict[str, Any]) -> None:
    """Write the index rows of ``entry`` in the transaction that writes the entry."""
    found = index_of(entry)
    connection.execute(sa.insert(audit_index_table), found.row)
    if found.persons:
        rows = [{"person_id": person_id, "seq": entry["seq"]} for person_id in found.persons]
        connection.execute(sa.insert(audit_persons_table), rows)
    if found.value_hashes:
        hashes = [{"value_hash": value_hash, "seq": entry["seq"]} for value_hash in found.value_hashes]
        connection.execute(sa.insert(audit_values_table), hashes)


def _hashes(details: dict[str, Any]) -> Iterable[str]:
    """Details named ``..._hash`` (one) or ``..._hashes`` (several) are keyed hashes of values."""
    for name, value in details.items():
        if name.endswith("_hash") and isinstance(value, str):
            yield value
        elif name.endswith("_hashes") and isinstance(value, list | tuple):
            yield from (one for one in value if isinstance(one, str))
