"""What a compiled function refers to besides its arguments: it computes with what is there at the call."""

import functools
import importlib
import random
from collections import OrderedDict, defaultdict, deque
from types import SimpleNamespace

import numpy as np
import pytest

import pullback as pb
from pullback.compiler.compile import _missed
from pullback.compiler.entry import MISS
from pullback.compiler.references import References

FACTOR = 2.0


def programs(f):
    return sum(map(len, f._programs.values()))


def scaled(x):
    return x * FACTOR


def test_variables_around_a_function_are_read_at_each_call():
    factor = 2.0
    f = pb.compile(lambda x: x * factor)
    for factor in (2.0, 2.0, 3.0, 2.0):
        assert [f(5.0), f(5.0)] == [5 * factor] * 2
    assert programs(f) == 2


def test_global_names_are_read_at_each_call(monkeypatch):
    f = pb.compile(pb.value_and_grad(lambda x: scaled(x) * x))
    assert f(3.0) == (18.0, 12.0)
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert f(3.0) == (27.0, 18.0)
    monkeypatch.setitem(globals(), "scaled", lambda x: x)
    assert f(3.0) == (9.0, 6.0)


def test_attributes_and_items_are_read_at_each_call():
    given = SimpleNamespace(scale=2.0, shifts=[1.0], table={"a": 1.0})

    class Model:
        scale = 2.0

        def shifted(self, x):
            return x * self.scale + given.shifts[0]

        @pb.compile
        def apply(self, x):
            return self.shifted(x) * given.scale + given.table["a"]

    model = Model()
    assert model.apply(3.0) == 15.0
    model.scale = 3.0
    assert model.apply(3.0) == 21.0
    given.shifts[0] = 2.0
    assert model.apply(3.0) == 23.0
    given.table["a"] = 2.0
    assert model.apply(3.0) == 24.0
    given.shifts = [1.0]
    assert model.apply(3.0) == 22.0


class Slots:
    __slots__ = ("v",)

    def __init__(self):
        self.v = 1.0


@pytest.mark.parametrize(
    ("make", "use", "change"),
    [
        (lambda: deque([1.0]), lambda held: held[0], lambda held, v: held.__setitem__(0, v)),
        (lambda: {1.0}, sum, lambda held, v: held.add(v)),
        (lambda: OrderedDict(v=1.0), lambda held: held["v"], lambda held, v: held.update(v=v)),
        (lambda: defaultdict(float, v=1.0), lambda held: held["v"], lambda held, v: held.update(v=v)),
        (lambda: UserFloats([1.0]), lambda held: held[0], lambda held, v: held.__setitem__(0, v)),
        (lambda: np.array([1.0, "a"], object), lambda held: held[0], lambda held, v: held.__setitem__(0, v)),
        (Slots, lambda held: held.v, lambda held, v: setattr(held, "v", v)),
    ],
)
def test_other_containers_and_slots_are_read_at_each_call(make, use, change):
    held = make()
    f = pb.compile(lambda x: x * use(held))
    for value in (5.0, 6.0):
        assert [f(2.0), f(2.0)] == [2 * use(held)] * 2
        change(held, value)
        assert [f(2.0), f(2.0)] == [2 * use(held)] * 2


class UserFloats(list):
    pass


class Scaled:
    @staticmethod
    def scaled(x):
        return scaled(x)

    @classmethod
    def twice(cls, x):
        return scaled(cls.scaled(x))


SCALED = Scaled()


@pytest.mark.parametrize("f", [lambda x: Scaled.scaled(x), lambda x: SCALED.scaled(x), lambda x: Scaled.twice(x)])
def test_functions_of_classes_are_looked_into(f, monkeypatch):
    compiled = pb.compile(f)
    for factor in (2.0, 3.0):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        assert [compiled(5.0), compiled(5.0)] == [f(5.0)] * 2


def test_attributes_of_the_same_name_as_what_changes_do_not_matter():
    class Trainer:
        def __init__(self):
            self.weight = pb.Parameter([1.0])
            self.optimizer = pb.optim.SGD([self.weight], lr=0.1)
            self.step, self.mean = 0, 0.0

        @pb.compile
        def train(self, x):
            loss = (x * self.weight).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            return loss

    trainer = Trainer()
    for step in range(4):
        trainer.step, trainer.mean = step, trainer.train(np.ones(3))
    assert programs(Trainer.train) == 1
    trainer.optimizer = pb.optim.SGD([trainer.weight], lr=0.2)
    before = trainer.weight.item()
    trainer.train(np.ones(3))
    assert trainer.weight.item() == pytest.approx(before - 0.2)


def test_a_function_that_counts_is_compiled_once():
    count, seen = 0, []

    @pb.compile
    def f(x):
        nonlocal count
        count += 1
        seen.append(x.shape)
        return x * 2

    for _ in range(3):
        f(1.0)
    assert (count, seen) == (1, [()])


def test_arrays_are_read_where_they_are():
    table, view = np.ones(3), np.ones((4, 3))[1::2]
    f = pb.compile(lambda x: x * table + view)
    for value in (1.0, 5.0):
        table[:] = view[:] = value
        for _ in range(2):
            assert f(2.0).tolist() == [[3 * value] * 3] * 2
    assert programs(f) == 1


def test_reading_arrays_where_they_are_costs_no_more():
    table = np.ones(3)
    f = pb.compile(lambda x: x * table)
    f(2.0)
    assert f._fast is not _missed
    table[:] = 4
    assert f._fast(2.0).tolist() == [8, 8, 8]


@pytest.mark.parametrize(
    "use",
    [
        lambda x, table: x + (2 * table),
        lambda x, table: x + table.sum(),
        lambda x, table: x + pb.asarray(table)[1] * 2,
        lambda x, table: np.where(table > 1, x, -x),
        lambda x, table: pb.scan(lambda c, _: (c + table, None), x + 0 * table, length=3)[0],
        lambda x, table: x if table[0] > 1 else -x,
        lambda x, table: np.take(np.arange(10.0) * x, table.astype(int)),
    ],
)
def test_what_was_computed_from_arrays_is_computed_anew_when_they_change(use):
    table = np.ones(3)
    f = pb.compile(lambda x: use(x, table))
    for value in (1.0, 4.0, 1.0):
        table[:] = value
        np.testing.assert_allclose(f(2.0), use(pb.array(2.0), table))
    assert programs(f) == 2


def test_what_was_computed_from_an_array_without_axes_is_computed_anew_when_it_changes():
    rate = np.array(2.0)
    f = pb.compile(lambda x: x * (rate + 1))
    found = []
    for rate[()] in (2.0, 2.0, 5.0, 2.0):
        found.append(f(1.0))
    assert found == [3.0, 3.0, 6.0, 3.0]


def test_what_was_computed_from_arrays_leaves_the_entry_in_machine_code():
    table = np.ones(3)
    f = pb.compile(lambda x: x + (2 * table))
    f(2.0)
    assert f._fast is not _missed
    assert f._fast(2.0).tolist() == [4, 4, 4]
    table[:] = 2
    assert f._fast(2.0) is MISS
    assert f(2.0).tolist() == [6, 6, 6]


def test_arrays_of_the_library_may_be_written_to_and_share_memory():
    own, memory = pb.array([1.0, 2.0]), np.ones(2)
    shared = pb.asarray(memory)
    f = pb.compile(lambda x: x * own + shared)
    assert f(1.0).tolist() == [2.0, 3.0]
    own[0] = 5.0
    assert f(1.0).tolist() == [6.0, 3.0]
    memory[:] = 7
    assert f(1.0).tolist() == [12.0, 9.0]


def test_what_a_function_makes_for_itself_stays_a_constant():
    def f(x):
        return x * np.arange(3.0) + pb.asarray([1.0, 2.0, 3.0])

    g = pb.compile(f)
    assert g(1.0).tolist() == [1.0, 3.0, 5.0]
    assert len(g.graph.inputs) == 1


def test_what_is_installed_is_not_walked_through(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "installed_beside.py").write_text(
        "FACTOR = 2.0\ndef inner(x):\n    return x * FACTOR\ndef outer(x):\n    return inner(x)\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    beside = importlib.import_module("installed_beside")
    f = pb.compile(lambda x: beside.outer(x))
    assert f(3.0) == 6.0
    holders = [one.holder for one in References([f.__wrapped__]).found.values()]
    assert not any(holder is vars(beside) for holder in holders)
    own = pb.compile(beside.outer)  # its own package is no library to a function
    assert own(3.0) == 6.0
    beside.FACTOR = 3.0
    assert own(3.0) == 9.0


def test_partials_methods_and_defaults_are_looked_into():
    table = [1.0]

    def f(values, x, factor=table):
        return x * values[0] * factor[0]

    values = [2.0]
    g = pb.compile(functools.partial(f, values))
    assert g(3.0) == 6.0
    values[0], table[0] = 4.0, 2.0
    assert g(3.0) == 24.0


# Random numbers -------------------------------------------------------------------------------------------------------


def draws(rng):
    return rng.normal(size=3), rng.integers(10, size=4), rng.permutation(5), rng.random(dtype=np.float32)


@pytest.mark.parametrize("as_argument", [False, True])
def test_generators_go_on_as_they_do_outside(as_argument):
    ours, theirs = pb.random.default_rng(7), pb.random.default_rng(7)
    if as_argument:
        compiled = pb.compile(draws)
        f = functools.partial(compiled, ours)
    else:
        f = compiled = pb.compile(lambda: draws(ours))
    for _ in range(3):
        for found, expected in zip(f(), draws(theirs), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert ours.state.tolist() == theirs.state.tolist()
    assert programs(compiled) == 1
    assert draws(ours)[1].tolist() == draws(theirs)[1].tolist()


def test_random_numbers_that_would_be_the_same_at_every_call_are_refused():
    generator = np.random.default_rng(0)
    functions = [
        lambda x: x + generator.normal(size=2),
        lambda x: x + np.random.rand(2),  # noqa: NPY002  # what is refused
        lambda x: x + random.random(),
    ]
    for f in functions:
        with pytest.raises(pb.errors.ArgumentError, match="compile: expected random numbers"):
            pb.compile(f)(1.0)
    assert pb.compile(lambda x, noise: x + noise)(1.0, generator.normal(size=2)).shape == (2,)


def test_an_array_that_a_function_stores_outside_is_not_lost():
    class Average:
        def __init__(self):
            self.total = np.zeros(2)

        def step(self, x):
            self.total = self.total + x
            return self.total.sum()

    with pytest.raises(pb.errors.GraphError, match=r"puts one .* into 'total'. Return it, or make"):
        pb.compile(Average().step)(1.0)
