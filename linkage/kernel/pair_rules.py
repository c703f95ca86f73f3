"""What other stages than the matcher need from ``config/match.yaml``: thresholds, which guards forbid a link, and the link policy.

A stage never imports another stage, so the few keys are read here, once.
"""

from dataclasses import dataclass
from pathlib import Path

from linkage.kernel.config import read_yaml
from linkage.kernel.link_policy import LinkPolicy


@dataclass(frozen=True)
class PairRules:
    """Thresholds in bits of match weight, the guards whose word is final, and what each guard says, for people."""

    join_match_weight: float
    keep_match_weight: float
    review_match_weight: float
    cannot_link_guards: tuple[str, ...]
    guard_texts: tuple[tuple[str, str, str], ...]
    """(name, Chinese, English) of every guard."""
    policy: LinkPolicy

    @property
    def least_join_match_weight(self) -> float:
        """The lowest weight at which any two records join, in bits."""
        declared = [pair.join_match_weight for pair in self.policy.pairs if pair.join_match_weight is not None]
        return min([self.join_match_weight, *declared])


def read_pair_rules(path: Path) -> PairRules:
    """Read ``match.yaml`` (already validated by the match stage)."""
    data = read_yaml(path)
    thresholds = data["thresholds"]
    return PairRules(
        join_match_weight=float(thresholds["join_match_weight"]),
        keep_match_weight=float(thresholds["keep_match_weight"]),
        review_match_weight=float(thresholds["review_match_weight"]),
        cannot_link_guards=tuple(g["name"] for g in data.get("guards", ()) if g["effect"] == "cannot_link"),
        guard_texts=tuple((g["name"], g["zh"], g["en"]) for g in data.get("guards", ())),
        policy=LinkPolicy.model_validate(data.get("policy") or {}),
    )
