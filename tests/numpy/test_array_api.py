"""The Array API standard, version 2024.12: names, signatures, dtypes and values of the namespace and extensions."""

import inspect

import array_api
import numpy as np
import pytest

import pullback as pb
import pullback.numpy as pnp
from pullback.errors import ArgumentError


def functions(listing):
    return dict(line.rstrip(")").split("(", 1) for line in listing.strip().splitlines())


SPACES = {"": (pnp, array_api.MAIN), "fft": (pb.fft, array_api.FFT), "linalg": (pb.linalg, array_api.LINALG)}
SIGNATURES = [
    pytest.param(space, name, parameters, id=f"{prefix}.{name}".lstrip("."))
    for prefix, (space, listing) in SPACES.items()
    for name, parameters in functions(listing).items()
]


@pytest.mark.parametrize(("space", "name", "parameters"), SIGNATURES)
def test_a_function_takes_what_the_standard_says(space, name, parameters):
    parts = [part.strip() for part in parameters.split(",") if part.strip()]
    signature = inspect.signature(getattr(space, name))
    split = parts.index("*") if "*" in parts else len(parts)
    positional = [part for part in parts[:split] if part != "/" and not part.startswith("*")]
    several = [1, 2, 3] * any(part.startswith("*") and part != "*" for part in parts)
    keywords = {part.rstrip("="): 1 for part in parts[split + 1 :] if not part.startswith("*")}
    if several:
        keywords |= {part.rstrip("="): 1 for part in parts if part.endswith("=")}
        positional = []
    signature.bind(*several, *[1] * len(positional), **keywords)
    signature.bind(*several, *[1 for part in positional if not part.endswith("=")])  # the rest has defaults
    if "/" in parts and several == []:
        by_name = [part.rstrip("=") for part in parts[parts.index("/") + 1 : split]]
        signature.bind(*[1] * parts.index("/"), **dict.fromkeys(by_name, 1))


@pytest.mark.parametrize("name", array_api.CONSTANTS.split())
def test_constants(name):
    assert getattr(pnp, name) is getattr(np, name)


@pytest.mark.parametrize("name", array_api.DTYPES.split())
def test_dtypes(name):
    assert pnp.zeros(2, dtype=getattr(pnp, name)).dtype == name


@pytest.mark.parametrize("name", array_api.ATTRIBUTES.split())
def test_attributes_of_arrays(name):
    assert hasattr(pb.array([[1]]) if name in ("T", "mT") else pb.array(1), name)


REAL = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64"
FLOATING = "float32 float64 complex64 complex128"
ALL = f"bool {REAL} complex64 complex128"
ELEMENTWISE = """
    abs negative positive sign square add subtract multiply maximum minimum real imag conj round floor ceil trunc
    remainder floor_divide pow sqrt exp expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh
    acosh atanh atan2 hypot copysign nextafter logaddexp divide reciprocal signbit isnan isinf isfinite equal
    not_equal less less_equal greater greater_equal logical_and logical_or logical_xor logical_not bitwise_and
    bitwise_or bitwise_xor bitwise_invert bitwise_left_shift bitwise_right_shift
"""
EXAMPLES = {
    **{name: [{}] for name in ELEMENTWISE.split()},
    "sum": [{}, {"axis": 0}, {"axis": (0, 1), "keepdims": True}, {"dtype": "complex128"}],
    "prod": [{}, {"axis": 1}, {"dtype": "complex128"}],
    "mean": [{}, {"axis": 0}],
    "std": [{}, {"axis": 0, "correction": 1}],
    "var": [{}, {"axis": 1, "correction": 0.5}],
    "max": [{}, {"axis": 1, "keepdims": True}],
    "min": [{}, {"axis": 0}],
    "all": [{}, {"axis": 1}],
    "any": [{}, {"axis": 0, "keepdims": True}],
    "argmax": [{}, {"axis": 1, "keepdims": True}],
    "argmin": [{}, {"axis": 0}],
    "count_nonzero": [{}, {"axis": 0, "keepdims": True}],
    "cumulative_sum": [{"axis": 0}, {"axis": 1, "include_initial": True}, {"axis": 0, "dtype": "complex64"}],
    "cumulative_prod": [{"axis": 0}, {"axis": 1, "include_initial": True}],
    "diff": [{}, {"axis": 0, "n": 2}],
    "flip": [{}, {"axis": 0}],
    "matrix_transpose": [{}],
    "matmul": [{}],
    "vecdot": [{}, {"axis": 0}],
    "tensordot": [{}, {"axes": 1}, {"axes": ((0,), (1,))}],
    "nonzero": [{}],
    "unique_all": [{}],
    "unique_counts": [{}],
    "unique_inverse": [{}],
    "unique_values": [{}],
    "sort": [{}, {"axis": 0, "stable": True}],
    "argsort": [{}, {"axis": 0}],
    "tril": [{}, {"k": 1}],
    "triu": [{}, {"k": -1}],
    "unstack": [{}, {"axis": 1}],
    "zeros_like": [{}, {"dtype": "int8"}],
    "ones_like": [{}],
    "broadcast_arrays": [{}],
    "concat": [{}],
    "stack": [{}],
    "meshgrid": [{}, {"indexing": "ij"}],
    "where": [{}],
}


def results(output):
    return list(output) if isinstance(output, (tuple, list)) else [output]


def sample(dtype, seed):
    numbers = np.random.default_rng(seed).integers(0, 5, (2, 2))
    return numbers.astype(dtype)


CASES = [
    pytest.param(name, keywords, id=f"{name}-{i}")
    for name, calls in EXAMPLES.items()
    for i, keywords in enumerate(calls)
]


@pytest.mark.parametrize(("name", "keywords"), CASES)
def test_results_have_numpys_dtypes_and_values(name, keywords):
    parameters = functions(array_api.MAIN)[name]
    count = 2 if "x2" in parameters else 1
    for dtype in ALL.split():
        args = [sample(dtype, seed) for seed in range(count)]
        if name in ("concat", "stack"):
            args = [[sample(dtype, 0), sample(dtype, 1)]]
        elif name == "meshgrid":
            args = [sample(dtype, 0)[0], sample(dtype, 1)[0]]
        elif name == "where":
            args = [sample("bool", 2), *args]
        with np.errstate(all="ignore"):
            try:
                expected = getattr(np, name)(*args, **keywords)
            except (TypeError, ValueError):
                with pytest.raises((TypeError, ValueError)):
                    getattr(pnp, name)(*args, **keywords)
                continue
            found = getattr(pnp, name)(*args, **keywords)
        for one, other in zip(results(found), results(expected), strict=True):
            assert isinstance(one, pb.Array), (name, dtype)
            assert (one.dtype, one.shape) == (np.asarray(other).dtype, np.asarray(other).shape), (name, dtype)
            tolerance = 1e-3 if np.asarray(other).dtype == np.float16 else 1e-5
            np.testing.assert_allclose(one.numpy(), other, rtol=tolerance)


@pytest.mark.parametrize("name", ["sort", "argsort"])
def test_sorting_downwards(name):
    x = np.array([[2.0, 3.0, 1.0, 3.0], [0.0, -1.0, 4.0, -1.0]])
    found = getattr(pnp, name)(pb.array(x), descending=True, stable=True)
    order = np.argsort(-x, axis=-1, stable=True)  # equal elements stay in their order
    np.testing.assert_array_equal(found.numpy(), order if name == "argsort" else np.take_along_axis(x, order, -1))


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (("int8", "uint8"), "int16"),
        (("float32", "float64"), "float64"),
        (("float32", "complex64"), "complex64"),
        (("float64", "complex64"), "complex128"),
        (("uint32", "int32"), "int64"),
        (("bool", "bool"), "bool"),
    ],
)
def test_promotion_of_dtypes(types, expected):
    left, right = (pnp.ones(2, dtype=one) for one in types)
    assert pnp.result_type(*types) == pnp.result_type(left, right) == (left + right).dtype == expected


def test_dtypes_are_sorted_into_kinds():
    assert pnp.isdtype(pnp.float32, "real floating")
    assert pnp.isdtype(pnp.ones(2).dtype, ("integral", "numeric"))
    assert not pnp.isdtype(pnp.int8, pnp.int16)
    assert pnp.can_cast(pb.array([1], dtype="int8"), "int16")
    assert not pnp.can_cast("float64", "int64")
    assert pnp.finfo(pb.array(1.0)).bits == pnp.finfo("float64").bits == 64
    assert pnp.iinfo(pb.array([1], dtype="int8")).max == 127


def test_the_namespace_describes_itself():
    assert pnp.__array_api_version__ == "2024.12"
    info = pnp.__array_namespace_info__()
    assert info.devices() == ["cpu"]
    assert info.default_device() == "cpu"
    assert info.capabilities()["boolean indexing"]
    assert info.capabilities()["data-dependent shapes"]
    assert info.default_dtypes()["real floating"] == pnp.asarray(1.0).dtype
    assert set(info.dtypes()) == set(array_api.DTYPES.split())
    assert info.dtypes(kind="signed integer").keys() == {"int8", "int16", "int32", "int64"}


def test_an_array_names_its_namespace():
    x = pb.array(1.0)
    assert x.__array_namespace__() is pnp
    assert x.__array_namespace__(api_version="2024.12") is pnp
    with pytest.raises(ArgumentError, match=r"expected api_version '2024\.12' or older, got '2030\.12'"):
        x.__array_namespace__(api_version="2030.12")


def test_dlpack_goes_both_ways():
    x = np.arange(3.0)
    assert pnp.from_dlpack(x).tolist() == [0.0, 1.0, 2.0]
    exported = np.from_dlpack(pb.array(x))
    assert exported.tolist() == [0.0, 1.0, 2.0]
    watched = pb.array(x, requires_grad=True)
    assert pnp.from_dlpack(watched) is watched
    with pytest.raises(pb.errors.NotDifferentiableError, match="__dlpack__"):
        np.from_dlpack(watched)


def test_copies():
    x = np.arange(3.0)
    shared, own = pnp.asarray(x, copy=False), pnp.asarray(x, copy=True)
    x[0] = 9.0
    assert (shared.tolist()[0], own.tolist()[0]) == (9.0, 0.0)
    for call in (lambda: pnp.asarray([1.0], copy=False), lambda: pnp.asarray(x, dtype="float32", copy=False)):
        with pytest.raises(ArgumentError, match="needs no copy, because of copy=False"):
            call()


def test_there_is_one_device():
    x = pnp.asarray(1.0, device="cpu")
    assert x.device == "cpu"
    assert x.to_device("cpu") is x
    for call in (lambda: pnp.ones(2, device="gpu"), lambda: pnp.asarray(1, device="gpu"), lambda: x.to_device("gpu")):
        with pytest.raises(ArgumentError, match="'cpu'"):
            call()


EDGES = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e300, -1e-300, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("kind", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("name", ELEMENTWISE.split())
def test_special_cases_are_numpys_to_the_sign_of_zero(name, kind, watched):
    with np.errstate(all="ignore"):
        edges = EDGES.astype(kind)
        if kind == "complex128":
            edges = np.array([complex(a, b) for a in EDGES for b in EDGES])
        args = list(np.meshgrid(edges, edges)) if "x2" in functions(array_api.MAIN)[name] else [edges]
        try:
            expected = getattr(np, name)(*args)
        except TypeError:
            with pytest.raises(TypeError):
                getattr(pnp, name)(*map(pb.array, args))
            return
        found = getattr(pnp, name)(*[pb.array(one, requires_grad=watched) for one in args])
    found = found.detach().numpy()
    np.testing.assert_array_equal(found, expected)
    for one, other in ((found.real, expected.real), (found.imag, expected.imag)):
        known = ~np.isnan(other)
        np.testing.assert_array_equal(np.signbit(one)[known], np.signbit(other)[known])
