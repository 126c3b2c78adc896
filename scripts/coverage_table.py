"""What pullback does with each function that NumPy lets others override: found by running it, written to a table.

``python scripts/coverage_table.py`` writes docs/coverage.md. A test holds the file to what this gives, row by row.

A function is run with one floating array of a call watched at a time. What comes out is

- *covered*: the result is watched, and its derivatives agree with finite differences;
- *constant*: the result has no floating numbers, or does not change with the argument: there is no derivative to lose;
- *refused*: an error that names the function, and says what to use.

Anything else raises SilentLossError. The calls are those that the operations declare as their samples; functions that
are no operation of pullback's have theirs here, so a function that NumPy adds must be decided about.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import inspect
import io
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.char  # these modules list their functions once they are imported
import numpy.fft
import numpy.lib.recfunctions
import numpy.polynomial
import scipy.special
from numpy.testing import overrides as numpys

import pullback as pb
from pullback.core.families import Pointwise
from pullback.core.operations import functions, operations, overrides, primitives
from pullback.core.sample import Sample, call, integers, normal
from pullback.core.tree import flatten
from pullback.errors import GradientError, PullbackError, operation_names
from pullback.testing import check_grads

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "coverage.md"
PEERS = ROOT / "scripts" / "peers.json"

YES, NONE = "yes", "-"


class SilentLossError(AssertionError):
    """A watched argument whose derivative is neither computed nor refused."""


# The calls ----------------------------------------------------------------------------------------------------------

IN_PLACE = {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}
"""Functions that update their first argument and return nothing."""

MASK = np.array([[True, False, True], [False, True, True]])
CALLS: dict[Callable[..., Any], Sample] = {
    **dict.fromkeys([np.array, np.asanyarray, np.asarray], call(normal(2, 3))),
    np.copyto: call(normal(2, 3), normal(3)),
    np.fill_diagonal: call(normal(3, 3), normal()),
    np.place: call(normal(2, 3), MASK, normal(2)),
    np.put: call(normal(2, 3), [0, 4], normal(2)),
    np.put_along_axis: call(normal(2, 3), integers(0, 3, 2, 1), normal(2, 1), axis=1),
    np.putmask: call(normal(2, 3), MASK, normal(2, 3)),
    # What gives integers, booleans, dtypes, text or files.
    **dict.fromkeys([np.array2string, np.array_repr, np.array_str], call(normal(3))),
    **dict.fromkeys([np.common_type, np.min_scalar_type, np.result_type], call(normal(3))),
    **dict.fromkeys([np.may_share_memory, np.shares_memory], call(normal(3), normal(3))),
    np.can_cast: call(normal(3), np.float32),
    np.busday_count: call("2024-01-01", "2024-02-01"),
    np.busday_offset: call("2024-01-01", 3),
    np.datetime_as_string: call(np.datetime64("2024-01-01")),
    np.einsum_path: call("i,i->", normal(3), normal(3)),
    np.is_busday: call("2024-01-01"),
    np.isnat: call(np.array("2024-01-01", "M8[D]")),
    np.lexsort: call((normal(4), normal(4))),  # of a list NumPy asks for arrays itself
    np.packbits: call(integers(0, 2, 8)),
    np.unpackbits: call(np.array([3, 7], np.uint8)),
    np.save: call(io.BytesIO(), normal(3)),
    np.savetxt: call(io.StringIO(), normal(3)),
    np.savez: call(io.BytesIO(), normal(3)),
    np.savez_compressed: call(io.BytesIO(), normal(3)),
    # What makes arrays of files, bytes and iterators.
    np.frombuffer: call(b"12345678"),
    np.fromfile: call(ROOT / "LICENSE", np.uint8),
    np.fromiter: call([1.0, 2.0], float),
    np.fromstring: call("1 2", sep=" "),
    np.genfromtxt: call(["1 2"]),
    np.loadtxt: call(["1 2"]),
}  # fmt: skip
"""Calls of functions that declare no samples: those of pullback that work in place, and those that are not its own."""

REFUSED = {np.polynomial.polynomial.polygrid2d, np.polynomial.polynomial.polyval2d}
"""Functions that are refused by name: called with watched arrays in all places that must be given."""


COMPARED: dict[Callable[..., Any], Callable[[Any], Any]] = {
    np.linalg.eig: lambda found: (found[0], abs(found[1]) ** 2),
}
"""What is compared of results that are not determined: eigenvectors have phases of their own."""


def is_text(function: Callable[..., Any]) -> bool:
    """Whether a function is for text or records, which there are none of in an Array of numbers."""
    if isinstance(function, np.ufunc):
        return not any(kind in "".join(function.types) for kind in "dlM") and function not in overrides
    return function.__module__ in ("numpy.char", "numpy.strings", "numpy.lib.recfunctions")


def declared(function: Callable[..., Any]) -> Any:
    """Return the declaration of the operation that takes the place of a function of NumPy, or None."""
    ours = overrides.get(function)
    if ours is None:
        return None
    name = getattr(ours, "name", None) or operation_names.get(getattr(ours, "__code__", None), "")
    return functions.get(name) or primitives.get(name)


def calls(function: Callable[..., Any]) -> list[Sample]:
    """Return the calls with which a function is tried; raise SilentLossError if nothing says how."""
    if function in CALLS:
        return [CALLS[function]]
    ours = declared(function)
    if ours is not None and ours.samples:
        fitting = [one for one in ours.samples if _binds(function, one)]
        smooth = [one for one in fitting if one.smooth and has_floats(one)]
        return smooth or fitting
    if isinstance(function, np.ufunc) and is_text(function):
        return [call(*[normal(3)] * function.nin)]
    if function in REFUSED or is_text(function):
        return [call(normal(3), *[normal(3)] * _required(function))]
    raise SilentLossError(f"{title(function)}: nothing says what becomes of a derivative. Add a call to CALLS")


def _binds(function: Callable[..., Any], sample: Sample) -> bool:
    """Whether NumPy's function takes the arguments of a call: two of its functions may share one of pullback's."""
    if isinstance(function, np.ufunc):
        return len(sample.args) == function.nin
    with contextlib.suppress(ValueError):
        try:
            inspect.signature(function).bind(*sample.args, **sample.keywords)
        except TypeError:
            return False
    return True


def _required(function: Callable[..., Any]) -> int:
    """How many arguments beside the first a function must be given."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    return len([one for one in parameters if one.default is one.empty and one.kind in kinds])


def has_floats(sample: Sample) -> bool:
    """Whether a call has a floating array among its arguments."""
    return any(is_float(leaf) for leaf in flatten(sample.make())[0])


def is_float(leaf: Any) -> bool:
    """Whether an argument is a floating array."""
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def title(function: Callable[..., Any]) -> str:
    """Return the name under which users find a function."""
    name = function.__name__
    if isinstance(function, np.ufunc):
        places = {"numpy": np, "numpy.strings": np.strings, "numpy._core.umath": np._core.umath}
        return next(f"{path}.{name}" for path, place in places.items() if getattr(place, name, None) is function)
    return f"{function.__module__}.{name}"


def overridable() -> list[Callable[..., Any]]:
    """Return every function that NumPy lets others override, each once, ufuncs last, by name."""
    listed = {one for one in numpys.get_overridable_numpy_array_functions() if getattr(np, one.__name__, one)}
    public = [one for one in listed if not _is_twin(one)]
    return sorted(public, key=title) + sorted(numpys.get_overridable_numpy_ufuncs(), key=title)


def _is_twin(function: Callable[..., Any]) -> bool:
    """Whether this is the half of a creation function that handles ``like=``, of which the public one is listed too."""
    public = getattr(np, function.__name__, function)
    return function.__module__ == "numpy" and public is not function


# Running them -------------------------------------------------------------------------------------------------------


def as_function(function: Callable[..., Any], sample: Sample, seed: int = 1) -> tuple[Callable[..., Any], list[Any]]:
    """Return a call as a function of its floating arrays, and these."""
    args, keywords = sample.make(seed)
    keywords = dict(sorted(keywords.items()))
    points = [leaf for leaf in flatten((args, keywords))[0] if is_float(leaf)]
    if "like" in _parameters(function):
        keywords["like"] = pb.array(0.0)

    def run(*values: Any) -> Any:
        left = iter(values)
        given, named = _fill(args, left), _fill(keywords, left)
        if function in IN_PLACE:
            target = pb.array(given[0])
            function(target, *given[1:], **named)
            return target
        return COMPARED.get(function, lambda found: found)(function(*given, **named))

    return run, points


def _fill(tree: Any, values: Iterator[Any]) -> Any:
    if isinstance(tree, (list, tuple)):
        return type(tree)(_fill(one, values) for one in tree)
    if isinstance(tree, dict):
        return {name: _fill(one, values) for name, one in tree.items()}
    if is_float(tree):
        return next(values)
    return pb.array(tree) if isinstance(tree, np.ndarray) and tree.dtype.kind in "biu" else tree


@functools.cache
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(function).parameters.values()
        return tuple(one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD))
    except ValueError:  # written in C, without a signature: those that take like=
        return ("like",) if function.__name__ in _WITHOUT_SIGNATURE else ()


_WITHOUT_SIGNATURE = {
    "arange", "array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray", "empty", "frombuffer",
    "fromfile", "fromiter", "fromstring", "zeros",
}  # fmt: skip


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of NumPy: what is compared are values."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def floating(output: Any) -> list[Any]:
    """Return the floating and complex arrays in a result."""
    leaves = [leaf for leaf in flatten(output)[0] if isinstance(leaf, (pb.Array, np.ndarray, np.generic))]
    return [leaf for leaf in leaves if leaf.dtype.kind in "fc"]


@dataclass(frozen=True)
class Row:
    """What was found of one function."""

    name: str
    kind: str  # covered, constant or refused
    forward: str = NONE
    reverse: str = NONE
    second: str = NONE
    batched: str = NONE
    note: str = ""

    def __str__(self) -> str:
        cells = (self.kind, self.forward, self.reverse, self.second, self.batched, self.note)
        return f"| `{self.name}` | {' | '.join(cells)} |"


@functools.cache
def examine(function: Callable[..., Any]) -> Row:
    """Run a function with each floating argument of each call watched in turn; raise SilentLossError if one is lost."""
    name = title(function)
    found: set[str] = set()
    note = ""
    samples = calls(function)
    with quiet():
        for sample in samples:
            run, points = as_function(function, sample)
            if not points:
                run()
            for position in range(len(points)):
                kind, reason = _outcome(name, run, points, position)
                found.add(kind)
                note = note or reason
        if "covered" in found:
            best = max(samples, key=lambda one: _is_differentiated(function, one))
            return Row(name, "covered", *_derivatives(function, best), note or _keywords(function))
        if "refused" in found:
            return Row(name, "refused", note=note)
        return Row(name, "constant", batched=_batched(function, samples[0]), note=_keywords(function))


def _outcome(name: str, run: Callable[..., Any], points: list[Any], position: int) -> tuple[str, str]:
    """What becomes of the derivative by one argument of one call: covered, constant or refused; and why."""
    given = [pb.array(x, requires_grad=i == position) for i, x in enumerate(points)]
    try:
        outputs = floating(run(*given))
    except PullbackError as error:
        head = error.reason.partition(":")[0]
        if head.rpartition(".")[2].lstrip("_") not in name:
            raise SilentLossError(f"{name}: the error does not name it: {error}") from error
        return "refused", _reason(error)
    if any(isinstance(one, pb.Array) and one.requires_grad for one in outputs):
        return "covered", ""
    moved = [x + 1e-4 * (i == position) for i, x in enumerate(points)]
    for one, other in zip(outputs, floating(run(*map(pb.array, moved))), strict=True):
        if not np.allclose(np.asarray(one), np.asarray(other), rtol=0, atol=1e-9, equal_nan=True):
            raise SilentLossError(f"{name}: the result depends on argument {position}, and its derivative is lost")
    return "constant", ""


def _reason(error: PullbackError) -> str:
    text = error.reason.partition(": ")[2]
    return text.replace("|", "\\|").replace("\n", " ")


def _is_differentiated(function: Callable[..., Any], sample: Sample) -> int:
    """How well a call shows derivatives: 2 if its result is watched, 1 if that is in single precision, else 0."""
    run, points = as_function(function, sample)
    try:
        outputs = floating(run(*[pb.array(x, requires_grad=True) for x in points]))
    except PullbackError:
        return 0
    watched = any(isinstance(one, pb.Array) and one.requires_grad for one in outputs)
    return watched * (2 if all(one.dtype.char in "dD" for one in outputs) else 1)


def _derivatives(function: Callable[..., Any], sample: Sample) -> list[str]:
    run, points = as_function(function, sample)

    def check(order: int, *modes: str) -> str:
        try:
            check_grads(lambda *values: floating(run(*values)), points, order=order, modes=modes)
        except GradientError as error:
            raise SilentLossError(f"{title(function)}: a derivative is wrong: {error}") from error
        except PullbackError:
            return "refused"
        return YES

    first = [check(1, "forward"), check(1, "reverse")]
    return [*first, check(2, "forward", "reverse"), _batched(function, sample)]


def _batched(function: Callable[..., Any], sample: Sample) -> str:
    """Whether vmap of the call gives what a loop gives."""
    draws = [as_function(function, sample, seed) for seed in (1, 2)]
    run = draws[0][0]
    if not draws[0][1]:
        return NONE

    def arrays(*values: Any) -> list[Any]:
        return [pb.asarray(one) for one in flatten(run(*values))[0]]

    try:
        if not all(isinstance(one, pb.Array) for one in flatten(run(*map(pb.array, draws[0][1])))[0]):
            return NONE
        members = [arrays(*map(pb.array, points)) for _, points in draws]
        found = pb.vmap(arrays)(*[np.stack(pair) for pair in zip(*[points for _, points in draws], strict=True)])
    except PullbackError:
        return "refused"
    for one, pair in zip(found, zip(*members, strict=True), strict=True):
        if not np.allclose(
            np.asarray(pb.asarray(one).detach()), np.stack([np.asarray(member) for member in pair]), equal_nan=True
        ):
            raise SilentLossError(f"{title(function)}: a batch is not what a loop gives")
    return YES


def _keywords(function: Callable[..., Any]) -> str:
    """The keywords of NumPy's function that ours refuses, found by giving each of them."""
    if function not in overrides or isinstance(function, np.ufunc):
        return ""
    args, keywords = calls(function)[0].make()
    given = [pb.array(one) if isinstance(one, np.ndarray) else one for one in args]
    refused = []
    for name in _parameters(function):
        try:
            function(*given, **{**keywords, name: np.zeros(3)})
        except PullbackError as error:
            # Words about memory are accepted where they change nothing that shows.
            if f"the keyword {name}= is not supported" in error.reason and name not in ("order", "subok"):
                refused.append(f"`{name}=`")
        except (TypeError, ValueError):  # given already, or not of the kind that NumPy asks for
            continue
    return f"refuses {', '.join(refused)}" if refused else ""


# The page -----------------------------------------------------------------------------------------------------------

HEAD = """\
# Coverage

Written by `python scripts/coverage_table.py` from runs of each function; not to be edited. NumPy {numpy}.

Every function that NumPy lets others override (`numpy.testing.overrides`), called on a watched Array:

- *covered*: differentiated. Forward mode, reverse mode and second derivatives were compared with finite differences,
  a batch (`vmap`) with a loop; *refused* in a column means that asking for it raises an error that says why.
- *constant*: the result has no floating numbers, or does not depend on the argument: there is no derivative to lose.
- *refused*: an error that names the function; the last column says why and what to use.

| | functions | covered | constant | refused |
|---|---|---|---|---|
{summary}
"""

COLUMNS = "| | | forward | reverse | second | batched | |\n|---|---|---|---|---|---|---|"


def page() -> str:
    """Return the text of docs/coverage.md."""
    rows = {function: examine(function) for function in overridable()}
    groups: dict[str, list[Row]] = {"Array functions": [], "Ufuncs": [], "Functions and ufuncs of text and records": []}
    for function, row in rows.items():
        groups[list(groups)[2 if is_text(function) else isinstance(function, np.ufunc)]].append(row)
    summary = []
    for group, members in groups.items():
        counts = [sum(row.kind == kind for row in members) for kind in ("covered", "constant", "refused")]
        summary.append(f"| {group} | {len(members)} | {' | '.join(map(str, counts))} |")
    version = ".".join(importlib.metadata.version("numpy").split(".")[:2])
    parts = [HEAD.format(numpy=version, summary="\n".join(summary))]
    for group, members in groups.items():
        parts += [f"## {group}", "", COLUMNS, *map(str, members), ""]
    return "\n".join(parts + specials() + peers())


def specials() -> list[str]:
    """Return the lines about the functions of scipy.special: which there are, and what they refuse to differentiate."""
    names = [name for name in dir(pb.special) if hasattr(scipy.special, name)]
    lines = [
        "## Special functions",
        "",
        SPECIAL.format(count=len(names), names=", ".join(f"`{name}`" for name in names)),
    ]
    for name, ours in sorted(primitives.items()):
        if isinstance(ours, Pointwise) and "special" in ours.evaluate.__module__:
            given = [pb.array(0.5, requires_grad=True)] * ours.arity
            thunks = ours.local_partials(given[0], given, ours.evaluate.__kwdefaults__ or {})
            refused = [str(i + 1) for i, one in enumerate(thunks) if one is not None and one.__name__ == "refuse"]
            if refused:
                lines.append(f"- `{name}`: argument {', '.join(refused)}")
    return [*lines, ""]


SPECIAL = """\
`pullback.special` has {count} of the functions of `scipy.special`, differentiated in both modes and, but for what
follows, at every order:
{names}.

The others raise UnsupportedError when they are asked for. What they are made of has no derivative by these arguments,
for no formula for it is implemented, or the argument counts; asking for one is refused by name:
"""


def peers() -> list[str]:
    """Return the lines about what scripts/compare_peers.py found."""
    if not PEERS.exists():
        return []
    found = json.loads(PEERS.read_text(encoding="utf-8"))
    lines = ["## Beside PyTorch and JAX", "", found["about"], ""]
    lines += ["| | functions | comparisons | largest deviation | disagreements |", "|---|---|---|---|---|"]
    lines += [
        f"| {peer} | {one['functions']} | {one['comparisons']} | {one['deviation']:.1e} | {one['disagreements']} |"
        for peer, one in found["peers"].items()
    ]
    lines += ["", "Where they differ, and why:", ""]
    lines += [f"- {text}" for text in found["explained"]]
    return [*lines, ""]


operations.load_all()

if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
