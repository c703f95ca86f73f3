"""Training: what agreement of two records is worth, learned from the records alone."""

import math
from typing import Any

from linkage.kernel.engine import Engine, quote_name
from linkage.kernel.errors import ConfigurationError, LinkageError
from linkage.match.compared import comparable_pairs, compared_sql
from linkage.match.config import ComparisonConfig, MatchConfig
from linkage.match.features import SQL_PACKAGE, add_term_frequencies
from linkage.match.splink_adapter import (
    comparison_settings,
    drop_splink_tables,
    estimate_m,
    estimate_m_by_expectation_maximisation,
    estimate_u,
)

Probabilities = dict[str, dict[str, float]]
"""Comparison -> level -> probability."""
EM_DIGITS = 9
TELLING_BITS = 1e-6
"""Sums in another order differ in their last digits; a model must not."""


def train(engine: Engine, config: MatchConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train on ``match_features`` and the relation ``judgements``; returns the model and its card (every parameter, for people).

    Leaves the temp table ``term_frequencies``. Raises LinkageError when the labels of the prior find no pair.
    """
    _make_training_labels(engine, config)
    judged = _heed_judgements(engine, config)
    _count_term_frequencies(engine, config)
    add_term_frequencies(engine, config.term_frequency_features)
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE training_input AS SELECT r.*, t.* EXCLUDE (unique_id, person_like_key) FROM match_records r JOIN training_labels t USING (unique_id)"
    )
    records: int = engine.scalar("SELECT count(*) FROM training_input")
    label_pairs = _count_label_pairs(engine, config)
    matches = label_pairs / config.training.prior_recall
    prior = min(0.5, matches / comparable_pairs(engine, config.policy))
    among_random_pairs = min(0.5, matches / (records * (records - 1) / 2))
    m, u = _learn(engine, config, prior, among_random_pairs)
    model = {
        "splink": {
            "link_type": "dedupe_only",
            "comparisons": [comparison_settings(c, _parameters(c, m, u)) for c in config.comparisons],
            "probability_two_random_records_match": prior,
        },
        "gamma": {c.name: [level.name for level in c.levels] for c in config.comparisons},
    }
    card = {
        "training_records": records,
        "pairs_of_prior_labels": label_pairs,
        "judged_pairs": judged,
        "prior_probability": prior,
        "prior_match_weight": round(math.log2(prior / (1 - prior)), 3),
        "method": "Fellegi-Sunter (Splink); m from pairs that a label takes as matches or by expectation-maximisation, u from random pairs less the matches among them; no truth",
        "random_pairs": config.training.random_pairs,
        "seed": config.training.seed,
        "comparisons": [_card_entry(c, m, u) for c in config.comparisons],
    }
    for table in ("training_input", "training_labels"):
        engine.con.execute(f"DROP TABLE IF EXISTS {table}")
    drop_splink_tables(engine)
    return model, card


def _make_training_labels(engine: Engine, config: MatchConfig) -> None:
    """Make ``training_labels``: per record the key of each label, and a key under which a person counts once."""
    keys, labels = [], []
    for label in config.labels:
        key = quote_name(_label_column(label.name))
        keys.append(f"({label.key}) AS {key}")
        labels.append(
            f"sparing_label(k.{key}, {quote_name(label.sparing)}, unique_id) AS {key}" if label.sparing else f"k.{key}"
        )
    engine.run_sql(SQL_PACKAGE, "training_labels")
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE training_labels AS SELECT unique_id, {', '.join(labels)}, "
        f"({config.training.person_like_key}) AS person_like_key "
        f"FROM match_features JOIN (SELECT unique_id, {', '.join(keys)} FROM match_features) k USING (unique_id)"
    )


def _heed_judgements(engine: Engine, config: MatchConfig) -> dict[str, int]:
    """Let stewards' verdicts correct the labels; returns how many pairs they judged the same and different.

    Two records that were judged different teach nothing where a label takes them as one person. Two that were judged the same teach every
    comparison whose label has no key for either.
    """
    engine.run_sql(SQL_PACKAGE, "judged_pairs")
    for label in config.labels:
        key = quote_name(_label_column(label.name))
        both = (
            f"SELECT unique_id_l AS a, unique_id_r AS b, l.{key} AS key_l, r.{key} AS key_r, verdict FROM judged_pairs "
            "JOIN training_labels l ON l.unique_id = unique_id_l JOIN training_labels r ON r.unique_id = unique_id_r"
        )
        engine.con.execute(
            f"UPDATE training_labels SET {key} = NULL WHERE unique_id IN "
            f"(SELECT unnest([a, b]) FROM ({both}) WHERE verdict = 'different' AND key_l = key_r)"
        )
        # A record in several such pairs goes with the first.
        engine.con.execute(
            f"UPDATE training_labels SET {key} = s.key FROM (SELECT unique_id, min(key) AS key FROM "
            f"(SELECT unnest([a, b]) AS unique_id, 'judged ' || a || ' ' || b AS key FROM ({both}) "
            "WHERE verdict = 'same' AND key_l IS NULL AND key_r IS NULL) GROUP BY unique_id) s WHERE s.unique_id = training_labels.unique_id"
        )
    counts = {
        row["verdict"]: row["n"] for row in engine.rows("SELECT verdict, count(*) AS n FROM judged_pairs GROUP BY 1")
    }
    engine.con.execute("DROP TABLE judged_pairs")
    return {verdict: counts.get(verdict, 0) for verdict in ("same", "different")}


def _label_column(name: str) -> str:
    return f"label_{name}"


def _count_term_frequencies(engine: Engine, config: MatchConfig) -> None:
    """Count values once per distinct person-like key, so that somebody in four departments is not four people."""
    engine.con.execute(
        "CREATE OR REPLACE TEMP TABLE term_frequencies (feature VARCHAR, value VARCHAR, frequency DOUBLE)"
    )
    for feature in config.term_frequency_features:
        engine.con.execute(
            f"""INSERT INTO term_frequencies
            WITH persons AS (SELECT DISTINCT person_like_key, {quote_name(feature)} AS value FROM match_features JOIN training_labels USING (unique_id)
                             WHERE {quote_name(feature)} IS NOT NULL)
            SELECT '{feature}', value, count(*) / sum(count(*)) OVER () FROM persons GROUP BY value"""
        )


def _count_label_pairs(engine: Engine, config: MatchConfig) -> int:
    """Distinct pairs, of those the policy lets be compared, that any of the prior's labels finds."""
    only = compared_sql(config.policy)
    pairs = " UNION ".join(
        f"SELECT l.unique_id AS unique_id_l, r.unique_id AS unique_id_r FROM training_input l JOIN training_input r "
        f"ON l.{key} = r.{key} AND l.unique_id < r.unique_id" + (f" AND {only}" if only else "")
        for key in (quote_name(_label_column(name)) for name in config.training.prior_labels)
    )
    found: int = engine.scalar(f"SELECT count(*) FROM ({pairs})")
    if not found:
        raise LinkageError(
            f"The model cannot be trained: no two records agree on {' or '.join(config.training.prior_labels)}.",
            remedy="Check that the columns these labels look at are filled, or bring a model trained elsewhere.",
        )
    return found


def _learn(
    engine: Engine, config: MatchConfig, prior: float, among_random_pairs: float
) -> tuple[Probabilities, Probabilities]:
    """m and u of every level that means something."""
    m: Probabilities = {}
    for label in config.labels:
        chosen = [c for c in config.comparisons if c.train_m_on == label.name]
        m |= estimate_m(engine, "training_input", chosen, _label_column(label.name)) if chosen else {}
    random = estimate_u(engine, "training_input", config)
    unlabelled = [c for c in config.comparisons if c.train_m_on is None]
    if unlabelled:
        m |= _learn_by_expectation_maximisation(engine, config, unlabelled, m, random, prior)
    smallest = config.training.smallest_probability
    u: Probabilities = {}
    for comparison in config.comparisons:
        level_m, level_u = m[comparison.name], random[comparison.name]
        for level in comparison.levels:
            if level.missing:
                continue
            level_m[level.name] = (
                level.m if level.m is not None else max(level_m[level.name], config.training.smallest_m)
            )
            # Random pairs contain true matches; without subtracting them rare agreement looks commoner than it is.
            without_matches = (level_u[level.name] - among_random_pairs * level_m[level.name]) / (
                1 - among_random_pairs
            )
            level_u[level.name] = level.u if level.u is not None else max(without_matches, smallest)
        u[comparison.name] = told_apart(level_m, level_u)
    return m, u


def told_apart(m: dict[str, float], u: dict[str, float]) -> dict[str, float]:
    """``u`` with a millionth less where two levels would weigh the same (rare ones, held at the smallest m and u): the matcher
    reads a pair's level off its weight."""
    seen: list[float] = []
    apart: dict[str, float] = {}
    for level, probability in u.items():
        while any(abs(math.log2(m[level] / probability) - weight) < TELLING_BITS for weight in seen):
            probability *= 1 - 1e-6
        seen.append(math.log2(m[level] / probability))
        apart[level] = probability
    return apart


def _learn_by_expectation_maximisation(
    engine: Engine,
    config: MatchConfig,
    unlabelled: list[ComparisonConfig],
    m: Probabilities,
    random: Probabilities,
    prior: float,
) -> Probabilities:
    smallest = config.training.smallest_probability
    comparisons = [
        comparison_settings(
            c,
            {
                level.name: (m[c.name][level.name] if c.name in m else None, max(random[c.name][level.name], smallest))
                for level in c.levels
                if not level.missing
            },
        )
        for c in config.comparisons
    ]
    only = compared_sql(config.policy)
    rules = [
        " AND ".join([f"l.{quote_name(f)} = r.{quote_name(f)}" for f in features] + ([only] if only else []))
        for features in config.training.expectation_maximisation
    ]
    learned = estimate_m_by_expectation_maximisation(engine, "training_input", comparisons, unlabelled, prior, rules)
    for comparison, levels in learned.items():
        if not any(levels.values()):
            raise ConfigurationError(
                f"Nothing could be learned about the comparison {comparison}.",
                remedy="Give training.expectation_maximisation a list of features that this comparison does not look at.",
            )
    return {c: {name: round(value, EM_DIGITS) for name, value in levels.items()} for c, levels in learned.items()}


def _parameters(
    comparison: ComparisonConfig, m: Probabilities, u: Probabilities
) -> dict[str, tuple[float | None, float]]:
    return {
        level.name: (m[comparison.name][level.name], u[comparison.name][level.name])
        for level in comparison.levels
        if not level.missing
    }


def _card_entry(comparison: ComparisonConfig, m: Probabilities, u: Probabilities) -> dict[str, Any]:
    levels = [
        {
            "name": level.name,
            "zh": level.zh,
            "en": level.en,
            "m": pm,
            "u": pu,
            "match_weight": round(math.log2(pm / pu), 3),
        }
        for level in comparison.levels
        if not level.missing
        for pm, pu in [(m[comparison.name][level.name], u[comparison.name][level.name])]
    ]
    return {"name": comparison.name, "zh": comparison.zh, "en": comparison.en, "levels": levels}
