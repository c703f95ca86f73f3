"""A match call gives the weights of the night: every kind of pair, the same numbers."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from linkage.kernel.errors import LinkageError
from linkage.match.on_demand import score_given_records
from tests.explain.conftest import World

pytestmark = pytest.mark.slow
COLUMNS = ("record_key_l", "record_key_r", "match_weight", "blocking_rule", "levels", "weights", "guards")


def kinds(pair: dict[str, Any]) -> set[tuple[str, Any]]:
    return {
        ("rule", pair["blocking_rule"]),
        *(("level", level) for level in pair["levels"].items()),
        *(("guard", guard) for guard in pair["guards"]),
    }


def scored_pairs(world: World) -> list[dict[str, Any]]:
    rows = world.rows("SELECT * FROM '{run}/match/scored_pairs.parquet' ORDER BY hash(record_key_l, record_key_r)")
    return [row | {"levels": dict(row["levels"]), "weights": dict(row["weights"])} for row in rows]


def one_of_each_kind(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Few pairs that show every kind there is (greedily the pair with most kinds not seen yet)."""
    missing = set().union(*map(kinds, pairs))
    chosen = []
    while missing:
        best = max(pairs, key=lambda pair: len(kinds(pair) & missing))
        chosen.append(best)
        missing -= kinds(best)
    return chosen


def as_the_night(pair: dict[str, Any]) -> dict[str, Any]:
    return {column: pair[column] for column in COLUMNS}


def test_every_kind_of_pair_weighs_what_it_weighed_that_night(world: World) -> None:
    pairs = one_of_each_kind(scored_pairs(world))
    assert {rule for pair in pairs for kind, rule in kinds(pair) if kind == "rule"} >= {
        "number",
        "name_birth",
        "name_dwelling",
    }
    assert {guard for pair in pairs for guard in pair["guards"]} >= {"twins", "other_generation"}
    for pair in pairs:
        call = score_given_records(world.run, [pair["record_key_r"]], [pair["record_key_l"]])
        assert [as_the_night(found) for found in call.pairs] == [as_the_night(pair)]
        assert call.as_that_night


def test_many_records_at_once_weigh_the_same(world: World) -> None:
    pairs = scored_pairs(world)[:400]
    left = {pair["record_key_l"] for pair in pairs}
    right = {pair["record_key_r"] for pair in pairs} - left
    call = score_given_records(world.run, sorted(left), sorted(right))
    assert len(call.pairs) == len(left) * len(right)
    found = {(pair["record_key_l"], pair["record_key_r"]): pair for pair in call.pairs}
    night = {(p["record_key_l"], p["record_key_r"]): p for p in scored_pairs(world)}
    both = [key for key in found if key in night]
    assert len(both) > 200
    assert [as_the_night(found[key]) for key in both] == [as_the_night(night[key]) for key in both]


def test_a_pair_that_the_night_scored_has_a_rule_and_any_other_has_none_or_is_too_light(world: World) -> None:
    night = {(p["record_key_l"], p["record_key_r"]) for p in scored_pairs(world)}
    records = world.rows(
        "SELECT record_key FROM '{run}/match/compared_records.parquet' ORDER BY hash(record_key) LIMIT 120"
    )
    keys = [row["record_key"] for row in records]
    for pair in score_given_records(world.run, keys[:60], keys[60:]).pairs:
        scored = pair["blocking_rule"] is not None and pair["match_weight"] >= -8.0
        assert scored == ((pair["record_key_l"], pair["record_key_r"]) in night)


def test_records_that_look_different_now_are_told_apart(world: World, tmp_path: Path) -> None:
    """As if another version of the programme had made the fingerprints: all features are made anew, and it is said."""
    run = tmp_path / "run"
    for stage in ("config", "model", "gate_incoming"):
        (run / stage).parent.mkdir(exist_ok=True)
        (run / stage).symlink_to(world.run / stage)
    (run / "match").mkdir()
    duckdb.sql(
        f"COPY (SELECT record_key, fingerprint + 1 AS fingerprint FROM '{world.run}/match/compared_records.parquet') TO '{run}/match/compared_records.parquet'"
    )
    pair = scored_pairs(world)[0]
    call = score_given_records(run, [pair["record_key_l"]], [pair["record_key_r"]])
    assert not call.as_that_night
    assert as_the_night(call.pairs[0]) == as_the_night(pair)


def test_a_record_that_was_not_compared_is_named(world: World) -> None:
    with pytest.raises(LinkageError, match="has no record 'police:nobody'"):
        score_given_records(world.run, ["police:nobody"], [world.same[0]])
