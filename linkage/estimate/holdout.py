"""Precision and recall from records whose good number was hidden from the model, and for the register as a whole.

Method. Of the hidden records, recall is the share that found the person with the other records of their number; precision is
that share of those that joined anybody. ``holdout`` weights both to the records that no number holds, by shape: department, and
which of name, birth date, phone and dwelling they have. ``register`` joins to these the records that an equal number holds: found
when they are in one person with it, right when the rest of the evidence supports the number.

For records with a number the hold-out is a conservative bound: they are never linked on so little. For those without, it is a little
kind, since a hidden record belongs to somebody whom another department knows by number.
"""

from linkage.estimate.intervals import Interval, combined, wilson
from linkage.estimate.measured import Estimate, Measured
from linkage.kernel.engine import Engine

Row = dict[str, float]


def holdout_estimates(engine: Engine) -> Measured:
    """Estimates of linking without a number, by subgroup, from the temp table ``holdout_cells``."""
    cells: dict[str, list[Row]] = {}
    for row in engine.rows("SELECT * FROM holdout_cells ORDER BY ALL"):
        cells.setdefault(str(row["subgroup"]), []).append(row)
    found: Measured = {}
    for group, rows in cells.items():
        for measure, prefix in (("recall", ""), ("precision", "joined_")):
            n = int(sum(row[f"{prefix}records"] for row in rows))
            if n:
                errors = n - int(sum(row["correct_records"] for row in rows))
                found["holdout", measure, group] = Estimate(_by_shape(rows, prefix), n, errors)
    return found


def register_estimates(engine: Engine, holdout: Measured) -> Measured:
    """Estimates for all records, by subgroup: those that a number holds (``numbered_cells``) and the others together."""
    found: Measured = {}
    for row in engine.rows("SELECT * FROM numbered_cells ORDER BY ALL"):
        for measure, right, out_of in (("precision", "supported", "found"), ("recall", "found", "numbered")):
            hidden = holdout.get(("holdout", measure, row["subgroup"]))
            if hidden is None:
                continue
            held = wilson(row[right], row[out_of])
            both = combined([(row["numbered"], held), (row["unheld"], hidden.interval)])
            errors = row[out_of] - row[right] + hidden.errors
            found["register", measure, row["subgroup"]] = Estimate(both, row["numbered"] + row["unheld"], errors)
    return found


def _by_shape(rows: list[Row], prefix: str) -> Interval:
    """Weighted share of correct records; shapes that were not sampled take the share of all shapes together.

    Sampling weights differ within a shape: its interval is that of Kish's effective sample size.
    """
    sampled = [row for row in rows if row[f"{prefix}weight"]]
    parts = [(row["target"], _share([row], prefix)) for row in sampled]
    others = sum(row["target"] for row in rows) - sum(row["target"] for row in sampled)
    everybody = _share(sampled, prefix)
    # A subgroup all of whose records are held by a number: the sample stands for itself.
    return combined([*parts, (others, everybody)]) if sum(row["target"] for row in rows) else everybody


def _share(rows: list[Row], prefix: str) -> Interval:
    weight, squares = sum(row[f"{prefix}weight"] for row in rows), sum(row[f"{prefix}squares"] for row in rows)
    size = weight**2 / squares
    return wilson(size * sum(row["correct_weight"] for row in rows) / weight, size)
