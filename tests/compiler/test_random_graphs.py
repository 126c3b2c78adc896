"""Random graphs, compiled against eager: fusion, layout and memory in every combination."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pullback as pb

UNARY = {
    "exp": lambda x: np.exp(-abs(x)),
    "tanh": np.tanh,
    "sin": np.sin,
    "negative": lambda x: -x,
    "square": lambda x: x * x * 0.25,
    "relu": pb.nn.relu,
    "sqrt": lambda x: np.sqrt(abs(x)),
    "sigmoid": pb.special.sigmoid,
    "floor": np.floor,
    "half": lambda x: x * 0.5 + 1,
}
BINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: np.tanh(x) * y,
    "maximum": np.maximum,
    "where": lambda x, y: np.where(x > y, x, 2 * y),
    "divide": lambda x, y: x / (1 + abs(y)),
    "both": lambda x, y: np.where(np.logical_and(x > 0, y < 1), x, y),
}
REDUCTIONS = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "var": np.var}


def moved(draw, x):
    """A movement of x."""
    kind = draw(st.sampled_from(["transpose", "reverse", "reshape", "slice", "expand"]))
    if kind == "transpose":
        return np.transpose(x, draw(st.permutations(range(x.ndim))))
    if kind == "reverse" and x.ndim:
        return np.flip(x, draw(st.integers(0, x.ndim - 1)))
    if kind == "reshape":
        size = int(np.prod(x.shape, dtype=int))
        return np.reshape(x, (draw(st.sampled_from([n for n in (1, 2, 3, 4, 6) if size % n == 0])), -1))
    if kind == "slice" and x.ndim and x.shape[0] > 1:
        part = x[:: draw(st.sampled_from([1, 2, -1]))]
        return part[draw(st.integers(0, len(part) > 1)) :]
    return x[None] if x.ndim < 4 else x


def joined(draw, x):
    """Parts of x, and what is computed of it, put together."""
    kind = draw(st.sampled_from(["concatenate", "stack", "pad", "roll", "repeat", "update"]))
    if kind == "stack":
        return np.stack([x, np.tanh(x), x], draw(st.integers(0, x.ndim)))
    if not x.ndim:
        return x
    axis = draw(st.integers(0, x.ndim - 1))
    if kind == "pad":
        return np.pad(x, [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in x.shape])
    if kind == "concatenate":
        return np.concatenate([x, np.sin(x), np.flip(x, axis)], axis)
    if kind == "roll":
        return np.roll(x, draw(st.integers(-2, 2)), axis)
    if kind == "repeat":
        return np.repeat(x, 2, axis)
    index = (
        *[slice(None)] * axis,
        draw(st.sampled_from([0, slice(None, None, 2), slice(1, 3), slice(None, None, -1)])),
    )
    changed = pb.array(x)
    changed[index] = np.tanh(x[index]) + 1
    changed[(*index[:-1], -1)] *= 0.5
    return changed


RUNNING = {
    "cumsum": np.cumsum,
    "cummax": np.maximum.accumulate,
    "cummin": np.minimum.accumulate,
    "logcumsumexp": np.logaddexp.accumulate,
    "cumprod": lambda x, axis: np.cumprod(np.tanh(x), axis),
    "diff": lambda x, axis: np.diff(x, axis=axis) if x.shape[axis] > 1 else x,
}


def picked(draw, x):
    """Elements of x at indices, some of them more than once, in place or elsewhere."""
    if not x.ndim:
        return x
    axis = draw(st.integers(0, x.ndim - 1))
    length = x.shape[axis]
    kind = draw(st.sampled_from(["take", "constant", "take_along_axis", "two", "add", "set", "running"]))
    if kind == "running":
        return RUNNING[draw(st.sampled_from(sorted(RUNNING)))](x, axis=axis)
    index = np.array([draw(st.integers(-length, length - 1)) for _ in range(3)])
    # What is traced, too: it depends on x, and is what was drawn.
    traced = index if kind == "constant" else np.where(np.isnan(x.sum()), 0, pb.array(index))
    if kind == "two" and axis == 0 and x.ndim > 1:
        return x[traced, traced % x.shape[1]]
    if kind in ("take", "constant", "two"):
        return np.take(x, traced, axis)
    if kind == "take_along_axis":
        shape = [1] * x.ndim
        shape[axis] = 3
        return np.take_along_axis(x, traced.reshape(shape), axis)
    where = (*[slice(None)] * axis, traced)
    value = np.cos(x[where])
    changed = pb.array(x)
    if kind == "add":
        np.add.at(changed, where, value)
    else:
        changed[where] = value
    return changed


def grown(draw, arrays, steps):
    """Grow a list of arrays by random operations, and return results that depend on all of it."""
    for _ in range(steps):
        x = arrays[draw(st.integers(0, len(arrays) - 1))]
        kind = draw(st.sampled_from(["unary", "binary", "binary", "reduce", "move", "product", "row", "join", "pick"]))
        if kind == "unary":
            x = UNARY[draw(st.sampled_from(sorted(UNARY)))](x)
        elif kind == "reduce":
            axes = draw(st.sets(st.integers(0, x.ndim - 1))) if x.ndim else set()
            keep = draw(st.booleans())
            x = REDUCTIONS[draw(st.sampled_from(sorted(REDUCTIONS)))](x, axis=tuple(axes), keepdims=keep)
        elif kind == "move":
            x = moved(draw, x)
        elif kind == "join":
            x = joined(draw, x)
        elif kind == "pick":
            x = picked(draw, x)
        elif kind == "row" and x.ndim:
            axis = draw(st.integers(0, x.ndim - 1))
            shifted = np.exp(x - np.max(x, axis=axis, keepdims=True))
            x = shifted / np.sum(shifted, axis=axis, keepdims=True)
        else:
            others = [y for y in arrays if fits(x.shape, y.shape)]
            matrices = [y for y in arrays if x.ndim >= 1 and y.ndim == 2 and x.shape[-1] == y.shape[0]]
            if kind == "product" and matrices:
                x = np.tanh(x @ matrices[draw(st.integers(0, len(matrices) - 1))])
            else:
                y = others[draw(st.integers(0, len(others) - 1))]
                x = BINARY[draw(st.sampled_from(sorted(BINARY)))](x, y)
        if x.size <= 4096:
            arrays.append(x)
    return arrays[-3:]


def fits(shape, other):
    try:
        np.broadcast_shapes(shape, other)
    except ValueError:
        return False
    return True


def recording(draw, drawn):
    """Draw once, and give the same again: the function is run eagerly and traced."""

    def recorded(strategy):
        drawn.append(draw(strategy))
        return drawn[-1]

    return recorded


def replaying(drawn):
    found = iter(drawn)
    return lambda strategy: next(found)


SHAPES = [(), (1,), (5,), (17,), (3, 4), (4, 3), (3, 17), (33, 3), (2, 3, 4), (1, 4), (3, 1), (6, 16), (2, 1, 17)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("steps", [4, 12])
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(data=st.data())
def test_compiled_equals_eager(steps, dtype, data):
    shapes = data.draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    inputs = [generator.normal(size=shape).astype(dtype) for shape in shapes]
    drawn = []
    expected = grown(recording(data.draw, drawn), [pb.array(x) for x in inputs], steps)

    def f(*arrays):
        return grown(replaying(drawn), list(arrays), steps)

    found = pb.trace(f, *inputs).compile()(*inputs)  # as a graph: f refers to all of hypothesis
    found = found if isinstance(found, tuple) else (found,)
    tolerance = 2e-4 if dtype is np.float32 else 1e-11
    for one, other in zip(found, expected, strict=True):
        other = np.asarray(other)
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
