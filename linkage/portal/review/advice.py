"""What judged pairs say about the join threshold: shown, never applied. Pure functions but for the reading.

Training lets judgements correct its labels (linkage/match/training.py), which moves weights; thresholds are set by people, so what stewards know enters here as
advice to them. The published error estimate (linkage/estimate) uses it as well.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from linkage.estimate.intervals import Interval, wilson
from linkage.portal.register import Register

LEAST_PAIRS = 30
"""Fewer judged pairs advise nothing."""
JUDGED = """
SELECT p.match_weight, s.verdict = 'same' AS same
FROM judgement_status s JOIN scored_pairs p
  ON p.record_key_l = least(s.current_key_l, s.current_key_r) AND p.record_key_r = greatest(s.current_key_l, s.current_key_r)
WHERE s.in_force AND s.verdict IN ('same', 'different')
"""


@dataclass(frozen=True)
class Band:
    """Judged pairs of one bit of match weight: how many, how many the same, and that share with its 95 % interval."""

    low: int
    n: int
    same: int
    share: Interval
    isotonic: float


@dataclass(frozen=True)
class Advice:
    """``threshold``: the weight in bits from which most judged pairs are one person, by isotonic regression; ``low``-``high``: below it most are
    surely not and above it most surely are (None: not known); all None with too few pairs."""

    bands: tuple[Band, ...]
    n: int
    threshold: float | None
    low: float | None
    high: float | None


def read_advice(register: Register) -> Advice:
    """Advice from the judgements in force in this release; nothing when its run is gone."""
    if register.run is None:
        return advise([])
    return advise([(row["match_weight"], row["same"]) for row in register.rows(JUDGED)])


def advise(judged: Sequence[tuple[float, bool]]) -> Advice:
    """Advice from (match weight in bits, whether judged the same)."""
    counted: dict[int, list[bool]] = {}
    for weight, same in judged:
        counted.setdefault(math.floor(weight), []).append(same)
    lows = sorted(counted)
    smooth = isotonic([(len(counted[low]), sum(counted[low]) / len(counted[low])) for low in lows])
    bands = tuple(
        Band(low, len(counted[low]), sum(counted[low]), wilson(sum(counted[low]), len(counted[low])), share)
        for low, share in zip(lows, smooth, strict=True)
    )
    if len(judged) < LEAST_PAIRS:
        return Advice(bands, len(judged), None, None, None)
    threshold = next((float(band.low) for band in bands if band.isotonic >= 0.5), None)
    surely_not = [float(band.low + 1) for band in bands if band.share.high < 0.5]
    surely = [float(band.low) for band in bands if band.share.low > 0.5]
    return Advice(bands, len(judged), threshold, max(surely_not, default=None), min(surely, default=None))


def isotonic(points: Sequence[tuple[int, float]]) -> list[float]:
    """The rising sequence nearest to (weight, value) in squares: pool adjacent violators (Ayer et al. 1955)."""
    blocks: list[tuple[int, float, int]] = []  # (weight, mean, points in it)
    for weight, value in points:
        blocks.append((weight, value, 1))
        while len(blocks) > 1 and blocks[-2][1] > blocks[-1][1]:
            (w1, m1, n1), (w2, m2, n2) = blocks[-2:]
            blocks[-2:] = [(w1 + w2, (w1 * m1 + w2 * m2) / (w1 + w2), n1 + n2)]
    return [mean for _, mean, size in blocks for _ in range(size)]
