"""Which cases a second reader reads blind, and who may read what next. Pure functions but for the keyed hash."""

from linkage.portal.audit import Audit
from linkage.portal.review.readings import CaseState

STEPS = ("first", "second", "third")


def is_sampled(audit: Audit, case_id: str, percent: float) -> bool:
    """Whether a decided case is read again: the same answer for ever, which nobody without the installation's key can foresee."""
    drawn = int(audit.keyed_hash(f"second reader {case_id}")[:8], 16) / 0x1_0000_0000
    return drawn * 100 < percent


def next_step(state: CaseState, *, sampled: bool) -> str | None:
    """The reading that a case waits for: first, second, third, or none."""
    match state.standing:
        case "open":
            return "first"
        case "awaits_second":
            return "second"
        case "to_discuss":
            return "third"
    return "second" if sampled and len(state.readings) == 1 else None


def may_read(state: CaseState, user_id: str, step: str, *, sampled: bool) -> bool:
    """Whether ``user_id`` may do this reading now: nobody reads a case twice."""
    return next_step(state, sampled=sampled) == step and user_id not in state.readers
