"""The thresholds of pairs of feeds that the link policy names."""

import pyarrow as pa

from linkage.kernel.engine import Engine
from linkage.kernel.pair_rules import PairRules

SQL_PACKAGE = "linkage.resolve"


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
