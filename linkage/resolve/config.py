"""The closed model of ``config/resolve.yaml``."""

from typing import Literal

from linkage.kernel.config import ClosedModel


class PersonsConfig(ClosedModel):
    """How pairs become persons."""

    exact_component_records: int = 12
    """Records up to which a component in conflict is partitioned exactly; larger ones by a heuristic (docs/decisions/0005)."""
    bridge_match_weight: float = 8.0
    """Two groups of records of one person that only pairs lighter than this (bits) connect become a review case."""
    oversized_cluster_records: int = 25
    """A person with more records than this becomes a review case."""


Presence = Literal["present_with_hukou", "present_without_hukou", "hukou_without_presence", "unsaid"]


class ResidenceEvidence(ClosedModel):
    """One kind of record that says where a person lives, or does not live any more."""

    feed: str
    """Feed of the record."""
    use: Literal["residence", "hukou"] = "residence"
    """Which of the record's addresses is meant."""
    presence: tuple[Presence, ...] | None = None
    """Only records that say this about presence; all when left out."""
    points: float
    """How much it says, roughly in bits; below zero it speaks against the address."""


class FamilyEvidence(ClosedModel):
    """What it says about a person's home that the family lives somewhere."""

    same_head_points: float = 3.0
    """Points of a relative of the same registered household, home village or health file whose records name the same head."""
    minor_points: float = 1.5
    """Points of a parent (18 to 45 years older, same household number) for a minor, and of the minor for the parent."""
    most_points: float = 4.0
    """All relatives together say no more than this."""
    settled_points: float = 3.0
    """A relative counts only if his own records give him a home with at least so many points."""


class HouseholdsConfig(ClosedModel):
    """How households are found."""

    collective_members: int = 10
    """A dwelling with this many residents or more is a collective household."""
    collective_unrelated_members: int = 6
    """So is one with this many, of whom at least half are unrelated to its head (a dormitory room)."""
    residence_evidence: tuple[ResidenceEvidence, ...]
    """What each kind of record says; points of one dwelling are added up, several records of one feed count once."""
    family_evidence: FamilyEvidence = FamilyEvidence()
    """What relatives say."""


class ResolveConfig(ClosedModel):
    """Everything the resolver is told."""

    persons: PersonsConfig = PersonsConfig()
    """How pairs become persons."""
    households: HouseholdsConfig
    """How households are found."""
