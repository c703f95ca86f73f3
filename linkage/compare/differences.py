"""What a candidate model would change: the same records, linked with the live model and with the candidate, side by side."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linkage.kernel.engine import Engine

SQL_PACKAGE = "linkage.compare"
SIDES = ("live", "candidate")
LARGEST_CHANGES = 50
"""Merges and splits that are listed one by one; the counts are of all."""
# View -> (stage, table); one of each side.
INPUTS = {
    "links": ("resolve", "links"),
    "members": ("resolve", "members"),
    "cases": ("resolve", "review_cases"),
    "pairs": ("match", "scored_pairs"),
    "subgroups": ("estimate", "person_subgroups"),
    "errors": ("estimate", "error_estimates"),
}


def differences(engine: Engine, runs: Mapping[str, Path], cannot_link_guards: tuple[str, ...]) -> dict[str, Any]:
    """Counts of what would change, and the largest merges and splits, from the finished stages of the two ``runs`` (by side).

    JSON-able; person ids and record keys, no personal values.
    """
    for side in SIDES:
        for view, (stage, table) in INPUTS.items():
            engine.read(f"{side}_{view}", runs[side] / stage / f"{table}.parquet")
    engine.run_sql("linkage.kernel", "subgroup_names")
    engine.run_sql(SQL_PACKAGE, "person_changes", {"cannot_link_guards": list(cannot_link_guards)})
    engine.run_sql(SQL_PACKAGE, "change_counts")
    return {
        "persons": _numbers(engine.rows("SELECT * FROM person_counts")[0]),
        "households": engine.rows("SELECT * FROM household_counts")[0],
        "review_cases": engine.rows("SELECT * FROM case_counts ORDER BY kind"),
        "by_feed": engine.rows("SELECT * FROM feed_counts ORDER BY feed"),
        "by_subgroup": engine.rows("SELECT * FROM subgroup_counts ORDER BY position"),
        "errors": {
            side: engine.rows(f"SELECT * FROM {side}_errors ORDER BY method, measure, position") for side in SIDES
        },
        "changes": engine.rows(
            f"SELECT * FROM person_changes ORDER BY kind, len(records) DESC, person_id LIMIT {LARGEST_CHANGES}"
        ),
    }


def weight_changes(live: Mapping[str, Any], candidate: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every comparison level of two model cards with its weight in both, the largest change first; None where a card has no such level."""
    weights = [_weights(card) for card in (live, candidate)]
    rows = []
    for key in sorted(set(weights[0]) | set(weights[1])):
        before, after = (side.get(key) for side in weights)
        names = after or before or {}
        change = round(after["match_weight"] - before["match_weight"], 3) if before and after else None
        rows.append(
            {
                "comparison": key[0],
                "level": key[1],
                **{name: names[name] for name in ("comparison_zh", "comparison_en", "zh", "en")},
                "live_weight": before["match_weight"] if before else None,
                "candidate_weight": after["match_weight"] if after else None,
                "change": change,
            }
        )
    return sorted(rows, key=lambda r: (r["change"] is not None, -abs(r["change"] or 0), r["comparison"], r["level"]))


def _weights(card: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    prior = {"comparison_zh": "先验", "comparison_en": "prior", "zh": "任意两条记录", "en": "any two records"}
    found: dict[tuple[str, str], dict[str, Any]] = {("prior", ""): prior | {"match_weight": card["prior_match_weight"]}}
    for comparison in card["comparisons"]:
        for level in comparison["levels"]:
            found[comparison["name"], level["name"]] = {
                "comparison_zh": comparison["zh"] or comparison["name"],
                "comparison_en": comparison["en"] or comparison["name"],
                "zh": level["zh"] or level["name"],
                "en": level["en"] or level["name"],
                "match_weight": level["match_weight"],
            }
    return found


def _numbers(row: Mapping[str, Any]) -> dict[str, int]:
    """Sums come back as decimals."""
    return {name: int(value) for name, value in row.items()}
