"""Compiled functions: signatures, state, what goes in and what comes out."""

import threading
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

import pullback as pb
from pullback.compiler.compile import LIMIT
from pullback.compiler.entry import MISS


def counted(f):
    """The function, and a list that grows with each run of it as Python: one for each program that is traced."""
    runs = []

    def g(*args, **keywords):
        runs.append(args)
        return f(*args, **keywords)

    return g, runs


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (2.0, 3.0),
        (np.float32(2), np.float32(3)),
        (np.array([1.0, 2.0]), np.array([2.0, 3.0])),
        (np.array([1, 2]), np.array([2, 3])),
    ],
)
def test_what_comes_out_is_of_the_kind_that_went_in(given, expected):
    found = pb.compile(lambda x: x + 1)(given)
    assert type(found) is type(expected)
    np.testing.assert_array_equal(found, expected)
    assert getattr(found, "dtype", None) == getattr(expected, "dtype", None)


def test_arrays_give_arrays():
    found = pb.compile(lambda x: x + 1)(pb.array([1.0]))
    assert isinstance(found, pb.Array)
    assert found.tolist() == [2.0]


def test_one_program_for_each_signature():
    g, runs = counted(lambda x, n: x * n)
    f = pb.compile(g)
    for x in (np.ones(3), np.zeros(3), 2 * np.ones(3)):
        np.testing.assert_array_equal(f(x, 2), 2 * x)
    assert len(runs) == 1
    f(np.ones(4), 2)
    f(np.ones(3, np.float32), 2)
    f(np.ones(3), 3)
    f(np.ones(3), 3.0)
    assert len(runs) == 5
    assert f(np.ones(3), 4.0).tolist() == [4.0, 4.0, 4.0]
    assert len(runs) == 5


def test_static_arguments_by_name():
    def f(x, scale, *, shift):
        return x * scale if scale > 1 else x + shift

    with pytest.raises(pb.errors.ConcretizationError):
        pb.compile(f)(1.0, 2.0, shift=0.5)
    g = pb.compile(f, static_argnames=("scale", "shift"))
    assert g(3.0, 2.0, shift=0.5) == 6.0
    assert g(3.0, scale=0.5, shift=0.5) == 3.5
    with pytest.raises(pb.errors.ArgumentError, match="names 'size', which is no argument"):
        pb.compile(f, static_argnames="size")


def test_flags_strings_and_functions_are_static():
    f = pb.compile(lambda x, how, flag, function: function(x) if flag and how == "apply" else x)
    assert f(4.0, "apply", True, np.sqrt) == 2.0
    assert f(4.0, "apply", True, np.square) == 16.0
    assert f(4.0, "leave", True, np.sqrt) == 4.0
    assert f(4.0, "apply", False, np.sqrt) == 4.0
    assert f(4.0, None, True, np.sqrt) == 4.0


@dataclass
class Point:
    x: float
    y: float


def test_containers_go_in_and_come_out():
    f = pb.compile(lambda p, d: {"sum": p.x + d["a"], "pair": (p.y, [d["b"] * 2]), "kept": "text"})
    found = f(Point(1.0, 2.0), {"a": 3.0, "b": np.array([4.0])})
    assert found["sum"] == 4.0
    assert found["pair"][0] == 2.0
    assert found["pair"][1][0].tolist() == [8.0]
    assert found["kept"] == "text"


def test_containers_take_the_short_way_too():
    f = pb.compile(lambda d, x: {"a": d["x"] * 2, "b": (x, [x + 1])})
    x = np.ones(2)
    f({"x": x}, x)
    for given in ({"x": np.arange(2.0)}, {"x": x}):
        found = f._fast(given, x)
        assert found["a"].tolist() == (2 * given["x"]).tolist()
        assert found["b"][1][0].tolist() == [2.0, 2.0]
    for other in ({"x": np.ones(3)}, {"y": x}, {"x": 2.0}, {"x": x, "y": x}, [x], x):
        assert f._fast(other, x) is MISS
    assert f({"x": 2.0}, x)["a"] == 4.0
    both = pb.compile(pb.value_and_grad(lambda a, b: a * b, argnums=(0, 1)))
    both(3.0, 2.0)
    assert both._fast(5.0, 2.0) == (10.0, (2.0, 5.0))


def test_what_is_returned_unchanged_is_a_copy():
    x = np.ones(3)
    f = pb.compile(lambda x: (x, x))
    first, second = f(x)
    first[0] = 7
    assert x[0] == second[0] == 1


def test_constants_that_are_returned_are_copies():
    table = np.arange(3.0)
    f = pb.compile(lambda x: (x, table))
    f(1.0)[1][0] = 7
    assert f(1.0)[1].tolist() == [0, 1, 2]


def test_wrong_shapes_raise_as_they_do_without_being_compiled():
    f = pb.compile(lambda x, y: x @ y)
    f(np.ones((2, 3)), np.ones(3))
    with pytest.raises(pb.errors.ShapeError, match="matmul"):
        f(np.ones((2, 3)), np.ones(4))
    with pytest.raises(pb.errors.DTypeError, match="compile: expected plain arrays of numbers"):
        f(np.array(["a"]), np.ones(4))


def test_layouts_in_memory_do_not_matter():
    f = pb.compile(lambda x: np.exp(x) - x.sum(axis=0))
    x = np.random.default_rng(0).normal(size=(6, 4))
    expected = f(x)
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x[::-1][::-1], x.astype(">f8")):
        np.testing.assert_array_equal(f(other), expected)
    bare = bytearray(x.nbytes + 1)
    shifted = np.frombuffer(bare, np.uint8, x.nbytes, 1).view(np.float64).reshape(x.shape)
    shifted[...] = x
    assert not shifted.flags.aligned
    np.testing.assert_array_equal(f(shifted), expected)
    np.testing.assert_array_equal(f(np.broadcast_to(1.5, (6, 4))), f(np.full((6, 4), 1.5)))


class Named(np.ndarray):
    """A subclass that adds nothing."""


def test_subclasses_are_arrays_and_others_are_refused():
    f = pb.compile(lambda x: x * 2)
    assert type(f(np.ones(2).view(Named))) is np.ndarray
    for given in (np.ma.array([1.0, 2.0], mask=[False, True]), np.array([1, None]), np.array(["2020"], "M8[Y]")):
        with pytest.raises(pb.errors.DTypeError, match="compile: expected plain arrays of numbers"):
            f(given)
    assert f(1.0) == 2.0


def test_numbers_of_every_kind():
    f = pb.compile(lambda x: x * 2)
    given = [np.float32(3), np.int64(3), 3, True, 3.0, 3j, np.array(3.0), np.array(3), np.float16(3), np.longdouble(3)]
    for one in given:
        found, expected = f(one), one * 2
        assert type(found) is type(expected), one
        assert found == expected


def test_keywords_defaults_and_further_arguments():
    def f(x, y=2.0, *more, scale, none=None, **others):
        return (x * y + sum(more)) * scale + (0 if none is None else none) + others.get("shift", 0)

    g = pb.compile(f)
    calls = [
        ((1.0,), {"scale": 2.0}),
        ((1.0, 3.0, 4.0, 5.0), {"scale": np.ones(2)}),
        ((1.0,), {"scale": 2.0, "none": 1.0, "shift": np.arange(2)}),
        ((np.ones(2),), {"y": 3, "scale": 1}),
    ]
    for arguments, keywords in calls:
        for _ in range(2):
            np.testing.assert_array_equal(g(*arguments, **keywords), f(*arguments, **keywords))


def test_empty_arrays_and_empty_results():
    assert pb.compile(lambda x: x.sum() + x)(np.ones((0, 3))).shape == (0, 3)
    assert pb.compile(lambda x: None)(1.0) is None
    assert pb.compile(lambda x: ())(1.0) == ()
    assert pb.compile(lambda x: {"a": None, "b": [x]})(1.0) == {"a": None, "b": [1.0]}


def test_what_a_function_writes_to_its_arguments_arrives_there():
    def f(x, i, pair):
        x[i] = 7
        x += pair["b"]
        pair["b"] *= 2
        return x.sum()

    results = []
    for g in (pb.compile(f), f):
        whole = np.arange(8.0)
        part, other = whole[::2], np.ones(4)
        sums = [g(part, 1, {"b": other}), g(part, 2, {"b": other})]
        results.append((sums, whole.tolist(), other.tolist()))
    assert results[0] == results[1]
    x = pb.array([1.0, 2.0])
    pb.compile(lambda x: x.__iadd__(1) * 0)(x)
    assert x.tolist() == [2.0, 3.0]


def test_an_argument_that_is_written_to_and_is_another_one_is_refused():
    def f(x, y):
        x += 1
        return x * y

    g = pb.compile(f)
    x = np.ones(4)
    assert g(x, np.ones(4)).tolist() == [2.0] * 4
    for one, other in ((x, x), (x[:3], x[1:])):
        with pytest.raises(pb.errors.ArgumentError, match="not to share memory with another argument"):
            g(one, other)
    with pytest.raises(pb.errors.ArgumentError, match="read-only"):
        g(np.broadcast_to(1.0, 4), x)
    assert x.tolist() == [2.0] * 4


def test_arguments_that_share_memory_may_be_read():
    x = np.arange(4.0)
    assert pb.compile(lambda a, b: a + b)(x[:-1], x[1:]).tolist() == [1.0, 3.0, 5.0]
    assert pb.compile(lambda a, b: a * b)(x, x).tolist() == [0.0, 1.0, 4.0, 9.0]


def test_an_error_of_the_function_leaves_nothing_behind():
    def f(x, bad):
        if bad:
            raise ValueError("mine")
        return x + 1

    g = pb.compile(f)
    for _ in range(2):
        with pytest.raises(ValueError, match="mine"):
            g(1.0, True)
        assert g(1.0, False) == 2.0
        assert pb.grad(g)(1.0, False) == 1.0
    assert not pb.array(1.0).requires_grad


def test_the_cache_of_programs_is_bounded():
    f = pb.compile(lambda x, n: x + n)
    for n in range(LIMIT + 10):
        f(1.0, n)
    assert sum(map(len, f._programs.values())) == LIMIT


# State ----------------------------------------------------------------------------------------------------------------


def test_parameters_are_read_at_each_call_and_written_back():
    w = pb.Parameter([1.0, 2.0])

    @pb.compile
    def step(x):
        w.assign(w * 2)
        return w + x

    assert step(1.0).tolist() == [3.0, 5.0]
    assert w.detach().tolist() == [2.0, 4.0]
    w.assign([10.0, 20.0])
    assert step(1.0).tolist() == [21.0, 41.0]
    assert isinstance(w, pb.Parameter)
    assert w.requires_grad


def test_values_held_elsewhere_do_not_change_with_the_parameter():
    w = pb.Parameter([1.0, 2.0])

    @pb.compile
    def step():
        w.assign(w * 2)

    step()
    before = w.detach()
    view = np.asarray(before)
    loss = (w * w).sum()
    step()
    step()
    assert before.tolist() == view.tolist() == [2.0, 4.0]
    loss.backward()
    assert w.grad.tolist() == [4.0, 8.0]
    assert w.detach().tolist() == [8.0, 16.0]


def test_backward_inside_leaves_the_gradients_that_it_leaves_outside():
    def make():
        return pb.nn.Sequential(pb.nn.Linear(3, 4, rng=0), np.tanh, pb.nn.Linear(4, 2, rng=1))

    x, y = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32), np.array([0, 1, 1, 0, 1])

    def run(model, wrap):
        @wrap
        def step(x, y):
            loss = pb.nn.cross_entropy_with_logits(model(x), y)
            loss.backward()
            return loss

        losses = [step(x, y).item() for _ in range(3)]  # gradients accumulate
        return losses, [p.grad.numpy() for p in model.parameters()]

    for one, other in zip(run(make(), pb.compile), run(make(), lambda f: f), strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_an_error_leaves_parameters_as_they_were():
    w = pb.Parameter([1.0, 2.0])

    @pb.compile
    def step(i):
        w.assign(w * 2)
        return np.take(w, i)

    assert step(np.array(1)) == 4.0
    with pytest.raises(IndexError):
        step(np.array(5))
    assert w.detach().tolist() == [2.0, 4.0]


def test_an_error_while_tracing_leaves_parameters_as_they_were():
    w = pb.Parameter([1.0, 2.0])

    @pb.compile
    def step(x):
        w.assign(w * 2)
        w.grad = w
        return w if x > 0 else x

    with pytest.raises(pb.errors.ConcretizationError):
        step(1.0)
    assert w.detach().tolist() == [1.0, 2.0]
    assert w.grad is None


def test_freezing_a_parameter_compiles_anew():
    w = pb.Parameter([1.0, 2.0])

    @pb.compile
    def gradient(x):
        w.grad = None
        ((w * x).sum() + x * 0).backward()

    gradient(pb.array(3.0))
    assert w.grad.tolist() == [3.0, 3.0]
    w.trainable = False
    w.assign(w)
    with pytest.raises(pb.errors.NotDifferentiableError):
        gradient(pb.array(3.0))


def test_modules_among_the_arguments_are_read_as_they_are():
    layer = pb.nn.Linear(2, 1, rng=0)
    f = pb.compile(pb.value_and_grad(lambda layer, x: layer(x).sum()))
    x = np.ones((3, 2), np.float32)
    first, gradient = f(layer, x)
    assert gradient.weight.tolist() == [[3.0, 3.0]]
    layer.bias.assign([1.0])
    assert f(layer, x)[0] == pytest.approx(first + 3)


def test_a_parameter_made_inside_and_forgotten_begins_anew_at_each_call():
    @pb.compile
    def f(x):
        total = pb.Parameter(0.0)
        total.assign(total + x)
        return total * 1.0

    assert f(2.0) == 2.0
    assert f(3.0) == 3.0


# Transforms -----------------------------------------------------------------------------------------------------------


def test_derivatives_of_compiled_and_compiled_derivatives():
    f = pb.compile(lambda x: np.sin(x) * x)
    expected = np.cos(2.0) * 2.0 + np.sin(2.0)
    assert pb.grad(f)(2.0) == pytest.approx(expected)
    assert pb.compile(pb.grad(f))(2.0) == pytest.approx(expected)
    assert pb.compile(pb.grad(pb.grad(f)))(2.0) == pytest.approx(pb.grad(pb.grad(f))(2.0))
    assert pb.compile(lambda x: pb.jvp(f, (x,), (1.0,))[1])(2.0) == pytest.approx(expected)
    x = np.linspace(0, 1, 5)
    np.testing.assert_allclose(pb.compile(pb.vmap(pb.grad(f)))(x), np.cos(x) * x + np.sin(x))
    np.testing.assert_allclose(pb.vmap(f)(x), np.sin(x) * x)


def test_recorded_arguments_keep_their_gradient():
    x = pb.array([1.0, 2.0], requires_grad=True)
    f = pb.compile(lambda x: x * x)
    f(x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    with pb.no_grad():
        assert not f(x).requires_grad


def test_compiled_inside_compiled():
    inner = pb.compile(lambda x: x * 2)
    assert pb.compile(lambda x: inner(x) + 1)(3.0) == 7.0


def test_a_graph_is_compiled():
    run = pb.expression("d = 2*b; e = a + d; L = c*e").forward(a=3, b=1, c=-2)
    f = run.graph.backward().compile()
    assert f(a=3.0, b=1.0, c=-2.0) == f(1.0, 3.0, -2.0) == (-4.0, -2.0, 5.0)
    assert f(1, np.float32(3), np.int8(-2)) == (-4.0, -2.0, 5.0)
    with pytest.raises(pb.errors.ShapeError, match="compiled graph: expected b to be of shape"):
        f(np.ones(2), 1.0, 1.0)
    with pytest.raises(pb.errors.DTypeError, match="compiled graph: expected b to be float64, got complex128"):
        f(1j, 1.0, 1.0)
    with pytest.raises(pb.errors.GraphError, match="compiled graph: no value for a, c"):
        f(1.0)


def test_what_a_graph_reads_may_be_given_anew():
    w = pb.Parameter(np.arange(3.0), name="w")
    f = pb.trace(lambda x: x * w, np.ones(3)).compile()
    assert f(np.ones(3)).tolist() == [0, 1, 2]
    assert f(np.ones(3), w=[1, 1, 2]).tolist() == [1, 1, 2]


def test_methods_can_be_compiled():
    class Scale:
        factor = 3.0

        @pb.compile
        def apply(self, x):
            return self.factor * x

        @staticmethod
        @pb.compile
        def double(x):
            return 2 * x

        @classmethod
        @pb.compile
        def named(cls, x):
            return cls.factor * x

        @pb.compile(static_argnames="n")
        def power(self, x, n):
            return x**n if n > 1 else x

    assert Scale().apply(2.0) == 6.0
    assert Scale.double(2.0) == 4.0
    assert Scale.named(2.0) == 6.0
    assert (Scale().power(3.0, 2.0), Scale().power(3.0, n=0.5)) == (9.0, 3.0)
    assert pb.compile(Scale().apply)(2.0) == 6.0
    scale = Scale()
    assert scale.apply(2.0) == 6.0
    assert scale.apply.report().parts
    assert len(scale.apply.graph.outputs) == 1


def test_attributes_of_classes_are_read_at_each_call():
    class Base:
        factor = 2.0

    class Scale(Base):
        pass

    class Layer(pb.nn.Module):
        power = 2.0

        def __call__(self, x):
            return x**self.power

    scale, layer = Scale(), Layer()
    of_object = pb.compile(lambda x: x * scale.factor)
    of_class = pb.compile(lambda x: x * Scale.factor)
    of_module = pb.compile(lambda x: layer(x))
    assert (of_object(3.0), of_class(3.0), of_module(3.0)) == (6.0, 6.0, 9.0)
    assert (of_object(3.0), of_class(3.0), of_module(3.0)) == (6.0, 6.0, 9.0)
    Base.factor, Layer.power = 5.0, 3.0
    assert (of_object(3.0), of_class(3.0), of_module(3.0)) == (15.0, 15.0, 27.0)
    Scale.factor = 7.0
    assert (of_object(3.0), of_class(3.0)) == (21.0, 21.0)
    scale.factor = 1.0
    assert (of_object(3.0), of_class(3.0)) == (3.0, 21.0)


def test_several_threads_compile_at_once():
    x = np.linspace(0.1, 0.9, 37)
    formulas = [np.arctan, np.cbrt, np.expm1, np.log1p, np.arcsinh, np.tanh]
    for formula in formulas:
        step = pb.compile(lambda x, y, formula=formula: formula(x) * np.sinh(y))
        together, found = threading.Barrier(3), []

        def run(step=step, together=together, found=found):
            together.wait()
            found.append(step(x, x))

        several = [threading.Thread(target=run) for _ in range(3)]
        for one in several:
            one.start()
        for one in several:
            one.join()
        assert len(found) == 3
        assert sum(map(len, step._programs.values())) == 1
        for one in found:
            np.testing.assert_allclose(one, formula(x) * np.sinh(x), rtol=1e-12)


def test_several_threads_run_one_program():
    f = pb.compile(lambda x: np.cumsum(np.exp(x) * 2 + x)[-1])
    given = [np.full(2000, i / 10) for i in range(8)]
    expected = [float(f(x)) for x in given]
    found = [None] * 8

    def run(i):
        for _ in range(20):
            found[i] = float(f(given[i]))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == expected


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_product_with_zero_is_computed(zero):
    x = np.array([np.nan, -1.0, np.inf, 1.0])
    with np.errstate(invalid="ignore"):
        expected = [x * zero, zero / x + x * zero, x * zero + 1]
    found = pb.compile(lambda x: (x * zero, zero / x + x * zero, x * zero + 1))(x)
    assert [one.tobytes() for one in found] == [one.tobytes() for one in expected]


def test_containers_that_are_static_count_by_what_they_hold():
    f = pb.compile(lambda x, n: x * sum(n), static_argnames="n")
    held = [1.0, 2.0]
    assert f(1.0, held) == 3.0
    held.append(3.0)
    assert f(1.0, held) == 6.0
    total, runs = counted(lambda x, axes: np.sum(x, axis=axes))
    f = pb.compile(lambda x, axes: total(x, axes), static_argnames="axes")
    for _ in range(3):
        assert f(np.ones((2, 3)), tuple(range(2))) == 6.0
    assert len(runs) == 1


@pytest.mark.parametrize("ndim", [33, 64])
def test_arrays_may_have_as_many_axes_as_numpy_has(ndim):
    x = np.full((1,) * (ndim - 1) + (2,), 3.0)
    found = pb.compile(lambda x: x * np.ones(x.shape) + 1)(x)
    assert found.shape == x.shape
    assert found.ravel().tolist() == [4.0, 4.0]


def test_objects_that_are_static_count_by_what_they_hold():
    settings = SimpleNamespace(scale=2.0)
    f = pb.compile(lambda x, settings: x * settings.scale, static_argnames="settings")
    assert f(1.0, settings) == 2.0
    settings.scale = 3.0
    assert f(1.0, settings) == 3.0


def append(x, held):
    held.append(x)


def replace(x, held):
    held[0] = x


def add(x, held):
    held["new"] = x


@pytest.mark.parametrize(("f", "held"), [(append, []), (replace, [1.0]), (add, {"old": 1.0})])
def test_what_a_function_puts_into_an_argument_is_not_lost(f, held):
    with pytest.raises(pb.errors.ArgumentError, match="puts something else into one"):
        pb.compile(f)(1.0, held)


def test_arrays_in_an_argument_are_updated():
    held = {"w": np.ones(2)}

    @pb.compile
    def f(held):
        held["w"] -= 0.5
        held = {**held, "new": 1.0}
        return held["w"].sum()

    assert f(held) == 1.0
    assert f(held) == 0.0


@pytest.mark.parametrize("names", [1, [1], None, ["n", 2.0]])
def test_static_argnames_that_are_no_names_are_refused(names):
    with pytest.raises(pb.errors.DTypeError, match="static_argnames to be a name or several, got"):
        pb.compile(lambda x, n: x * n, static_argnames=names)


def doubled(x):
    yield x * 2


async def later(x):
    return x


@pytest.mark.parametrize("function", [doubled, lambda x: (one for one in x), lambda x: [map(abs, x)]])
def test_results_that_are_computed_later_are_refused(function):
    with pytest.raises(pb.errors.DTypeError, match=r"return arrays, got (generator|map), whose code would run outside"):
        pb.compile(function)(np.ones(2))


@pytest.mark.filterwarnings("ignore:coroutine")
def test_coroutines_are_refused():
    with pytest.raises(pb.errors.DTypeError, match="return arrays, got coroutine"):
        pb.compile(later)(np.ones(2))


@pytest.mark.parametrize("make", [iter, lambda xs: (x for x in xs), lambda xs: zip(xs, xs, strict=True)])
def test_arguments_that_can_be_read_once_are_refused(make):
    with pytest.raises(pb.errors.DTypeError, match=r"the same at every call, got .*Give a list"):
        pb.compile(lambda xs: sum(1 for _ in xs))(make([1.0, 2.0]))


def test_arrays_of_another_function_that_was_traced_are_refused():
    stored = []
    pb.compile(stored.append)(np.ones(2))
    with pytest.raises(pb.errors.GraphError, match=r"arrays of this call, got .* of another function"):
        pb.compile(lambda y: y + stored[0])(np.ones(2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sign_of_a_negative_zero_is_zero(dtype):
    x = np.array([-0.0, 0.0, -3.0, 2.0, np.inf], dtype)
    assert not np.signbit(pb.compile(np.sign)(x)[:2]).any()
    np.testing.assert_array_equal(pb.compile(np.sign)(x), np.sign(x))


def test_programs_that_take_turns_keep_their_entries_in_machine_code(monkeypatch):
    factor = 2.0
    f = pb.compile(lambda x: x * factor)
    sizes = [3, 4, 5]
    for n in sizes:
        f(np.ones(n))
    with monkeypatch.context() as patch:
        patch.setattr(f, "_entry", None)  # the long way is not taken
        for n in [*sizes, *sizes]:
            assert f(np.ones(n)).tolist() == [2.0] * n
            assert f.graph.inputs[0].aval.shape == (n,), "the report is on what ran last"
    factor = 3.0
    for n in [*sizes, *sizes]:
        assert f(np.ones(n)).tolist() == [3.0] * n


def test_a_report_is_on_what_ran_last_with_derivatives_or_without():
    f = pb.compile(lambda x: x * 2)
    for _ in range(2):
        f(np.ones(3))
        assert f.graph.inputs[0].aval.shape == (3,)
        f(pb.array(np.ones(4), requires_grad=True))
        assert f.graph.inputs[0].aval.shape == (4,)
