"""From features to scored pairs: what the blocking rules find, how alike the two are, and what speaks against them."""

import re
from collections.abc import Mapping
from typing import Any

from linkage.kernel.engine import Engine, quote_name, quote_text
from linkage.match.compared import compared_sql
from linkage.match.config import GuardConfig, MatchConfig, gamma_of
from linkage.match.features import add_blocking_columns, add_term_frequencies
from linkage.match.splink_adapter import score_pairs


def prepare_input(engine: Engine, config: MatchConfig) -> dict[str, int]:
    """Make ``match_input`` of ``match_features``: with the temp table ``term_frequencies`` of the model and blocking keys.

    Returns the largest block of each rule.
    """
    add_term_frequencies(engine, config.term_frequency_features)
    return add_blocking_columns(engine, config.blocking)


def score_candidates(
    engine: Engine,
    config: MatchConfig,
    model: Mapping[str, Any],
    *,
    among: str = "match_input",
    only: str | None = None,
) -> None:
    """Score the candidate pairs among the records of ``among`` (``match_input`` or part of it).

    ``only`` is a condition over the records l and r that every pair must meet, besides the link policy. Leaves
    ``blocked_pairs(match_key, pairs)`` and ``scored_pairs`` (contract of that name).
    """
    conditions = [condition for condition in (compared_sql(config.policy), only) if condition]
    _, scored = score_pairs(
        engine,
        among,
        model,
        config.blocking,
        config.thresholds.floor_match_weight,
        " AND ".join(f"({condition})" for condition in conditions) or None,
    )
    make_scored_pairs(engine, config, scored, left=among, right=among)


def make_scored_pairs(
    engine: Engine,
    config: MatchConfig,
    scored: str,
    *,
    left: str = "match_input",
    right: str = "match_input",
    table: str = "scored_pairs",
) -> None:
    """Turn Splink's columns into the contract: record keys, rule names, levels and weights by comparison, guards.

    ``left`` and ``right`` hold the features of the left and the right record of each pair.
    """
    names = config.comparison_names
    level_names = ", ".join(_level_name_sql(config, name) for name in names)
    # Structs, not maps: what is the same in every row costs nothing to make, to write and to read.
    levels = ", ".join(f"{quote_text(n)}: CAST(p.{quote_name(f'gamma_{n}')} AS TINYINT)" for n in names)
    with_tf = {c.name for c in config.comparisons if any(level.term_frequency for level in c.levels)}
    weights = ", ".join(f"{quote_text(n)}: round({_weight_sql(n, n in with_tf)}, 3)" for n in names)
    rules = ", ".join(quote_text(rule.name) for rule in config.blocking)
    guards = ", ".join(f"CASE WHEN {_guard_sql(g)} THEN {quote_text(g.name)} END" for g in config.guards)
    columns = [row[0] for row in engine.con.execute(f"DESCRIBE {quote_name(right)}").fetchall()]
    looked_at = guard_features(config.guards, columns)
    engine.con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {table} AS
        WITH named AS (
            SELECT p.unique_id_l, p.unique_id_r, p.match_weight, {level_names}, {{{levels}}} AS levels, {{{weights}}} AS weights,
                   ([{rules}])[CAST(p.match_key AS INTEGER) + 1] AS blocking_rule
            FROM {quote_name(scored)} p
        )
        SELECT l.record_key AS record_key_l, r.record_key AS record_key_r, n.match_weight, n.blocking_rule, n.levels, n.weights,
               list_filter(CAST([{guards}] AS VARCHAR[]), lambda g: g IS NOT NULL) AS guards
        FROM named n
        JOIN ({_side_sql("l", left, looked_at)}) l ON l.unique_id = n.unique_id_l
        JOIN ({_side_sql("r", right, looked_at)}) r ON r.unique_id = n.unique_id_r"""
    )


def guard_features(guards: tuple[GuardConfig, ...], columns: list[str]) -> list[str]:
    """Those of ``columns`` that a guard looks at, on either side."""
    words = {word for guard in guards for word in re.findall(r"\w+", guard.sql)}
    return [c for c in columns if f"{c}_l" in words or f"{c}_r" in words]


def _side_sql(side: str, table: str, features: list[str]) -> str:
    columns = ", ".join(
        ["unique_id", "record_key", *(f"{quote_name(f)} AS {quote_name(f'{f}_{side}')}" for f in features)]
    )
    return f"SELECT {columns} FROM {table}"


def _guard_sql(guard: GuardConfig) -> str:
    return f"coalesce(({guard.sql}), false)"


def _weight_sql(name: str, with_term_frequency: bool) -> str:
    weight = "p." + quote_name(f"mw_{name}")
    return f"{weight} + coalesce(p.{quote_name(f'mw_tf_adj_{name}')}, 0)" if with_term_frequency else weight


def _level_name_sql(config: MatchConfig, name: str) -> str:
    comparison = next(c for c in config.comparisons if c.name == name)
    cases = " ".join(f"WHEN {number} THEN {quote_text(level)}" for level, number in gamma_of(comparison).items())
    gamma, level_name = quote_name(f"gamma_{name}"), quote_name(f"level_{name}")
    return f"CASE p.{gamma} {cases} END AS {level_name}"
