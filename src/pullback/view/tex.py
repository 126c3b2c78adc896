"""Names and numbers in LaTeX."""

from __future__ import annotations

import re
import unicodedata

from pullback.view.notation import clean, number

_LETTERS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_GREEK = frozenset(_LETTERS.split())
_SPECIAL = {
    "\\": r"\backslash ",
    "{": r"\{",
    "}": r"\}",
    "~": r"\sim ",
    "^": r"\hat{}",
    **{character: f"\\{character}" for character in "$&#%_"},
}


def tex_name(name: str) -> str:
    r"""Write a name: digits at the end and what follows an underscore go below the line.

    >>> tex_name("z1"), tex_name("theta_0"), tex_name("loss"), tex_name("50%")
    ('z_{1}', '\\theta_{0}', '\\mathrm{loss}', '\\mathrm{50\\%}')
    """
    match = re.fullmatch(r"([^\W\d_]+)(?:_(\w+)|(\d+))", name)
    if match is None:
        return tex_symbol(name)
    base, index, digits = match.groups()
    return f"{tex_symbol(base)}_{{{digits or _index(index)}}}"


def _index(text: str) -> str:
    return text if text.isdigit() or len(text) == 1 else tex_symbol(text)


def tex_symbol(text: str) -> str:
    """Write a name as it is, without anything below the line: a letter, a Greek letter, or a word."""
    if text in _GREEK:
        return f"\\{text}"
    if len(text) == 1 and text.isalpha() and ord(text) < 0x180:
        return text
    return f"\\mathrm{{{''.join(map(_character, clean(text)))}}}"


def _character(character: str) -> str:
    """A character as every TeX takes it; what its fonts lack by its number."""
    if character in _SPECIAL:
        return _SPECIAL[character]
    if ord(character) < 0x180:
        return character
    words = unicodedata.name(character, "").removeprefix("GREEK ").split()
    if words[1:2] == ["LETTER"] and len(words) == 3 and (letter := words[2].lower()) in _GREEK:
        return f"\\{letter.capitalize() if words[0] == 'CAPITAL' else letter} "
    return rf"\mbox{{\tiny U+{ord(character):04X}}}"


def tex_number(value: complex | float) -> str:
    r"""Write a number as ``number`` does, with powers of ten as such.

    >>> tex_number(-2.0), tex_number(1e-7), tex_number(float("-inf")), tex_number(float("nan"))
    ('-2', '1 \\times 10^{-7}', '-\\infty', '\\mathrm{nan}')
    """
    return tex_power(number(value)).replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")


def tex_power(text: str) -> str:
    r"""Write the power of ten of a number as such.

    >>> tex_power("1e-07")
    '1 \\times 10^{-7}'
    """
    return re.sub(r"e([+-])0*(\d+)", lambda m: rf" \times 10^{{{m[1].replace('+', '')}{m[2]}}}", text)


def tex_partial(target: str, source: str) -> str:
    r"""Write a partial derivative.

    >>> tex_partial("L", "b")
    '\\frac{\\partial L}{\\partial b}'
    """
    return rf"\frac{{\partial {tex_name(target)}}}{{\partial {tex_name(source)}}}"


_TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:e[\u2212+-]?\d+)?(?![\w.]))|(?P<name>[^\W²³]+(?:\.[^\W²³]+)*)|(?P<top>\.T\b)|.",
    re.DOTALL,
)
_SIGNS = {
    "\N{MINUS SIGN}": "-", "\N{MIDDLE DOT}": r" \cdot ", "@": r"\,", "\N{SUPERSCRIPT TWO}": "^{2}",
    "\N{SUPERSCRIPT THREE}": "^{3}", "\N{PARTIAL DIFFERENTIAL}": r"\partial ", "\N{DOUBLE VERTICAL LINE}": r"\|",
    "\N{MULTIPLICATION SIGN}": r" \times ", "\N{HORIZONTAL ELLIPSIS}": r"\ldots ", "^": r"\hat{\ }",
}  # fmt: skip
_WORDS = {"nan": r"\mathrm{nan}", "inf": r"\infty "}


def tex_formula(text: str) -> str:
    r"""Write a typeset formula for TeX's mathematics.

    >>> tex_formula("z1 = w.T @ x"), tex_formula("relu(t2)"), tex_formula("x²·1e−07")
    ('z_{1} = w^{\\top} \\, x', '\\mathrm{relu}(t_{2})', 'x^{2} \\cdot 1 \\times 10^{-7}')

    Where names are words, a product of matrices has a sign: side by side they would be one.

    >>> tex_formula("xs @ w")
    '\\mathrm{xs} \\mathbin{@} w'
    """
    parts = []
    words = False
    for match in _TOKEN.finditer(text):
        token = match[0]
        if match["number"]:
            parts.append(tex_power(token.replace("\N{MINUS SIGN}", "-")))
        elif match["name"]:
            called = text[match.end() : match.end() + 1] == "("
            parts.append(_word(token, called))
            words = words or (not called and parts[-1].startswith(r"\mathrm"))
        elif match["top"]:
            parts.append(r"^{\top}")
        else:
            parts.append(_SIGNS.get(token) or _character(token))
    between = r"\mathbin{@}" if words else _SIGNS["@"]
    return "".join(between if part == _SIGNS["@"] else part for part in parts)


def _word(word: str, called: bool) -> str:
    if word in _WORDS:
        return _WORDS[word]
    if called:
        return tex_symbol(word) if len(word) > 1 else word
    base, dot, transposed = word.rpartition(".")
    return f"{tex_name(base)}^{{\\top}}" if dot and transposed == "T" and base else tex_name(word)


def tex_text(text: str) -> str:
    r"""Write text for TeX outside of mathematics.

    >>> tex_text("(5,): −1 to 50%")
    '(5,): $-$1 to 50\\%'
    """
    parts = []
    for character in text:
        sign = _SIGNS.get(character) if character not in "@^" else None
        special = _SPECIAL.get(character, "")
        mathematical = special.startswith("\\") and len(special) > 2
        parts.append(f"${sign}$" if sign else f"${special}$" if mathematical else _character(character))
    return "".join(parts)
