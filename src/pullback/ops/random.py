"""Random bits from a counter: the one primitive that every random number is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import general
from pullback.core.operations import operations
from pullback.core.sample import call, reject
from pullback.errors import DTypeError, ShapeError

STATE = 3
"""The numbers of a state: two of the key, and the counter."""

_STATE = np.array([1, 2, 3], np.uint64)
_WORDS = {np.dtype(np.uint64): 4, np.dtype(np.uint32): 8}


def blocks(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """By how much the counter goes on when bits of this shape and dtype have been drawn."""
    return -(-math.prod(shape) // _WORDS[dtype])


@general(
    differentiable=False,
    samples=[
        call(_STATE, shape=(3, 4), dtype=np.dtype(np.uint64)),
        call(_STATE, shape=(), dtype=np.dtype(np.uint32)),
        call(_STATE, shape=(0, 2), dtype=np.dtype(np.uint64)),
    ],
    rejects=[
        reject(ShapeError, "random_bits: expected a state of shape (3,)", _STATE[:2], shape=(), dtype=np.dtype("u8")),
        reject(DTypeError, "random_bits: expected a state of uint64", np.ones(3), shape=(), dtype=np.dtype("u8")),
        reject(DTypeError, "random_bits: expected uint64 or uint32", _STATE, shape=(), dtype=np.dtype("u1")),
    ],
)
def random_bits(state: Any, *, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Random bits: the counter, and those that follow it, encrypted with the key. The same state gives the same bits.

    The cipher is Philox 4x64 with 10 rounds. [Salmon, Moraes, Dror, Shaw 2011, Parallel random numbers: as easy as
    1, 2, 3]
    """
    _infer_bits(state, shape, dtype)
    generator = np.random.Philox(key=state[:2], counter=[state[2], 0, 0, 0])
    words = generator.random_raw(4 * blocks(shape, dtype))
    return np.asarray(words).view(dtype)[: math.prod(shape)].reshape(shape)


def _infer_bits(state: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Aval:
    if state.shape != (STATE,):
        raise ShapeError(f"random_bits: expected a state of shape ({STATE},), got {state.shape}")
    if state.dtype != np.uint64:
        raise DTypeError(f"random_bits: expected a state of uint64, got {state.dtype}")
    if dtype not in _WORDS:
        raise DTypeError(f"random_bits: expected uint64 or uint32, got {dtype}")
    return Aval(shape, dtype)


random_bits.infer(_infer_bits)


@random_bits.batching
def _(batched: Sequence[bool], state: Array, **params: Any) -> Array:
    stacked: Array = operations.stack([random_bits(one, **params) for one in state])
    return stacked


operations.provide("random_bits", random_bits)
