"""CSV and other delimited text: encoding decided by content, junk bytes and broken quotes survived.

A physical row is a line, together with the following lines while a quote is open (at most MAX_LINES_IN_QUOTES: a
quote that is never closed spoils its own line only). Blank lines are not rows.
"""

import csv
import io
import re
from collections.abc import Iterator

from linkage.kernel.masking import mask_shape
from linkage.kernel.reference import reference_rows
from linkage.sources.table import BadRow, RawTable, Row, RowCounter

MAX_LINES_IN_QUOTES = 10
HEADER_SEARCH_ROWS = 30
DELIMITERS = (",", "\t", ";", "|")
PRIVATE_USE = re.compile("[\ue000-\uf8ff]")
UNREADABLE = re.compile("[\x00\ufffd]")


def decode(data: bytes) -> tuple[str, str, int]:
    """Text, encoding and number of undecodable lines.

    UTF-8 and GB18030 are tried strictly; if junk bytes spoil both, the one with fewer undecodable lines wins, and
    bytes it cannot read become U+FFFD, so that their rows can be refused one by one.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return _settle(data.decode(encoding), encoding), _name(data, encoding), 0
        except UnicodeDecodeError:
            continue
    lines = data.split(b"\n")
    bad = {encoding: sum(not _decodes(line, encoding) for line in lines) for encoding in ("utf-8-sig", "gb18030")}
    encoding = min(bad, key=lambda name: (bad[name], name != "utf-8-sig"))
    return _settle(data.decode(encoding, errors="replace"), encoding), _name(data, encoding), bad[encoding]


def _name(data: bytes, encoding: str) -> str:
    return encoding if encoding != "utf-8-sig" or data.startswith(b"\xef\xbb\xbf") else "utf-8"


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _settle(text: str, encoding: str) -> str:
    """Python's gb18030 leaves 25 known characters in the private-use area; put them where Unicode has them now."""
    return resolve_private_use(text) if encoding == "gb18030" and PRIVATE_USE.search(text) else text


def resolve_private_use(text: str) -> str:
    """Replace private-use characters that GBK fonts agree about (GB 18030-2005 and later)."""
    known = {chr(int(row["pua"][2:], 16)): row["char"] for row in reference_rows("gbk_pua_to_unicode")}
    return PRIVATE_USE.sub(lambda match: known.get(match[0], match[0]), text)


def read_text(data: bytes, label: str) -> RawTable:
    """Delimited text as a table."""
    text, encoding, undecodable = decode(data)
    lines = text.split("\n")
    delimiter = _delimiter(lines)
    first = [row for row in parse_records(lines[:400], delimiter) if isinstance(row, Row)][:HEADER_SEARCH_ROWS]
    table = RawTable(label, encoding, first, iter(()), TextCounter(data), undecodable_rows=undecodable)
    table.rows = _rows(lines, delimiter, table)
    return table


def _delimiter(lines: list[str]) -> str:
    head = "\n".join(lines[:5])
    return max(DELIMITERS, key=lambda d: (head.count(d), -DELIMITERS.index(d)))


def _rows(lines: list[str], delimiter: str, table: RawTable) -> Iterator[Row]:
    for row in parse_records(lines, delimiter):
        if isinstance(row, Row):
            yield row
        else:
            table.bad_rows.append(row)


def parse_records(lines: list[str], delimiter: str) -> Iterator[Row | BadRow]:
    """Each physical row of ``lines`` (without their line feeds); rows are numbered by their first line, from 1."""
    position, total = 0, len(lines)
    while position < total:
        line = lines[position].removesuffix("\r")
        if not line.strip():
            position += 1
        elif '"' not in line:
            yield Row(position + 1, [cell or None for cell in line.split(delimiter)])
            position += 1
        else:
            end = _last_line_of_quote(lines, position)
            if end is None:
                yield BadRow(position + 1, "unclosed_quote", None, mask_shape(line[:60]))
                position += 1
            else:
                yield _parse_quoted(position + 1, "\n".join(lines[position : end + 1]).removesuffix("\r"), delimiter)
                position = end + 1


def _last_line_of_quote(lines: list[str], start: int) -> int | None:
    """Position of the line that closes the quote opened in line ``start``; None if none of the next few does."""
    quotes = 0
    for position in range(start, min(start + MAX_LINES_IN_QUOTES, len(lines))):
        quotes += lines[position].count('"')
        if quotes % 2 == 0:
            return position
    return None


def _parse_quoted(number: int, record: str, delimiter: str) -> Row | BadRow:
    rows = list(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter))
    if len(rows) != 1:  # a quote in the middle of a cell does not quote its line feed
        return BadRow(number, "stray_quote", None, mask_shape(record[:60]))
    return Row(number, [cell or None for cell in rows[0]])


class TextCounter(RowCounter):
    """Counts rows over the raw bytes: only line feeds and quotes are looked at, nothing is decoded or parsed."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __call__(self, header_row: int) -> int:
        lines = self._data.split(b"\n")
        count, position, total = 0, 0, len(lines)
        while position < total:
            if not lines[position].strip(b" \t\r\x0b\x0c\xef\xbb\xbf"):
                position += 1
                continue
            if position + 1 > header_row:
                count += 1
            quotes, end = lines[position].count(b'"'), position
            while quotes % 2 and end + 1 < total and end - position + 1 < MAX_LINES_IN_QUOTES:
                end += 1
                quotes += lines[end].count(b'"')
            position = end + 1 if quotes % 2 == 0 else position + 1
        return count
