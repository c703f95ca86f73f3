"""The one place that knows Splink: training parameters and scoring pairs on the engine's connection.

Method: Fellegi and Sunter (1969) as implemented by Splink 5. Parameters are learned without knowing any truth: m on pairs
that a declared label takes as matches, or by expectation-maximisation; u on random pairs.
"""

import itertools
import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any

from splink import DuckDBAPI, Linker, SettingsCreator

from linkage.kernel.engine import Engine, quote_name
from linkage.match.config import BlockingRuleConfig, ComparisonConfig, MatchConfig

logging.getLogger("splink").setLevel(logging.ERROR)
SAME_WEIGHT = 1e-9
"""Two weights closer than this (bits) are one."""


def comparison_settings(
    comparison: ComparisonConfig, parameters: Mapping[str, tuple[float | None, float]] | None = None
) -> dict[str, Any]:
    """One comparison as Splink reads it; ``parameters`` maps level name to (m, u), m None where it is still to be learned."""
    levels: list[dict[str, Any]] = []
    for level in comparison.levels:
        entry: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.name}
        if level.missing:
            entry["is_null_level"] = True
        else:
            if level.term_frequency:
                entry |= {
                    "tf_adjustment_column": level.term_frequency,
                    "tf_adjustment_weight": 1.0,
                    "disable_tf_exact_match_detection": True,
                }
            if parameters:
                m, entry["u_probability"] = parameters[level.name]
                if m is not None:
                    entry["m_probability"] = m
        levels.append(entry)
    return {"output_column_name": comparison.name, "comparison_levels": levels}


def m_of(model: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Share of each level among matches, as a model has it: comparison -> level -> m, without missing."""
    return {
        comparison["output_column_name"]: {
            level["label_for_charts"]: level["m_probability"]
            for level in comparison["comparison_levels"]
            if not level.get("is_null_level")
        }
        for comparison in model["splink"]["comparisons"]
    }


def estimate_m(
    engine: Engine, table: str, comparisons: Iterable[ComparisonConfig], label: str
) -> dict[str, dict[str, float]]:
    """Share of each level among pairs of records that agree on the column ``label``."""
    chosen = list(comparisons)
    linker = _linker(
        engine, table, {"link_type": "dedupe_only", "comparisons": [comparison_settings(c) for c in chosen]}
    )
    linker.training.estimate_m_from_label_column(label)
    return _trained(linker, chosen, "m_probability")


def estimate_u(engine: Engine, table: str, config: MatchConfig) -> dict[str, dict[str, float]]:
    """Share of each level among pairs drawn at random (true matches still included)."""
    linker = _linker(
        engine, table, {"link_type": "dedupe_only", "comparisons": [comparison_settings(c) for c in config.comparisons]}
    )
    linker.training.estimate_u_using_random_sampling(
        max_pairs=config.training.random_pairs, seed=config.training.seed, min_count_per_level=None, num_chunks=1
    )
    return _trained(linker, config.comparisons, "u_probability")


def estimate_m_by_expectation_maximisation(
    engine: Engine,
    table: str,
    comparisons: Iterable[Mapping[str, Any]],
    wanted: Iterable[ComparisonConfig],
    prior: float,
    rules: Iterable[str],
) -> dict[str, dict[str, float]]:
    """Share of each level of ``wanted`` among matches, learned over the pairs of each blocking rule and averaged by Splink.

    ``comparisons`` are all of the model, as Splink reads them, with u known and m where a label taught it. A rule
    teaches the comparisons that do not look at its columns.
    """
    settings = {
        "link_type": "dedupe_only",
        "comparisons": list(comparisons),
        "probability_two_random_records_match": prior,
    }
    linker = _linker(engine, table, settings)
    for rule in rules:
        linker.training.estimate_parameters_using_expectation_maximisation(rule, estimate_without_term_frequencies=True)
    return _trained(linker, wanted, "m_probability")


def score_pairs(
    engine: Engine,
    table: str,
    model: Mapping[str, Any],
    rules: Iterable[BlockingRuleConfig],
    floor_match_weight: float | None,
    only: str | None = None,
    always: str | None = None,
) -> tuple[str, str]:
    """Score all pairs that a rule finds; returns the names of two tables: blocked pairs and scored pairs.

    ``only`` is a condition over the records l and r that every pair must meet; with ``always`` the pairs that meet this
    condition are scored instead of those that a rule finds. Without a floor all pairs are kept.

    Scored pairs have ``unique_id_l < unique_id_r``, ``match_key`` (position of the rule), ``match_weight``, and
    per comparison ``gamma_<name>`` and ``mw_<name>`` (with ``mw_tf_adj_<name>``).
    """
    weights = level_weights(model["splink"])
    found = [{"blocking_rule": always}] if always else [blocking_rule_settings(rule, only) for rule in rules]
    settings = dict(model["splink"]) | {
        "blocking_rules_to_generate_predictions": found,
        # Splink keeps the levels (gamma) only together with every compared column, which takes more than half of its time.
        "retain_matching_columns": weights is None,
        "retain_intermediate_calculation_columns": True,
    }
    linker = _linker(engine, table, settings)
    blocked = linker.inference.compute_blocked_pairs_for_predict()
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE blocked_pairs AS SELECT match_key, count(*) AS pairs FROM {quote_name(blocked.physical_name)} GROUP BY 1"
    )
    scored = linker.inference.predict(threshold_match_weight=floor_match_weight).physical_name
    if weights is None:
        return "blocked_pairs", scored
    levels = ", ".join(
        f"{_level_sql(name, of_level)} AS {quote_name(f'gamma_{name}')}" for name, of_level in weights.items()
    )
    engine.con.execute(f"CREATE OR REPLACE TEMP VIEW levelled_pairs AS SELECT *, {levels} FROM {quote_name(scored)}")
    return "blocked_pairs", "levelled_pairs"


def level_weights(splink: Mapping[str, Any]) -> dict[str, dict[int, float]] | None:
    """Match weight in bits of each level (Splink's number) of each comparison; None if two levels of one weigh the same."""
    found: dict[str, dict[int, float]] = {}
    for comparison in splink["comparisons"]:
        levels = comparison["comparison_levels"]
        real = [level for level in levels if not level.get("is_null_level")]
        weights = {
            len(real) - 1 - place: math.log2(level["m_probability"] / level["u_probability"])
            for place, level in enumerate(real)
        }
        if len(real) < len(levels):
            weights[-1] = 0.0
        ordered = sorted(weights.values())
        if any(heavier - lighter <= 2 * SAME_WEIGHT for lighter, heavier in itertools.pairwise(ordered)):
            return None
        found[comparison["output_column_name"]] = weights
    return found


def _level_sql(name: str, weights: Mapping[int, float]) -> str:
    weight = quote_name(f"mw_{name}")
    cases = " ".join(f"WHEN abs({weight} - {value!r}) < {SAME_WEIGHT} THEN {level}" for level, value in weights.items())
    return f"CASE {cases} END"


def score_between(
    engine: Engine, left: str, right: str, model: Mapping[str, Any], config: MatchConfig, only: str | None = None
) -> str:
    """Score the pairs of a record of ``left`` with one of ``right`` that a rule finds; returns the name of the table.

    Columns as in ``score_pairs``, but ``unique_id_l`` is always of ``left`` and a pair of equal ids is possible.
    Every value of ``left`` that has a term frequency must stand in ``right`` too.
    """
    settings = dict(model["splink"]) | {
        "blocking_rules_to_generate_predictions": [blocking_rule_settings(rule, only) for rule in config.blocking],
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
    }
    api = DuckDBAPI(connection=engine.con)
    # predict_between joins the frequencies once more even where the records carry them (Splink 5.0.0): give it look-ups.
    carried = [quote_name(f"tf_{feature}") for feature in config.term_frequency_features]
    sides = []
    for table in (left, right):
        view = f"{table}_without_frequencies"
        excluded = f"EXCLUDE ({', '.join(carried)})" if carried else ""
        engine.con.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * {excluded} FROM {table}")
        sides.append(api.register(view))
    linker = Linker(sides[1], SettingsCreator(**settings), log_level=None, validate_settings=False)
    for feature, frequency in zip(config.term_frequency_features, carried, strict=True):
        lookup = f"frequency_of_{feature}"
        engine.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {lookup} AS SELECT DISTINCT {feature}, {frequency} FROM {right} WHERE {feature} IS NOT NULL"
        )
        linker.table_management.register_term_frequency_lookup(api.register(lookup), feature)
    scored = linker.inference.predict_between(*sides, threshold_match_weight=config.thresholds.floor_match_weight)
    return str(scored.physical_name)


def blocking_rule_settings(rule: BlockingRuleConfig, only: str | None = None) -> dict[str, Any]:
    """A rule as Splink reads it: equality of the column that ``add_blocking_columns`` prepared, and the condition ``only``."""
    column = f"block_{rule.name}"
    equal = f"l.{column} = r.{column}"
    settings: dict[str, Any] = {"blocking_rule": f"{equal} AND {only}" if only else equal}
    if rule.explode:
        settings["arrays_to_explode"] = [column]
    return settings


def drop_splink_tables(engine: Engine) -> None:
    """Remove what Splink left in the engine."""
    for (name,) in engine.con.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_name LIKE '\\_\\_splink\\_\\_%' ESCAPE '\\'"
    ).fetchall():
        engine.con.execute(f"DROP TABLE IF EXISTS {quote_name(name)}")
        engine.con.execute(f"DROP VIEW IF EXISTS {quote_name(name)}")


def _linker(engine: Engine, table: str, settings: Mapping[str, Any]) -> Linker:
    api = DuckDBAPI(connection=engine.con)
    return Linker(api.register(table), SettingsCreator(**settings), log_level=None, validate_settings=False)


def _trained(linker: Linker, comparisons: Iterable[ComparisonConfig], parameter: str) -> dict[str, dict[str, float]]:
    """Read the estimates back; a level Splink never saw gets zero."""
    by_name = {c["output_column_name"]: c for c in linker.misc.save_model_to_json()["comparisons"]}
    found: dict[str, dict[str, float]] = {}
    for comparison in comparisons:
        levels = by_name[comparison.name]["comparison_levels"]
        found[comparison.name] = {
            level["label_for_charts"]: value if isinstance(value := level.get(parameter), float) else 0.0
            for level in levels
            if not level.get("is_null_level")
        }
    return found
