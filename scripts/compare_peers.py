"""Values and derivatives beside PyTorch's and JAX's, on the functions that all have.

    python scripts/compare_peers.py [--only NAME ...] [--write]

To be run where pullback, torch and jax are installed; they are not dependencies. Each function that stands for one of
NumPy's or SciPy's is called by the samples that it declares and, if it is elementwise, at edges (zeros, ones, ties,
infinities, NaN), with empty arrays, arrays without axes, and shapes that broadcast. pullback gets its arrays with
negative strides. Compared are the values, and the derivative by each floating argument for one random cotangent.

Every disagreement must be among those explained in EXPLAINED; the script fails if one is not. ``--write`` puts the
figures where scripts/coverage_table.py finds them.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import torch

import pullback as pb
from pullback.core.families import Pointwise
from pullback.core.operations import functions, operations, primitives
from pullback.core.tree import flatten
from pullback.errors import PullbackError

jax.config.update("jax_enable_x64", True)
operations.load_all()

FIGURES = Path(__file__).resolve().parent / "peers.json"
TOLERANCE = 1e-9

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 1e-300, 1e300, np.inf, -np.inf, np.nan]

_OUTSIDE = "outside the function's domain or at its poles, where nothing is defined"
_LIMIT = "0 * inf, inf - inf or inf / inf gives NaN there; here it is the limit"
_TIES = "at ties the derivative is shared here, and goes to one operand there"
_LOST = "the derivative is zero there, without an error; here it follows the elements"
_NAN = "at NaN, where no derivative is defined"
_TINY = "for tiny operands the square underflows there; here it does not"
_XLOG = "where the first operand is 0 and the logarithm -inf: 0 and NaN there; -inf and 0 here, as the formulas give"
_BOXCOX = "by the exponent 0 the derivative is 0 there; here it is the limit, log(x)²/2"
_REFERENCE = "the value here is NumPy's or SciPy's"

EXPLAINED: dict[tuple[str, str], str] = {
    ("PyTorch", "absolute"): _NAN,
    ("PyTorch", "airy_ai"): _LOST,
    ("PyTorch", "arccosh"): _OUTSIDE,
    ("PyTorch", "arctan2"): _TINY,
    ("PyTorch", "copysign"): _LIMIT,
    ("PyTorch", "digamma"): _OUTSIDE,
    ("PyTorch", "erfcx"): _LIMIT,
    ("PyTorch", "float_power"): "the derivative of x**y by y at 0**0 is 0 there; here it is the limit, -inf",
    ("PyTorch", "fmax"): _TIES,
    ("PyTorch", "fmin"): _TIES,
    ("PyTorch", "fmod"): "at a zero divisor, where nothing is defined; and one value, which here is NumPy's",
    ("PyTorch", "gammaln"): _REFERENCE,
    ("PyTorch", "hypot"): "at the origin: the sub-gradient 0 here, NaN there",
    ("PyTorch", "i1"): _LIMIT,
    ("PyTorch", "ldexp"): "by 2 to a negative integer, which is rounded to 0 there",
    ("PyTorch", "log_ndtr"): _LIMIT,
    ("PyTorch", "logaddexp"): _LIMIT,
    ("PyTorch", "logaddexp2"): _LIMIT,
    ("PyTorch", "logit"): _OUTSIDE,
    ("PyTorch", "nextafter"): "for equal operands: 1 by the first here, 0 there",
    ("PyTorch", "relu"): _NAN,
    ("PyTorch", "remainder"): _REFERENCE,
    ("PyTorch", "sign"): _REFERENCE,
    ("PyTorch", "sum"): "over axis=(): no axis here, as in NumPy, and all there",
    ("PyTorch", "i1e"): _NAN,
    ("JAX", "i1e"): _NAN,
    ("PyTorch", "var"): "with no degree of freedom left, where nothing is defined",
    ("PyTorch", "xlog1py"): _XLOG,
    ("PyTorch", "xlogy"): _XLOG,
    ("JAX", "absolute"): "at 0: the sub-gradient 0 here, 1 there",
    ("JAX", "arccosh"): _OUTSIDE,
    ("JAX", "arctan2"): "at the origin: the sub-gradient 0 here, NaN there; tiny squares underflow there",
    ("JAX", "beta"): _REFERENCE,
    ("JAX", "betaln"): _REFERENCE,
    ("JAX", "boxcox"): _BOXCOX,
    ("JAX", "boxcox1p"): _BOXCOX,
    ("JAX", "copysign"): "at 0: the sub-gradient 0 here, 1 there",
    ("JAX", "dawsn"): _LIMIT,
    ("JAX", "digamma"): _REFERENCE,
    ("JAX", "divide"): _TINY,
    ("JAX", "erfcx"): _LIMIT,
    ("JAX", "expi"): _REFERENCE,
    ("JAX", "fabs"): "at 0: the sub-gradient 0 here, 1 there",
    ("JAX", "float_power"): "at 0**0: NaN and 0 there; the limits 0 and -inf here",
    ("JAX", "fmax"): _TIES,
    ("JAX", "fmin"): _TIES,
    ("JAX", "fmod"): _OUTSIDE,
    ("JAX", "gamma"): _OUTSIDE,
    ("JAX", "gammaincc"): _LIMIT,
    ("JAX", "gammaln"): _REFERENCE,
    ("JAX", "heaviside"): _NAN,
    ("JAX", "hypot"): "at the origin: the sub-gradient 0 here, 1/2 there; tiny squares underflow there",
    ("JAX", "i0"): _LIMIT,
    ("JAX", "i1"): _LIMIT,
    (
        "JAX",
        "kl_div",
    ): "outside the domain, where nothing is defined, and where x is 0: by x the limit -inf here, finite there",
    ("JAX", "log_ndtr"): _LIMIT,
    ("JAX", "logaddexp"): "the derivatives of equal large operands add up to 2 there; to 1 here",
    ("JAX", "logaddexp2"): "the derivatives of equal large operands add up to 2 there; to 1 here",
    ("JAX", "loggamma"): _OUTSIDE,
    ("JAX", "maximum"): _NAN,
    ("JAX", "minimum"): _NAN,
    ("JAX", "ndtri"): "at the ends of the domain: 0 there, the limit inf here",
    ("JAX", "owens_t"): _REFERENCE,
    ("JAX", "poch"): _REFERENCE,
    ("JAX", "polydiv"): "the remainder keeps its leading zeros there",
    ("JAX", "polyfit"): "with cov=True; finite differences agree with the derivative here",
    ("JAX", "vander"): "at 0, where the derivative of the power 0 is NaN there and 0 here",
    ("JAX", "power"): "at 0**0: NaN and 0 there; the limits 0 and -inf here",
    (
        "JAX",
        "rel_entr",
    ): "outside the domain, where nothing is defined, and where x is 0: by x the limit -inf here, finite there",
    ("JAX", "remainder"): _OUTSIDE,
    ("JAX", "setdiff1d"): _LOST,
    ("JAX", "setxor1d"): _LOST,
    ("JAX", "sinc"): _TINY,
    ("JAX", "spence"): "NaN or 0 there on a part of the domain; finite differences agree with the derivative here",
    ("JAX", "std"): _REFERENCE,
    ("JAX", "union1d"): _LOST,
    ("JAX", "unique"): _LOST,
    ("JAX", "unique_all"): _LOST,
    ("JAX", "unique_counts"): _LOST,
    ("JAX", "unique_inverse"): _LOST,
    ("JAX", "unique_values"): _LOST,
    ("JAX", "var"): _REFERENCE,
    ("JAX", "xlog1py"): _XLOG,
    ("JAX", "xlogy"): _XLOG,
}
"""Why a peer differs in a function, mostly at edges: by peer and name."""


# The three libraries ------------------------------------------------------------------------------------------------


class Pullback:
    """This library: the reference of the comparison."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def run(self, args: Any, keywords: Any, seed: int) -> tuple[list[Any], list[Any]]:
        """Return the floating results, and the derivative by each floating argument."""
        points = [leaf for leaf in flatten((args, keywords))[0] if _is_float(leaf)]

        def f(*values: Any) -> Any:
            left = iter(values)
            given = _fill(args, left, pb.asarray)
            named = _fill(dict(sorted(keywords.items())), left, pb.asarray)
            return _floating(self._call(*given, **named))

        out, pullback = pb.vjp(f, *[_reversed(point) for point in points])
        return list(map(np.asarray, out)), list(map(np.asarray, pullback(_cotangents(out, seed))))


class Jax:
    """JAX, by NumPy's and SciPy's names."""

    modules = (jnp, jnp.linalg, jnp.fft, jax.scipy.special, jax.nn)

    @staticmethod
    def run(call: Callable[..., Any], args: Any, keywords: Any, seed: int) -> tuple[list[Any], list[Any]]:
        """Return the floating results, and the derivative by each floating argument."""
        points = [leaf for leaf in flatten((args, keywords))[0] if _is_float(leaf)]

        def f(*values: Any) -> Any:
            left = iter(values)
            given = _fill(args, left, jnp.asarray)
            return _floating(call(*given, **_fill(dict(sorted(keywords.items())), left, jnp.asarray)))

        out, pullback = jax.vjp(f, *map(jnp.asarray, points))
        # JAX multiplies by the cotangent, not by its conjugate.
        gradients = pullback([jnp.conj(jnp.asarray(ct)) for ct in _cotangents(out, seed)])
        return list(map(np.asarray, out)), [np.conj(np.asarray(one)) for one in gradients]


class Torch:
    """PyTorch, by its own names where they are not NumPy's, and its functions in NumPy's form where they differ."""

    modules = (torch, torch.linalg, torch.fft, torch.special, torch.nn.functional)

    @staticmethod
    def run(call: Callable[..., Any], args: Any, keywords: Any, seed: int) -> tuple[list[Any], list[Any]]:
        """Return the floating results, and the derivative by each floating argument."""
        points = [leaf for leaf in flatten((args, keywords))[0] if _is_float(leaf)]
        tensors = [torch.tensor(np.array(point), requires_grad=True) for point in points]
        left = iter(tensors)

        def convert(x: Any) -> Any:
            return torch.tensor(np.array(x))

        given = _fill(args, left, convert)
        out = _floating(call(*given, **_fill(dict(sorted(keywords.items())), left, convert)))
        cts = [torch.tensor(ct) for ct in _cotangents([one.detach().numpy() for one in out], seed)]
        watched = [(one, ct) for one, ct in zip(out, cts, strict=True) if one.requires_grad]
        found: Any = [None] * len(tensors)
        if watched:
            outputs, weights = zip(*watched, strict=True)
            found = torch.autograd.grad(outputs, tensors, weights, allow_unused=True)
        gradients = [np.zeros_like(x) if g is None else g.numpy() for g, x in zip(found, points, strict=True)]
        return [one.detach().numpy() for one in out], gradients


PEERS: dict[str, Any] = {"PyTorch": Torch, "JAX": Jax}


OTHER: dict[tuple[str, str], Callable[..., Any] | None] = {
    ("PyTorch", "max"): lambda x, axis=None, keepdims=False: torch.amax(x, () if axis is None else axis, keepdims),
    ("PyTorch", "min"): lambda x, axis=None, keepdims=False: torch.amin(x, () if axis is None else axis, keepdims),
    ("PyTorch", "std"): lambda x, axis=None, ddof=0, **k: torch.std(x, axis, correction=ddof, **k),
    ("PyTorch", "var"): lambda x, axis=None, ddof=0, **k: torch.var(x, axis, correction=ddof, **k),
    ("PyTorch", "prod"): lambda x, axis=None: torch.prod(x) if axis is None else torch.prod(x, axis),
    ("PyTorch", "concatenate"): lambda x, axis=0: torch.cat(x, axis),
    ("PyTorch", "transpose"): lambda x, axes=None: torch.permute(x, axes or tuple(range(x.ndim))[::-1]),
    ("PyTorch", "sort"): lambda x, axis=-1: torch.sort(x, axis).values,
    ("PyTorch", "repeat"): lambda x, repeats, axis=None: torch.repeat_interleave(x, repeats, axis),
    ("PyTorch", "logsumexp"): lambda x, axis=None: torch.logsumexp(x, tuple(range(x.ndim)) if axis is None else axis),
    ("PyTorch", "log_sigmoid"): torch.nn.functional.logsigmoid,
    ("PyTorch", "expand_dims"): lambda x, axis: torch.unsqueeze(x, axis),
    ("PyTorch", "split"): None,  # by lengths, not by parts
    ("PyTorch", "gradient"): None,  # of other spacings
    ("PyTorch", "median"): None,  # the lower of the two in the middle
    ("PyTorch", "cov"): None,  # of observations in columns
    ("PyTorch", "norm"): None,
    ("PyTorch", "empty_like"): None,  # undefined values
    ("JAX", "empty_like"): None,
    ("PyTorch", "binary_cross_entropy_with_logits"): None,  # of logits and labels in the other order
    ("PyTorch", "cross_entropy"): None,  # of logits
    ("PyTorch", "kl_div"): None,  # of logarithms
    ("PyTorch", "meshgrid"): lambda *x, indexing="xy": torch.meshgrid(*x, indexing=indexing),
    ("PyTorch", "nanmedian"): None,  # the lower of the two in the middle
    ("PyTorch", "sum"): lambda x, axis=None, **k: torch.sum(x, tuple(range(x.ndim)) if axis is None else axis, **k),
    ("PyTorch", "svd"): None,  # vectors up to sign
    ("JAX", "svd"): None,
    ("JAX", "gelu"): lambda x: jax.nn.gelu(x, approximate=False),
    ("JAX", "log1mexp"): lambda x: jax.nn.log1mexp(-x),
    ("JAX", "log_softmax"): jax.nn.log_softmax,
    ("JAX", "softmax"): jax.nn.softmax,
    ("JAX", "lstsq"): None,  # results of other shapes
    **{("JAX", name): None for name in ("histogram", "histogram2d", "histogramdd")},  # floating counts
}  # fmt: skip
"""A peer's function in NumPy's form; None where its function of this name means something else."""

ENDLESS = {("JAX", name) for name in ("boxcox", "boxcox1p", "exp1", "gammainc")}
"""Functions of which a peer's loop does not end at some of the edges, which are left out."""


def find(peer: str, name: str) -> Callable[..., Any] | None:
    """Return a peer's function of this name, or None."""
    if (peer, name) in OTHER:
        return OTHER[peer, name]
    for module in PEERS[peer].modules:
        found = getattr(module, name, None)
        if callable(found) and not isinstance(found, type):
            return found  # type: ignore[no-any-return]
    return None


def _is_float(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def _fill(tree: Any, values: Iterator[Any], convert: Callable[[Any], Any]) -> Any:
    if isinstance(tree, (list, tuple)):
        return type(tree)(_fill(one, values, convert) for one in tree)
    if isinstance(tree, dict):
        return {name: _fill(one, values, convert) for name, one in tree.items()}
    if _is_float(tree):
        return next(values)
    return convert(tree) if isinstance(tree, np.ndarray) else tree


def _floating(output: Any) -> list[Any]:
    leaves = output if isinstance(output, (list, tuple)) else [output]
    flat = [one for leaf in leaves for one in (leaf if isinstance(leaf, (list, tuple)) else [leaf])]
    kinds = ("float64", "complex128", "torch.float64", "torch.complex128")
    return [one for one in flat if str(getattr(one, "dtype", "")) in kinds]


def _cotangents(out: Any, seed: int) -> list[Any]:
    generator = np.random.default_rng(seed)
    found = []
    for one in out:
        ct = generator.uniform(0.5, 1.5, size=one.shape)
        if str(one.dtype) == "complex128":
            ct = ct + 1j * generator.uniform(0.5, 1.5, size=one.shape)
        found.append(np.asarray(ct))
    return found


def _reversed(x: Any) -> Any:
    """The same numbers, laid out backwards in memory."""
    back = (slice(None, None, -1),) * x.ndim
    return x[back].copy()[back]


# The calls ----------------------------------------------------------------------------------------------------------


def calls(declared: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the calls at which a function is compared, each with a word for what it tries."""
    smooth = [one.make(1) for one in declared.samples if one.smooth]
    for args, keywords in smooth:
        if any(map(_is_float, flatten((args, keywords))[0])):
            yield "random", args, keywords
    if not isinstance(declared, Pointwise) or not smooth or not all(map(_is_float, smooth[0][0])):
        return
    args = smooth[0][0]
    yield "empty", tuple(one[:0] for one in args), {}
    yield "0-d", tuple(np.array(one.ravel()[0]) for one in args), {}
    if len(args) == 1:
        yield "edges", (np.array(EDGES),), {}
    if len(args) == 2:
        if args[0].ndim == args[1].ndim == 2:
            yield "broadcast", (args[0][:, :1], args[1][:1]), {}
            yield "broadcast", (args[0], args[1][0]), {}
        left, right = np.meshgrid(EDGES, EDGES)
        yield "edges", (left.ravel(), right.ravel()), {}


def _lists() -> dict[str, list[str]]:
    return collections.defaultdict(list)


@dataclass
class Tally:
    """What was found of one function, or of all."""

    functions: list[str] = field(default_factory=list)
    comparisons: int = 0
    deviation: float = 0.0
    disagreements: dict[str, list[str]] = field(default_factory=_lists)

    def add(self, other: Tally) -> None:
        """Take in what was found of one more function."""
        self.functions += other.functions
        self.comparisons += other.comparisons
        self.deviation = max(self.deviation, other.deviation)
        self.disagreements.update(other.disagreements)


def compare(peer: str, name: str, declared: Any) -> Tally:
    """Compare one function with a peer's at every call that the peer takes."""
    tally = Tally()
    theirs = find(peer, name)
    if theirs is None:
        return tally
    ours = Pullback(declared.call if hasattr(declared, "call") else declared)
    for kind, args, keywords in calls(declared):
        if kind == "edges" and (peer, name) in ENDLESS:
            continue
        try:
            values, gradients = PEERS[peer].run(theirs, args, keywords, seed=3)
        except Exception:  # whatever a peer raises, it does not take this call
            continue
        if not values:
            continue
        try:
            mine, my_gradients = ours.run(args, keywords, seed=3)
        except PullbackError as error:
            tally.disagreements[name].append(f"{kind}: {error.reason}")
            continue
        if [one.shape for one in mine] != [one.shape for one in values]:
            tally.disagreements[name].append(f"{kind}: shapes {[one.shape for one in mine]}")
            continue
        tally.functions = [name]
        pairs = [("value", one, other) for one, other in zip(mine, values, strict=True)]
        pairs += [("derivative", one, other) for one, other in zip(my_gradients, gradients, strict=True)]
        for what, one, other in pairs:
            tally.comparisons += 1
            _judge(f"{kind} {what}", one, other, args, name, tally)
    return tally


def _judge(label: str, one: Any, other: Any, args: Any, name: str, tally: Tally) -> None:
    with np.errstate(all="ignore"):
        same = (one == other) | (np.isnan(one) & np.isnan(other))
        deviation = np.where(same, 0.0, np.abs(one - other) / (1.0 + np.abs(other)))
    wrong = ~(deviation <= TOLERANCE)
    agreed = deviation[~wrong]
    tally.deviation = max(tally.deviation, float(agreed.max()) if agreed.size else 0.0)
    if wrong.any():
        first = tuple(np.argwhere(wrong)[0])
        at = ""
        if label.startswith("edges"):
            at = f" at {', '.join(str(arg[first]) for arg in args)}"
        text = f"{label}: {int(wrong.sum())} of {wrong.size} differ, first{at}: {one[first]} here, {other[first]} there"
        tally.disagreements[name].append(text)


# What is drawn: derivatives by the shapes, at the numbers that pullback draws -----------------------------------------

SHAPES = [0.3, 0.8, 1.0, 2.5, 7.0, 40.0]


def _random_gamma(generator: Any, a: Any) -> Any:
    return generator.standard_gamma(a)


def _random_beta(generator: Any, a: Any) -> Any:
    return generator.beta(a, 1.7)


def _torch_beta(x: float, a: float) -> float:
    share = torch._dirichlet_grad(*(torch.tensor([one], dtype=torch.float64) for one in (x, a, a + 1.7)))
    return float(share) * (1 - x)


DRAWN: dict[tuple[str, str], tuple[Callable[..., Any], Callable[[float, float], float]]] = {
    ("JAX", "random.standard_gamma"): (
        _random_gamma,
        lambda x, a: float(jax.lax.random_gamma_grad(jnp.asarray(a), jnp.asarray(x))),
    ),
    ("PyTorch", "random.standard_gamma"): (
        _random_gamma,
        lambda x, a: float(torch._standard_gamma_grad(torch.tensor(a).double(), torch.tensor(x).double())),
    ),
    ("PyTorch", "random.beta"): (_random_beta, _torch_beta),
}
"""Draws of pullback, each with a peer's derivative of such a number x by the shape a."""

DRAWN_TOLERANCE = 1e-4
"""The peers' derivatives of what is drawn are approximations of that accuracy."""


def compare_drawn(peer: str, name: str) -> Tally:
    """Compare the derivatives of what is drawn by a shape; their deviation is that of the peers' approximation."""
    tally = Tally(functions=[name])
    draw, slope = DRAWN[peer, name]
    for seed, a in enumerate(SHAPES):
        x, mine = pb.value_and_grad(lambda a, seed=seed: draw(pb.random.default_rng(seed), a))(a)
        theirs = slope(x, a)
        tally.comparisons += 1
        if not abs(mine - theirs) <= DRAWN_TOLERANCE * (1 + abs(theirs)):
            tally.disagreements[name].append(f"shape {a} at {x}: {mine} here, {theirs} there")
    return tally


# Running them -------------------------------------------------------------------------------------------------------


def listed() -> dict[str, Any]:
    """Return what is compared: every public operation, by name."""
    pointwise = {name: one for name, one in primitives.items() if isinstance(one, Pointwise) and one.public}
    return dict(sorted((pointwise | functions).items()))


def serve(connection: Connection) -> None:
    """Compare the functions that are asked for: what a process of its own does, for a peer's loop may never end."""
    warnings.simplefilter("ignore")
    with np.errstate(all="ignore"):
        while True:
            peer, name = connection.recv()
            connection.send(compare(peer, name, listed()[name]))


def run_all(only: list[str] | None) -> dict[str, Tally]:
    """Compare with every peer; a peer that gives no answer in four minutes disagrees."""
    context = multiprocessing.get_context("spawn")
    tallies = {peer: Tally() for peer in PEERS}
    process, connection = None, None
    for peer, name in [(peer, name) for name in only or listed() for peer in PEERS]:
        if connection is None:
            connection, other = context.Pipe()
            process = context.Process(target=serve, args=(other,), daemon=True)
            process.start()
        print(peer, name, file=sys.stderr, flush=True)
        connection.send((peer, name))
        if connection.poll(240.0):
            tallies[peer].add(connection.recv())
        else:
            tallies[peer].disagreements[name] = ["no answer in four minutes"]
            process.kill()
            connection = None
    if process is not None:
        process.kill()
    return tallies


def main() -> int:
    """Compare, print what differs, and say by 1 that some of it is not explained."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="*", help="names of functions")
    parser.add_argument("--write", action="store_true", help="write the figures for docs/coverage.md")
    options = parser.parse_args()
    tallies = run_all(options.only)
    for peer, name in [] if options.only else DRAWN:
        tallies[peer].add(compare_drawn(peer, name))
    unexplained = 0
    for peer, tally in tallies.items():
        print(f"{peer}: {len(tally.functions)} functions, {tally.comparisons} comparisons, {tally.deviation:.1e}")
        for name, texts in tally.disagreements.items():
            known = (peer, name) in EXPLAINED
            unexplained += not known
            print(f"  {name}{'' if known else ' (NOT EXPLAINED)'}")
            for text in texts:
                print(f"    {text}")
    if options.write and not unexplained:
        FIGURES.write_text(json.dumps(figures(tallies), indent=1) + "\n", encoding="utf-8")
    return 1 if unexplained else 0


def figures(tallies: dict[str, Tally]) -> dict[str, Any]:
    """Return what docs/coverage.md says of the comparison."""
    explained: dict[str, list[str]] = {}
    for peer, tally in tallies.items():
        for name in sorted(tally.disagreements):
            explained.setdefault(EXPLAINED[peer, name], []).append(f"{peer} `{name}`")
    about = (
        f"pullback beside PyTorch {torch.__version__.partition('+')[0]} and JAX {jax.__version__} in double precision, "
        "by `scripts/compare_peers.py`: values, and derivatives by each argument, of the functions that both have "
        "under NumPy's or SciPy's name, at random inputs, edges (zeros, ties, infinities, NaN), empty arrays, arrays "
        "without axes, shapes that broadcast; pullback's arrays with negative strides. The deviation is relative to "
        "1 + |value|. Derivatives of gamma and beta numbers by the shapes agree too, to the 1e-4 of the peers' own."
    )
    return {
        "about": about,
        "peers": {
            peer: {
                "functions": len(tally.functions),
                "comparisons": tally.comparisons,
                "deviation": tally.deviation,
                "disagreements": len(tally.disagreements),
            }
            for peer, tally in tallies.items()
        },
        "explained": [f"{', '.join(names)}: {why}" for why, names in explained.items()],
    }


if __name__ == "__main__":
    sys.exit(main())
