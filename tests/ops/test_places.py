"""Indices from shapes, and from other indices."""

import numpy as np
import pytest

import pullback as pb


def test_places_are_computed_where_no_value_is_known():
    x = np.arange(12.0).reshape(3, 4) * [[1], [-1], [1]]
    found = pb.vmap(lambda x: np.unravel_index(np.argmax(x), x.shape))(np.stack([x, -x]))
    assert [one.tolist() for one in found] == [[2, 1], [3, 3]]
    graph = pb.trace(lambda x: np.ravel_multi_index((np.argmax(x, 0), np.argmin(x, 0)), (3, 3)), x)
    assert graph.outputs[0].aval.shape == (4,)


@pytest.mark.parametrize("order", ["C", "F"])
def test_places_and_indices_are_inverse_to_each_other(order):
    indices = np.unravel_index(pb.array(np.arange(24)), (2, 3, 4), order)
    assert np.ravel_multi_index(indices, (2, 3, 4), order=order).tolist() == list(range(24))
