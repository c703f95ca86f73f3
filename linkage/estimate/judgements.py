"""Precision and recall from stewards' verdicts on a stratified sample of decided pairs.

Method. In each stratum (band of match weight, rarest subgroup) the share of pairs judged 'same' is estimated with Wilson's
interval and weighted by the stratum's number of pairs. Precision is that share over the strata the machine joins. Recall is
joined pairs that are the same out of all pairs that are, of those scored: pairs that no blocking rule found are not seen.
"""

from linkage.estimate.intervals import Cell, Interval, stratified
from linkage.estimate.measured import Estimate, Measured
from linkage.kernel.engine import Engine


def judgement_estimates(engine: Engine) -> Measured:
    """Estimates by subgroup from ``judged_cells``; none where a band holds pairs and not one was judged."""
    by_side: dict[tuple[str, bool], dict[str, list[dict[str, int]]]] = {}
    for row in engine.rows("SELECT * FROM judged_cells ORDER BY ALL"):
        bands = by_side.setdefault((row["subgroup"], row["joins"]), {})
        bands.setdefault(row["band"], []).append(row)
    found: Measured = {}
    for group in sorted({group for group, _ in by_side}):
        joined = _cells(by_side.get((group, True), {}))
        apart = _cells(by_side.get((group, False), {}))
        if joined:
            wrong = sum(cell.n - cell.right for cell in joined)
            found["judgements", "precision", group] = Estimate(stratified(joined), _judged(joined), int(wrong))
        if joined and apart is not None:
            missed = sum(cell.right for cell in apart)
            found["judgements", "recall", group] = Estimate(
                _recall(joined, apart), _judged(joined) + _judged(apart), int(missed)
            )
    return found


def _cells(bands: dict[str, list[dict[str, int]]]) -> list[Cell] | None:
    """The judged strata; one that was not judged is represented by the others of its band. None when a band has none."""
    cells: list[Cell] = []
    for strata in bands.values():
        seen = [s for s in strata if s["judged"]]
        if not seen:
            return None
        raised = sum(s["pairs"] for s in strata) / sum(s["pairs"] for s in seen)
        cells.extend(Cell(raised * s["pairs"], s["judged"], s["same"]) for s in seen)
    return cells


def _judged(cells: list[Cell]) -> int:
    return int(sum(cell.n for cell in cells))


def _recall(joined: list[Cell], apart: list[Cell]) -> Interval:
    """Joined and same out of all the same; the ends take the worse end of one side with the worse end of the other."""
    inside, outside = stratified(joined), stratified(apart) if apart else Interval(0.0, 0.0, 0.0)
    size_in, size_out = sum(cell.weight for cell in joined), sum(cell.weight for cell in apart)

    def share(held: float, missed: float) -> float:
        together = held * size_in + missed * size_out
        return held * size_in / together if together else 0.0

    return Interval(
        share(inside.estimate, outside.estimate), share(inside.low, outside.high), share(inside.high, outside.low)
    )
