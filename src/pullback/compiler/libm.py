"""Mathematical functions by the C library, one lane after the other."""

from __future__ import annotations

from pullback.compiler.words import suffix, vector

_INTRINSICS = {
    "exp": "exp", "exp2": "exp2", "log": "log", "log2": "log2", "log10": "log10", "sin": "sin", "cos": "cos",
    "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
}  # fmt: skip
_FUNCTIONS = {"expm1": "expm1", "log1p": "log1p", "erf": "erf", "erfc": "erfc", "cbrt": "cbrt"}


def names() -> frozenset[str]:
    """The names of the functions, which are those of the primitives that they compute."""
    return frozenset([*_INTRINSICS, *_FUNCTIONS])


def text(symbol: str, name: str, kind: str, lanes: int) -> str:
    """The module that defines a function under a symbol."""
    type = vector(kind, lanes)
    if name in _INTRINSICS:
        called = f"@llvm.{_INTRINSICS[name]}.{suffix(kind, lanes)}"
        return (
            f'declare {type} {called}({type})\ndefine {type} @"{symbol}"({type} %x) {{\n'
            f"  %y = call {type} {called}({type} %x)\n  ret {type} %y\n}}\n"
        )
    called = f"@{_FUNCTIONS[name]}{'f' if kind == 'float' else ''}"
    lines, last = [], "poison"
    for i in range(lanes):
        if lanes == 1:
            return (
                f'declare {kind} {called}({kind})\ndefine {kind} @"{symbol}"({kind} %x) {{\n'
                f"  %y = call {kind} {called}({kind} %x)\n  ret {kind} %y\n}}\n"
            )
        lines += [
            f"  %x{i} = extractelement {type} %x, i64 {i}",
            f"  %y{i} = call {kind} {called}({kind} %x{i})",
            f"  %r{i} = insertelement {type} {last}, {kind} %y{i}, i64 {i}",
        ]
        last = f"%r{i}"
    body = "\n".join(lines)
    return (
        f'declare {kind} {called}({kind})\ndefine {type} @"{symbol}"({type} %x) {{\n{body}\n  ret {type} {last}\n}}\n'
    )
