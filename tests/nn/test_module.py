"""Modules: what they hold, their state, their listing, and that they are containers of arrays."""

import copy
import pickle

import numpy as np
import pytest

import pullback as pb
from pullback import nn
from pullback.core import tree


class Block(nn.Module):
    def __init__(self, rng):
        self.inner = nn.Linear(3, 3, rng=rng, dtype=float)
        self.gain = pb.Parameter(np.ones(3))

    def forward(self, x):
        return x + self.gain * np.tanh(self.inner(x))


class Network(nn.Module):
    def __init__(self):
        rng = np.random.default_rng(0)
        self.layers = [Block(rng), Block(rng)]
        self.heads = {"left": nn.Linear(3, 1, rng=rng, dtype=float), "right": nn.Linear(3, 2, rng=rng, dtype=float)}
        self.count = pb.Parameter(np.array(0), trainable=False)
        self.label = "a network"

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.heads["left"](x).sum() + self.heads["right"](x).sum()


NAMES = [
    "layers.0.inner.weight", "layers.0.inner.bias", "layers.0.gain",
    "layers.1.inner.weight", "layers.1.inner.bias", "layers.1.gain",
    "heads.left.weight", "heads.left.bias", "heads.right.weight", "heads.right.bias",
    "count",
]  # fmt: skip


def x():
    return np.random.default_rng(1).normal(size=(4, 3))


def test_parameters_are_found_in_attributes_lists_and_dicts_under_their_paths():
    assert [name for name, _ in Network().named_parameters()] == NAMES


def test_parameters_carry_their_paths_as_names_for_pictures():
    assert [parameter.name for parameter in Network().parameters()] == NAMES


def test_a_name_survives_assign_and_copies():
    network = Network()
    network.layers[0].gain.assign(np.zeros(3))
    network.count.assign(3)
    assert network.layers[0].gain.name == "layers.0.gain"
    assert network.count.name == "count"
    assert copy.deepcopy(network).layers[0].gain.name == "layers.0.gain"


def test_traced_graphs_name_the_parameters():
    layer = nn.Linear(2, 1, rng=0)
    graph = pb.trace(lambda x: layer(x), np.ones(2, np.float32))
    assert {"weight", "bias"} <= {node.name for node in graph.inputs}


def test_a_shared_parameter_is_one_parameter_with_the_sum_of_both_gradients():
    class Tied(nn.Module):
        def __init__(self):
            self.first = pb.Parameter(2.0)
            self.second = self.first

        def forward(self, x):
            return self.first * x + self.second * x * x

    tied = Tied()
    assert [name for name, _ in tied.named_parameters()] == ["first"]
    gradient = pb.grad(lambda module: module(3.0))(tied)
    assert gradient.first is gradient.second
    assert gradient.first.item() == 12.0


def test_train_and_eval_reach_every_module():
    network = Network()
    assert network.training
    assert network.eval() is network
    assert not any(module.training for module in network.modules())
    network.train()
    assert all(module.training for module in network.modules())


def test_a_module_without_forward_says_so():
    with pytest.raises(pb.errors.ArgumentError, match=r"Module: this module does not define forward"):
        nn.Module()(1.0)


def test_grad_over_a_module_agrees_with_backward():
    network = Network()
    network(x()).backward()
    gradient = pb.grad(lambda module, x: module(x))(network, x())
    assert type(gradient) is Network
    assert gradient.label == "a network"
    found = dict(zip(tree.paths(gradient), tree.flatten(gradient)[0], strict=True))
    for name, parameter in network.named_parameters():
        if parameter.trainable:
            np.testing.assert_array_equal(found[name].detach().numpy(), parameter.grad.numpy())
    assert gradient.count is network.count, "state goes along as it is"


def test_a_module_goes_through_a_hessian_vector_product():
    layer = nn.Linear(2, 1, rng=0, dtype=float)

    def loss(layer):
        return (layer(np.array([1.0, 2.0])) ** 2).sum()

    product = pb.hvp(loss, (layer,), (layer,))
    product = product[0] if isinstance(product, tuple) else product
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    inner = 2 * (weight @ [1.0, 2.0] + bias)
    np.testing.assert_allclose(product.weight.detach().numpy(), inner[:, None] * [[1.0, 2.0]])
    np.testing.assert_allclose(product.bias.detach().numpy(), inner)


def test_trees_of_a_module_and_of_its_gradient_have_one_structure():
    network = Network()
    gradient = pb.grad(lambda module, x: module(x))(network, x())
    moved = tree.tree_map(lambda p, g: p - 0.1 * g, network, gradient)
    expected = network.layers[0].gain.detach().numpy() - 0.1 * gradient.layers[0].gain.detach().numpy()
    np.testing.assert_array_equal(moved.layers[0].gain.detach().numpy(), expected)
    assert tree.paths(network) == [name for name in NAMES if name != "count"]


def test_modules_of_different_structure_do_not_map_onto_each_other():
    two, three = nn.Linear(2, 2, rng=0), nn.Linear(3, 3, rng=0)
    with pytest.raises(ValueError, match=r"(?i)mismatch"):
        tree.tree_map(lambda a, b: a, two, three)


def test_state_goes_out_and_in_again():
    network, other = Network(), Network()
    network.layers[1].gain.assign([1.0, 2.0, 3.0])
    network.count.assign(7)
    state = network.state_dict()
    assert list(state) == NAMES
    assert all(type(value) is np.ndarray for value in state.values())
    other.load_state_dict(state)
    np.testing.assert_array_equal(other.layers[1].gain.detach().numpy(), [1.0, 2.0, 3.0])
    assert other.count.item() == 7


def test_state_is_a_copy():
    layer = nn.Linear(2, 2, rng=0)
    layer.state_dict()["bias"][:] = 5
    assert not layer.bias.detach().numpy().any()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda s: s.pop("bias"), pb.errors.ArgumentError, "missing bias"),
        (lambda s: s.update(extra=np.ones(1)), pb.errors.ArgumentError, "unknown extra"),
        (lambda s: s.update(bias=np.ones(3)), pb.errors.ShapeError, r"bias of shape \(2,\), got \(3,\)"),
        (lambda s: s.update(bias=np.ones(2) * 1j), pb.errors.DTypeError, "bias to hold float32, got complex128"),
        (lambda s: s.update(bias=["a", "b"]), pb.errors.DTypeError, "bias: expected numbers"),
        (lambda s: s.update(bias=[[1.0], [1.0, 2.0]]), pb.errors.ShapeError, "bias: expected .* rows of equal length"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_is_loaded(change, error, words):
    layer = nn.Linear(2, 2, rng=0)
    before = layer.state_dict()
    state = {"weight": np.zeros((2, 2)), "bias": np.zeros(2)}
    change(state)
    with pytest.raises(error, match=words):
        layer.load_state_dict(state)
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before["weight"])


def test_two_parameters_of_one_name_are_refused_as_one_would_be_lost():
    module = nn.Module()
    module.parts = {1: pb.Parameter(1.0), "1": pb.Parameter(2.0)}
    for use in (module.state_dict, lambda: module.load_state_dict({"parts.1": 3.0})):
        with pytest.raises(pb.errors.ArgumentError, match=r"two parameters are named 'parts\.1'"):
            use()


@pytest.mark.parametrize("value", [np.zeros((2, 2)), pb.array(np.zeros((2, 2))), 3])
def test_a_parameter_is_not_replaced_by_what_is_none(value):
    layer = nn.Linear(2, 2, rng=0)
    with pytest.raises(pb.errors.DTypeError, match=r"Linear: weight is a parameter.*weight\.assign"):
        layer.weight = value
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    layer.bias = None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_train_takes_true_or_false():
    with pytest.raises(pb.errors.DTypeError, match="expected True or False, got ndarray"):
        nn.ReLU().train(np.ones(2))


def test_a_module_may_know_its_parent():
    parent, child = nn.Module(), nn.Linear(2, 2, rng=0)
    parent.child, child.parent = child, parent
    child.others = [child]
    assert repr(parent).splitlines()[1:] == [
        "└── child: Linear(2, 2)              6",
        "    ├── parent: Module, see above",
        "    └── others.0: Linear, see above",
    ]
    assert list(parent.state_dict()) == ["child.weight", "child.bias"]


def test_a_state_that_is_no_mapping_is_refused():
    with pytest.raises(pb.errors.DTypeError, match="expected a mapping of names to arrays, got list"):
        nn.Linear(2, 2, rng=0).load_state_dict([])


def test_without_strict_what_fits_is_loaded():
    layer = nn.Linear(2, 2, rng=0)
    layer.load_state_dict({"bias": np.ones(2), "other": np.ones(3)}, strict=False)
    np.testing.assert_array_equal(layer.bias.detach().numpy(), [1.0, 1.0])


def test_a_module_pickles():
    network = Network()
    again = pickle.loads(pickle.dumps(network))
    for (name, one), (_, other) in zip(network.named_parameters(), again.named_parameters(), strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy(), err_msg=name)


def test_the_listing_shows_the_tree_and_counts_parameters():
    assert (
        repr(Network())
        == """\
Network · 42 parameters and 1 number of state
├── layers.0: Block            15
│   ├── inner: Linear(3, 3)    12
│   └── gain: float64[3]        3
├── layers.1: Block            15
│   ├── inner: Linear(3, 3)    12
│   └── gain: float64[3]        3
├── heads.left: Linear(3, 1)    4
├── heads.right: Linear(3, 2)   8
└── count: int64[]              1"""
    )


def test_the_listing_of_a_chain_names_functions_too():
    chain = nn.Sequential(nn.Linear(64, 128, rng=0), np.tanh, nn.ReLU(), nn.Linear(128, 10, bias=False, rng=0))
    assert (
        repr(chain)
        == """\
Sequential · 9,600 parameters
├── 0: Linear(64, 128)              8,320
├── 1: tanh
├── 2: ReLU
└── 3: Linear(128, 10, bias=False)  1,280"""
    )
    assert repr(nn.ReLU()) == "ReLU"
