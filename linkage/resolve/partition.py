"""The best partition of one tangled component: the parts whose links weigh most together, without a forbidden pair inside.

A part is held together by the links of its heaviest spanning tree. So each record counts with one link: its weights with several
records of one person repeat the same evidence, and summing them would draw a record to whoever has most records (measured:
docs/decisions/0005). Small components are solved exactly, by dynamic programming over subsets; larger ones by accepting links from
the heaviest down (Kruskal with constraints) and then moving single records while that gains weight.
"""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Link = tuple[float, int, int]


def best_partition(links: list[Link], forbidden: BoolArray, *, exact_up_to: int) -> IntArray:
    """Label each of n nodes with the smallest node of its part.

    ``links`` are (match weight in bits, left, right), ``forbidden`` is (n, n), symmetric. Components of more than
    ``exact_up_to`` nodes are solved by the heuristic (time and memory of the exact solution grow with 3^n).
    Of partitions with equal weight the one found first in the nodes' order counts, so the result depends on nothing else.
    """
    ordered = sorted(links, key=lambda link: (-link[0], link[1], link[2]))
    if len(forbidden) <= exact_up_to:
        return _exact(ordered, forbidden)
    united = _from_the_heaviest_down(ordered, forbidden, np.arange(len(forbidden), dtype=np.int64))
    # A record that moved may have stood between two parts that now belong together.
    return _from_the_heaviest_down(ordered, forbidden, _moved(ordered, forbidden, united))


def held_by(links: list[Link], label: IntArray) -> float:
    """Match weight of the links that hold all parts together, in bits; -inf when a part has no link to hold it."""
    heaviest = sorted(links, key=lambda link: (-link[0], link[1], link[2]))
    parts = [sum(1 << int(n) for n in np.flatnonzero(label == part)) for part in np.unique(label)]
    return sum(_tree_weight(part, heaviest) for part in parts)


def _exact(links: list[Link], forbidden: BoolArray) -> IntArray:
    """Nodes are bits: the weight of every allowed part, then the best way to cut each set into parts."""
    size = len(forbidden)
    enemies = [sum(1 << int(other) for other in np.flatnonzero(row)) for row in forbidden]
    weight = [
        float("-inf") if any(mask >> n & 1 and enemies[n] & mask for n in range(size)) else _tree_weight(mask, links)
        for mask in range(1 << size)
    ]
    best, first_part = [0.0] * (1 << size), [0] * (1 << size)
    for mask in range(1, 1 << size):
        lowest = mask & -mask
        rest = mask ^ lowest
        best[mask], part = float("-inf"), rest
        while True:  # every subset of the rest, the largest first, joins the lowest node
            chosen = part | lowest
            total = weight[chosen] + best[mask ^ chosen]
            if total > best[mask]:
                best[mask], first_part[mask] = total, chosen
            if not part:
                break
            part = (part - 1) & rest
    label = np.zeros(size, dtype=np.int64)
    left = (1 << size) - 1
    while left:
        part = first_part[left]
        label[[n for n in range(size) if part >> n & 1]] = (part & -part).bit_length() - 1
        left ^= part
    return label


def _tree_weight(mask: int, heaviest_first: list[Link]) -> float:
    """Weight of the heaviest spanning tree of the nodes in ``mask``; 0 for one node, -inf when they do not hang together."""
    trees = {node: node for node in range(mask.bit_length()) if mask >> node & 1}
    total, wanted = 0.0, len(trees) - 1
    for weight, left, right in heaviest_first:
        if wanted <= 0:
            break
        if mask >> left & 1 and mask >> right & 1 and trees[left] != trees[right]:
            low, high = sorted((trees[left], trees[right]))
            trees = {node: low if tree == high else tree for node, tree in trees.items()}
            total += weight
            wanted -= 1
    return total if wanted <= 0 else float("-inf")


def _from_the_heaviest_down(links: list[Link], forbidden: BoolArray, label: IntArray) -> IntArray:
    """Unite the parts of ``label`` link by link, except where a pair between two parts is forbidden."""
    label = label.copy()
    for _, left, right in links:
        low, high = sorted((int(label[left]), int(label[right])))
        if low != high and not forbidden[np.ix_(label == low, label == high)].any():
            label[label == high] = low
    return label


def _moved(links: list[Link], forbidden: BoolArray, label: IntArray) -> IntArray:
    """Move single records that end a part to where their heaviest link weighs more, first to last, until nothing gains."""
    size = len(label)
    strongest = np.full((size, size), -np.inf)
    for weight, left, right in reversed(links):
        strongest[left, right] = strongest[right, left] = weight
    for _ in range(size):
        moved = False
        for node in range(size):
            others = np.arange(size) != node
            here = strongest[node][others & (label == label[node])]
            if np.isfinite(here).sum() > 1:
                continue  # others may hang on it
            gain = np.full(size, -np.inf)
            np.maximum.at(gain, label[others], strongest[node][others])
            gain[np.unique(label[forbidden[node]])] = -np.inf
            best = int(gain.argmax())
            if gain[best] > max(here.max(initial=0.0), 0.0):
                label[node] = best
                moved = True
        if not moved:
            break
    smallest = np.full(size, size, dtype=np.int64)
    np.minimum.at(smallest, label, np.arange(size))
    return smallest[label]
