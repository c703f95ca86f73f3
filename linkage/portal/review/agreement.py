"""How far two readers agree who did not see each other's verdict: percent and Cohen's kappa (Cohen 1960). Pure functions."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from linkage.portal.review.readings import CaseState


@dataclass(frozen=True)
class Agreement:
    """``n`` cases read by two; ``agreed`` of them alike; ``kappa`` is None where chance alone would explain everything (or n is 0);
    ``table``: how often the first said one and the second another."""

    n: int
    agreed: int
    kappa: float | None
    table: dict[tuple[str, str], int]

    @property
    def share(self) -> float | None:
        """Share of cases read alike."""
        return self.agreed / self.n if self.n else None


def agreement(pairs: Iterable[tuple[str, str]]) -> Agreement:
    """Of (first verdict, second verdict) by case."""
    table = Counter(pairs)
    n = table.total()
    agreed = sum(count for (a, b), count in table.items() if a == b)
    if not n:
        return Agreement(0, 0, None, {})
    firsts, seconds = Counter[str](), Counter[str]()
    for (a, b), count in table.items():
        firsts[a] += count
        seconds[b] += count
    by_chance = sum(firsts[word] * seconds[word] for word in firsts) / n**2
    kappa = None if by_chance == 1 else (agreed / n - by_chance) / (1 - by_chance)
    return Agreement(n, agreed, kappa, dict(table))


def read_twice(states: Iterable[CaseState]) -> list[tuple[str, str]]:
    """(first, second) of every case that two have read. Two different ways to split it into groups are no agreement."""
    found = []
    for state in states:
        by_kind = {reading.kind: reading for reading in state.readings}
        if "first" in by_kind and "second" in by_kind:
            first, second = by_kind["first"], by_kind["second"]
            alike = first.verdict == second.verdict and first.says != second.says
            found.append((first.verdict, f"{second.verdict} (other)" if alike else second.verdict))
    return found
