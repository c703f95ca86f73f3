"""What the estimates need from ``config/match.yaml``: the join threshold and which guards forbid a link.

A stage never imports another stage, so the few keys are read here.
"""

from dataclasses import dataclass
from pathlib import Path

from linkage.kernel.config import read_yaml


@dataclass(frozen=True)
class Decision:
    """How the machine decides about a pair: it joins from ``join_match_weight`` (bits) unless one of the guards speaks."""

    join_match_weight: float
    cannot_link_guards: tuple[str, ...]


def read_decision(path: Path) -> Decision:
    """Read ``match.yaml`` (already validated by the match stage)."""
    data = read_yaml(path)
    return Decision(
        join_match_weight=float(data["thresholds"]["join_match_weight"]),
        cannot_link_guards=tuple(g["name"] for g in data.get("guards", ()) if g["effect"] == "cannot_link"),
    )
