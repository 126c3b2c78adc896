"""The page says which primitives are calls of the host."""

import host_calls


def test_the_page_lists_the_calls_of_the_host():
    page = host_calls.PAGE.read_text()
    assert host_calls.written(page) == page, "run python scripts/host_calls.py"
