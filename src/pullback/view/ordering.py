"""Layers of a drawing: which column each node stands in, and in which order within it."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Iterable, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

SWEEPS = 12

Link = tuple[int, int]
"""A pair of items in neighbouring layers, left and right."""


def topological(count: int, pairs: Iterable[Link]) -> list[int]:
    """Return ``count`` things so that each comes after those that it uses, as near to their order as can be.

    What is on a cycle, or behind one, is left out.

    >>> topological(4, [(3, 0), (1, 2), (2, 1)])
    [3, 0]
    """
    users: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for source, target in pairs:
        users[source].append(target)
        missing[target] += 1
    ready = [one for one in range(count) if not missing[one]]
    heapify(ready)
    order = []
    while ready:
        one = heappop(ready)
        order.append(one)
        for user in users[one]:
            missing[user] -= 1
            if not missing[user]:
                heappush(ready, user)
    return order


def assign_layers(
    count: int, edges: Sequence[Link], align_sources: bool, first: Collection[int] = (), last: Collection[int] = ()
) -> list[int]:
    """Return the layer of each of ``count`` nodes, given in topological order; every edge goes to a later layer.

    A node stands as far right as the nodes that use it allow, and one that nothing uses as far left as it can: so edges
    are short. With ``align_sources`` those that use nothing stand in the first layer, so that the inputs form a column.
    What is in ``first`` stands in the first layer, what is in ``last`` in the last one.
    """
    users: list[list[int]] = [[] for _ in range(count)]
    sources: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        users[source].append(target)
        sources[target].append(source)
    layer = [0] * count
    for node in range(count):
        layer[node] = max((layer[source] + 1 for source in sources[node]), default=0)
    for node in last:
        layer[node] = max(layer)
    for node in reversed(range(count)):
        if users[node] and node not in first and (sources[node] or not align_sources):
            layer[node] = min(layer[user] for user in users[node]) - 1
    return layer


def order_layers(layers: list[list[int]], links: Sequence[Link]) -> list[list[int]]:
    """Return the layers ordered so that few links cross: sweeps by barycentre, the best order seen is kept.

    Args:
        layers: the items of each layer, in an order to begin with, which is kept where nothing is gained.
        links: between neighbouring layers.
    """
    left: dict[int, list[int]] = {item: [] for layer in layers for item in layer}
    right: dict[int, list[int]] = {item: [] for layer in layers for item in layer}
    for source, target in links:
        left[target].append(source)
        right[source].append(target)
    best = [list(layer) for layer in layers]
    fewest = count_crossings(best, right)
    current = [list(layer) for layer in layers]
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        forward = sweep % 2 == 0
        _sweep(current, left if forward else right, forward)
        _transpose(current, left, right)
        crossings = count_crossings(current, right)
        if crossings < fewest:
            fewest, best = crossings, [list(layer) for layer in current]
    return best


def _sweep(layers: list[list[int]], neighbours: dict[int, list[int]], forward: bool) -> None:
    """Sort each layer by the mean place of the neighbours in the one before (after)."""
    order = range(1, len(layers)) if forward else range(len(layers) - 2, -1, -1)
    for index in order:
        place = {item: i for i, item in enumerate(layers[index - 1 if forward else index + 1])}
        own = {item: i for i, item in enumerate(layers[index])}

        def key(item: int, place: dict[int, int] = place, own: dict[int, int] = own) -> float:
            found = [place[one] for one in neighbours[item]]
            return sum(found) / len(found) if found else own[item]

        layers[index].sort(key=key)


def _transpose(layers: list[list[int]], left: dict[int, list[int]], right: dict[int, list[int]]) -> None:
    """Swap neighbours within a layer as long as that removes crossings."""
    for index, layer in enumerate(layers):
        before = {item: i for i, item in enumerate(layers[index - 1])} if index else {}
        after = {item: i for i, item in enumerate(layers[index + 1])} if index + 1 < len(layers) else {}

        def cost(upper: int, lower: int, before: dict[int, int] = before, after: dict[int, int] = after) -> int:
            return _pair_crossings(left[upper], left[lower], before) + _pair_crossings(
                right[upper], right[lower], after
            )

        for _ in range(4):
            swapped = False
            for i in range(len(layer) - 1):
                upper, lower = layer[i], layer[i + 1]
                if cost(upper, lower) > cost(lower, upper):
                    layer[i], layer[i + 1] = lower, upper
                    swapped = True
            if not swapped:
                break


def _pair_crossings(upper: list[int], lower: list[int], place: dict[int, int]) -> int:
    return sum(place[a] > place[b] for a in upper for b in lower)


def count_crossings(layers: Sequence[Sequence[int]], right: dict[int, list[int]]) -> int:
    """Count the pairs of links that cross.

    >>> count_crossings([[0, 1], [2, 3]], {0: [3], 1: [2], 2: [], 3: []})
    1
    """
    crossings = 0
    for layer, after in pairwise(layers):
        place = {item: i for i, item in enumerate(after)}
        ends: list[int] = []  # where links from items above end, sorted
        for item in layer:
            own = [place[one] for one in right[item]]
            crossings += sum(len(ends) - bisect_right(ends, end) for end in own)
            for end in own:
                insort(ends, end)
    return crossings
