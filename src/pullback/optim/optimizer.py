"""What optimizers share: the step, and the state that they keep for each parameter."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.capture import capturing
from pullback.core.operations import operations
from pullback.core.parameter import Parameter
from pullback.core.settings import Configured, depend_on
from pullback.errors import ArgumentError, DTypeError
from pullback.nn.module import Module, load_values

State = dict[str, Any]


class Optimizer(Configured):
    """Moves parameters against their gradients. A subclass gives the formula, as ``update``.

    What is the same in it for all parameters at the same step is computed once, by ``rates``. The state (momentum and
    the like) is held in Parameters that are not trainable, one of each kind for each parameter, made at the parameter's
    first step. Parameters without a ``grad`` are skipped. How many steps were made is counted for each parameter, by
    one count for those that made all of theirs together.

    Attributes:
        parameters: what is updated.
        lr: the learning rate; may be set between steps.

    >>> class Signs(Optimizer):
    ...     slots = ("mean",)
    ...
    ...     def rates(self, step):
    ...         return self.lr / step
    ...
    ...     def update(self, value, gradient, state, rates):
    ...         mean = 0.9 * state["mean"] + 0.1 * gradient
    ...         return value - rates * np.sign(mean), {"mean": mean}
    >>> import pullback as pb
    >>> w = pb.Parameter([1.0, 2.0])
    >>> optimizer = Signs([w], lr=0.5)
    >>> for _ in range(2):
    ...     w.grad = [3.0, -3.0]
    ...     optimizer.step()
    >>> w
    Parameter([0.25, 2.75])
    """

    slots: tuple[str, ...] = ()
    """The kinds of state, each an array of the parameter's shape and dtype that begins with zeros."""

    def __init__(self, parameters: Iterable[Parameter], lr: float) -> None:
        if isinstance(parameters, (Module, Parameter)):
            raise DTypeError(
                f"{self._name}: expected parameters (model.parameters(), or a list), got {type(parameters).__name__}"
            )
        try:
            self.parameters = tuple(parameters)
        except TypeError:
            raise DTypeError(f"{self._name}: expected parameters, got {type(parameters).__name__}") from None
        if not self.parameters:
            raise ArgumentError(f"{self._name}: expected at least one parameter, got none")
        for parameter in self.parameters:
            if not isinstance(parameter, Parameter):
                raise DTypeError(f"{self._name}: expected parameters, got {type(parameter).__name__}")
        if len({id(parameter) for parameter in self.parameters}) != len(self.parameters):
            raise ArgumentError(f"{self._name}: a parameter is given twice")
        self._lr = Parameter(number(f"{self._name}: lr", lr), trainable=False, name="lr")
        self._lr.node.weak = True  # a Python number to the arrays that it meets
        self._state: dict[int, dict[str, Parameter]] = {}
        self._counts = (_count(0),) * len(self.parameters)  # a setting: a step is compiled for what shares a count

    @property
    def _name(self) -> str:
        return type(self).__name__

    @property
    def lr(self) -> float:
        """The learning rate, 0 or more. While a step is compiled it has no value: it is read at every call."""
        if capturing.current is not None:
            return self._lr  # type: ignore[return-value]  # an array that stands for a Python number
        return float(self._lr.node.value)

    @lr.setter
    def lr(self, lr: float) -> None:
        traced = isinstance(lr, Array) and lr.node.value is None
        self._lr.assign(lr if traced else number(f"{self._name}: lr", lr))

    def rates(self, step: Any) -> Any:
        """Return what ``update`` needs of the number of the step: computed once for all parameters that are at it.

        Args:
            step: the number of this step, from 1.

        By default it is the number itself. It is written as ``update`` is.
        """
        return step

    def update(self, value: Any, gradient: Any, state: State, rates: Any) -> tuple[Any, State]:
        """Return the new value and the new state of one parameter; nothing that is given is changed.

        Args:
            value: of the parameter.
            gradient: of the same shape and dtype.
            state: an array for each of ``slots``.
            rates: what ``rates`` gave: the number of this step, from 1, unless a subclass says otherwise.

        It is written with operators and NumPy's functions only: while a step is compiled, all of these are Arrays.
        """
        raise NotImplementedError

    def step(self, when: Any = True) -> None:
        """Update every parameter that has a ``grad``: all of them or, after an error, none.

        Args:
            when: a boolean; if it is false nothing changes. While a step is compiled it may be an Array.
        """
        traced = capturing.current is not None
        if not (traced or when):
            return
        depend_on(self)
        updates: list[tuple[Parameter, Any]] = []
        with np.errstate(all="ignore"):  # an overflow shows as inf in the parameters and in the next loss
            for count, positions in self._together():
                step = _read(count) + 1
                updates.append((count, step))
                rates = self.rates(_python_number(step))
                for position in positions:
                    updates += self._updated(position, rates)
        for target, new in updates:
            if traced:
                target.assign(new if when is True else operations.where(when, new, _read(target)))
            else:
                # What update made is nobody else's: the copy that assign would make is not needed.
                target._hold(np.asarray(new, target.dtype), target.name)

    def _updated(self, position: int, rates: Any) -> list[tuple[Parameter, Any]]:
        """A parameter and all of its state, with what they become."""
        parameter = self.parameters[position]
        held = self._state.setdefault(position, {})
        if not held.keys() >= set(self.slots):
            held.update(_parameters(self._initial(parameter), parameter, position) | held)
        state = {slot: _read(held[slot]) for slot in self.slots}
        value, new = self.update(_read(parameter), _read(parameter.grad), state, rates)
        if not new.keys() <= held.keys():
            raise ArgumentError(
                f"{self._name}.update: expected state of the kinds {self.slots}, got {tuple(new)}. Name all in slots"
            )
        return [(parameter, value), *[(held[slot], one) for slot, one in new.items()]]

    def _together(self) -> list[tuple[Parameter, list[int]]]:
        """The positions of the parameters that are updated now, by their count.

        Where others that are not updated have the same count, these get one of their own.
        """
        updated: dict[int, list[int]] = {}
        for position, parameter in enumerate(self.parameters):
            if parameter.trainable and parameter.grad is not None:
                updated.setdefault(id(self._counts[position]), []).append(position)
        sharing = Counter(map(id, self._counts))
        for key, positions in updated.items():
            if len(positions) < sharing[key]:
                self._separate(positions)
        return [(self._counts[positions[0]], positions) for positions in updated.values()]

    def _separate(self, positions: Sequence[int]) -> None:
        """Let these parameters, which have had one count with others, go on with one of their own."""
        count = self._counts[positions[0]]
        own = _count(int(count._held.value))
        if count.node.inputs:  # computed: this is not the first step of what is being compiled
            own.assign(count)
            # At the next call they are two from the beginning: what is traced now is right for this call only.
            capturing.current.settings.append((lambda: False, True))  # type: ignore[union-attr]  # it is traced
        self._counts = tuple(own if position in positions else one for position, one in enumerate(self._counts))

    def zero_grad(self) -> None:
        """Forget the gradients: set every ``grad`` to None."""
        depend_on(self)
        for parameter in self.parameters:
            parameter.grad = None

    # State ----------------------------------------------------------------------------------------------------------

    def _initial(self, parameter: Parameter) -> State:
        return {slot: np.zeros(parameter.shape, parameter.dtype) for slot in self.slots}

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the state as NumPy arrays by name: the number of the parameter, and the kind of state.

        What the optimizer was made with (lr and the like) is not among them.

        >>> import pullback as pb
        >>> w = pb.Parameter([1.0])
        >>> optimizer = pb.optim.SGD([w], lr=0.1, momentum=0.9)
        >>> w.grad = [1.0]
        >>> optimizer.step()
        >>> optimizer.state_dict()
        {'0.step': array(1), '0.momentum': array([1.])}
        """
        return {
            f"{position}.{slot}": np.array(held.node.value)
            for position, count in enumerate(self._counts)
            if count.node.value  # else it has made no step
            for slot, held in {"step": count, **self._state[position]}.items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take on a state that ``state_dict`` gave, whole or, after an error, not at all.

        Raises:
            ArgumentError: names that are no state of these parameters, or a part that is missing.
            ShapeError, DTypeError: a value that does not fit its parameter.
        """
        if not isinstance(state, Mapping):
            raise DTypeError(f"load_state_dict: expected a mapping of names to arrays, got {type(state).__name__}")
        counts = {position: _count(0) for position in range(len(self.parameters)) if f"{position}.step" in state}
        made = {
            position: _parameters(self._initial(self.parameters[position]), self.parameters[position], position)
            for position in counts
        }
        named = {f"{position}.step": count for position, count in counts.items()}
        named |= {f"{position}.{slot}": held for position, part in made.items() for slot, held in part.items()}
        load_values(f"{self._name}.load_state_dict", named, state, strict=True)
        steps = [0] * len(self.parameters)
        for position, count in counts.items():
            steps[position] = int(count.node.value)
            if steps[position] < 1:
                raise ArgumentError(
                    f"{self._name}.load_state_dict: expected {position}.step of 1 or more, got {steps[position]}"
                )
        shared = {step: _count(step) for step in steps}
        self._state, self._counts = made, tuple(shared[step] for step in steps)

    def __repr__(self) -> str:
        return f"{self._name}({len(self.parameters)} parameters, lr={self.lr:g})"


def _read(array: Any) -> Any:
    """Its value; while a step is compiled, an Array without one."""
    return array.node.value if capturing.current is None else Array(array.node)


def _python_number(step: Any) -> Any:
    if capturing.current is None:
        return int(step)
    number = operations.astype(step, float)
    number.node.weak = True
    return number


def _count(step: int) -> Parameter:
    """A count of steps, an integer."""
    return Parameter(step, trainable=False, name="step")


def _parameters(state: State, parameter: Parameter, position: int) -> dict[str, Parameter]:
    owner = parameter.name or str(position)
    return {slot: Parameter(value, trainable=False, name=f"{owner}.{slot}") for slot, value in state.items()}


def number(what: str, value: Any, *, below: float = math.inf) -> float:
    """Return ``value`` as a float from 0 to ``below``, which is not included.

    >>> number("lr", 0.1)
    0.1
    """
    expected = "a number of 0 or more" + ("" if below == math.inf else f" and below {below:g}")
    try:
        result = math.nan if isinstance(value, (str, bool)) else float(value)
    except (TypeError, ValueError):
        raise DTypeError(f"{what}: expected {expected}, got {type(value).__name__}") from None
    except OverflowError:
        result = math.inf
    if not 0 <= result < below:
        raise ArgumentError(f"{what}: expected {expected}, got {value!r}")
    return result
