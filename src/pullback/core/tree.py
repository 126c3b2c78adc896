"""Containers of arrays: dict, list, tuple, dataclass and what registers itself. Through the library optree."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable
from typing import Any

import optree

NAMESPACE = "pullback"
_known: set[type] = set()
_registering = threading.Lock()


def register(cls: type, flatten: Callable[[Any], Any], unflatten: Callable[[Any, Any], Any]) -> None:
    """Make instances of ``cls`` containers: ``flatten(x) -> (children, metadata, names)``. Once for each class."""
    with _registering:  # two threads may meet a class for the first time
        if cls not in _known:
            optree.register_pytree_node(cls, flatten, unflatten, namespace=NAMESPACE)
            _known.add(cls)


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """Return the leaves of ``tree`` and its structure.

    >>> leaves, structure = flatten({"w": [1.0, 2.0], "b": 3.0})
    >>> leaves
    [3.0, 1.0, 2.0]
    """
    leaves, structure = optree.tree_flatten(tree, namespace=NAMESPACE)
    if register_dataclasses(leaves):
        return flatten(tree)
    return leaves, structure


def unflatten(structure: Any, leaves: Iterable[Any]) -> Any:
    """Return the tree of this structure with these leaves."""
    return optree.tree_unflatten(structure, leaves)


def tree_map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply ``function`` to the leaves of trees of one structure.

    >>> tree_map(lambda x: 2 * x, {"a": 1, "b": (2, 3)})
    {'a': 2, 'b': (4, 6)}
    """
    leaves, structure = flatten(tree)
    columns = [leaves, *(structure.flatten_up_to(other) for other in rest)]
    return unflatten(structure, [function(*row) for row in zip(*columns, strict=True)])


def paths(tree: Any) -> list[str]:
    """Return a readable path of each leaf: ``['w'][0]`` is ``w.0``.

    >>> paths({"w": [1.0, 2.0], "b": 3.0})
    ['b', 'w.0', 'w.1']
    """
    flatten(tree)  # makes dataclasses known
    found, _, _ = optree.tree_flatten_with_path(tree, namespace=NAMESPACE)
    return [".".join(str(step) for step in path) for path in found]


def register_dataclasses(leaves: list[Any]) -> bool:
    """Make dataclasses among the leaves known as containers; say whether there were any."""
    found = {type(leaf) for leaf in leaves if dataclasses.is_dataclass(leaf) and not isinstance(leaf, type)}
    for cls in found - _known:
        names = tuple(field.name for field in dataclasses.fields(cls))

        def split(x: Any, names: tuple[str, ...] = names) -> Any:
            return [getattr(x, name) for name in names], None, names

        def join(_: Any, children: Any, cls: type = cls, names: tuple[str, ...] = names) -> Any:
            made: Any = object.__new__(cls)  # __init__ may convert or check what is only a placeholder here
            for name, child in zip(names, children, strict=True):
                object.__setattr__(made, name, child)
            return made

        register(cls, split, join)
    return bool(found)
