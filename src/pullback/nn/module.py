"""Modules: functions with parameters, which are found by looking at the attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from pullback.core import tree
from pullback.core.array import Array
from pullback.core.graph import listed
from pullback.core.parameter import Parameter
from pullback.core.record import as_constant
from pullback.core.settings import Configured, depend_on
from pullback.core.state import Scope, recording
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, DTypeError, ShapeError


class Module(Configured):
    """A function with parameters. Write ``__init__`` and ``forward``; what is an attribute belongs to the module.

    Parameters and modules are found by attribute assignment, also inside lists, tuples and dicts, in the order of
    assignment. Their names are their paths, ``layers.0.weight``. A parameter that is reached by two paths is one
    parameter, with the first of them as its name.

    A module is a container of arrays (a pytree): ``pb.grad(loss)(model, x)`` differentiates by its trainable
    parameters and gives a module of the same structure that holds the gradients. Its leaves are the trainable
    Parameters and the floating Arrays among its attributes; everything else goes along unchanged.

    >>> import numpy as np
    >>> import pullback as pb
    >>> class Scale(pb.nn.Module):
    ...     def __init__(self):
    ...         self.factor = pb.Parameter(2.0)
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> scale = Scale()
    >>> scale(np.array([1.0, 2.0]))
    array([2., 4.], requires_grad=True)
    >>> pb.grad(lambda module, x: module(x).sum())(scale, np.array([1.0, 2.0])).factor
    array(3.)
    """

    training: bool = True
    """Whether the module is being trained; some modules (Dropout) do something else then. See ``train``, ``eval``."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        tree.register(cls, _flatten, _unflatten)

    def forward(self, *args: Any, **keywords: Any) -> Any:
        """Compute the result: what a subclass defines."""
        raise ArgumentError(f"{type(self).__name__}: this module does not define forward(self, ...)")

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Compute the result. What is recorded meanwhile belongs to this module in pictures."""
        depend_on(self)
        outer = recording.scope
        recording.scope = Scope(self, outer)
        try:
            return self.forward(*args, **keywords)
        finally:
            recording.scope = outer

    def __setattr__(self, name: str, value: Any) -> None:
        held = vars(self).get(name)
        if isinstance(held, Parameter) and value is not None and not isinstance(value, Parameter):
            raise DTypeError(
                f"{type(self).__name__}: {name} is a parameter, expected another one in its place, got "
                f"{type(value).__name__}. Give it a new value with {name}.assign(...)"
            )
        for path, found in _named(value, name):
            found.name = path
        super().__setattr__(name, value)

    # What it holds --------------------------------------------------------------------------------------------------

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield path and parameter, each parameter once; also those that are not trainable (running statistics).

        >>> import pullback as pb
        >>> [name for name, _ in pb.nn.Sequential(pb.nn.Linear(2, 3), pb.nn.ReLU()).named_parameters()]
        ['0.weight', '0.bias']
        """
        return _named(self, "")

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter once: what an optimizer is given."""
        return (parameter for _, parameter in self.named_parameters())

    def modules(self) -> Iterator[Module]:
        """Yield the module itself and every module inside it, each once."""
        return (found for _, found in _walk(self, "", set()) if isinstance(found, Module))

    def train(self, mode: bool = True) -> Self:
        """Set the module, and all inside it, to training (or, with False, to use); return it."""
        if not isinstance(mode, bool):
            raise DTypeError(f"train: expected True or False, got {type(mode).__name__}. pullback.train.fit trains")
        for module in self.modules():
            Configured.__setattr__(module, "training", mode)
        return self

    def eval(self) -> Self:
        """Set the module, and all inside it, to use: the opposite of ``train``; return it."""
        return self.train(False)

    # State ----------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the value of every parameter by name, as NumPy arrays of their own.

        >>> import pullback as pb
        >>> {name: value.shape for name, value in pb.nn.Linear(2, 3).state_dict().items()}
        {'weight': (3, 2), 'bias': (3,)}
        """
        return {name: np.array(parameter.node.value) for name, parameter in self._by_name("state_dict").items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Give the parameters the values of ``state``: all of them, or, after an error, none.

        Args:
            state: values by name, as ``state_dict`` gives them.
            strict: whether every parameter must be in ``state``, and nothing else.

        Raises:
            ArgumentError: names that are missing or unknown.
            ShapeError: a value of another shape than its parameter.
            DTypeError: a value whose dtype does not cast to its parameter's.

        >>> import pullback as pb
        >>> layer, other = pb.nn.Linear(2, 3), pb.nn.Linear(2, 3)
        >>> other.load_state_dict(layer.state_dict())
        >>> bool((layer.weight == other.weight).all())
        True
        """
        load_values(
            "load_state_dict", self._by_name("load_state_dict"), state, strict, "Give strict=False to load what fits"
        )

    def _by_name(self, operation: str) -> dict[str, Parameter]:
        """The parameters by name; raise ArgumentError if two have the same one, as one of them would be lost."""
        found: dict[str, Parameter] = {}
        for name, parameter in self.named_parameters():
            if found.setdefault(name, parameter) is not parameter:
                raise ArgumentError(f"{operation}: two parameters are named {name!r}. Rename an attribute or a key")
        return found

    # Pictures -------------------------------------------------------------------------------------------------------

    def describe(self) -> str:
        """What stands in brackets behind the name in a listing; by default nothing."""
        return ""

    def __repr__(self) -> str:
        return "\n".join(_listing(self))


def load_values(
    operation: str, targets: Mapping[str, Parameter], state: Mapping[str, Any], strict: bool, hint: str = ""
) -> None:
    """Assign the values of ``state`` to the parameters of these names; raise before anything is assigned."""
    if not isinstance(state, Mapping):
        raise DTypeError(f"{operation}: expected a mapping of names to arrays, got {type(state).__name__}")
    missing = [name for name in targets if name not in state]
    unknown = [name for name in state if name not in targets]
    if strict and (missing or unknown):
        faults = [f"{word} {listed(names)}" for word, names in (("missing", missing), ("unknown", unknown)) if names]
        raise ArgumentError(f"{operation}: expected the names {listed(targets)}; {', '.join(faults)}. {hint}".rstrip())
    values = {}
    for name, parameter in targets.items():
        if name not in state:
            continue
        given = state[name]
        value = np.asarray(
            given.detach() if isinstance(given, Array) else as_constant(f"{operation}: {name}", given, False)
        )
        if value.shape != parameter.shape:
            raise ShapeError(f"{operation}: expected {name} of shape {parameter.shape}, got {value.shape}")
        if not np.can_cast(value.dtype, parameter.dtype, "same_kind"):
            raise DTypeError(f"{operation}: expected {name} to hold {parameter.dtype}, got {value.dtype}")
        values[name] = value
    for name, value in values.items():
        targets[name].assign(value)


# Walking --------------------------------------------------------------------------------------------------------------


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of a module, the items of a list, tuple or dict; nothing for everything else."""
    if isinstance(value, Module):
        yield from vars(value).items()
    elif type(value) in (list, tuple):
        yield from ((str(position), item) for position, item in enumerate(value))
    elif type(value) is dict:
        yield from ((str(key), item) for key, item in value.items())


def _walk(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Module | Parameter]]:
    """Yield the path of each module and parameter in ``value``, each once, in the order of assignment."""
    if isinstance(value, (Module, Parameter)) or type(value) in (list, tuple, dict):
        if id(value) in seen:
            return
        seen.add(id(value))
    if isinstance(value, (Module, Parameter)):
        yield path, value
    for key, item in _items(value):
        yield from _walk(item, f"{path}.{key}" if path else key, seen)


def _named(value: Any, path: str) -> Iterator[tuple[str, Parameter]]:
    return ((name, found) for name, found in _walk(value, path, set()) if isinstance(found, Parameter))


# The pytree -----------------------------------------------------------------------------------------------------------


class _Place:
    """Where a leaf was in a module that has been taken apart."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


class _Skeleton:
    """A module without its leaves. Skeletons are equal when everything in them but the leaves is."""

    __slots__ = ("module",)

    def __init__(self, module: Module) -> None:
        self.module = module

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Skeleton) and _equal(self.module, other.module)

    def __hash__(self) -> int:
        return hash(type(self.module))

    def __repr__(self) -> str:
        return type(self.module).__name__


def _equal(x: Any, y: Any) -> bool:
    if x is y:
        return True
    if type(x) is not type(y):
        return False
    if isinstance(x, _Place):
        return bool(x.position == y.position)
    if isinstance(x, Module) or type(x) in (list, tuple, dict):
        xs, ys = list(_items(x)), list(_items(y))
        return len(xs) == len(ys) and all(
            left == right and _equal(one, other) for (left, one), (right, other) in zip(xs, ys, strict=True)
        )
    try:
        return bool(np.array_equal(x, y)) if isinstance(x, np.ndarray) else bool(x == y)
    except (ValueError, TypeError):
        return False


def _is_leaf(value: Any) -> bool:
    if isinstance(value, Parameter):
        return value.trainable
    return isinstance(value, Array) and is_differentiable(value.dtype)


def _replaced(value: Any, path: str, replace: Callable[[Any, str], Any], copies: dict[int, Any]) -> Any:
    """Copy modules and their containers, with ``replace(item, path)`` in place of everything else."""
    if isinstance(value, Module):
        made = copies.get(id(value))
        if made is None:
            made = copies[id(value)] = object.__new__(type(value))
            for key, item in vars(value).items():
                made.__dict__[key] = _replaced(item, f"{path}.{key}" if path else key, replace, copies)
        return made
    if type(value) in (list, tuple):
        return type(value)(_replaced(item, f"{path}.{i}", replace, copies) for i, item in enumerate(value))
    if type(value) is dict:
        return {key: _replaced(item, f"{path}.{key}", replace, copies) for key, item in value.items()}
    return replace(value, path)


def _flatten(module: Module) -> tuple[list[Any], _Skeleton, tuple[str, ...]]:
    leaves: list[Any] = []
    names: list[str] = []
    places: dict[int, _Place] = {}

    def take(value: Any, path: str) -> Any:
        if not _is_leaf(value):
            return value
        place = places.get(id(value))
        if place is None:
            place = places[id(value)] = _Place(len(leaves))
            leaves.append(value)
            names.append(path)
        return place

    return leaves, _Skeleton(_replaced(module, "", take, {})), tuple(names)


def _unflatten(skeleton: _Skeleton, leaves: Any) -> Module:
    leaves = tuple(leaves)

    def put(value: Any, path: str) -> Any:
        return leaves[value.position] if isinstance(value, _Place) else value

    made: Module = _replaced(skeleton.module, "", put, {})
    return made


# The listing ----------------------------------------------------------------------------------------------------------


def _listing(module: Module) -> list[str]:
    """One line for the module and one for everything inside it, as a tree, with the numbers of parameters."""
    rows: list[tuple[str, int]] = []
    _add_rows(module, "", rows, (module,))
    width = max((len(text) for text, _ in rows), default=0)
    digits = max((len(f"{count:,}") for _, count in rows), default=0)
    lines = [f"{text:<{width}}  {f'{count:,}' if count else '':>{digits}}".rstrip() for text, count in rows]
    total, state = _sizes(module)
    title = _label(module)
    if total or state:
        title += f" · {total:,} parameter{'s' * (total != 1)}"
    if state:
        title += f" and {state:,} number{'s' * (state != 1)} of state"
    return [title, *lines]


def _sizes(module: Module) -> tuple[int, int]:
    """How many numbers are trained, and how many are state."""
    trained = sum(parameter.size for parameter in module.parameters() if parameter.trainable)
    return trained, sum(parameter.size for parameter in module.parameters()) - trained


def _label(module: Module) -> str:
    inner = module.describe()
    return f"{type(module).__name__}({inner})" if inner else type(module).__name__


def _add_rows(module: Module, indent: str, rows: list[tuple[str, int]], above: tuple[Module, ...]) -> None:
    """Add a row for each part of ``module``; the parameters of Linear and the like are said by its label.

    A module that it is itself inside of (a parent) is named and not opened again.
    """
    parts = [
        (path, found)
        for key, item in vars(module).items()
        for path, found in _parts(item, key)
        if not (isinstance(found, Array) and module.describe())
    ]
    for position, (path, found) in enumerate(parts):
        last = position == len(parts) - 1
        head = f"{indent}{'└── ' if last else '├── '}{path}: "
        if any(found is one for one in above):
            rows.append((f"{head}{type(found).__name__}, see above", 0))
        elif isinstance(found, Module):
            rows.append((head + _label(found), _sizes(found)[0]))
            _add_rows(found, indent + ("    " if last else "│   "), rows, (*above, found))
        elif isinstance(found, Array):
            rows.append((head + str(found.aval), found.size))
        else:
            rows.append((head + getattr(found, "__name__", type(found).__name__), 0))


def _parts(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The modules, arrays and functions directly in an attribute: itself, or the items of its containers."""
    if isinstance(value, (Module, Array)) or callable(value):
        yield path, value
    else:
        for key, item in _items(value):
            yield from _parts(item, f"{path}.{key}")


tree.register(Module, _flatten, _unflatten)
