"""How pointwise functions are called: through NumPy, with keywords, with what is no array, with several results."""

import math

import numpy as np
import pytest

import pullback as pb
import pullback.numpy as pnp
from pullback.core.families import Pointwise
from pullback.core.operations import primitives
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, ShapeError

OURS = [
    one
    for one in primitives.values()
    if isinstance(one, Pointwise) and one.evaluate.__module__.startswith("pullback.ops.pointwise")
]


@pytest.mark.parametrize("primitive", OURS, ids=lambda one: one.name)
class TestEveryPrimitive:
    def test_refuses_what_is_no_number(self, primitive):
        for wrong in ("a", None, {}, np.array(["a"]), np.array([None]), [[1.0], [1.0, 2.0]]):
            with pytest.raises(pb.errors.PullbackError, match=f"^{primitive.name}: expected"):
                primitive(*[wrong] * primitive.arity)

    def test_refuses_another_number_of_arguments(self, primitive):
        for count in (0, primitive.arity + 1):
            with pytest.raises(DTypeError, match=f"^{primitive.name}: expected {primitive.arity} argument"):
                primitive(*[pb.array(1.0)] * count)

    def test_refuses_shapes_that_do_not_broadcast(self, primitive):
        if primitive.arity == 1:
            pytest.skip("one operand has one shape")
        args, keywords = primitive.samples[0].make()
        dtypes = [np.asarray(arg).dtype for arg in args]
        with pytest.raises(ShapeError, match=f"^{primitive.name}: expected shapes that broadcast together"):
            primitive(*[np.ones(n + 2, dtype) for n, dtype in enumerate(dtypes)], **keywords)

    def test_gives_an_empty_array_for_an_empty_one(self, primitive):
        args, keywords = primitive.samples[0].make()
        args = [np.ones((0, 3), np.asarray(arg).dtype) for arg in args]
        result = primitive(*args, **keywords)
        assert result.shape == (0, 3)


class TestKeywordsOfUfuncs:
    def test_what_changes_the_result_is_refused_by_name(self):
        a = pb.array([1.0, 2.0], requires_grad=True)
        with pytest.raises(ArgumentError, match="add: the keyword where= is supported beside out= only"):
            np.add(a, a, where=np.array([True, False]))
        with pytest.raises(ArgumentError, match="exp: the keyword order= is not supported"):
            np.exp(a, order="Z")

    def test_defaults_are_accepted(self):
        a = pb.array([1.0, 2.0], requires_grad=True)
        assert np.exp(a, where=True, casting="same_kind", order="K", subok=True).requires_grad

    def test_dtype_is_that_of_the_computation(self):
        a = pb.array(np.ones(2, np.float32), requires_grad=True)
        assert np.add(a, 1, dtype=np.float64).dtype == np.float64

    def test_out_rebinds_an_array_and_refuses_to_lose_a_gradient(self):
        a, b = pb.array([1.0, 2.0], requires_grad=True), pb.array([0.0, 0.0])
        assert np.multiply(a, 2, out=b) is b
        assert b.tolist() == [2.0, 4.0]
        assert b.requires_grad
        with pytest.raises(NotDifferentiableError, match="multiply: writing a watched result into a NumPy array"):
            np.multiply(a, 2, out=np.zeros(2))

    def test_methods_of_ufuncs(self):
        a = pb.array([1.0, 2.0], requires_grad=True)
        np.testing.assert_array_equal(np.subtract.outer(a, [1.0, 2.0, 3.0]).detach(), [[0, -1, -2], [1, 0, -1]])
        assert np.logaddexp2.reduce(a).item() == np.logaddexp2(1.0, 2.0)


class TestPythonNumbers:
    def test_are_weak(self):
        a = pb.array(np.ones(2, np.float32))
        assert (a * 2.0).dtype == (2 + a).dtype == np.maximum(a, 0.5).dtype == np.float32

    def test_that_do_not_fit_are_refused(self):
        a = pb.array(np.array([1, 2], np.uint8))
        for wrong in (300, -1):
            with pytest.raises(ArgumentError, match=rf"add: Python integer {wrong} out of bounds for uint8"):
                a + wrong

    def test_that_do_not_fit_can_be_compared(self):
        a = pb.array(np.array([1, 200], np.uint8))
        assert (a < 300).tolist() == [True, True]
        assert (a == -1).tolist() == [False, False]
        assert (a < 300).tolist() == [True, True]
        assert (pb.array(np.array([2**63], np.uint64)) > -1).tolist() == [True]

    def test_numpy_scalars_are_not_weak(self):
        assert (pb.array(np.ones(2, np.float32)) * np.float64(2)).dtype == np.float64


class TestSeveralResults:
    def test_modf(self):
        x = np.array([2.5, -1.25, -0.0, np.inf])
        for ours, numpys in zip(np.modf(pb.array(x)), np.modf(x), strict=True):
            np.testing.assert_array_equal(ours, numpys)
            assert np.signbit(ours).tolist() == np.signbit(numpys).tolist()
        assert pb.grad(lambda x: np.modf(x)[0] + 10 * np.modf(x)[1])(2.5) == 1.0

    def test_frexp_and_ldexp_are_inverse(self):
        x = pb.array([2.5, -1.25, 0.0], requires_grad=True)
        mantissa, exponent = np.frexp(x)
        assert exponent.dtype == np.int32
        whole = np.ldexp(mantissa, exponent)
        assert whole.detach().tolist() == [2.5, -1.25, 0.0]
        whole.sum().backward()
        assert x.grad.tolist() == [1.0, 1.0, 1.0]

    def test_frexp_of_numbers_near_the_end_of_the_range(self):
        assert pb.grad(lambda x: np.frexp(x)[0])(1e300) == 2.0 ** -np.frexp(1e300)[1]

    @pytest.mark.parametrize(("x", "y"), [(7, -2), (-7.5, 2.0), (1.0, 0.0), (-0.0, 3.0), (5.0, np.inf), (-5.0, np.inf)])
    def test_divmod_is_numpys_and_pythons_operator(self, x, y):
        with np.errstate(all="ignore"):
            expected = np.divmod(x, y)
            for found in (np.divmod(pb.array(x), y), divmod(pb.array(x), y), divmod(x, pb.array(y))):
                assert isinstance(found, tuple)
                np.testing.assert_array_equal(found[0], expected[0])
                np.testing.assert_array_equal(found[1], expected[1])

    def test_out_of_several_results(self):
        a = pb.array([2.5])
        fraction, whole = pb.array([0.0]), pb.array([0.0])
        np.modf(a, out=(fraction, whole))
        assert (fraction.tolist(), whole.tolist()) == ([0.5], [2.0])


class TestComparisons:
    def test_results_carry_no_derivative(self):
        a = pb.array([1.0, 2.0], requires_grad=True)
        assert not (a > 1.5).requires_grad
        assert not np.isnan(a).requires_grad
        assert not np.logical_and(a, a).requires_grad

    def test_closeness_of_watched_arrays(self):
        a = pb.array([1.0, 2.0], requires_grad=True)
        assert np.allclose(a, [1.0, 2.0 + 1e-9]) is True
        assert np.isclose(a, 1.0).tolist() == [True, False]
        assert np.array_equal(a, a) is True
        assert np.array_equal(a, [1.0]) is False

    def test_closeness_of_single_precision_and_a_python_number(self):
        x = np.array([1.00001], np.float32)
        for number in (1, 1.0, 1 + 0j):
            assert pnp.isclose(x, number).tolist() == np.isclose(x, number).tolist()

    def test_closeness_of_integers_at_the_end_of_their_range(self):
        x, y = np.array([-(2**63), 5]), np.array([2**63 - 1, 5])
        assert pnp.isclose(x, y).tolist() == np.isclose(x, y).tolist() == [False, True]

    def test_bits(self):
        a = pb.array([12, 10])
        assert ((a & 6).tolist(), (a | 1).tolist(), (a ^ 6).tolist()) == ([4, 2], [13, 11], [10, 12])
        assert ((~a).tolist(), (a << 1).tolist(), (a >> 1).tolist()) == ([-13, -11], [24, 20], [6, 5])


class TestRound:
    def test_method_and_functions(self):
        x = pb.array([1.25, 2.71])
        for rounded in (x.round(1), np.round(x, 1), np.around(x, decimals=1), pnp.round(x, np.int64(1))):
            assert rounded.tolist() == [1.2, 2.7]

    def test_decimals_of_booleans_are_refused(self):
        with pytest.raises(DTypeError, match="round: expected integer, floating or complex"):
            pnp.round([True], 1)


def test_one_name_each_also_for_ufuncs_with_several():
    assert np.abs is np.absolute
    assert pnp.true_divide is pnp.divide
    assert pnp.mod is pnp.remainder
    assert pnp.acos is pnp.arccos


def test_degrees_and_radians():
    assert pb.grad(pnp.degrees)(1.0) == pb.grad(pnp.rad2deg)(1.0) == 180 / math.pi
    assert pb.grad(pnp.radians)(1.0) == pb.grad(pnp.deg2rad)(1.0) == math.pi / 180
