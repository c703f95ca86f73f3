"""Clusters: what joins, what a constraint keeps apart, and that order never matters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.resolve.clusters import Edges, resolve_clusters

Pair = tuple[int, int, float, str]  # left, right, match weight in bits, join | must | cannot


def edges_of(pairs: list[Pair]) -> Edges:
    return Edges(
        left=np.array([p[0] for p in pairs], dtype=np.int64),
        right=np.array([p[1] for p in pairs], dtype=np.int64),
        match_weight=np.array([p[2] for p in pairs], dtype=np.float64),
        must_link=np.array([p[3] == "must" for p in pairs], dtype=bool),
        cannot_link=np.array([p[3] == "cannot" for p in pairs], dtype=bool),
        joins=np.array([p[3] != "cannot" for p in pairs], dtype=bool),
    )


def clusters_of(size: int, pairs: list[Pair], numbers: dict[int, str] | None = None) -> set[frozenset[int]]:
    good = np.array([(numbers or {}).get(node) for node in range(size)], dtype=object)
    label = resolve_clusters(size, edges_of(pairs), good).label
    return {frozenset(np.flatnonzero(label == root).tolist()) for root in set(label.tolist())}


@pytest.mark.parametrize(
    ("name", "size", "pairs", "numbers", "expected"),
    [
        ("no pairs: everybody alone", 3, [], {}, [{0}, {1}, {2}]),
        ("a pair joins", 3, [(0, 1, 8, "join")], {}, [{0, 1}, {2}]),
        ("a chain joins all", 3, [(0, 1, 8, "join"), (1, 2, 8, "join")], {}, [{0, 1, 2}]),
        (
            "a forbidden pair is not bridged: the weaker bridge breaks",
            3,
            [(0, 1, 9, "join"), (1, 2, 6, "join"), (0, 2, 0, "cannot")],
            {},
            [{0, 1}, {2}],
        ),
        (
            "two good numbers are never bridged by a record without one",
            3,
            [(0, 1, 7, "join"), (1, 2, 9, "join")],
            {0: "A", 2: "B"},
            [{0}, {1, 2}],
        ),
        (
            "the same good number is no conflict",
            3,
            [(0, 1, 7, "join"), (1, 2, 9, "join")],
            {0: "A", 2: "A"},
            [{0, 1, 2}],
        ),
        ("a judgement 'same' outweighs two good numbers", 2, [(0, 1, 1000, "must")], {0: "A", 1: "B"}, [{0, 1}]),
        (
            "a component in conflict keeps its undisputed parts",
            5,
            [(0, 1, 9, "join"), (2, 3, 9, "join"), (1, 2, 5, "join"), (3, 4, 9, "join"), (0, 4, 0, "cannot")],
            {},
            [{0, 1}, {2, 3, 4}],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_clusters(name: str, size: int, pairs: list[Pair], numbers: dict[int, str], expected: list[set[int]]) -> None:
    assert clusters_of(size, pairs, numbers) == {frozenset(part) for part in expected}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[int, list[Pair], dict[int, str]]:
    size = draw(st.integers(2, 12))
    kinds = st.sampled_from(["join", "join", "join", "cannot"])
    possible = [(a, b) for a in range(size) for b in range(a + 1, size)]
    chosen = draw(st.lists(st.sampled_from(possible), unique=True, max_size=25))
    pairs = [(a, b, float(draw(st.integers(4, 30))), draw(kinds)) for a, b in chosen]
    numbers = draw(st.dictionaries(st.integers(0, size - 1), st.sampled_from(["A", "B", "C"]), max_size=size))
    return size, pairs, numbers


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_no_cluster_ever_breaks_a_constraint(world: tuple[int, list[Pair], dict[int, str]]) -> None:
    size, pairs, numbers = world
    for cluster in clusters_of(size, pairs, numbers):
        assert len({numbers[n] for n in cluster if n in numbers}) <= 1
        assert not [p for p in pairs if p[3] == "cannot" and p[0] in cluster and p[1] in cluster]


@settings(max_examples=100, deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_pairs_does_not_matter(world: tuple[int, list[Pair], dict[int, str]], random: object) -> None:
    size, pairs, numbers = world
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert clusters_of(size, pairs, numbers) == clusters_of(size, shuffled, numbers)
