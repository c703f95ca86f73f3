"""Intervals against published and hand-computed values."""

import pytest

from linkage.estimate.intervals import Cell, Interval, combined, stratified, wilson


@pytest.mark.parametrize(
    ("name", "right", "n", "low", "high"),
    [
        ("Newcombe 1998, table I: 81 of 263", 81, 263, 0.2553, 0.3662),
        ("Newcombe 1998, table I: 15 of 148", 15, 148, 0.0624, 0.1605),
        ("Newcombe 1998, table I: none of 20", 0, 20, 0.0, 0.1611),
        ("Newcombe 1998, table I: 1 of 29", 1, 29, 0.0061, 0.1718),
        ("all of ten", 10, 10, 0.7225, 1.0),
    ],
)
def test_wilson(name: str, right: int, n: int, low: float, high: float) -> None:
    found = wilson(right, n)
    assert (found.estimate, round(found.low, 4), round(found.high, 4)) == (right / n, low, high)


def test_without_a_sample_nothing_is_known() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)
    assert (combined([]).low, combined([]).high) == (0.0, 1.0)


def test_one_stratum_is_its_own_interval() -> None:
    assert stratified([Cell(weight=7.0, n=263, right=81)]) == wilson(81, 263)


def test_strata_are_weighted_and_distances_add_as_squares() -> None:
    parts = [(3.0, Interval(0.9, 0.8, 0.94)), (1.0, Interval(0.5, 0.2, 0.9))]
    found = combined(parts)
    assert found.estimate == pytest.approx(0.8)
    assert found.low == pytest.approx(0.8 - (0.075**2 + 0.075**2) ** 0.5)
    assert found.high == pytest.approx(0.8 + (0.03**2 + 0.1**2) ** 0.5)


def test_a_stratum_without_error_still_adds_to_the_width() -> None:
    sure = stratified([Cell(1.0, 1000, 1000), Cell(1.0, 1000, 1000)])
    doubtful = stratified([Cell(1.0, 1000, 1000), Cell(1.0, 5, 5)])
    assert sure.estimate == doubtful.estimate == 1.0
    assert doubtful.low < sure.low < 1.0
