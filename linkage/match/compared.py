"""Which pairs of feeds the link policy lets the matcher compare."""

from itertools import combinations_with_replacement

from linkage.kernel.engine import Engine, quote_text
from linkage.kernel.link_policy import LinkPolicy


def compared_sql(policy: LinkPolicy) -> str | None:
    """Condition over the records l and r; None when all pairs are compared."""
    conditions = []
    if policy.link_type == "link_only":
        conditions.append("l.feed <> r.feed")
    if policy.link_type == "dedupe_only":
        conditions.append("l.feed = r.feed")
    for low, high in (sorted(p.feeds) for p in policy.pairs if not p.compare):
        conditions.append(
            f"NOT (least(l.feed, r.feed) = {quote_text(low)} AND greatest(l.feed, r.feed) = {quote_text(high)})"
        )
    return " AND ".join(conditions) or None


def comparable_pairs(engine: Engine, policy: LinkPolicy) -> int:
    """How many pairs of the records in ``match_features`` the policy lets be compared, blocking aside."""
    records = {
        row["feed"]: row["n"] for row in engine.rows("SELECT feed, count(*) AS n FROM match_features GROUP BY ALL")
    }
    pairs = 0
    for left, right in combinations_with_replacement(sorted(records), 2):
        if policy.compares(left, right):
            pairs += records[left] * (records[left] - 1) // 2 if left == right else records[left] * records[right]
    return pairs
