"""``pullback train``: it learns, it repeats itself, and bad input ends with one line and exit code 2."""

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import pullback as pb
from pullback.cli import main

IRISES = "long,wide,colour,kind\n" + "".join(
    f"{4 + kind + i / 20},{1 + (i % 5) / 10},{'red' if i % 2 else 'blue'},{'abc'[kind]}\n"
    for i in range(20)
    for kind in range(3)
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def run(here, capsys):
    """Run a command: its exit code, and what it wrote to standard output and standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main.main([str(one) for one in arguments], prog_name="pullback")
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return run


def accuracy_in(out):
    return float(re.search(r"^ *all .*?([\d.]+)%", out, re.MULTILINE)[1])


def test_digits_are_learned_and_the_weights_are_saved(run, here):
    code, out, err = run("train", "digits")
    assert (code, err) == (0, "")
    assert "64-128-10, relu and softmax, 9,610 parameters" in out
    assert accuracy_in(out) >= 97
    assert "digits.safetensors" in out
    weights = pb.io.load_weights(here / "digits.safetensors")
    assert weights["1.weight"].shape == (128, 64)
    assert weights["3.weight"].shape == (10, 128)
    metadata = pb.io.load_metadata(here / "digits.safetensors")
    assert json.loads(metadata["classes"]) == list("0123456789")


def test_a_page_shows_the_training_and_the_network(run, here):
    code, out, err = run("train", "breast-cancer", "--epochs", "2", "--hidden", "4", "--html", "page.html")
    assert (code, err) == (0, "")
    assert "The page is page.html." in out
    page = (here / "page.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="picture">(.*?)</script>', page)[1])
    assert len(data["training"]["loss"]) == 2
    assert [one["name"] for one in data["training"]["parameters"]] == ["1.weight", "1.bias", "3.weight", "3.bias"]
    assert any(node["name"] == "1.weight" for node in data["nodes"])


def test_saved_weights_make_the_network_that_was_measured(run, here):
    _, out, _ = run("train", "digits", "--epochs", 2, "--hidden", 16)
    held_out = pb.data.load_digits().split()[1]
    model = pb.nn.Sequential(
        pb.nn.Standardize(np.zeros(64), np.ones(64)), pb.nn.Linear(64, 16), pb.nn.ReLU(), pb.nn.Linear(16, 10)
    )
    model.load_state_dict(pb.io.load_weights(here / "digits.safetensors"))
    assert f"{pb.train.accuracy(model(held_out.inputs), held_out.targets):.1%}" == f"{accuracy_in(out):.1f}%"


def test_breast_cancer_is_learned_with_one_sigmoid_output(run):
    code, out, err = run("train", "breast-cancer")
    assert (code, err) == (0, "")
    assert "30-128-1, relu and sigmoid" in out
    assert "malignant" in out
    assert accuracy_in(out) >= 96


def without_time(out):
    return re.sub(r"Trained in [\d.]+ s", "", out)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(run, here):
    arguments = ["train", "digits", "--epochs", 2]
    _, first, _ = run(*arguments)
    weights = (here / "digits.safetensors").read_bytes()
    _, second, _ = run(*arguments)
    assert without_time(first) == without_time(second)
    assert (here / "digits.safetensors").read_bytes() == weights
    _, other, _ = run(*arguments, "--seed", 1)
    assert without_time(other) != without_time(first)


def test_a_csv_file_is_learned(run, here):
    (here / "irises.csv").write_text(IRISES)
    code, out, err = run("train", "irises.csv", "--target", "kind", "--output", "kinds.safetensors")
    assert (code, err) == (0, "")
    assert "irises: 4 features, 'kind' is one of 3 classes" in out
    assert accuracy_in(out) >= 90
    weights = pb.io.load_weights(here / "kinds.safetensors")
    np.testing.assert_array_equal(weights["0.mean"][2:], [0, 0])
    np.testing.assert_array_equal(weights["0.scale"][2:], [1, 1])
    assert json.loads(pb.io.load_metadata(here / "kinds.safetensors")["features"])[2] == "colour=blue"


def test_a_column_of_numbers_is_predicted_in_its_own_units(run, here):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    rows = "".join(f"{a:.6f},{b:.6f},{1000 + 50 * a - 20 * b:.6f}\n" for a, b in x)
    (here / "plane.csv").write_text("a,b,height\n" + rows)
    code, out, err = run("train", "plane.csv", "--target", "height", "--hidden", 32)
    assert (code, err) == (0, "")
    assert float(re.search(r"R².* ([\d.]+)%", out)[1]) > 95
    model = pb.nn.Sequential(
        pb.nn.Standardize(np.zeros(2), np.ones(2)), pb.nn.Linear(2, 32), pb.nn.ReLU(), pb.nn.Linear(32, 1)
    )
    model.load_state_dict(pb.io.load_weights(here / "plane.safetensors"))
    assert abs(model(np.zeros((1, 2))).item() - 1000) < 20


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digit"], "there is no file 'digit'. Did you mean digits?"),
        (["none.csv"], "expected digits, breast-cancer or a CSV file, but there is no file 'none.csv'"),
        (["."], "got the directory '.'"),
        (["irises.csv"], "with --target COLUMN"),
        (["irises.csv", "--target", "size"], "irises.csv has no column 'size'. Its columns are long, wide, colour"),
        (["irises.csv", "--target", "kind", "--ignore", "size"], "no column 'size'"),
        (["picture.png", "--target", "kind"], "picture.png: expected a CSV file in UTF-8"),
        (["words.csv", "--target", "kind"], "words.csv: expected a CSV file whose first line names two or more"),
        (["digits", "--target", "kind"], "digits has its own target"),
        (["digits", "--epochs", "0"], "--epochs: expected 1 or more, got 0"),
        (["digits", "--epochs", "many"], "'many' is not a valid integer"),
        (["digits", "--batch-size", "0"], "--batch-size: expected 1 or more, got 0"),
        (["digits", "--hidden", "-1"], "--hidden: expected 1 to 16384, got -1"),
        (["digits", "--hidden", "1000000000"], "--hidden: expected 1 to 16384, got 1000000000"),
        (["digits", "--seed", "-1"], "--seed: expected 0 to 18446744073709551615, got -1"),
        (["digits", "--seed", str(2**64)], "--seed: expected 0 to"),
        (["digits", "--lr", "nan"], "--lr: expected a positive number, got nan"),
        (["digits", "--lr", "0"], "--lr: expected a positive number, got 0.0"),
        (["digits", "--lr", "inf"], "--lr: expected a positive number, got inf"),
        (
            ["digits", "--output", "nowhere/w.safetensors"],
            "cannot write 'nowhere/w.safetensors': No such file or directory. Make the directory first",
        ),
        (["digits", "--output", "."], "cannot write '.': it is a directory"),
        (["digits", "--output", ""], "cannot write '': it is a directory"),
        (["irises.csv", "--target", "kind", "--output", "./irises.csv"], "'./irises.csv' is the file that is read"),
        (["large.csv", "--target", "mass"], "large: 'mass' has numbers of up to 1.8e+41. Give it in other units"),
        (["vast.csv", "--target", "kind"], "line 2: expected a number below 1e150 in column 'mass', got '1e+300'"),
        (["/dev/zero", "--target", "kind"], "it is a device"),
        (["digits", "--html", "page.txt"], "--html: expected the name of a file that ends in .html, got 'page.txt'"),
        (["digits", "--html", "nowhere/page.html"], "cannot write 'nowhere/page.html'"),
        (["digits", "digits"], "unexpected extra argument (digits). Try 'pullback train --help'"),
        ([], "Missing argument 'WHAT'"),
        (["digits", "--colour", "red"], "No such option"),
    ],
)
def test_bad_input_ends_with_one_line_and_exit_code_2(run, here, arguments, words):
    (here / "irises.csv").write_text(IRISES)
    (here / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    (here / "words.csv").write_text("nothing but words\n")
    for name, number in (("vast.csv", "1e300"), ("large.csv", "1e40")):
        rows = "".join(f"{i},{i * float(number)},{'xy'[i % 2]}\n" for i in range(1, 20))
        (here / name).write_text("size,mass,kind\n" + rows)
    before = sorted(os.listdir(here))
    code, out, err = run("train", *arguments)
    assert code == 2
    assert out == "", "it is known before the training"
    assert words in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert sorted(os.listdir(here)) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written_is_known_before_the_training(run, here):
    (here / "locked").mkdir(mode=0o500)
    code, out, err = run("train", "digits", "--output", "locked/w.safetensors")
    assert (code, out) == (2, "")
    assert "Permission denied" in err


def test_a_learning_rate_that_is_far_too_high_ends_with_one_line(run, here):
    code, _, err = run("train", "digits", "--lr", "1e30", "--epochs", 3)
    assert code == 2
    assert err.count("\n") == 1
    assert "the loss became" in err
    assert os.listdir(here) == []


def test_names_that_look_like_markup_or_control_a_terminal_are_shown_as_they_are(run, here):
    text = IRISES.replace("kind\n", "[bold]kind[/nonsense]\n").replace(",a\n", ",\x1b[31mred\n")
    (here / "odd.csv").write_text(text)
    code, out, _ = run("train", "odd.csv", "--target", "[bold]kind[/nonsense]", "--epochs", 1)
    assert code == 0
    assert " [bold]kind[/nonsense] " in out
    assert "\x1b" not in out
    assert "\N{REPLACEMENT CHARACTER}[31mred" in out


def test_without_unicode_the_table_is_drawn_with_what_there_is(here):
    command = [sys.executable, "-c", "from pullback.cli import main; main()", "train", "breast-cancer", "--epochs", "9"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert "########" in done.stdout
    assert "?" not in done.stdout


def test_ctrl_c_measures_and_saves_what_was_learned(here):
    process = subprocess.Popen(
        [sys.executable, "-c", "from pullback.cli import main; main()", "train", "digits", "--epochs", "100000"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        for line in process.stdout:
            if line.startswith("epoch"):
                break
        process.send_signal(signal.SIGINT)
        out = process.stdout.read()
    assert process.returncode == 130
    assert re.search(r"Interrupted after \d+ of 100000 epochs: what was learned is kept", out)
    assert accuracy_in(out) > 10
    assert (here / "digits.safetensors").exists()


def test_weights_are_saved_before_anything_else_is_done(run, here, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("pullback.cli.train._scores", interrupt)
    code, _, err = run("train", "digits", "--epochs", 1)
    assert (code, err) == (130, "\ninterrupted\n")
    assert (here / "digits.safetensors").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text elsewhere")
def test_a_file_name_that_is_no_text_is_no_hindrance(run, here):
    (here / "\udcff.csv").write_text(IRISES)
    assert run("train", "\udcff.csv", "--target", "kind", "--epochs", 1)[0] == 0
    assert pb.io.load_metadata(here / "\udcff.safetensors")["data"] == "\N{REPLACEMENT CHARACTER}"


def test_without_scikit_learn_one_is_told_how_to_get_it(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    code, _, err = run("train", "digits")
    assert code == 2
    assert 'pip install "pullback[demo]"' in err
