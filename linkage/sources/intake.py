"""One table of one file into the engine: rows of the right shape become ``incoming`` rows, the others rejects."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa

from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.kernel.masking import mask_shape
from linkage.kernel.source_config import Feed, raw_field_names
from linkage.sources.header import Mapping
from linkage.sources.plain_lines import Block, split_plain
from linkage.sources.table import BadRow, RawTable, Row

CHUNK_ROWS = 100_000
SPREADSHEETS = ("xlsx", "xls", "html")
TOTALS = ("合计", "总计", "小计")
NOTE_WORDS = (*TOTALS, "说明", "制表", "备注", "注：", "注:", "审核", "填表")
FIRST_SIGNS = frozenset(word[0] for word in NOTE_WORDS)  # tells nearly every data row apart at once


@dataclass
class Intake:
    """What became of the rows of one table; counts are physical rows."""

    accepted: int = 0
    rejects: list[BadRow] = field(default_factory=list)
    joined: int = 0
    continued_lines: int = 0
    """Lines that continue the row above inside quotes; together with the rows they are all lines there are."""


def make_incoming(engine: Engine) -> None:
    """The empty relation ``incoming``: raw fields as text, lineage, and which cells were numbers.

    It is a view over parts, one for each block of rows: a part is made at once, and appending to one growing table took
    ten times as long (DuckDB 2.0.0).
    """
    fields = ", ".join(f"{quote_name(name)} VARCHAR" for name in raw_field_names())
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE incoming_0 (source VARCHAR, feed VARCHAR, landed_night DATE, file VARCHAR, "
        f"row_number BIGINT, numeric_cells VARCHAR[], extra MAP(VARCHAR, VARCHAR), {fields})"
    )
    engine.con.execute("CREATE OR REPLACE TEMP VIEW incoming AS SELECT * FROM incoming_0")


def drop_incoming(engine: Engine) -> None:
    """Remove ``incoming`` and its parts."""
    engine.con.execute("DROP VIEW incoming")
    for part in _parts(engine):
        engine.con.execute(f"DROP TABLE {part}")


def _parts(engine: Engine) -> list[str]:
    found = engine.con.execute(
        "SELECT table_name FROM duckdb_tables() WHERE regexp_full_match(table_name, 'incoming_[0-9]+')"
    )
    return sorted((name for (name,) in found.fetchall()), key=lambda name: int(name.rpartition("_")[2]))


def _append(engine: Engine, select: str) -> None:
    parts = [*_parts(engine), f"incoming_{len(_parts(engine))}"]
    engine.con.execute(f"CREATE TEMP TABLE {parts[-1]} AS {select}")
    whole = " UNION ALL BY NAME ".join(f"SELECT * FROM {part}" for part in parts)
    engine.con.execute(f"CREATE OR REPLACE TEMP VIEW incoming AS {whole}")


def take_in(engine: Engine, source: str, feed: Feed, table: RawTable, mapping: Mapping, night: date) -> Intake:
    """Read all rows below the header into ``incoming``; ``night`` is the one on which the file landed."""
    intake = Intake()
    rows = table.rows
    if table.text is not None:
        blocks, rows = split_plain(table.text, mapping.width, mapping.header_row, mapping.names, FIRST_SIGNS)
        for block in blocks:
            _load(engine, source, feed, table.label, mapping, night, block, None, intake)
    spreadsheet = table.encoding.startswith(SPREADSHEETS)
    chunk: list[Row] = []
    short: Row | None = None
    for row in rows:
        if isinstance(row, BadRow):
            intake.rejects.extend([row] if row.row_number > mapping.header_row else [])
            continue
        if row.row_number >= mapping.header_row:
            intake.continued_lines += row.more_lines
        if row.row_number <= mapping.header_row:
            continue
        if len(row.cells) != mapping.width:
            if not spreadsheet:
                short = _try_to_join(short, row, mapping, chunk, intake)
                continue
            row = Row(row.row_number, (row.cells + [None] * mapping.width)[: mapping.width], row.numeric)
        first = row.cells[0]
        if (not first or first.lstrip()[:1] in FIRST_SIGNS or first in mapping.names) and (
            rule := _no_record(row, mapping)
        ):
            intake.rejects.append(BadRow(row.row_number, rule))
        else:
            chunk.append(row)
        if len(chunk) >= CHUNK_ROWS:
            _load_rows(engine, source, feed, table.label, mapping, night, chunk, intake)
            chunk = []
    _load_rows(engine, source, feed, table.label, mapping, night, chunk, intake)
    return intake


def _try_to_join(short: Row | None, row: Row, mapping: Mapping, chunk: list[Row], intake: Intake) -> Row | None:
    """Join a row cut in two by a line break, if both halves together have exactly the cells of the header.

    The first half's reject is withdrawn and the second half's says what happened. Returns the row that the next
    one may continue.
    """
    width = mapping.width
    if short is not None and row.row_number == short.row_number + 1 and len(short.cells) + len(row.cells) - 1 == width:
        middle = (short.cells[-1] or "") + (row.cells[0] or "")
        chunk.append(Row(short.row_number, [*short.cells[:-1], middle or None, *row.cells[1:]]))
        intake.rejects = [bad for bad in intake.rejects if bad.row_number != short.row_number]
        intake.rejects.append(BadRow(row.row_number, "joined_to_previous"))
        intake.joined += 1
        return None
    if rule := _no_record(row, mapping):
        intake.rejects.append(BadRow(row.row_number, rule))
        return None
    intake.rejects.append(BadRow(row.row_number, "cell_count", None, f"{len(row.cells)}/{width}"))
    return row if len(row.cells) < width else None


def _no_record(row: Row, mapping: Mapping) -> str | None:
    """The rule that refuses a row which is not data: the header once more (a file glued together, a page break), or a
    total or remark, whose first cell says so and nearly all other cells are empty."""
    filled = ["".join(cell.split()) for cell in row.cells if cell and not cell.isspace()]
    if not filled:
        return None
    repeated = sum(cell == name for cell, name in zip(row.cells, mapping.names, strict=False) if name)
    if repeated >= min(3, len(mapping.positions)):
        return "repeated_header"
    few = len(filled) <= max(3, mapping.width // 4)
    return "note_row" if filled[0] in TOTALS or (few and filled[0].startswith(NOTE_WORDS)) else None


def _load_rows(
    engine: Engine, source: str, feed: Feed, label: str, mapping: Mapping, night: date, rows: list[Row], intake: Intake
) -> None:
    if rows:
        columns = [pa.array(column, pa.string()) for column in zip(*(row.cells for row in rows), strict=True)]
        block = Block(np.array([row.row_number for row in rows], dtype=np.int64), columns)
        _load(engine, source, feed, label, mapping, night, block, _numeric_cells(rows, mapping), intake)


def _load(
    engine: Engine,
    source: str,
    feed: Feed,
    label: str,
    mapping: Mapping,
    night: date,
    block: Block,
    numeric_cells: list[list[str] | None] | None,
    intake: Intake,
) -> None:
    """Rows into ``incoming``, but for those that nobody can use."""
    count = len(block.row_numbers)
    data = {
        "row_number": pa.array(block.row_numbers),
        "numeric_cells": pa.array(numeric_cells or [None] * count, pa.list_(pa.string())),
    }
    data |= {name: block.columns[position] for name, position in mapping.positions.items()}
    kept = {f"extra {i}": (name, block.columns[position]) for i, (name, position) in enumerate(mapping.extra.items())}
    engine.load_arrow("chunk", pa.table(data | {alias: column for alias, (_, column) in kept.items()}))
    bad = _refuse_unusable(engine, mapping)
    intake.rejects.extend(bad)
    constants = {name: value for name, value in feed.constants.items() if name not in mapping.positions}
    fixed = {"source": source, "feed": feed.feed, "file": label} | constants
    values = {name: quote_name(name) for name in data} | {name: quote_text(value) for name, value in fixed.items()}
    values |= {
        "landed_night": f"DATE {quote_text(night)}",
        "extra": _extra_sql([(a, name) for a, (name, _) in kept.items()]),
    }
    columns = ", ".join(f"{value} AS {quote_name(name)}" for name, value in values.items())
    _append(engine, f"SELECT {columns} FROM chunk")
    intake.accepted += count - len(bad)


def _numeric_cells(rows: list[Row], mapping: Mapping) -> list[list[str] | None]:
    by_position = {position: name for name, position in mapping.positions.items()}
    return [[by_position[i] for i in row.numeric if i in by_position] or None if row.numeric else None for row in rows]


def _extra_sql(kept: list[tuple[str, str]]) -> str:
    """A map of the filled cells among the columns that are kept without a field; ``kept`` are (column of chunk, its name)."""
    if not kept:
        return "CAST(MAP {} AS MAP(VARCHAR, VARCHAR))"
    entries = ", ".join(f"{{'k': {quote_text(name)}, 'v': {quote_name(alias)}}}" for alias, name in kept)
    return f"map_from_entries(list_filter([{entries}], lambda e: e.v IS NOT NULL))"


def _refuse_unusable(engine: Engine, mapping: Mapping) -> list[BadRow]:
    """Take rows without a record number, or with bytes that are no text, out of ``chunk``."""
    fields = list(mapping.positions)
    everything = ", ".join(quote_name(name) for name in fields)
    unreadable = (
        f"(strpos(concat_ws(' ', {everything}), chr(65533)) > 0 OR strpos(concat_ws(' ', {everything}), chr(0)) > 0)"
    )
    found = engine.rows(
        f"SELECT row_number, nullif(trim(record_id), '') IS NULL AS no_id, {everything} FROM chunk "
        f"WHERE {unreadable} OR nullif(trim(record_id), '') IS NULL"
    )
    if not found:
        return []
    engine.con.execute(f"DELETE FROM chunk WHERE {unreadable} OR nullif(trim(record_id), '') IS NULL")
    bad: list[BadRow] = []
    for row in found:
        column = next((n for n in fields if row[n] and ("\x00" in row[n] or "\ufffd" in row[n])), None)
        if column is None:
            bad.append(BadRow(row["row_number"], "record_id_missing", mapping.positions["record_id"]))
        else:
            bad.append(
                BadRow(row["row_number"], "unreadable_bytes", mapping.positions[column], mask_shape(row[column]))
            )
    return bad
