"""``pullback cache``."""

import numpy as np
import pytest
from click.testing import CliRunner

import pullback as pb
from pullback.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    path = tmp_path / "cache"
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(path))
    return path


def run(*args):
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_kept_is_shown_and_removed(folder):
    pb.compile(lambda x: x * 5 + 4)(np.ones(3))
    count = len(list(folder.iterdir()))
    assert count
    words = f"{count} {'entry' if count == 1 else 'entries'}"
    assert run("cache", "info").startswith(words)
    assert run("cache", "clear").startswith(f"removed {words}")
    assert run("cache", "info").startswith("0 entries, 0 kB, in ")
    assert list(folder.iterdir()) == []


def test_without_a_cache_it_says_so(monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE_DIR", "")
    assert run("cache", "info") == "no compiled code is kept: PULLBACK_CACHE_DIR is empty\n"
