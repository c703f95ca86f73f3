"""Whether the audit is whole: every entry, its order, its indexes, and its end."""

import hmac
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.errors import VerificationFailed
from linkage.kernel.state_tables import audit_index_table, audit_persons_table, audit_table, audit_values_table
from linkage.portal.audit_head import Head
from linkage.portal.audit_index import INDEX_COLUMNS, index_of

if TYPE_CHECKING:
    from linkage.portal.audit import Audit

BATCH = 20_000
EVIDENCE = "Keep the database as evidence, restore the audit from a back-up, and find out who had access."
Row = tuple[Any, Any, Any]


def check_audit(audit: "Audit") -> int:
    """Check entries, indexes and heads; returns the number of entries. Raises VerificationFailed at the first fault. Entries that others write
    meanwhile do no harm: the heads are read first, so the entries reach at least as far."""
    heads = [(file.path, file.read()) for file in audit.heads]
    wanted = {head.seq: "" for _, head in heads if head is not None}
    end = Head(0, "0" * 64)
    with open_database(audit.state).connect() as connection:
        for rows in _batches(connection):
            for checked in check_chain(audit, rows, end):
                if checked.seq in wanted:
                    wanted[checked.seq] = checked.mac
                end = checked
            _check_indexes(connection, rows)
        _check_no_more(connection, end.seq)
    for path, head in heads:
        _check_head(str(path), head, end, wanted)
    audit.check_end()
    return end.seq


def check_chain(audit: "Audit", rows: Iterable[Row], before: Head) -> Iterator[Head]:
    """Check (seq, entry, mac) rows that follow ``before``; yields each one's number and mac. Raises VerificationFailed at the first fault."""
    for seq, text, mac in rows:
        due = before.seq + 1
        if seq != due or not _is_the_same(mac, audit.mac(before.mac, text)) or _own_number(text) != due:
            raise VerificationFailed(
                f"The audit is broken at entry {due}: it was changed, moved, added or taken out.", remedy=EVIDENCE
            )
        before = Head(due, mac)
        yield before


def _is_the_same(found: object, mac: str) -> bool:
    return isinstance(found, str) and hmac.compare_digest(found.encode("utf-8", "surrogatepass"), mac.encode())


def _own_number(text: str) -> int:
    """The number that the entry, which the mac covers, says of itself."""
    return int(json.loads(text)["seq"])


def _batches(connection: sa.Connection) -> Iterator[list[Row]]:
    """The entries in their order; rows of strange numbers come first and are found out."""
    last: int | None = None
    while True:
        query = sa.select(audit_table.c.seq, audit_table.c.entry, audit_table.c.mac).order_by(audit_table.c.seq)
        query = query.limit(BATCH) if last is None else query.where(audit_table.c.seq > last).limit(BATCH)
        rows = [(row.seq, row.entry, row.mac) for row in connection.execute(query)]
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _check_indexes(connection: sa.Connection, rows: list[Row]) -> None:
    first, last = rows[0][0], rows[-1][0]
    by_seq = dict(_index_rows(connection, first, last))
    persons = _pairs(connection, audit_persons_table, "person_id", first, last)
    values = _pairs(connection, audit_values_table, "value_hash", first, last)
    for seq, text, _ in rows:
        due = index_of(json.loads(text))
        if by_seq.get(seq) != due.row or persons.pop(seq, ()) != due.persons or values.pop(seq, ()) != due.value_hashes:
            raise _wrong_index(f"do not say of entry {seq} what the entry says")
    if persons or values:
        raise _wrong_index(f"speak of entry {min((*persons, *values))} what the entry does not say")


def _index_rows(connection: sa.Connection, first: int, last: int) -> Iterator[tuple[int, dict[str, Any]]]:
    query = sa.select(audit_index_table).where(audit_index_table.c.seq.between(first, last))
    for row in connection.execute(query):
        yield row.seq, dict(zip(INDEX_COLUMNS, row, strict=True))


def _pairs(connection: sa.Connection, table: sa.Table, name: str, first: int, last: int) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    query = sa.select(table.c.seq, table.c[name]).where(table.c.seq.between(first, last))
    for seq, value in connection.execute(query):
        found.setdefault(seq, []).append(value)
    return {seq: tuple(sorted(values)) for seq, values in found.items()}


def _check_no_more(connection: sa.Connection, end: int) -> None:
    """Index rows of entries that are not there."""
    for table in (audit_index_table, audit_persons_table, audit_values_table):
        beyond = (table.c.seq > end) & table.c.seq.not_in(sa.select(audit_table.c.seq).where(audit_table.c.seq > end))
        if connection.execute(sa.select(table.c.seq).where(beyond | (table.c.seq < 1)).limit(1)).first():
            raise _wrong_index("speak of entries that are not there")


def _wrong_index(what: str) -> VerificationFailed:
    return VerificationFailed(f"The indexes of the audit {what}.", remedy=EVIDENCE)


def _check_head(path: str, head: Head | None, end: Head, macs: dict[int, str]) -> None:
    if head is None:
        raise VerificationFailed(
            f"The signed head {path} is missing.",
            remedy="Restore it from its copy; without it nobody can say that the end is whole.",
        )
    if head.seq > end.seq or (head.seq and macs.get(head.seq) != head.mac):
        raise VerificationFailed(
            f"The audit ends at entry {end.seq}, its signed head {path} speaks of entry {head.seq}: entries were cut off or replaced.",
            remedy=EVIDENCE,
        )
