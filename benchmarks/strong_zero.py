"""What the strong zero costs: the workloads with it, and with a plain product in its place, in turns in one process.

``python -m benchmarks.strong_zero``
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.timing import per_call

WORKLOADS = (
    "network_2_2_1", "mlp_64_32_10", "mlp_784_128_10", "mlp_784_1024_10", "softmax", "layer_norm", "logsumexp",
    "pointwise_chain",
)  # fmt: skip


@contextmanager
def replaced(holder: Any, name: str, value: Any) -> Iterator[None]:
    """Let an attribute have another value for a while."""
    before = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, before)


def multiplied_plainly(graph: Any) -> Any:
    """A graph in which every strong product is a product."""
    from pullback.transforms.replacing import made, rewrite

    return rewrite(
        graph,
        lambda node, inputs: made("multiply", inputs) if node.primitive.name == "strong_product" else None,
        "multiplied_plainly",
    )


def compiled(workload: Any) -> dict[str, Callable[[], Any]]:
    """The workload compiled as it is, and from the same graph with plain products."""
    import pullback as pb
    from pullback.compiler import cache, planning

    expand = planning.expand
    strong = workload.pullback(pb.compile)
    strong()
    with (
        replaced(planning, "expand", lambda graph, is_known: expand(multiplied_plainly(graph), is_known)),
        replaced(cache, "fingerprint", lambda graph: None),  # what is stored is the other one
    ):
        plain = workload.pullback(pb.compile)
        plain()
    return {"strong zero": strong, "plain product": plain}


def eager(workload: Any) -> dict[str, Callable[[], Any]]:
    """The workload run eagerly, with derivative rules as they are, and with ones that multiply plainly."""
    from pullback.core.operations import operations

    run = workload.pullback(lambda f: f)

    def with_product(product: Any) -> Callable[[], Any]:
        def call() -> Any:
            with replaced(operations, "strong_product", product):
                return run()

        return call

    return {
        "strong zero": with_product(operations.strong_product),
        "plain product": with_product(operations.multiply),
    }


def share(contestants: dict[str, Callable[[], Any]], rounds: int) -> str:
    """The time without, and what the strong zero adds to it: of the fastest of many short turns."""
    fastest = dict.fromkeys(contestants, float("inf"))
    for _ in range(rounds):
        for name, function in contestants.items():
            fastest[name] = min(fastest[name], per_call(function, 1), per_call(function, 1))
    with_it, without = fastest["strong zero"], fastest["plain product"]
    return f"{without * 1e6:.1f} us, {with_it / without - 1:+.1%}"


def main() -> None:
    """Print the table."""
    rounds = 2 if "--quick" in sys.argv else 100
    print("| workload | compiled | eager |\n|---|---|---|")
    for name in WORKLOADS:
        workload = importlib.import_module(f"benchmarks.workloads.{name}")
        print(
            f"| {workload.TITLE} | {share(compiled(workload), rounds)} | {share(eager(workload), rounds)} |", flush=True
        )


if __name__ == "__main__":
    main()
