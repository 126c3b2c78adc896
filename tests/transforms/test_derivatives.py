"""Derivatives of functions: the lecture's numbers, structures, orders, nesting, and what is refused."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, ShapeError
from pullback.testing import check_grads


def lecture(a, b, c):
    d = 2 * b
    e = a + d
    return c * e


class TestLecture:
    def test_grad(self):
        assert pb.grad(lecture, argnums=(0, 1, 2))(3.0, 1.0, -2.0) == (-2.0, -4.0, 5.0)

    def test_value_and_grad(self):
        assert pb.value_and_grad(lecture, argnums=1)(3.0, 1.0, -2.0) == (-10.0, -4.0)

    def test_backward(self):
        a, b, c = (pb.array(x, requires_grad=True) for x in (3.0, 1.0, -2.0))
        lecture(a, b, c).backward()
        assert (a.grad, b.grad, c.grad) == (-2.0, -4.0, 5.0)

    def test_jvp_is_the_gradient_times_the_tangent(self):
        assert pb.jvp(lecture, (3.0, 1.0, -2.0), (1.0, 10.0, 100.0)) == (-10.0, -2.0 - 40.0 + 500.0)

    def test_vjp(self):
        out, pullback = pb.vjp(lecture, 3.0, 1.0, -2.0)
        assert out == -10.0
        assert pullback(1.0) == (-2.0, -4.0, 5.0)
        assert pullback(2.0) == (-4.0, -8.0, 10.0)

    def test_plain_numpy_code(self):
        def loss(w, x, y):
            return np.mean((np.tanh(x @ w) - y) ** 2)

        generator = np.random.default_rng(0)
        w, x, y = generator.normal(size=(3, 2)), generator.normal(size=(5, 3)), generator.normal(size=(5, 2))
        gradient = pb.grad(loss)(w, x, y)
        a = np.tanh(x @ w)
        np.testing.assert_allclose(gradient, x.T @ (2 * (a - y) * (1 - a**2)) / 10, rtol=1e-13)
        assert type(gradient) is np.ndarray


class TestKinds:
    """NumPy in, NumPy out."""

    def test_python_numbers(self):
        assert type(pb.grad(lambda x: x * x)(3.0)) is float
        assert type(pb.value_and_grad(lambda x: x * x)(3.0)[0]) is float

    def test_numpy_scalars_and_arrays(self):
        assert type(pb.grad(lambda x: x * x)(np.float32(3.0))) is np.float32
        value, gradient = pb.value_and_grad(lambda x: (x * x).sum())(np.ones(3, np.float32))
        assert type(value) is np.float32
        assert type(gradient) is np.ndarray
        assert gradient.dtype == np.float32

    def test_arrays(self):
        assert isinstance(pb.grad(lambda x: (x * x).sum())(pb.array([1.0])), pb.Array)

    def test_results_are_the_callers_own(self):
        x = np.ones(3)
        for gradient in (pb.grad(lambda x: x.sum())(x), *pb.vjp(lambda x, y: x + y, x, x)[1](np.ones(3))):
            gradient += 1
            np.testing.assert_array_equal(gradient, 2 * np.ones(3))
        first, second = pb.vjp(lambda x, y: x + y, x, x)[1](np.ones(3))
        first[:] = 7
        np.testing.assert_array_equal(second, np.ones(3))
        np.testing.assert_array_equal(x, np.ones(3))

    def test_writing_to_results_changes_no_later_derivative(self):
        x, ones = np.array([1.0, 2.0]), np.ones(2)
        (same, powers), pullback = pb.vjp(lambda x: (x, np.exp(x)), x)
        same[:] = powers[:] = 0.0
        np.testing.assert_array_equal(pullback((ones, ones))[0], 1 + np.exp(x))
        (_, aux), _ = pb.value_and_grad(lambda x: (x.sum(), x), has_aux=True)(x)
        out, tangent = pb.jvp(lambda x: x, (x,), (ones,))
        (ct,) = pb.vjp(lambda x: x + 1, x)[1](ones)
        aux[:] = out[:] = tangent[:] = ct[:] = 7.0
        np.testing.assert_array_equal(x, [1.0, 2.0])
        np.testing.assert_array_equal(ones, [1.0, 1.0])

    def test_a_result_that_something_outside_watches_stays_an_array(self):
        w = pb.array(2.0, requires_grad=True)
        gradient = pb.grad(lambda x: w * w * x)(3.0)
        gradient.backward()
        assert w.grad == 4.0


@dataclass
class Line:
    slope: Any
    offset: Any


class TestStructures:
    def test_dictionaries_lists_tuples_and_dataclasses(self):
        def f(p, line):
            return p["w"][0] * line.slope + p["b"] * line.offset

        p = {"w": [2.0, np.ones(2)], "b": 3.0}
        by_p, by_line = pb.grad(f, argnums=(0, 1))(p, Line(5.0, 7.0))
        assert by_p["w"][0] == 5.0
        np.testing.assert_array_equal(by_p["w"][1], np.zeros(2))
        assert by_p["b"] == 7.0
        assert by_line == Line(2.0, 3.0)

    def test_has_aux(self):
        def f(x):
            y = x * x
            return y, {"y": y, "text": "kept"}

        (value, aux), gradient = pb.value_and_grad(f, has_aux=True)(3.0)
        assert (value, gradient) == (9.0, 6.0)
        assert aux == {"y": 9.0, "text": "kept"}
        assert pb.grad(f, has_aux=True)(3.0) == (6.0, aux)

    def test_keywords_and_negative_argnums(self):
        def f(x, y, *, scale):
            return x * y**2 * scale

        assert pb.grad(f, argnums=-1)(2.0, 3.0, scale=10.0) == 120.0

    def test_jacobian_of_structures(self):
        def f(p):
            return {"sum": p["a"] + p["b"], "product": p["a"] * p["b"]}

        result = pb.jacobian(f)({"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])})
        np.testing.assert_array_equal(result["sum"]["a"], np.eye(2))
        np.testing.assert_array_equal(result["product"]["b"], np.diag([1.0, 2.0]))


class TestOrders:
    def test_any_order(self):
        def f(x):
            return np.sin(x) * x

        expected = [
            np.sin(1.0),
            np.sin(1.0) + np.cos(1.0),
            2 * np.cos(1.0) - np.sin(1.0),
            -3 * np.sin(1.0) - np.cos(1.0),
            np.sin(1.0) - 4 * np.cos(1.0),
        ]
        for value in expected:
            assert f(1.0) == pytest.approx(value, rel=1e-13)
            f = pb.grad(f)

    def test_perturbations_are_not_confused(self):
        # d/dx (x * d/dy (x + y)) = 1, the example of Siskind and Pearlmutter
        assert pb.grad(lambda x: x * pb.grad(lambda y: x + y)(1.0))(1.0) == 1.0
        assert pb.jvp(lambda x: x * pb.jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1] == 1.0

    def test_closures_over_outer_inputs(self):
        def outer(x):
            return pb.grad(lambda y: x**2 * y**3)(2.0)  # 12 x^2

        assert pb.grad(outer)(5.0) == 120.0

    def test_every_nesting_gives_the_hessian(self):
        def f(x):
            return np.sum(np.sin(x) * x[::-1] ** 2)

        x = np.array([0.3, -1.1, 0.7])
        expected = pb.hessian(f)(x)
        np.testing.assert_allclose(expected, expected.T, rtol=1e-13)
        np.testing.assert_allclose(pb.jacobian(pb.jacobian(f))(x), expected, rtol=1e-13)
        for i, unit in enumerate(np.eye(3)):
            np.testing.assert_allclose(pb.hvp(f, x, unit), expected[i], rtol=1e-13)
            by_reverse = pb.grad(lambda x, unit=unit: pb.jvp(f, (x,), (unit,))[1])(x)
            np.testing.assert_allclose(by_reverse, expected[i], rtol=1e-13)
            by_forward = pb.jvp(lambda x, unit=unit: pb.jvp(f, (x,), (unit,))[1], (x,), (np.eye(3)[0],))[1]
            np.testing.assert_allclose(by_forward, expected[i, 0], rtol=1e-13)
        check_grads(f, (x,), order=3)

    def test_backward_inside_grad(self):
        def f(x):
            w = pb.array(2.0, requires_grad=True)
            (w**3 * x).backward()
            return w.grad * x  # 3 w^2 x^2

        assert pb.grad(f)(5.0) == 2 * 12 * 5.0

    def test_jacobian_wide_and_tall(self):
        a = np.arange(6.0).reshape(2, 3)
        np.testing.assert_array_equal(pb.jacobian(lambda x: a @ x)(np.ones(3)), a)
        np.testing.assert_array_equal(pb.jacobian(lambda x: a.T @ x)(np.ones(2)), a.T)
        assert pb.jacobian(lambda x: x * 2)(np.ones((2, 2))).shape == (2, 2, 2, 2)
        assert pb.jacobian(lambda x: x.sum())(np.ones(0)).shape == (0,)
        assert pb.jacobian(lambda x: x * x)(3.0) == 6.0

    def test_hessian_of_two_arguments(self):
        result = pb.hessian(lambda x, y: (x * x * y).sum(), argnums=(0, 1))(np.array([1.0]), np.array([3.0]))
        np.testing.assert_array_equal(np.squeeze(np.array(result)), [[6.0, 2.0], [2.0, 0.0]])

    def test_hvp_of_several_arguments(self):
        by_x, by_y = pb.hvp(lambda x, y: x * x * y, (1.0, 3.0), (1.0, 0.0))
        assert (by_x, by_y) == (6.0, 2.0)


class TestWhatIsWatched:
    def test_no_connection_gives_zeros(self):
        np.testing.assert_array_equal(pb.grad(lambda x, y: (y * y).sum())(np.ones(2), np.ones(3)), np.zeros(2))
        assert pb.jvp(lambda x: 3.0, (1.0,), (1.0,)) == (3.0, 0.0)

    def test_stop_gradient_and_detach(self):
        assert pb.grad(lambda x: x * pb.stop_gradient(x))(3.0) == 3.0
        assert pb.grad(lambda x: x * x.detach())(3.0) == 3.0
        graph = pb.trace(lambda x: x * pb.stop_gradient(x), 3.0)
        assert graph.backward().forward(3.0).values["dout/dx"] == 3.0

    def test_no_grad(self):
        x = pb.array(3.0, requires_grad=True)
        with pb.no_grad():
            y = x * x
            assert pb.grad(lambda z: z * x)(1.0) == 3.0, "a derivative asked inside is taken all the same"
        assert not y.requires_grad
        assert (x * x).requires_grad

        @pb.no_grad()
        def square(x):
            return x * x

        assert not square(x).requires_grad
        assert not square(x).requires_grad, "a decorated function can be called again"

    def test_under_no_grad_a_derivative_is_a_constant_to_whatever_is_outside(self):
        w = pb.Parameter([1.0, 2.0])
        gradient = pb.grad(lambda w: (w * w * w).sum())
        assert gradient(w).requires_grad
        with pb.no_grad():
            assert not gradient(w).requires_grad
            np.testing.assert_array_equal(gradient(w), [3.0, 12.0])
            value, tangent = pb.jvp(lambda x: w * x, (np.ones(2),), (np.ones(2),))
        assert type(value) is type(tangent) is np.ndarray

    def test_a_derivative_under_no_grad_is_a_constant_to_a_traced_function(self):
        def f(w):
            with pb.no_grad():
                gradient = pb.grad(lambda x: x * x * w)(3.0)
            return gradient * w

        assert pb.grad(f)(2.0) == 12.0
        assert pb.trace(f, 2.0).backward().forward(2.0).values["dout/dw"] == 12.0

    def test_no_grad_refuses_a_function_whose_body_runs_after_the_call(self):
        def numbers():
            yield 1

        async def wait():
            return 1

        for function in (numbers, wait):
            with pytest.raises(DTypeError, match="inside it"):
                pb.no_grad()(function)

    def test_no_grad_inside_a_traced_function_stops_the_gradient(self):
        def f(x):
            with pb.no_grad():
                y = x * x
            return x * y

        assert pb.grad(f)(3.0) == 9.0
        assert pb.trace(f, 3.0).backward().forward(3.0).values["dout/dx"] == 9.0

    def test_the_users_arrays_do_not_change(self):
        x = np.array([1.0, 2.0])

        def f(x):
            x[0] = 5.0
            x *= 2
            return x.sum()

        np.testing.assert_array_equal(pb.grad(f)(x), [0.0, 2.0])
        np.testing.assert_array_equal(x, [1.0, 2.0])

    def test_a_pullback_does_not_follow_later_changes_of_the_users_array(self):
        x = np.array([1.0, 2.0])
        _, pullback = pb.vjp(lambda x: x * x, x)
        x[:] = 100.0
        np.testing.assert_array_equal(pullback(np.ones(2))[0], [2.0, 4.0])


class TestStrongZero:
    """A branch that was not selected brings no NaN."""

    @pytest.mark.parametrize(
        ("f", "expected"),
        [
            (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0),
            (lambda x: np.where(x > 0, np.log(x), 0.0), 0.0),
            (lambda x: np.where(x > 0, 1 / x, x), 1.0),
            (lambda x: np.where(x > 0, x * np.log(x), 2 * x), 2.0),
            (lambda x: np.where(x > 0, x**-0.5, 3 * x), 3.0),
        ],
    )
    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_where_at_zero(self, f, expected):
        assert pb.grad(f)(0.0) == expected
        assert pb.jvp(f, (0.0,), (1.0,))[1] == expected

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_a_nan_that_is_there_is_not_hidden(self):
        assert np.isnan(pb.grad(lambda x: np.sqrt(x) * 2)(-1.0))
        assert np.isnan(pb.value_and_grad(lambda x: np.log(x))(-1.0)[0])


class TestComplex:
    def test_gradient_of_a_real_function_is_by_real_and_imaginary_part(self):
        z = np.array([1.0 + 2.0j, -0.5j])
        gradient = pb.grad(lambda z: np.sum(np.abs(z) ** 2))(z)
        np.testing.assert_allclose(gradient, 2 * z, rtol=1e-14)

    def test_holomorphic_jacobian(self):
        assert pb.jacobian(lambda z: z**3)(1.0 + 1.0j) == pytest.approx(3 * (1 + 1j) ** 2)

    def test_a_function_that_is_not_holomorphic_is_refused(self):
        with pytest.raises(NotDifferentiableError, match="not holomorphic"):
            pb.jacobian(np.conj)(1.0 + 1.0j)
        with pytest.raises(NotDifferentiableError, match="all real or all complex"):
            pb.jacobian(np.abs)(1.0 + 1.0j)

    def test_complex_results_are_refused_by_grad(self):
        with pytest.raises(NotDifferentiableError, match="expected a real result"):
            pb.grad(lambda z: z * z)(1.0 + 1.0j)


class TestRefusals:
    @pytest.mark.parametrize("transform", [pb.grad, pb.value_and_grad, pb.jacobian, pb.hessian])
    def test_not_a_function(self, transform):
        with pytest.raises(DTypeError, match="expected a function, got int"):
            transform(3)(1.0)

    @pytest.mark.parametrize("transform", [pb.grad, pb.jacobian, pb.hessian])
    @pytest.mark.parametrize("bad", [3, True, np.arange(3)])
    def test_integers_have_no_derivative(self, transform, bad):
        with pytest.raises(
            NotDifferentiableError, match=rf"{transform.__name__}: .*Give 3\.0 for 3.*test_derivatives\.py"
        ):
            transform(lambda x: np.sum(x * 1.0))(bad)

    @pytest.mark.parametrize("bad", ["text", object(), np.array(["a"])])
    def test_not_an_array(self, bad):
        with pytest.raises(DTypeError, match="expected"):
            pb.grad(lambda x: x)(bad)

    def test_a_result_with_several_elements(self):
        with pytest.raises(ShapeError, match=r"one element, got shape \(3,\).*jacobian"):
            pb.grad(lambda x: x * 2)(np.ones(3))

    def test_an_integer_result(self):
        with pytest.raises(NotDifferentiableError, match="floating or complex output"):
            pb.grad(lambda x: (x > 0).sum())(np.ones(3))

    @pytest.mark.parametrize("result", [None, "text", (1.0, 2.0)])
    def test_a_result_that_is_no_array(self, result):
        with pytest.raises(DTypeError, match="expected the function to return"):
            pb.grad(lambda x: result)(1.0)

    def test_has_aux_without_a_pair(self):
        with pytest.raises(ArgumentError, match="a pair"):
            pb.grad(lambda x: x * x, has_aux=True)(1.0)

    @pytest.mark.parametrize(
        ("argnums", "error", "match"),
        [
            (2, ArgumentError, "names no argument"),
            ((0, 0), ArgumentError, "twice"),
            ("x", DTypeError, "integer"),
            (0.5, DTypeError, "integer"),
        ],
    )
    def test_argnums(self, argnums, error, match):
        with pytest.raises(error, match=match):
            pb.grad(lambda x, y: x * y, argnums=argnums)(1.0, 2.0)

    def test_hvp_names_itself(self):
        with pytest.raises(DTypeError, match="hvp: expected a function, got int"):
            pb.hvp(3, 1.0, 1.0)
        with pytest.raises(NotDifferentiableError, match="hvp: expected argument 0 to be floating"):
            pb.hvp(lambda x: x * x, 3, 1)
        with pytest.raises(ShapeError, match="hvp: expected an output with one element"):
            pb.hvp(lambda x: x * x, np.ones(2), np.ones(2))
        with pytest.raises(ShapeError, match="hvp: expected a tangent of the input's shape"):
            pb.hvp(lambda x: (x * x).sum(), np.ones(2), np.ones(3))
        with pytest.raises(DTypeError, match="hvp: expected primals and tangents as tuples"):
            pb.hvp(lambda x, y: x * y, (1.0, 2.0), 1.0)

    def test_tangents_that_do_not_fit(self):
        with pytest.raises(ShapeError, match="expected 1 tangents"):
            pb.jvp(np.sin, (1.0,), (1.0, 2.0))
        with pytest.raises(ShapeError, match="shape"):
            pb.jvp(np.sin, (np.ones(2),), (np.ones(3),))
        with pytest.raises(DTypeError, match="tuples"):
            pb.jvp(np.sin, 1.0, 1.0)
        with pytest.raises(ShapeError, match="structure"):
            pb.jvp(lambda p: p["a"], ({"a": 1.0},), ({"b": 1.0},))

    def test_cotangents_that_do_not_fit(self):
        _, pullback = pb.vjp(lambda x: (x, 2 * x), np.ones(2))
        with pytest.raises(ShapeError, match="structure of the result"):
            pullback(np.ones(2))
        with pytest.raises(ShapeError, match="cotangent of the output's shape"):
            pullback((np.ones(3), np.ones(2)))
        with pytest.raises(DTypeError, match="dtype float64, got complex128"):
            pullback((1j * np.ones(2), np.ones(2)))

    def test_an_uncovered_numpy_function_is_named(self):
        with pytest.raises(NotDifferentiableError, match=r"numpy\.packbits.*no derivative"):
            pb.grad(lambda x: np.packbits(x)[0])(np.array([1.0, -3.0, 2.0]))

    def test_an_uncovered_numpy_function_of_what_is_not_watched_is_numpys(self):
        bits = np.packbits(pb.array([True, False, True]))
        assert isinstance(bits, pb.Array)
        assert bits.tolist() == [160]

    def test_an_error_leaves_every_gradient_as_it_was(self):
        w = pb.array(2.0, requires_grad=True)
        (w * w).backward()

        @pb.custom_vjp
        def broken(x):
            return x * 1.0

        @broken.define_vjp
        def _(ct, out, x):
            raise RuntimeError("broken rule")

        with pytest.raises(RuntimeError, match="broken rule"):
            (broken(w) + w).backward()
        assert w.grad == 4.0


class TestManyColumnsAtOnce:
    @pytest.mark.parametrize("at_once", [1, 40, 1 << 22])
    def test_in_parts_of_any_size(self, monkeypatch, at_once):
        from pullback.transforms import derivatives

        monkeypatch.setattr(derivatives, "_AT_ONCE", at_once)
        matrix = np.random.default_rng(0).normal(size=(4, 6))

        def f(x, y):
            return {"a": np.tanh(matrix @ x) * y, "b": np.sum(x) * y, "c": y}

        x, y = np.linspace(0.1, 1.0, 6), np.array([[0.5, -1.0, 2.0, 0.3]])
        found = pb.jacobian(f, (0, 1))(x, y)
        slope = 1 - np.tanh(matrix @ x) ** 2
        np.testing.assert_allclose(found["a"][0][0], (slope * y[0])[:, None] * matrix, rtol=1e-12)
        np.testing.assert_allclose(found["a"][1][0], np.diag(np.tanh(matrix @ x))[:, None], rtol=1e-12)
        np.testing.assert_allclose(found["b"][0][0], np.broadcast_to(y[0][:, None], (4, 6)), rtol=1e-12)
        np.testing.assert_array_equal(found["c"][0], np.zeros((1, 4, 6)))
        np.testing.assert_array_equal(found["c"][1], np.eye(4).reshape(1, 4, 1, 4))
        rows = pb.jacobian(lambda x: np.sum(np.sin(x)[:2]))(x)
        np.testing.assert_allclose(rows, np.where(np.arange(6) < 2, np.cos(x), 0.0))

    def test_the_number_of_operations_does_not_grow_with_that_of_columns(self, monkeypatch):
        from pullback.core.operations import primitives

        counts = []
        for size in (5, 50):
            calls = []
            plain = primitives["cos"].evaluate
            monkeypatch.setattr(
                primitives["cos"], "evaluate", lambda x, plain=plain, calls=calls: calls.append(1) or plain(x)
            )
            pb.hessian(lambda x: np.sum(np.sin(x) ** 2))(np.ones(size))
            counts.append(len(calls))
        assert counts[0] == counts[1]

    def test_the_graph_of_a_jacobian_does_not_grow_with_it(self):
        def nodes(size):
            return len(pb.trace(pb.jacobian(np.tanh), np.ones(size)).nodes)

        assert nodes(5) == nodes(50)


@pytest.mark.parametrize("wrong", [np.ones(2), "a", np.ones(3) * 1j], ids=["shape", "type", "dtype"])
@pytest.mark.parametrize("name", ["vjp", "jvp", "linearize", "linear_transpose", "backward"])
def test_what_arrives_in_the_wrong_form_is_refused_by_the_name_of_what_was_called(name, wrong):
    x = np.ones(3)
    calls = {
        "vjp": lambda: pb.vjp(np.sin, x)[1](wrong),
        "jvp": lambda: pb.jvp(np.sin, (x,), (wrong,)),
        "linearize": lambda: pb.linearize(np.sin, x)[1](wrong),
        "linear_transpose": lambda: pb.linear_transpose(lambda x: 2 * x, x)(wrong),
        "backward": lambda: np.sin(pb.array(x, requires_grad=True)).backward(wrong),
    }
    with pytest.raises(pb.errors.PullbackError, match=f"^{name}: expected a (co)?tangent of the (input|out|result)"):
        calls[name]()


@pytest.mark.parametrize("kind", [int, bool])
def test_a_tangent_ends_at_integers_in_a_traced_function_too(kind):
    def along(x):
        return pb.jvp(lambda x: np.astype(x, kind) * 2.0, (x,), (np.ones(3),))[1]

    x = np.array([0.0, 1.5, -2.5])
    for found in (along(x), pb.compile(along)(x)):
        np.testing.assert_array_equal(found, np.zeros(3))
