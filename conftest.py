"""Load the operations before pytest collects: asked for one file of them alone, it would load that file twice."""

import pytest

import pullback  # noqa: F401

pytest.register_assert_rewrite("contract")
