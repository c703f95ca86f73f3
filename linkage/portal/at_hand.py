"""The records that review cases are about, and all that could end up with them, kept in memory while their release is open.

The night's working tables are wide Parquet files: one look-up of a few records costs a tenth of a second of processor time, which twenty
stewards at once do not have. What they look at is one person in a hundred, so a copy of that much is small; it is made in the background
when a release is opened. Whatever it does not hold in whole is read from the night's tables, to the same effect.
"""

import logging
import threading
from collections.abc import Collection
from pathlib import Path

import duckdb

from linkage.kernel.engine import read_sql
from linkage.kernel.errors import LinkageError
from linkage.kernel.pair_rules import read_pair_rules

log = logging.getLogger(__name__)
SQL_PACKAGE = "linkage.portal"
TABLES = ("common_records", "scored_pairs", "crosswalk", "former_records")
"""By record: each is at hand as ``<table>_at_hand`` in the memory database."""


class AtHand:
    """The copy of one release; ``con`` is a connection of its own that knows the release's and its run's tables."""

    def __init__(self, con: duckdb.DuckDBPyConnection, run: Path) -> None:
        self._con, self._run = con, run
        self._records = frozenset[str]()
        self._maker = threading.Thread(target=self._make, name="at hand", daemon=True)
        self._maker.start()

    def holds(self, keys: Collection[str]) -> bool:
        """Whether everything about the records ``keys`` is at hand."""
        return self._records.issuperset(keys)

    def wait(self) -> None:
        """Wait until the copy is made, or could not be."""
        self._maker.join()

    def _make(self) -> None:
        try:
            least = read_pair_rules(self._run / "config" / "match.yaml").least_join_match_weight
            self._con.execute(read_sql(SQL_PACKAGE, "at_hand_begin"))
            while self._con.execute("SELECT count(*) FROM newly_reached").fetchall() != [(0,)]:
                for statement in self._con.extract_statements(read_sql(SQL_PACKAGE, "at_hand_grow")):
                    self._con.execute(statement, {"least": least} if "least" in statement.named_parameters else None)
            self._con.execute(read_sql(SQL_PACKAGE, "at_hand"))
            rows = self._con.execute("SELECT record_key FROM memory.main.common_records_at_hand").fetchall()
            self._records = frozenset(key for (key,) in rows)
        except (duckdb.Error, LinkageError) as error:
            # The desk goes on without it, only slower. DuckDB's texts may quote values: the kind of the error must do.
            log.warning("the records of review cases are not kept in memory (%s)", type(error).__name__)
        finally:
            self._con.close()
