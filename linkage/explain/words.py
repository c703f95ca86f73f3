"""What departments, feeds, comparisons, levels, guards and blocking rules are called, from the configuration of the run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linkage.explain.phrases import Language
from linkage.kernel.config import read_yaml

Texts = dict[str, str]


@dataclass(frozen=True)
class Words:
    """Names in one language; what has no name is called by its key."""

    titles: Texts
    rules: Texts
    guards: Texts
    comparisons: Texts
    levels: dict[tuple[str, str], str]
    policies: Texts
    limits: dict[str, str]

    def title(self, name: str) -> str:
        """A department or a feed."""
        return self.titles.get(name, name)

    def blocking_rule(self, name: str) -> str:
        return self.rules.get(name, name)

    def guard(self, name: str) -> str:
        return self.guards.get(name, name)

    def level(self, comparison: str, level: str) -> tuple[str, str]:
        """A comparison and one of its levels."""
        return self.comparisons.get(comparison, comparison), self.levels.get((comparison, level), level)

    def feed_policy(self, feed: str) -> str:
        """Why a feed holds a person once."""
        return self.policies.get(feed, "")

    def thresholds(self) -> dict[str, str]:
        """``join``, ``review`` and ``floor`` in bits."""
        return self.limits


def read_words(config_dir: Path, language: Language) -> Words:
    """Read ``match.yaml`` and ``sources/*.yaml`` of a configuration that was validated when it was used."""
    match = read_yaml(config_dir / "match.yaml")
    sources = [read_yaml(path) for path in sorted((config_dir / "sources").glob("*.yaml"))]
    named = [
        *((s["source"], s["title"]) for s in sources),
        *((f["feed"], f["title"]) for s in sources for f in s["feeds"]),
    ]

    def texts(entries: list[dict[str, Any]], key: str = "name") -> Texts:
        return {entry[key]: entry.get(language) or entry[key] for entry in entries}

    thresholds = match["thresholds"]
    return Words(
        titles={name: title[language] for name, title in named},
        rules=texts(match["blocking"]),
        guards=texts(match.get("guards", [])),
        comparisons=texts(match["comparisons"]),
        levels={
            (c["name"], level["name"]): level.get(language) or level["name"]
            for c in match["comparisons"]
            for level in c["levels"]
        },
        policies=texts((match.get("policy") or {}).get("feeds", []), "feed"),
        limits={name: f"{thresholds[f'{name}_match_weight']:g}" for name in ("join", "review", "floor")},
    )
