"""Rounding to integers, and division with a remainder."""

from __future__ import annotations

import math

from pullback.compiler.mathematics.lanes import Type, Value, Writer, symbol, where
from pullback.compiler.mathematics.lanewise import over_lanes
from pullback.compiler.mathematics.registry import Text, define, raw

_CALL = ("remainder of numbers", "double", 1)


@define(float=0.0, double=0.0)
def rint(x: Value) -> Value:
    """The nearest integer, the even one of two as near."""
    return x.intrinsic("rint")


@define(float=0.0, double=0.0)
def floor(x: Value) -> Value:
    """The largest integer not above x."""
    return x.intrinsic("floor")


@define(float=0.0, double=0.0)
def ceil(x: Value) -> Value:
    """The smallest integer not below x."""
    return x.intrinsic("ceil")


@define(float=0.0, double=0.0)
def trunc(x: Value) -> Value:
    """The integer part of x."""
    return x.intrinsic("trunc")


@define(float=0.0, double=0.0)
def fmod(x: Value, y: Value) -> Value:
    """The remainder of x / y with the sign of x, exact."""
    dividend, divisor = abs(x), abs(y)
    ratio = dividend / divisor
    quotient = ratio.intrinsic("trunc")
    rest = quotient.fma(-divisor, dividend)
    rest = where(rest < 0.0, rest + divisor, rest)  # the ratio was rounded up to an integer
    rest = where(dividend < divisor, dividend, rest)
    far = ratio >= 2.0**x.type.digits
    return x.writer.rarely(far, "far remainder", [rest], dividend, divisor)[0].copysign(x)


@define(float=0.5, double=0.5)
def remainder(x: Value, y: Value) -> Value:
    """The remainder of x / y with the sign of y, as Python's and NumPy's %."""
    return _remainder(fmod(x, y), y)


def _remainder(rest: Value, y: Value) -> Value:
    opposite = (rest.bits ^ y.bits) < 0
    return where(rest.equals(0.0), rest.copysign(y), where(opposite, rest + y, rest))


@define(float=0.0, double=0.0)
def floor_divide(x: Value, y: Value) -> Value:
    """The quotient that belongs to the remainder with the sign of y, as Python's and NumPy's //."""
    rest = fmod(x, y)
    quotient = (x - rest) / y
    opposite = ~rest.equals(0.0) & ((rest.bits ^ y.bits) < 0)
    quotient = where(opposite, quotient - 1.0, quotient)
    whole = quotient.intrinsic("floor")
    whole = where(quotient - whole > 0.5, whole + 1.0, whole)
    ratio = x / y
    whole = where(quotient.equals(0.0), (0.0 * quotient).copysign(ratio), whole)
    return where(y.equals(0.0), ratio, whole)


@raw("far remainder")
def _far_remainder(element: str, lanes: int) -> Text:
    type = Type(element, lanes)

    def number(dividend: Value, divisor: Value) -> list[Value]:
        writer, double = dividend.writer, Type("double", 1)
        given = f"double {dividend.to('double').text}, double {divisor.to('double').text}"
        writer.lines.append(f'  %number = call double @"{symbol(*_CALL)}"({given})')
        return [Value(writer, double, "%number").to(element)]

    return over_lanes([type, type], [type], number, [_CALL])


@raw("remainder of numbers")
def _remainder_of_numbers(element: str, lanes: int) -> Text:
    """Of doubles, 0 or positive: long division of the significands, eleven binary digits at a time."""
    writer, double, long = Writer(), Type("double", 1), Type("i64", 1)
    x, y = Value(writer, double, "%x0"), Value(writer, double, "%x1")

    def significand(value: Value) -> tuple[Value, Value]:
        """As an integer, and the exponent of its last digit less that of the smallest number."""
        field = value.bits >> 52
        normal = field > 0
        digits = value.bits & ((1 << 52) - 1)
        return where(normal, digits + (1 << 52), digits), where(normal, field - 1, 0)

    (m, e), (n, f) = significand(x), significand(y)
    valid = (x < math.inf) & (y > 0.0)
    n = where(valid, n, 1)
    distance = where(valid & (e > f), e - f, 0)
    first = writer.value(long, f"urem i64 {m.text}, {n.text}")
    writer.lines += [
        "  br label %loop",
        "loop:",
        f"  %rest = phi i64 [{first.text}, %0], [%next, %loop]",
        f"  %left = phi i64 [{distance.text}, %0], [%less, %loop]",
    ]
    left = Value(writer, long, "%left")
    step = where(left < 11, left, 11)
    writer.lines += [
        f"  %moved = shl i64 %rest, {step.text}",
        f"  %next = urem i64 %moved, {n.text}",
        f"  %less = sub i64 %left, {step.text}",
        "  %more = icmp sgt i64 %less, 0",
        "  br i1 %more, label %loop, label %done",
        "done:",
    ]
    whole = writer.value(double, "sitofp i64 %next to double")
    # The result is next * 2**(f - 1074), made in two steps, since the factor may be below the smallest normal number.
    half = f >> 1
    value = (
        whole * ((half + (1023 - 537)) << 52).floats("double") * (((f - half) + (1023 - 537)) << 52).floats("double")
    )
    value = where(valid, where(x < y, x, value), math.nan)
    body = "\n".join([*writer.lines, f"  ret double {value.text}"])
    return Text("double", "double %x0, double %x1", body)
