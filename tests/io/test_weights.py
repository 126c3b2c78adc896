"""Weights in files: what goes in comes out, whole or not at all."""

import os

import numpy as np
import pytest

import pullback as pb
from pullback.io import load_metadata, load_weights, save_weights


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.safetensors"


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "complex64", "bool", "int8", "int64", "uint8", "uint64", ">f8"]
)
def test_arrays_come_back_as_they_were(path, dtype):
    tensors = {"a": np.arange(6).reshape(2, 3).astype(dtype), "zero-d": np.array(1, dtype), "empty": np.empty(0, dtype)}
    save_weights(path, tensors)
    found = load_weights(path)
    assert set(found) == set(tensors)
    for name, value in tensors.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype.newbyteorder("=")
        assert found[name].flags.writeable


def test_transposed_arrays_and_arrays_of_ours_are_saved_by_value(path):
    matrix = np.arange(6.0).reshape(2, 3)
    save_weights(path, {"t": matrix.T, "p": pb.Parameter(matrix), "s": pb.array(matrix)[:, ::2]})
    found = load_weights(path)
    np.testing.assert_array_equal(found["t"], matrix.T)
    np.testing.assert_array_equal(found["p"], matrix)
    np.testing.assert_array_equal(found["s"], matrix[:, ::2])


def test_a_network_comes_back_from_its_file(path):
    model = pb.nn.Sequential(pb.nn.Linear(2, 3, rng=0), pb.nn.Linear(3, 1, rng=1))
    save_weights(path, model.state_dict(), {"data": "xor"})
    other = pb.nn.Sequential(pb.nn.Linear(2, 3, rng=5), pb.nn.Linear(3, 1, rng=6))
    other.load_state_dict(load_weights(path))
    np.testing.assert_array_equal(model[0].weight.detach().numpy(), other[0].weight.detach().numpy())
    assert load_metadata(path) == {"data": "xor"}


def test_the_same_weights_make_the_same_file(path, tmp_path):
    words = {f"word {i}": "é" * i for i in range(9)}
    contents = set()
    for _ in range(5):
        save_weights(path, {"b": np.ones(3, np.float32), "a": np.zeros(2)}, words)
        contents.add(path.read_bytes())
    assert len(contents) == 1
    assert load_metadata(path) == words


def test_nothing_else_is_left_beside_the_file(path):
    save_weights(path, {"a": np.ones(2)})
    save_weights(path, {"a": np.zeros(2)})
    assert os.listdir(path.parent) == [path.name]
    np.testing.assert_array_equal(load_weights(path)["a"], [0, 0])


def test_a_failed_write_leaves_the_old_file(path, monkeypatch):
    save_weights(path, {"a": np.ones(2)})
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        save_weights(path, {"a": np.zeros(2)})
    assert os.listdir(path.parent) == [path.name]
    np.testing.assert_array_equal(load_weights(path)["a"], [1, 1])


def test_what_is_no_array_is_refused_before_anything_is_written(path):
    for tensors, words in (
        ({"a": "words"}, "a: safetensors files hold no <U5"),
        ({"a": np.ones(1, np.complex128)}, "no complex128. Convert it with astype"),
        ({1: np.ones(1)}, "names and metadata to be strings, got int"),
        ([1], "expected a mapping of names to arrays, got list"),
    ):
        with pytest.raises(pb.errors.DTypeError, match=words):
            save_weights(path, tensors)
    with pytest.raises(pb.errors.DTypeError, match="strings, got int"):
        save_weights(path, {}, {"a": 1})
    with pytest.raises(pb.errors.DTypeError, match="metadata to be a mapping of words, got str"):
        save_weights(path, {}, "words")
    for tensors, metadata in (({"__metadata__": np.ones(1)}, {}), ({"\udcff": np.ones(1)}, {}), ({}, {"a": "\udcff"})):
        with pytest.raises(pb.errors.ArgumentError, match="save_weights: "):
            save_weights(path, tensors, metadata)
    assert not path.exists()


@pytest.mark.parametrize("load", [load_weights, load_metadata])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\xff" * 64, "cut"])
def test_files_that_hold_no_weights_are_refused(path, load, content):
    if content == "cut":
        save_weights(path, {"a": np.ones(100)})
        content = path.read_bytes()[:-10]
    path.write_bytes(content)
    with pytest.raises(pb.errors.FormatError, match=r"net\.safetensors: expected a safetensors file"):
        load(path)


@pytest.mark.parametrize("load", [load_weights, load_metadata])
def test_a_file_that_is_not_there_is_named(path, load):
    with pytest.raises(pb.errors.FileError, match=r"cannot read '.*net\.safetensors': No such file or directory"):
        load(path)
