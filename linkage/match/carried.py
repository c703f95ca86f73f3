"""Pairs carried over from the night before: only new and changed records are scored, against everything.

A match weight depends on two records and the pinned model alone. So a pair is scored again only if one of its two records
looks different to the matcher than it did last night: in its features (which other records may change too: a name that
turns out to be a former name, a number that turns out to be borrowed), its term frequencies, or its blocking keys.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb

from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.run import StageContext, read_stage_summary
from linkage.match.config import MatchConfig
from linkage.match.features import SQL_PACKAGE, records_sharing_a_block
from linkage.match.scored_pairs import score_candidates

MOST_TOUCHED_SHARE = 0.25
"""With more of the records new or changed than this, scoring everything is quicker."""
TOUCHED, NEIGHBOURS = "touched_records", "touched_input"


def scoring_basis(context: StageContext) -> str:
    """SHA-256 of what a weight depends on besides the two records: model, configuration, code and library."""
    plan = json.loads((context.run_dir / "run.json").read_text(encoding="utf-8"))
    files = [context.run_dir / "model" / name for name in ("model.json", "term_frequencies.parquet")]
    parts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (*files, context.config_dir / "match.yaml")]
    return hashlib.sha256(" ".join([*parts, str(plan.get("code_sha256")), duckdb.__version__]).encode()).hexdigest()


def usable_run(context: StageContext, basis: str) -> Path | None:
    """The run whose pairs may be carried over: the one behind the last night, scored on the same ``basis``."""
    before = context.carry_from
    return before if before and read_stage_summary(before, "match").get("basis") == basis else None


def fingerprint_records(engine: Engine) -> None:
    """Make ``compared_records(record_key, fingerprint)``: a hash of all that the matcher sees of each record."""
    columns = [row[0] for row in engine.con.execute("DESCRIBE match_input").fetchall()]
    seen = ", ".join(quote_name(c) for c in sorted(columns) if c != "unique_id")
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE compared_records AS SELECT record_key, hash({seen}) AS fingerprint FROM match_input"
    )


def find_touched(engine: Engine, before: Path) -> int:
    """Make ``touched_records(record_key)``: tonight's records that are new or look different; returns their number."""
    engine.read("compared_before", before / "match" / "compared_records.parquet")
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {TOUCHED} AS SELECT record_key FROM compared_records ANTI JOIN compared_before USING (record_key, fingerprint)"
    )
    return int(engine.scalar(f"SELECT count(*) FROM {TOUCHED}"))


def score_touched(engine: Engine, config: MatchConfig, model: dict[str, Any], before: Path) -> int:
    """Make ``scored_pairs``: those of a touched record scored now, all others as the run ``before`` scored them.

    Returns the number of pairs carried over.
    """
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {TOUCHED}_input AS SELECT * FROM match_input SEMI JOIN {TOUCHED} USING (record_key)"
    )
    reached = records_sharing_a_block(f"{TOUCHED}_input", config.blocking)
    engine.con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {NEIGHBOURS} AS
        SELECT m.*, t.record_key IS NOT NULL AS is_touched FROM match_input m
        SEMI JOIN ({reached}) USING (unique_id) LEFT JOIN {TOUCHED} t USING (record_key)"""
    )
    score_candidates(engine, config, model, among=NEIGHBOURS, only="l.is_touched OR r.is_touched")
    engine.con.execute("ALTER TABLE scored_pairs RENAME TO pairs_scored_now")
    engine.run_sql(SQL_PACKAGE, "carried_pairs", {"before": str(before / "match" / "scored_pairs.parquet")})
    for table in (f"{TOUCHED}_input", NEIGHBOURS, "pairs_scored_now"):
        engine.con.execute(f"DROP TABLE {table}")
    return int(engine.scalar("SELECT count(*) FROM carried_pairs"))
