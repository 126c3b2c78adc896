"""Mini-batches in an order that a seed decides, and the split into what is trained on and what is held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.errors import ArgumentError, DTypeError, ShapeError

Rows = np.ndarray[Any, Any]


class Batches:
    """Mini-batches of arrays with one first axis. Each loop over them is an epoch, in an order of its own.

    The order depends on ``seed`` and the number of the epoch only: not on what else drew random numbers.

    Args:
        arrays: arrays of equal length (their first axis), or one array.
        batch_size: the number of rows of a batch; the last one may have fewer.
        seed: an integer of 0 or more.
        shuffle: whether to take the rows in a random order.
        drop_last: whether to leave out a last batch that is smaller.

    Attributes:
        epoch: the number, from 0, of the epoch that the next loop runs; may be set, to go on where one left off.

    >>> batches = Batches((np.arange(5), np.arange(5) ** 2), batch_size=2, shuffle=False)
    >>> for x, y in batches:
    ...     print(x, y)
    [0 1] [0 1]
    [2 3] [4 9]
    [4] [16]
    """

    def __init__(
        self, arrays: Any, batch_size: int, seed: int = 0, shuffle: bool = True, drop_last: bool = False
    ) -> None:
        self.arrays = rows_of("Batches", arrays)
        self.size = len(self.arrays[0])
        if isinstance(batch_size, bool) or not hasattr(batch_size, "__index__") or batch_size < 1:
            raise ArgumentError(f"Batches: expected batch_size to be a positive integer, got {batch_size!r}")
        if drop_last and batch_size > self.size:
            raise ArgumentError(f"Batches: with drop_last no batch of {batch_size} is left of {self.size} rows")
        self.batch_size = int(batch_size)
        self.seed = as_seed(seed)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.epoch = 0

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return self.size // self.batch_size if self.drop_last else -(-self.size // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Rows, ...]]:
        order = permutation(self.size, self.seed, self.epoch) if self.shuffle else None
        self.epoch += 1
        return self._batches(order)

    def _batches(self, order: Rows | None) -> Iterator[tuple[Rows, ...]]:
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            stop = min(start + self.batch_size, self.size)
            yield tuple(
                _view(array[start:stop]) if order is None else array[order[start:stop]] for array in self.arrays
            )

    def __repr__(self) -> str:
        return f"Batches({self.size} rows in {len(self)} batches of {self.batch_size}, seed {self.seed})"


def _view(rows: Rows) -> Rows:
    rows.flags.writeable = False  # a batch that is written to must not change the data
    return rows


def as_seed(seed: Any, what: str = "seed") -> int:
    """Return ``seed`` as an integer from 0 to below 2**64; raise ArgumentError if it is none."""
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= seed < 2**64:
        raise ArgumentError(f"{what}: expected an integer of 0 or more, below 2**64, got {seed!r}")
    return int(seed)


def permutation(size: int, seed: int, stream: int) -> Rows:
    """Return the integers below ``size`` in an order that depends on ``seed`` and ``stream`` only.

    >>> bool((permutation(5, 1, 0) == permutation(5, 1, 0)).all())
    True
    """
    # Philox is counter-based: the key is the pair, so that no stream has to be run through to reach the next.
    key = [as_seed(seed), as_seed(stream, "the number of the epoch")]
    return np.random.Generator(np.random.Philox(key=key)).permutation(size)


def rows_of(operation: str, arrays: Any) -> tuple[Rows, ...]:
    """Return the arrays as a tuple of NumPy arrays of one length; raise ShapeError if they are not."""
    given = tuple(arrays) if isinstance(arrays, (list, tuple)) else (arrays,)
    if not given:
        raise ArgumentError(f"{operation}: expected at least one array")
    rows = tuple(np.asarray(one) for one in given)
    for array in rows:
        if array.dtype.kind not in "biufcUS":
            raise DTypeError(f"{operation}: expected arrays of numbers or words, got {array.dtype}")
        if not array.ndim:
            raise ShapeError(f"{operation}: expected arrays with a first axis, got a single number")
    lengths = [len(array) for array in rows]
    if len(set(lengths)) != 1:
        raise ShapeError(f"{operation}: expected arrays of one length, got {', '.join(map(str, lengths))}")
    if not lengths[0]:
        raise ShapeError(f"{operation}: the arrays have no rows")
    return rows


def split_rows(size: int, test: float = 0.2, seed: int = 0, classes: Any = None) -> tuple[Rows, Rows]:
    """Return the numbers of the rows to train on and of those to hold out, each in rising order.

    Args:
        size: the number of rows.
        test: the share to hold out, between 0 and 1.
        seed: decides which; the same seed, the same split.
        classes: a class for each row: each is held out in the same share, and none is held out whole.

    Raises:
        ArgumentError: a share that leaves one of the two parts without a row.

    >>> train, test = split_rows(6, test=1 / 3, classes=np.array([0, 0, 0, 1, 1, 1]))
    >>> len(train), len(test)
    (4, 2)
    """
    if isinstance(test, str) or not hasattr(test, "__float__") or not 0 < float(test) < 1:
        raise ArgumentError(f"split_rows: expected test to be between 0 and 1, got {test!r}")
    groups: Sequence[Rows] = [np.arange(size)]
    if classes is not None:
        labels = np.asarray(classes)
        if labels.shape != (size,):
            raise ShapeError(f"split_rows: expected a class for each of {size} rows, got shape {labels.shape}")
        groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    shares = np.array([len(rows) * float(test) for rows in groups])
    counts = shares.astype(int)
    # Rounding down leaves some rows to hand out: they go to the groups that lost most by it.
    left_over = int(size * float(test) + 0.5) - counts.sum()
    counts[np.argsort(counts - shares, kind="stable")[:left_over]] += 1
    held = np.zeros(size, bool)
    for number, rows in enumerate(groups):
        count = min(counts[number], len(rows) - 1)  # never the whole of a group
        held[rows[permutation(len(rows), seed, number)[:count]]] = True
    if not held.any():
        raise ArgumentError(f"split_rows: {size} rows are too few to hold {test:g} of them out")
    return np.flatnonzero(~held), np.flatnonzero(held)
