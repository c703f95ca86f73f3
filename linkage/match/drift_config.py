"""The closed model of ``drift`` in ``config/match.yaml``."""

from pydantic import Field

from linkage.kernel.config import ClosedModel


class DriftConfig(ClosedModel):
    """When the data have moved away from what the model learned. Divergences are Jensen-Shannon's, in bits (0 the same, 1 nothing in common)."""

    nights: int = Field(default=14, ge=1)
    """Tonight is compared with all nights before under the same model, this many at most, taken together."""
    least_pairs: int = Field(default=400, ge=1)
    """Of fewer linked pairs, tonight or before, nothing is said: chance moves small numbers."""
    before_limit_bits: float = Field(default=0.01, gt=0, le=1)
    """More than this from the nights before is outside (about 0.06 in population stability index)."""
    model_limit_bits: float = Field(default=0.05, gt=0, le=1)
    """More than this from what the model learned is outside; linked pairs agree a little more than the pairs it learned on."""
    between_factor: float = Field(default=3.0, gt=1)
    """So many times the usual share of pairs between the review and the join threshold is outside."""
    least_between_pairs: int = Field(default=50, ge=1)
    """Of fewer pairs between the thresholds nothing is said."""
