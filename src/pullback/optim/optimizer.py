"""What optimizers share: the step, and the state that they keep for each parameter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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

    The state (momentum and the like) is held in Parameters that are not trainable, one of each kind for each
    parameter, made at the parameter's first step. Parameters without a ``grad`` are skipped.

    Attributes:
        parameters: what is updated.
        lr: the learning rate; may be set between steps.
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
        self._lr = Parameter(number(f"{self._name}: lr", lr, positive=True), trainable=False, name="lr")
        self._lr.node.weak = True  # a Python number to the arrays that it meets
        self._state: dict[int, dict[str, Parameter]] = {}

    @property
    def _name(self) -> str:
        return type(self).__name__

    @property
    def lr(self) -> float:
        """The learning rate, a positive number. While a step is compiled it has no value: it is read at every call."""
        if capturing.current is not None:
            return self._lr  # type: ignore[return-value]  # an array that stands for a Python number
        return float(self._lr.node.value)

    @lr.setter
    def lr(self, lr: float) -> None:
        traced = isinstance(lr, Array) and lr.node.value is None
        self._lr.assign(lr if traced else number(f"{self._name}: lr", lr, positive=True))

    def update(self, value: Any, gradient: Any, state: State, step: Any) -> tuple[Any, State]:
        """Return the new value and the new state of one parameter; nothing that is given is changed.

        Args:
            value: of the parameter.
            gradient: of the same shape and dtype.
            state: an array for each of ``slots``.
            step: the number of this step, from 1.

        It is written with operators and NumPy's functions only: while a step is compiled, all of these are Arrays.
        """
        raise NotImplementedError

    def step(self, when: Any = True) -> None:
        """Update every parameter that has a ``grad``: all of them or, after an error, none.

        Args:
            when: a boolean; if it is false nothing changes. While a step is compiled it may be an Array.
        """
        if capturing.current is not None:
            self._traced_step(when)
            return
        if not when:
            return
        updates = []
        with np.errstate(all="ignore"):  # an overflow shows as inf in the parameters and in the next loss
            for position, parameter in enumerate(self.parameters):
                if parameter.grad is None or not parameter.trainable:
                    continue
                held = self._state.get(position, {})
                old = {} if held.keys() >= set(self.slots) else self._initial(parameter)
                old.update({slot: held[slot].node.value for slot in self.slots if slot in held})
                step = int(held["step"].node.value) + 1 if held else 1
                gradient = parameter.grad.node.value
                value, new = self.update(parameter.node.value, gradient, old, step)
                updates.append((position, parameter, value, {"step": np.asarray(step), **new}))
        for position, parameter, value, state in updates:
            _store(parameter, value)
            held = self._state.setdefault(position, {})
            for slot in held.keys() & state.keys():
                _store(held[slot], state[slot])
            begun = {slot: one for slot, one in state.items() if slot not in held}
            held.update(_parameters(begun, parameter, position))

    def _traced_step(self, when: Any) -> None:
        """The same on arrays without values: the step is being compiled."""
        depend_on(self)
        for position, parameter in enumerate(self.parameters):
            gradient = parameter.grad
            if gradient is None or not parameter.trainable:
                continue
            held = self._state.setdefault(position, {})
            missing = {slot: one for slot, one in self._begun(parameter).items() if slot not in held}
            held.update(_parameters(missing, parameter, position))
            count = held["step"].detach() + 1
            step = operations.astype(count, float)
            step.node.weak = True  # a Python number, as it is without being compiled
            state = {slot: held[slot].detach() for slot in self.slots}
            value, new = self.update(parameter.detach(), gradient.detach(), state, step)
            for target, array in [(parameter, value), *[(held[slot], one) for slot, one in new.items()]]:
                target.assign(_chosen(when, array, target))
            held["step"].assign(_chosen(when, count, held["step"]))

    def zero_grad(self) -> None:
        """Forget the gradients: set every ``grad`` to None."""
        depend_on(self)
        for parameter in self.parameters:
            parameter.grad = None

    # State ----------------------------------------------------------------------------------------------------------

    def _initial(self, parameter: Parameter) -> State:
        return {slot: np.zeros(parameter.shape, parameter.dtype) for slot in self.slots}

    def _begun(self, parameter: Parameter) -> State:
        """All that is kept for a parameter, before its first step."""
        return {"step": np.asarray(0), **self._initial(parameter)}

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
            for position, state in sorted(self._state.items())
            for slot, held in state.items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take on a state that ``state_dict`` gave, whole or, after an error, not at all.

        Raises:
            ArgumentError: names that are no state of these parameters, or a part that is missing.
            ShapeError, DTypeError: a value that does not fit its parameter.
        """
        if not isinstance(state, Mapping):
            raise DTypeError(f"load_state_dict: expected a mapping of names to arrays, got {type(state).__name__}")
        started = {position for position in range(len(self.parameters)) if f"{position}.step" in state}
        made = {
            position: _parameters(self._begun(parameter), parameter, position)
            for position, parameter in enumerate(self.parameters)
            if position in started
        }
        named = {f"{position}.{slot}": held for position, part in made.items() for slot, held in part.items()}
        load_values(f"{self._name}.load_state_dict", named, state, strict=True)
        for position, part in made.items():
            step = int(part["step"].node.value)
            if step < 1:
                raise ArgumentError(f"{self._name}.load_state_dict: expected {position}.step of 1 or more, got {step}")
        self._state = made

    def __repr__(self) -> str:
        return f"{self._name}({len(self.parameters)} parameters, lr={self.lr:g})"


def _chosen(when: Any, new: Any, parameter: Parameter) -> Any:
    """The new value of a parameter where the step is made, its old one where not."""
    return new if when is True else operations.where(when, new, parameter.detach())


def _store(parameter: Parameter, value: Any) -> None:
    # What update made is nobody else's: the copy that assign would make is not needed.
    parameter._hold(np.asarray(value, parameter.dtype), parameter.name)


def _parameters(state: State, parameter: Parameter, position: int) -> dict[str, Parameter]:
    owner = parameter.name or str(position)
    return {slot: Parameter(value, trainable=False, name=f"{owner}.{slot}") for slot, value in state.items()}


def number(what: str, value: Any, *, positive: bool = False, below: float = math.inf) -> float:
    """Return ``value`` as a float from 0 (above it, if ``positive``) to ``below``, which is not included.

    >>> number("lr", 0.1)
    0.1
    """
    low = "above 0" if positive else "of 0 or more"
    expected = f"a number {low}" if below == math.inf else f"a number {low} and below {below:g}"
    try:
        result = math.nan if isinstance(value, (str, bool)) else float(value)
    except (TypeError, ValueError):
        raise DTypeError(f"{what}: expected {expected}, got {type(value).__name__}") from None
    except OverflowError:
        result = math.inf
    if not (result > 0 if positive else result >= 0) or not result < below:
        raise ArgumentError(f"{what}: expected {expected}, got {value!r}")
    return result
