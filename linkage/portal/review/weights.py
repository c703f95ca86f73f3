"""Weights of the pairs of a case: the deciding pair step by step, all pairs as a matrix, and what makes two cases alike."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from linkage.explain.evidence import open_evidence
from linkage.explain.pairs import waterfall
from linkage.explain.story import Waterfall
from linkage.kernel.run import State
from linkage.portal.register import Register
from linkage.portal.review.lookups import among

Row = dict[str, Any]
PairKey = frozenset[str]


def read_pairs(register: Register, keys: Collection[str]) -> dict[PairKey, Row]:
    """The scored pairs among ``keys``; empty when the run is gone."""
    if register.run is None:
        return {}
    (left, bound), (right, also) = among("record_key_l", keys, "l"), among("record_key_r", keys, "r")
    pairs = register.holding("scored_pairs", keys)
    rows = register.rows(f"SELECT * FROM {pairs} WHERE {left} AND {right}", **bound, **also)
    return {pair_key(row): row for row in rows}


def read_all_pairs(register: Register, keys: Sequence[str]) -> dict[PairKey, Row]:
    """As ``read_pairs``, and what the night did not compare is scored now by its model; takes seconds."""
    from linkage.match.on_demand import score_given_records

    found = read_pairs(register, keys)
    for position, key in enumerate(keys[:-1]):
        missing = [other for other in keys[position + 1 :] if frozenset((key, other)) not in found]
        if missing and register.run is not None:
            for row in score_given_records(register.run, [key], missing).pairs:
                found.setdefault(pair_key(row), row)
    return found


def pair_key(row: Mapping[str, Any]) -> PairKey:
    """A pair whatever its order."""
    return frozenset((row["record_key_l"], row["record_key_r"]))


def deciding_pair(asked: Sequence[str], pairs: Mapping[PairKey, Row]) -> PairKey | None:
    """The case's first two records; where it names more and these were not compared, the weakest link that the rest hangs on."""
    first = frozenset(asked[:2])
    if first in pairs or len(asked) == 2:
        return first
    tree: dict[str, str] = {key: key for key in asked}

    def root(key: str) -> str:
        while tree[key] != key:
            key = tree[key]
        return key

    weakest = None
    for pair, _ in sorted(pairs.items(), key=lambda item: (-item[1]["match_weight"], sorted(item[0]))):
        left, right = sorted(pair)
        if left in tree and right in tree and root(left) != root(right):
            tree[root(right)] = root(left)
            weakest = pair
    return weakest


def proposed_groups(keys: Sequence[str], pairs: Mapping[PairKey, Row], least_match_weight: float) -> dict[str, int]:
    """Records that pairs of at least this weight hold together, numbered from 1 in the order of ``keys``: a suggestion to begin from."""
    group = {key: number for number, key in enumerate(keys)}
    for pair, row in pairs.items():
        left, right = sorted(pair)
        if row["match_weight"] >= least_match_weight and left in group and right in group:
            low, high = sorted((group[left], group[right]))
            group = {key: low if number == high else number for key, number in group.items()}
    numbers = {number: place for place, number in enumerate(dict.fromkeys(group[key] for key in keys), 1)}
    return {key: numbers[group[key]] for key in keys}


def read_waterfall(state: State, register: Register, pair: Row, feeds: Mapping[str, str]) -> Waterfall:
    """How the weight of ``pair`` comes about; ``feeds`` by record key."""
    with open_evidence(state.root, register.release.name) as evidence:
        return waterfall(evidence, pair, feeds)


def pattern_of(kind: str, pair: Row | None) -> str | None:
    """What makes two cases alike: the kind, the level of every comparison of the deciding pair, and its guards; no value enters."""
    if pair is None or kind == "quality_sample":
        return None
    levels = " ".join(f"{name}={level}" for name, level in sorted(pair["levels"].items()))
    return hashlib.sha256(f"{kind} {levels} {' '.join(sorted(pair['guards']))}".encode()).hexdigest()[:32]


def odds_sentence(fall: Waterfall) -> tuple[str, str]:
    """The weight as a plain sentence in both languages."""
    weight, limit = fall.match_weight, fall.join_match_weight
    odds = 2 ** min(abs(weight), 40)
    zh_odds, en_odds = f"{odds:,.0f}" if odds >= 10 else f"{odds:.1f}", f"{odds:,.0f}" if odds >= 10 else f"{odds:.1f}"
    zh = f"合计 {weight:+.1f} 比特：约 {zh_odds} 比 1 {'支持' if weight >= 0 else '反对'}是同一人；合并线为 {limit:g} 比特，此对{'达到' if weight >= limit else '不到'}。"
    en = f"Together {weight:+.1f} bits: about {en_odds} to 1 {'for' if weight >= 0 else 'against'} one person; the join threshold is {limit:g} bits and the pair {'reaches' if weight >= limit else 'does not reach'} it."
    return zh, en
