"""The restrictions table: append-only decisions to restrict, end or allow again the processing of a person's data.

A run takes a copy at planning, as of the judgements; the last decision about an id counts.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from linkage.kernel.database import open_database, rows_hash
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.kernel.state_tables import restrictions_table

ACTIONS = ("restrict", "end", "lift")
SCHEMA = pa.schema(
    [
        pa.field("action_id", pa.string()),
        pa.field("person_id", pa.string()),
        pa.field("action", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("decided_by", pa.string()),
        pa.field("basis", pa.string()),
        pa.field("decided_at", pa.timestamp("us")),
    ]
)


def append_restriction(
    state: State,
    person_id: str,
    action: str,
    *,
    reason: str,
    decided_by: str,
    basis: str,
    decided_at: datetime | None = None,
) -> str:
    """Record one decision about a person and return its id.

    Raises ConfigurationError on an unknown action, and when who decided, why, or on what law is left out.
    """
    if action not in ACTIONS:
        raise ConfigurationError(f"Action {action!r} is not known.", remedy=f"Use one of {', '.join(ACTIONS)}.")
    for what, text in (("reason", reason), ("by", decided_by), ("basis", basis)):
        if not text.strip():
            raise ConfigurationError(
                f"--{what} is empty.", remedy="Say who decided, why, and on what law: an auditor will ask."
            )
    moment = (decided_at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    parts = (person_id, action, decided_by, moment.isoformat())
    action_id = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
    with open_database(state).begin() as connection:
        connection.execute(
            sa.insert(restrictions_table).values(
                action_id=action_id,
                person_id=person_id,
                action=action,
                reason=reason,
                decided_by=decided_by,
                basis=basis,
                decided_at=moment,
            )
        )
    return action_id


def read_restrictions(state: State) -> pa.Table:
    """All decisions, oldest first."""
    query = sa.select(restrictions_table).order_by(restrictions_table.c.decided_at, restrictions_table.c.action_id)
    with open_database(state).connect() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def write_restrictions(state: State, path: Path) -> None:
    """Copy all decisions to the Parquet file ``path`` (contract ``restrictions``)."""
    pq.write_table(read_restrictions(state), path)


def table_hash(state: State) -> str:
    """SHA-256 over all decisions."""
    return rows_hash(read_restrictions(state))
