"""The closed model of the link policy: which feed may hold one person twice, which feeds are compared, and how strictly.

The matcher and the resolver both read it from ``match.yaml``.
"""

from typing import Literal, Self

from pydantic import model_validator

from linkage.kernel.config import ClosedModel
from linkage.kernel.engine import quote_text

LinkType = Literal["link_and_dedupe", "link_only", "dedupe_only"]


class FeedPolicy(ClosedModel):
    """What is known about one feed."""

    feed: str
    """Feed as in ``config/sources``; for plain tables, the source."""
    zh: str = ""
    """Why, in Chinese."""
    en: str = ""
    """Why, in English."""
    duplicate_free: bool
    """True: two live records of this feed are never one person, whatever links them. False: it may hold one person twice."""
    live: str = "true"
    """SQL over the common record (for plain tables, the input): which records are live. Others may repeat a person."""


class PairPolicy(ClosedModel):
    """What holds between two feeds, or within one."""

    feeds: tuple[str, str]
    """The two feeds, in any order; twice the same for pairs within one."""
    zh: str = ""
    """Why, in Chinese."""
    en: str = ""
    """Why, in English."""
    compare: bool = True
    """False: their records are never compared (a third record may still bring them together)."""
    join_match_weight: float | None = None
    """Join threshold of these pairs in bits, instead of the general one."""
    keep_match_weight: float | None = None
    """Keep threshold of these pairs in bits, instead of the general one."""


class LinkPolicy(ClosedModel):
    """Which pairs of records may be one person at all. What is not named here is allowed and follows the general thresholds."""

    link_type: LinkType = "link_and_dedupe"
    """Splink's words: pairs within and between feeds (link_and_dedupe), only between (link_only), only within (dedupe_only)."""
    feeds: tuple[FeedPolicy, ...] = ()
    """Feeds about which something is known."""
    pairs: tuple[PairPolicy, ...] = ()
    """Pairs of feeds for which something else holds."""

    def between(self, feed_l: str, feed_r: str) -> PairPolicy | None:
        """What is declared about two feeds, named in any order."""
        return next((pair for pair in self.pairs if sorted(pair.feeds) == sorted((feed_l, feed_r))), None)

    def compares(self, feed_l: str, feed_r: str) -> bool:
        """Whether records of these feeds are compared."""
        declared = self.between(feed_l, feed_r)
        return (declared is None or declared.compare) and self.link_type != (
            "link_only" if feed_l == feed_r else "dedupe_only"
        )

    def held_once_sql(self, record: str) -> str:
        """SQL over the common record ``record``: its feed, if the feed is free of duplicates and the record live; null elsewhere."""
        cases = " ".join(
            f"WHEN {record}.feed = {quote_text(f.feed)} AND coalesce(({f.live}), false) THEN {record}.feed"
            for f in self.feeds
            if f.duplicate_free
        )
        return f"CASE {cases} END" if cases else "CAST(NULL AS VARCHAR)"

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        feeds = [f.feed for f in self.feeds]
        pairs = [tuple(sorted(p.feeds)) for p in self.pairs]
        for repeated in [f for f in feeds if feeds.count(f) > 1] + [p for p in pairs if pairs.count(p) > 1]:
            raise ValueError(f"{repeated} is named twice")
        return self
