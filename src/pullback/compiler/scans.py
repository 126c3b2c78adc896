"""Passes on loops of known length: what need not be done step by step is done for all steps at once.

A product of what every step is given, ``x_t @ W``, is one product before the loop. A product that is only added up, as
the gradient of a weight is, ``total + h_t.T @ g_t``, is one product after it, of all that the steps gave. A product
that only a result of its step needs, ``h_t @ W``, is one product after it as well. Values stay the same to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pullback.compiler.contractions import is_product, letters_of
from pullback.compiler.recurrences import Carry, Loop, substituted
from pullback.compiler.views import is_move
from pullback.control.scans import scan_primitive
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.graph import Graph, ancestors, as_scalar
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.several import item
from pullback.core.state import record
from pullback.core.terminals import CONSTANT, input_node, scalar_node
from pullback.transforms.passes import made, optimize, rewrite


def improve_scans(graph: Graph) -> Graph:
    """Apply the passes to every loop of known length; what nothing uses of one is not computed."""
    used: dict[Node, set[int]] = {}
    for node in graph.nodes:
        if node.primitive is item:
            used.setdefault(node.inputs[0], set()).add(node.params["index"])
    found: dict[Node, Mapping[int, Node]] = {}

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if node.primitive is item and node.inputs[0] in found:
            return found[node.inputs[0]][node.params["index"]]
        if node.primitive is scan_primitive and node.params["length"]:
            loop = Loop(node, inputs, used.get(node, set()))
            for one in PASSES:
                one(loop)
            found[node] = loop.close()
        return None

    return rewrite(graph, rule, "improve_scans")


def settle_inputs(loop: Loop) -> None:
    """Let the body know what is one number, what is the same at every step, and what is handed on as it came."""
    while True:
        known: dict[Node, Node] = {}
        for carry in loop.carries:
            if carry.next is carry.inside or _is_same_number(carry.next, carry.start):
                loop.consts[carry.inside] = carry.start
                loop.rename({carry.result: carry.start})
        loop.carries = [carry for carry in loop.carries if carry.inside not in loop.consts]
        for inside, stack in list(loop.rows.items()):
            if _repeats(stack):
                del loop.rows[inside]
                aval = inside.array_aval
                loop.consts[inside] = (
                    made("reshape", (stack.inputs[0],), {"shape": aval.shape})
                    if stack.primitive is not CONSTANT
                    else scalar_node(as_scalar(stack), aval.shape, aval.dtype)
                )
        for inside, outside in list(loop.consts.items()):
            scalar = as_scalar(outside)
            if scalar is not None:
                del loop.consts[inside]
                known[inside] = scalar_node(scalar, outside.array_aval.shape, outside.array_aval.dtype)
        if not known:
            return
        loop.replace(known)
        outputs = loop.outputs
        better = optimize(Graph.of(outputs)).outputs
        loop.replace(dict(zip(outputs, better, strict=True)))
        loop.drop_unused()


def _is_same_number(one: Node, other: Node) -> bool:
    number = as_scalar(one)
    return number is not None and repr(number) == repr(as_scalar(other))


def _repeats(stack: Node) -> bool:
    """Whether all rows of a stack are the same, as far as is seen."""
    if stack.primitive is CONSTANT:
        return as_scalar(stack) is not None
    if stack.primitive.name != "broadcast_to":
        return False
    shape, source = stack.array_aval.shape, stack.inputs[0].array_aval.shape
    return source == shape[1:] or source == (1, *shape[1:])


def hoist_products(loop: Loop) -> None:
    """Compute products of what every step is given for all steps, before the loop."""
    given = loop.given()
    targets = [node for node in loop.nodes() if node in given and is_product(node)]
    targets = [node for node in targets if not _used_by_products_only(node, targets, loop)]
    if not targets:
        return
    stacks = loop.outside(targets, loop.rows)
    known = {}
    for node, stack in zip(targets, stacks, strict=True):
        inside = known[node] = input_node(node.array_aval, node.name)
        (loop.consts if stack.aval == node.aval else loop.rows)[inside] = stack
    loop.replace(known)
    loop.drop_unused()


def _used_by_products_only(node: Node, targets: Sequence[Node], loop: Loop) -> bool:
    """Whether only other targets, through movements, use a product: then it need not be known inside."""
    readers: list[Node] = [node]
    outputs = set(loop.outputs)
    nodes = loop.nodes()
    for reader in readers:
        if reader in outputs:
            return False
        users = [one for one in nodes if reader in one.inputs]
        if any(not is_move(one) and one not in targets for one in users):
            return False
        readers += [one for one in users if is_move(one)]
    return True


def sum_products_after(loop: Loop) -> None:
    """Compute products that are only added up after the loop: one contraction over steps as well."""
    for carry in list(loop.carries):
        uses = loop.uses()
        terms = _added(carry, uses)
        summed = [term for term in terms if _is_moved_product(loop, term, uses)]
        if not summed:
            continue
        kept = [term for term in terms if term not in summed]
        last = carry.result
        if kept:
            with record():
                total = Array(carry.inside)
                for term in kept:
                    total = operations.add(total, Array(term))
            carry.next = total._node
        else:
            loop.carries.remove(carry)
            last = carry.start
        parts = [_summed_over_steps(loop, term) for term in summed]
        if as_scalar(last) != 0:  # from zero on the sum is that of the products
            parts.insert(0, last)
        with record():
            result = Array(parts[0])
            for part in parts[1:]:
                result = operations.add(result, Array(part))
        # What stood for the result is now a part of it.
        if kept:
            standing = input_node(carry.result.array_aval)
            result = Array(substituted([result._node], {carry.result: standing})[0])
            loop.rename({carry.result: result._node})
            carry.result = standing
        else:
            loop.rename({carry.result: result._node})
        loop.drop_unused()


def _added(carry: Carry, uses: Mapping[Node, int]) -> list[Node]:
    """What a carried value is at each step increased by, as terms; none if it is used otherwise."""
    terms: list[Node] = []
    waiting, found = [carry.next], False
    while waiting:
        node = waiting.pop()
        if node is carry.inside:
            if found:
                return []
            found = True
        elif node.primitive.name == "add" and uses[node] == 1:
            waiting += node.inputs
        else:
            terms.append(node)
    return terms if found and uses[carry.inside] == 1 else []


def _is_moved_product(loop: Loop, term: Node, uses: Mapping[Node, int]) -> bool:
    """Whether a term is a product, through movements, that nothing else uses, and not the same at every step."""
    while is_move(term) and uses[term] == 1:
        term = term.inputs[0]
    return is_product(term) and uses[term] == 1 and not all(_is_fixed(loop, source) for source in term.inputs)


def _is_fixed(loop: Loop, node: Node) -> bool:
    base = _moved(node)
    return base in loop.consts or base.primitive is CONSTANT


def _moved(node: Node) -> Node:
    """What a node moves, itself if it does not."""
    while is_move(node):
        node = node.inputs[0]
    return node


def _summed_over_steps(loop: Loop, term: Node) -> Node:
    """The sum of a product over all steps, moved as each of them would be."""
    moves = []
    while is_move(term):
        moves.append(term)
        term = term.inputs[0]
    letters = letters_of(term)
    assert letters is not None
    step = next(letter for letter in "stuvwxyzabcdefghijklmnopqr" if letter not in letters.a + letters.b)
    terms, operands = [], []
    for source, text in zip(term.inputs, (letters.a, letters.b), strict=True):
        stack = _stack_of(loop, source)
        operands.append(stack)
        terms.append(text if stack.aval == source.aval else step + text)
    found = made("einsum", operands, {"subscripts": f"{terms[0]},{terms[1]}->{letters.out}"})
    for move in reversed(moves):
        found = made(move.primitive.name, (found,), move.params)
    return found


def _stack_of(loop: Loop, node: Node) -> Node:
    """A node of the body for all steps: what it moves is stacked, not the node itself."""
    base = _moved(node)
    return loop.outside([node], {} if _is_fixed(loop, node) else {base: loop.stacked(base)})[0]


def compute_results_after(loop: Loop) -> None:
    """Compute products that only stacked results need, and what comes after them, for all steps after the loop."""
    needed = set(ancestors([carry.next for carry in loop.carries]))
    order = loop.nodes()
    later: set[Node] = set()
    for node in order:
        if node not in needed and (is_product(node) or any(source in later for source in node.inputs)):
            later.add(node)
    if not later or not all(isinstance(node.aval, Aval) for node in later):
        return
    bases: dict[Node, Node] = {}
    for node in order:
        if node in later:
            for source in node.inputs:
                while is_move(source) and source not in later:
                    source = source.inputs[0]
                if source not in later and source not in loop.consts and source.primitive is not CONSTANT:
                    bases[source] = source
    known = {base: loop.stacked(base) for base in bases}
    _compute_outside(loop, later, known)


def settle_results(loop: Loop) -> None:
    """Compute results that are the same at every step once, after the loop."""
    _compute_outside(loop, loop.fixed(), {})


def _compute_outside(loop: Loop, nodes: set[Node], known: Mapping[Node, Node]) -> None:
    """Compute those of the stacked results that are among these nodes after the loop, from the stacks of others."""
    results = [node for node in loop.stacks if node in nodes]
    standing = {node: loop.stacks.pop(node) for node in results}
    found = loop.outside(results, known)
    loop.rename({standing[node]: _repeated(one, standing[node]) for node, one in zip(results, found, strict=True)})
    loop.drop_unused()


def _repeated(result: Node, stack: Node) -> Node:
    """A result as a stack, where it is the same at every step."""
    return result if result.aval == stack.aval else made("broadcast_to", (result,), {"shape": stack.array_aval.shape})


PASSES: Sequence[Callable[[Loop], None]] = (
    settle_inputs, hoist_products, sum_products_after, compute_results_after, settle_results,
)  # fmt: skip
