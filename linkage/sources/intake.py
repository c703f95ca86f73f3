"""One table of one file into the engine: rows of the right shape become ``incoming`` rows, the others rejects."""

from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.masking import mask_shape
from linkage.kernel.source_config import Feed, raw_field_names
from linkage.sources.header import Mapping
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
    """The empty temp table ``incoming``: raw fields as text, lineage, and which cells were numbers."""
    fields = ", ".join(f"{quote_name(name)} VARCHAR" for name in raw_field_names())
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE incoming (source VARCHAR, feed VARCHAR, landed_night DATE, file VARCHAR, "
        f"row_number BIGINT, numeric_cells VARCHAR[], extra MAP(VARCHAR, VARCHAR), {fields})"
    )


def take_in(engine: Engine, source: str, feed: Feed, table: RawTable, mapping: Mapping, night: date) -> Intake:
    """Read all rows below the header into ``incoming``; ``night`` is the one on which the file landed."""
    intake = Intake()
    spreadsheet = table.encoding.startswith(SPREADSHEETS)
    chunk: list[Row] = []
    short: Row | None = None
    for row in table.rows:
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
            _load(engine, source, feed, table.label, mapping, night, chunk, intake)
            chunk = []
    _load(engine, source, feed, table.label, mapping, night, chunk, intake)
    intake.rejects.extend(bad for bad in table.bad_rows if bad.row_number > mapping.header_row)
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


def _load(
    engine: Engine, source: str, feed: Feed, label: str, mapping: Mapping, night: date, rows: list[Row], intake: Intake
) -> None:
    if not rows:
        return
    columns = list(zip(*(row.cells for row in rows), strict=True))
    count = len(rows)
    data: dict[str, pa.Array] = {
        "source": pa.array([source] * count, pa.string()),
        "feed": pa.array([feed.feed] * count, pa.string()),
        "landed_night": pa.array([night] * count, pa.date32()),
        "file": pa.array([label] * count, pa.string()),
        "row_number": pa.array([row.row_number for row in rows], pa.int64()),
        "numeric_cells": pa.array(_numeric_cells(rows, mapping), pa.list_(pa.string())),
        "extra": _extra(columns, mapping, count),
    }
    for name in raw_field_names():
        if name in mapping.positions:
            data[name] = pa.array(columns[mapping.positions[name]], pa.string())
        else:
            data[name] = pa.array([feed.constants.get(name)] * count, pa.string())
    engine.load_arrow("chunk", pa.table(data))
    bad = _refuse_unusable(engine, mapping)
    intake.rejects.extend(bad)
    names = ", ".join(quote_name(n) for n in data)
    engine.con.execute(f"INSERT INTO incoming ({names}) SELECT {names} FROM chunk")
    intake.accepted += count - len(bad)


def _numeric_cells(rows: list[Row], mapping: Mapping) -> list[list[str] | None]:
    by_position = {position: name for name, position in mapping.positions.items()}
    return [[by_position[i] for i in row.numeric if i in by_position] or None if row.numeric else None for row in rows]


def _extra(columns: list[tuple[str | None, ...]], mapping: Mapping, count: int) -> pa.Array:
    kept = list(mapping.extra.items())
    pairs = (
        [[(name, v) for name, i in kept if (v := columns[i][r]) is not None] for r in range(count)]
        if kept
        else [[]] * count
    )
    return pa.array(pairs, pa.map_(pa.string(), pa.string()))


def _refuse_unusable(engine: Engine, mapping: Mapping) -> list[BadRow]:
    """Take rows without a record number, or with bytes that are no text, out of ``chunk``."""
    fields = list(mapping.positions)
    everything = ", ".join(quote_name(name) for name in fields)
    unreadable = f"regexp_matches(concat_ws(' ', {everything}), '[\\x00\\x{{FFFD}}]')"
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
