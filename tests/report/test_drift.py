"""The report's table of drift: a full bar is at the limit, also where the limit is nothing at all."""

from typing import Any

import pytest

from linkage.report.page import render


def drift(**row: Any) -> dict[str, Any]:
    return {
        "feed": "all", "comparison": "between_thresholds", "against": "before", "zh": "两线之间的配对", "en": "pairs between the thresholds",
        "pairs": 1334, "expected_pairs": 1331, "nights": 1, "outside": False, "level": "between", "level_zh": "介于", "level_en": "between",
        "share": 0.001, "expected_share": 0.0,
    } | row  # fmt: skip


@pytest.mark.parametrize(
    ("case", "divergence", "limit", "width"),
    [
        ("half of it", 0.005, 0.01, "50.0"),
        ("over it", 0.05, 0.01, "100"),
        ("nights without such pairs allow none", 0.000375, 0.0, "100"),
        ("nor is there any", 0.0, 0.0, "0.0"),
    ],
)
def test_the_bar_of_drift(case: str, divergence: float, limit: float, width: str) -> None:
    page = render("drift.html", m={"drift": [drift(divergence_bits=divergence, limit_bits=limit)]})
    assert f'<rect width="{width}"' in page
