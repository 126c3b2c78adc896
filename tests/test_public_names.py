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


def test_star_import_gives_the_public_names():
    code = "from pullback import *; print(grad(lambda x: x * x)(3.0), expression('a * b').inputs[0].name)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "6.0 a"
