"""Linear, Sequential, Standardize, activations, and how weights begin."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn


def test_linear_is_w_x_plus_b():
    layer = nn.Linear(3, 2, rng=0, dtype=float)
    layer.bias.assign([1.0, -1.0])
    x = np.arange(6.0).reshape(2, 3)
    expected = x @ layer.weight.detach().numpy().T + [1.0, -1.0]
    np.testing.assert_array_equal(layer(x).detach().numpy(), expected)
    np.testing.assert_allclose(layer(x[0]).detach().numpy(), expected[0])
    assert nn.Linear(3, 2, bias=False, rng=0).bias is None


def test_weights_are_float32_and_the_same_for_every_dtype():
    layer = nn.Linear(3, 2, rng=5)
    assert layer.weight.dtype == layer.bias.dtype == np.float32
    wide = nn.Linear(3, 2, rng=5, dtype=np.float64)
    np.testing.assert_array_equal(wide.weight.detach().numpy().astype(np.float32), layer.weight.detach().numpy())


@pytest.mark.parametrize(("init", "bound"), [("he", np.sqrt(6 / 50)), ("glorot", np.sqrt(6 / 150))])
def test_initial_weights_fill_their_range_and_biases_are_zero(init, bound):
    layer = nn.Linear(50, 100, rng=0, init=init, dtype=float)
    weight = layer.weight.detach().numpy()
    assert 0.99 * bound < np.abs(weight).max() <= bound
    assert abs(weight.std() - bound / np.sqrt(3)) < 0.02 * bound
    assert not layer.bias.detach().numpy().any()


def test_one_generator_gives_each_layer_its_own_weights_and_a_seed_the_same():
    rng = np.random.default_rng(0)
    first, second = nn.Linear(3, 3, rng=rng).state_dict(), nn.Linear(3, 3, rng=rng).state_dict()
    assert (first["weight"] != second["weight"]).any()
    again = nn.Linear(3, 3, rng=np.random.default_rng(0)).state_dict()
    np.testing.assert_array_equal(first["weight"], again["weight"])


def test_layers_without_a_seed_follow_set_seed():
    nn.set_seed(4)
    first, second = nn.Linear(3, 3).state_dict(), nn.Linear(3, 3).state_dict()
    nn.set_seed(4)
    np.testing.assert_array_equal(nn.Linear(3, 3).state_dict()["weight"], first["weight"])
    assert (first["weight"] != second["weight"]).any()


def test_weights_may_be_given_by_a_function():
    layer = nn.Linear(2, 2, init=lambda rng, shape: np.eye(2))
    np.testing.assert_array_equal(layer.weight.detach().numpy(), np.eye(2))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: nn.Linear(0, 2), pb.errors.ArgumentError, "in_features to be a positive integer, got 0"),
        (lambda: nn.Linear(2, 1.5), pb.errors.ArgumentError, "out_features to be a positive integer, got 1.5"),
        (lambda: nn.Linear(2, 2, rng="a"), pb.errors.DTypeError, "rng: expected a seed"),
        (lambda: nn.Linear(2, 2, rng=-1), pb.errors.ArgumentError, "seed of 0 or more, got -1"),
        (lambda: nn.Linear(2, 2, init="she"), pb.errors.ArgumentError, "'he', 'glorot' or a function, got 'she'"),
        (lambda: nn.Linear(2, 2, init=lambda r, s: np.ones(3)), pb.errors.ShapeError, r"\(2, 2\), got \(3,\)"),
        (lambda: nn.Linear(2, 2, dtype=int), pb.errors.DTypeError, "floating or complex dtype, got int64"),
        (lambda: nn.Linear(2, 2)(np.ones(3)), pb.errors.ShapeError, r"Linear\(2, 2\).*\(\.\.\., 2\), got \(3,\)"),
        (lambda: nn.Linear(2, 2)(1.0), pb.errors.ShapeError, r"got \(\)"),
        (lambda: nn.Linear(2, 2)("a"), pb.errors.DTypeError, "got str"),
        (lambda: nn.Sequential([nn.ReLU()]), pb.errors.DTypeError, r"got list\. Write Sequential\(\*layers\)"),
        (lambda: nn.Linear(2, 2, init=lambda r, s: np.ones(s) * 1j), pb.errors.DTypeError, "float32, got complex128"),
        (lambda: nn.Linear(2, 2, init=lambda r, s: np.full(s, "a")), pb.errors.DTypeError, "expected numbers"),
        (lambda: nn.Linear(2, 2**62), pb.errors.ShapeError, "too large"),
        (lambda: nn.he_uniform(nn.generator(0), (-1, 2)), pb.errors.ArgumentError, r"\(fan_out, fan_in, ...\), got"),
        (lambda: nn.glorot_uniform(nn.generator(0), 3), pb.errors.ArgumentError, "got 3"),
        (lambda: nn.Sequential(nn.ReLU), pb.errors.DTypeError, r"got the class ReLU\. Write ReLU\(\)"),
        (lambda: nn.Sequential(nn.ReLU())[1], pb.errors.IndexingError, "index 1 is out of range for 1 layers"),
        (lambda: nn.Sequential(nn.ReLU())["a"], pb.errors.IndexingError, "expected the number of a layer .*, got str"),
        (lambda: nn.LeakyReLU("a"), pb.errors.DTypeError, "negative_slope: expected a finite number, got 'a'"),
        (lambda: nn.ELU(np.inf), pb.errors.DTypeError, "alpha: expected a finite number, got inf"),
        (lambda: nn.GELU("a"), pb.errors.ArgumentError, "'none' or 'tanh', got 'a'"),
        (lambda: nn.Standardize("a", [1.0]), pb.errors.DTypeError, "expected an array or a number, got str"),
        (lambda: nn.Standardize([1j], [1.0]), pb.errors.DTypeError, "expected real numbers, got complex128"),
        (lambda: nn.Standardize([0.0], [1.0], dtype=int), pb.errors.DTypeError, "floating dtype, got int64"),
        (lambda: nn.Standardize.of([[1j]]), pb.errors.DTypeError, "expected real numbers, got complex128"),
        (lambda: nn.Standardize.of([[1e300], [-1e300]]), pb.errors.ArgumentError, "finite"),
        (
            lambda: nn.Standardize([0.0, 0.0], [1.0, 1.0])(np.ones((3, 1))),
            pb.errors.ShapeError,
            r"Standardize\(2\): expected inputs of shape \(..., 2\), got \(3, 1\)",
        ),
        (lambda: nn.Standardize([1.0], [1.0, 2.0]), pb.errors.ShapeError, "one shape"),
        (lambda: nn.Standardize([1.0], [0.0]), pb.errors.ArgumentError, "not zero"),
        (lambda: nn.Standardize([np.nan], [1.0]), pb.errors.ArgumentError, "finite"),
        (lambda: nn.Standardize.of(np.ones(3)), pb.errors.ShapeError, "rows and columns"),
    ],
)
def test_wrong_arguments_are_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_sequential_applies_modules_and_functions_in_turn():
    net = nn.Sequential(nn.Linear(2, 4, rng=0), np.tanh, nn.Linear(4, 1, rng=1))
    assert len(net) == 3
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    x = np.ones((5, 2), np.float32)
    np.testing.assert_array_equal(net(x).detach().numpy(), net[2](np.tanh(net[0](x))).detach().numpy())
    assert len(net[:2]) == 2
    assert net[-1] is list(net)[2]


def test_standardize_gives_mean_zero_and_deviation_one_and_leaves_constant_columns_finite():
    data = np.random.default_rng(0).normal([5.0, -1e9], [2.0, 1e3], (50, 2))
    data = np.concatenate([data, np.full((50, 1), 0.1)], 1)
    scaled = nn.Standardize.of(data)(data)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.numpy().mean(0), [0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(scaled.numpy().std(0), [1, 1, 0], atol=1e-5)


def test_standardize_is_state_that_is_saved_and_not_trained():
    layer = nn.Standardize([1.0], [2.0])
    assert set(layer.state_dict()) == {"mean", "scale"}
    assert not any(parameter.trainable for parameter in layer.parameters())


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (nn.ReLU(), nn.relu), (nn.LeakyReLU(0.1), lambda x: nn.leaky_relu(x, 0.1)), (nn.ELU(), nn.elu),
        (nn.GELU(), nn.gelu), (nn.SiLU(), nn.silu), (nn.Tanh(), np.tanh), (nn.Sigmoid(), nn.sigmoid),
        (nn.Softmax(), nn.softmax), (nn.LogSoftmax(), nn.log_softmax),
    ],
)  # fmt: skip
def test_activation_modules_are_their_functions(module, function):
    x = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(np.asarray(module(x)), np.asarray(function(x)))
    assert list(module.parameters()) == []
