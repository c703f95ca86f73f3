"""Stewards' verdicts become precision and recall: worked out by hand on two bands on either side of the threshold."""

from typing import Any

import pyarrow as pa
import pytest

from linkage.estimate.intervals import wilson
from linkage.estimate.judgements import judgement_estimates
from linkage.estimate.measured import Measured
from linkage.kernel.engine import Engine


def cell(joins: bool, band: str, pairs: int, judged: int, same: int, label: str = "rest") -> dict[str, Any]:
    return {"subgroup": "all", "joins": joins, "band": band, "label": label, "pairs": pairs, "judged": judged, "same": same}  # fmt: skip


def estimates(*cells: dict[str, Any]) -> Measured:
    with Engine() as engine:
        engine.load_arrow("judged_cells", pa.Table.from_pylist(list(cells)))
        return judgement_estimates(engine)


def test_strata_count_by_their_pairs_not_by_their_judgements() -> None:
    found = estimates(
        cell(True, "band 4", 900, 10, 10),
        cell(True, "band 3", 100, 10, 8),
        cell(False, "band 2", 50, 10, 2),
        cell(False, "band 1", 950, 10, 0),
    )
    precision, recall = found["judgements", "precision", "all"], found["judgements", "recall", "all"]
    # 900 * 10/10 + 100 * 8/10 of 1000 joined; 50 * 2/10 = 10 missed.
    assert precision.interval.estimate == pytest.approx(0.98)
    assert (precision.n, precision.errors) == (20, 2)
    assert recall.interval.estimate == pytest.approx(980 / 990)
    assert (recall.n, recall.errors) == (40, 2)
    assert recall.interval.low < 980 / 990 < recall.interval.high


def test_the_interval_of_one_stratum_is_wilsons() -> None:
    found = estimates(cell(True, "band 4", 500, 20, 19))
    assert found["judgements", "precision", "all"].interval == wilson(19, 20)


def test_a_stratum_not_yet_judged_takes_the_share_of_its_band() -> None:
    found = estimates(cell(True, "band 4", 100, 10, 9), cell(True, "band 4", 300, 0, 0, label="migrant"))
    assert found["judgements", "precision", "all"].interval.estimate == pytest.approx(0.9)


def test_a_band_without_a_judgement_gives_no_estimate() -> None:
    found = estimates(
        cell(True, "band 4", 100, 10, 9), cell(False, "band 2", 50, 5, 0), cell(False, "band 1", 900, 0, 0)
    )
    assert set(found) == {("judgements", "precision", "all")}
    assert estimates(cell(True, "band 4", 100, 0, 0)) == {}
