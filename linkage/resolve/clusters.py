"""Which records are one person tonight: clusters that never break a constraint.

Connected components of joining pairs are taken as they are when nothing speaks against them. A component that
holds a forbidden pair, or two different good numbers that no direct pair reconciles, is taken apart: its pairs are accepted from the heaviest down,
each only if the two sides it would unite may be united (Kruskal with cannot-link constraints). The result
depends on the pairs alone, not on their order.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Edges:
    """Pairs of nodes (positions of records in key order), one entry per pair; arrays of equal length."""

    left: IntArray
    right: IntArray
    match_weight: FloatArray
    must_link: BoolArray
    cannot_link: BoolArray
    joins: BoolArray


@dataclass(frozen=True)
class Clusters:
    """``label`` of each node (the smallest node of its cluster), and the components that had to be taken apart."""

    label: IntArray
    conflicts: list[list[int]]
    refused: list[tuple[int, int, float]]


def resolve_clusters(size: int, edges: Edges, good_number: npt.NDArray[np.object_]) -> Clusters:
    """Cluster ``size`` nodes. ``good_number`` is each node's grade-A identity number or None.

    ``refused`` lists the joining pairs (left, right, weight) that a constraint kept apart.
    """
    joining = edges.joins & ~edges.cannot_link
    label = _components(size, edges.left[joining], edges.right[joining])
    reconciled = _reconciled_numbers(edges, joining, good_number)
    dirty = _components_in_conflict(label, edges, good_number)
    conflicts: list[list[int]] = []
    refused: list[tuple[int, int, float]] = []
    if len(dirty):
        members = _group_members(label, dirty)
        by_component = _group_edges(label, dirty, edges)
        for component in dirty.tolist():
            nodes = members[component]
            parts, kept_apart = _take_apart(nodes, by_component[component], edges, good_number, reconciled)
            for node, root in parts.items():
                label[node] = root
            conflicts.append(nodes)
            refused.extend(kept_apart)
    return Clusters(label=label, conflicts=conflicts, refused=refused)


def _components(size: int, left: IntArray, right: IntArray) -> IntArray:
    """Label each node with the smallest node of its connected component."""
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    smallest = np.full(component.max() + 1 if size else 0, size, dtype=np.int64)
    np.minimum.at(smallest, component, np.arange(size, dtype=np.int64))
    return smallest[component] if size else np.zeros(0, dtype=np.int64)


def _reconciled_numbers(edges: Edges, joining: BoolArray, good_number: npt.NDArray[np.object_]) -> set[tuple[str, str]]:
    """Pairs of different good numbers whose records join directly although the numbers differ (a number entered wrongly)."""
    left, right = good_number[edges.left[joining]], good_number[edges.right[joining]]
    return {
        (min(a, b), max(a, b))
        for a, b in zip(left.tolist(), right.tolist(), strict=True)
        if a is not None and b is not None and a != b
    }


def _components_in_conflict(label: IntArray, edges: Edges, good_number: npt.NDArray[np.object_]) -> IntArray:
    """Labels of components that hold a forbidden pair or more than one good number."""
    inside = edges.cannot_link & (label[edges.left] == label[edges.right])
    forbidden = label[edges.left[inside]]
    has = np.array([number is not None for number in good_number], dtype=bool)
    labels, numbers = (
        label[has],
        np.unique(good_number[has].astype(str), return_inverse=True)[1] if has.any() else np.zeros(0, dtype=np.int64),
    )
    order = np.lexsort((numbers, labels))
    labels, numbers = labels[order], numbers[order]
    differs = (labels[1:] == labels[:-1]) & (numbers[1:] != numbers[:-1])
    return np.unique(np.concatenate([forbidden, labels[1:][differs]])).astype(np.int64)


def _group_members(label: IntArray, components: IntArray) -> dict[int, list[int]]:
    inside = np.flatnonzero(np.isin(label, components))
    members: dict[int, list[int]] = {}
    for node in inside.tolist():
        members.setdefault(int(label[node]), []).append(node)
    return members


def _group_edges(label: IntArray, components: IntArray, edges: Edges) -> dict[int, list[int]]:
    same = label[edges.left] == label[edges.right]
    positions = np.flatnonzero(same & np.isin(label[edges.left], components))
    grouped: dict[int, list[int]] = {int(c): [] for c in components.tolist()}
    for position in positions.tolist():
        grouped[int(label[edges.left[position]])].append(position)
    return grouped


def _take_apart(
    nodes: list[int],
    positions: list[int],
    edges: Edges,
    good_number: npt.NDArray[np.object_],
    reconciled: set[tuple[str, str]],
) -> tuple[dict[int, int], list[tuple[int, int, float]]]:
    """Unite the nodes of one component from the heaviest pair down, never against a constraint."""
    parent = {node: node for node in nodes}
    enemies: dict[int, set[int]] = {node: set() for node in nodes}
    numbers: dict[int, set[str]] = {
        node: {good_number[node]} if good_number[node] is not None else set() for node in nodes
    }
    for position in positions:
        if edges.cannot_link[position]:
            left, right = int(edges.left[position]), int(edges.right[position])
            enemies[left].add(right)
            enemies[right].add(left)

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    joining = [p for p in positions if edges.joins[p] and not edges.cannot_link[p]]
    joining.sort(key=lambda p: (-edges.match_weight[p], edges.left[p], edges.right[p]))
    refused: list[tuple[int, int, float]] = []
    for position in joining:
        left, right = root(int(edges.left[position])), root(int(edges.right[position]))
        if left == right:
            continue
        if any(root(enemy) == right for enemy in enemies[left]) or (
            not edges.must_link[position]
            and len(numbers[left] | numbers[right]) > max(len(numbers[left]), len(numbers[right]), 1)
        ):
            refused.append((int(edges.left[position]), int(edges.right[position]), float(edges.match_weight[position])))
            continue
        low, high = min(left, right), max(left, right)
        parent[high] = low
        enemies[low] |= enemies[high]
        numbers[low] |= numbers[high]
    return {node: root(node) for node in nodes}, refused


def _numbers_agree(left: set[str], right: set[str], reconciled: set[tuple[str, str]]) -> bool:
    """Whether two sets of good numbers may belong to one person."""
    return all(a == b or (min(a, b), max(a, b)) in reconciled for a in left for b in right)
