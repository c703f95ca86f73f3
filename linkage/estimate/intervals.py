"""Shares with 95 % intervals: Wilson's for one sample, and their combination over strata."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Interval:
    """A share with the ends of its 95 % interval, each 0-1."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Cell:
    """A stratum: ``weight`` is what it stands for in the whole, ``right`` of ``n`` sampled units have the property.

    ``n`` may be an effective size (Kish) and need not be whole.
    """

    weight: float
    n: float
    right: float


def wilson(right: float, n: float) -> Interval:
    """Wilson's score interval (1927) of ``right`` out of ``n``. Without a sample (n = 0) it is all of 0-1."""
    if n <= 0:
        return Interval(0.5, 0.0, 1.0)
    share = right / n
    centre = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n * n)) / (1 + Z_95**2 / n)
    return Interval(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def stratified(cells: Iterable[Cell]) -> Interval:
    """Weighted share over strata, from Wilson's interval in each."""
    return combined((cell.weight, wilson(cell.right, cell.n)) for cell in cells)


def combined(parts: Iterable[tuple[float, Interval]]) -> Interval:
    """Weighted mean of independent shares with its interval.

    Method: recovery of variance estimates (MOVER; Zou, Huang and Zhang 2009): the squared distances of the parts' ends from
    their estimates are added, so a stratum without a single error still adds to the width. Weights need not sum to 1.
    """
    known = [(weight, part) for weight, part in parts if weight > 0]
    total = sum(weight for weight, _ in known)
    if not total:
        return Interval(0.5, 0.0, 1.0)
    estimate = sum(weight * part.estimate for weight, part in known) / total
    below = math.sqrt(sum((weight / total * (part.estimate - part.low)) ** 2 for weight, part in known))
    above = math.sqrt(sum((weight / total * (part.high - part.estimate)) ** 2 for weight, part in known))
    return Interval(estimate, max(0.0, estimate - below), min(1.0, estimate + above))
