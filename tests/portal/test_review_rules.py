"""What the review desk works out by itself: verdicts and pairs, readings that count, agreement, advice, differences in words."""

from datetime import date, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.kernel.errors import ConfigurationError
from linkage.portal.review.advice import advise, isotonic
from linkage.portal.review.agreement import agreement
from linkage.portal.review.bulk import proven_patterns
from linkage.portal.review.differences import differ
from linkage.portal.review.readings import CaseState, Reading, case_state, settles
from linkage.portal.review.second import may_read, next_step
from linkage.portal.review.verdicts import NotDecidable, pairs_decided
from linkage.portal.review.weights import deciding_pair, proposed_groups
from linkage.resolve.clusters import Edges, resolve_clusters
from linkage.review.decisions import pairs_of_groups

NOON = datetime(2026, 3, 3, 12)


def reading(n: int, **given: Any) -> Reading:
    plain: dict[str, Any] = {
        "reading_id": f"r{n}", "case_id": "C1", "case_kind": "twins", "records": ("a:1", "b:1"), "release": "R1", "user_id": f"u{n}", "kind": "first",
        "verdict": "same", "groups": None, "reason": "", "decision_id": f"d{n}", "undoes": None, "batch": None, "pattern": None, "seconds": 1,
        "read_at": NOON + timedelta(minutes=n),
    }  # fmt: skip
    return Reading(**plain | given)


def undo_of(n: int, of: int) -> Reading:
    return reading(n, kind="undo", verdict="undo", undoes=f"r{of}", decision_id=None, user_id=f"u{of}")


UNJUDGED = {"decision_id": None}


@pytest.mark.parametrize(
    ("readings", "standing", "step"),
    [
        ([], "open", "first"),
        ([reading(1)], "decided", None),
        ([reading(1), undo_of(2, 1)], "open", "first"),
        ([reading(1), undo_of(2, 1), reading(3)], "decided", None),
        ([reading(1, **UNJUDGED)], "awaits_second", "second"),
        ([reading(1, **UNJUDGED), reading(2, kind="second")], "decided", None),
        ([reading(1, **UNJUDGED), reading(2, kind="second", verdict="different", **UNJUDGED)], "to_discuss", "third"),
        ([reading(1), reading(2, kind="second", verdict="unsure", **UNJUDGED)], "to_discuss", "third"),
        (
            [reading(1), reading(2, kind="second", verdict="unsure", **UNJUDGED), reading(3, kind="third")],
            "decided",
            None,
        ),
        (
            [reading(1, **UNJUDGED), reading(2, kind="second"), undo_of(3, 2)],
            "awaits_second",
            "second",
        ),
        (
            [
                reading(1, verdict="groups", groups=(("a:1",), ("b:1",)), **UNJUDGED),
                reading(2, kind="second", verdict="groups", groups=(("b:1",), ("a:1",))),
            ],
            "decided",
            None,
        ),
        (
            [
                reading(1, verdict="groups", groups=(("a:1",), ("b:1", "c:1")), **UNJUDGED),
                reading(2, kind="second", verdict="groups", groups=(("a:1", "b:1"), ("c:1",)), **UNJUDGED),
            ],
            "to_discuss",
            "third",
        ),
    ],
)
def test_where_a_case_stands(readings: list[Reading], standing: str, step: str | None) -> None:
    state = case_state(reversed(readings))
    assert state.standing == standing
    assert next_step(state, sampled=False) == step


def test_a_sampled_case_is_read_again_by_somebody_else_and_only_once() -> None:
    once = case_state([reading(1)])
    assert next_step(once, sampled=True) == "second"
    assert next_step(case_state([reading(1, batch="b")]), sampled=True) == "second", "also what was decided together"
    assert not may_read(once, "u1", "second", sampled=True)
    assert may_read(once, "u2", "second", sampled=True)
    assert next_step(case_state([reading(1), reading(2, kind="second", **UNJUDGED)]), sampled=True) is None


def test_a_judgement_that_no_longer_holds_is_asked_again_in_a_later_release() -> None:
    decided = case_state([reading(1)])
    assert settles(decided, "stale_judgement", "R1") is decided
    assert settles(decided, "stale_judgement", "R2") == CaseState()
    assert settles(decided, "twins", "R2") is decided


GROUPS = st.lists(st.integers(0, 3), min_size=2, max_size=7).map(
    lambda numbers: [
        [f"s:{place}" for place, number in enumerate(numbers) if number == group] for group in sorted(set(numbers))
    ]
)


@given(groups=GROUPS, data=st.data())
def test_no_person_that_comes_out_breaks_a_split_into_groups(groups: list[list[str]], data: st.DataObject) -> None:
    records = sorted(record for group in groups for record in group)
    node = {record: place for place, record in enumerate(records)}
    pairs = {(a, b): verdict for a, b, verdict in pairs_of_groups(groups)}
    assert set(pairs) == set(combinations(records, 2))
    weights = data.draw(st.lists(st.floats(-5, 40), min_size=len(pairs), max_size=len(pairs)))
    edges = Edges(
        left=np.array([node[a] for a, _ in pairs], dtype=np.int64),
        right=np.array([node[b] for _, b in pairs], dtype=np.int64),
        match_weight=np.array(
            [1000.0 if v == "same" else w for v, w in zip(pairs.values(), weights, strict=True)], dtype=np.float64
        ),
        must_link=np.array([v == "same" for v in pairs.values()]),
        cannot_link=np.array([v == "different" for v in pairs.values()]),
        joins=np.array([v == "same" or w >= 4 for v, w in zip(pairs.values(), weights, strict=True)]),
    )
    label = resolve_clusters(
        len(records), edges, np.array([None] * len(records), dtype=object), exact_up_to=12
    ).label.tolist()
    for (a, b), verdict in pairs.items():
        assert (label[node[a]] == label[node[b]]) == (verdict == "same")


@pytest.mark.parametrize("groups", [[["a"], []], [["a"], ["a"]], [["a", "a"]]])
def test_groups_that_are_none_are_refused(groups: list[list[str]]) -> None:
    with pytest.raises(ConfigurationError):
        pairs_of_groups(groups)


TWO = {"a:1": "P1", "a:2": "P1", "b:1": "P2", "b:2": "P2"}


@pytest.mark.parametrize(
    ("verdict", "records", "more", "expected"),
    [
        ("same", ["b:1", "a:1"], {}, {("a:1", "b:1", "same")}),
        ("same", ["a:1", "a:2", "b:1"], {}, {("a:1", "b:1", "same"), ("a:2", "b:1", "same")}),
        ("same", ["a:1", "a:2"], {}, {("a:1", "a:2", "same")}),
        ("different", ["a:1", "b:1"], {"near": [("a:2", "b:2")]}, {("a:1", "b:1", "different"), ("a:2", "b:2", "different")}),
        ("unsure", ["a:1", "a:2", "b:1"], {}, {("a:1", "b:1", "unsure")}),
        ("move", ["a:1", "b:1"], {"groups": [["a:1"]]}, {("a:1", "a:2", "different")}),
        ("move", ["a:1", "b:1"], {"groups": [["a:1", "b:2"]]}, {("a:1", "a:2", "different"), ("b:1", "b:2", "different")}),
        ("groups", ["a:1", "b:1"], {"groups": [["a:1", "b:1"], ["b:2"], []]},
         {("a:1", "b:1", "same"), ("a:1", "b:2", "different"), ("b:1", "b:2", "different")}),
    ],
)  # fmt: skip
def test_what_a_verdict_means_for_pairs(
    verdict: str, records: list[str], more: dict[str, Any], expected: set[tuple[str, str, str]]
) -> None:
    assert set(pairs_decided(verdict, records, TWO, **more)) == expected


@pytest.mark.parametrize(
    ("verdict", "records", "groups"),
    [("different", ["a:1", "a:2", "a:3"], []), ("move", ["a:1"], [["a:1", "a:2"]]), ("same", ["a:1"], [])],
)
def test_a_verdict_that_says_nothing_is_refused(verdict: str, records: list[str], groups: list[list[str]]) -> None:
    with pytest.raises(NotDecidable):
        pairs_decided(verdict, records, dict.fromkeys(["a:1", "a:2", "a:3"], "P1") if verdict == "different" else {"a:1": "P1", "a:2": "P1"}, groups=groups)  # fmt: skip


def test_agreement_is_cohens_kappa() -> None:
    # Cohen 1960 as commonly worked: 20 + 15 of 50 alike, 35/50 observed, 0.5 by chance.
    pairs = (
        [("same", "same")] * 20
        + [("same", "different")] * 5
        + [("different", "same")] * 10
        + [("different", "different")] * 15
    )
    found = agreement(pairs)
    assert (found.n, found.agreed) == (50, 35)
    assert found.kappa == pytest.approx(0.4)
    assert agreement([]).kappa is None
    assert agreement([("same", "same")] * 3).kappa is None
    assert agreement([("same", "same"), ("different", "different")]).kappa == 1


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1)), min_size=1, max_size=12))
def test_isotonic_regression_rises_and_keeps_the_mean(points: list[tuple[int, float]]) -> None:
    smooth = isotonic(points)
    assert all(a <= b + 1e-9 for a, b in pairwise(smooth))
    total = sum(weight for weight, _ in points)
    assert sum(w * s for (w, _), s in zip(points, smooth, strict=True)) / total == pytest.approx(
        sum(w * v for w, v in points) / total
    )


def test_advice_is_where_most_pairs_turn_the_same_and_none_with_few_pairs() -> None:
    judged = [(weight + 0.5, weight >= 3 or (weight == 2 and n < 3)) for weight in range(6) for n in range(10)]
    found = advise(judged)
    assert (found.n, found.threshold, found.low, found.high) == (60, 3.0, 2.0, 3.0)
    assert advise(judged[:29]).threshold is None


def cases_read(verdicts: list[str], **given: Any) -> list[CaseState]:
    return [case_state([reading(1, verdict=verdict, pattern="p", **given)]) for verdict in verdicts]


@pytest.mark.parametrize(
    ("verdicts", "given_", "expected"),
    [
        (["same"] * 5, {}, {"p"}),
        (["same"] * 4, {}, set()),
        (["same"] * 5 + ["different"], {}, set()),
        (["same"] * 5 + ["unsure"], {}, set()),
        (["unsure"] * 9, {}, set()),
        (["same"] * 5, {"batch": "b"}, set()),
    ],
)
def test_a_pattern_is_proven_by_enough_alike_one_by_one_and_none_contrary(
    verdicts: list[str], given_: dict[str, Any], expected: set[str]
) -> None:
    assert set(proven_patterns(cases_read(verdicts, **given_), 5)) == expected


def test_a_second_reader_who_differs_unproves_a_pattern() -> None:
    contrary = case_state([reading(1, pattern="p"), reading(2, kind="second", verdict="different", pattern="p")])
    assert proven_patterns([*cases_read(["same"] * 9), contrary], 5) == {}


@pytest.mark.parametrize(
    ("kind", "a", "b", "state", "zh"),
    [
        ("full_name", {"full_name": "张小明"}, {"full_name": "张小明"}, "same", "同"),
        ("full_name", {"full_name": "张小明"}, {"full_name": "张明"}, "alike", "不同：少一字"),
        ("full_name", {"full_name": "张明"}, {"full_name": "张小明"}, "alike", "不同：多一字"),
        ("full_name", {"full_name": "张小明"}, {"full_name": "张晓明"}, "alike", "不同：第 2 位不同"),
        ("full_name", {"full_name": "张小明", "name_sound": "zhang xiao ming"}, {"full_name": "张晓明", "name_sound": "zhang xiao ming"}, "alike", "不同：同音异字"),
        ("full_name", {"full_name": "张小明", "surname": "张"}, {"full_name": "张建国强", "surname": "张"}, "differs", "不同：同姓异名"),
        ("full_name", {"full_name": "张小明"}, {}, "missing", "缺"),
        ("identity_number", {"identity_number": "110101199001011237"}, {"identity_number": "110101199001011327"}, "alike", "不同：第 16、17 位互换"),
        ("identity_number", {"identity_number": "110101199001011237"}, {"identity_partial": "1101**********1237"}, "alike", "与残缺号码相符"),
        ("identity_number", {"identity_number": "110101199001011237"}, {"identity_number": "110101198505051234"}, "differs", "不同：5 位"),
        ("birth_date", {"birth_date": date(1980, 3, 4), "birth_date_precision": "day"}, {"birth_date": date(1980, 4, 3), "birth_date_precision": "day"}, "alike", "不同：月日颠倒"),
        ("birth_date", {"birth_date": date(1980, 3, 4), "birth_date_precision": "day"}, {"birth_date": date(1980, 1, 1), "birth_date_precision": "year"}, "alike", "同年（一方只到年）"),
        ("birth_date", {"birth_date": date(1980, 3, 4), "birth_date_precision": "day"}, {"birth_date": date(1955, 7, 30), "birth_date_precision": "day"}, "differs", "不同：差约 25 年"),
        ("phones", {"phones": ["1", "2"]}, {"phones": ["2", "3"]}, "alike", "有相同号码"),
        ("residence_address", {"residence_address": "x", "residence_building_key": "b"}, {"residence_address": "y", "residence_building_key": "b"}, "alike", "不同：同楼幢"),
        ("sex", {"sex": "1"}, {"sex": "2"}, "differs", "不同"),
    ],
)  # fmt: skip
def test_differences_are_told_in_words(kind: str, a: dict[str, Any], b: dict[str, Any], state: str, zh: str) -> None:
    assert differ(kind, a, b)[:2] == (state, zh)


def pair(a: str, b: str, weight: float) -> tuple[frozenset[str], dict[str, Any]]:
    return frozenset((a, b)), {"record_key_l": a, "record_key_r": b, "match_weight": weight}


def test_of_a_tangled_person_the_weakest_necessary_link_is_shown_and_groups_are_proposed_around_it() -> None:
    pairs = dict([pair("a", "b", 30), pair("c", "d", 25), pair("b", "c", 5), pair("a", "c", 2)])
    assert deciding_pair(["a", "d", "b", "c"], pairs) == frozenset("bc")
    assert deciding_pair(["a", "b"], {}) == frozenset("ab")
    assert proposed_groups(["a", "b", "c", "d"], pairs, 8) == {"a": 1, "b": 1, "c": 2, "d": 2}
