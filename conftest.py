"""Load the operations before pytest collects: tests look at all of them, and modules are not to be loaded twice."""

import os
import signal
import tempfile

import hypothesis
import pytest

import pullback  # noqa: F401
from pullback.core.operations import operations

# Tests leave nothing in the user's cache, and find nothing there.
_cache = tempfile.TemporaryDirectory(prefix="pullback-cache-")
os.environ.setdefault("PULLBACK_CACHE_DIR", _cache.name)
operations.load_all()
pytest.register_assert_rewrite("contract")

# A shell has its background jobs ignore Ctrl-C, and they hand that on: tests of Ctrl-C would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What continuous integration finds on one day it shall find on the next; by hand, every run tries something else.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")
