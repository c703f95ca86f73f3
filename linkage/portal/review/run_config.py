"""The configuration that a run was made with: it never changes, so each file is read once."""

import json
from functools import lru_cache
from pathlib import Path

from linkage.explain.phrases import Language
from linkage.explain.words import Words, read_words
from linkage.kernel.config import read_config
from linkage.kernel.pair_rules import PairRules, read_pair_rules
from linkage.resolve.config import ResolveConfig

RUNS = 8


@lru_cache(maxsize=RUNS)
def pair_rules_of(run: Path) -> PairRules:
    """Thresholds, guards and link policy of the run."""
    return read_pair_rules(run / "config" / "match.yaml")


@lru_cache(maxsize=RUNS)
def resolve_config_of(run: Path) -> ResolveConfig:
    """How the run resolved persons and households."""
    return read_config(run / "config" / "resolve.yaml", ResolveConfig)


@lru_cache(maxsize=RUNS)
def district_of(run: Path) -> str:
    """The district's code, of which new ids are made."""
    return str(json.loads((run / "run.json").read_text(encoding="utf-8"))["district"])


@lru_cache(maxsize=2 * RUNS)
def words_of_run(run: Path, language: Language) -> Words:
    """What its comparisons, levels and guards are called."""
    return read_words(run / "config", language)
