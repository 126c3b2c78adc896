"""Derivatives of functions: grad, vjp, jvp, jacobian, hessian."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.creation import asarray
from pullback.core.families import add_all
from pullback.core.graph import ancestors
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.state import record
from pullback.core.terminals import constant_node, input_node
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, ShapeError
from pullback.transforms.arguments import Call, normalize_argnums, restore
from pullback.transforms.backward import Region, fitted, pull_back, seed
from pullback.transforms.forward import push_forward
from pullback.transforms.vectorize import batch_nodes


def _zeros(node: Node) -> Array:
    aval = node.array_aval
    return Array(constant_node(np.zeros(aval.shape, aval.dtype)))


def _settle(arrays: Sequence[Array], call: Call) -> list[Array]:
    """Let go of the inner inputs: what nothing outside watches becomes a constant."""
    region = Region([array._node for array in arrays], call.inputs)
    return call.release([region.handle(array._node) for array in arrays])


def _name(function: Any, prefix: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(derived: Callable[..., Any]) -> Callable[..., Any]:
        if callable(function):
            functools.update_wrapper(derived, function)
        derived.__name__ = f"{prefix}({getattr(function, '__name__', type(function).__name__)})"
        return derived

    return decorate


def value_and_grad(f: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that gives the value of ``f`` together with its gradient.

    Args:
        f: a function whose result is a floating array with one element (or, with ``has_aux``, a pair of that and
            anything else).
        argnums: the position, or a sequence of positions, of the arguments to differentiate by. An argument may be
            a container (dict, list, tuple, dataclass, Module); its gradient has the same structure.
        has_aux: ``f`` returns ``(value, aux)``; the result is then ``((value, aux), gradient)``.

    Raises:
        NotDifferentiableError: an argument is integer or boolean, or the result is.
        ShapeError: the result has more than one element.

    >>> value_and_grad(lambda x: x**2)(3.0)
    (9.0, 6.0)
    """

    @_name(f, "value_and_grad")
    def derived(*args: Any, **keywords: Any) -> Any:
        return _value_and_grad("value_and_grad", f, argnums, has_aux, args, keywords)

    return derived


def _value_and_grad(
    operation: str, f: Callable[..., Any], argnums: Any, has_aux: bool, args: Sequence[Any], keywords: Any
) -> tuple[Any, Any]:
    numbers, single = normalize_argnums(operation, argnums, len(args))
    call = Call(operation, f, args, keywords, numbers)
    output, aux = call.output, None
    if has_aux:
        if not (isinstance(output, tuple) and len(output) == 2):
            raise ArgumentError(f"{operation}: with has_aux=True the function must return a pair (value, aux)")
        output, aux = output
    if not isinstance(output, (Array, float, complex, np.ndarray, np.generic)):
        raise DTypeError(
            f"{operation}: expected the function to return an array with one element, got {type(output).__name__}. "
            "Return further results with has_aux=True"
        )
    output = asarray(output)
    if output.dtype.kind == "c":
        raise NotDifferentiableError(
            f"{operation}: expected a real result, got a complex one. Take its real part or absolute value, or use vjp"
        )
    gradients = pull_back([output._node], [seed(output, None, operation)], call.inputs)
    found = [_zeros(node) if one is None else one for node, one in zip(call.inputs, gradients, strict=True)]
    trees = call.by_argument(found)
    (value,) = _settle([output], call)
    result = restore(value, call.result_kind)
    if has_aux:
        result = (result, restore_tree(aux, call))
    return result, (trees[0] if single else tuple(trees))


def restore_tree(output: Any, call: Call) -> Any:
    """Settle and restore every array in a result; leave what is no array."""
    leaves, structure = tree.flatten(output)
    arrays = [leaf for leaf in leaves if isinstance(leaf, Array)]
    settled = iter(_settle(arrays, call))
    done = [restore(next(settled), call.result_kind) if isinstance(leaf, Array) else leaf for leaf in leaves]
    return tree.unflatten(structure, done)


def grad(f: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that gives the gradient of ``f``: the derivative of its one result by each argument.

    Arguments, results and errors as for ``value_and_grad``; with ``has_aux`` the result is ``(gradient, aux)``.
    Of a real function of a complex z the gradient is df/dx + i df/dy.

    >>> def f(a, b, c):
    ...     return c * (a + 2 * b)
    >>> grad(f, argnums=(0, 1, 2))(3.0, 1.0, -2.0)
    (-2.0, -4.0, 5.0)
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """

    @_name(f, "grad")
    def derived(*args: Any, **keywords: Any) -> Any:
        value, gradient = _value_and_grad("grad", f, argnums, has_aux, args, keywords)
        return (gradient, value[1]) if has_aux else gradient

    return derived


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return ``(f(*primals), pullback)``; ``pullback(ct)`` gives the cotangent of each primal.

    Args:
        f: a function of floating or complex arrays, or containers of them, that returns such.
        primals: where it is differentiated.

    The pullback may be called again and again; ``ct`` has the structure and shapes of the result.

    >>> out, pullback = vjp(lambda x, y: x * y, 3.0, 2.0)
    >>> out, pullback(1.0)
    (6.0, (2.0, 3.0))
    """
    call = Call("vjp", f, primals, {}, range(len(primals)), keep=True)
    outputs, structure = call.outputs()

    def pullback(ct: Any) -> tuple[Any, ...]:
        try:
            given = structure.flatten_up_to(ct)
        except ValueError as error:
            raise ShapeError(f"vjp: expected a cotangent of the structure of the result. {error}") from None
        seeds = [
            seed(out, one, "vjp") if is_differentiable(out.dtype) else None
            for out, one in zip(outputs, given, strict=True)
        ]
        gradients = pull_back([out._node for out in outputs], seeds, call.inputs)
        found = [_zeros(node) if one is None else one for node, one in zip(call.inputs, gradients, strict=True)]
        return tuple(call.by_argument(found))

    return restore_tree(call.output, call), pullback


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return ``(f(*primals), tangent)``: the value and its derivative in the direction ``tangents``.

    Args:
        f: a function of floating or complex arrays, or containers of them, that returns such.
        primals: a tuple of the arguments.
        tangents: a tuple of the same structure, shapes and dtypes.

    >>> jvp(lambda x: x**2, (3.0,), (1.0,))
    (9.0, 6.0)
    """
    return _jvp("jvp", f, primals, tangents, by_rows=True)


def _jvp(
    operation: str, f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], by_rows: bool = False
) -> tuple[Any, Any]:
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise DTypeError(f"{operation}: expected primals and tangents as tuples, as in {operation}(f, (x,), (t,))")
    call = Call(operation, f, primals, {}, range(len(primals)))
    outputs, structure = call.outputs()
    arriving = directions(operation, call, primals, tangents)

    def forward() -> list[Array | None]:
        return push_forward([out._node for out in outputs], call.inputs, arriving)

    pushed = _either(forward, lambda: _along(call, outputs, arriving)) if by_rows else forward()
    found = [_zeros(out._node) if one is None else one for out, one in zip(outputs, pushed, strict=True)]
    tangent = tree.unflatten(structure, [restore(one, call.result_kind) for one in call.release(found)])
    return restore_tree(call.output, call), tangent


def directions(operation: str, call: Call, primals: Sequence[Any], tangents: Sequence[Any]) -> list[Array]:
    """Check that tangents fit the primals, and return one for each input."""
    if len(primals) != len(tangents):
        raise ShapeError(f"{operation}: expected {len(primals)} tangents, one for each primal, got {len(tangents)}")
    leaves = []
    for structure, tangent in zip(call.structures, tangents, strict=True):
        try:
            leaves += structure.flatten_up_to(tangent)
        except ValueError as error:
            raise ShapeError(f"{operation}: expected tangents of the structure of the primals. {error}") from None
    words = f"{operation}: expected a tangent of the input's"
    return [fitted(leaf, Array(node), words) for node, leaf in zip(call.inputs, leaves, strict=True)]


def _along(call: Call, outputs: list[Array], direction: list[Array]) -> list[Array | None]:
    """The tangent of each output from the rows of its Jacobian, where a derivative may be a limit that they see."""
    region = Region([out._node for out in outputs], call.inputs)
    if not any(node.primitive.looks_ahead for node in region.order):
        raise NotDifferentiableError("jvp: reverse mode sees no more")
    return [_row_along(call, out, direction) if is_differentiable(out.dtype) else None for out in outputs]


def _row_along(call: Call, out: Array, direction: list[Array]) -> Array:
    """The tangent of one output: of a complex one, that of its real and that of its imaginary part."""
    with record():
        if out.dtype.kind == "c":
            real, imaginary = (_row_along(call, part(out), direction) for part in (operations.real, operations.imag))
            tangent: Array = real + 1j * imaginary
            return tangent
        (row,) = _by_rows(call, [Array(node) for node in call.inputs], [out], singly=True)
        terms = [
            operations.real(operations.tensordot(operations.conjugate(block), t, t.ndim))
            for block, t in zip(row, direction, strict=True)
        ]
        total: Array = add_all(terms)
        return total


def jacobian(f: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """Return a function that gives the Jacobian of ``f``: shape ``out.shape + in.shape`` for each output and input.

    It is filled by columns in forward mode when the input has no more elements than the output, by rows in reverse mode
    otherwise, many of them at once as ``vmap`` does it. A complex input needs a holomorphic ``f`` (this is checked).

    Args:
        f: a function that returns arrays, or containers of them.
        argnums: position or positions of the arguments to differentiate by; each may be a container.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @_name(f, "jacobian")
    def derived(*args: Any, **keywords: Any) -> Any:
        return _jacobian("jacobian", f, argnums, args, keywords)

    return derived


def _jacobian(operation: str, f: Callable[..., Any], argnums: Any, args: Sequence[Any], keywords: Any) -> Any:
    numbers, single = normalize_argnums(operation, argnums, len(args))
    call = Call(operation, f, args, keywords, numbers)
    outputs, structure = call.outputs()
    for out in outputs:
        if not is_differentiable(out.dtype):
            raise NotDifferentiableError(f"{operation}: expected a floating or complex result, got {out.aval}")
    inputs = [Array(node) for node in call.inputs]
    forward = sum(x.size for x in inputs) <= sum(out.size for out in outputs)
    if any(x.dtype.kind == "c" for x in [*inputs, *outputs]):
        _check_holomorphic(operation, call, inputs, outputs)
        blocks = _by_columns(call, inputs, outputs)
    elif forward:
        blocks = _either(
            lambda: _by_columns(call, inputs, outputs),
            lambda: _by_rows(call, inputs, outputs, singly=True),
        )
    else:
        blocks = _either(lambda: _by_rows(call, inputs, outputs), lambda: _by_rows(call, inputs, outputs, singly=True))
    rows = []
    for row in blocks:
        trees = call.by_argument(_settle(row, call), convert=False)
        rows.append(trees[0] if single else tuple(trees))
    result = tree.unflatten(structure, rows)
    return tree.tree_map(lambda block: restore(block, call.result_kind), result)


def _either(forward: Callable[[], Any], reverse: Callable[[], Any]) -> Any:
    """Return what forward mode gives; where it is refused what reverse mode does, which sees what becomes of a result.

    (Of repeated eigenvalues, say: a limit is taken there, where cotangents have values.) Where that is refused as well,
    it is for the reason that forward mode gave.
    """
    try:
        return forward()
    except NotDifferentiableError as error:
        try:
            return reverse()
        except NotDifferentiableError:
            raise error from None


def _by_columns(call: Call, inputs: list[Array], outputs: list[Array]) -> list[list[Array]]:
    nodes = [out._node for out in outputs]
    region = Region(nodes, call.inputs)
    blocks: list[list[Array]] = [[] for _ in outputs]
    for j, x in enumerate(inputs):

        def push(unit: Array, j: int = j) -> list[Array | None]:
            return push_forward(nodes, call.inputs, [unit if i == j else None for i in range(len(inputs))], region)

        for row, out, parts in zip(blocks, outputs, _for_each_unit(push, x, outputs), strict=True):
            row.append(
                _empty(out, x) if parts is None else operations.moveaxis(parts, 0, -1).reshape(out.shape + x.shape)
            )
    return blocks


def _by_rows(call: Call, inputs: list[Array], outputs: list[Array], singly: bool = False) -> list[list[Array]]:
    blocks = []
    for out in outputs:

        def pull(unit: Array, out: Array = out) -> list[Array | None]:
            return pull_back([out._node], [unit], call.inputs)

        found = (_for_one_unit_after_another if singly else _for_each_unit)(pull, out, inputs)
        blocks.append(
            [
                _empty(out, x) if parts is None else parts.reshape(out.shape + x.shape)
                for x, parts in zip(inputs, found, strict=True)
            ]
        )
    return blocks


def _for_one_unit_after_another(
    linear: Callable[[Array], list[Array | None]], x: Array, results: Sequence[Array]
) -> list[Array | None]:
    """The same as ``_for_each_unit``, with vectors that have values."""
    if not x.size:
        return [None] * len(results)
    units = np.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape)
    found = [linear(Array(constant_node(one if one.ndim else one[()]))) for one in units]
    return [
        operations.stack([operations.zeros_like(result) if one is None else one for one in parts])
        for result, parts in zip(results, zip(*found, strict=True), strict=True)
    ]


_AT_ONCE = 1 << 22
"""About how many elements an array may have while a linear map is applied to many unit vectors at once."""


def _for_each_unit(
    linear: Callable[[Array], list[Array | None]], x: Array, results: Sequence[Array]
) -> list[Array | None]:
    """Apply a linear map to the unit vectors of the space of ``x``, along axis 0; None for a result that is zero.

    The map is walked once, for a vector without a value, and then applied to many vectors at once.
    """
    if x.size == 1:
        single = linear(Array(constant_node(np.ones(x.shape, x.dtype))))
        return [None if one is None else operations.expand_dims(one, 0) for one in single]
    member = input_node(x.aval)
    found = linear(Array(member))
    nodes = [None if one is None else one._node for one in found]
    step = max(1, _AT_ONCE // _largest(nodes, member))
    parts: list[list[Array]] = [[] for _ in nodes]
    for start in range(0, x.size, step):
        stop = min(start + step, x.size)
        units = np.eye(stop - start, x.size, start, x.dtype).reshape(stop - start, *x.shape)
        with record(), np.errstate(all="ignore"):
            batch = batch_nodes([node for node in nodes if node is not None], {member: Array(constant_node(units))})
        for part, node in zip(parts, nodes, strict=True):
            if node is not None:
                one = batch.get(node, Array(node))
                part.append(one if node in batch else operations.broadcast_to(one, (stop - start, *one.shape)))
    return [
        None if node is None or not part else part[0] if len(part) == 1 else operations.concatenate(part)
        for node, part in zip(nodes, parts, strict=True)
    ]


def _largest(outputs: Sequence[Node | None], member: Node) -> int:
    """The number of elements of the largest array between ``member`` and the outputs."""
    depends = {member}
    size = max(1, member.array_aval.size)
    for node in ancestors([one for one in outputs if one is not None], stop=lambda one: one.index < member.index):
        if any(source in depends for source in node.inputs):
            depends.add(node)
            avals = (node.aval,) if isinstance(node.aval, Aval) else node.aval
            size = max(size, *(aval.size for aval in avals))
    return size


def _empty(out: Array, x: Array) -> Array:
    return Array(constant_node(np.zeros(out.shape + x.shape, np.result_type(out.dtype, x.dtype))))


def _check_holomorphic(operation: str, call: Call, inputs: list[Array], outputs: list[Array]) -> None:
    """Raise unless the derivative is complex linear (the Cauchy-Riemann equations), tried in one fixed direction."""
    if not all(one.dtype.kind == "c" for one in [*inputs, *outputs]):
        raise NotDifferentiableError(
            f"{operation}: expected inputs and results all real or all complex. "
            "Differentiate real and imaginary parts as real arrays"
        )
    generator = np.random.default_rng(0)
    direction = [generator.normal(size=x.shape) + 1j * generator.normal(size=x.shape) for x in inputs]
    nodes = [out._node for out in outputs]

    def push(factor: complex) -> list[Any]:
        tangents = [asarray(np.asarray(factor * one).astype(x.dtype)) for one, x in zip(direction, inputs, strict=True)]
        pushed = push_forward(nodes, call.inputs, tangents)
        return [0 if one is None else one._node.value for one in pushed]

    for plain, turned in zip(push(1), push(1j), strict=True):
        if plain is None or turned is None:
            continue  # being traced: there are no values to check
        if not np.allclose(1j * plain, turned, rtol=1e-3, atol=1e-5, equal_nan=True):
            raise NotDifferentiableError(
                f"{operation}: the function is not holomorphic, so it has no complex derivative. "
                "Differentiate by real and imaginary parts as real arrays"
            )


def hessian(f: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """Return a function that gives the matrix of second derivatives of ``f``, forward over reverse.

    Args:
        f: a function whose result is a floating array with one element.
        argnums: position or positions of the arguments to differentiate by, twice.

    >>> hessian(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """

    def gradient(*args: Any, **keywords: Any) -> Any:
        return _value_and_grad("hessian", f, argnums, False, args, keywords)[1]

    @_name(f, "hessian")
    def derived(*args: Any, **keywords: Any) -> Any:
        return _jacobian("hessian", gradient, argnums, args, keywords)

    return derived


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """Return the Hessian of ``f`` at ``primals`` times ``tangents``, at the cost of a few gradients.

    Args:
        f: a function whose result is a floating array with one element.
        primals: the argument, or a tuple of the arguments.
        tangents: what the Hessian is multiplied by: of the same structure.

    >>> hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    single = not isinstance(primals, tuple)
    if single:
        primals, tangents = (primals,), (tangents,)

    def gradient(*args: Any) -> Any:
        return _value_and_grad("hvp", f, range(len(args)), False, args, {})[1]

    product = _either(
        lambda: _jvp("hvp", gradient, primals, tangents)[1],
        lambda: vjp(gradient, *primals)[1](tuple(tangents)),  # a Hessian is its own transpose
    )
    return product[0] if single else product
