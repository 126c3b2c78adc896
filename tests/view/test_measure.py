"""The width of text, without fonts."""

import pytest

from pullback.view.measure import text_width


def test_width_grows_with_text_and_size():
    assert text_width("", 10.0) == 0
    assert text_width("ab", 20.0) == pytest.approx(2 * text_width("ab", 10.0))
    assert text_width("ab", 10.0) == pytest.approx(text_width("a", 10.0) + text_width("b", 10.0))
    assert text_width("ab", 10.0, bold=True) > text_width("ab", 10.0)


def test_narrow_and_wide_characters():
    assert text_width("i", 10.0) < text_width("x", 10.0) < text_width("W", 10.0)
    assert text_width("漢", 10.0) > text_width("a", 10.0)
    assert text_width("e\N{COMBINING ACUTE ACCENT}", 10.0) == text_width("e", 10.0)


@pytest.mark.parametrize("text", ["∂L/∂b = \N{MINUS SIGN}4", "‖∂L/∂w‖ = 1.5", "c·(a + 2·b)²", "µ́Ω\ud800\x00"])
def test_every_character_has_a_width(text):
    assert 0 < text_width(text, 10.0) <= 11 * len(text)
