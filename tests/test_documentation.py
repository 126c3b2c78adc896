"""The code in README and CONTRIBUTING is executed; CONTRIBUTING's operation passes the whole contract."""

import re
from pathlib import Path

import contract
import numpy as np
import pytest

import pullback as pb
from pullback.core.families import linear, pointwise
from pullback.core.operations import check_declarations, operations, overrides, primitives

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


@pytest.fixture
def registry():
    """What is declared inside a test is forgotten after it."""
    tables = (primitives, overrides, vars(operations))
    before = [dict(table) for table in tables]
    yield
    for table, kept in zip(tables, before, strict=True):
        table.clear()
        table.update(kept)


@pytest.mark.usefixtures("registry")
def test_an_operation_in_ten_minutes():
    namespace = {}
    for block in blocks("CONTRIBUTING.md"):
        exec(compile(block, "CONTRIBUTING.md", "exec"), namespace)
    softsign = namespace["softsign"]
    check_declarations(primitives.values())
    contract.all_of_it(softsign)
    np.testing.assert_array_equal(softsign([1.0, -3.0]), [0.5, -0.75])
    assert softsign(pb.array([1, 2])).dtype == np.float64


@pytest.mark.usefixtures("registry")
def test_a_declaration_that_lacks_a_part_is_refused_by_name():
    @linear(samples=[])
    def half_declared(x):
        return x

    words = "half_declared lacks a docstring, samples, a shape and dtype rule, a batching rule, a linear transpose"
    with pytest.raises(pb.errors.GraphError, match=words):
        check_declarations(primitives.values())


@pytest.mark.usefixtures("registry")
def test_a_name_is_declared_once():
    with pytest.raises(pb.errors.GraphError, match="declared twice"):

        @pointwise(samples=[], types="d")
        def sin(x):
            """Again."""
            return x
