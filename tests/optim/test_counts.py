"""The count of steps: parameters that make all of theirs together have one, others one of their own."""

import copy
import pickle

import numpy as np
import pytest

import pullback as pb
from pullback import io, optim
from pullback.core.capture import capturing

MAKERS = {
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: optim.Adam(p, lr=0.01),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
}
ALL = (0, 1, 2)
PARTS = (ALL, ALL, (0,), ALL, (1, 2), (2,), (2,), ALL, (0, 1), ALL)


def parameters():
    return [pb.Parameter(np.linspace(-1, 1, 5)), pb.Parameter(np.ones((2, 2), np.float32)), pb.Parameter(0.5)]


class Job:
    """A step for some of the parameters, those whose positions are given."""

    def __init__(self, make, compiled=False):
        self.parameters = parameters()
        self.optimizer = make(self.parameters)
        self.step = pb.compile(self.plain) if compiled else self.plain

    def plain(self, part):
        self.optimizer.zero_grad()
        sum(((self.parameters[position] - 2) ** 2).sum() for position in part).backward()
        self.optimizer.step()

    def values(self):
        return [np.array(one.detach()) for one in self.parameters]

    def steps(self):
        state = self.optimizer.state_dict()
        return [int(state.get(f"{position}.step", 0)) for position in ALL]


class Alone:
    """The same with an optimizer for each parameter: nothing can be shared."""

    def __init__(self, make):
        self.parameters = parameters()
        self.optimizers = [make([one]) for one in self.parameters]

    def step(self, part):
        for position in part:
            self.optimizers[position].zero_grad()
            ((self.parameters[position] - 2) ** 2).sum().backward()
            self.optimizers[position].step()

    def steps(self):
        return [int(one.state_dict().get("0.step", 0)) for one in self.optimizers]


class Counted(optim.Optimizer):
    """Keeps the steps that its rates were asked for."""

    def __init__(self, parameters):
        super().__init__(parameters, lr=0.1)
        self.asked = []

    def rates(self, step):
        self.asked.append(step)
        return self.lr / step

    def update(self, value, gradient, state, rates):
        return value - rates * gradient, {}


def compare(job, other):
    for one, expected in zip(job.parameters, other.parameters, strict=True):
        np.testing.assert_allclose(one.detach(), expected.detach(), rtol=1e-6)
    assert job.steps() == other.steps()


def test_rates_are_computed_once_for_each_count():
    job = Job(Counted)
    asked = []
    for part in PARTS[:5]:
        job.step(part)
        asked.append(sorted(job.optimizer.asked))
        job.optimizer.asked.clear()
    assert asked == [[1], [2], [3], [3, 4], [4]]


def test_a_compiled_step_reads_and_writes_one_count():
    job = Job(MAKERS["adam"], compiled=True)
    job.step(ALL)
    state = job.step._programs
    (known,) = state.values()
    traced = known[0].traced
    assert len(traced.state.reads) == 3 * len(ALL) + 2  # value, mean and square of each; the rate and the count
    assert sum(node.primitive.name == "power" and not node.aval.shape for node in traced.graph.nodes) <= 3 + 1


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_parameter_that_is_skipped_keeps_its_count(make):
    job, alone = Job(make), Alone(make)
    for part in PARTS:
        job.step(part)
        alone.step(part)
        assert job.steps() == alone.steps()
        for one, expected in zip(job.parameters, alone.parameters, strict=True):
            np.testing.assert_array_equal(one.detach(), expected.detach())


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_compiled_steps_of_some_parameters_are_the_eager_ones(make):
    job, alone = Job(make, compiled=True), Alone(make)
    for part in PARTS:
        job.step(part)
        alone.step(part)
        compare(job, alone)


def test_compiled_and_eager_steps_of_some_parameters_can_be_mixed():
    job, alone = Job(MAKERS["adam"], compiled=True), Alone(MAKERS["adam"])
    for number, part in enumerate((ALL, ALL, ALL, (0, 2), ALL, ALL, (1,), ALL, ALL, ALL)):
        (job.plain if number in (1, 3, 8) else job.step)(part)
        alone.step(part)
        compare(job, alone)


def test_a_function_may_make_two_steps_of_different_parameters():
    job, alone = Job(MAKERS["adam"]), Alone(MAKERS["adam"])
    both = pb.compile(lambda: (job.plain(ALL), job.plain((0, 1)), None)[2])
    for _ in range(4):
        both()
        alone.step(ALL)
        alone.step((0, 1))
        compare(job, alone)
    assert sum(map(len, both._programs.values())) == 2, "one that separates the counts, one that finds them separate"


def test_settings_in_turn_compile_once_the_counts_are_separate():
    job = Job(MAKERS["adam"], compiled=True)
    for part in ((0,), (1, 2)) * 2:
        job.step(part)
    known = sum(map(len, job.step._programs.values()))
    for part in ((0,), (1, 2)) * 3:
        job.step(part)
    assert sum(map(len, job.step._programs.values())) == known
    assert job.steps() == [5, 5, 5]


def test_two_optimizers_of_one_step_count_for_themselves():
    first, second = parameters()[:1], parameters()[:1]
    optimizers = optim.Adam(first), optim.AdamW(second)

    @pb.compile
    def step(twice):
        for one in (*first, *second):
            one.grad = one.detach() - 2
        optimizers[0].step()
        optimizers[1].step()
        if twice:
            optimizers[1].step()

    for twice in (True, False, True):
        step(twice)
    assert [int(one.state_dict()["0.step"]) for one in optimizers] == [3, 5]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_saved_state_of_different_counts_goes_on_as_if_nothing_had_been_saved(compiled, tmp_path):
    job = Job(MAKERS["adamw"], compiled)
    for part in PARTS[:6]:
        job.step(part)
    io.save_weights(tmp_path / "state.safetensors", job.optimizer.state_dict())
    again = Job(MAKERS["adamw"], compiled)
    for one, value in zip(again.parameters, job.values(), strict=True):
        one.assign(value)
    again.step((1,))  # what it has done before is of no account
    again.parameters[1].assign(job.values()[1])
    again.optimizer.load_state_dict(io.load_weights(tmp_path / "state.safetensors"))
    assert again.steps() == job.steps()
    for part in PARTS[6:]:
        job.step(part)
        again.step(part)
        for one, expected in zip(again.values(), job.values(), strict=True):
            np.testing.assert_array_equal(one, expected)


def test_equal_counts_of_a_saved_state_are_one():
    job = Job(Counted)
    for part in (ALL, (0,), (1,), ALL):
        job.step(part)
    assert job.steps() == [3, 3, 2]
    job.optimizer.load_state_dict(job.optimizer.state_dict())
    job.optimizer.asked.clear()
    job.step(ALL)
    assert sorted(job.optimizer.asked) == [3, 4]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_shares_its_counts_with_nobody_else(copied):
    job = Job(MAKERS["adam"])
    job.step(ALL)
    optimizer = copied(job.optimizer)
    job.step(ALL)
    for one in optimizer.parameters[:2]:
        one.grad = np.ones(one.shape, one.dtype)
    optimizer.step()
    optimizer.step()
    assert [int(optimizer.state_dict()[f"{position}.step"]) for position in ALL[:2]] == [3, 3]
    assert job.steps() == [2, 2, 2]


def test_a_compiled_step_that_is_not_made_leaves_a_state_without_steps():
    job = Job(MAKERS["adam"])

    @pb.compile
    def step(when):
        for one in job.parameters:
            one.grad = one.detach()
        job.optimizer.step(when)

    step(np.array(False))
    assert job.optimizer.state_dict() == {}
    step(np.array(True))
    assert job.steps() == [1, 1, 1]


def test_an_error_in_a_step_that_separates_counts_leaves_all_of_them():
    class Fails(Counted):
        fails = False

        def update(self, value, gradient, state, rates):
            if self.fails:
                raise RuntimeError("no")
            return super().update(value, gradient, state, rates)

    for compiled in (False, True):
        job = Job(Fails, compiled)
        job.step(ALL)
        before = job.values()
        job.optimizer.fails = True
        with pytest.raises(RuntimeError):
            job.step((0,))
        assert job.steps() == [1, 1, 1]
        assert capturing.current is None
        for one, value in zip(job.parameters, before, strict=True):
            np.testing.assert_array_equal(one.detach(), value)
        job.optimizer.fails = False
        job.step((0,))
        job.step(ALL)
        assert job.steps() == [3, 2, 2]


@pytest.mark.parametrize("compiled", [False, True])
def test_state_that_is_not_named_is_refused_and_nothing_is_changed(compiled):
    class Unnamed(optim.Optimizer):
        slots = ("mean",)

        def update(self, value, gradient, state, rates):
            return value - gradient, {"mean": gradient, "square": gradient**2}

    job = Job(lambda p: Unnamed(p, lr=0.1), compiled)
    before = job.values()
    with pytest.raises(pb.errors.ArgumentError, match=r"Unnamed\.update: expected state of the kinds \('mean',\)"):
        job.step(ALL)
    assert job.optimizer.state_dict() == {}
    for one, value in zip(job.parameters, before, strict=True):
        np.testing.assert_array_equal(one.detach(), value)
