"""The closed model of ``config/match.yaml``: blocking rules, comparisons, guards, thresholds, training."""

from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from linkage.kernel.config import ClosedModel


class Level(ClosedModel):
    """One comparison level; the first whose SQL is true counts. A missing value is never disagreement."""

    name: str
    """Short name, unique in its comparison."""
    zh: str
    """Chinese, for the report."""
    en: str
    """English."""
    sql: str
    """Condition over the features of two records (suffixes _l and _r); ELSE for the last level."""
    missing: bool = False
    """True for the level that means 'nothing to compare': it has weight zero."""
    term_frequency: str | None = None
    """Feature whose frequency sharpens this level: agreeing on a rare value weighs more."""
    m: float | None = None
    """Fix the share among matches instead of estimating it (say why in a comment)."""
    u: float | None = None
    """Fix the share among non-matches instead of estimating it (say why in a comment)."""


class ComparisonConfig(ClosedModel):
    """How one aspect of two records is compared."""

    name: str
    """Short name; output columns are named after it."""
    zh: str
    """Chinese, for the report."""
    en: str
    """English."""
    train_m_on: Literal["good_number", "name_and_birth", "name_and_home", "birth_and_home"] = "good_number"
    """Pairs taken as matches, without labels, to learn m: same good identity number; or what this comparison does not look
    at: same name, birth date and home (a phone where no dwelling is known); same name and home; same birth date, sex and home."""
    levels: tuple[Level, ...]
    """From strongest agreement to ELSE."""

    @model_validator(mode="after")
    def _ends_with_else(self) -> Self:
        if self.levels[-1].sql.strip().upper() != "ELSE":
            raise ValueError(f"comparison {self.name}: the last level must be ELSE")
        if len({level.name for level in self.levels}) != len(self.levels):
            raise ValueError(f"comparison {self.name}: level names must be unique")
        return self


class BlockingRuleConfig(ClosedModel):
    """Pairs worth comparing: records that agree on all ``columns``."""

    name: str
    """Short name; stored with each pair as the rule that found it."""
    zh: str
    """Chinese, for the report."""
    en: str
    """English."""
    columns: tuple[str, ...]
    """Features (or SQL over them) that must be equal."""
    explode: tuple[str, ...] = ()
    """Those of the columns that are lists: any common element counts."""
    largest_block: int = 2000
    """A value shared by more records than this is left out of this rule (it is reported)."""


class GuardConfig(ClosedModel):
    """A named rule that speaks against a pair, as a predicate over two records."""

    name: str
    """Short name."""
    zh: str
    """The rule as a Chinese sentence."""
    en: str
    """The rule as an English sentence."""
    sql: str
    """Predicate over features with suffixes _l and _r and over level_<comparison>."""
    effect: Literal["cannot_link", "review"]
    """cannot_link: the two are never one person. review: they may be, but a person should look."""


class Thresholds(ClosedModel):
    """All in bits of match weight (log2 Bayes factor, prior included)."""

    join_match_weight: float
    """From here two records join."""
    keep_match_weight: float
    """From here two records that were one person yesterday stay together."""
    review_match_weight: float
    """From here (below join) a pair of otherwise unlinked persons goes to the stewards."""
    floor_match_weight: float
    """Pairs below are not kept."""


class Training(ClosedModel):
    """How the model is learned, without labels."""

    seed: int = 1
    """Seed of the random sample."""
    random_pairs: int = 10_000_000
    """Pairs drawn at random to learn u."""
    number_recall: float = 0.5
    """Expected share of all true pairs in which both records carry the same good number (gives the prior)."""
    smallest_probability: float = 1e-6
    """A level never seen among random pairs gets this probability, so that no weight is infinite."""
    smallest_m: float = 0.0005
    """A level never seen among matches gets this probability: a mistake nobody made yet is rare, not impossible."""


class HoldoutConfig(ClosedModel):
    """Records whose label is hidden from the model each night, to estimate how well records without it are linked."""

    label: str
    """Feature that tells who somebody is: records that share it are one person."""
    hide: tuple[str, ...]
    """Features that are the label, or come from it: always hidden."""
    hide_when: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Flag -> features that come from the label in records with that flag, and are hidden there."""
    records: int = 6000
    """Records hidden each night."""
    records_per_subgroup: int = 800
    """Records of each small subgroup (all, if it has fewer); the rest of the sample is drawn from everybody else."""


class MatchConfig(ClosedModel):
    """Everything the matcher is told."""

    thresholds: Thresholds
    """When pairs join, stay, or go to people."""
    training: Training = Training()
    """How the model is learned."""
    term_frequency_features: tuple[str, ...] = Field(default=())
    """Features whose frequencies are pinned with the model, counted over distinct persons, not records."""
    blocking: tuple[BlockingRuleConfig, ...]
    """Which pairs are compared."""
    comparisons: tuple[ComparisonConfig, ...]
    """How they are compared."""
    guards: tuple[GuardConfig, ...] = ()
    """What speaks against a pair whatever its weight."""
    holdout: HoldoutConfig | None = None
    """How the night's own error is measured; without it there is no such measurement."""

    @model_validator(mode="after")
    def _ordered_thresholds(self) -> Self:
        t = self.thresholds
        if not t.join_match_weight >= t.keep_match_weight >= t.floor_match_weight:
            raise ValueError("thresholds must fall: join_match_weight >= keep_match_weight >= floor_match_weight")
        return self

    @cached_property
    def comparison_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.comparisons)
