"""Which records are one person tonight: clusters that never break a constraint.

Connected components of joining pairs are taken as they are when nothing speaks against them. A component that holds a
forbidden pair, or two different good numbers, is partitioned anew so that the links kept weigh most and no constraint
is broken (``partition.py``). The result depends on the pairs alone, not on their order.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from linkage.resolve.partition import best_partition

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Edges:
    """Pairs of nodes (positions of records in key order) that join or must not, one entry per pair; arrays of equal length."""

    left: IntArray
    right: IntArray
    match_weight: FloatArray
    must_link: BoolArray
    cannot_link: BoolArray
    joins: BoolArray


@dataclass(frozen=True)
class Refusal:
    """A joining pair that a constraint kept apart, and the two records (one on each side) that must not be one person."""

    left: int
    right: int
    match_weight: float
    barred_left: int
    barred_right: int


@dataclass(frozen=True)
class Clusters:
    """``label`` of each node (the smallest node of its cluster), and what had to be taken apart."""

    label: IntArray
    conflicts: int
    refused: list[Refusal]


def resolve_clusters(size: int, edges: Edges, good_number: Numbers, *, exact_up_to: int) -> Clusters:
    """Cluster ``size`` nodes. ``good_number`` is each node's grade-A identity number or None.

    Components in conflict of up to ``exact_up_to`` records are solved exactly.
    """
    joining = edges.joins & ~edges.cannot_link
    label = components(size, edges.left[joining], edges.right[joining])
    dirty = _components_in_conflict(label, edges, good_number)
    refused: list[Refusal] = []
    if len(dirty):
        members = _group_members(label, dirty)
        pairs = _group_edges(label, dirty, edges)
        for component in dirty.tolist():
            parts, kept_apart = _take_apart(members[component], pairs[component], edges, good_number, exact_up_to)
            label[members[component]] = parts
            refused.extend(kept_apart)
    return Clusters(label=label, conflicts=len(dirty), refused=refused)


def weakly_bridged(size: int, edges: Edges, label: IntArray, bridge_match_weight: float) -> list[list[int]]:
    """Clusters that only pairs lighter than ``bridge_match_weight`` hold together, each part being two records or more.

    Returns the nodes of each; a single record that hangs on a light pair is nothing unusual.
    """
    same = label[edges.left] == label[edges.right]
    strong = edges.joins & ~edges.cannot_link & same & (edges.match_weight >= bridge_match_weight)
    core = components(size, edges.left[strong], edges.right[strong])
    parts, counts = np.unique(core, return_counts=True)
    clusters, cores = np.unique(label[parts[counts >= 2]], return_counts=True)
    grouped = _group_members(label, clusters[cores >= 2].astype(np.int64))
    return [grouped[cluster] for cluster in sorted(grouped)]


def components(size: int, left: IntArray, right: IntArray) -> IntArray:
    """Label each node with the smallest node of its connected component."""
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    smallest = np.full(component.max() + 1 if size else 0, size, dtype=np.int64)
    np.minimum.at(smallest, component, np.arange(size, dtype=np.int64))
    return smallest[component] if size else np.zeros(0, dtype=np.int64)


def _components_in_conflict(label: IntArray, edges: Edges, good_number: Numbers) -> IntArray:
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


def _group_members(label: IntArray, chosen: IntArray) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    for node in np.flatnonzero(np.isin(label, chosen)).tolist():
        members.setdefault(int(label[node]), []).append(node)
    return members


def _group_edges(label: IntArray, chosen: IntArray, edges: Edges) -> dict[int, list[int]]:
    same = label[edges.left] == label[edges.right]
    grouped: dict[int, list[int]] = {int(c): [] for c in chosen.tolist()}
    for position in np.flatnonzero(same & np.isin(label[edges.left], chosen)).tolist():
        grouped[int(label[edges.left[position]])].append(position)
    return grouped


def _take_apart(
    nodes: list[int], positions: list[int], edges: Edges, good_number: Numbers, exact_up_to: int
) -> tuple[IntArray, list[Refusal]]:
    """Partition one component: the new label of each node, and the joining pairs it had to give up."""
    place = {node: i for i, node in enumerate(nodes)}
    chosen = np.array(positions, dtype=np.int64)
    left = np.array([place[n] for n in edges.left[chosen].tolist()], dtype=np.int64)
    right = np.array([place[n] for n in edges.right[chosen].tolist()], dtype=np.int64)
    forbidden = _different_numbers([good_number[n] for n in nodes], left, right, edges.must_link[chosen])
    barred = edges.cannot_link[chosen]
    forbidden[left[barred], right[barred]] = forbidden[right[barred], left[barred]] = True
    joins = np.flatnonzero(edges.joins[chosen] & ~barred)
    links = list(
        zip(edges.match_weight[chosen][joins].tolist(), left[joins].tolist(), right[joins].tolist(), strict=True)
    )
    part = best_partition(links, forbidden, exact_up_to=exact_up_to)
    refused = [_refusal(nodes, part, forbidden, a, b, w) for w, a, b in links if part[a] != part[b]]
    return np.array(nodes, dtype=np.int64)[part], refused


def _different_numbers(numbers: list[str | None], left: IntArray, right: IntArray, must_link: BoolArray) -> BoolArray:
    """Which nodes carry different good numbers; a judgement 'same' between two numbers says that one of them is wrong."""
    judged = {frozenset((numbers[a], numbers[b])) for a, b in zip(left[must_link], right[must_link], strict=True)}
    return np.array(
        [
            [a is not None and b is not None and a != b and frozenset((a, b)) not in judged for b in numbers]
            for a in numbers
        ],
        dtype=bool,
    ).reshape(len(numbers), len(numbers))


def _refusal(nodes: list[int], part: IntArray, forbidden: BoolArray, left: int, right: int, weight: float) -> Refusal:
    """Why two joining records stand in different parts: the first forbidden pair between the parts (there is always one)."""
    between = forbidden & (part == part[left])[:, None] & (part == part[right])[None, :]
    barred_left, barred_right = np.argwhere(between)[0].tolist()
    return Refusal(nodes[left], nodes[right], weight, nodes[barred_left], nodes[barred_right])
