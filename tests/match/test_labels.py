"""Labels and declared features: what training takes as matches, and what it counts."""

from typing import Any

import pytest

from linkage.kernel.engine import Engine
from linkage.kernel.errors import ConfigurationError
from linkage.match.config import MatchConfig
from linkage.match.declared_features import make_declared_features
from linkage.match.scored_pairs import guard_features
from linkage.match.training import _heed_judgements, _make_training_labels

RECORDS = """(VALUES ('1', 'ann', 'x', 'A'), ('2', 'ann', 'x', 'A'), ('3', 'ann', 'x', NULL),
                     ('4', 'bob', 'y', 'B'), ('5', 'bob', 'y', 'C'), ('6', NULL, 'z', NULL)) t(record_key, name, home, number)"""
FEATURES = {"name": "upper(name)", "home": "home", "number": "number", "name_home": "name || '@' || home"}
THRESHOLDS = {"join_match_weight": 1, "keep_match_weight": 1, "review_match_weight": 0, "floor_match_weight": 0}
COMPARISON = {"name": "name", "train_m_on": "home", "levels": [{"name": "equal", "sql": "name_l = name_r"}, {"name": "other", "sql": "ELSE"}]}  # fmt: skip


def config(label: dict[str, Any], features: dict[str, str] = FEATURES) -> MatchConfig:
    return MatchConfig.model_validate(
        {
            "features": features,
            "thresholds": THRESHOLDS,
            "labels": [{"name": "home"} | label],
            "training": {"prior_labels": ["home"], "person_like_key": "coalesce(number, name)"},
            "blocking": [{"name": "name", "columns": ["name"]}],
            "comparisons": [COMPARISON],
        }
    )


def features_of(engine: Engine, features: dict[str, str]) -> None:
    engine.con.execute(f"CREATE TEMP TABLE common_records AS SELECT *, 's' AS source, 's' AS feed FROM {RECORDS}")
    make_declared_features(engine, features)


@pytest.mark.parametrize(
    ("name", "label", "keys"),
    [
        ("every record with a key takes part", {"key": "name_home"}, ["ann@x", "ann@x", "ann@x", "bob@y", "bob@y", None]),
        ("any SQL over the features", {"key": "left(name, 1)"}, ["A", "A", "A", "B", "B", None]),
        ("one numbered record of each group; two numbers are two people", {"key": "name_home", "sparing": "number"}, ["ann@x", None, "ann@x", None, None, None]),
    ],
)  # fmt: skip
def test_labels(name: str, label: dict[str, Any], keys: list[str | None]) -> None:
    with Engine() as engine:
        features_of(engine, FEATURES)
        _make_training_labels(engine, config(label))
        rows = engine.rows("SELECT * FROM training_labels ORDER BY unique_id")
    assert [row["label_home"] for row in rows] == keys
    assert [row["person_like_key"] for row in rows] == ["A", "A", "ANN", "B", "C", None]


def test_features_may_use_the_features_above_them_and_ids_follow_the_record_key() -> None:
    with Engine() as engine:
        features_of(engine, {"initial": "upper(left(name, 1))", "twice": "initial || initial"})
        rows = engine.rows("SELECT unique_id, record_key, twice FROM match_features ORDER BY unique_id")
    assert [(r["unique_id"], r["record_key"], r["twice"]) for r in rows][:2] == [(1, "1", "AA"), (2, "2", "AA")]


@pytest.mark.parametrize(("feature", "sql"), [("first", "forename"), ("broken", "upper(name"), ("typed", "name + 1")])
def test_a_feature_that_cannot_be_run_is_named(feature: str, sql: str) -> None:
    with Engine() as engine, pytest.raises(ConfigurationError, match=f"features.{feature}"):
        features_of(engine, {"name": "name", feature: sql})
        engine.rows("SELECT * FROM match_features")


def test_guards_say_which_features_they_look_at() -> None:
    guard = MatchConfig.model_validate(
        config({"key": "name_home"}).model_dump() | {"guards": [{"name": "g", "sql": "home_l <> home_r AND level_name = 'equal'", "effect": "review"}]}
    ).guards  # fmt: skip
    assert guard_features(guard, ["name", "home", "number"]) == ["home"]


@pytest.mark.parametrize(
    ("name", "verdicts", "keys", "counted"),
    [
        ("judged different: the two teach nothing there", [("1", "2", "different")], [None, None, "ann@x", "bob@y", "bob@y", None, None], 1),
        ("judged the same: two without a key get one", [("6", "7", "same")], ["ann@x", "ann@x", "ann@x", "bob@y", "bob@y", "judged 6 7", "judged 6 7"], 1),
        ("what was withdrawn says nothing", [("6", "7", "same"), ("6", "7", "withdrawn")], ["ann@x", "ann@x", "ann@x", "bob@y", "bob@y", None, None], 0),
        ("what was replaced counts again", [("6", "7", "same"), ("6", "7", "different"), ("6", "7", "withdrawn")], ["ann@x", "ann@x", "ann@x", "bob@y", "bob@y", "judged 6 7", "judged 6 7"], 1),
        ("who has a key keeps it", [("5", "6", "same")], ["ann@x", "ann@x", "ann@x", "bob@y", "bob@y", None, None], 1),
        ("unsure says nothing", [("1", "2", "unsure")], ["ann@x", "ann@x", "ann@x", "bob@y", "bob@y", None, None], 0),
        ("records of another night are passed over", [("1", "99", "different")], ["ann@x", "ann@x", "ann@x", "bob@y", "bob@y", None, None], 0),
    ],
)  # fmt: skip
def test_stewards_verdicts_correct_the_labels(
    name: str, verdicts: list[tuple[str, str, str]], keys: list[str | None], counted: int
) -> None:
    with Engine() as engine:
        engine.con.execute(
            f"CREATE TEMP TABLE common_records AS SELECT *, 's' AS source, 's' AS feed FROM {RECORDS} UNION ALL SELECT '7', NULL, 'w', NULL, 's', 's'"
        )
        make_declared_features(engine, FEATURES)
        rows = ", ".join(
            f"('{a}', '{b}', '{v}', {n}, 'j{n}', {repr(f'j{n - 1}') if v == 'withdrawn' else 'NULL'})"
            for n, (a, b, v) in enumerate(verdicts)
        )
        engine.con.execute(
            f"CREATE TEMP VIEW judgements AS SELECT * FROM (VALUES {rows}) t(record_key_l, record_key_r, verdict, decided_at, judgement_id, takes_back)"
        )
        chosen = config({"key": "name_home"})
        _make_training_labels(engine, chosen)
        judged = _heed_judgements(engine, chosen)
        found = [row["label_home"] for row in engine.rows("SELECT * FROM training_labels ORDER BY unique_id")]
    assert found == keys
    assert sum(judged.values()) == counted
