"""What keeps two records apart: the first that speaks, in the order in which the resolver asks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linkage.explain.evidence import Evidence
from linkage.explain.pairs import barrier, thresholds
from linkage.explain.story import Barrier
from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine
from linkage.kernel.link_policy import PairPolicy
from linkage.kernel.run import State
from linkage.match.config import MatchConfig
from tests.builders import REPOSITORY, record, write_rows

CONFIG = read_config(REPOSITORY / "config" / "match.yaml", MatchConfig)
A, B = "330106198503121234", "110105194912310025"
RECORDS = [
    record("civil:1", name="张伟"),
    record("grid:1", name="张伟"),
    record("grid:2", name="张伟", number=A),
    record("health:1", name="张伟", number=B),
    record("health:2", name="张伟", number=A),
    record("police:1", name="张伟", person_status="alive"),
    record("police:2", name="张伟", person_status="alive"),
    record("police:3", name="张伟", person_status="deceased"),
]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    folder = tmp_path_factory.mktemp("barriers")
    (folder / "config").symlink_to(REPOSITORY / "config")
    with Engine() as engine:
        engine.read("common_records", write_rows(engine, "common_records", RECORDS, folder / "common_records.parquet"))
        engine.con.execute(
            "CREATE TEMP VIEW judgement_status AS SELECT 'civil:1' AS current_key_l, 'grid:1' AS current_key_r, 'different' AS verdict, 'J1' AS judgement_id, true AS in_force"
        )
        engine.run_sql("linkage.kernel", "good_number")
        yield Evidence(State(folder), Path("release"), {}, engine, folder)


CASES: list[tuple[str, tuple[str, str], dict[str, Any], Barrier]] = [
    ("a judgement is asked first", ("civil:1", "grid:1"), {"guards": ["twins"]}, Barrier("judged_different", judgement="J1")),
    ("then the guards", ("grid:2", "health:1"), {"guards": ["twins"]}, Barrier("guard", guard="twins")),
    ("two live records of a feed that holds a person once", ("police:1", "police:2"), {}, Barrier("duplicate_free", feed="police_hukou")),
    ("a struck-out record may repeat a person", ("police:1", "police:3"), {"match_weight": 1.0}, Barrier("below_join")),
    ("two different good numbers", ("grid:2", "health:1"), {}, Barrier("two_numbers")),
    ("the same good number", ("grid:2", "health:2"), {}, Barrier("elsewhere")),
    ("no rule", ("grid:2", "health:2"), {"blocking_rule": None}, Barrier("no_rule")),
    ("only too common a value", ("grid:1", "grid:2"), {"blocking_rule": None, "too_common": ("name_estate",)}, Barrier("too_common", rules=("name_estate",))),
    ("found but forgotten", ("grid:1", "grid:2"), {"match_weight": -8.5}, Barrier("below_floor")),
    ("unlike one person", ("grid:1", "grid:2"), {"match_weight": -3.0}, Barrier("below_review")),
    ("for a steward", ("grid:1", "grid:2"), {"match_weight": 3.9}, Barrier("below_join")),
    ("heavy enough", ("grid:1", "grid:2"), {"match_weight": 4.0}, Barrier("elsewhere")),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "pair", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_barrier(evidence: Evidence, keys: tuple[str, str], pair: dict[str, Any], expected: Barrier) -> None:
    row = {"match_weight": 20.0, "blocking_rule": "number", "guards": [], "too_common": ()} | pair
    row |= {"record_key_l": keys[0], "record_key_r": keys[1]}
    assert barrier(evidence, row, row["too_common"]) == expected


def test_the_link_policy_of_two_feeds() -> None:
    special = PairPolicy(feeds=("b", "a"), compare=False, join_match_weight=9.0)
    config = CONFIG.model_copy(update={"policy": CONFIG.policy.model_copy(update={"pairs": (special,)})})
    assert thresholds(config, "a", "b") == (9.0, CONFIG.thresholds.keep_match_weight)
    assert thresholds(config, "a", "a") == (CONFIG.thresholds.join_match_weight, CONFIG.thresholds.keep_match_weight)
    assert not config.policy.compares("a", "b") and config.policy.compares("a", "a")
    only = CONFIG.model_copy(update={"policy": CONFIG.policy.model_copy(update={"link_type": "link_only"})})
    assert not only.policy.compares("a", "a") and only.policy.compares("a", "b")
