"""The closed model of ``config/resolve.yaml``."""

from typing import Literal

from linkage.kernel.config import ClosedModel


class PersonsConfig(ClosedModel):
    """How pairs become persons."""

    exact_component_records: int = 400
    """Records up to which a component in conflict is solved as a whole."""
    oversized_cluster_records: int = 25
    """A person with more records than this becomes a review case."""


class ResidenceEvidence(ClosedModel):
    """One kind of record that may say where a person lives."""

    feed: str
    """Feed of the record."""
    use: Literal["residence", "hukou"] = "residence"
    """Which of the record's addresses is meant."""
    presence_not: str | None = None
    """Records that say this about presence are no evidence."""


class HouseholdsConfig(ClosedModel):
    """How households are found."""

    collective_members: int = 10
    """A dwelling with this many residents or more is a collective household."""
    residence_evidence: tuple[ResidenceEvidence, ...]
    """In order of trust."""


class ResolveConfig(ClosedModel):
    """Everything the resolver is told."""

    persons: PersonsConfig = PersonsConfig()
    """How pairs become persons."""
    households: HouseholdsConfig
    """How households are found."""
