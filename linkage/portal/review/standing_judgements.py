"""Judgements as they stand now: those the current release knows, under the numbers that records have in it, and those written since."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import judgements_table
from linkage.portal.register import Register
from linkage.resolve.judgements import broken_chains

JUDGEMENTS = judgements_table.c
CLOCKS_DIFFER = timedelta(hours=6)
KNOWN = """
SELECT judgement_id, decision_id, least(current_key_l, current_key_r) AS record_key_l, greatest(current_key_l, current_key_r) AS record_key_r, verdict, decided_at
FROM judgement_status
WHERE current_key_l IS NOT NULL AND current_key_r IS NOT NULL AND status NOT IN ('stale', 'withdrawn')
  AND verdict <> 'withdrawn' AND current_key_l <> current_key_r
"""


@dataclass(frozen=True)
class Judged:
    """One judgement about two records of the current release, the smaller key first."""

    judgement_id: str
    decision_id: str
    record_key_l: str
    record_key_r: str
    verdict: str
    decided_at: datetime
    takes_back: str | None = None


def read_judged(state: State, register: Register) -> list[Judged]:
    """All of them."""
    known = [Judged(**row) for row in register.rows(KNOWN)]
    (told,) = register.rows("SELECT max(decided_at) AS newest, list(judgement_id) AS ids FROM judgement_status")
    query = sa.select(
        JUDGEMENTS.judgement_id,
        sa.func.coalesce(JUDGEMENTS.decision_id, JUDGEMENTS.judgement_id).label("decision_id"),
        JUDGEMENTS.record_key_l,
        JUDGEMENTS.record_key_r,
        JUDGEMENTS.verdict,
        JUDGEMENTS.decided_at,
        JUDGEMENTS.takes_back,
    )
    if told["newest"] is not None:
        query = query.where(JUDGEMENTS.decided_at > told["newest"] - CLOCKS_DIFFER)
    ids = set(told["ids"] or ())
    with open_database(state).connect() as connection:
        waiting = [Judged(**row) for row in connection.execute(query).mappings() if row["judgement_id"] not in ids]
    return known + waiting


def in_force(judged: Iterable[Judged]) -> list[Judged]:
    """What a night would take of them: of judgements about the same two records the newest that nobody took back, and no 'same'
    that would bring together what is judged different."""
    every = sorted(judged, key=lambda j: (j.decided_at, j.judgement_id))
    taken_back = {one.takes_back for one in every}
    newest = {
        (one.record_key_l, one.record_key_r): one
        for one in every
        if one.verdict != "withdrawn" and one.judgement_id not in taken_back
    }
    standing = list(newest.values())
    latest_first = sorted(standing, key=lambda j: (j.decided_at, j.judgement_id), reverse=True)
    by_verdict: dict[str, dict[str, tuple[str, str]]] = {"same": {}, "different": {}}
    for one in latest_first:
        if one.verdict in by_verdict:
            by_verdict[one.verdict][one.judgement_id] = (one.record_key_l, one.record_key_r)
    broken = broken_chains(by_verdict["same"], by_verdict["different"])
    return [one for one in standing if one.judgement_id not in broken]
