"""The judgements table: append-only verdicts of stewards, kept in the state database.

A run takes a copy at planning, so that a night is a function of what was decided before it.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.review.database import judgements_table, open_database

VERDICTS = ("same", "different", "unsure")
SCHEMA = pa.schema(
    [
        pa.field("judgement_id", pa.string()),
        pa.field("record_key_l", pa.string()),
        pa.field("record_key_r", pa.string()),
        pa.field("verdict", pa.string()),
        pa.field("reader", pa.string()),
        pa.field("decided_at", pa.timestamp("us")),
        pa.field("reason", pa.string()),
    ]
)


def append_judgement(
    state: State,
    record_key_l: str,
    record_key_r: str,
    verdict: str,
    *,
    reader: str,
    reason: str,
    decided_at: datetime | None = None,
) -> str:
    """Record one verdict about two records and return its id.

    Raises ConfigurationError on an unknown verdict, on one record named twice, and when who decided or why is left out.
    """
    if verdict not in VERDICTS:
        raise ConfigurationError(f"Verdict {verdict!r} is not known.", remedy=f"Use one of {', '.join(VERDICTS)}.")
    if record_key_l == record_key_r:
        raise ConfigurationError(f"{record_key_l!r} is named twice.", remedy="Name two different records.")
    for what, text in (("reader", reader), ("reason", reason)):
        if not text.strip():
            raise ConfigurationError(f"The {what} is empty.", remedy="Say who decided, and why: an auditor will ask.")
    left, right = sorted((record_key_l, record_key_r))
    moment = (decided_at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    judgement_id = hashlib.sha256("\x1f".join((left, right, verdict, reader, moment.isoformat())).encode()).hexdigest()[
        :16
    ]
    with open_database(state).begin() as connection:
        connection.execute(
            sa.insert(judgements_table).values(
                judgement_id=judgement_id,
                record_key_l=left,
                record_key_r=right,
                verdict=verdict,
                reader=reader,
                decided_at=moment,
                reason=reason,
            )
        )
    return judgement_id


def require_records(state: State, record_keys: Iterable[str]) -> None:
    """Raise ConfigurationError for the first key that is no record of the current release."""
    current = state.current_release()
    if current is None:
        raise ConfigurationError(
            "Nothing is published yet.", remedy="Run a night first; judgements are about its records."
        )
    table = pq.read_table(current / "crosswalk.parquet", columns=["source", "record_id"])
    known = pc.binary_join_element_wise(table["source"], table["record_id"], ":")
    for key in record_keys:
        if not pc.any(pc.equal(known, key)).as_py():
            raise ConfigurationError(
                f"There is no record {key!r} in the current release {current.name}.",
                remedy="Write a record as <source>:<record_id>, as in crosswalk.parquet and on the stewards' page.",
            )


def read_judgements(state: State) -> pa.Table:
    """All judgements, oldest first."""
    query = sa.select(judgements_table).order_by(judgements_table.c.decided_at, judgements_table.c.judgement_id)
    with open_database(state).connect() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def write_judgements(state: State, path: Path) -> None:
    """Copy all judgements to the Parquet file ``path`` (contract ``judgements``)."""
    pq.write_table(read_judgements(state), path)


def table_hash(state: State) -> str:
    """SHA-256 over all judgements."""
    digest = hashlib.sha256()
    for row in read_judgements(state).to_pylist():
        digest.update(repr(sorted(row.items())).encode())
    return digest.hexdigest()
