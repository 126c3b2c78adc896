"""What a program says of itself."""

import numpy as np
import pytest

import pullback as pb


def network(x, w):
    return np.tanh(x @ w).sum()


def arguments():
    return np.ones((32, 64), np.float32), np.ones((64, 16), np.float32)


def test_the_report_names_kernels_products_and_calls_of_the_host():
    f = pb.compile(lambda x, w: np.sort(np.sin(x @ w), axis=0) + 1)
    with pytest.raises(pb.errors.ArgumentError, match="has not been called"):
        f.report()
    f(*arguments())
    report = f.report()
    assert [part.kind for part in report.parts] == ["product", "host call", "kernel"]
    assert report.parts[0].flops == 2 * 32 * 64 * 16
    assert report.memory > 0
    assert "1 product, 1 host call" in str(report)
    assert "sort float32[32, 16]" in str(report)


def test_the_text_of_a_program_and_its_graph():
    f = pb.compile(network)
    f(*arguments())
    assert "fadd <16 x float>" in f.ir() or "fadd <8 x float>" in f.ir()
    assert [node.name for node in f.graph.inputs] == ["x", "w"]
    again = pb.compile(network)
    again(*arguments())  # from the cache
    assert again.ir() == f.ir()


def test_profiled_runs_give_the_same_results_and_a_time_for_each_part():
    f = pb.compile(network)
    expected = f(*arguments())
    with pb.profile() as p:
        assert f(*arguments()) == pytest.approx(expected)
        assert f(*arguments()) == pytest.approx(expected)
    (report,) = p.reports
    assert report.runs == 2
    assert report.name == "network"
    assert all(part.seconds > 0 for part in report.parts)
    assert " us  product" in str(p)
    assert f(*arguments()) == pytest.approx(expected)
    assert p.reports[0].runs == 2


def test_state_is_updated_by_profiled_runs():
    w = pb.Parameter([1.0, 2.0])

    @pb.compile
    def step():
        w.assign(w * 2)

    step()
    with pb.profile():
        step()
    step()
    assert w.detach().tolist() == [8.0, 16.0]


def test_a_profile_knows_of_its_own_runs_only():
    f = pb.compile(lambda x: pb.fori_loop(0, 3, lambda i, x: np.sin(x), x))
    x = np.ones((64, 64))
    for runs in (20, 1):
        with pb.profile() as p:
            for _ in range(runs):
                f(x)
        separate = f._recent[0]._separate
        (report,) = p.reports
        assert report.runs == runs
        loop, inner = report.parts
        assert inner.seconds is None
        if runs == 1:
            assert 0 < loop.seconds < separate.seconds[0]
