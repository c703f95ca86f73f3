"""Every judgement with what became of it in the current release. No resident's name or number, no reason text."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow.parquet as pq

from linkage.kernel.masking import mask_text
from linkage.kernel.run import State
from linkage.review.judgements import read_rows

WAITING = "waiting"
STATUS_ZH = {
    WAITING: "待夜间应用",
    "applied": "已应用",
    "changed": "已应用，记录有变",
    "stale": "失效",
    "contradicted": "矛盾",
    "superseded": "被更新",
    "withdrawn": "已撤回",
    "recorded": "在案",
}


@dataclass(frozen=True)
class Listed:
    """One judgement; ``reader`` is masked, ``records`` are under the numbers they have now where they were found."""

    judgement_id: str
    decision_id: str
    decided_at: datetime
    verdict: str
    records: tuple[str, str]
    reader: str
    status: str
    reason: str
    reason_en: str


def list_judgements(state: State, status: str | None = None) -> list[Listed]:
    """Newest first; only those of ``status`` if given. What the current release does not know yet is waiting."""
    current = state.current_release()
    table = current / "judgement_status.parquet" if current else None
    known = {row["judgement_id"]: row for row in pq.read_table(table).to_pylist()} if table and table.exists() else {}
    found = []
    for row in reversed(read_rows(state)):
        now = known.get(row["judgement_id"], {})
        found.append(
            Listed(
                judgement_id=row["judgement_id"],
                decision_id=row["decision_id"] or row["judgement_id"],
                decided_at=row["decided_at"],
                verdict=row["verdict"],
                records=(
                    now.get("current_key_l") or row["record_key_l"],
                    now.get("current_key_r") or row["record_key_r"],
                ),
                reader=mask_text(row["reader"]),
                status=now.get("status", WAITING),
                reason=now.get("reason") or "",
                reason_en=now.get("reason_en") or "",
            )
        )
    return [entry for entry in found if status in (None, entry.status)]
