"""What the package says it has is there, and nothing else."""

import subprocess
import sys

import pytest

import pullback as pb


@pytest.mark.parametrize("name", pb.__all__)
def test_every_exported_name_exists_and_is_documented(name):
    found = getattr(pb, name)
    assert found.__doc__


def test_dir_lists_the_public_names_and_others_are_refused():
    assert dir(pb) == sorted(pb.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = pb.nonsense


@pytest.mark.parametrize("name", ["fft", "linalg", "random", "special"])
def test_short_names_of_modules_are_imported_as_any_module(name):
    code = f"""
import pullback.{name}, sys
from pullback.{name} import {dir(getattr(pb, name))[-1]}
from pullback import numpy as np, {name}
print(pullback.{name} is {name} is sys.modules["pullback.numpy.{name}"], getattr(np, "{name}", {name}) is {name})
"""
    assert fresh(code) == "True True"


def test_star_import_gives_the_public_names():
    code = "from pullback import *; print(grad(lambda x: x * x)(3.0), expression('a * b').inputs[0].name)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "6.0 a"


def fresh(code):
    """What the code prints in an interpreter of its own, where nothing has been loaded."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_importing_the_package_loads_no_operation_and_no_library_but_numpy():
    heavy = ("scipy", "optree", "rich", "click", "llvmlite", "safetensors", "pullback.ops.structural")
    assert fresh(f"import pullback, sys; print([name for name in {heavy} if name in sys.modules])") == "[]"


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("np.i0(pb.array(0.0)).item()", "1.0"),
        ("np.linalg.norm(pb.array([3.0, 4.0])).item()", "5.0"),
        ("pickle.loads(pickle.dumps(pb.core.primitive._by_name('i0e'))).name", "'i0e'"),
        ("scipy.special.erf(pb.array(0.0)).item()", "0.0"),
        ("'gammaln' in dir(pb.special) and 'trace' in dir(pb.numpy)", "True"),
        ("hasattr(pb.core.operations.operations, 'nonsense')", "False"),
    ],
)
def test_operations_are_found_before_any_is_loaded(use, expected):
    assert fresh(f"import pickle, numpy as np, scipy.special, pullback as pb; print(repr({use}))") == expected


def test_threads_may_use_the_operations_first_at_the_same_time():
    code = """
import sys, threading, numpy as np, pullback as pb
sys.setswitchinterval(1e-6)
uses = [
    lambda x: x * x, np.sin, np.linalg.norm, np.fft.fft, pb.special.gammaln, lambda x: pb.nn.relu(x),
    lambda x: pb.numpy.sort(x), lambda x: pb.grad(np.sum)(x), lambda x: np.add.reduce(x), lambda x: x[::-1],
]
failed, start = [], threading.Barrier(len(uses))
def run(use):
    start.wait()
    try:
        use(pb.array([1.0, 2.0, 3.0]))
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=run, args=(use,)) for use in uses]
[one.start() for one in threads]
[one.join(60) for one in threads]
print(failed, any(one.is_alive() for one in threads))
"""
    assert fresh(code) == "[] False"
