"""Derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.core import tree
from pullback.core.array import Array
from pullback.core.creation import asarray
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, DTypeError, GradientError
from pullback.transforms.derivatives import jvp, vjp

MODES = ("forward", "reverse")


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = MODES,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    step: float | None = None,
    seed: int = 0,
) -> None:
    """Check the derivatives of ``f`` at ``args`` against finite differences, in random directions.

    The directional derivative is taken by central differences of fourth order. Forward mode is compared with it,
    reverse mode through ``<ct, J t> = <J' ct, t>``; higher orders check the derivatives of the derivatives.

    Args:
        f: a function that returns floating or complex arrays, or containers of them.
        args: where it is checked; arguments without floating or complex values are held.
        order: up to which order.
        modes: "forward", "reverse" or both; at each order all of them are tried.
        rtol: relative tolerance, by default 1e-6 (1e-2 when a single-precision argument is among ``args``).
        atol: absolute tolerance, by default as ``rtol``.
        step: distance of the differences, by default 1e-3 (2e-2 in single precision).
        seed: of the random directions.

    Raises:
        GradientError: they differ; the message says in which mode and order, and by how much.

    >>> import pullback.numpy as pnp
    >>> check_grads(lambda x: pnp.sin(x) * x, (np.array([1.0, 2.0]),))
    """
    if not callable(f):
        raise DTypeError(f"check_grads: expected a function, got {type(f).__name__}")
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown or not modes:
        raise ArgumentError(f"check_grads: expected modes out of {MODES}, got {tuple(modes)}")
    if not isinstance(order, int) or order < 1:
        raise ArgumentError(f"check_grads: expected an order of at least 1, got {order!r}")
    if not isinstance(args, (tuple, list)):
        raise ArgumentError("check_grads: expected args as a tuple, as in check_grads(f, (x,))")
    leaves, structure = tree.flatten(tuple(args))
    moved = [i for i, leaf in enumerate(leaves) if _moves(leaf)]
    if not moved:
        raise ArgumentError("check_grads: expected a floating or complex argument, got none")
    points = [np.asarray(asarray(leaves[i])) for i in moved]
    _refuse_unusable(points, {"rtol": rtol, "atol": atol, "step": step}, seed)
    single = any(point.dtype.itemsize // (2 if point.dtype.kind == "c" else 1) < 8 for point in points)
    rtol = rtol if rtol is not None else 1e-2 if single else 1e-6
    atol = atol if atol is not None else rtol
    step = step if step is not None else 2e-2 if single else 1e-3

    def flat(*values: Any) -> tuple[Array, ...]:
        filled = list(leaves)
        for i, value in zip(moved, values, strict=True):
            filled[i] = value
        outputs, _ = tree.flatten(f(*tree.unflatten(structure, filled)))
        found = tuple(asarray(out) for out in outputs if is_differentiable(asarray(out).dtype))
        if not found:  # to find nothing wrong with nothing would be no check
            raise DTypeError("check_grads: expected the function to return floating or complex arrays, got none")
        return found

    _Check(modes, np.random.default_rng(seed), rtol, atol, step).run(flat, points, order)


def _refuse_unusable(points: Sequence[Any], numbers: dict[str, Any], seed: Any) -> None:
    """Raise for points at which differences say nothing, and for settings that are none."""
    if not all(np.isfinite(point).all() for point in points):
        raise ArgumentError("check_grads: expected finite arguments: there are no differences at inf or NaN")
    if any(point.dtype == np.float16 for point in points):
        raise DTypeError("check_grads: float16 is too coarse for differences. Check in float32 or float64")
    for name, value in numbers.items():
        if value is not None and (isinstance(value, str) or not np.isfinite(value) or value < 0):
            raise ArgumentError(f"check_grads: expected {name} to be a number of 0 or more, got {value!r}")
    if numbers["step"] == 0:
        raise ArgumentError("check_grads: expected a step above 0")
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or seed < 0:
        raise ArgumentError(f"check_grads: expected seed to be an integer of 0 or more, got {seed!r}")


def _moves(leaf: Any) -> bool:
    if isinstance(leaf, (bool, int)) and not isinstance(leaf, np.generic):
        return False
    return isinstance(leaf, (float, complex)) or (hasattr(leaf, "dtype") and is_differentiable(leaf.dtype))


def _direction(generator: np.random.Generator, like: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    direction = generator.uniform(-1.0, 1.0, size=like.shape)
    if like.dtype.kind == "c":
        direction = direction + 1j * generator.uniform(-1.0, 1.0, size=like.shape)
    return np.asarray(direction, dtype=like.dtype)


def _differences(
    f: Callable[..., Any], points: Sequence[Any], tangents: Sequence[Any], step: float
) -> list[np.ndarray[Any, Any]]:
    def at(distance: float) -> list[Any]:
        moved = [np.asarray(p + distance * t, dtype=p.dtype) for p, t in zip(points, tangents, strict=True)]
        return [np.asarray(out.detach()).astype(_wide(out.dtype)) for out in f(*[asarray(p) for p in moved])]

    far, near = ([after - before for after, before in zip(at(h), at(-h), strict=True)] for h in (2 * step, step))
    return [(8 * close - wide) / (12 * step) for close, wide in zip(near, far, strict=True)]


def _wide(dtype: np.dtype[Any]) -> type:
    return complex if dtype.kind == "c" else float


def _value(derivative: Any) -> np.ndarray[Any, Any]:
    """A derivative as numbers, also where the function uses something watched beside its arguments."""
    return np.asarray(asarray(derivative).detach())


def _inner(left: Sequence[Any], right: Sequence[Any]) -> float:
    """Re<a, b> over all arrays."""
    return float(sum(np.sum((np.conj(a) * b).real) for a, b in zip(left, right, strict=True)))


@dataclass(frozen=True)
class _Check:
    """How the derivatives of one order are compared with finite differences."""

    modes: tuple[str, ...]
    generator: np.random.Generator
    rtol: float
    atol: float
    step: float

    def run(self, f: Callable[..., Any], points: list[Any], order: int, path: str = "") -> None:
        """Compare the derivatives of ``f``, then, for higher orders, those of its derivatives."""
        tangents = tuple(_direction(self.generator, point) for point in points)
        expected = _differences(f, points, tangents, self.step)
        cotangents = tuple(_direction(self.generator, one) for one in expected)
        if "forward" in self.modes:
            self._forward(f, points, tangents, expected, f"{path}forward")
        if "reverse" in self.modes:
            self._reverse(f, points, tangents, cotangents, expected, f"{path}reverse")
        if order == 1:
            return
        higher = replace(self, rtol=10 * self.rtol, atol=10 * self.atol)  # differences of derivatives are coarser
        if "forward" in self.modes:

            def tangent(*values: Any) -> Any:
                return jvp(f, values, tangents)[1]

            higher.run(tangent, points, order - 1, f"{path}forward of ")
        if "reverse" in self.modes:

            def gradient(*values: Any) -> Any:
                outputs, pullback = vjp(f, *values)
                return pullback(tuple(ct.astype(out.dtype) for ct, out in zip(cotangents, outputs, strict=True)))

            higher.run(gradient, points, order - 1, f"{path}reverse of ")

    def _forward(self, f: Callable[..., Any], points: Any, tangents: Any, expected: Any, mode: str) -> None:
        _, pushed = jvp(f, tuple(points), tangents)
        for position, (found, numeric) in enumerate(zip(pushed, expected, strict=True)):
            _compare(_value(found), numeric, self.rtol, self.atol, mode, position)

    def _reverse(
        self, f: Callable[..., Any], points: Any, tangents: Any, cotangents: Any, expected: Any, mode: str
    ) -> None:
        outputs, pullback = vjp(f, *points)
        cotangents = tuple(ct.astype(out.dtype) for ct, out in zip(cotangents, outputs, strict=True))
        pulled = [_value(one) for one in pullback(cotangents)]
        found, numeric = _inner(pulled, tangents), _inner(cotangents, expected)
        scale = sum(np.abs(ct).sum() * np.abs(n).max(initial=0) for ct, n in zip(cotangents, expected, strict=True))
        _compare(np.asarray(found), np.asarray(numeric), self.rtol, self.atol * (1 + scale), mode, 0)


def _compare(found: Any, expected: Any, rtol: float, atol: float, mode: str, output: int) -> None:
    if found.shape != expected.shape:
        raise GradientError(f"{mode}: the derivative of output {output} has shape {found.shape}, not {expected.shape}")
    wrong = ~np.isclose(found, expected, rtol=rtol, atol=atol, equal_nan=True)
    if wrong.any():
        place = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        where = f" at {tuple(int(i) for i in place)}" if place else ""
        raise GradientError(
            f"{mode}: output {output}{where}: pullback gives {found[place]:.10g}, "
            f"finite differences give {expected[place]:.10g} ({int(wrong.sum())} of {wrong.size} differ)"
        )
