"""The code in README and CONTRIBUTING is executed; CONTRIBUTING's operation passes the whole contract."""

import re
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.core.primitive import check_declarations
from pullback.core.sample import Spec
from pullback.testing import check_grads

ROOT = Path(__file__).parent.parent


def blocks(name, language="python"):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("position", range(len(blocks("README.md"))))
def test_readme_runs(position, capsys):
    exec(compile(blocks("README.md")[position], "README.md", "exec"), {})
    printed = capsys.readouterr().out
    if position == 0:
        assert "dL/db = dL/de * de/dd * dd/db = -2 * 1 * 2 = -4" in printed
        assert printed.rstrip().endswith("6.0")


def test_readme_opens_with_the_two_commands():
    install, test = blocks("README.md", "sh")[:2]
    assert install.strip() == 'pip install ".[demo]" && pullback train digits'
    assert test.strip() == 'pip install -e ".[test]" && pytest'


def test_an_operation_in_ten_minutes():
    namespace = {}
    for block in blocks("CONTRIBUTING.md"):
        exec(compile(block, "CONTRIBUTING.md", "exec"), namespace)
    softsign = namespace["softsign"]
    check_declarations()
    smooth, edges = (sample.make()[0] for sample in softsign.samples)
    check_grads(softsign, smooth, order=2)
    np.testing.assert_array_equal(softsign(*edges), softsign.evaluate(*edges))
    (case,) = softsign.rejects
    args = [arg.draw(np.random.default_rng(0)) if isinstance(arg, Spec) else arg for arg in case.args]
    with pytest.raises(case.error, match=case.match):
        softsign(*args)
    assert softsign(pb.array([1, 2])).dtype == np.float64
    assert pb.trace(softsign, np.ones(3, np.float32)).outputs[0].aval.dtype == np.float32


def test_a_declaration_that_lacks_a_part_is_refused_by_name():
    from pullback.core.families import linear
    from pullback.core.operations import primitives

    try:

        @linear(samples=[])
        def half_declared(x):
            return x

        with pytest.raises(
            pb.errors.GraphError,
            match="half_declared lacks a docstring, samples, a shape and dtype rule, a linear transpose",
        ):
            check_declarations()
    finally:
        del primitives["half_declared"]


def test_a_name_is_declared_once():
    from pullback.core.families import pointwise

    with pytest.raises(pb.errors.GraphError, match="declared twice"):

        @pointwise(samples=[], types="d")
        def sin(x):
            """Again."""
            return x
