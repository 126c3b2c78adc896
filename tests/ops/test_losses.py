"""Losses: against their formulas, in their tails, and what they refuse."""

import numpy as np
import pytest
import scipy.special

import pullback as pb
from pullback.core.aval import Aval
from pullback.core.operations import operations as ops
from pullback.errors import ArgumentError, DTypeError, ShapeError

GENERATOR = np.random.default_rng(0)
P, T = GENERATOR.normal(size=(2, 4, 3))
ELEMENTWISE = ["mse", "mae", "huber", "binary_cross_entropy", "binary_cross_entropy_with_logits"]
BY_CLASS = ["cross_entropy", "cross_entropy_with_logits"]


def gradient(name, prediction, target, **options):
    return pb.grad(lambda p: getattr(ops, name)(p, target, **options))(prediction)


class TestByHand:
    def test_mse(self):
        assert ops.mse(P, T).item() == pytest.approx(np.mean((P - T) ** 2))
        np.testing.assert_allclose(gradient("mse", P, T), 2 * (P - T) / 12)

    def test_mae(self):
        assert ops.mae(P, T).item() == pytest.approx(np.mean(np.abs(P - T)))
        np.testing.assert_allclose(gradient("mae", P, T), np.sign(P - T) / 12)
        assert gradient("mae", 2.0, 2.0) == 0.0

    @pytest.mark.parametrize("delta", [0.5, 1, 3.0])
    def test_huber(self, delta):
        d = P - T
        expected = np.where(np.abs(d) <= delta, d**2 / 2, delta * (np.abs(d) - delta / 2))
        np.testing.assert_allclose(np.asarray(ops.huber(P, T, delta, reduction="none")), expected)
        np.testing.assert_allclose(gradient("huber", P, T, delta=delta), np.clip(d, -delta, delta) / 12)

    def test_huber_at_its_joint_and_at_zero(self):
        for d, first in ((0.0, 0.0), (1.0, 1.0), (-1.0, -1.0)):
            assert gradient("huber", d, 0.0) == first
        assert pb.grad(pb.grad(lambda p: ops.huber(p, 0.0)))(0.0) == 1.0

    def test_binary_cross_entropy(self):
        p, y = scipy.special.expit(P), scipy.special.expit(T)
        expected = -(y * np.log(p) + (1 - y) * np.log(1 - p))
        np.testing.assert_allclose(np.asarray(ops.binary_cross_entropy(p, y, "none")), expected)
        np.testing.assert_allclose(gradient("binary_cross_entropy", p, y, reduction="sum"), (p - y) / (p * (1 - p)))
        np.testing.assert_allclose(np.asarray(ops.binary_cross_entropy_with_logits(P, y, "none")), expected)
        np.testing.assert_allclose(gradient("binary_cross_entropy_with_logits", P, y, reduction="sum"), p - y)

    @pytest.mark.parametrize("axis", [0, 1, -1])
    def test_cross_entropy(self, axis):
        z = GENERATOR.normal(size=(3, 4, 5))
        p = scipy.special.softmax(z, axis)
        labels = GENERATOR.integers(0, z.shape[axis], size=np.delete(z.shape, axis))
        ones = np.moveaxis(np.eye(z.shape[axis])[labels], -1, axis)
        expected = -np.log(np.sum(p * ones, axis))
        for target in (labels, ones, ones.astype(bool), ones.astype(int)):
            found = [ops.cross_entropy(p, target, axis, "none"), ops.cross_entropy_with_logits(z, target, axis, "none")]
            for one in found:
                np.testing.assert_allclose(np.asarray(one), expected)
            np.testing.assert_allclose(
                gradient("cross_entropy_with_logits", z, target, axis=axis, reduction="sum"), p - ones, atol=1e-15
            )
            np.testing.assert_allclose(gradient("cross_entropy", p, target, axis=axis, reduction="sum"), -ones / p)

    def test_cross_entropy_of_probabilities(self):
        y = scipy.special.softmax(T, -1)
        expected = -np.sum(y * scipy.special.log_softmax(P, -1), -1)
        np.testing.assert_allclose(np.asarray(ops.cross_entropy_with_logits(P, y, reduction="none")), expected)
        np.testing.assert_allclose(gradient("cross_entropy_with_logits", P, y), (scipy.special.softmax(P, -1) - y) / 4)

    def test_a_single_row_and_its_label(self):
        z = np.array([0.0, 1.0, 2.0])
        assert ops.cross_entropy_with_logits(z, 2).item() == pytest.approx(-scipy.special.log_softmax(z)[2])

    @pytest.mark.parametrize("name", ELEMENTWISE)
    def test_reductions(self, name):
        p, t = scipy.special.expit(P), scipy.special.expit(T)
        each = np.asarray(getattr(ops, name)(p, t, reduction="none"))
        assert each.shape == p.shape
        assert getattr(ops, name)(p, t, reduction="sum").item() == pytest.approx(each.sum())
        assert getattr(ops, name)(p, t).item() == pytest.approx(each.mean())

    @pytest.mark.parametrize("name", BY_CLASS)
    def test_reductions_over_rows(self, name):
        p, labels = scipy.special.softmax(P, -1), np.array([0, 2, 1, 1])
        each = np.asarray(getattr(ops, name)(p, labels, reduction="none"))
        assert each.shape == (4,)
        assert getattr(ops, name)(p, labels, reduction="sum").item() == pytest.approx(each.sum())
        assert getattr(ops, name)(p, labels).item() == pytest.approx(each.mean())


class TestTails:
    def test_sure_answers_from_probabilities(self):
        p, y = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(np.asarray(ops.binary_cross_entropy(p, y, "none")), [0, 0, np.inf, np.inf])
        with np.errstate(all="ignore"):
            found = gradient("binary_cross_entropy", p, y, reduction="sum")
        np.testing.assert_array_equal(found, [1.0, -1.0, -np.inf, np.inf])

    def test_a_sure_class_from_probabilities(self):
        p, y = np.array([0.0, 1.0]), np.array([0.0, 1.0])
        assert ops.cross_entropy(p, y).item() == 0
        np.testing.assert_array_equal(gradient("cross_entropy", p, y), [0.0, -1.0])

    @pytest.mark.parametrize("z", [-1000.0, -40.0, 40.0, 1000.0])
    @pytest.mark.parametrize("y", [0.0, 1.0])
    def test_binary_cross_entropy_of_large_logits(self, z, y):
        exact = np.logaddexp(0, -z if y else z)
        assert ops.binary_cross_entropy_with_logits(z, y).item() == pytest.approx(exact, rel=1e-14, abs=0)
        assert gradient("binary_cross_entropy_with_logits", z, y) == pytest.approx(scipy.special.expit(z) - y)

    def test_cross_entropy_of_large_logits(self):
        z = np.array([[1e4, 0.0], [40.0, 0.0]])
        found = np.asarray(ops.cross_entropy_with_logits(z, [1, 0], reduction="none"))
        np.testing.assert_allclose(found, [1e4, np.exp(-40.0)], rtol=1e-14)
        np.testing.assert_allclose(
            gradient("cross_entropy_with_logits", z, [1, 0], reduction="sum"), [[1, -1], [0, np.exp(-40.0)]], atol=1e-16
        )

    @pytest.mark.parametrize("target", [1, [0.0, 1.0, 0.0]])
    def test_a_class_that_cannot_be(self, target):
        z = np.array([0.0, 1.0, -np.inf])
        assert ops.cross_entropy_with_logits(z, target).item() == pytest.approx(np.log1p(np.exp(-1.0)))
        assert np.isfinite(gradient("cross_entropy_with_logits", z, target)).all()
        assert ops.cross_entropy_with_logits(z, 2).item() == np.inf

    def test_huber_of_what_is_far_away_does_not_overflow(self):
        assert ops.huber(1e300, 0.0).item() == 1e300


class TestTypes:
    @pytest.mark.parametrize("name", ELEMENTWISE)
    @pytest.mark.parametrize("target", [np.array([0, 1]), np.array([False, True]), [0, 1]])
    def test_integer_and_boolean_targets_take_the_dtype_of_the_prediction(self, name, target):
        p = np.array([0.25, 0.75], np.float32)
        assert getattr(ops, name)(p, target).dtype == np.float32
        assert gradient(name, p, target).dtype == np.float32

    @pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
    @pytest.mark.parametrize("name", BY_CLASS)
    def test_labels_of_any_integer_dtype(self, name, dtype):
        p = np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)
        assert getattr(ops, name)(p, np.array([1, 0], dtype)).dtype == np.float32

    def test_integer_predictions_are_double(self):
        assert ops.mse([1, 2], [1, 4]).item() == 2.0

    def test_the_target_may_be_changed_after_the_loss_is_recorded(self):
        target = np.zeros(3)
        p = pb.array([1.0, 2.0, 3.0], requires_grad=True)
        loss = ops.mse(p, target, reduction="sum")
        target[:] = 100.0
        loss.backward()
        np.testing.assert_array_equal(p.grad, [2.0, 4.0, 6.0])

    def test_targets_are_differentiated_too(self):
        assert pb.grad(ops.mse, argnums=1)(1.0, 3.0) == 4.0


class TestRefusals:
    @pytest.mark.parametrize("name", ELEMENTWISE)
    def test_a_target_that_would_broadcast(self, name):
        with pytest.raises(ShapeError, match=r"expected a target of the prediction's shape \(4,\), got \(4, 1\): they"):
            getattr(ops, name)(np.ones(4), np.ones((4, 1)))
        with pytest.raises(ShapeError, match=r"shape \(4,\), got \(\): they would broadcast to \(4,\)"):
            getattr(ops, name)(np.ones(4), 1.0)

    @pytest.mark.parametrize("name", ELEMENTWISE)
    def test_a_target_of_another_length(self, name):
        with pytest.raises(ShapeError, match=rf"{name}: expected a target .* \(4,\), got \(3,\)\. At test_losses.py"):
            getattr(ops, name)(np.ones(4), np.ones(3))

    @pytest.mark.parametrize("name", [*ELEMENTWISE, *BY_CLASS])
    def test_an_unknown_reduction_before_anything_else(self, name):
        with pytest.raises(ArgumentError, match=f"{name}: expected reduction 'mean', 'sum' or 'none', got 'avg'"):
            getattr(ops, name)("a", "b", reduction="avg")

    @pytest.mark.parametrize("name", BY_CLASS)
    @pytest.mark.parametrize("label", [-1, 3])
    def test_a_label_that_is_no_class(self, name, label):
        with pytest.raises(ArgumentError, match=rf"{name}: expected labels from 0 to 2, got {label} at \(1,\)"):
            getattr(ops, name)(P, np.array([0, label, 2, 1]))

    @pytest.mark.parametrize("name", BY_CLASS)
    @pytest.mark.parametrize("labels", [np.array([0.0, 1.0, 2.0, 1.0]), np.array([True, False, True, True])])
    def test_labels_that_are_no_integers(self, name, labels):
        with pytest.raises(DTypeError, match=f"{name}: expected integer class labels .* got {labels.dtype}"):
            getattr(ops, name)(P, labels)

    @pytest.mark.parametrize("name", BY_CLASS)
    @pytest.mark.parametrize("shape", [(4, 1), (3,), (3, 4), ()])
    def test_a_target_of_neither_form(self, name, shape):
        match = r"expected class labels of shape \(4,\) or probabilities of shape \(4, 3\)"
        with pytest.raises(ShapeError, match=match):
            getattr(ops, name)(P, np.zeros(shape, int))

    @pytest.mark.parametrize("delta", [0, -1.0, np.nan, np.inf, "1", None])
    def test_a_delta_that_is_no_positive_number(self, delta):
        with pytest.raises(ArgumentError, match="huber: expected a positive number as delta"):
            ops.huber(P, T, delta)


def test_labels_may_be_traced():
    graph = pb.trace(ops.cross_entropy_with_logits, Aval((4, 3), np.dtype(float)), Aval((4,), np.dtype(int)))
    labels = np.array([0, 2, 1, 1])
    run = graph.forward(P, labels)
    assert run.values[graph.output_name()] == pytest.approx(ops.cross_entropy_with_logits(P, labels).item())
