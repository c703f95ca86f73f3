"""Judgements as tonight's records know them: found again by content, contradictions settled, every one accounted for.

The rules in words: docs/decisions/0006-judgements.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from linkage.kernel.engine import Engine

SQL_PACKAGE = "linkage.resolve"
STATUSES = ("applied", "changed", "stale", "contradicted")
Pair = tuple[str, str]


def apply_judgements(engine: Engine, run_dir: Path, previous: Path | None) -> None:
    """Make ``judgements``, those in force tonight, from all that were ever written (``judgements`` of the run) and ``common_records``.

    ``previous``: the release before, which says what judgements were known then. Leaves ``anchored_judgements`` and ``broken_chains`` behind for the account of them.
    """
    engine.read_or_empty("judgement_rows", "judgements", run_dir)
    engine.read_or_empty("previous_judgements", "judgement_status", previous)
    engine.run_sql("linkage.kernel", "record_evidence")
    engine.run_sql(SQL_PACKAGE, "anchored_judgements")
    rows = engine.rows(
        "SELECT judgement_id, current_key_l, current_key_r, verdict FROM anchored_judgements "
        "WHERE standing IN ('applied', 'changed') ORDER BY decided_at DESC, judgement_id DESC"
    )
    verdicts: dict[str, dict[str, Pair]] = {"same": {}, "different": {}}
    for row in rows:
        verdicts[row["verdict"]][row["judgement_id"]] = (row["current_key_l"], row["current_key_r"])
    broken = broken_chains(verdicts["same"], verdicts["different"])
    engine.load_arrow(
        "broken_chains",
        pa.table(
            {
                "judgement_id": pa.array(list(broken), pa.string()),
                "contradicted_by": pa.array(list(broken.values()), pa.string()),
            }
        ),
    )
    engine.run_sql(SQL_PACKAGE, "judgements")


def broken_chains(same: Mapping[str, Pair], different: Mapping[str, Pair]) -> dict[str, str]:
    """Which judgements 'same' give way, each with the 'different' that it would break; both are pairs of records by judgement.

    A 'different' always holds. Of the 'same', in the order given (newest first), each holds that does not, with those before
    it, bring together two records judged different.
    """
    group: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    enemies: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for judgement, (left, right) in different.items():
        enemies[left].append((right, judgement))
        enemies[right].append((left, judgement))
    for record in _records(same):
        group[record], members[record] = record, [record]
    broken: dict[str, str] = {}
    for judgement, (left, right) in same.items():
        here, there = group[left], group[right]
        if here == there:
            continue
        between = [by for record in members[here] for other, by in enemies[record] if group.get(other) == there]
        if between:
            broken[judgement] = min(between)
            continue
        members[here] += members[there]
        for record in members.pop(there):
            group[record] = here
    return broken


def _records(pairs: Mapping[str, Pair]) -> Iterable[str]:
    return (record for pair in pairs.values() for record in pair)


def account_for_judgements(engine: Engine, night: str) -> None:
    """Make ``judgement_status``, ``judgement_cases`` and ``notices``; reads also links and refused_pairs."""
    engine.run_sql(SQL_PACKAGE, "judgement_status")
    engine.run_sql(SQL_PACKAGE, "judgement_cases")
    engine.run_sql(SQL_PACKAGE, "notices", {"night": night})


def count_judgements(engine: Engine) -> dict[str, int]:
    """``judgements_<status>`` for what a person should know of."""
    found = {
        row["status"]: row["n"]
        for row in engine.rows("SELECT status, count(*) AS n FROM judgement_status GROUP BY status")
    }
    return {f"judgements_{status}": found.get(status, 0) for status in STATUSES}
