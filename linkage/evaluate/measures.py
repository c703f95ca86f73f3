"""What an evaluation says, in numbers: shares are between 0 and 1."""

from dataclasses import asdict, dataclass
from typing import Any

DIGITS = 5


@dataclass(frozen=True)
class PairScore:
    """Pairs of records, or of persons in one household: found and right, found and wrong, not found."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """1 when nothing was found."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """1 when there was nothing to find."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return harmonic_mean(self.precision, self.recall)

    def as_dict(self) -> dict[str, Any]:
        """Counts and rounded shares."""
        return asdict(self) | {key: round(getattr(self, key), DIGITS) for key in ("precision", "recall", "f1")}


@dataclass(frozen=True)
class FieldScore:
    """One golden field over register persons whom the truth gives a value."""

    persons: int
    filled: int
    correct: int

    @property
    def filled_share(self) -> float:
        return self.filled / self.persons if self.persons else 0.0

    @property
    def right_of_filled(self) -> float:
        return self.correct / self.filled if self.filled else 1.0

    def as_dict(self) -> dict[str, Any]:
        """Counts and rounded shares."""
        return asdict(self) | {key: round(getattr(self, key), DIGITS) for key in ("filled_share", "right_of_filled")}


@dataclass(frozen=True)
class GroupScore:
    """One subgroup of the true persons whom the release knows."""

    persons: int
    exact_persons: int
    pairs: PairScore
    b_cubed_precision: float
    b_cubed_recall: float
    households: dict[str, PairScore]
    fields: dict[str, FieldScore]

    @property
    def exact_share(self) -> float:
        """Share of persons whose records are exactly those of one register person."""
        return self.exact_persons / self.persons if self.persons else 1.0

    @property
    def b_cubed_f1(self) -> float:
        return harmonic_mean(self.b_cubed_precision, self.b_cubed_recall)

    def as_dict(self) -> dict[str, Any]:
        """Counts and rounded shares."""
        return {
            "persons": self.persons,
            "pairs": self.pairs.as_dict(),
            **{key: round(getattr(self, key), DIGITS) for key in ("b_cubed_precision", "b_cubed_recall", "b_cubed_f1")},
            "persons_exactly_right": round(self.exact_share, DIGITS),
            "households": {name: score.as_dict() for name, score in self.households.items()},
            "fields": {name: score.as_dict() for name, score in self.fields.items()},
        }


@dataclass(frozen=True)
class Evaluation:
    """Everything measured; ``groups`` holds 'all' and the subgroups that have anybody in them."""

    records: int
    records_missing: int
    """Records of the truth that the release does not hold."""
    records_unknown: int
    """Records of the release that the truth does not know."""
    groups: dict[str, GroupScore]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        counts = {key: getattr(self, key) for key in ("records", "records_missing", "records_unknown")}
        return counts | {"groups": {name: group.as_dict() for name, group in self.groups.items()}}


def harmonic_mean(a: float, b: float) -> float:
    """0 when both are 0."""
    return 2 * a * b / (a + b) if a + b else 0.0
