"""Arguments too large to take away multiples of pi/2 in floating point: with as many digits of 2/pi as they reach into.

One element after another, and in integers: such arguments are rare. [Payne and Hanek; Muller, 9.4]
"""

from __future__ import annotations

from pullback.compiler.mathematics.arithmetic import two_product, two_sum
from pullback.compiler.mathematics.coefficients import HALF_PI, TWO_OVER_PI
from pullback.compiler.mathematics.lanes import Type, Value, Writer, symbol, where
from pullback.compiler.mathematics.lanewise import over_lanes
from pullback.compiler.mathematics.registry import Text, raw

FAR = {"float": 2.0**17, "double": 2.0**30}
"""An argument up to which three parts of pi/2 are enough, each multiple of the first being exact."""

_NUMBER = "{double, i64, double}"
_CALL = ("reduced number", "double", 1)
_TABLE = "pullback.digits of 2/pi"


def _number(x: Value, *usual: Value) -> list[Value]:
    """For one x: r, the quadrant and perhaps what r lost, anew if x is far."""
    writer, element = x.writer, x.type.element
    far = x > FAR[element]
    argument = where(far, x, FAR["float"]).to("double").text
    writer.lines.append(f'  %number = call {_NUMBER} @"{symbol(*_CALL)}"(double {argument})')
    r, low = (writer.value(Type("double", 1), f"extractvalue {_NUMBER} %number, {i}") for i in (0, 2))
    quadrant = writer.value(Type("i64", 1), f"extractvalue {_NUMBER} %number, 1")
    if element == "float":
        rounded = r.to("float")
        r, low = rounded, (r - rounded.to("double")).to("float")
        quadrant = writer.value(Type("i32", 1), f"trunc i64 {quadrant.text} to i32")
    return [where(far, new, old) for new, old in zip((r, quadrant, low), usual, strict=False)]


def _reduced(element: str, lanes: int, count: int) -> Text:
    type = Type(element, lanes)
    results = [type, type.integers, type][:count]
    return over_lanes([type, *results], results, _number, [_CALL])


@raw("reduced")
def _reduced_to_rest(element: str, lanes: int) -> Text:
    return _reduced(element, lanes, 2)


@raw("reduced exactly")
def _reduced_exactly(element: str, lanes: int) -> Text:
    return _reduced(element, lanes, 3)


@raw("reduced number")
def _reduced_number(element: str, lanes: int) -> Text:
    """For one double from 2**17 on: r, the quadrant, and what r lost in rounding.

    With x = m 2**e, digits of 2/pi worth 4 or more after multiplication by 2**e are left out: they are whole turns. The
    next 192 binary digits times m give the quadrant in the first two, and a fraction exact to 2**-126.
    """
    writer = Writer()
    long, wide = Type("i64", 1), Type("i128", 1)

    def wider(value: Value) -> Value:
        return writer.value(wide, f"zext i64 {value.text} to i128")

    def narrower(value: Value) -> Value:
        return writer.value(long, f"trunc i128 {value.text} to i64")

    x = Value(writer, Type("double", 1), "%x0")
    mantissa = (x.bits & ((1 << 52) - 1)) | (1 << 52)
    start = (x.bits >> 52) - (1075 - 62)  # the table begins with 64 zeros
    place, shift = start >> 6, start & 63
    words = []
    for i in range(4):
        writer.lines.append(f'  %p{i} = getelementptr i64, ptr @"{_TABLE}", i64 {(place + i).text}')
        words.append(writer.value(long, f"load i64, ptr %p{i}"))
    first, second, third = (words[i].intrinsic("fshl", words[i + 1], shift) for i in range(3))
    middle = wider(mantissa) * wider(second) + ((wider(mantissa) * wider(third)) >> 64)
    product = middle + (wider(mantissa * first) << 64)
    fraction = product << 2  # as a signed number, that to the nearest integer
    negative = fraction < 0
    quadrant = narrower(product >> 126) + writer.value(long, f"zext i1 {negative.text} to i64")
    magnitude = where(negative, 0 - fraction, fraction)
    zeros = writer.value(wide, f"call i128 @llvm.ctlz.i128(i128 {magnitude.text}, i1 false)")
    digits = writer.value(wide, f"shl i128 {magnitude.text}, {zeros.text}")
    leading, following = digits >> 75, (digits >> 22) & ((1 << 53) - 1)

    def number(digits: Value) -> Value:
        return writer.value(Type("double", 1), f"sitofp i64 {narrower(digits).text} to double")

    unit = ((1023 - 53 - narrower(zeros)) << 52).floats("double")
    high, low = number(leading) * unit, number(following) * unit * 2.0**-53
    half_pi, half_pi_low, _ = HALF_PI["double"]
    product_high, error = two_product(high, high.like(half_pi))
    r, lost = two_sum(product_high, high.fma(half_pi_low, low.fma(half_pi, error)))
    sign = writer.value(long, f"select i1 {negative.text}, i64 {-(1 << 63)}, i64 0")
    signed = [(one.bits ^ sign).floats("double") for one in (r, lost)]
    signed[0] = where(x < float("inf"), signed[0], float("nan"))
    writer.lines += [
        f"  %r0 = insertvalue {_NUMBER} undef, double {signed[0].text}, 0",
        f"  %r1 = insertvalue {_NUMBER} %r0, i64 {quadrant.text}, 1",
        f"  %r2 = insertvalue {_NUMBER} %r1, double {signed[1].text}, 2",
        f"  ret {_NUMBER} %r2",
    ]
    numbers = ", ".join(f"i64 u0x{word:X}" for word in TWO_OVER_PI)
    table = f'@"{_TABLE}" = private constant [{len(TWO_OVER_PI)} x i64] [{numbers}]\n\n'
    return Text(_NUMBER, "double %x0", "\n".join(writer.lines), (), table)
