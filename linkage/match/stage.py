"""The stages ``model`` and ``match``: pin the model, then score the pairs worth comparing."""

import json
import shutil
from datetime import date
from typing import Any

from linkage.kernel.config import read_config
from linkage.kernel.contracts import contract
from linkage.kernel.run import StageContext, Summary
from linkage.kernel.tables import fill_table
from linkage.match.carried import (
    MOST_TOUCHED_SHARE,
    find_touched,
    fingerprint_records,
    score_touched,
    scoring_basis,
    usable_run,
)
from linkage.match.config import MatchConfig
from linkage.match.drift import make_drift
from linkage.match.features import make_features
from linkage.match.holdout import draw_sample, score_hidden
from linkage.match.models import MODEL_FILES, approve, live_model_id, train_candidate
from linkage.match.scored_pairs import prepare_input, score_candidates
from linkage.match.splink_adapter import drop_splink_tables

FIRST_MODEL = "首夜自动训练并启用的第一个模型 first model of the district, trained and taken by its first night"


def run_model(context: StageContext) -> Summary:
    """Copy the live model into the run; the first night of a district trains and approves its first model.

    The summary says which model it is, which one made the release that the night continues, and whether the two differ.
    """
    plan = json.loads((context.run_dir / "run.json").read_text(encoding="utf-8"))
    model_id = plan.get("model_id")
    trained_now = model_id is None
    if model_id is None:
        model_id = train_candidate(
            context.engine,
            context.state,
            context.input("gate_incoming", "common_records"),
            context.run_dir,
            context.config_dir,
            context.night,
        )
        if (
            live_model_id(context.state, before=date.max) != model_id
        ):  # a killed first night may have approved it already
            approve(
                context.state,
                model_id,
                by="gridroll",
                reason=FIRST_MODEL,
                at=context.night.isoformat(),
                after_night=context.night,
            )
    for name in MODEL_FILES:
        shutil.copyfile(context.state.models / model_id / name, context.out_dir / name)
    before = plan.get("previous_model_id")
    changed = before is not None and before != model_id
    return {"model_id": model_id, "trained_now": trained_now, "previous_model_id": before, "changed": changed}


def run(context: StageContext) -> Summary:
    """Score candidate pairs with the pinned model: writes scored_pairs, compared_records, blocking_counts, the hold-out's tables,
    and level_counts, drift and signals about how the linked pairs agree."""
    config = read_config(context.config_dir / "match.yaml", MatchConfig)
    engine = context.engine
    model = json.loads((context.run_dir / "model" / "model.json").read_text(encoding="utf-8"))
    engine.load("term_frequencies", context.run_dir / "model" / "term_frequencies.parquet")
    make_features(engine, context.input("gate_incoming", "common_records"), config.features)
    largest = prepare_input(engine, config)
    fingerprint_records(engine)
    scored = _score(context, config, model)
    _write_blocking_counts(context, config, largest)
    pairs = context.write("scored_pairs")
    records = context.write("compared_records")
    candidates = engine.scalar("SELECT coalesce(sum(pairs), 0) FROM blocked_pairs")
    drift = _write_drift(context, config, model)
    holdout = _write_holdout(context, config, model)
    for table in ("scored_pairs", "match_input", "match_features", "compared_records"):
        engine.con.execute(f"DROP TABLE IF EXISTS {table}")
    drop_splink_tables(engine)
    return (
        {
            "records": records,
            "candidate_pairs": int(candidates),
            "scored_pairs": pairs,
            "model_id": context.summary("model").get("model_id"),
            "holdout": holdout,
            "drift": drift,
        }
        | scored
        | config.thresholds.model_dump()
    )


def _score(context: StageContext, config: MatchConfig, model: dict[str, Any]) -> Summary:
    """Score what is new or changed since the run before, or everything where that is not possible."""
    engine, basis = context.engine, scoring_basis(context)
    records = int(engine.scalar("SELECT count(*) FROM compared_records"))
    before = usable_run(context, basis)
    touched = find_touched(engine, before) if before else records
    if before is None or touched > MOST_TOUCHED_SHARE * records:
        score_candidates(engine, config, model)
        return {"basis": basis, "records_compared": records, "pairs_carried": 0}
    carried = score_touched(engine, config, model, before)
    context.note(f"match: {touched:,} of {records:,} records are new or changed, {carried:,} pairs carried over")
    return {"basis": basis, "records_compared": touched, "pairs_carried": carried}


def _write_blocking_counts(context: StageContext, config: MatchConfig, largest: dict[str, int]) -> None:
    engine = context.engine
    compared = {int(r["match_key"]): int(r["pairs"]) for r in engine.rows("SELECT match_key, pairs FROM blocked_pairs")}
    kept = {
        r["name"]: r["n"]
        for r in engine.rows("SELECT blocking_rule AS name, count(*) AS n FROM scored_pairs GROUP BY ALL")
    }
    rows = [
        (i, r.name, r.zh, r.en, compared.get(i, 0), kept.get(r.name, 0), largest[r.name])
        for i, r in enumerate(config.blocking)
    ]
    fill_table(engine, "blocking_counts", contract("blocking_counts").column_names, rows)
    context.write("blocking_counts")


def _write_drift(context: StageContext, config: MatchConfig, model: dict[str, Any]) -> int:
    """Write level_counts, drift and signals; returns how many comparisons are outside their limits."""
    before = context.previous_run / "match" if context.previous_run else None
    model_id = str(context.summary("model").get("model_id"))
    make_drift(context.engine, config, model, model_id, context.night.isoformat(), before)
    for table in ("level_counts", "drift"):
        context.write(table)
    return context.write("signals")


def _write_holdout(context: StageContext, config: MatchConfig, model: dict[str, Any]) -> dict[str, Any]:
    """Write holdout_records and holdout_pairs; both are empty where the configuration asks for no hold-out."""
    engine = context.engine
    if config.holdout is None:
        for table in ("holdout_records", "holdout_pairs"):
            engine.read_or_empty(table, table, None)
    else:
        draw_sample(engine, config.holdout, context.night.isoformat())
        score_hidden(engine, config, config.holdout, model)
        engine.con.execute(
            "CREATE OR REPLACE TEMP TABLE holdout_pairs AS SELECT record_key_l AS record_key, record_key_r AS other_key, "
            "match_weight, guards FROM hidden_pairs WHERE record_key_l <> record_key_r"
        )
    return {"records": context.write("holdout_records"), "pairs": context.write("holdout_pairs")}
