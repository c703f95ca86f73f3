"""The link policy in the resolver: feeds that hold a person once, and thresholds of their own for a pair of feeds."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from linkage.kernel.engine import Engine
from linkage.resolve import stage
from tests.builders import REPOSITORY, record, stage_context, write_rows

pytestmark = pytest.mark.slow  # whole stages

A, B, GRID = record("police:1", name="张伟"), record("police:2", name="张伟"), record("grid:1", name="张伟")
HEALTH = record("health:1", name="张伟")
DIRECT = [("police:1", "police:2", 15.0)]
BRIDGED = [("police:1", "grid:1", 15.0), ("grid:1", "police:2", 9.0)]
LONG_BRIDGE = [("police:1", "grid:1", 15.0), ("grid:1", "health:1", 12.0), ("health:1", "police:2", 9.0)]
SAME = [{"judgement_id": "1", "record_key_l": "police:1", "record_key_r": "police:2", "verdict": "same", "reader": "r",
         "decided_at": "2026-03-02 10:00:00"}]  # fmt: skip
ONCE = {
    "feeds": [
        {"feed": "police_hukou", "duplicate_free": True, "live": "person_status IS NULL OR person_status = 'alive'"}
    ]
}
TWICE = {"feeds": [{"feed": "police_hukou", "duplicate_free": False}]}
DEAD = B | {"person_status": "deceased"}


def resolve(
    tmp_path: Path,
    policy: dict[str, Any],
    records: list[dict[str, Any]],
    pairs: list[tuple[str, str, float]],
    judgements: list[dict[str, Any]],
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Person of each record, and the review cases."""
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    match = yaml.safe_load((REPOSITORY / "config" / "match.yaml").read_text(encoding="utf-8")) | {"policy": policy}
    (tmp_path / "config" / "match.yaml").write_text(yaml.safe_dump(match), encoding="utf-8")
    with Engine() as engine:
        context = replace(stage_context(tmp_path, engine, "resolve"), config_dir=tmp_path / "config")
        write_rows(engine, "common_records", records, context.run_dir / "gate_incoming" / "common_records.parquet")
        scored = [
            {
                "record_key_l": min(a, b),
                "record_key_r": max(a, b),
                "match_weight": w,
                "blocking_rule": "number",
                "guards": [],
            }
            for a, b, w in pairs
        ]
        write_rows(engine, "scored_pairs", scored, context.run_dir / "match" / "scored_pairs.parquet")
        write_rows(engine, "judgements", judgements, context.run_dir / "judgements.parquet")
        stage.run(context)
        links = engine.rows(f"SELECT record_key, person_id FROM read_parquet('{context.output('links')}')")
        cases = engine.rows(f"SELECT * FROM read_parquet('{context.output('review_cases')}')")
    return {row["record_key"]: row["person_id"] for row in links}, cases


@pytest.mark.parametrize(
    ("name", "policy", "records", "pairs", "judgements", "together", "kinds"),
    [
        ("a feed that may hold a person twice joins", TWICE, [A, B], DIRECT, [], True, []),
        ("two live records of a feed declared to hold a person once do not", ONCE, [A, B], DIRECT, [], False, ["duplicate_in_feed"]),
        ("nor by a third record", ONCE, [A, B, GRID], BRIDGED, [], False, ["constraint_conflict"]),
        ("nor by a chain of two", ONCE, [A, B, GRID, HEALTH], LONG_BRIDGE, [], False, ["constraint_conflict"]),
        ("a struck-out record is not live", ONCE, [A, DEAD], DIRECT, [], True, []),
        ("a steward knows better", ONCE, [A, B], DIRECT, SAME, True, []),
    ],
)  # fmt: skip
def test_a_feed_that_holds_a_person_once(
    tmp_path: Path, name: str, policy: Any, records: Any, pairs: Any, judgements: Any, together: bool, kinds: list[str]
) -> None:
    persons, cases = resolve(tmp_path, policy, records, pairs, judgements)
    assert (persons["police:1"] == persons["police:2"]) is together
    assert [case["kind"] for case in cases] == kinds


def test_a_refused_bridge_names_the_declaration(tmp_path: Path) -> None:
    persons, cases = resolve(tmp_path, ONCE, [A, B, GRID], BRIDGED, [])
    assert persons["grid:1"] == persons["police:1"], "the heavier link stays"
    assert cases[0]["reason_en"].endswith("both of a feed declared to hold a person once")


@pytest.mark.parametrize(
    ("name", "weight", "pairs_policy", "together", "kinds"),
    [
        ("below the general threshold", 3.0, [], False, ["weight_between_thresholds"]),
        ("but enough for these two feeds", 3.0, [{"feeds": ["grid_visit", "police_hukou"], "join_match_weight": 2.5}], True, []),
        ("above the general threshold", 5.0, [], True, []),
        ("but not enough for these two feeds", 5.0, [{"feeds": ["police_hukou", "grid_visit"], "join_match_weight": 6.0}], False, ["weight_between_thresholds"]),
        ("another pair of feeds does not matter", 5.0, [{"feeds": ["grid_visit", "grid_visit"], "join_match_weight": 6.0}], True, []),
    ],
)  # fmt: skip
def test_thresholds_of_a_pair_of_feeds(
    tmp_path: Path, name: str, weight: float, pairs_policy: Any, together: bool, kinds: list[str]
) -> None:
    persons, cases = resolve(tmp_path, {"pairs": pairs_policy}, [A, GRID], [("police:1", "grid:1", weight)], [])
    assert (persons["police:1"] == persons["grid:1"]) is together
    assert [case["kind"] for case in cases] == kinds
