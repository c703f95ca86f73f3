"""Geometry of the report's charts: bars as plain numbers, drawn as inline SVG by the templates."""

import math
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM = 900.0, 220.0, 56.0, 34.0
FIRST_BIN, LAST_BIN, BIN = -8, 48, 2


def weight_histogram(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Bars of the match-weight histogram on a logarithmic scale (pairs differ by orders of magnitude).

    ``rows`` have bin, pairs, guarded. Returns bars, ticks of both axes, and ``x_per_bit``.
    """
    top = max([r["pairs"] + r["guarded"] for r in rows], default=1)
    x_per_bit = (WIDTH - LEFT) / (LAST_BIN + BIN - FIRST_BIN)

    def y(value: float) -> float:
        return (HEIGHT - BOTTOM) * math.log10(value + 1) / math.log10(top + 1)

    bars = []
    for row in rows:
        x = LEFT + (row["bin"] - FIRST_BIN) * x_per_bit
        total, guarded = y(row["pairs"] + row["guarded"]), y(row["guarded"])
        bars.append(
            {
                "x": round(x + 1, 1),
                "width": round(BIN * x_per_bit - 2, 1),
                "height": round(total, 1),
                "guarded_height": round(guarded, 1),
                **row,
            }
        )
    ticks = [
        {"x": round(LEFT + (b - FIRST_BIN) * x_per_bit, 1), "label": str(b)} for b in range(FIRST_BIN, LAST_BIN + 1, 8)
    ]
    lines = [
        {"y": round(HEIGHT - BOTTOM - y(10**e), 1), "label": f"{10**e:,}"}
        for e in range(math.ceil(math.log10(top + 1)) + 1)
        if 10**e <= top
    ]
    return {
        "bars": bars,
        "ticks": ticks,
        "lines": lines,
        "x_per_bit": x_per_bit,
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "base": HEIGHT - BOTTOM,
    }


def threshold_x(weight: float) -> float:
    """Where a threshold stands in the histogram."""
    return round(LEFT + (weight - FIRST_BIN) * (WIDTH - LEFT) / (LAST_BIN + BIN - FIRST_BIN), 1)


def level_bars(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Each comparison level's weight as a bar left (against) or right (for) of zero, in percent of the widest."""
    levels = [level for c in card.get("comparisons", []) for level in c["levels"]]
    widest = max([abs(level["match_weight"]) for level in levels], default=1) or 1
    return [
        {
            "zh": c["zh"],
            "en": c["en"],
            "levels": [
                level | {"percent": round(50 * abs(level["match_weight"]) / widest, 1)} for level in c["levels"]
            ],
        }
        for c in card.get("comparisons", [])
    ]
