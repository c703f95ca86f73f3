"""One delivered file, table by table: what a feed reads becomes rows, and what none reads is said and counted.

A member of an archive is a file of its own. One that carries the name of a feed's file is held to the same rules as a
file; one that only came along is a warning when it cannot be read.
"""

from collections.abc import Collection
from pathlib import Path

from linkage.kernel.engine import Engine
from linkage.kernel.source_config import Feed
from linkage.sources.claims import claimed_by, claimed_by_name
from linkage.sources.collected import Collected, Delivery
from linkage.sources.header import Mapping, find_mapping, shown_header
from linkage.sources.intake import take_in
from linkage.sources.readers import Member, UnreadableMember, open_members, read_tables
from linkage.sources.table import BadRow, RawTable


def read_file(engine: Engine, feeds: Collection[Feed], delivery: Delivery, path: Path, collected: Collected) -> None:
    """Read every table of the file at ``path`` that one of ``feeds`` wants."""
    owner = claimed_by(delivery.path, feeds)
    members = list(open_members(path.read_bytes(), delivery.label, delivery.path))
    named = [claimed_by_name(member.name, feeds) if member.in_archive else owner for member in members]
    if owner is None and not any(named):
        collected.signal(delivery.source, None, delivery.label, "unclaimed_file", "warn")
        collected.account(delivery, None, delivery.label)
        return
    found = [
        _read_member(engine, feed or owner, delivery, member, collected, expected=feed is not None)
        for member, feed in zip(members, named, strict=True)
    ]
    if owner and not any(found) and not any(named):
        collected.signal(delivery.source, owner, delivery.label, "empty_file", "stop")
        collected.account(delivery, owner, delivery.label)


def _read_member(
    engine: Engine, feed: Feed | None, delivery: Delivery, member: Member, collected: Collected, *, expected: bool
) -> bool:
    """Read the tables of one file; whether there were any. ``expected``: the night stops when nothing can be read."""
    severity, reader = ("stop", feed) if expected else ("warn", None)
    try:
        tables = read_tables(member)
    except UnreadableMember as error:
        collected.signal(delivery.source, feed, error.label, "unreadable_member", severity, error.reason)
        collected.account(delivery, reader, error.label)
        return False
    if feed and feed.sheet:
        tables = [table for table in tables if table.label.endswith(f"#{feed.sheet}")]
    tables = [table for table in tables if table.first_rows]
    if not tables:
        collected.signal(delivery.source, feed, member.label, "empty_file", severity)
        collected.account(delivery, reader, member.label)
        return False
    mappings = [find_mapping(table.first_rows, feed) if feed else None for table in tables]
    for table, mapping in zip(tables, mappings, strict=True):
        if feed and mapping:
            _read_table(engine, feed, delivery, table, mapping, collected)
        elif feed and expected and not any(mappings):
            _refuse_table(feed, delivery, table, collected)
        else:
            _leave_table(feed, delivery, table, collected)
    return any(mappings)


def _read_table(
    engine: Engine, feed: Feed, delivery: Delivery, table: RawTable, mapping: Mapping, collected: Collected
) -> None:
    def signal(kind: str, severity: str, value: str = "", *, column: str = "", count: int = 1) -> None:
        collected.signal(delivery.source, feed, table.label, kind, severity, value, column=column, count=count)

    for column in mapping.missing:
        signal("missing_column", "stop" if column.required else "warn", column.column, column=column.column)
    for column_name, name in mapping.by_synonym.items():
        signal("renamed_column", "info", name, column=column_name)
    for name in mapping.unknown:
        signal("new_column", "info", shown_header(name), column=shown_header(name))
    if "record_id" not in mapping.positions:
        _refuse_table(feed, delivery, table, collected)
        return
    intake = take_in(engine, delivery.source, feed, table, mapping, delivery.landed_night)
    if table.undecodable_rows:
        signal("encoding_mixed", "info", count=table.undecodable_rows)
    if intake.joined:
        signal("joined_rows", "info", count=intake.joined)
    if not intake.accepted:
        signal("empty_file", "info" if feed.delivery == "delta" else "stop")
    for bad in intake.rejects:
        collected.reject(delivery.source, feed, table.label, bad, mapping)
    collected.account(
        delivery,
        feed,
        table.label,
        encoding=table.encoding,
        header_row=mapping.header_row,
        counted_rows=table.count_rows_below(mapping.header_row) - intake.continued_lines,
        continued_lines=intake.continued_lines,
        accepted_rows=intake.accepted,
        rejected_rows=len(intake.rejects),
    )


def _refuse_table(feed: Feed, delivery: Delivery, table: RawTable, collected: Collected) -> None:
    """No header, or none that names the record number, where a feed needs one: all rows are refused at once."""
    counted = table.count_rows_below(0)
    collected.signal(delivery.source, feed, table.label, "no_header", "stop", count=counted)
    collected.reject(delivery.source, feed, table.label, BadRow(0, "no_header"))
    collected.account(delivery, feed, table.label, encoding=table.encoding, counted_rows=counted, rejected_rows=counted)


def _leave_table(feed: Feed | None, delivery: Delivery, table: RawTable, collected: Collected) -> None:
    """A table beside the ones that were read: its rows are counted as refused, and somebody should look."""
    counted = table.count_rows_below(0)
    value = table.label.rsplit("#", 1)[-1]
    collected.signal(delivery.source, feed, table.label, "unread_table", "warn", value, count=counted)
    collected.reject(delivery.source, None, table.label, BadRow(0, "no_header"))
    collected.account(delivery, None, table.label, encoding=table.encoding, counted_rows=counted, rejected_rows=counted)
