"""``pullback.compile``: a function that is compiled for each signature it is called with."""

from __future__ import annotations

import functools
import gc
import inspect
import types
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from pullback.compiler.binding import bind
from pullback.compiler.calls import body_of, program_call
from pullback.compiler.entry import MISS
from pullback.compiler.lower import lower
from pullback.compiler.machine import compiling
from pullback.compiler.program import Program
from pullback.compiler.report import Report, profiles, report
from pullback.compiler.shortcut import available, shortcut
from pullback.compiler.signature import Call
from pullback.compiler.tracing import Traced, trace_call
from pullback.control.bodies import Body
from pullback.core import tree
from pullback.core.array import Array
from pullback.core.capture import capturing
from pullback.core.creation import asarray
from pullback.core.graph import Graph
from pullback.core.node import Node, is_finite
from pullback.core.operations import operations
from pullback.core.parameter import Parameter
from pullback.core.record import apply
from pullback.core.state import debugging, recording
from pullback.core.terminals import constant_node
from pullback.errors import ArgumentError, DTypeError
from pullback.transforms.arguments import restore, result_kind
from pullback.transforms.evaluation import check_input, match_inputs
from pullback.transforms.passes import optimize, settle
from pullback.transforms.simplify import condense

LIMIT = 64
"""How many programs a compiled function keeps; the signature that was compiled for first goes first."""
_RECENT = 4
"""How many programs, those that ran last, are tried by their shortcuts before the signature of a call is looked at."""


@contextmanager
def _without_collection() -> Iterator[None]:
    """Let the collector of cycles rest: what is made meanwhile is in use, and it would go through all of it in vain."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _missed(*args: Any) -> Any:
    """What stands for a shortcut where there is none."""
    return MISS


class Compiled:
    """A function that runs as a program, made by ``compile``. Called as the function that it was made from."""

    def __init__(self, function: Callable[..., Any], static_argnames: Iterable[str]) -> None:
        functools.update_wrapper(self, function)
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self._function = function
        self._static = _static_positions(function, static_argnames)
        self._programs: OrderedDict[Any, list[_Entry]] = OrderedDict()
        self._recent: list[_Entry] = []
        self._fast: Callable[..., Any] = _missed

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Run the program for these arguments, compiling it first if there is none."""
        if capturing.current is not None:
            return self._function(*args, **keywords)
        if not profiles and debugging.nan is None:
            found = MISS if keywords else self._fast(*args)
            if found is MISS and (keywords or len(self._recent) > 1):
                found = self._run_recent(args, keywords)
            if found is not MISS:
                return found
        call = Call(args, keywords, self._static)
        recorded = recording.enabled and any(_is_watched(call.leaves[i]) for i in call.traced)
        if any(_has_no_value(call.leaves[i]) for i in call.traced) or (recorded and debugging.nan is not None):
            return self._function(*args, **keywords)
        used = self._entry(call)
        self._remember(used)
        if recorded or (recording.enabled and used.watches()):
            return used.record(call) if used.is_pure() else self._function(*args, **keywords)
        if profiles:
            return used.run_profiled(call, self.__name__)
        result = used.run(call)
        self._remember(used)
        return result

    def _run_recent(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        """Run one of the programs that ran lately by its shortcut, if one fits."""
        names = tuple(sorted(keywords))
        given = [*args, *[keywords[name] for name in names]]
        for one in self._recent if keywords else self._recent[1:]:
            found = one.fast(*given) if one.fast is not None and one.names == names else MISS
            if found is not MISS:
                self._remember(one)
                return found
        return MISS

    def _remember(self, used: _Entry) -> None:
        self._recent = [used, *[one for one in self._recent if one is not used]][:_RECENT]
        self._fast = _missed if used.fast is None or used.names else used.fast

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def _entry(self, call: Call) -> _Entry:
        """The program for this call, compiled if there is none."""
        found = self._known(call)
        if found is None:
            with compiling:
                found = self._known(call)  # another thread may have been first
                if found is None:
                    found = self._add(call)
        return found

    def _known(self, call: Call) -> _Entry | None:
        known = self._programs.get(call.key, ())
        return next((one for one in tuple(known) if one.traced.state.holds()), None)

    def _add(self, call: Call) -> _Entry:
        with _without_collection():
            entry = _Entry(self._function, call)
        self._programs.setdefault(call.key, []).append(entry)
        self._programs.move_to_end(call.key)
        while sum(map(len, self._programs.values())) > LIMIT:
            oldest = next(iter(self._programs.values()))
            oldest.pop(0)
            if not oldest:
                self._programs.popitem(last=False)
        return entry

    @property
    def graph(self) -> Graph:
        """The graph of the program that ran last, after all passes."""
        return condense(optimize(settle(self._used("graph").traced.named)))

    def report(self) -> Report:
        """What the program that ran last consists of: kernels, products, calls of the host, bytes, memory.

        How long each part takes is measured by ``pullback.profile``.
        """
        return report(self.__name__, self._used("report").program.lowered)

    def ir(self) -> str:
        """The LLVM text of the program that ran last."""
        entry = self._used("ir")
        return entry.program.lowered.text or lower(entry.program.graph, updates=entry.updates).text

    def _used(self, what: str) -> _Entry:
        if not self._recent:
            raise ArgumentError(f"{what}: the function has not been called yet, so there is no program. Call it first")
        return self._recent[0]

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}>"


def graph_compile(graph: Graph) -> Compiled:
    """Return the graph as a compiled function of its inputs: what ``Graph.compile`` does."""

    def run(*values: Any, **named: Any) -> Any:
        known: dict[Node, Node] = {}
        for node, value in match_inputs(graph, values, named, "compiled graph").items():
            array = asarray(value)
            check_input(graph.names[node], array.aval, node.array_aval, "compiled graph")
            known[node] = array.astype(node.array_aval.dtype)._node
        for node in graph.nodes:
            if node not in known:
                inputs = tuple([known[source] for source in node.inputs])
                known[node] = apply(node.primitive, inputs, node.params)._node if inputs else node
        outputs = tuple(Array(known[node]) for node in graph.outputs)
        return outputs if len(outputs) > 1 else outputs[0]

    run.__name__ = "graph"
    return Compiled(run, ())


class _Entry:
    """The program for one signature, and what goes between it and the caller.

    Attributes:
        program: what runs.
        updates: outputs that are new values of inputs: positions of both.
        names: of the keywords that it was called with.
        fast: the shortcut for calls like the last one, of positional arguments and then those of the keywords.
    """

    def __init__(self, function: Callable[..., Any], call: Call) -> None:
        self.held = call.held
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.traced: Traced = trace_call(function, call)
        state = self.traced.state
        self._first_state = len(call.traced)
        positions = {id(parameter): self._first_state + i for i, parameter in enumerate(state.reads)}
        self.updates = {at: positions[id(one)] for one, at in state.writes if id(one) in positions}
        self.program = Program(settle(self.traced.graph), updates=self.updates)
        self.kind = result_kind([call.leaves[i] for i in call.traced], {})
        self.names = call.names
        self.fast: Callable[..., Any] | None = None
        self._attempts = 0
        self._separate: Program | None = None
        self._recorded: Body | None = None

    def is_pure(self) -> bool:
        """Whether the function changes no Parameter, no gradient and no argument."""
        state = self.traced.state
        return not (state.writes or state.grad_writes or state.grad_reads or state.arguments)

    def watches(self) -> bool:
        """Whether the results are Arrays with a derivative by something besides the arguments."""
        state = self.traced.state
        return self.kind == "array" and self.is_pure() and (
            any(parameter.trainable for parameter in state.reads)
            or any(_is_watched(array) for array, _ in state.arrays)
        )  # fmt: skip

    def record(self, call: Call) -> Any:
        """Run the program as a node through which derivatives go."""
        state = self.traced.state
        operands = [asarray(call.leaves[i]) for i in call.traced]
        operands += [Array(parameter._held) for parameter in state.reads]
        operands += [Array(_held(array)) for array, _ in state.arrays]
        outputs = program_call.bind(operands, {"body": self._body()}) if self.traced.graph.outputs else ()
        results = [restore(outputs[one], self.kind) if traced else one for traced, one in self.traced.results]
        return tree.unflatten(self.traced.structure, results)

    def _body(self) -> Body:
        if self._recorded is None:
            self._recorded = body_of(self.name, self.traced.named, self.program)
        return self._recorded

    def run_profiled(self, call: Call, name: str) -> Any:
        """Run a program with the same graph whose parts are measured."""
        if self._separate is None:
            self._separate = Program(self.program.graph, separate=True, updates=self.updates)
        for profile in profiles:
            profile.add(name, self._separate)
        return self._run(self._separate, call)

    def run(self, call: Call) -> Any:
        """Run the program on the arguments of ``call``, and store the state that it gives."""
        result = self._run(self.program, call)
        if self._attempts < _ATTEMPTS and not self.watches():
            self._attempts += 1
            with _without_collection():
                self.fast = shortcut(call, self.traced, self.program, self.updates, self.kind)
        return result

    def _run(self, program: Program, call: Call) -> Any:
        state = self.traced.state
        for position, _ in state.arguments:
            _check_alone(call, position)
        owned = self._owned(program)
        values = [_value(call.leaves[i]) for i in call.traced]
        values += [parameter._held.value for parameter in state.reads]
        values += [parameter._held_grad._node.value for parameter in state.grad_reads]  # type: ignore[union-attr]  # settings say that there is one
        values += [_value(array) for array, _ in state.arrays]
        outputs = program.run(values, owned)
        if debugging.nan is not None and not all(map(is_finite, outputs)):
            operations.explain_nonfinite(self.traced.named, values)
        for position, place in state.arguments:
            _write(call.leaves[position], outputs[place])
        for parameter, place in state.writes:
            if outputs[place] is not parameter._held.value:
                parameter._hold(outputs[place], parameter._held.name)
        for parameter, at in state.grad_writes:
            parameter._held_grad = None if at is None else Array(constant_node(outputs[at]))
        results = [_restored(outputs[one], self.kind) if traced else one for traced, one in self.traced.results]
        return tree.unflatten(self.traced.structure, results)

    def _owned(self, program: Program) -> set[int]:
        """The inputs that the program may overwrite where they are: state that nobody else sees."""
        if debugging.nan is not None or not program.is_native or not available():
            return set()
        written = {id(parameter) for parameter, _ in self.traced.state.writes}
        found = set()
        for position, parameter in enumerate(self.traced.state.reads, self._first_state):
            binding = bind(parameter) if id(parameter) in written else None
            if binding is not None and binding.is_exclusive():
                found.add(position)
        return found


_ATTEMPTS = 1000
"""How often a shortcut is made for a program: where state is replaced time and again, it never pays."""


def _check_alone(call: Call, position: int) -> None:
    """Refuse an argument that is written to, and is another argument too: the program has a copy of each."""
    written = call.leaves[position]
    for i in call.traced:
        if i != position and isinstance(call.leaves[i], (np.ndarray, Array)):
            other = call.leaves[i]
            if other is written or np.may_share_memory(_value(other), _value(written)):
                raise ArgumentError(
                    "compile: expected an array that the function writes to not to share memory with another argument, "
                    "got two that do. Give a copy of one of them"
                )
    if isinstance(written, np.ndarray) and not written.flags.writeable:
        raise ArgumentError("compile: expected an array that the function may write to, got one that is read-only")


def _write(leaf: Any, value: np.ndarray[Any, Any]) -> None:
    """Let the caller's array hold what the function made of it, so that all views of it show that."""
    if isinstance(leaf, Array):
        leaf._node = constant_node(value)
    else:
        leaf[...] = value


def _held(array: Any) -> Node:
    return array._node if isinstance(array, Array) else constant_node(array.copy())  # others may write to theirs


def _value(leaf: Any) -> Any:
    return leaf._node.value if isinstance(leaf, Array) else np.asarray(leaf)


def _restored(value: np.ndarray[Any, Any], kind: str) -> Any:
    if kind == "array":
        return Array(constant_node(value))
    if value.ndim:
        return value
    return value.item() if kind == "python" else value[()]


def _has_no_value(leaf: Any) -> bool:
    return isinstance(leaf, Array) and not isinstance(leaf, Parameter) and leaf._node.value is None


def _is_watched(leaf: Any) -> bool:
    return isinstance(leaf, Array) and not isinstance(leaf, Parameter) and leaf._node.watched


def _static_positions(function: Callable[..., Any], names: Iterable[str]) -> frozenset[str | int]:
    """The names of static arguments, and their positions."""
    names = (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    if not all(isinstance(name, str) for name in names):
        raise DTypeError(f"compile: expected static_argnames to be a name or several, got {names[0]!r}")
    if not names:
        return frozenset()
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise ArgumentError("compile: static_argnames needs a function that has a signature") from None
    positions: set[str | int] = set()
    for name in names:
        found = [i for i, one in enumerate(parameters) if one.name == name and one.kind is not one.VAR_POSITIONAL]
        if not found:
            known = ", ".join(one.name for one in parameters)
            raise ArgumentError(f"compile: static_argnames names {name!r}, which is no argument. There are: {known}")
        positions.add(name)
        if parameters[found[0]].kind is not inspect.Parameter.KEYWORD_ONLY:
            positions.add(found[0])
    return frozenset(positions)


def compile(f: Callable[..., Any] | None = None, *, static_argnames: Sequence[str] | str = ()) -> Any:
    """Return a function that does what ``f`` does, as a program that is compiled at the first call.

    Arrays and Python's floating numbers among the arguments, also inside containers, are traced: a call with others of
    the same shapes and dtypes runs the same program. Everything else is static (integers, strings, functions,
    modules): other values, or other shapes, compile anew.

    What ``f`` refers to besides (variables around it, global names, attributes of objects, classes and modules,
    settings of optimizers) is what it is at the call. Parameters and NumPy arrays are read at every call; where
    something else has changed, ``f`` is compiled anew. What other installed packages refer to, and what is only
    reached by ``getattr``, iterators or operators of classes of one's own, is looked at once. Parameters that it
    assigns get their new values, and so do their gradients after ``backward()``. Other side effects of ``f`` happen
    once, while it is compiled.

    NumPy in, NumPy out, as with ``grad``; what comes out of NumPy arrays is constant to a later ``backward()``. From
    Arrays come Arrays, through which it goes. A derivative through a compiled function that assigns nothing is
    computed by programs too. Inside another compiled function ``f`` itself runs and is part of that. May be used as a
    decorator.

    Args:
        f: a function of arrays and anything else.
        static_argnames: arguments that are static though they are numbers: one name or several.

    Raises:
        ConcretizationError: at the first call, if ``f`` needs the value of a traced argument.
        DTypeError: at the first call, if an argument or a result is an iterator, or an array is not of plain numbers.
        GraphError: at the first call, if ``f`` uses an array that another traced function has stored.
        ArgumentError: at the first call, if ``f`` draws random numbers that are not ``pullback.random``'s.

    >>> import numpy as np
    >>> @compile
    ... def f(x, n):
    ...     return np.sin(x) ** n
    >>> f(np.array([0.0, 1.0]), 2)
    array([0.        , 0.70807342])
    """
    if f is None:
        return functools.partial(compile, static_argnames=static_argnames)
    if not callable(f):
        raise DTypeError(f"compile: expected a function, got {type(f).__name__}")
    return Compiled(f, static_argnames)
