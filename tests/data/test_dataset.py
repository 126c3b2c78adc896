"""The data sets that come along."""

import sys

import numpy as np
import pytest

import pullback as pb
from pullback.data import load_breast_cancer, load_digits


def test_digits_are_split_fairly_and_always_the_same():
    data = load_digits()
    train, held_out = data.split()
    assert (len(data), len(train), len(held_out)) == (1797, 1438, 359)
    assert np.bincount(held_out.targets).min() >= 34
    np.testing.assert_array_equal(held_out.inputs, load_digits().split()[1].inputs)
    assert held_out.classes == tuple("0123456789")


def test_breast_cancer_has_two_classes():
    data = load_breast_cancer()
    assert data.classes == ("malignant", "benign")
    assert data.inputs.shape == (569, 30)


@pytest.mark.parametrize("load", [load_digits, load_breast_cancer])
def test_without_scikit_learn_one_is_told_how_to_get_it(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(pb.errors.ArgumentError, match=r'pip install "pullback\[demo\]"'):
        load()
