"""Lines of delimited text that are rows by themselves, split all at once.

Nearly every line of an export is one row: no quotes, as many cells as the header, a first cell that begins like data. Such
lines are split column by column in Arrow. All others (quoted cells, broken rows, junk bytes, notes) are read one by one
by ``text.parse_records``, which needs no line of the first kind to understand them.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linkage.sources.table import BadRow, DelimitedText, Row
from linkage.sources.text import continued_lines, parse_records

BLOCK_LINES = 100_000
BEGINS_LIKE_DATA = r"^[0-9A-Za-z\p{Han}]"
SPOILED = ("\ufffd", "\x00", '"')


@dataclass(frozen=True)
class Block:
    """Rows of equal width: physical row numbers (n), and one text array (n) per column, null where a cell is empty."""

    row_numbers: npt.NDArray[np.int64]
    columns: list[pa.Array]


def split_plain(
    text: DelimitedText, width: int, header_row: int, names: Collection[str], first_signs: Collection[str]
) -> tuple[Iterator[Block], Iterator[Row | BadRow]]:
    """Plain rows below ``header_row`` in blocks, and every other row of the text one by one.

    A row of ``width`` cells is plain unless its first cell begins with one of ``first_signs`` or is one of ``names``.
    """
    lines = text.lines
    quoted = [position for position, line in enumerate(lines) if '"' in line]
    taken = continued_lines(text, quoted)
    plain = np.zeros(len(lines), dtype=bool)
    for start in range(0, len(lines), BLOCK_LINES):
        block = _arrow_texts(lines[start : start + BLOCK_LINES])
        plain[start : start + BLOCK_LINES] = _are_plain(block, text.delimiter, width, names, first_signs)
    plain[:header_row] = False
    plain[list(taken)] = False
    others = (position for position in np.flatnonzero(~plain).tolist() if position not in taken)
    return _blocks(text, np.flatnonzero(plain), width), parse_records(text, others)


def _arrow_texts(lines: list[str]) -> pa.Array:
    texts = pa.array(lines, pa.string())
    return pc.if_else(pc.ends_with(texts, "\r"), pc.utf8_slice_codeunits(texts, 0, -1), texts)


def _are_plain(
    texts: pa.Array, delimiter: str, width: int, names: Collection[str], first_signs: Collection[str]
) -> npt.NDArray[np.bool_]:
    first = pc.list_element(pc.split_pattern(texts, delimiter, max_splits=1), 0)
    tests = [
        pc.equal(pc.count_substring(texts, delimiter), width - 1),
        pc.match_substring_regex(first, BEGINS_LIKE_DATA),
        pc.invert(pc.is_in(pc.utf8_slice_codeunits(first, 0, 1), pa.array(sorted(first_signs), pa.string()))),
        pc.invert(pc.is_in(first, pa.array(sorted(names), pa.string()))),
        *(pc.invert(pc.match_substring(texts, sign)) for sign in SPOILED),
    ]
    found = np.ones(len(texts), dtype=bool)
    for test in tests:
        found &= test.to_numpy(zero_copy_only=False)
    return found


def _blocks(text: DelimitedText, positions: npt.NDArray[np.int64], width: int) -> Iterator[Block]:
    for start in range(0, len(positions), BLOCK_LINES):
        chosen = positions[start : start + BLOCK_LINES]
        texts = _arrow_texts([text.lines[position] for position in chosen.tolist()])
        cells = pc.list_flatten(pc.split_pattern(texts, text.delimiter))
        cells = pc.if_else(pc.equal(cells, ""), None, cells)
        yield Block(chosen + 1, [cells.take(pa.array(np.arange(i, len(cells), width))) for i in range(width)])
