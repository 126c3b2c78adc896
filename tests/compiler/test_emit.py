"""Text for LLVM, put together."""

import numpy as np

import pullback as pb
from pullback.compiler.emit import Module
from pullback.compiler.lower import lower


def function(name, body):
    return f"define private void @{name}(ptr %x) nounwind {{\nentry:\n{body}\n  ret void\n}}"


def test_functions_that_differ_by_name_only_are_one():
    module = Module()
    inner = function("inner", "  store i64 1, ptr %x")
    first = module.share("\n".join([inner, function("run", "  call void @inner(ptr %x)")]))
    again = module.share("\n".join([inner.replace("inner", "other"), function("run", "  call void @other(ptr %x)")]))
    assert first == {"inner": "f0", "run": "f1"}
    assert again == {"other": "f0", "run": "f1"}
    other = module.share(function("run", "  store i64 2, ptr %x"))
    assert other == {"run": "f2"}
    assert str(module).count("define") == 3


def test_layers_of_one_shape_share_their_code():
    def network(x, *weights):
        for w in weights:
            x = np.tanh(x @ w)
        return np.sum(x)

    x, w = np.ones((16, 32), np.float32), np.ones((32, 32), np.float32)
    counts = [lower(pb.trace(pb.value_and_grad(network, 1), x, *[w] * depth)).text.count("define") for depth in (3, 6)]
    assert counts[0] == counts[1]
