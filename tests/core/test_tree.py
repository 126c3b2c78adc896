"""Containers of arrays."""

import sys
import threading
from dataclasses import dataclass, make_dataclass

from pullback.core.tree import flatten


def test_threads_may_meet_a_dataclass_at_the_same_time():
    failures = []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for i in range(50):
            made = make_dataclass(f"Pair{i}", ["a", "b"])(1.0, 2.0)
            together = threading.Barrier(4)

            def meet(made=made, together=together):
                together.wait()
                try:
                    assert flatten(made)[0] == [1.0, 2.0]
                except Exception as error:
                    failures.append(error)

            threads = [threading.Thread(target=meet) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures


def test_a_class_among_the_leaves_is_a_leaf():
    @dataclass
    class Pair:
        a: float

    assert flatten([Pair(1.0), Pair])[0] == [1.0, Pair]
