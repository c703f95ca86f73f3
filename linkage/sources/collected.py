"""What reading the files leaves behind, besides the rows in the engine: the accounting, rejects and signals."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from linkage.kernel.source_config import Feed
from linkage.sources.header import Mapping
from linkage.sources.rules import REMEDIES
from linkage.sources.signals import Signal
from linkage.sources.table import BadRow

# A line of the accounting in the order of its contract, before anything is counted.
NO_ROWS: dict[str, Any] = {
    "source": "",
    "feed": "",
    "delivery": None,
    "file": "",
    "sha256": "",
    "bytes": 0,
    "encoding": None,
    "header_row": None,
    "counted_rows": 0,
    "accepted_rows": 0,
    "rejected_rows": 0,
    "duplicate_rows": 0,
    "carried_rows": 0,
    "continued_lines": 0,
    "stale": False,
    "landed_night": None,
}


@dataclass(frozen=True)
class Delivery:
    """One file of a landing, as accounting needs it; ``label`` names it in every table."""

    source: str
    path: str
    label: str
    sha256: str
    bytes: int
    stale: bool
    landed_night: date


@dataclass
class Collected:
    """Fills while the night's files are read."""

    accounting: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[tuple[Any, ...]] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)

    def account(self, delivery: Delivery, feed: Feed | None, label: str, **counts: Any) -> None:
        """Add the line of one table, or of a file that gave none; ``feed`` is None when no feed reads it."""
        self.accounting.append(
            NO_ROWS
            | {
                "source": delivery.source,
                "feed": feed.feed if feed else "",
                "delivery": feed.delivery if feed else None,
                "file": label,
                "sha256": delivery.sha256,
                "bytes": delivery.bytes,
                "stale": delivery.stale,
                "landed_night": delivery.landed_night,
            }
            | counts
        )

    def signal(
        self,
        source: str,
        feed: Feed | None,
        file: str,
        kind: str,
        severity: str,
        value: str = "",
        *,
        column: str = "",
        count: int = 1,
    ) -> None:
        """Add a signal; ``value`` is a column name, count or kind, never personal."""
        self.signals.append(Signal(source, feed.feed if feed else "", file, column, kind, severity, value, count))

    def reject(self, source: str, feed: Feed | None, file: str, bad: BadRow, mapping: Mapping | None = None) -> None:
        """Add a refused row with its remedy."""
        column = mapping.names[bad.column] if mapping and bad.column is not None else ""
        zh, en = REMEDIES[bad.rule]
        name = feed.feed if feed else ""
        self.rejects.append((source, name, file, bad.row_number, column, bad.rule, bad.shape, zh, en, "sources"))
