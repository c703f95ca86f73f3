"""The current release, opened for look-ups: each request sticks to the release that it began with."""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from linkage.kernel.engine import no_rows_sql, quote_name, quote_text
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.portal.at_hand import TABLES as KEPT_TABLES
from linkage.portal.at_hand import AtHand
from linkage.release.manifest import read_manifest
from linkage.release.stage import LOOKUP

RELEASE_VIEWS = ("values", "statements", "review_cases", "judgement_status", "accounting", "former_records")
RUN_VIEWS = {"common_records": "gate_incoming/common_records.parquet", "scored_pairs": "match/scored_pairs.parquet"}
GIVEN_VALUES = """
CREATE VIEW given_values AS SELECT person_id, field, value, source, record_id, observed_on, won FROM "values" UNION ALL BY NAME FROM statements
"""
"""What a record gave: golden fields, status and households."""
KEPT_OPEN = 2
SPILL = "portal/spill"
"""What does not fit into memory is put here for a moment: residents' data, for the portal's user alone."""


@dataclass(frozen=True)
class Register:
    """One release: its folder, its manifest, a connection of this request's own, and the run behind it while it is kept."""

    release: Path
    manifest: dict[str, Any]
    con: duckdb.DuckDBPyConnection
    run: Path | None
    at_hand: AtHand | None = None
    made: set[str] = field(default_factory=set)
    """Tables that were made for this release in memory, so that nobody needs to ask the database."""

    def holding(self, table: str, keys: Collection[str]) -> str:
        """The relation to read the records ``keys`` of ``table`` from (one of those that ``at_hand`` keeps): the copy in memory, or all of it."""
        assert table in KEPT_TABLES
        kept = self.at_hand is not None and self.at_hand.holds(keys)
        return f"memory.main.{table}_at_hand" if kept else table

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """All rows of ``sql``: for what is no resident's data (counts, ids). Residents' data is read through a ``View``."""
        cursor = self.con.execute(sql, parameters or None)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@dataclass(frozen=True)
class _Opened:
    """What all requests on one release share."""

    con: duckdb.DuckDBPyConnection
    manifest: dict[str, Any]
    run: Path | None
    at_hand: AtHand | None
    made: set[str] = field(default_factory=set)


class Registers:
    """Releases opened read-only, the current one and the one before it; safe for threads."""

    def __init__(self, state: State, *, threads: int = 2, memory_limit: str = "2GB") -> None:
        self._state = state
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "threads": threads,
            "memory_limit": memory_limit,
            "temp_directory": str(state.root / SPILL),
        }
        self._lock = threading.Lock()
        self._open: dict[str, _Opened] = {}

    def current(self) -> Register:
        """The release that is current now. Raises ConfigurationError when nothing is published."""
        release = self._state.current_release()
        if release is None:
            raise ConfigurationError(
                "尚无已发布的总库。Nothing is published yet.", remedy="Run a night first (`linkage run`)."
            )
        with self._lock:
            if release.name not in self._open:
                self._open[release.name] = self._connect(release)
                for name in list(self._open)[:-KEPT_OPEN]:
                    # Requests that still read it hold cursors of their own; the database closes with the last of them.
                    self._open.pop(name)
            opened = self._open[release.name]
            cursor = _cursor(opened.con)
        return Register(release, opened.manifest, cursor, opened.run, opened.at_hand, opened.made)

    def _connect(self, release: Path) -> _Opened:
        spill = self._state.root / SPILL
        spill.mkdir(parents=True, exist_ok=True)
        spill.chmod(0o700)
        con = duckdb.connect(config=self._config)
        con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET parquet_metadata_cache = true")
        con.execute(f"ATTACH {quote_text(release / LOOKUP)} AS register (READ_ONLY)")
        for table in RELEASE_VIEWS:
            _view(con, table, release / f"{table}.parquet")
        con.execute(GIVEN_VALUES)
        run = self._state.runs / release.name
        kept = all((run / path).exists() for path in RUN_VIEWS.values())
        for table, path in RUN_VIEWS.items() if kept else ():
            _view(con, table, run / path)
        return _Opened(con, read_manifest(release), run if kept else None, AtHand(_cursor(con), run) if kept else None)


def _cursor(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Settings of a connection are not those of its cursors. Views over the release's other tables live in the memory database."""
    cursor = con.cursor()
    cursor.execute("SET search_path = 'register.main,memory.main'")
    return cursor


def _view(con: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    """Releases of before the table existed have none of its rows."""
    rows = f"SELECT * FROM read_parquet({quote_text(path)})" if path.exists() else no_rows_sql(table)
    con.execute(f"CREATE VIEW {quote_name(table)} AS {rows}")
