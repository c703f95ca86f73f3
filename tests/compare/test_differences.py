"""What differs between two linkings of the same records: constructed cases, each with its answer."""

from pathlib import Path
from typing import Any

import pytest

from linkage.compare.differences import SIDES, differences, weight_changes
from linkage.kernel.engine import Engine
from tests.builders import write_rows

FEEDS = {"police": "police_hukou", "health": "health_archive", "grid": "grid_visit"}
Persons = dict[str, list[str]]
Pair = tuple[str, str, float, dict[str, float]]


def write_side(
    engine: Engine,
    run: Path,
    persons: Persons,
    pairs: list[Pair] | None = None,
    homes: Persons | None = None,
    cases: list[str] | None = None,
) -> None:
    """One side of a comparison: person -> record keys, scored pairs, household -> persons, review case ids."""
    links = [
        {"person_id": person, "record_key": key, "source": key.split(":")[0], "record_id": key.split(":")[1], "feed": FEEDS[key.split(":")[0]]}
        for person, keys in persons.items()
        for key in keys
    ]  # fmt: skip
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {
        ("resolve", "links"): links,
        ("resolve", "members"): [
            {"household_id": home, "person_id": person} for home, them in (homes or {}).items() for person in them
        ],
        ("resolve", "review_cases"): [
            {"case_id": case, "kind": "weak_bridge", "records": [], "person_ids": []} for case in cases or []
        ],
        ("match", "scored_pairs"): [
            {"record_key_l": left, "record_key_r": right, "match_weight": weight, "weights": weights, "guards": []}
            for left, right, weight, weights in pairs or []
        ],
        ("estimate", "person_subgroups"): [{"person_id": p, "subgroup": "all"} for p in persons],
        ("estimate", "error_estimates"): [],
    }
    for (stage, table), content in rows.items():
        write_rows(engine, table, content, run / stage / f"{table}.parquet")


def compared(tmp_path: Path, live: dict[str, Any], candidate: dict[str, Any]) -> dict[str, Any]:
    with Engine() as engine:
        runs = {side: tmp_path / side for side in SIDES}
        write_side(engine, runs["live"], **live)
        write_side(engine, runs["candidate"], **candidate)
        return differences(engine, runs, ("twins",))


A, B, C, D = "police:1", "health:1", "grid:1", "health:2"
APART: Persons = {"P1": [A], "P2": [B, D], "P3": [C]}


@pytest.mark.parametrize(
    ("name", "live", "candidate", "counts", "changes"),
    [
        ("nothing", APART, APART, (0, 0, 0, 0), []),
        ("other ids are no change", APART, {"Q1": [A], "Q2": [B, D], "Q3": [C]}, (0, 0, 0, 0), []),
        ("a merge", APART, {"P2": [A, B, D], "P3": [C]}, (2, 1, 0, 0), [("merge", "P2", ["P1", "P2"])]),
        ("a split", APART, {"P1": [A], "P2": [B], "P3": [C], "P4": [D]}, (0, 0, 1, 2), [("split", "P2", ["P2", "P4"])]),
        (
            "a record that moves is a merge and a split",
            APART,
            {"P1": [A, B], "P2": [D], "P3": [C]},
            (2, 1, 1, 2),
            [("merge", "P1", ["P1", "P2"]), ("split", "P2", ["P1", "P2"])],
        ),
    ],
)
def test_persons(
    tmp_path: Path, name: str, live: Persons, candidate: Persons, counts: tuple[int, ...], changes: list[Any]
) -> None:
    found = compared(tmp_path, {"persons": live}, {"persons": candidate})
    keys = ("persons_merged", "persons_merged_into", "persons_split", "persons_split_into")
    assert tuple(found["persons"][k] for k in keys) == counts, name
    assert [(c["kind"], c["person_id"], c["parts"]) for c in found["changes"]] == changes, name


def test_the_pair_that_decides_and_what_moved_it(tmp_path: Path) -> None:
    live = [(B, A, 2.0, {"name": 5.0, "phone": -3.0}), (D, A, 1.0, {"name": 4.0, "phone": -3.0})]
    candidate = [(B, A, 6.5, {"name": 5.5, "phone": 1.0}), (D, A, 3.0, {"name": 4.0, "phone": -1.0})]
    found = compared(
        tmp_path, {"persons": APART, "pairs": live}, {"persons": {"P2": [A, B, D], "P3": [C]}, "pairs": candidate}
    )
    (change,) = found["changes"]
    assert change["pair"] == [B, A] and change["records"] == [B, D, A]
    assert (change["live_weight"], change["candidate_weight"]) == (2.0, 6.5)
    assert (change["moved_by"], change["moved_bits"]) == ("phone", 4.0)
    assert [(r["feed"], r["records_merged"]) for r in found["by_feed"]] == [("health_archive", 2), ("police_hukou", 1)]
    assert [(r["en"], r["persons"], r["persons_merged"]) for r in found["by_subgroup"]] == [("all", 3, 2)]


def test_households_and_review_cases(tmp_path: Path) -> None:
    live = {"persons": APART, "homes": {"H1": ["P1", "P2"], "H2": ["P3"], "H3": ["P3"]}, "cases": ["C1", "C2"]}
    new = {"persons": APART, "homes": {"H1": ["P1"], "H3": ["P3"], "H4": ["P2"], "H5": ["P2"]}, "cases": ["C2", "C3", "C4"]}  # fmt: skip
    found = compared(tmp_path, live, new)
    assert found["households"] == {
        "households_live": 3,
        "households_candidate": 4,
        "households_new": 2,
        "households_gone": 1,
        "households_with_other_members": 1,
    }
    assert found["review_cases"] == [
        {"kind": "weak_bridge", "live": 2, "candidate": 3, "only_live": 1, "only_candidate": 2}
    ]


def card(prior: float, **weights: float) -> dict[str, Any]:
    levels = [{"name": name, "zh": "", "en": "", "match_weight": weight} for name, weight in weights.items()]
    return {
        "prior_match_weight": prior,
        "comparisons": [{"name": "phone", "zh": "电话", "en": "phone", "levels": levels}],
    }


def test_weights_that_changed_most_come_first_and_levels_of_one_model_only_before_them() -> None:
    rows = weight_changes(card(-10.0, shared=5.0, different=-1.0), card(-11.0, shared=2.0, landline=1.0))
    assert [(r["comparison"], r["level"], r["live_weight"], r["candidate_weight"], r["change"]) for r in rows] == [
        ("phone", "different", -1.0, None, None),
        ("phone", "landline", None, 1.0, None),
        ("phone", "shared", 5.0, 2.0, -3.0),
        ("prior", "", -10.0, -11.0, -1.0),
    ]
