"""The report's tables of error estimates: rows by method, and where dots and whiskers stand."""

import math
from typing import Any

WIDTH = 240.0
MARGIN = 6.0
NINES = 4
MEASURES = {"precision": ("精确率", "precision"), "recall": ("召回率", "recall")}
METHODS = {
    "register": ("整个登记册", "the whole register"),
    "holdout": ("没有号码时", "without a number"),
    "judgements": ("数据管理员判定", "judged by stewards"),
}


def estimate_tables(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Tables by method (one line a subgroup), the subgroups that fare worse, and the axis, for the template.

    A subgroup that several methods find worse is named once, by the first of ``METHODS``.
    """
    whole = {(r["method"], r["measure"]): r for r in rows if r["subgroup"] == "all"}
    worse: dict[tuple[int, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda r: list(METHODS).index(r["method"])):
        if row["worse"]:
            worse.setdefault((row["position"], row["measure"]), row | {"whole": whole[row["method"], row["measure"]]})
    tables: dict[str, dict[int, dict[str, Any]]] = {method: {} for method in METHODS}
    for row in rows:
        line = tables[row["method"]].setdefault(
            row["position"],
            {
                "zh": row["zh"],
                "en": row["en"],
                "precision": None,
                "recall": None,
                "n": 0,
                "wrong": None,
                "missed": None,
            },
        )
        line[row["measure"]] = row | {
            "x": _x(row["estimate"]),
            "x_low": _x(row["low"]),
            "x_high": _x(row["high"]),
        }
        line["n"] = max(line["n"], row["n"])
        line["wrong" if row["measure"] == "precision" else "missed"] = row["errors"]
    return {
        "tables": {method: [lines[p] for p in sorted(lines)] for method, lines in tables.items()},
        "worse": [worse[place] for place in sorted(worse)],
        "width": WIDTH,
        "ticks": [
            {"x": _x(1 - 10.0**-nines), "label": label}
            for nines, label in enumerate(("0", "90%", "99%", "99.9%", "99.99%"))
        ],
    }


def _x(share: float) -> float:
    """Position of a share on an axis of nines: 0, 90 %, 99 %, 99.9 % and, at its end, 99.99 % and more."""
    nines = min(NINES, -math.log10(max(1 - share, 10.0**-NINES)))
    return round(MARGIN + (WIDTH - 2 * MARGIN) * nines / NINES, 1)
