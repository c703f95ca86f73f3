"""The stages ``model`` and ``match``: pin the model, then score the pairs worth comparing."""

import json
import shutil
from typing import Any

from linkage.kernel.config import read_config
from linkage.kernel.contracts import contract
from linkage.kernel.engine import quote_name
from linkage.kernel.run import StageContext, Summary
from linkage.match.config import GuardConfig, MatchConfig
from linkage.match.features import add_blocking_columns, add_term_frequencies, make_features
from linkage.match.holdout import HIDDEN, PARTNERS, draw_sample, score_hidden
from linkage.match.models import MODEL_FILES, approve, train_candidate
from linkage.match.splink_adapter import drop_splink_tables, gamma_of, score_pairs


def run_model(context: StageContext) -> Summary:
    """Copy the live model into the run; the first night of a district trains and approves its first model."""
    plan = json.loads((context.run_dir / "run.json").read_text(encoding="utf-8"))
    model_id = plan.get("model_id")
    trained_now = model_id is None
    if model_id is None:
        model_id = train_candidate(
            context.engine,
            context.state,
            context.input("gate_incoming", "common_records"),
            context.config_dir,
            context.night,
        )
        approve(context.state, model_id)
    for name in MODEL_FILES:
        shutil.copyfile(context.state.models / model_id / name, context.out_dir / name)
    return {"model_id": model_id, "trained_now": trained_now}


def run(context: StageContext) -> Summary:
    """Score candidate pairs with the pinned model: writes scored_pairs and blocking_counts."""
    config = read_config(context.config_dir / "match.yaml", MatchConfig)
    engine = context.engine
    model = json.loads((context.run_dir / "model" / "model.json").read_text(encoding="utf-8"))
    engine.load("term_frequencies", context.run_dir / "model" / "term_frequencies.parquet")
    make_features(engine, context.input("gate_incoming", "common_records"))
    add_term_frequencies(engine, config.term_frequency_features)
    largest = add_blocking_columns(engine, config.blocking)
    blocked, scored = score_pairs(engine, "match_input", model, config.blocking, config.thresholds.floor_match_weight)
    _write_blocking_counts(context, config, blocked, largest)
    _make_scored_pairs(context, config, scored, "scored_pairs", "match_input", "match_input")
    pairs = context.write("scored_pairs")
    candidates = engine.scalar(f"SELECT coalesce(sum(pairs), 0) FROM {quote_name(blocked)}")
    holdout = _write_holdout(context, config, model)
    for table in ("scored_pairs", "match_input", "match_features"):
        engine.con.execute(f"DROP TABLE IF EXISTS {table}")
    drop_splink_tables(engine)
    return {
        "candidate_pairs": int(candidates),
        "scored_pairs": pairs,
        "model_id": context.summary("model").get("model_id"),
        "holdout": holdout,
    } | config.thresholds.model_dump()


def _write_blocking_counts(context: StageContext, config: MatchConfig, blocked: str, largest: dict[str, int]) -> None:
    counts = {
        int(row["match_key"]): int(row["pairs"])
        for row in context.engine.rows(f"SELECT match_key, pairs FROM {quote_name(blocked)}")
    }
    rows = [(i, r.name, r.zh, r.en, counts.get(i, 0), largest[r.name]) for i, r in enumerate(config.blocking)]
    context.engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE blocking_counts (position INTEGER, blocking_rule VARCHAR, zh VARCHAR, en VARCHAR, pairs BIGINT, largest_block BIGINT)"
    )
    context.engine.con.executemany("INSERT INTO blocking_counts VALUES (?, ?, ?, ?, ?, ?)", rows)
    context.write("blocking_counts")


def _write_holdout(context: StageContext, config: MatchConfig, model: dict[str, Any]) -> dict[str, Any]:
    """Write holdout_records and holdout_pairs; both are empty where the configuration asks for no hold-out."""
    engine = context.engine
    if config.holdout is None:
        for table in ("holdout_records", "holdout_pairs"):
            columns = ", ".join(f"CAST(NULL AS {field.type}) AS {field.name}" for field in contract(table).fields)
            engine.con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {columns} WHERE false")
    else:
        draw_sample(engine, config.holdout, context.night.isoformat())
        hidden = score_hidden(engine, config, config.holdout, model)
        _make_scored_pairs(context, config, hidden, "hidden_pairs", HIDDEN, PARTNERS)
        engine.con.execute(
            "CREATE OR REPLACE TEMP TABLE holdout_pairs AS SELECT record_key_l AS record_key, record_key_r AS other_key, "
            "match_weight, guards FROM hidden_pairs WHERE record_key_l <> record_key_r"
        )
    return {"records": context.write("holdout_records"), "pairs": context.write("holdout_pairs")}


def _make_scored_pairs(
    context: StageContext, config: MatchConfig, scored: str, table: str, left: str, right: str
) -> None:
    """Turn Splink's columns into the contract scored_pairs: record keys, rule names, levels, weights by comparison, guards.

    ``table`` is what is made; ``left`` and ``right`` are the tables whose records the pairs are of.
    """
    names = config.comparison_names
    level_names = ", ".join(_level_name_sql(config, name) for name in names)
    levels = ", ".join(_text(n) + ": p." + quote_name(f"gamma_{n}") for n in names)
    with_tf = {c.name for c in config.comparisons if any(level.term_frequency for level in c.levels)}
    weights = ", ".join(f"{_text(n)}: round({_weight_sql(n, n in with_tf)}, 3)" for n in names)
    rules = ", ".join(_text(rule.name) for rule in config.blocking)
    guards = ", ".join(f"CASE WHEN {_guard_sql(g)} THEN {_text(g.name)} END" for g in config.guards)
    context.engine.con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {table} AS
        WITH named AS (
            SELECT p.unique_id_l, p.unique_id_r, p.match_weight, {level_names}, MAP {{{levels}}} AS levels, MAP {{{weights}}} AS weights,
                   ([{rules}])[CAST(p.match_key AS INTEGER) + 1] AS blocking_rule
            FROM {quote_name(scored)} p
        )
        SELECT l.record_key AS record_key_l, r.record_key AS record_key_r, n.match_weight, n.blocking_rule, n.levels, n.weights,
               list_filter([{guards}], lambda g: g IS NOT NULL) AS guards
        FROM named n
        JOIN ({_side_sql("l", left)}) l ON l.unique_id = n.unique_id_l
        JOIN ({_side_sql("r", right)}) r ON r.unique_id = n.unique_id_r"""
    )


GUARD_FEATURES = (
    "good_number",
    "identity_kind",
    "name",
    "name_pattern",
    "name_kind",
    "birth_year",
    "birth_day",
    "birth_from_number",
    "sex",
    "mother_number",
    "source",
    "feed",
)


def _side_sql(side: str, table: str) -> str:
    return f"SELECT unique_id, record_key, {', '.join(f'{f} AS {f}_{side}' for f in GUARD_FEATURES)} FROM {table}"


def _guard_sql(guard: GuardConfig) -> str:
    return f"coalesce(({guard.sql}), false)"


def _weight_sql(name: str, with_term_frequency: bool) -> str:
    weight = "p." + quote_name(f"mw_{name}")
    return f"{weight} + coalesce(p.{quote_name(f'mw_tf_adj_{name}')}, 0)" if with_term_frequency else weight


def _level_name_sql(config: MatchConfig, name: str) -> str:
    comparison: Any = next(c for c in config.comparisons if c.name == name)
    cases = " ".join(f"WHEN {number} THEN {_text(level)}" for level, number in gamma_of(comparison).items())
    gamma, level_name = quote_name(f"gamma_{name}"), quote_name(f"level_{name}")
    return f"CASE p.{gamma} {cases} END AS {level_name}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
