"""One estimated figure, and the figures of a night by method, measure and subgroup."""

from dataclasses import dataclass

from linkage.estimate.intervals import Interval


@dataclass(frozen=True)
class Estimate:
    """An interval, the records or pairs that were looked at for it, and how many of them were wrong or missed."""

    interval: Interval
    n: int
    errors: int


Measured = dict[tuple[str, str, str], Estimate]
"""(method, measure, subgroup) -> estimate."""

LEAST_ERRORS = 3


def is_worse(part: Estimate, whole: Estimate) -> bool:
    """Whether a subgroup fares worse than everybody: its whole interval lies below the other.

    One or two errors are no finding, however small the subgroup.
    """
    return part.interval.high < whole.interval.low and part.errors >= LEAST_ERRORS
