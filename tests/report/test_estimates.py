"""The report's section on error: tables, a warning where a subgroup is linked worse, words where nothing is known."""

from typing import Any

import pytest

from linkage.report.intervals import MEASURES, METHODS, estimate_tables
from linkage.report.page import render

ALL = {"position": 0, "subgroup": "all", "zh": "全部", "en": "all"}
MIGRANT = {"position": 5, "subgroup": "migrant", "zh": "外来人口", "en": "migrants"}


def estimate(group: dict[str, Any], method: str, measure: str, *, worse: bool = False) -> dict[str, Any]:
    return group | {
        "method": method, "measure": measure, "estimate": 0.99, "low": 0.98, "high": 0.995, "n": 1000, "errors": 10, "worse": worse,
    }  # fmt: skip


def page(errors: list[dict[str, Any]], judged: int = 0) -> str:
    stages = {"estimate": {"hidden_records": 10_000, "judged_pairs": judged, "quality_cases": 52}}
    return render(
        "estimates.html",
        estimates=estimate_tables(errors),
        m={"errors": errors, "stages": stages},
        methods=METHODS,
        measures=MEASURES,
    )


def test_a_subgroup_that_is_linked_worse_is_named_once() -> None:
    rows = [estimate(ALL, method, "recall") for method in ("register", "holdout")]
    text = page([*rows, *(estimate(MIGRANT, r["method"], "recall", worse=True) for r in rows)])
    (warning,) = [line for line in text.splitlines() if line.startswith("<ul>")]
    assert warning.count("外来人口") == 1 and "migrants" in warning and "整个登记册" in warning
    assert "不重叠" in text and "do not overlap" in text


def test_without_a_finding_the_page_says_so() -> None:
    text = page([estimate(ALL, "register", "recall"), estimate(MIGRANT, "register", "recall")])
    assert "没有发现哪个人群" in text and "<ul>" not in text


@pytest.mark.parametrize(("judged", "words"), [(0, "还没有判定"), (3, "尚不足以估计")])
def test_without_judgements_the_page_says_so_in_words(judged: int, words: str) -> None:
    assert words in page([estimate(ALL, "register", "recall")], judged)


def test_without_a_holdout_the_page_says_so_in_words() -> None:
    assert "今夜没有隐号检验" in page([])


def test_dots_and_whiskers_stand_on_an_axis_of_nines() -> None:
    (line,) = estimate_tables([estimate(ALL, "register", "recall")])["tables"]["register"]
    ticks = {tick["label"]: tick["x"] for tick in estimate_tables([])["ticks"]}
    assert line["recall"]["x"] == ticks["99%"]
    assert ticks["90%"] < line["recall"]["x_low"] < ticks["99%"] < line["recall"]["x_high"] < ticks["99.9%"]
