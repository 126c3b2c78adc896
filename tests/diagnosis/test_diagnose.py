"""Training scripts, each broken in one line: diagnose names that line, and what would avoid the fault."""

import inspect
import itertools

import numpy as np
import pytest

import pullback as pb
from pullback import nn, optim

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(16, 4)).astype(np.float32)
LABELS = RANDOM.integers(0, 2, 16)
ONEHOT = np.eye(2, dtype=np.float32)[LABELS]


def network(*sizes):
    layers = [nn.Linear(a, b, rng=i) for i, (a, b) in enumerate(itertools.pairwise(sizes))]
    return nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())][:-1])


def log_of_zero_in_a_loss_of_ones_own():
    model = network(4, 8, 2)
    for parameter in model.parameters():
        parameter.assign(parameter.detach() * 30)

    def loss(x, y):
        p = nn.softmax(model(x * 100))
        return -np.mean(y * np.log(p))  # here

    return loss, (X, ONEHOT), "log_softmax", "log(softmax(x))"


def softmax_by_hand_overflows():
    model = network(4, 8, 2)

    def loss(x, y):
        z = 2000 * model(x)
        e = np.exp(z)  # here
        p = e / e.sum(axis=1, keepdims=True)
        return np.mean((p - y) ** 2)

    return loss, (X, ONEHOT), "softmax(x)", "exp(x) / sum(exp(x))"


def an_exploding_recurrent_network():
    w = pb.Parameter(2 * np.eye(4, dtype=np.float32), name="w")

    def loss(x):
        h = x
        for _ in range(200):
            h = h @ w  # here
        return np.mean(h**2)

    return loss, (X,), "grow", "normalise"


def division_in_a_normalisation():
    model = network(3, 8, 1)

    def loss(x):
        scaled = (x - x.mean(axis=0)) / x.std(axis=0)  # here
        return np.mean(model(scaled) ** 2)

    constant = X[:, :3].copy()
    constant[:, 1] = 2.0
    return loss, (constant,), "divisor", "np.where"


def a_bad_learning_rate():
    model = network(4, 8, 1)
    optimizer = optim.SGD(model.parameters(), lr=1e6)

    def loss(x):
        return np.mean((model(x) - 1) ** 2)  # here

    for _ in range(6):
        value = loss(pb.array(X))
        optimizer.zero_grad()
        value.backward()
        if not np.isfinite(value.item()):
            break
        optimizer.step()
    return loss, (X,), "learning rate", ""


def square_root_of_a_distance_of_zero():
    points = pb.Parameter(np.zeros((3, 2)), name="points")

    def loss():
        d = points[:, None] - points[None]
        r = np.sqrt(np.sum(d * d, axis=-1) / 3)  # here
        return np.sum((r - 1) ** 2)

    return loss, (), "infinite at 0", "norm"


def a_row_that_is_masked_altogether():
    def loss(scores):
        mask = np.array([[True, False], [True, True]])
        weights = nn.softmax(np.where(mask, -np.inf, scores))  # here
        return np.sum(weights**2)

    return loss, (np.ones((2, 2)),), "a row has only -inf", "np.where"


def arc_cosine_of_equal_directions():
    def loss(u):
        cosine = np.dot(u, u) / (np.linalg.norm(u) * np.linalg.norm(u))
        return np.arccos(cosine)  # here

    return loss, (np.array([1.0, 0.0]),), "infinite at -1 and 1", "arctan2"


def a_power_at_zero():
    gamma = pb.Parameter(0.5, name="gamma")

    def loss(x):
        return np.sum(x**gamma)  # here

    return loss, (np.array([0.0, 1.0]),), "x**y", "above 0"


def a_logarithm_of_one_minus_a_probability():
    model = network(4, 1)
    model[0].weight.assign(np.full((1, 4), 500.0))

    def loss(x, y):
        p = pb.special.expit(model(x)[:, 0] * 100)
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))  # here

    return loss, (np.abs(X), LABELS.astype(np.float32)), "log_sigmoid", "1 - sigmoid(x)"


def a_scale_of_zero():
    def loss(x, scale):
        return np.mean(0.5 * ((x - 1) / scale) ** 2)  # here

    return loss, (X.astype(float), 0.0), "(x - 1)/scale is", "divisor is 0"


def a_row_of_zeros_that_is_normalised():
    def loss(x):
        unit = x / np.sqrt(np.sum(x**2, axis=1, keepdims=True))  # here
        return np.sum(unit @ unit.T)

    return loss, (np.vstack([X, 0 * X[:1]]),), "x/sqrt(sum(x**2, axes=(1,))) is 4 NaN", "divisor is 0"


def a_distance_of_equal_points():
    def loss(x):
        return np.arccosh(1 + np.sum(x**2))  # here

    return loss, (np.zeros(3),), "arccosh(1 + sum(x**2))", "infinite at 1"


def a_rate_that_overflows():
    def loss(x):
        rate = np.exp(x @ np.ones(4, np.float32) * 300)  # here
        return np.mean(rate - 2 * np.log(rate))

    return loss, (X,), "write it stably: log(exp(x)) = x", "inf of 16 elements"


def a_singular_covariance():
    def loss(x):
        covariance = x.T @ x
        return np.log(np.linalg.det(covariance))  # here

    return loss, (np.zeros((3, 2)),), "log(det(covariance)) is -inf", "slogdet(A)[1]"


def a_mean_of_nothing():
    def loss(x):
        chosen = x > 100
        return np.sum(np.where(chosen, x, 0)) / np.sum(chosen)  # here

    return loss, (X,), "the divisor is 0", "is NaN"


SCRIPTS = [
    a_scale_of_zero,
    a_row_of_zeros_that_is_normalised,
    a_distance_of_equal_points,
    a_rate_that_overflows,
    a_singular_covariance,
    a_mean_of_nothing,
    log_of_zero_in_a_loss_of_ones_own,
    softmax_by_hand_overflows,
    an_exploding_recurrent_network,
    division_in_a_normalisation,
    a_bad_learning_rate,
    square_root_of_a_distance_of_zero,
    a_row_that_is_masked_altogether,
    arc_cosine_of_equal_directions,
    a_power_at_zero,
    a_logarithm_of_one_minus_a_probability,
]


def planted_line(script):
    lines, first = inspect.getsourcelines(script)
    return first + next(i for i, line in enumerate(lines) if line.rstrip().endswith("# here"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.__name__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_planted_fault_is_found_by_line(script):
    loss, args, *words = script()
    found = pb.diagnose(loss, *args)
    assert found
    assert found.faults[0].where == f"test_diagnose.py:{planted_line(script)}"
    for word in words:
        assert word in str(found), str(found)


def test_a_sound_function_has_no_fault_and_infinities_that_reach_nothing_are_none():
    sound = pb.diagnose(lambda x: np.where(x > 0, np.log(x), 0.0).sum(), np.array([0.0, 1.0]))
    assert not sound
    assert str(sound) == "all numbers are finite, and all gradients"
    stable = pb.diagnose(lambda x: np.sqrt(x * x).sum(), np.zeros(2))  # the gradient goes through |x|
    assert not stable


def test_inputs_that_are_not_finite_are_named():
    found = pb.diagnose(lambda x, y: np.sum(x["a"] * y), {"a": np.array([np.nan, 1.0])}, np.ones(2))
    assert found.inputs == ("x.a",)
    assert "the input x.a holds NaN or an infinity" in str(found)


def test_what_depends_on_no_argument_is_told():
    found = pb.diagnose(lambda x: 1 / np.sum(x), np.zeros(3, int))
    assert found
    assert str(found) == "the result holds NaN or an infinity, and depends on no floating argument"
    weights = pb.array([np.nan, 1.0])
    found = pb.diagnose(lambda x: np.sum(x * weights), np.ones(2))
    assert found.constants == ("the constant k1",)


def test_numbers_in_a_container_are_looked_at():
    found = pb.diagnose(lambda settings: np.log(settings["scale"]), {"scale": 0.0})
    assert "log(settings.scale) is -inf" in str(found)


def line_of(text):
    """Where this file has a line with this comment."""
    lines = inspect.getsource(inspect.getmodule(line_of)).splitlines()
    return f"test_diagnose.py:{next(i for i, line in enumerate(lines, 1) if line.endswith(f'# {text}'))}"


def an_exploding_scan(x):
    def step(h, row):
        h = np.exp(h) + row  # overflows in a scan
        return h, h

    return pb.scan(step, x, np.ones((10, 2)))[1].sum()


def a_branch(x):
    return pb.cond(x.sum() > 0, lambda x: np.log(x).sum(), np.sum, x)  # of a negative number in a branch


def a_while_loop(x):
    def newton(state):
        i, x = state
        return i + 1, x - (x**2 - 2) / (2 * x)  # divides by zero in a loop

    return pb.while_loop(lambda state: state[0] < 5, newton, (0, x))[1]


def a_loop_in_a_loop(x):
    def row(total, one):
        return pb.fori_loop(0, 3, lambda i, t: t + np.sqrt(one - i), total), None  # in a loop in a loop

    return pb.scan(row, np.sum(x) * 0, np.array([5.0, 4.0, 1.0, 3.0]))[0]


def a_checkpoint(x):
    return pb.checkpoint(lambda x: np.log(x - 1).sum())(x)  # in a checkpoint


INSIDE = [
    (an_exploding_scan, np.zeros(2), "overflows in a scan", "exp(h) is 2 inf of 2 elements, in run 4 of step"),
    (a_branch, np.array([3.0, -1.0]), "of a negative number in a branch", "log(x) is 1 NaN of 2 elements, in run 1"),
    (a_while_loop, 0.0, "divides by zero in a loop", "is -inf, in run 1 of newton"),
    (a_loop_in_a_loop, np.ones(2), "in a loop in a loop", "sqrt(one - float64(i)) is NaN, in run 3 of"),
    (a_checkpoint, np.array([1.0, 2.5]), "in a checkpoint", "- 1) is 1 inf of 2 elements, in run 1"),
]


@pytest.mark.parametrize(("loss", "x", "comment", "text"), INSIDE, ids=[one[0].__name__ for one in INSIDE])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_happens_inside_is_looked_for_there(loss, x, comment, text):
    (fault,) = pb.diagnose(loss, x).faults
    assert fault.where == line_of(comment)
    assert text in str(fault)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_derivative_that_is_lost_inside_is_looked_for_there():
    def loss(x):
        return pb.scan(lambda h, t: (h + np.sqrt(t * h), None), x, np.array([1.0, 2.0]))[0]  # root in a scan

    (fault,) = pb.diagnose(loss, 0.0).faults
    assert (fault.stage, fault.where) == ("gradient", line_of("root in a scan"))
    assert "backwards, 0.5/sqrt(t*h) is inf, in run 1" in str(fault)
    assert "np.sqrt(x + eps)" in str(fault)


def test_a_rewrite_that_would_not_help_is_not_advised():
    found = pb.diagnose(lambda p, q: np.sum(p * np.log(p / q)), np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    assert found.faults[0].advice.startswith("the divisor is 0")


def test_an_error_of_the_function_is_its_own():
    def broken(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        pb.diagnose(broken, np.ones(2))


def test_a_value_from_finite_numbers_only_is_told_from_what_came_in():
    found = pb.diagnose(lambda x, y: np.sum(np.log(x) * y), np.array([0.0, 1.0]), np.array([np.nan, 1.0]))
    assert found.inputs == ("y",)
    assert [fault.operation for fault in found.faults] == ["log"]


def test_a_line_that_is_run_often_is_reported_once_the_first_time():
    def loss(x):
        total = 0.0
        for _ in range(5):
            total = total + np.log(x)
        return total

    assert len(pb.diagnose(loss, 0.0).faults) == 1


def test_what_is_diagnosed_stays_as_it_was():
    weight = pb.Parameter([0.0, 1.0])
    before = weight.node
    pb.diagnose(lambda: np.sum(np.log(weight)))
    assert weight.node is before
    assert weight.grad is None


@pytest.mark.parametrize("given", [3, None])
def test_bad_arguments_are_refused(given):
    with pytest.raises(pb.errors.DTypeError, match="diagnose: expected a function"):
        pb.diagnose(given)
    with pytest.raises(pb.errors.DTypeError, match="diagnose: expected the function to return arrays or numbers"):
        pb.diagnose(lambda: given if given is None else "text")
