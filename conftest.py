"""Load the operations before pytest collects: tests look at all of them, and modules are not to be loaded twice."""

import pytest

import pullback  # noqa: F401
from pullback.core.operations import operations

operations.load_all()
pytest.register_assert_rewrite("contract")
