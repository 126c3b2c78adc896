"""How wide text is, without fonts: a table of the widths of the characters of a common sans-serif typeface."""

from __future__ import annotations

import unicodedata

_WIDTHS = {
    222: "ijl'|",
    278: " !,./:;I[]\\ft·",
    333: "()-`r",
    355: '"',
    389: "*",
    469: "^",
    500: "Jckscvxyz²³∂",
    556: "#$0123456789?L_abdeghnopqu‖",
    584: "+<=>~\N{MINUS SIGN}\N{MULTIPLICATION SIGN}",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "…—",
    1015: "@",
}
_TABLE = {character: width for width, characters in _WIDTHS.items() for character in characters}
_SAFETY = 1.06  # the typeface that is there may be a little wider


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return about how many units the text takes in letters of this size, rather too many than too few.

    >>> text_width("ab", 10.0) < text_width("ab", 10.0, bold=True) < text_width("WW", 10.0)
    True
    """
    units = sum(_TABLE.get(character) or _other(character) for character in text)
    return units / 1000 * size * _SAFETY * (1.07 if bold else 1.0)


def _other(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 1000 if unicodedata.east_asian_width(character) in "WF" else 700
