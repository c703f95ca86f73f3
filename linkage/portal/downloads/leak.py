"""A file that turned up somewhere, read for what it tells: marks anywhere in it, and rows by which it can be put beside a release."""

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineWorkbook

from linkage.kernel.contracts import contract
from linkage.kernel.engine import quote_name, quote_text
from linkage.kernel.errors import UnreadableInput
from linkage.kernel.run import State
from linkage.portal.downloads.marks import MARK, MARK_COLUMN, MARK_TITLE, Copy, key_columns, table_of
from linkage.release.shown import safe_sql

TABLES = ("persons", "households", "notices")
MAXIMUM_ROWS = 50_000
CSV_ENCODINGS = ("utf-8-sig", "gb18030")
LEAST_SHARE_MATCHED = 0.5


@dataclass
class Leak:
    """``marks`` as often as they occur; ``columns`` of text by the names they have in contracts, of at most MAXIMUM_ROWS rows."""

    marks: list[str]
    columns: Mapping[str, Sequence[str | None]]
    _keys: dict[tuple[str, str], list[tuple[str, ...]]] = field(default_factory=dict)

    def keys_for(self, state: State, copy: Copy) -> list[tuple[str, ...]]:
        """The keys of the rows, in the file's order, if they can be rows of this copy; none otherwise.

        Where the file still has the key's columns they are read from it. Else the rows are looked for in the slice by all that the file has.
        """
        table = table_of(copy.stem)
        if table not in TABLES or not self.columns:
            return []
        names = key_columns(table, contract(table).column_names)
        if set(names) <= set(self.columns):
            where = ("", table)
            if where not in self._keys:
                rows = zip(*(self.columns[name] for name in names), strict=True)
                self._keys[where] = [tuple(str(value) for value in row) for row in rows if all(row)]
            return self._keys[where]
        where = (copy.release, copy.stem)
        if where not in self._keys:
            self._keys[where] = self._found_in(state.releases / copy.release / f"{copy.stem}.parquet", table, names)
        return self._keys[where]

    def _found_in(self, path: Path, table: str, names: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Keys of the slice's rows that alone have what a row of the file has, in the file's order; none when most rows are not found."""
        if not path.is_file():
            return []
        delivered = pq.read_schema(path).names
        common = [name for name in self.columns if name in delivered and name not in names]
        if not common or not set(names) <= set(delivered):
            return []
        rows = pa.table({name: pa.array(self.columns[name], pa.string()) for name in common})
        con = duckdb.connect()
        con.register("leaked", rows)
        same = " AND ".join(f"coalesce(s.{quote_name(n)}, '') = coalesce(l.{quote_name(n)}, '')" for n in common)
        key = ", ".join(f"any_value(s.{quote_name(n)})" for n in names)
        shown = ", ".join(f"{safe_sql(n)} AS {quote_name(n)}" for n in (*names, *common))
        found = con.execute(
            f"WITH l AS (SELECT *, row_number() OVER () AS place FROM leaked), s AS (SELECT {shown} FROM read_parquet({quote_text(path)})) "
            f"SELECT {key} FROM l JOIN s ON {same} GROUP BY place HAVING count(*) = 1 ORDER BY place"
        ).fetchall()
        con.close()
        enough = len(found) >= LEAST_SHARE_MATCHED * rows.num_rows
        return [tuple(str(value) for value in row) for row in found] if enough else []


def read_leak(path: Path) -> Leak:
    """Read a CSV, XLSX or Parquet file; any other text is searched for marks alone. Raises UnreadableInput when it is none of them."""
    content = path.read_bytes()
    if content.startswith(b"PAR1"):
        return _from_parquet(path)
    if content.startswith(b"PK\x03\x04"):
        return _from_xlsx(content)
    for encoding in CSV_ENCODINGS:
        try:
            return _from_csv(content.decode(encoding))
        except UnicodeDecodeError:
            continue
    raise UnreadableInput(
        f"{path} is neither text nor XLSX nor Parquet.", remedy="Save it as one of these, or search for its mark."
    )


def _from_csv(text: str) -> Leak:
    rows = csv.reader(io.StringIO(text.replace("\x00", ""), newline=""))
    table = [row for row, _ in zip(rows, range(MAXIMUM_ROWS + 1), strict=False) if row]
    return Leak(MARK.findall(text), _by_name(table))


def _from_xlsx(content: bytes) -> Leak:
    table: list[list[str]] = []
    marks: list[str] = []
    for sheet in _sheets(content):
        marks += [mark for row in sheet for cell in row for mark in MARK.findall(cell)]
        table = table or sheet[: MAXIMUM_ROWS + 1]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.startswith("docProps/"):
                marks += MARK.findall(archive.read(name).decode("utf-8", errors="replace"))
    return Leak(marks, _by_name(table))


def _sheets(content: bytes) -> list[list[list[str]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [
        [[str(cell) for cell in row] for row in book.get_sheet_by_index(i).to_python()]
        for i in range(len(book.sheet_names))
    ]


def _from_parquet(path: Path) -> Leak:
    metadata = pq.read_schema(path).metadata or {}
    marks = [mark for value in metadata.values() for mark in MARK.findall(value.decode("utf-8", errors="replace"))]
    con = duckdb.connect()
    cursor = con.execute(
        f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet({quote_text(path)}) LIMIT {MAXIMUM_ROWS}"
    )
    names = [column[0] for column in cursor.description or ()]
    table = cursor.fetchall()
    con.close()
    marks += [mark for row in table for cell in row if cell for mark in MARK.findall(cell)]
    return Leak(marks, _by_name([names, *table]))


def _by_name(table: Sequence[Sequence[str | None]]) -> dict[str, list[str | None]]:
    """The columns by their names in the contract that fits the header best; what no contract names is left out."""
    if not table:
        return {}
    header = [re.sub(r"\s", "", str(cell)) for cell in table[0]]
    best: dict[int, str] = {}
    for name in TABLES:
        names = {f.zh: f.name for f in contract(name).fields} | {f.name: f.name for f in contract(name).fields}
        fits = {
            i: names[cell] for i, cell in enumerate(header) if cell in names and cell not in (MARK_COLUMN, MARK_TITLE)
        }
        best = fits if len(fits) > len(best) else best
    return {name: [row[i] or None if i < len(row) else None for row in table[1:]] for i, name in best.items()}
