"""Two records: how their weight comes about, and what keeps them apart."""

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from linkage.explain.evidence import Evidence, Row
from linkage.explain.story import Barrier, Step, Waterfall
from linkage.match.config import MatchConfig, gamma_of


def waterfall(evidence: Evidence, pair: Mapping[str, Any], feeds: Mapping[str, str]) -> Waterfall:
    """The weight of one row of ``scored_pairs``, step by step in the order of match.yaml; ``feeds`` by record key."""
    assert evidence.run is not None
    config = evidence.match_config
    steps = []
    for comparison in config.comparisons:
        names = {number: name for name, number in gamma_of(comparison).items()}
        level = names[pair["levels"][comparison.name]]
        missing = next(lv.missing for lv in comparison.levels if lv.name == level)
        steps.append(Step(comparison.name, level, pair["weights"][comparison.name], missing))
    join, keep = thresholds(config, feeds.get(pair["record_key_l"], ""), feeds.get(pair["record_key_r"], ""))
    return Waterfall(
        record_l=pair["record_key_l"],
        record_r=pair["record_key_r"],
        match_weight=pair["match_weight"],
        prior_match_weight=_prior(evidence.run),
        steps=tuple(steps),
        blocking_rule=pair["blocking_rule"],
        guards=tuple(pair["guards"]),
        join_match_weight=join,
        keep_match_weight=keep,
    )


@cache
def _prior(run: Path) -> float:
    """Weight of a pair about which nothing is known, in bits."""
    import json

    model = json.loads((run / "model" / "model.json").read_text(encoding="utf-8"))
    probability = float(model["splink"]["probability_two_random_records_match"])
    return math.log2(probability / (1 - probability))


def thresholds(config: MatchConfig, feed_l: str, feed_r: str) -> tuple[float, float]:
    """Join and keep threshold of two feeds, in bits."""
    join, keep = config.thresholds.join_match_weight, config.thresholds.keep_match_weight
    declared = config.policy.between(feed_l, feed_r)
    if declared is not None:
        join = join if declared.join_match_weight is None else declared.join_match_weight
        keep = keep if declared.keep_match_weight is None else declared.keep_match_weight
    return join, keep


def barrier(evidence: Evidence, pair: Mapping[str, Any], too_common: tuple[str, ...] = ()) -> Barrier:
    """The first that keeps the two records of ``pair`` apart, in the order in which the resolver asks.

    ``pair`` is a row of ``scored_pairs``, or of a match call (then also pairs that the night did not score).
    """
    config = evidence.match_config
    left, right = pair["record_key_l"], pair["record_key_r"]
    verdict = next(iter(evidence.rows("verdict", left=left, right=right)), {})
    facts = record_facts(evidence, (left, right))
    if verdict.get("verdict") == "different":
        return Barrier("judged_different", judgement=verdict["judgement_id"])
    forbidding = {guard.name for guard in config.guards if guard.effect == "cannot_link"}
    for guard in pair["guards"]:
        if guard in forbidding:
            return Barrier("guard", guard=guard)
    feed = facts[left]["feed"]
    if feed == facts[right]["feed"] and facts[left]["held_once"] and facts[right]["held_once"]:
        return Barrier("duplicate_free", feed=feed)
    numbers = {facts[key]["good_number"] for key in (left, right)}
    if None not in numbers and len(numbers) == 2:
        return Barrier("two_numbers")
    return _weight_barrier(config, pair, feed, facts[right]["feed"], too_common)


def _weight_barrier(
    config: MatchConfig, pair: Mapping[str, Any], feed_l: str, feed_r: str, too_common: tuple[str, ...]
) -> Barrier:
    limits = config.thresholds
    join, _ = thresholds(config, feed_l, feed_r)
    if pair["blocking_rule"] is None:
        if not config.policy.compares(feed_l, feed_r):
            return Barrier("not_compared_feeds")
        return Barrier("too_common", rules=too_common) if too_common else Barrier("no_rule")
    if pair["match_weight"] < limits.floor_match_weight:
        return Barrier("below_floor")
    if pair["match_weight"] < limits.review_match_weight:
        return Barrier("below_review")
    return Barrier("below_join") if pair["match_weight"] < join else Barrier("elsewhere")


def record_facts(evidence: Evidence, keys: tuple[str, ...]) -> dict[str, Row]:
    """Feed, good number and ``held_once`` (live in a feed that holds a person once) of each record."""
    once = evidence.match_config.policy.held_once_sql("r")
    held = evidence.engine.rows(
        f"SELECT record_key, {once} IS NOT NULL AS held_once FROM common_records r WHERE record_key IN (SELECT unnest($keys))",
        {"keys": list(keys)},
    )
    facts = {row["record_key"]: row for row in evidence.rows("number_and_feed", keys=list(keys))}
    return {row["record_key"]: facts[row["record_key"]] | row for row in held}
