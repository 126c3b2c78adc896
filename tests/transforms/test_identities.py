"""Each identity: it is found where it holds, keeps the value, and is left alone where it does not hold."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.array import Array
from pullback.core.operations import named_primitive
from pullback.core.terminals import scalar_node
from pullback.transforms.identities import algebra, layout
from pullback.transforms.linearity import linearity
from pullback.transforms.replacing import made

X = np.array([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]])
ROWS, COLUMNS = np.arange(2), np.array([0, 2])


def apply(name, *args, **params):
    """A use of a primitive, that no public function would record here."""
    return named_primitive(name)(*args, **params)


def placed(values):
    return apply("scatter_add", np.broadcast_to(0.0, (2, 3)), values, ROWS, COLUMNS, axes=(0, 1), unique=False)


def reshaped_number():
    return Array(made("reshape", (scalar_node(2.0, (3, 2), np.dtype(float)),), {"shape": (2, 3)}))


FORMS = {
    "times_one": (lambda x: 1 * x, X),
    "times_minus_one": (lambda x: x * -1.0, X),
    "over_one": (lambda x: x / 1, X),
    "over_power_of_two": (lambda x: x / 4, X),
    "plus_zero": (lambda x: x + -0.0, X),
    "plus_negative": (lambda x: -x + np.sin(x), X),
    "minus_zero": (lambda x: x - 0.0, X),
    "minus_negative": (lambda x: np.sin(x) - -x, X),
    "power_of_one": (lambda x: x**1.0, X),
    "power_of_two": (lambda x: x**2.0, X),
    "power_of_half": (lambda x: x**0.5, np.array([4.0, 2.0, 0.0, -0.0, np.inf, -np.inf, -1.0, np.nan])),
    "twice_negative": (lambda x: np.negative(-x), X),
    "as_it_is": (lambda x: +x, X),
    "one_for_both": (lambda x: np.where(x > 0, x, x), X),
    "known_choice": (lambda x: np.where(True, x, np.sin(x)), X),
    "plain_product": (lambda x: apply("strong_product", x, np.broadcast_to(2.0, (2, 3))), X),
    "to_the_same_shape": (lambda x: apply("reshape", x, shape=(2, 3)), X),
    "reshape_twice": (lambda x: x.reshape(6).reshape(3, 2), X),
    "reshape_of_number": (lambda x: x + reshaped_number(), X),
    "permute_nothing": (lambda x: apply("permute", x, axes=(0, 1)), X),
    "permute_twice": (lambda x: x.T.T, X),
    "permute_short_axes": (lambda x: np.transpose(x[:1]), X),
    "broadcast_twice": (lambda x: np.broadcast_to(np.broadcast_to(x, (2, 2, 3)), (4, 2, 2, 3)), X),
    "reduce_no_axes": (lambda x: np.sum(x, axis=()), X),
    "times_itself": (lambda x: x * x, X),
    "plus_itself": (lambda x: x + x, X),
    "number_first": (lambda x: x * 3, X),
    "number_out": (lambda x: np.sum(3 * x, axis=0), X),
    "repeated_factor_out": (lambda x: np.sum(x[0, 0] * x, axis=1), X),
    "number_past_movement": (lambda x: (2 * x).T, X),
    "plus_negative_constant": (lambda x: x + np.array([-1.0, -2.0, 0.0]), X),
    "sum_of_placed": (lambda x: placed(x[:, 0]).sum(), X),
    "product_with_placed": (lambda x: placed(x[:, 0]) * x, X),
    "product_of_transposes": (lambda x: x.T @ x[:, :2].T, X),
    "transpose_of_product": (lambda x: (x.T @ x).T, X),
    "vector_times_matrix": (lambda x: x[:, 0] @ x, X),
}


IDENTITIES = {name: (table, one) for table in (algebra, layout, linearity) for name, one in table.identities.items()}


def test_every_identity_has_a_form_and_says_what_it_is():
    assert set(FORMS) == set(IDENTITIES)
    for _, one in IDENTITIES.values():
        assert one.statement
        assert one.changes


@pytest.mark.parametrize("name", FORMS)
def test_an_identity_is_found_and_keeps_the_value(name):
    table, one = IDENTITIES[name]
    f, x = FORMS[name]
    graph = pb.trace(f, x)
    applied = []
    simpler = table.apply(graph, applied.append)
    assert name in [found.name for found in applied], str(graph)
    with np.errstate(invalid="ignore"):
        expected = graph.forward(x).value(graph.outputs[0])
        found = simpler.forward(x).value(simpler.outputs[0])
    if one.changes == "exact":
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x + 0.0, X),  # 0 of -0
        (lambda x: x * 2.0, X),
        (lambda x: x / 3, X),
        (lambda x: x / 2.0**-1074, X),  # its reciprocal overflows
        (lambda x: np.where(x > 0, x, -x), X),
        (lambda x: x.reshape(3, 2), X),
        (lambda x: x.T, X),
    ],
)
def test_what_is_none_stays(f, x):
    graph = pb.trace(f, x)
    for table in (algebra, layout):
        assert table.apply(graph) is graph


def test_the_log_names_each_with_the_line():
    def f(x):
        return (x * 1.0).T.T + np.sum(3 * x)

    rewrites = {one.name: str(one) for one in pb.trace(f, X).simplify().rewrites}
    assert rewrites["times_one"].startswith("times_one: x*1 -> x  (exact)  at test_identities.py:")
    assert rewrites["number_out"].startswith("number_out: sum(3*x) -> 3*sum(x)  (rounding only)  at ")
    assert "permute_twice: (x*1).T.T -> x*1  (exact)" in rewrites["permute_twice"]
