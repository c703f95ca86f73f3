"""The closed model of ``config/survivorship.yaml``."""

from typing import Literal, Self

from pydantic import model_validator

from linkage.kernel.config import ClosedModel
from linkage.kernel.contracts import contract

Criterion = Literal["validity", "plausibility", "trust", "agreement", "recency"]


class FieldRule(ClosedModel):
    """How one golden field is won."""

    field: str
    """Golden field, see the persons contract."""
    order: tuple[Criterion, ...]
    """Criteria in the order in which they are asked."""
    trust: tuple[str, ...] = ()
    """Feeds from most to least trusted for this field; feeds not named come last."""

    @model_validator(mode="after")
    def _known_field(self) -> Self:
        if self.field not in contract("persons").column_names:
            raise ValueError(f"{self.field!r} is not a golden field")
        if "plausibility" in self.order and self.field != "full_name":
            raise ValueError(f"{self.field}: only full_name can be judged by plausibility")
        return self


class StatusRules(ClosedModel):
    """When a person counts as deceased or moved away."""

    death_certain: tuple[str, ...]
    """Feeds whose word on a death is enough."""
    moved_away_feeds: tuple[str, ...]
    """Feeds whose ended records say that a person went away."""


class SurvivorshipConfig(ClosedModel):
    """Which value becomes golden when departments disagree."""

    fields: tuple[FieldRule, ...]
    """One rule per golden field."""
    standard_variants: str = ""
    """Characters of 通用规范汉字表 (2013) that look like variants of commoner ones: a name written with one is no slip."""
    status: StatusRules
    """When a person counts as deceased or moved away."""
