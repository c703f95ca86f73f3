"""Error estimates of a world of a few records, and the blind sample that stewards are asked."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linkage.estimate import stage
from linkage.kernel.engine import Engine, quote_text
from tests.builders import record, stage_context, write_rows

Rows = list[dict[str, Any]]
NUMBERS = ("330106198503121234", "110105194912310025", "330106195801012345")


def pair(left: str, right: str, weight: float, guards: tuple[str, ...] = (), number: float = 20.0) -> dict[str, Any]:
    weights = {"number": number, "name": weight - number}
    return {
        "record_key_l": min(left, right), "record_key_r": max(left, right), "match_weight": weight,
        "blocking_rule": "number", "guards": list(guards), "weights": weights,
    }  # fmt: skip


def hidden(key: str, other: str, weight: float, guards: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"record_key": key, "other_key": other, "match_weight": weight, "guards": list(guards)}


class World:
    """One run of the stage, from tables written down by the test."""

    def __init__(self, tmp_path: Path, engine: Engine) -> None:
        self.tmp_path, self.engine = tmp_path, engine

    def run(
        self, persons: dict[str, list[dict[str, Any]]], pairs: Rows, asked: Rows = [], judgements: Rows = []  # noqa: B006 - never changed
    ) -> "World":  # fmt: skip
        context = stage_context(self.tmp_path, self.engine, "estimate")
        folder = context.run_dir
        records = [r for rows in persons.values() for r in rows]
        links = [
            {k: r[k] for k in ("source", "feed", "record_id", "record_key")} | {"person_id": person, "link_kind": "match"}
            for person, rows in persons.items()
            for r in rows
        ]  # fmt: skip
        sampled = [
            {"record_key": key, "stratum": "rest", "sampling_weight": 1.0, "subgroups": []}
            for key in sorted({p["record_key"] for p in asked})
        ]
        for path, table, rows in (
            ("gate_incoming/common_records", "common_records", records),
            ("match/scored_pairs", "scored_pairs", pairs),
            ("match/holdout_records", "holdout_records", sampled),
            ("match/holdout_pairs", "holdout_pairs", asked),
            ("resolve/links", "links", links),
            ("resolve/review_cases", "review_cases", []),
            ("resolve/judgement_status", "judgement_status", judgements),
        ):
            write_rows(self.engine, table, rows, folder / f"{path}.parquet")
        self.summary = stage.run(context)
        self.out = context.out_dir
        return self

    def table(self, name: str) -> Rows:
        return self.engine.rows(f"SELECT * FROM read_parquet({quote_text(self.out / f'{name}.parquet')})")

    def estimate(self, method: str, measure: str, subgroup: str = "all") -> dict[str, Any]:
        (found,) = [
            r
            for r in self.table("error_estimates")
            if (r["method"], r["measure"], r["subgroup"]) == (method, measure, subgroup)
        ]
        return found


@pytest.fixture
def world(tmp_path: Path) -> Any:
    with Engine() as engine:
        yield World(tmp_path, engine)


A1, A2, A3 = (record(f"{s}:1", name="张伟", number=NUMBERS[0]) for s in ("police", "health", "civil"))
B1, B2 = (record(f"{s}:2", name="李娜", number=NUMBERS[1]) for s in ("police", "health"))
LOOSE = record("grid:9", name="张伟")
PERSONS = {"P1": [A1, A2, A3], "P2": [B1, B2]}
PAIRS = [pair("police:1", "health:1", 45.0), pair("police:1", "civil:1", 45.0), pair("police:2", "health:2", 45.0)]


@pytest.mark.parametrize(
    ("name", "asked", "precision", "recall"),
    [
        ("finds its person", [hidden("health:1", "police:1", 9.0)], (1, 0), (1, 0)),
        ("the strongest pair decides", [hidden("health:1", "police:1", 9.0), hidden("health:1", "police:2", 5.0)], (1, 0), (1, 0)),
        ("joins another person", [hidden("health:1", "police:2", 9.0), hidden("health:1", "police:1", 5.0)], (1, 1), (1, 1)),
        ("a guard forbids the stronger one", [hidden("health:1", "police:2", 9.0, ("twins",)), hidden("health:1", "police:1", 5.0)], (1, 0), (1, 0)),
        ("below the join threshold it finds nobody", [hidden("health:1", "police:1", 3.0)], None, (1, 1)),
        ("two records, one of them not found", [hidden("health:1", "police:1", 9.0), hidden("health:2", "police:2", 0.0)], (1, 0), (2, 1)),
    ],
)  # fmt: skip
def test_a_record_without_its_number(
    world: World, name: str, asked: Rows, precision: tuple[int, int] | None, recall: tuple[int, int]
) -> None:
    world.run(PERSONS, PAIRS, asked)
    found = world.estimate("holdout", "recall")
    assert (found["n"], found["errors"]) == recall
    assert found["low"] <= found["estimate"] <= found["high"]
    if precision is None:
        assert not [
            r for r in world.table("error_estimates") if (r["method"], r["measure"]) == ("holdout", "precision")
        ]
    else:
        found = world.estimate("holdout", "precision")
        assert (found["n"], found["errors"]) == precision


def test_a_person_that_only_the_hidden_record_holds_together_is_not_found(world: World) -> None:
    """grid:9 belongs to the person through health:1 alone; without that record's number it is somebody apart."""
    persons = PERSONS | {"P1": [A1, A2, A3, LOOSE]}
    bridge = pair("health:1", "grid:9", 8.0, number=0.0)
    world.run(persons, [*PAIRS, bridge], [hidden("health:1", "grid:9", 8.0)])
    assert world.estimate("holdout", "recall")["errors"] == 1
    second = pair("civil:1", "grid:9", 8.0, number=0.0)
    world.run(persons, [*PAIRS, bridge, second], [hidden("health:1", "grid:9", 8.0)])
    assert world.estimate("holdout", "recall")["errors"] == 0


def test_a_number_that_nothing_else_supports_counts_as_wrong(world: World) -> None:
    asked = [hidden("health:1", "police:1", 9.0)]
    world.run(PERSONS, PAIRS, asked)
    assert world.estimate("register", "precision")["errors"] == 0
    alone = [*PAIRS[:2], pair("police:2", "health:2", 24.0)]  # 20 bits are the number's, 4 remain
    world.run(PERSONS, alone, asked)
    found = world.estimate("register", "precision")
    assert (found["n"], found["errors"], found["estimate"]) == (5, 2, pytest.approx(3 / 5))


def test_a_number_in_two_persons_counts_as_missed(world: World) -> None:
    world.run({"P1": [A1, A2], "P9": [A3], "P2": [B1, B2]}, PAIRS, [hidden("health:1", "police:1", 9.0)])
    assert world.estimate("register", "recall")["errors"] == 1


def test_the_quality_sample_is_blind_and_asks_each_stratum(world: World) -> None:
    pairs = [*PAIRS, pair("police:2", "health:1", -3.0, number=-6.0), pair("police:2", "civil:1", 3.0, number=0.0)]
    cases = [c for c in world.run(PERSONS, pairs).table("review_cases") if c["kind"] == "quality_sample"]
    assert len(cases) == 3  # one of the three joined pairs, and one of each lower band
    for case in cases:
        assert (case["match_weight"], case["person_ids"], case["priority"]) == (None, [], 0.0)
    assert len({(c["reason"], c["reason_en"]) for c in cases}) == 1
    assert world.run(PERSONS, pairs[::-1]).table("review_cases") == cases


def judged(case: dict[str, Any], verdict: str) -> dict[str, Any]:
    left, right = case["records"]
    return {
        "judgement_id": case["case_id"], "current_key_l": left, "current_key_r": right, "verdict": verdict,
        "status": "applied", "in_force": True, "decided_at": "2026-03-01 10:00:00",
    }  # fmt: skip


def test_a_judged_pair_makes_room_for_the_next_and_counts(world: World) -> None:
    first = world.run(PERSONS, PAIRS).table("review_cases")
    world.run(PERSONS, PAIRS, judgements=[judged(case, "same") for case in first])
    assert world.estimate("judgements", "precision")["n"] == 1
    assert {c["case_id"] for c in world.table("review_cases")}.isdisjoint(c["case_id"] for c in first)


def test_a_pair_judged_out_of_turn_does_not_count(world: World) -> None:
    """A pair that stewards were shown because it is hard says nothing about the others of its stratum."""
    first = world.run(PERSONS, PAIRS).table("review_cases")[0]["records"]
    (out_of_turn, *_) = [p for p in PAIRS if [p["record_key_l"], p["record_key_r"]] != first]
    hard = {"case_id": "1", "records": [out_of_turn["record_key_l"], out_of_turn["record_key_r"]]}
    world.run(PERSONS, PAIRS, judgements=[judged(hard, "different")])
    assert [r for r in world.table("error_estimates") if r["method"] == "judgements"] == []
    assert world.summary["judged_pairs"] == 1


@pytest.mark.parametrize(
    ("subgroup", "fields"),
    [
        ("minority", {"ethnicity": "05"}),
        ("minority", {"name_kind": "minority"}),
        ("under_1", {"birth": date(2025, 6, 1)}),
        ("over_80", {"birth": date(1946, 3, 2)}),
        ("migrant", {"feed": "police_floating"}),
        ("foreign", {"identity_kind": "passport"}),
        ("foreign", {"nationality": "FRA"}),
        ("without_number", {}),
        ("lives_elsewhere", {"presence": "hukou_without_presence"}),
    ],
)
def test_who_belongs_to_a_subgroup(world: World, subgroup: str, fields: dict[str, Any]) -> None:
    ordinary = record("police:2", name="王强", number=NUMBERS[1], birth=date(1949, 12, 31), ethnicity="01")
    world.run({"P1": [record("police:1", name="张伟", **fields)], "P2": [ordinary]}, [])
    members = {(r["person_id"], r["subgroup"]) for r in world.table("person_subgroups")}
    assert ("P1", subgroup) in members
    assert {group for person, group in members if person == "P2"} == {"all"}


def test_twins_and_who_lives_with_them_are_around_twins(world: World) -> None:
    home = {"hukou_dwelling_key": "K1", "birth": date(2020, 5, 1)}
    twins = {f"P{i}": [record(f"police:{i}", name=name, **home)] for i, name in enumerate(("樊诗玥", "樊明宇"))}
    mother = record("police:8", name="刘梅", hukou_dwelling_key="K1", birth=date(1990, 1, 1))
    neighbour = record("police:9", name="李娜", hukou_dwelling_key="K2", birth=date(2020, 5, 1))
    world.run(twins | {"P8": [mother], "P9": [neighbour]}, [])
    assert {r["person_id"] for r in world.table("person_subgroups") if r["subgroup"] == "around_twins"} == {
        "P0",
        "P1",
        "P8",
    }
