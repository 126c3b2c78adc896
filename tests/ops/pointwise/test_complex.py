"""Complex numbers: the gradient of a real function of z is df/dx + i df/dy."""

import numpy as np
import pytest

import pullback as pb
import pullback.numpy as pnp
from pullback.errors import DTypeError, ShapeError
from pullback.ops.pointwise.complex import complex_of, real_part
from pullback.testing import check_grads

Z = np.array([3 + 4j, -1 + 0.5j, -2j, 0.1 + 0j])


def by_parts(f, z):
    """df/dx + i df/dy from the derivatives by real and imaginary part."""
    x, y = pb.grad(lambda x, y: f(complex_of(x, y)).sum(), argnums=(0, 1))(z.real.copy(), z.imag.copy())
    return x + 1j * y


@pytest.mark.parametrize(
    "f",
    [
        pnp.absolute,
        lambda z: pnp.absolute(z) ** 2,
        pnp.real,
        pnp.imag,
        pnp.angle,
        lambda z: pnp.real(pnp.conjugate(z) * z),
        lambda z: pnp.real(pnp.sign(z) * (1 - 2j)),
        lambda z: pnp.imag(pnp.exp(z)),
        lambda z: pnp.real(z**3),
        lambda z: pnp.real(z * pnp.conjugate(z) ** 2),
    ],
)
def test_gradient_is_made_of_the_derivatives_by_both_parts(f):
    np.testing.assert_allclose(pb.grad(lambda z: f(z).sum())(Z), by_parts(f, Z), rtol=1e-13, atol=1e-15)


def test_gradient_of_the_real_part_of_a_holomorphic_function_is_the_conjugate_of_its_derivative():
    np.testing.assert_allclose(pb.grad(lambda z: pnp.sin(z).real.sum())(Z), np.conj(np.cos(Z)), rtol=1e-14)


class TestAbsolute:
    def test_gradient_has_length_one_and_points_outwards(self):
        assert pb.grad(pnp.absolute)(3 + 4j) == 0.6 + 0.8j

    def test_gradient_at_zero_is_zero(self):
        assert pb.grad(pnp.absolute)(0j) == 0
        assert pb.grad(abs)(0j) == 0

    def test_result_is_real(self):
        assert pnp.absolute(Z.astype(np.complex64)).dtype == np.float32

    def test_second_derivative(self):
        check_grads(pnp.absolute, (Z,))

    def test_numpys_own_functions(self):
        z = pb.array(Z, requires_grad=True)
        np.testing.assert_array_equal(np.abs(z).detach(), np.abs(Z))
        np.testing.assert_array_equal(abs(z).detach(), np.abs(Z))


class TestSign:
    def test_is_the_direction(self):
        assert pnp.sign(3 + 4j).item() == 0.6 + 0.8j
        assert pnp.sign(0j).item() == 0

    def test_gradient_is_at_right_angles(self):
        gradient = pb.grad(lambda z: pnp.real(pnp.sign(z)))(3 + 4j)
        assert abs((np.conj(3 + 4j) * gradient).real) < 1e-16

    def test_derivatives_at_zero_are_zero(self):
        assert pb.grad(lambda z: pnp.real(pnp.sign(z)))(0j) == 0

    def test_second_derivative(self):
        check_grads(pnp.sign, (Z,))


class TestParts:
    def test_of_a_real_array_are_itself_and_zeros(self):
        x = pb.array([1.0, -2.0], requires_grad=True)
        for same in (x.real, x.conj()):
            assert same.node is x.node
            assert same is not x, "a handle of its own, which can be rebound"
        assert x.imag.tolist() == [0.0, 0.0]
        assert pnp.angle(x).detach().tolist() == [0.0, np.pi]

    def test_infinity_in_one_part_stays_there(self):
        gradient = pb.vjp(pnp.imag, np.array(1 + 1j))[1](np.array(np.inf))[0]
        assert gradient == complex(0, np.inf)

    def test_of_booleans_and_integers(self):
        for value in (np.array([True, False]), np.arange(3, dtype=np.int8)):
            for ours, numpys in [(pnp.real, np.real), (pnp.imag, np.imag), (pnp.conjugate, np.conjugate)]:
                np.testing.assert_array_equal(ours(value).detach(), numpys(value), strict=True)

    def test_making_a_complex_array_of_what_is_not_two_real_ones_is_refused(self):
        with pytest.raises(ShapeError, match="complex: expected two arrays of one shape and floating dtype"):
            pb.trace(complex_of, np.ones(2), np.ones(3))

    def test_the_parts_of_a_traced_real_array_are_refused_to_the_primitive_only(self):
        with pytest.raises(DTypeError, match="real: expected a complex dtype, got float64"):
            pb.trace(real_part, 1.0)


class TestNanToNum:
    def test_each_part_by_itself(self):
        z = np.array([complex(np.nan, 2.0), complex(np.inf, -np.inf), 1 + 1j])
        np.testing.assert_array_equal(pnp.nan_to_num(z, posinf=7.0).detach(), np.nan_to_num(z, posinf=7.0))

    def test_no_gradient_goes_to_what_is_replaced(self):
        z = np.array([complex(np.nan, 2.0), 1 + 1j])
        gradient = pb.grad(lambda z: pnp.real((1 - 1j) * pnp.nan_to_num(z)).sum())(z)
        np.testing.assert_array_equal(gradient, [1j, 1 + 1j])
        x = np.array([np.nan, np.inf, 1.0, -np.inf])
        np.testing.assert_array_equal(pb.grad(lambda x: pnp.nan_to_num(x).sum())(x), [0, 0, 1, 0])

    def test_the_gradient_goes_to_the_replacement(self):
        gradient = pb.grad(lambda n: pnp.nan_to_num([np.nan, 1.0, np.nan], nan=n).sum())(0.5)
        assert gradient == 2.0

    def test_a_complex_replacement_is_refused(self):
        with pytest.raises(DTypeError, match="nan_to_num: cannot put complex128 into an array of float64"):
            pnp.nan_to_num([np.nan], nan=1j)
