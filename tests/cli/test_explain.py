"""``pullback explain``, and what the command line does with bad input."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from click.testing import CliRunner

from pullback.cli import main
from pullback.errors import FormatError

LECTURE = "d = 2*b; e = a + d; L = c*e"
GIVEN = ["a=3", "b=1", "c=-2"]


def call(*args):
    return CliRunner().invoke(main, list(args))


def explain(*args):
    return call("explain", *args)


def test_the_lecture():
    result = explain(LECTURE, *GIVEN)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout == (
        "graph(b, a, c) -> L\n"
        "  node  operation  value  gradient  local partials\n"
        "  b     input          1        -4\n"
        "  a     input          3        -2\n"
        "  c     input         -2         5\n"
        "  d     2*b            2        -2  dd/db = 2\n"
        "  e     a + d          5        -2  de/da = 1, de/dd = 1\n"
        "  L     c*e          -10         1  dL/dc = 5, dL/de = -2\n"
        "\n"
        "dL/db = dL/de * de/dd * dd/db = -2 * 1 * 2 = -4\n"
        "dL/da = dL/de * de/da = -2 * 1 = -2\n"
        "dL/dc = e = 5\n"
    )


def test_one_name():
    result = explain(LECTURE, *GIVEN, "--wrt", "d")
    assert result.stdout.splitlines()[-2:] == ["", "dL/dd = dL/de * de/dd = -2 * 1 = -2"]


def test_latex():
    assert r"\frac{\partial L}{\partial c} = e = 5" in explain(LECTURE, *GIVEN, "--latex").stdout


def test_a_page(tmp_path):
    path = tmp_path / "lecture.html"
    assert explain(LECTURE, *GIVEN, "--html", str(path)).exit_code == 0
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_picture(tmp_path):
    path = tmp_path / "lecture.svg"
    assert explain(LECTURE, *GIVEN, "--svg", str(path)).exit_code == 0
    ET.parse(path)


@pytest.mark.parametrize(
    "wrong", [["--wrt", "zzz"], ["d=1"], ["--svg", "picture.pdf"], ["--svg", "no/picture.svg"], ["--wrt", "a", "--fly"]]
)
def test_bad_input_leaves_no_picture_behind(tmp_path, monkeypatch, wrong):
    monkeypatch.chdir(tmp_path)
    result = explain(LECTURE, *GIVEN, "--svg", "lecture.svg", *wrong)
    assert (result.exit_code, result.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == []


def test_lists_are_arrays():
    result = explain("L = sum(W @ x)", "W=[[1,2],[3,4]]", "x=[5, 6]")
    assert result.exit_code == 0
    assert "[4, 6]" in result.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["L = a/b", "a=1", "b=0"], "dL/db = -L/b = -inf"),
        (["L = log(a)", "a=-1"], "nan"),
        (["L = a*2", "a=inf"], "inf"),
        (["L = a*2", "a=1e400"], "inf"),
        (["L = a*2", "a=nan"], "nan"),
        (["L = 2*a/0", "a=0"], "nan"),
        (["-a*b", "a=1", "b=2"], "dout/db = t1 = -1"),
        (["1 + 2"], "out   constant       3"),
        (["a", "a=3"], "da/da = 1"),
        (["2*ﬁ", "fi=3"], "dout/dfi = 2"),
        (["2*fi", "ﬁ=3", "--wrt", "ﬁ"], "dout/dfi = 2"),
    ],
)
def test_what_is_unusual_but_right(args, words):
    result = explain(*args)
    assert (result.exit_code, result.stderr) == (0, "")
    assert words in result.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "Missing argument 'EXPRESSION'"),
        (["a*"], "invalid syntax in 'a*'"),
        (["", "a=1"], "the text is empty"),
        (["foo(a)", "a=1"], "there is no function 'foo'"),
        (["a*b", "a=1"], "no value for b"),
        (["a*b", "a=1", "b=2", "c=3"], "there is no input 'c'"),
        (["a*b", "a=1", "b"], "expected name=value, got 'b'"),
        (["a*b", "a=1", "=2"], "expected name=value, got '=2'"),
        (["a*b", "a=1", "1=2"], "expected name=value, got '1=2'"),
        (["a*b", "a=1", "b="], "expected a number or a list of numbers for b"),
        (["a*b", "a=1", "b=x"], "expected a number or a list of numbers for b, got 'x'"),
        (["a*b", "a=1", "b=__import__('os')"], "expected a number or a list"),
        (["a*b", "a=1", "b='2'"], "expected a number or a list"),
        (["a*b", "a=1", "b={1: 2}"], "expected a number or a list"),
        (["a*b", "a=1", "b=" + "[" * 10_000], "expected a number or a list"),
        (["a*b", "a=1", "b=[1, [2]]"], "rows of equal length"),
        (["a*b", "a=1", "b=['x']"], "forward, b: expected numbers"),
        (["a*b", "a=1", "b=[" + "9" * 400 + "]"], "forward, b: expected numbers"),
        (["a*b", "a=1", "a=2", "b=3"], "a value is given twice"),
        (["a*b", "a=[1,2]", "b=3"], "expected an output with one element"),
        (["sum(a*b)", "a=[1,2]", "b=[1,2,3]"], "in t1 = a*b: multiply: expected shapes"),
        (["a*b", "a=1", "b=2", "--wrt", "q"], "no node named 'q'. Its names are a, b, out"),
        (["a*b", "a=1", "b=2", "--svg", "x.pdf"], "got 'x.pdf'"),
        (["a*b", "a=1", "b=2", "--svg", "/nowhere/at/all/x.svg"], "cannot write '/nowhere/at/all/x.svg'"),
        (["a*b", "a=1", "b=2", "--foo", "3"], "there is no option '--foo'"),
        (["a*b", "a=1", "b=2", "--svg"], "requires an argument"),
        (["(" * 10_000, "a=1"], "error: expression: "),
        (["a*\x1b[31m", "a=1"], "error: expression: "),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(args, words):
    result = explain(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert "\x1b" not in result.stderr
    assert ".py:" not in result.stderr


def test_unknown_commands_and_options():
    for args in (["fly"], ["--fly"]):
        result = call(*args)
        assert result.exit_code == 2
        assert result.stderr.startswith("error: No such")
        assert "Try 'pullback --help'" in result.stderr


def test_help_and_version():
    assert "explain" in call("--help").stdout
    assert "EXPRESSION" in explain("--help").stdout
    assert '\n  pullback explain "d = 2*b; e = a + d; L = c*e" a=3 b=1 c=-2\n' in explain("--help").stdout
    assert call("--version").exit_code == 0


def test_an_interrupt_is_not_a_traceback(monkeypatch):
    def interrupt(*args, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr("pullback.cli.explain.expression", interrupt)
    result = explain("a", "a=1")
    assert result.exit_code == 130
    assert result.stderr.strip() == "interrupted"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full disk here")
def test_output_that_cannot_be_written_is_one_line():
    code = "from pullback.cli import main; main()"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, "explain", "a", "a=1"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "error: cannot write the output: No space left on device\n")


def test_too_little_memory_is_one_line(monkeypatch):
    def fail(*args, **keywords):
        raise MemoryError

    monkeypatch.setattr("pullback.cli.explain.expression", fail)
    assert explain("a").stderr == "error: there is not enough memory for arrays of this size\n"


def test_a_division_by_zero_between_numbers_gives_no_warning():
    result = explain("a/0", "a=1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "dout/da = inf" in result.stdout


def test_an_error_of_several_lines_is_reported_in_one(monkeypatch):
    def fail(*args, **keywords):
        raise FormatError("first\nsecond\x1b[31m")

    monkeypatch.setattr("pullback.cli.explain.expression", fail)
    assert explain("a").stderr == "error: first second\N{REPLACEMENT CHARACTER}[31m\n"


def test_the_installed_command():
    code = "from pullback.cli import main; main(prog_name='pullback')"
    done = subprocess.run(
        [sys.executable, "-c", code, "explain", "L = a/b", "a=1", "b=0"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "inf" in done.stdout
    done = subprocess.run(
        [sys.executable, "-c", code, "explain", "L = a/", "a=1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_help_does_not_load_the_commands():
    code = (
        "import sys; from pullback.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'pullback.cli.train', 'pullback.cli.explain', 'pullback.nn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
