"""The closed model of ``config/match.yaml``: features, blocking rules, comparisons, guards, thresholds, training.

A specification is configuration only: with ``features`` it links any table, not just residents' records.
"""

from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from linkage.kernel.config import ClosedModel
from linkage.kernel.link_policy import LinkPolicy
from linkage.match.drift_config import DriftConfig
from linkage.match.training_config import LabelConfig, Training


class InputConfig(ClosedModel):
    """How ``linkage link`` names the records of plain tables; a night does not need it."""

    record_id: str
    """Input column, or SQL over the input's columns, that names a record; unique within its source."""
    source: str | None = None
    """SQL that names the data set a record comes from; empty: the name of its file. It is also the record's feed."""


class Level(ClosedModel):
    """One comparison level; the first whose SQL is true counts. A missing value is never disagreement."""

    name: str
    """Short name, unique in its comparison."""
    zh: str = ""
    """Chinese, for the report."""
    en: str = ""
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
    zh: str = ""
    """Chinese, for the report."""
    en: str = ""
    """English."""
    train_m_on: str | None = None
    """Label on whose pairs m is learned; it must not look at what is compared here. Empty: expectation-maximisation."""
    levels: tuple[Level, ...]
    """From strongest agreement to ELSE."""

    @model_validator(mode="after")
    def _ends_with_else(self) -> Self:
        if self.levels[-1].sql.strip().upper() != "ELSE":
            raise ValueError(f"comparison {self.name}: the last level must be ELSE")
        if len({level.name for level in self.levels}) != len(self.levels):
            raise ValueError(f"comparison {self.name}: level names must be unique")
        return self


def gamma_of(comparison: ComparisonConfig) -> dict[str, int]:
    """Splink's number of each level: -1 missing, then falling to 0 for ELSE."""
    real = [level.name for level in comparison.levels if not level.missing]
    numbers = {name: len(real) - 1 - position for position, name in enumerate(real)}
    return numbers | {level.name: -1 for level in comparison.levels if level.missing}


class BlockingRuleConfig(ClosedModel):
    """Pairs worth comparing: records that agree on all ``columns``."""

    name: str
    """Short name; stored with each pair as the rule that found it."""
    zh: str = ""
    """Chinese, for the report."""
    en: str = ""
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
    zh: str = ""
    """The rule as a Chinese sentence."""
    en: str = ""
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

    input: InputConfig | None = None
    """How ``linkage link`` names the records of plain tables."""
    features: dict[str, str] = Field(default_factory=dict)
    """Feature -> SQL over the input's columns and the features above it. Empty: the built-in features of residents."""
    policy: LinkPolicy = LinkPolicy()
    """Which feeds hold a person once, which pairs of feeds are compared, and from which weight they join."""
    thresholds: Thresholds
    """When pairs join, stay, or go to people."""
    labels: tuple[LabelConfig, ...]
    """Pairs taken as matches, without knowing any truth, to learn from."""
    training: Training
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
    drift: DriftConfig = DriftConfig()
    """When the data have moved away from what the model learned."""

    @model_validator(mode="after")
    def _ordered_thresholds(self) -> Self:
        t = self.thresholds
        if not t.join_match_weight >= t.keep_match_weight >= t.floor_match_weight:
            raise ValueError("thresholds must fall: join_match_weight >= keep_match_weight >= floor_match_weight")
        return self

    @model_validator(mode="after")
    def _labels_are_declared(self) -> Self:
        known = [label.name for label in self.labels]
        used = [c.train_m_on for c in self.comparisons if c.train_m_on is not None] + [*self.training.prior_labels]
        if unknown := sorted(set(used) - set(known)):
            raise ValueError(f"no label is called {', '.join(unknown)}; labels: {', '.join(known) or 'none'}")
        untrained = [c.name for c in self.comparisons if c.train_m_on is None]
        if untrained and not self.training.expectation_maximisation:
            raise ValueError(
                f"comparison {untrained[0]} has no train_m_on: name a label, or give training.expectation_maximisation"
            )
        return self

    @cached_property
    def comparison_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.comparisons)
