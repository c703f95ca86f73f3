"""The engine that runs SQL: one DuckDB connection with limits, and SQL kept in ``.sql`` files.

A stage hands over a ``.sql`` file named after the table it makes, and the tables it reads; nothing is
formatted into SQL except declared column names and file paths of this run.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from linkage.kernel.contracts import OPEN_STRUCT, contract
from linkage.kernel.errors import LinkageError

ROW_GROUP_ROWS = 20_480
"""Rows are in key order, so who looks for a few keys reads a few row groups: three times quicker than with DuckDB's 122,880, for 2 % more space."""


class Engine:
    """An in-process DuckDB. ``memory_limit`` like '4GB'; spills, which hold residents' data, go to ``temp_dir``, or to a folder of its own
    (mode 0700) that is removed with it: never into the working directory, which is DuckDB's habit."""

    def __init__(self, *, threads: int = 2, memory_limit: str = "4GB", temp_dir: Path | None = None) -> None:
        self._own_folder = TemporaryDirectory(prefix="gridroll-") if temp_dir is None else None
        spills = temp_dir if self._own_folder is None else self._own_folder.name
        config: dict[str, Any] = {"threads": threads, "memory_limit": memory_limit, "temp_directory": str(spills)}
        self.con = duckdb.connect(":memory:", config=config)
        self.con.execute("SET preserve_insertion_order = false")
        self.con.execute("SET TimeZone = 'UTC'")
        self.con.execute("SET enable_progress_bar = false")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and remove a folder of its own. One that is never closed loses it with the process."""
        self.con.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    def read(self, view: str, path: Path) -> None:
        """Make the Parquet file ``path`` readable as ``view``."""
        self.con.execute(
            f"CREATE OR REPLACE TEMP VIEW {quote_name(view)} AS SELECT * FROM read_parquet({quote_text(path)})"
        )

    def read_or_empty(self, view: str, table: str, folder: Path | None) -> None:
        """Make the contract table ``table`` in ``folder`` (an earlier release or run) readable as ``view``, with the columns of
        today's contract at least.

        Without a folder, or where it was written before the table (or a column) existed, it is empty.
        """
        select = no_rows_sql(table)
        if folder is not None and (path := folder / f"{table}.parquet").exists():
            select += f" UNION ALL BY NAME SELECT * FROM read_parquet({quote_text(path)})"
        self.con.execute(f"CREATE OR REPLACE TEMP VIEW {quote_name(view)} AS {select}")

    def load(self, table: str, path: Path) -> None:
        """Copy the Parquet file ``path`` into memory as ``table`` (for tables read many times)."""
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {quote_name(table)} AS SELECT * FROM read_parquet({quote_text(path)})"
        )

    def run_sql(self, package: str, name: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run the file ``<package>/sql/<name>.sql`` (it may hold several statements; values are bound by $name)."""
        for statement in self.con.extract_statements(read_sql(package, name)):
            bound = {key: value for key, value in (parameters or {}).items() if key in statement.named_parameters}
            self.con.execute(statement, bound or None)

    def write_table(self, table: str, path: Path, *, source: str | None = None) -> int:
        """Write ``source`` (a relation, by default named like the table) as the contract ``table`` says.

        Columns are cast to the contract's types and rows are put in key order, so the same rows always
        give the same bytes. Returns the number of rows. Raises LinkageError when a column is missing,
        superfluous, or null against the contract.
        """
        source = source or table
        spec = contract(table)
        have = {row[0] for row in self.con.execute(f"DESCRIBE {quote_name(source)}").fetchall()}
        want = set(spec.column_names)
        if have != want:
            raise LinkageError(
                f"Table {table!r} does not follow its contract: missing {sorted(want - have)}, not declared {sorted(have - want)}.",
                remedy=f"Change the stage that writes it, or linkage/kernel/contracts/{table}.yaml.",
            )
        columns = ", ".join(
            quote_name(f.name)
            if f.type == OPEN_STRUCT
            else f"CAST({quote_name(f.name)} AS {f.type}) AS {quote_name(f.name)}"
            for f in spec.fields
        )
        order = ", ".join(quote_name(k) for k in spec.key)
        select = f"SELECT {columns} FROM {quote_name(source)}" + (f" ORDER BY {order}" if order else "")
        self.write_query(select, path)
        required = [f.name for f in spec.fields if not f.nullable]
        if required:
            tests = ", ".join(f"count(*) FILTER ({quote_name(n)} IS NULL)" for n in required)
            (counts,) = self.con.execute(f"SELECT {tests} FROM read_parquet({quote_text(path)})").fetchall()
            empty = {n: c for n, c in zip(required, counts, strict=True) if c}
            if empty:
                raise LinkageError(
                    f"Table {table!r} has empty values in required fields: {empty}.",
                    remedy="This is a fault in the stage that writes the table; report it with the run's id.",
                )
        return int(self.scalar(f"SELECT count(*) FROM read_parquet({quote_text(path)})"))

    def write_query(self, select: str, path: Path) -> None:
        """Write the result of ``select`` to the Parquet file ``path``, complete or not at all."""
        copy = (
            f"COPY ({select}) TO {quote_text(path)} (FORMAT parquet, COMPRESSION zstd, "
            f"ROW_GROUP_SIZE {ROW_GROUP_ROWS}, USE_TMP_FILE true)"
        )
        self.con.execute("SET preserve_insertion_order = true")
        try:
            self.con.execute(copy)
        except duckdb.OutOfMemoryException:
            # Every thread needs memory of its own, which DuckDB cannot spill: what is too much for several may do for one.
            threads = self.scalar("SELECT current_setting('threads')")
            self.con.execute("SET threads = 1")
            try:
                self.con.execute(copy)
            finally:
                self.con.execute(f"SET threads = {threads}")
        finally:
            self.con.execute("SET preserve_insertion_order = false")

    def scalar(self, query: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """First column of the first row of ``query``; reads all rows, because DuckDB 2 refuses further work behind an unfinished result."""
        rows = self.con.execute(query, dict(parameters) if parameters else None).fetchall()
        return rows[0][0] if rows else None

    def arrow(self, query: str) -> pa.Table:
        """The result of ``query`` as an Arrow table."""
        return self.con.sql(query).to_arrow_table()

    def load_arrow(self, name: str, table: pa.Table) -> None:
        """Copy an Arrow table into the engine as the temp table ``name``."""
        self.con.register("incoming_arrow", table)
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {quote_name(name)} AS SELECT * FROM incoming_arrow")
        self.con.unregister("incoming_arrow")

    def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """All rows of ``query`` as dictionaries: for summaries, never for whole tables."""
        cursor = self.con.execute(query, dict(parameters) if parameters else None)
        names = [d[0] for d in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def no_rows_sql(table: str) -> str:
    """SQL of the columns of the contract ``table``, without a row."""
    columns = ", ".join(f"CAST(NULL AS {f.type}) AS {quote_name(f.name)}" for f in contract(table).fields)
    return f"SELECT {columns} WHERE false"


def read_sql(package: str, name: str) -> str:
    """Text of ``<package>/sql/<name>.sql``."""
    return (files(package) / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def quote_name(name: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(value: object) -> str:
    """An SQL string literal, quoted (for paths; values are bound)."""
    return "'" + str(value).replace("'", "''") + "'"
