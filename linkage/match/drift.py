"""Drift: whether linked pairs still agree as the model learned, and as they did on the nights before.

Method. The shares of the comparison levels among linked pairs are held against an expected distribution by the Jensen-Shannon
divergence (Lin 1991, Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37(1)): symmetric,
between 0 and 1 bit, and defined where a level was never seen, which the population stability index is not. For small changes
it is about one sixth of that index. A night has all scored pairs, also those carried over, so every night counts them all.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from linkage.kernel.engine import Engine
from linkage.match.config import MatchConfig, gamma_of
from linkage.match.features import SQL_PACKAGE
from linkage.match.splink_adapter import m_of

LEVEL_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("comparison", "comparison_zh", "comparison_en", "level", "zh", "en")),
        *((name, pa.int32()) for name in ("gamma", "position")),
        ("m", pa.float64()),
    ]
)
BAND_EDGES_BITS = (8, 16, 32)
"""Bands of match weight, in bits above the join threshold."""
# Not comparisons of the model, but watched like them: how heavy linked pairs are, and how many pairs lie between the review and the join threshold.
WEIGHTS = {"comparison": "match_weight", "comparison_zh": "匹配权重", "comparison_en": "match weight"}
BANDS = ("0-8", "8-16", "16-32", "32+")
BETWEEN = {
    "comparison": "between_thresholds",
    "comparison_zh": "两线之间的配对",
    "comparison_en": "pairs between the thresholds",
}
BETWEEN_LEVELS = (
    ("joins", "达合并线", "from the join threshold on"),
    ("between", "介于复核线与合并线", "between review and join threshold"),
)


def make_drift(
    engine: Engine, config: MatchConfig, model: Mapping[str, Any], model_id: str, night: str, before: Path | None
) -> None:
    """Make ``level_counts``, ``drift`` and ``signals`` (contracts of these names) from scored_pairs and match_features.

    ``before`` holds level_counts of the run behind the last night; None if there is none.
    """
    engine.load_arrow("comparison_levels", pa.Table.from_pylist(_levels(config, model), schema=LEVEL_SCHEMA))
    engine.read_or_empty("counts_before", "level_counts", before)
    engine.con.execute(
        "CREATE OR REPLACE TEMP VIEW feed_sources AS SELECT feed, min(source) AS source FROM common_records GROUP BY feed"
    )
    parameters = {
        "night": night,
        "model_id": model_id,
        "join_match_weight": config.thresholds.join_match_weight,
        "review_match_weight": config.thresholds.review_match_weight,
        "edges": [config.thresholds.join_match_weight + bits for bits in BAND_EDGES_BITS],
        "cannot_link_guards": [g.name for g in config.guards if g.effect == "cannot_link"],
    } | config.drift.model_dump()
    for name in ("level_counts", "drift", "drift_signals"):
        engine.run_sql(SQL_PACKAGE, name, parameters)


def _levels(config: MatchConfig, model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All levels of all comparisons in the order of the configuration, with the share among matches that the model learned."""
    learned = m_of(model)
    rows: list[dict[str, Any]] = [
        {"comparison": c.name, "comparison_zh": c.zh or c.name, "comparison_en": c.en or c.name}
        | {"level": level.name, "zh": level.zh or level.name, "en": level.en or level.name}
        | {"gamma": gamma_of(c)[level.name], "position": position, "m": learned[c.name].get(level.name)}
        for c in config.comparisons
        for position, level in enumerate(c.levels)
    ]
    rows += [
        WEIGHTS
        | {"level": band, "zh": f"合并线上 {band} bit", "en": f"{band} bits above the join threshold"}
        | {"gamma": position, "position": position}
        for position, band in enumerate(BANDS)
    ]
    rows += [
        BETWEEN | {"level": level, "zh": zh, "en": en, "gamma": position, "position": position}
        for position, (level, zh, en) in enumerate(BETWEEN_LEVELS)
    ]
    return rows
