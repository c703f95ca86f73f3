"""A DuckDB dialect that Great Expectations 1.24 can work with.

GX reads a cursor after it has closed the connection; DuckDB drops the result then (great_expectations issues 10738
and 11579), so results are fetched as soon as a statement has run. GX chooses its regex operator by the module it
finds in ``dialect``: PostgreSQL's ``~`` is what DuckDB has too. Whether ``~`` must match the whole value changed
between DuckDB versions (2.0 finds it anywhere), so suites anchor every regex at both ends (see suite.py).
"""

from typing import Any

from duckdb_sqlalchemy import Dialect, DuckDBExecutionContext
from sqlalchemy.dialects import postgresql, registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

NAME = "gridroll_duckdb"
URL = f"{NAME}:///:memory:"


class BufferingContext(DuckDBExecutionContext):
    """Fetches every result at once."""

    def post_exec(self) -> None:
        super().post_exec()  # type: ignore[no-untyped-call]
        if self.cursor.description is not None:
            rows = self.cursor.fetchall()
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, alternate_description=self.cursor.description, initial_buffer=rows
            )


class BufferingDialect(Dialect):
    """DuckDB with buffered results."""

    supports_statement_cache = False
    execution_ctx_cls = BufferingContext

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dialect = postgresql.dialect


def register() -> None:
    """Make the dialect known to SQLAlchemy."""
    registry.register(NAME, "linkage.quality.dialect", "BufferingDialect")
