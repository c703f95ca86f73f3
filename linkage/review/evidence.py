"""What a steward saw when judging: the records of the current release, by hashes that find them again (never by values)."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.masking import mask_record_key
from linkage.kernel.run import State

SEEN = "record_key, feed, content_hash, identity_number, identity_partial, name_key, full_name, birth_date"
"""What record_evidence reads."""
KEYS = """
SELECT source || ':' || record_id AS record_key FROM crosswalk
WHERE record_id IN (SELECT unnest($record_ids)) AND list_contains($keys, source || ':' || record_id)
   OR $whole_persons AND person_id IN (SELECT person_id FROM crosswalk WHERE list_contains($keys, source || ':' || record_id))
"""
RECORDS = """
SELECT e.record_key, struct_pack(feed := e.feed, person_id := c.person_id, content_hash := e.content_hash,
                                 number_hash := e.number_hash, name_hash := e.name_hash, birth_hash := e.birth_hash) AS seen
FROM crosswalk c JOIN record_evidence e ON e.record_key = c.source || ':' || c.record_id
ORDER BY e.record_key
"""
CASES = """
SELECT case_id, records, match_weight FROM review_cases WHERE list_has_any(records, $keys)
ORDER BY kind = 'quality_sample', priority DESC, case_id
"""


@dataclass(frozen=True)
class Evidence:
    """Records of one release by record key (fields of the contract ``judgements``, seen_l), and the review cases about them."""

    release: str
    seen: dict[str, dict[str, str | None]]
    cases: list[dict[str, Any]]

    def of_pair(self, left: str, right: str) -> dict[str, Any]:
        """Evidence of a verdict about two records; case and match weight (bits) are those of the first case with both."""
        case = next((c for c in self.cases if {left, right} <= set(c["records"])), {})
        return {
            "release": self.release,
            "case_id": case.get("case_id"),
            "match_weight": case.get("match_weight"),
            "seen": {key: self.seen[key] for key in (left, right)},
        }


def read_evidence(state: State, record_keys: Collection[str], *, whole_persons: bool = False) -> Evidence:
    """What the current release shows of ``record_keys``, with ``whole_persons`` also of the other records of their persons.

    Raises ConfigurationError when nothing is published, for the first key that is no record of it, and when its run is gone.
    """
    current = state.current_release()
    if current is None:
        raise ConfigurationError(
            "Nothing is published yet.", remedy="Run a night first; judgements are about its records."
        )
    common_records = state.runs / current.name / "gate_incoming" / "common_records.parquet"
    if not common_records.exists():
        raise ConfigurationError(
            f"The run of the current release {current.name} is gone, so nobody can say what the records looked like.",
            remedy="Restore state/runs from the back-up, or run the next night first.",
        )
    keys = list(record_keys)
    with Engine() as engine:
        engine.read("every_record", common_records)
        for table in ("crosswalk", "review_cases"):
            engine.read(table, current / f"{table}.parquet")
        wanted = {"keys": keys, "record_ids": [k.split(":", 1)[-1] for k in keys], "whole_persons": whole_persons}
        known = [row["record_key"] for row in engine.rows(KEYS, wanted)]
        # Only these are hashed: as constants they also let whole parts of the file be left out.
        listed = ", ".join(f"${place}" for place in range(1, len(known) + 1)) or "NULL"
        engine.con.execute(
            f"CREATE TEMP TABLE common_records AS SELECT {SEEN} FROM every_record WHERE record_key IN ({listed})",
            known or None,
        )
        engine.run_sql("linkage.kernel", "record_evidence")
        rows = engine.rows(RECORDS)
        cases = engine.rows(CASES, {"keys": keys})
    seen = {row["record_key"]: row["seen"] for row in rows}
    for key in keys:
        if key not in seen:
            raise ConfigurationError(
                f"There is no record {mask_record_key(key)!r} in the current release {current.name}.",
                remedy="Write a record as <source>:<record_id>, as in crosswalk.parquet and on the stewards' page.",
            )
    return Evidence(current.name, seen, cases)
