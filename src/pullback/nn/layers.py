"""Layers: the affine map, the chain of modules, and the scaling of inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.creation import as_dtype, asarray
from pullback.core.parameter import Parameter
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, DTypeError, IndexingError, ShapeError
from pullback.nn.initializers import Initializer, initial_weight, positive_integer
from pullback.nn.module import Module


class Linear(Module):
    """The affine map ``z = W x + b`` of the last axis: ``x @ weight.T + bias``.

    Args:
        in_features: the length of x's last axis.
        out_features: the length of the result's.
        bias: whether there is a ``bias``; it begins with zeros.
        rng: a seed or a ``numpy.random.Generator`` for the weights; by default the one that ``nn.set_seed`` starts.
            Give one generator to all layers of a network: layers of one shape made from one seed are equal.
        init: ``"he"`` (what goes through a ReLU), ``"glorot"`` (through tanh or sigmoid, or nothing), or a function
            ``(rng, shape) -> numbers``. See ``he_uniform`` and ``glorot_uniform``.
        dtype: of the parameters. The same seed gives the same weights, rounded to it.

    ``weight`` has shape (out_features, in_features), as the W of textbooks and of PyTorch.

    >>> import numpy as np
    >>> layer = Linear(2, 3, rng=0)
    >>> layer(np.ones((5, 2), np.float32)).shape
    (5, 3)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: int | np.random.Generator | None = None,
        init: str | Initializer = "he",
        dtype: Any = np.float32,
    ) -> None:
        self.in_features = positive_integer("Linear", "in_features", in_features)
        self.out_features = positive_integer("Linear", "out_features", out_features)
        self.weight = initial_weight("Linear", (self.out_features, self.in_features), init, rng, dtype)
        self.bias = Parameter(np.zeros(self.out_features, self.weight.dtype)) if bias else None

    def forward(self, x: Any) -> Array:
        """Map the last axis of x. Raises ShapeError unless it has ``in_features`` elements."""
        x = asarray(x)
        if not x.ndim or x.shape[-1] != self.in_features:
            raise ShapeError(f"{self._label()}: expected inputs of shape (..., {self.in_features}), got {x.shape}")
        z: Array = x @ self.weight.T
        return z if self.bias is None else z + self.bias

    def _label(self) -> str:
        return f"Linear({self.describe()})"

    def describe(self) -> str:
        """The sizes."""
        return f"{self.in_features}, {self.out_features}{'' if self.bias is not None else ', bias=False'}"


def _real(operation: str, value: Any) -> np.ndarray[Any, Any]:
    """Numbers as float64; raise DTypeError for what would not be the same numbers then."""
    array = np.asarray(asarray(value))
    if array.dtype.kind == "c":
        raise DTypeError(f"{operation}: expected real numbers, got {array.dtype}")
    return array.astype(np.float64)


class Sequential(Module):
    """Modules (or functions) one after the other: each is given the result of the one before it.

    They are the attributes ``0``, ``1``, ...; ``net[0]`` is the first, ``net[:2]`` a Sequential of the first two.

    >>> import numpy as np
    >>> net = Sequential(Linear(2, 4, rng=0), np.tanh, Linear(4, 1, rng=1))
    >>> net(np.ones(2)).shape
    (1,)
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        for position, layer in enumerate(layers):
            if not callable(layer):
                hint = ". Write Sequential(*layers)" if isinstance(layer, (list, tuple)) else ""
                raise DTypeError(f"Sequential: expected modules or functions, got {type(layer).__name__}{hint}")
            if isinstance(layer, type) and issubclass(layer, Module):
                name = layer.__name__
                raise DTypeError(f"Sequential: expected modules or functions, got the class {name}. Write {name}()")
            setattr(self, str(position), layer)

    @property
    def _layers(self) -> list[Any]:
        return [layer for name, layer in vars(self).items() if name.isdecimal()]

    def forward(self, x: Any) -> Any:
        """Send x through all of them."""
        for layer in self._layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._layers)

    def __getitem__(self, index: int | slice) -> Any:
        layers = self._layers
        if isinstance(index, slice):
            return Sequential(*layers[index])
        try:
            return layers[index]
        except IndexError:
            raise IndexingError(f"Sequential: index {index} is out of range for {len(layers)} layers") from None
        except TypeError:
            kind = type(index).__name__
            raise IndexingError(f"Sequential: expected the number of a layer or a slice, got {kind}") from None


class Standardize(Module):
    """``(x - mean) / scale``, with a mean and a scale for each feature that are state, not trained.

    As the first layer of a network it makes the saved weights complete: what is given to the network later are the
    numbers as they were measured.

    Args:
        mean: subtracted from the features, float64.
        scale: what the difference is divided by, not zero.
        dtype: of the result.

    >>> import numpy as np
    >>> data = np.array([[1.0, 10.0], [3.0, 10.0]])
    >>> Standardize.of(data)(data)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    def __init__(self, mean: Any, scale: Any, dtype: Any = np.float32) -> None:
        self.mean = Parameter(_real("Standardize", mean), trainable=False)
        self.scale = Parameter(_real("Standardize", scale), trainable=False)
        self.dtype = as_dtype("Standardize", dtype)
        if not is_differentiable(self.dtype):
            raise DTypeError(f"Standardize: expected a floating dtype, got {self.dtype}")
        if self.mean.shape != self.scale.shape:
            raise ShapeError(f"Standardize: expected mean and scale of one shape, got {self.mean.shape} and "
                             f"{self.scale.shape}")  # fmt: skip
        if not (np.isfinite(self.mean.node.value).all() and np.isfinite(self.scale.node.value).all()):
            raise ArgumentError("Standardize: expected finite means and scales")
        if not self.scale.node.value.all():
            raise ArgumentError("Standardize: expected scales that are not zero")

    @classmethod
    def of(cls, data: Any, one_scale: bool = False, dtype: Any = np.float32) -> Standardize:
        """Return the module that gives the columns of ``data`` mean 0 and standard deviation 1 (constant ones: 0).

        Args:
            data: a table with rows and columns.
            one_scale: whether all columns are in one unit, as pixels are, and keep their proportions.
            dtype: of the result of the module.
        """
        data = _real("Standardize.of", data)
        if data.ndim != 2 or not data.size:
            raise ShapeError(f"Standardize.of: expected a table with rows and columns, got shape {data.shape}")
        with np.errstate(all="ignore"):  # what overflows is refused by what is made of it
            mean = data.mean(0)
            scale = np.full_like(mean, data.std()) if one_scale else data.std(0)
        # Rounding leaves a constant column a deviation of some 1e-16 of its size.
        return cls(mean, np.where(scale > 1e-12 * np.abs(mean), scale, 1.0), dtype)

    def forward(self, x: Any) -> Array:
        """Scale each feature."""
        x = asarray(x)
        if self.mean.ndim and (not x.ndim or x.shape[-1:] != self.mean.shape[-1:]):
            expected = ", ".join(map(str, self.mean.shape))
            raise ShapeError(f"Standardize({expected}): expected inputs of shape (..., {expected}), got {x.shape}")
        result: Array = ((x - self.mean) / self.scale).astype(self.dtype)
        return result

    def describe(self) -> str:
        """The number of features."""
        return ", ".join(map(str, self.mean.shape))
