"""What is shown while a network is trained."""

import re

import numpy as np
import pytest

import pullback as pb
from pullback import nn, optim
from pullback.data import Batches
from pullback.train import accuracy, fit
from pullback.train.progress import Bar, Lines


def test_a_program_without_a_console_trains(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    assert train(1).epochs == 1


def train(epochs, metric=None, progress=None):
    model = nn.Linear(2, 2, rng=0)
    batches = Batches((np.ones((4, 2), np.float32), np.array([0, 1, 1, 1])), 4)
    return fit(model, nn.cross_entropy_with_logits, optim.SGD(model.parameters()), batches, epochs, metric, progress)


def test_away_from_a_terminal_there_is_a_line_for_every_tenth_of_the_epochs(capsys):
    train(30, accuracy)
    lines = capsys.readouterr().out.splitlines()
    assert [int(re.match(r"epoch +(\d+)/30  loss \d+\.\d{4}  accuracy +\d+\.\d%$", line)[1]) for line in lines] == [
        1, *range(3, 31, 3),
    ]  # fmt: skip


def test_lines_are_the_same_on_every_run(capsys):
    train(5)
    first = capsys.readouterr().out
    train(5)
    assert capsys.readouterr().out == first


def test_a_metric_goes_by_its_name(capsys):
    def margin(outputs, targets):
        return 0.25

    train(1, margin)
    assert "margin 0.25" in capsys.readouterr().out


def test_nothing_is_shown_when_so_asked(capsys):
    train(3, progress=False)
    assert capsys.readouterr().out == ""


def test_in_a_terminal_there_is_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    train(3, accuracy, Bar(3, "accuracy"))
    out = capsys.readouterr().out
    assert "3/3" in out
    assert "accuracy" in out


def test_one_may_bring_a_progress_of_ones_own():
    seen = []

    class Mine(Lines):
        def epoch_done(self, number, loss, metric):
            seen.append(number)

    train(3, progress=Mine(3))
    assert seen == [1, 2, 3]
    assert pb.train.fit is fit


@pytest.mark.parametrize("epochs", [1, 7, 10, 100])
def test_the_last_epoch_is_always_shown(epochs, capsys):
    train(epochs)
    assert f"{epochs}/{epochs}" in capsys.readouterr().out.splitlines()[-1]
