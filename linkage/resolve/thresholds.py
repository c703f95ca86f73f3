"""What the resolver needs from ``config/match.yaml``: thresholds, which guards forbid a link, and the link policy.

A stage never imports another stage, so the few keys are read here by their own small model.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from linkage.kernel.config import read_yaml
from linkage.kernel.engine import Engine
from linkage.kernel.link_policy import LinkPolicy

SQL_PACKAGE = "linkage.resolve"


@dataclass(frozen=True)
class PairRules:
    """Thresholds in bits of match weight, and the names of guards whose word is final."""

    join_match_weight: float
    keep_match_weight: float
    review_match_weight: float
    cannot_link_guards: tuple[str, ...]
    policy: LinkPolicy


def read_pair_rules(path: Path) -> PairRules:
    """Read ``match.yaml`` (already validated by the match stage)."""
    data = read_yaml(path)
    thresholds = data["thresholds"]
    return PairRules(
        join_match_weight=float(thresholds["join_match_weight"]),
        keep_match_weight=float(thresholds["keep_match_weight"]),
        review_match_weight=float(thresholds["review_match_weight"]),
        cannot_link_guards=tuple(g["name"] for g in data.get("guards", ()) if g["effect"] == "cannot_link"),
        policy=LinkPolicy.model_validate(data.get("policy") or {}),
    )


def make_pair_thresholds(engine: Engine, rules: PairRules) -> None:
    """Make ``pair_thresholds(feed_l, feed_r, join_match_weight, keep_match_weight)``; feeds not in it follow the general ones."""
    declared = [p for p in rules.policy.pairs if (p.join_match_weight, p.keep_match_weight) != (None, None)]
    columns = {
        "feed_l": pa.array([p.feeds[0] for p in declared], pa.string()),
        "feed_r": pa.array([p.feeds[1] for p in declared], pa.string()),
        "join_match_weight": pa.array([p.join_match_weight for p in declared], pa.float64()),
        "keep_match_weight": pa.array([p.keep_match_weight for p in declared], pa.float64()),
    }
    engine.load_arrow("declared_thresholds", pa.table(columns))
    general = {"join_match_weight": rules.join_match_weight, "keep_match_weight": rules.keep_match_weight}
    engine.run_sql(SQL_PACKAGE, "pair_thresholds", general)
