"""What a network learns from: a table of features, and what it is to say for each row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.data.batches import Rows, rows_of, split_rows
from pullback.errors import ArgumentError


@dataclass(frozen=True)
class Dataset:
    """A table of features, and a target for each row.

    Attributes:
        name: what it is called.
        inputs: (rows, features), floating.
        targets: (rows,): the number of a class, or, if there are no classes, a measured number.
        features: a name for each column of ``inputs``.
        classes: a name for each class, or None where the target is a number to be predicted.
        target: what the target is called.
        numeric: for each column, whether it was measured (the others are 0 or 1 and say which category a row has).
        one_unit: whether all features are measured in one unit, as the pixels of an image are.
    """

    name: str
    inputs: Rows
    targets: Rows
    features: tuple[str, ...]
    classes: tuple[str, ...] | None
    target: str
    numeric: Rows
    one_unit: bool = False

    def __len__(self) -> int:
        return len(self.targets)

    def split(self, test: float = 0.2, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Return what is trained on and what is held out; of each class the same share. See ``split_rows``."""
        parts = split_rows(len(self), test, seed, None if self.classes is None else self.targets)
        train, held = (replace(self, inputs=self.inputs[rows], targets=self.targets[rows]) for rows in parts)
        return train, held

    def __repr__(self) -> str:
        kind = "numbers" if self.classes is None else f"{len(self.classes)} classes"
        return f"Dataset({self.name}: {len(self)} rows, {len(self.features)} features, {self.target} in {kind})"


def split(arrays: Any, test: float = 0.2, seed: int = 0, stratify: Any = None) -> tuple[tuple[Rows, ...], ...]:
    """Split arrays of one length into those to train on and those to hold out; see ``split_rows``.

    Args:
        arrays: arrays with one first axis.
        test: the share to hold out.
        seed: decides which rows.
        stratify: a class for each row, of each of which the same share is held out.

    >>> (x, y), (x_test, y_test) = split((np.arange(10.0), np.arange(10)), test=0.3)
    >>> len(x), len(x_test)
    (7, 3)
    """
    rows = rows_of("split", arrays)
    train, held = split_rows(len(rows[0]), test, seed, stratify)
    return tuple(array[train] for array in rows), tuple(array[held] for array in rows)


def load_digits() -> Dataset:
    """Return 1,797 handwritten digits: 8 x 8 pixels of 0 to 16, and which digit it is.

    Raises:
        ArgumentError: scikit-learn, which brings the data along, is not installed.

    >>> load_digits()
    Dataset(digits: 1797 rows, 64 features, digit in 10 classes)
    """
    return replace(_from_sklearn("digits", "load_digits", "digit"), one_unit=True)


def load_breast_cancer() -> Dataset:
    """Return 569 tumours: 30 measures of the nuclei of cells in an image, and whether it is malignant (0) or benign.

    Raises:
        ArgumentError: scikit-learn, which brings the data along, is not installed.

    >>> load_breast_cancer()
    Dataset(breast-cancer: 569 rows, 30 features, diagnosis in 2 classes)
    """
    return _from_sklearn("breast-cancer", "load_breast_cancer", "diagnosis")


def _from_sklearn(name: str, loader: str, target: str) -> Dataset:
    try:
        from sklearn import datasets
    except ImportError:
        raise ArgumentError(
            f"{loader}: this data set comes with scikit-learn, which is not installed. "
            'Install it with: pip install "pullback[demo]"'
        ) from None
    load: Callable[[], Any] = getattr(datasets, loader)
    loaded = load()
    return Dataset(
        name=name,
        inputs=np.asarray(loaded.data, np.float64),
        targets=np.asarray(loaded.target, np.int64),
        features=tuple(map(str, loaded.feature_names)),
        classes=tuple(map(str, loaded.target_names)),
        target=target,
        numeric=np.ones(loaded.data.shape[1], bool),
    )
