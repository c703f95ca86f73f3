"""The closed model of ``config/estimate.yaml``."""

from typing import Self

from pydantic import model_validator

from linkage.kernel.config import ClosedModel


class NumberedConfig(ClosedModel):
    """How records held together by an equal identity number are judged."""

    comparison: str = "number"
    """Comparison in match.yaml whose weight is the number's."""
    least_support_bits: float = 10.0
    """An equal number that all other evidence supports by less than this (2^10: a thousand to one) counts as a wrong number."""


class QualitySampleConfig(ClosedModel):
    """The sample of decided pairs that stewards judge blind."""

    band_edges_bits: tuple[float, ...] = (-4.0, 0.0, 4.0, 12.0)
    """Edges of the match-weight bands, in bits from the join threshold (0 must be one of them); rising."""
    pairs_per_stratum: int = 1
    """Pairs not yet judged that are asked each night, of every band and subgroup."""

    @model_validator(mode="after")
    def _edges_rise_through_zero(self) -> Self:
        if 0.0 not in self.band_edges_bits or list(self.band_edges_bits) != sorted(set(self.band_edges_bits)):
            raise ValueError("band_edges_bits must rise and hold 0, the join threshold itself")
        return self


class EstimateConfig(ClosedModel):
    """How the night's own error is estimated. The hold-out itself stands in match.yaml."""

    numbered: NumberedConfig = NumberedConfig()
    """How records held together by an equal number are judged."""
    quality_sample: QualitySampleConfig = QualitySampleConfig()
    """What stewards judge blind."""
