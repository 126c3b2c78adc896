"""Names and numbers in LaTeX."""

from __future__ import annotations

import re

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
        return _symbol(name)
    base, index, digits = match.groups()
    return f"{_symbol(base)}_{{{digits or _index(index)}}}"


def _index(text: str) -> str:
    return text if text.isdigit() or len(text) == 1 else _symbol(text)


def _symbol(text: str) -> str:
    if text in _GREEK:
        return f"\\{text}"
    if len(text) == 1 and text.isalpha():
        return text
    return f"\\mathrm{{{''.join(_SPECIAL.get(character, character) for character in clean(text))}}}"


def tex_number(value: complex | float) -> str:
    r"""Write a number as ``number`` does, with powers of ten as such.

    >>> tex_number(-2.0), tex_number(1e-7), tex_number(float("-inf")), tex_number(float("nan"))
    ('-2', '1 \\times 10^{-7}', '-\\infty', '\\mathrm{nan}')
    """
    text = number(value)
    text = re.sub(r"e([+-])0*(\d+)", lambda m: rf" \times 10^{{{m[1].replace('+', '')}{m[2]}}}", text)
    return text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")


def tex_partial(target: str, source: str) -> str:
    r"""Write a partial derivative.

    >>> tex_partial("L", "b")
    '\\frac{\\partial L}{\\partial b}'
    """
    return rf"\frac{{\partial {tex_name(target)}}}{{\partial {tex_name(source)}}}"
