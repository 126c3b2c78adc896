"""Object code on disk: used when it may be, ignored when it may not."""

import os
import stat
import subprocess
import sys

import numpy as np
import pytest

import pullback as pb
from pullback.compiler import cache


@pytest.fixture
def folder(tmp_path, monkeypatch):
    path = tmp_path / "cache"
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(path))
    return path


def compiled():
    return pb.compile(lambda x: np.sqrt(x) + x * 3)(np.array([4.0, 9.0])).tolist()


def test_what_was_compiled_is_loaded_and_not_compiled_again(folder, monkeypatch):
    assert compiled() == [14.0, 30.0]
    assert cache.usage().entries > 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def refuse(*args, **keywords):
        raise AssertionError("compiled again")

    monkeypatch.setattr("pullback.compiler.lower.lower", refuse)
    assert compiled() == [14.0, 30.0]


def corrupted(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def writable_by_others(path):
    path.chmod(0o666)


def linked(path):
    other = path.with_name("elsewhere")
    path.rename(other)
    path.symlink_to(other)


def emptied(path):
    path.write_bytes(b"")


def a_directory(path):
    path.unlink()
    path.mkdir()


def another(path):
    cache.store("f" * 64, b"of something else")
    os.replace(path.with_stem("f" * 64), path)


@pytest.mark.parametrize("harm", [corrupted, cut, writable_by_others, linked, emptied, a_directory, another])
def test_an_entry_that_is_not_as_it_was_written_is_ignored(folder, harm):
    compiled()
    entries = [path for path in folder.iterdir() if path.suffix == ".object"]
    assert entries
    for path in entries:
        name = path.stem
        assert cache.load(name) is not None
        harm(path)
        assert cache.load(name) is None
    assert compiled() == [14.0, 30.0]


def test_a_directory_that_others_may_write_to_is_not_used(folder):
    folder.mkdir()
    folder.chmod(0o777)
    assert compiled() == [14.0, 30.0]
    assert list(folder.iterdir()) == []


def test_no_cache_is_fine(monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE_DIR", "")
    assert compiled() == [14.0, 30.0]
    assert cache.usage() == cache.Usage(None, 0, 0)


def test_a_process_that_is_killed_while_it_writes_leaves_a_usable_cache(folder):
    code = """
import os, signal
from pullback.compiler import cache
cache.store("a" * 64, b"whole")
replace = os.replace
os.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
cache.store("b" * 64, b"never")
"""
    result = subprocess.run([sys.executable, "-c", code], env={**os.environ}, check=False)
    assert result.returncode == -9
    assert cache.load("a" * 64) == b"whole"
    assert cache.load("b" * 64) is None
    assert cache.clear().entries == 2
    assert cache.usage().entries == 0


def test_entries_that_were_used_longest_ago_go_when_there_are_too_many(folder, monkeypatch):
    monkeypatch.setattr(cache, "_MOST", 8)
    for number in range(20):
        cache.store(f"00{number:062x}", b"")
    assert cache.usage().entries <= 8
    assert cache.load(f"00{19:062x}") == b""


def test_files_of_others_in_the_directory_stay(folder, monkeypatch):
    folder.mkdir(mode=0o700)
    others = [folder / name for name in (".bashrc", "notes.object", ".hidden.1.2")]
    for path in others:
        path.touch()
    monkeypatch.setattr(cache, "_MOST", 0)
    compiled()
    cache.store("0" * 64, b"")
    assert cache.clear().entries > 0
    assert sorted(folder.iterdir()) == sorted(others)


def test_numbers_that_stand_in_the_code_are_not_kept_beside_it(folder):
    pb.compile(lambda x: 3.0 * x + np.full((1000, 8), 2.0) + np.arange(8000.0).reshape(1000, 8))(np.ones((1000, 8)))
    assert cache.usage().nbytes < 2 * 8 * 1000 * 8


def test_graphs_that_differ_have_different_fingerprints():
    graphs = [
        pb.trace(lambda x: x + 1, np.ones(3)),
        pb.trace(lambda x: x + 2, np.ones(3)),
        pb.trace(lambda x: 1 - x, np.ones(3)),
        pb.trace(lambda x: x - 1, np.ones(3)),
        pb.trace(lambda x: x + 1, np.ones(4)),
        pb.trace(lambda x: x + 1, np.ones(3, np.float32)),
        pb.trace(lambda x: x + np.array([1.0, 1.0, 2.0]), np.ones(3)),
        pb.trace(lambda x: np.sum(x, axis=0), np.ones((3, 3))),
        pb.trace(lambda x: np.sum(x, axis=1), np.ones((3, 3))),
        pb.trace(lambda x, y: x - y, 1.0, 1.0),
        pb.trace(lambda x, y: y - x, 1.0, 1.0),
    ]
    found = [cache.fingerprint(graph) for graph in graphs]
    assert len(set(found)) == len(graphs)
    assert cache.fingerprint(pb.trace(lambda x: x + 1, np.zeros(3))) == found[0]
