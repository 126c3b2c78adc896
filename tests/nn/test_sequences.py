"""LayerNorm, Embedding and Dropout: values by hand, derivatives, and bad arguments."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn

RANDOM = np.random.default_rng(2)


def test_layer_norm_is_the_formula_and_its_derivative_is_checked():
    x = RANDOM.normal(size=(3, 4))
    layer = nn.LayerNorm(4, dtype=np.float64)
    layer.weight.assign(RANDOM.normal(size=4))
    layer.bias.assign(RANDOM.normal(size=4))
    scaled = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    expected = scaled * np.asarray(layer.weight.detach()) + np.asarray(layer.bias.detach())
    np.testing.assert_allclose(np.asarray(layer(x).detach()), expected)
    pb.testing.check_grads(layer, (x,))
    two = nn.LayerNorm((2, 2), bias=False)
    np.testing.assert_allclose(np.asarray(two(np.ones((3, 2, 2), np.float32)).detach()), 0, atol=1e-6)


def test_the_gradient_of_an_embedding_is_added_up_over_equal_integers():
    layer = nn.Embedding(5, 2, rng=0)
    layer(np.array([3, 1, 3])).sum().backward()
    np.testing.assert_array_equal(np.asarray(layer.weight.grad)[:, 0], [0, 1, 0, 2, 0])


def test_dropout_drops_a_share_keeps_the_mean_and_rests_when_the_network_is_used():
    layer = nn.Dropout(0.25, rng=0)
    x = np.ones(4000, np.float32)
    dropped = np.asarray(layer(x))
    assert dropped.dtype == np.float32
    assert (dropped == 0).mean() == pytest.approx(0.25, abs=0.03)
    assert dropped.mean() == pytest.approx(1, abs=0.05)
    assert (np.asarray(layer(x)) != dropped).any()
    np.testing.assert_array_equal(np.asarray(layer.eval()(x)), x)
    shared = pb.random.default_rng(1)
    assert nn.Dropout(0.5, rng=shared).rng is shared


def test_no_nan_comes_through_what_was_dropped():
    layer = nn.Dropout(0.9, rng=0)
    with np.errstate(divide="ignore"):
        gradient = pb.grad(lambda x: layer(np.log(x)).sum())(np.zeros(50))
    dropped = np.isfinite(gradient)
    assert dropped.any()
    assert (gradient[dropped] == 0).all()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: nn.LayerNorm(0), pb.errors.ArgumentError, "LayerNorm: expected features to be a positive integer"),
        (lambda: nn.LayerNorm(3, eps=-1), pb.errors.ArgumentError, "LayerNorm: expected eps of 0 or more"),
        (lambda: nn.LayerNorm(3, dtype=int), pb.errors.DTypeError, "LayerNorm: expected a real floating dtype"),
        (
            lambda: nn.LayerNorm((2, 3))(np.ones(3)),
            pb.errors.ShapeError,
            r"LayerNorm\(2, 3\): expected inputs of shape",
        ),
        (lambda: nn.Embedding(3, 2)(np.ones(3)), pb.errors.DTypeError, r"Embedding\(3, 2\): expected integers"),
        (lambda: nn.Embedding(3, 2)(np.array([3])), pb.errors.IndexingError, "index 3 is out of range"),
        (lambda: nn.Dropout(1.0), pb.errors.ArgumentError, "Dropout: expected p from 0 to below 1, got 1.0"),
        (lambda: nn.Dropout(0.5, rng="a"), pb.errors.DTypeError, "default_rng: expected a seed"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, error, words):
    with pytest.raises(error, match=words):
        make()
