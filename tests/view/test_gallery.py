"""The gallery: the committed pictures are what the script draws."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def script():
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "scripts" / "gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GALLERY = script()


def test_every_picture_of_the_page_is_drawn_by_the_script():
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    for name in GALLERY.PICTURES:
        assert f"gallery/{name}" in page or name.endswith(".json")


@pytest.mark.parametrize("name", ["lecture.svg", "lecture.json", "network.svg", "network.json", "nan.svg"])
def test_pictures_of_numbers_are_as_they_are_committed(name, tmp_path):
    """The others hold sums whose last digits depend on the machine."""
    GALLERY.PICTURES[name]().save(tmp_path / name)
    assert (tmp_path / name).read_bytes() == (ROOT / "docs" / "gallery" / name).read_bytes()
