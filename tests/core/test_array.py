"""The handle: how it looks, what it gives away, how it is rebound."""

import copy
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ArgumentError, ConcretizationError, DTypeError, NotDifferentiableError, ShapeError


def watched(value):
    return pb.array(value, requires_grad=True)


def test_what_it_is():
    x = pb.array(np.ones((2, 3), np.float32))
    assert (x.shape, x.dtype, x.ndim, x.size, x.itemsize, x.nbytes) == ((2, 3), np.float32, 2, 6, 4, 24)
    assert x.T.shape == (3, 2)
    assert x.mT.shape == (3, 2)
    assert x.device == "cpu"
    assert x.to_device("cpu") is x
    assert len(x) == 2
    assert [row.shape for row in x] == [(3,), (3,)]
    assert 1.0 in x
    assert 2.0 not in x


def test_array_copies_and_asarray_does_not():
    values = np.zeros(3)
    copied, shared = pb.array(values), pb.asarray(values)
    values[0] = 1
    assert copied[0] == 0
    assert shared[0] == 1


def test_what_is_recorded_does_not_change_with_the_users_array():
    buffer = np.array([2.0, 3.0])
    x = watched([1.0, 1.0])
    y = (x * buffer).sum()
    buffer[:] = 100.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 3.0])


def test_lists_may_hold_watched_arrays():
    x = watched(3.0)
    y = pb.array([x, x * x, 1.0])
    y.sum().backward()
    assert x.grad == 7.0


@pytest.mark.parametrize("bad", ["text", None, object(), [1.0, "a"], {"a": 1}, np.array(["a"]), np.array([None])])
def test_what_is_not_made_of_numbers_is_refused(bad):
    with pytest.raises(DTypeError, match="array: expected"):
        pb.array(bad)


def test_ragged_lists_are_refused():
    with pytest.raises(ShapeError, match="rows of equal length"):
        pb.array([[1.0], [1.0, 2.0]])


def test_an_unknown_dtype_is_refused():
    with pytest.raises(DTypeError, match="expected a dtype"):
        pb.array([1.0], dtype="nonsense")
    with pytest.raises(DTypeError, match="dtype of numbers"):
        pb.array([1.0], dtype="U5")


def test_the_constructor_sends_to_array():
    with pytest.raises(DTypeError, match=r"pullback\.array"):
        pb.Array(3.0)


def test_integers_cannot_be_watched():
    with pytest.raises(NotDifferentiableError, match="have no derivative"):
        pb.array([1, 2], requires_grad=True)


class TestValuesOfAWatchedArray:
    @pytest.mark.parametrize(
        ("read", "instead"),
        [
            (np.asarray, "detach"),
            (float, "item"),
            (complex, "item"),
            (lambda x: x.numpy(), "detach"),
            (lambda x: np.from_dlpack(x), "detach"),
            (lambda x: np.array([x, x]), "stack"),
        ],
    )
    def test_what_would_lose_the_gradient_is_refused(self, read, instead):
        with pytest.raises(NotDifferentiableError, match=instead):
            read(watched(2.0))

    def test_what_is_no_derivative_is_read(self):
        x = watched(2.5)
        assert x.item() == 2.5
        assert int(x) == 2
        assert bool(x)
        assert bool(x > 1)
        assert f"{x:.2f}" == "2.50"
        assert x.tolist() == 2.5
        assert np.asarray(x.detach()) == 2.5
        assert (round(x), math.floor(x), math.ceil(x), math.trunc(x)) == (2, 2, 3, 2)
        assert round(x * 1.111, 1).item() == 2.8

    def test_python_control_flow_works_eagerly(self):
        def f(x):
            return x * x if x > 0 else -x

        assert pb.grad(f)(3.0) == 6.0
        assert pb.grad(f)(-3.0) == -1.0


class TestValuesOfATracedArray:
    @pytest.mark.parametrize(
        "read",
        [float, int, bool, complex, np.asarray, range, lambda x: x.item(), lambda x: x.tolist(), lambda x: x.numpy()],
    )
    def test_what_needs_a_value_is_refused(self, read):
        with pytest.raises(ConcretizationError, match=r"is being traced.*np\.where.*test_array.py"):
            pb.trace(read, 2.0)

    def test_the_line_of_the_user_is_named(self):
        def f(x):
            if x > 0:
                return x
            return -x

        line = f.__code__.co_firstlineno + 1
        with pytest.raises(ConcretizationError, match=f"At test_array.py:{line}"):
            pb.trace(f, 2.0)


class TestUpdates:
    def test_in_place_operators_rebind_the_handle_and_every_name_of_it(self):
        x = pb.array([1.0, 2.0])
        same = x
        x += 1
        x *= 2
        assert same is x
        np.testing.assert_array_equal(x, [4.0, 6.0])

    def test_a_leaf_keeps_its_gradient_by_the_value_it_had(self):
        x = watched([1.0, 2.0])
        y = x.copy()
        y *= 3
        y.sum().backward()
        np.testing.assert_array_equal(x.grad, [3.0, 3.0])

    def test_an_update_under_no_grad_leaves_a_leaf_a_leaf(self):
        x = watched([1.0, 2.0])
        (x * x).sum().backward()
        with pb.no_grad():
            x -= 0.5 * x.grad
        np.testing.assert_array_equal(x.detach(), [0.0, 0.0])
        assert x.requires_grad
        x.grad = None
        (3 * x).sum().backward()
        np.testing.assert_array_equal(x.grad, [3.0, 3.0])

    def test_numbers_do_not_change(self):
        def f(x, n):
            total, sums = 0.0, []
            first = kept = x[0]
            first *= 2
            same = n
            same += 1
            for i in range(3):
                total += x[i]
                sums.append(total)
            return sums[0] + 10 * sums[1] + 100 * sums[2] + first * kept + n * same

        x = np.array([1.0, 2.0, 3.0])
        expected = f(x, 5.0)
        for n in (5.0, np.float64(5)):
            value, gradient = pb.value_and_grad(f)(x, n)
            assert value == pb.compile(f)(x, n) == expected
            np.testing.assert_array_equal(gradient, [115, 110, 100])
        np.testing.assert_array_equal(pb.vmap(f, in_axes=(None, 0))(x, np.array([5.0, 6.0])), [f(x, 5.0), f(x, 6.0)])
        count = pb.array([1, 2])[0]
        count += 0.5
        assert count.item() == 1.5

    def test_arrays_without_axes_do(self):
        def f(x):
            y = x
            y += 1
            y *= 2

        x = pb.array(1.0)
        f(x)
        assert x.item() == 4.0
        for given in (np.array(1.0), pb.array(1.0)):
            pb.compile(f)(given)
            assert given.item() == 4.0

    def test_shape_and_dtype_stay(self):
        x = pb.array([1, 2])
        with pytest.raises(DTypeError, match="cannot put float64 into an array of int64"):
            x += 0.5
        with pytest.raises(ShapeError, match="expected a result of shape"):
            x += np.ones((3, 2), int)
        np.testing.assert_array_equal(x, [1, 2])


class TestParameter:
    def test_assign_keeps_dtype_and_gradient(self):
        p = pb.Parameter(np.ones(2, np.float32))
        (p * p).sum().backward()
        p.assign([3.0, 4.0])
        assert p.dtype == np.float32
        np.testing.assert_array_equal(p.grad, [2.0, 2.0])
        np.testing.assert_array_equal(p.detach(), [3.0, 4.0])

    def test_what_does_not_fit_is_refused_and_nothing_changes(self):
        p = pb.Parameter([1.0, 2.0])
        with pytest.raises(ShapeError, match=r"expected shape \(2,\), got \(3,\)"):
            p.assign([1.0, 2.0, 3.0])
        with pytest.raises(DTypeError, match="cannot put complex128"):
            p.assign([1j, 2j])
        np.testing.assert_array_equal(p.detach(), [1.0, 2.0])

    def test_in_place_updates_need_no_grad(self):
        p = pb.Parameter([1.0, 2.0])
        with pytest.raises(NotDifferentiableError, match="no_grad"):
            p += 1
        with pb.no_grad():
            p += 1
        np.testing.assert_array_equal(p.detach(), [2.0, 3.0])

    @pytest.mark.parametrize("trainable", [True, False])
    def test_one_without_axes_is_updated_in_place(self, trainable):
        p = pb.Parameter(1.0, trainable=trainable)

        def step():
            q = p
            with pb.no_grad():
                q += 1

        step()
        pb.compile(step)()
        assert p.detach().item() == 3.0
        assert isinstance(p, pb.Parameter)

    def test_integer_state_is_not_trained(self):
        p = pb.Parameter([1, 2])
        assert not p.requires_grad
        p.assign([3, 4])
        np.testing.assert_array_equal(p, [3, 4])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_and_pickles_are_leaves_of_their_own(duplicate):
    x = watched([1.0, 2.0])
    y = duplicate(x)
    (y * y).sum().backward()
    assert x.grad is None
    np.testing.assert_array_equal(y.grad, [2.0, 4.0])
    p = duplicate(pb.Parameter([1.0], name="w"))
    assert isinstance(p, pb.Parameter)
    assert p.name == "w"


def test_pickling_what_was_computed_from_a_watched_array_is_refused():
    with pytest.raises(NotDifferentiableError, match="pickling would lose the gradient"):
        pickle.dumps(watched([1.0]) * 2)


def test_backward_twice_accumulates_and_nothing_is_freed():
    x = watched(3.0)
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 12.0


def test_backward_says_what_is_wrong():
    with pytest.raises(NotDifferentiableError, match="does not depend on anything watched"):
        pb.array(3.0).backward()
    with pytest.raises(ShapeError, match="one element"):
        watched([1.0, 2.0]).backward()
    with pytest.raises(ShapeError, match="cotangent of the output's shape"):
        watched([1.0, 2.0]).backward([1.0])


def test_backward_takes_a_cotangent():
    x = watched([1.0, 2.0])
    (x * x).backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [2.0, 40.0])


def test_a_gradient_does_not_follow_later_changes_of_the_users_array():
    x, values = watched([1.0, 2.0]), np.ones(2)
    x.backward(values)
    y = watched([1.0, 2.0])
    y.grad = values
    values[:] = 9.0
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])
    np.testing.assert_array_equal(y.grad, [1.0, 1.0])


def test_a_gradient_that_is_given_takes_the_dtype_of_its_array():
    x = watched(np.ones(2, np.float32))
    x.grad = [1.0, 2.0]
    assert x.grad.dtype == np.float32
    with pytest.raises(DTypeError, match="grad: expected float32, got complex128"):
        x.grad = [1j, 2j]
    with pytest.raises(ShapeError, match=r"grad: expected shape \(2,\), got \(\)"):
        x.grad = 1.0


def test_hash_is_refused_as_numpys():
    with pytest.raises(TypeError):
        hash(pb.array(1.0))


def test_equality_with_what_is_no_number_is_false_everywhere():
    assert (pb.array([1.0, 2.0]) == None).tolist() == [False, False]  # noqa: E711  # the operator is what is tested
    assert not pb.array(1.0) == "a"  # noqa: SIM201  # the operator is what is tested
    assert pb.array(1.0) != "a"


def test_display():
    assert repr(pb.array([1.0, 2.0])) == "array([1., 2.])"
    assert repr(watched(3.0)) == "array(3., requires_grad=True)"
    assert str(pb.array([1.0, 2.0])) == "[1. 2.]"
    assert repr(pb.Parameter([1.0])) == "Parameter([1.])"
    assert "float64[1]" in pb.array([1.0])._repr_mimebundle_()["text/html"]


def test_dlpack_exports_a_copy():
    x = pb.array([1.0, 2.0])
    exported = np.from_dlpack(x)
    assert exported.tolist() == [1.0, 2.0]
    assert not np.shares_memory(exported, x._node.value)


def test_array_namespace():
    x = pb.array([0.0])
    assert x.__array_namespace__().sin(x)[0] == 0
    with pytest.raises(ArgumentError, match=r"2024\.12"):
        x.__array_namespace__(api_version="1999.01")


def test_values_handed_out_are_not_the_nodes_own():
    x = pb.array([1.0, 2.0])
    x.numpy()[0] = 5.0
    assert x[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x)[0] = 5.0


def test_iteration_and_length_of_a_number_are_refused():
    with pytest.raises(DTypeError, match="0-d"):
        len(pb.array(1.0))
    with pytest.raises(DTypeError, match="0-d"):
        iter(pb.array(1.0))


def test_importing_is_light():
    code = (
        "import sys, pullback; heavy = {'llvmlite', 'scipy.linalg', 'scipy.special', 'rich', 'click', 'sklearn'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("kind", [np.ma.MaskedArray, np.matrix])
def test_arrays_whose_operations_mean_something_else_are_refused(kind):
    special = kind([[1.0, 2.0]])
    for use in (pb.array, lambda x: pb.array([[1.0, 2.0]]) * x, pb.grad(lambda x: np.sum(x))):
        with pytest.raises(DTypeError, match="expected a plain array, got a"):
            use(special)


def test_small_mistakes_are_named():
    with pytest.raises(DTypeError, match="name that is a string"):
        pb.Parameter(1.0, name=3)
    with pytest.raises(DTypeError, match="assign: expected an array or a number, got str"):
        pb.Parameter(1.0).assign("x")
    with pytest.raises(IndexError, match=r"item\(\)"):
        pb.array([1.0, 2.0]).item(9)
    with pytest.raises(DTypeError, match="True or False"):
        pb.array(1.0).requires_grad = "yes"


def test_arrays_have_this_machines_order_of_bytes_whatever_they_are_made_from():
    swapped = np.arange(6.0).reshape(2, 3).astype(np.dtype(np.float64).newbyteorder("S"))

    def loss(x, w):
        total, _ = pb.scan(lambda total, row: (total + row.mean() * row, None), w, x)
        return np.sum(np.tanh(x @ w)) + np.sum(total)

    for made in (
        pb.array(swapped),
        pb.asarray([swapped]),
        pb.numpy.zeros(2, swapped.dtype),
        pb.array([1], swapped.dtype),
    ):
        assert made.dtype == np.float64
        assert made.dtype.isnative
    assert pb.trace(lambda x: x, swapped).outputs[0].aval.dtype.isnative
    expected = pb.grad(loss, (0, 1))(np.arange(6.0).reshape(2, 3), np.ones(3))
    for grad in (pb.grad(loss, (0, 1)), pb.compile(pb.grad(loss, (0, 1)))):
        for one, other in zip(grad(swapped, np.ones(3, swapped.dtype)), expected, strict=True):
            np.testing.assert_allclose(one, other)
            assert one.dtype.isnative
