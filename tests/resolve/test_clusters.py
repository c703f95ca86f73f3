"""Clusters: what joins, what a constraint keeps apart, and that order never matters."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.resolve.clusters import Edges, resolve_clusters, weakly_bridged
from linkage.resolve.partition import BoolArray, Link, best_partition, held_by

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
    label = resolve_clusters(size, edges_of(pairs), good, exact_up_to=6).label
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
            "the heaviest link gives way where both its ends are held better apart",
            4,
            [(0, 1, 9, "join"), (0, 2, 8, "join"), (1, 3, 8, "join"), (1, 2, 0, "cannot"), (0, 3, 0, "cannot")],
            {},
            [{0, 2}, {1, 3}],
        ),
        (
            "many weak links to one person do not outweigh one strong link to another",
            5,
            [
                (0, 1, 20, "join"),
                (2, 3, 20, "join"),
                (3, 4, 20, "join"),
                (0, 2, 8, "join"),
                (0, 3, 8, "join"),
                (0, 4, 8, "join"),
                (1, 2, 0, "cannot"),
            ],
            {},
            [{0, 1}, {2, 3, 4}],
        ),
        (
            "a judgement 'same' between two numbers holds for all their records",
            3,
            [(0, 1, 1000, "must"), (1, 2, 9, "join")],
            {0: "A", 1: "B", 2: "A"},
            [{0, 1, 2}],
        ),
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


def partitions(items: list[int]) -> Iterator[list[list[int]]]:
    """All partitions of ``items``."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for smaller in partitions(rest):
        yield [[first], *smaller]
        for i, part in enumerate(smaller):
            yield [*smaller[:i], [first, *part], *smaller[i + 1 :]]


@st.composite
def tangles(draw: st.DrawFn, most: int) -> tuple[list[Link], BoolArray]:
    size = draw(st.integers(2, most))
    pairs = [(a, b) for a in range(size) for b in range(a + 1, size)]
    linked = draw(st.lists(st.sampled_from(pairs), unique=True))
    links = [(float(draw(st.integers(4, 30))), a, b) for a, b in linked]
    forbidden = np.zeros((size, size), dtype=bool)
    for a, b in draw(st.lists(st.sampled_from(pairs), unique=True, max_size=size)):
        forbidden[a, b] = forbidden[b, a] = True
    return [link for link in links if not forbidden[link[1], link[2]]], forbidden


@settings(max_examples=60, deadline=None)
@given(tangles(6))
def test_small_components_get_the_best_of_all_partitions(tangle: tuple[list[Link], BoolArray]) -> None:
    links, forbidden = tangle
    labels = [
        np.array([next(i for i, part in enumerate(parts) if node in part) for node in range(len(forbidden))])
        for parts in partitions(list(range(len(forbidden))))
        if not any(forbidden[a, b] for part in parts for a, b in combinations(part, 2))
    ]
    best = max(held_by(links, label) for label in labels)
    assert held_by(links, best_partition(links, forbidden, exact_up_to=6)) == pytest.approx(best)


@settings(max_examples=150, deadline=None)
@given(tangles(20), st.sampled_from([0, 9]))
def test_no_part_breaks_a_constraint_and_every_link_given_up_has_its_reason(
    tangle: tuple[list[Link], BoolArray], exact_up_to: int
) -> None:
    links, forbidden = tangle
    label = best_partition(links, forbidden, exact_up_to=exact_up_to)
    assert not (forbidden & (label[:, None] == label[None, :])).any()
    assert held_by(links, label) >= 0
    for _, left, right in links:
        if label[left] != label[right]:
            assert forbidden[np.ix_(label == label[left], label == label[right])].any()


BRIDGES: list[tuple[str, int, list[Pair], list[list[int]]]] = [
    ("two pairs on a light bridge", 4, [(0, 1, 20, "join"), (2, 3, 20, "join"), (1, 2, 5, "join")], [[0, 1, 2, 3]]),
    ("a heavy bridge is none", 4, [(0, 1, 20, "join"), (2, 3, 20, "join"), (1, 2, 9, "join")], []),
    ("one record that hangs on a light pair", 3, [(0, 1, 20, "join"), (1, 2, 5, "join")], []),
    ("two clusters are not bridged", 4, [(0, 1, 20, "join"), (2, 3, 20, "join")], []),
]


@pytest.mark.parametrize(("name", "size", "pairs", "expected"), BRIDGES, ids=[b[0] for b in BRIDGES])
def test_weak_bridges(name: str, size: int, pairs: list[Pair], expected: list[list[int]]) -> None:
    edges = edges_of(pairs)
    label = resolve_clusters(size, edges, np.array([None] * size, dtype=object), exact_up_to=6).label
    assert weakly_bridged(size, edges, label, bridge_match_weight=8.0) == expected
