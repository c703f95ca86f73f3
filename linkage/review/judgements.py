"""The judgements table: append-only verdicts of stewards, kept in the state database.

A run takes a copy at planning, so that a night is a function of what was decided before it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from linkage.kernel.database import open_database, rows_hash
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.kernel.state_tables import judgements_table

VERDICTS = ("same", "different", "unsure")
WITHDRAWN = "withdrawn"
SEEN = ("feed", "person_id", "content_hash", "number_hash", "name_hash", "birth_hash")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("judgement_id", "decision_id", "record_key_l", "record_key_r")),
        *((name, pa.string()) for name in ("verdict", "takes_back", "reader")),
        ("decided_at", pa.timestamp("us")),
        *((name, pa.string()) for name in ("reason", "release", "case_id")),
        ("match_weight", pa.float64()),
        *((name, pa.struct([(field, pa.string()) for field in SEEN])) for name in ("seen_l", "seen_r")),
    ]
)


@dataclass(frozen=True)
class Verdict:
    """A verdict about two records, named in any order. ``evidence`` is what its reader saw of them: ``release``, ``case_id``,
    ``match_weight`` (bits) and under ``seen`` the record evidence by record key. ``takes_back``: of a withdrawal, which judgement."""

    record_keys: tuple[str, str]
    verdict: str
    evidence: Mapping[str, Any] | None = None
    takes_back: str | None = None


def append_judgements(
    state: State,
    verdicts: Iterable[Verdict],
    *,
    reader: str,
    reason: str,
    decided_at: datetime | None = None,
    connection: sa.Connection | None = None,
) -> str:
    """Record what was decided at once, all or nothing, and return the id of the decision.

    One verdict's decision has the id of its judgement. ``connection``: write within its transaction. Raises ConfigurationError on an unknown verdict, on one record named
    twice, and when who decided or why is left out.
    """
    for what, text in (("reader", reader), ("reason", reason)):
        if not text.strip():
            raise ConfigurationError(f"The {what} is empty.", remedy="Say who decided, and why: an auditor will ask.")
    moment = (decided_at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    rows = [_row(verdict, reader, reason, moment) for verdict in verdicts]
    ids = [row["judgement_id"] for row in rows]
    decision_id = ids[0] if len(ids) == 1 else _short_hash(*ids)
    complete = [row | {"decision_id": decision_id} for row in rows]
    if connection is not None:
        connection.execute(sa.insert(judgements_table), complete)
    else:
        with open_database(state).begin() as own:
            own.execute(sa.insert(judgements_table), complete)
    return decision_id


def _row(verdict: Verdict, reader: str, reason: str, moment: datetime) -> dict[str, Any]:
    if verdict.verdict not in (*VERDICTS, WITHDRAWN):
        raise ConfigurationError(
            f"Verdict {verdict.verdict!r} is not known.", remedy=f"Use one of {', '.join(VERDICTS)}."
        )
    left, right = sorted(verdict.record_keys)
    if (verdict.verdict == WITHDRAWN) != (verdict.takes_back is not None):
        raise ConfigurationError(
            "A withdrawal names the judgement it takes back, and nothing else does.",
            remedy="Use `withdraw` of linkage/review/decisions.py to take one back.",
        )
    if left == right:
        raise ConfigurationError(f"{left!r} is named twice.", remedy="Name two different records.")
    return {
        "judgement_id": _short_hash(
            left,
            right,
            verdict.verdict,
            reader,
            moment.isoformat(),
            *([verdict.takes_back] if verdict.takes_back else ()),
        ),
        "record_key_l": left,
        "record_key_r": right,
        "verdict": verdict.verdict,
        "reader": reader,
        "decided_at": moment,
        "reason": reason,
        "evidence": dict(verdict.evidence) if verdict.evidence else None,
        "takes_back": verdict.takes_back,
    }


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def read_rows(state: State, decision_id: str | None = None) -> list[dict[str, Any]]:
    """Judgements as they stand in the database, oldest first; only those of ``decision_id`` (or with that id) if given."""
    table = judgements_table.c
    query = sa.select(judgements_table).order_by(table.decided_at, table.judgement_id)
    if decision_id is not None:
        query = query.where(sa.or_(table.judgement_id == decision_id, table.decision_id == decision_id))
    with open_database(state).connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def read_judgements(state: State) -> pa.Table:
    """All judgements, oldest first (contract ``judgements``)."""
    return pa.Table.from_pylist([_flat(row) for row in read_rows(state)], schema=SCHEMA)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    evidence = row["evidence"] or {}
    seen = evidence.get("seen", {})
    return {
        **row,
        **{name: evidence.get(name) for name in ("release", "case_id", "match_weight")},
        "decision_id": row["decision_id"] or row["judgement_id"],
        "seen_l": seen.get(row["record_key_l"]),
        "seen_r": seen.get(row["record_key_r"]),
    }


def write_judgements(state: State, path: Path) -> None:
    """Copy all judgements to the Parquet file ``path`` (contract ``judgements``)."""
    pq.write_table(read_judgements(state), path)


def table_hash(state: State) -> str:
    """SHA-256 over all judgements."""
    return rows_hash(read_judgements(state))
