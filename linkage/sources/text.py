"""CSV and other delimited text: encoding decided by content, junk bytes and broken quotes survived.

A row is a line, together with the following lines while a quoted cell is open (at most MAX_LINES_IN_QUOTES). Lines are
taken together only where that gives a row of the usual width and they are not rows by themselves; otherwise the quote
was a stray one and spoils its own line only. Blank lines are not rows.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from linkage.kernel.masking import mask_shape
from linkage.kernel.reference import reference_rows
from linkage.sources.table import BadRow, DelimitedText, RawTable, Row, RowCounter

MAX_LINES_IN_QUOTES = 10
HEADER_SEARCH_ROWS = 30
HEAD_LINES = 400
DECODED_AT_ONCE = 1 << 16
TELLING_LINES = 1000  # as many undecodable lines tell that it is another encoding
DELIMITERS = (",", "\t", ";", "|")
BLANK = " \t\r\x0b\x0c\ufeff"
PRIVATE_USE = re.compile("[\ue000-\uf8ff]")


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
    for most in (TELLING_LINES, len(data) + 1):
        bad = {encoding: count_undecodable(data, encoding, most) for encoding in ("utf-8-sig", "gb18030")}
        encoding = min(bad, key=lambda name: (bad[name], name != "utf-8-sig"))
        if bad[encoding] < most:
            break
    return _settle(data.decode(encoding, errors="replace"), encoding), _name(data, encoding), bad[encoding]


def _name(data: bytes, encoding: str) -> str:
    return encoding if encoding != "utf-8-sig" or data.startswith(b"\xef\xbb\xbf") else "utf-8"


def count_undecodable(data: bytes, encoding: str, most: int) -> int:
    """Lines that are no text in ``encoding``; stops counting at ``most``. No character of either encoding holds a line end."""
    end, start, bad = line_end(data), 0, 0
    while start < len(data) and bad < most:
        cut = data.find(end, start + DECODED_AT_ONCE) + 1 or len(data)
        try:
            data[start:cut].decode(encoding.removesuffix("-sig"))  # its positions would not count the mark
        except UnicodeDecodeError as error:
            bad += 1
            cut = data.find(end, start + error.start) + 1 or len(data)
        start = cut
    return bad


def _settle(text: str, encoding: str) -> str:
    """Python's gb18030 leaves 25 known characters in the private-use area; put them where Unicode has them now."""
    return resolve_private_use(text) if encoding == "gb18030" and PRIVATE_USE.search(text) else text


def resolve_private_use(text: str) -> str:
    """Replace private-use characters that GBK fonts agree about (GB 18030-2005 and later)."""
    known = {chr(int(row["pua"][2:], 16)): row["char"] for row in reference_rows("gbk_pua_to_unicode")}
    return PRIVATE_USE.sub(lambda match: known.get(match[0], match[0]), text)


def read_text(data: bytes, label: str) -> RawTable:
    """Delimited text as a table."""
    data, recoded = _without_utf16(data)
    text, encoding, undecodable = decode(data)
    end = line_end(data)
    lines = text.split(end.decode())
    delimiter = _delimiter(lines)
    width = _usual_width(lines[:HEAD_LINES], delimiter)
    head = parse_records(DelimitedText(lines[:HEAD_LINES], delimiter, width))
    first = [row for row in head if isinstance(row, Row)][:HEADER_SEARCH_ROWS]
    whole = DelimitedText(lines, delimiter, width)
    return RawTable(label, recoded or encoding, first, parse_records(whole), LineCounter(data, end), undecodable, whole)


def _without_utf16(data: bytes) -> tuple[bytes, str]:
    """What Excel calls Unicode text, as UTF-8, and the name of its encoding; other data as they are."""
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data, ""
    return data.decode("utf-16", errors="replace").encode(), "utf-16"


def line_end(data: bytes) -> bytes:
    """How lines end: in a carriage return where an old system writes nothing else, otherwise in a line feed."""
    returns, feeds = data.count(b"\r"), data.count(b"\n")
    if returns <= feeds:  # no need to count the pairs, which takes ten times as long
        return b"\n"
    return b"\r" if returns - data.count(b"\r\n") > feeds else b"\n"


def _delimiter(lines: list[str]) -> str:
    head = "\n".join(lines[:5])
    return max(DELIMITERS, key=lambda d: (head.count(d), -DELIMITERS.index(d)))


def _usual_width(lines: Sequence[str], delimiter: str) -> int:
    """The number of cells that most of ``lines`` have."""
    cell = cell_pattern(delimiter)
    rows = (split_cells(line.removesuffix("\r"), cell) for line in lines if line.strip(BLANK))
    widths = Counter(len(cells) for cells in rows if cells)
    return max(widths, key=lambda width: (widths[width], width), default=0)


def parse_records(text: DelimitedText, positions: Iterable[int] | None = None) -> Iterator[Row | BadRow]:
    """Each row of ``text``; rows are numbered by their first line, from 1.

    What several lines give together has the usual number of cells, or is no row. ``positions`` are the lines to look at,
    in order; left out, all. A line without quotes means the same whatever stands around it, unless an open quote above
    has taken it (``continued_lines``).
    """
    lines, delimiter, cell = text.lines, text.delimiter, cell_pattern(text.delimiter)
    free = 0
    for position in range(len(lines)) if positions is None else positions:
        line = lines[position].removesuffix("\r")
        if position < free or not line.strip(BLANK):
            continue
        if '"' not in line:
            yield Row(position + 1, [text or None for text in line.split(delimiter)])
        elif cells := split_cells(line, cell):
            yield Row(position + 1, cells)
        elif row := _row_over_lines(text, position, cell):
            yield row[0]
            free = row[1]
        else:
            yield BadRow(position + 1, "unclosed_quote", None, mask_shape(line[:60]))


def continued_lines(text: DelimitedText, quoted: Iterable[int]) -> set[int]:
    """Positions of the lines that continue a row above; ``quoted`` are those of all lines with a quote, in order."""
    cell = cell_pattern(text.delimiter)
    taken: set[int] = set()
    free = 0
    for position in quoted:
        if position < free or split_cells(text.lines[position].removesuffix("\r"), cell):
            continue
        if row := _row_over_lines(text, position, cell):
            taken.update(range(position + 1, row[1]))
            free = row[1]
    return taken


def cell_pattern(delimiter: str) -> re.Pattern[str]:
    """One cell and what ends it: quoted, with what may wrongly follow the quote, or plain (a quote inside is a sign
    like any other)."""
    d = re.escape(delimiter)
    return re.compile(f'(?:"([^"]*(?:""[^"]*)*)"([^{d}]*)|([^"{d}][^{d}]*|))({d}|\\Z)')


def split_cells(text: str, cell: re.Pattern[str], *, strict: bool = False) -> list[str | None] | None:
    """The cells of ``text``; None when a quote is opened and not closed, or, if ``strict``, closed within a cell."""
    cells: list[str | None] = []
    position = 0
    while match := cell.match(text, position):
        quoted, behind, plain, end = match.groups()
        if strict and behind:
            return None
        cells.append((plain if quoted is None else quoted.replace('""', '"') + behind) or None)
        if not end:
            return cells
        position = match.end()
    return None


def _row_over_lines(text: DelimitedText, start: int, cell: re.Pattern[str]) -> tuple[Row, int] | None:
    """A row whose quoted cells hold line breaks, and where the next begins; None when the lines do not belong together."""
    lines, width = text.lines, text.width
    for end in range(start + 2, min(start + MAX_LINES_IN_QUOTES, len(lines)) + 1):
        cells = split_cells("\n".join(lines[start:end]).removesuffix("\r"), cell, strict=True)
        if cells:
            rows_by_themselves = all(line.count(text.delimiter) == width - 1 for line in lines[start:end])
            if len(cells) != width or rows_by_themselves:
                return None
            more = sum(bool(line.strip(BLANK)) for line in lines[start + 1 : end])
            return Row(start + 1, cells, more_lines=more), end
    return None


class LineCounter(RowCounter):
    """Counts lines that are not blank over the raw bytes: nothing is decoded, and quotes mean nothing to it.

    Lines that continue the row above inside quotes are counted too; the reader names them (``Row.more_lines``).
    """

    def __init__(self, data: bytes, end: bytes) -> None:
        self._data, self._end = data, end

    def __call__(self, header_row: int) -> int:
        lines = self._data.split(self._end)[header_row:]
        return sum(bool(line.strip(b" \t\r\x0b\x0c\xef\xbb\xbf")) for line in lines)
