"""How limits and observations are written: short, worst first, never a value."""

from typing import Any

import pytest

from linkage.quality.limits import limit_text, observed_text
from linkage.quality.suite import Rule

META = {"rule": "r", "level": "row", "on_failure": "warn", "zh": "z", "en": "e", "why_zh": "w", "why_en": "w"}
SHARE = {"measure": "SELECT source AS part, 1 AS share FROM {batch}"}
NUMBER = {"measure": "SELECT source AS part, 1 AS number FROM {batch}"}
SQL = {"unexpected_rows_query": "SELECT 1 AS failed FROM $measure"}


def rule(kwargs: dict[str, Any], **meta: Any) -> Rule:
    kind = "unexpected_rows_expectation" if "measure" in meta else "expect_column_values_to_be_between"
    return Rule.model_validate({"type": kind, "kwargs": kwargs, "severity": "warning", "meta": META | meta})


@pytest.mark.parametrize(
    ("checked", "text"),
    [
        (rule({"min_value": "1880-01-01", "max_value": "2026-03-02"}), "1880-01-01 … 2026-03-02"),
        (rule({"min_value": 1}), "≥ 1"),
        (rule({"max_value": 9}), "≤ 9"),
        (rule({"value_set": ["1", "2"]}), "1 2"),
        (rule({"regex": "^[0-9]$"}), "^[0-9]$"),
        (rule({}), "0"),
        (rule(SQL, at_least=0.95, **SHARE), "≥ 95 %"),
        (rule(SQL, at_most=0.005, **SHARE), "≤ 0.5 %"),
        (rule(SQL, at_most=0, **NUMBER), "≤ 0"),
    ],
)
def test_limits(checked: Rule, text: str) -> None:
    assert limit_text(checked, checked.kwargs) == text


@pytest.mark.parametrize(
    ("meta", "parts", "text"),
    [
        ({"at_least": 0.9} | SHARE, [("civil", 1.0), ("grid", 0.61034)], "grid 61.03 %; civil 100 %"),
        ({"at_most": 0.1} | SHARE, [("civil", 0.0), ("grid", 0.2), ("x", None)], "grid 20 %; civil 0 %; x -"),
        ({"at_most": 0} | NUMBER, [("", 1600)], "1,600"),
        ({"at_most": 0} | NUMBER, [("", None)], "-"),
        ({"at_least": 1} | NUMBER, [(str(n), n) for n in range(7)], "0 0; 1 1; 2 2; 3 3; 4 4; … +2"),
        ({"at_least": 1} | NUMBER, [], "-"),
    ],
)
def test_a_measure_is_shown_worst_part_first(meta: dict[str, Any], parts: list[tuple[str, Any]], text: str) -> None:
    column = "share" if " AS share" in meta["measure"] else "number"
    rows = [{"part": part, column: amount} for part, amount in parts]
    assert observed_text(rule(SQL, **meta), {"observed_value": 1}, 1, 9, rows) == text


@pytest.mark.parametrize(
    ("detail", "failed", "text"),
    [
        ({"unexpected_count": 3, "partial_unexpected_list": ["王一"]}, 3, "3 (0.3 %)"),
        ({"unexpected_count": 0}, 0, "0"),
        ({"observed_value": 20125}, 0, "20,125"),
        ({"observed_value": ["王一"]}, 0, "0"),
        ({"observed_value": "王一"}, 0, "0"),
    ],
)
def test_only_numbers_are_observed(detail: dict[str, Any], failed: int, text: str) -> None:
    assert observed_text(rule({}), detail, failed, 1000, None) == text
