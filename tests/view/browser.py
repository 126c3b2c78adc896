"""A real browser for the tests of the page: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

REQUIRED = "PULLBACK_REQUIRE_BROWSER"
"""Set in continuous integration: there, a test that finds no browser fails."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def missing(reason: str) -> Any:
    """Skip the test, saying why; in continuous integration fail."""
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason}, and {REQUIRED} is set")
    pytest.skip(reason)


@contextmanager
def launched() -> Iterator[Any]:
    """A running browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the page is tested with Playwright, which is not installed (pip install playwright)")
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        missing(f"the page is tested in a browser, and none is installed: {', '.join(_NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--font-render-hinting=none"])
        try:
            yield browser
        finally:
            browser.close()


class Opened:
    """A page in a tab, and what went wrong in it.

    Attributes:
        tab: Playwright's page.
        complaints: errors, warnings, and requests for anything but the file itself.
    """

    def __init__(self, browser: Any, file: Path, size: tuple[int, int] = (1280, 800), dark: bool = False) -> None:
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        self.tab = self.context.new_page()
        self.complaints: list[str] = []
        url = file.as_uri()
        self.tab.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.tab.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.tab.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.tab.on("request", lambda one: self.complaints.append(f"request: {one.url}") if one.url != url else None)
        self.tab.goto(url)
        self.tab.wait_for_function("performance.getEntriesByName('pullback-open').length > 0")

    def __call__(self, script: str) -> Any:
        """What a script gives."""
        return self.tab.evaluate(script)

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    @property
    def formula(self) -> str:
        """The formula on the board, as one writes it on a keyboard."""
        found: str = self.tab.locator(".board-formula math").get_attribute("aria-label")
        return found

    @property
    def caption(self) -> str:
        """What the step is."""
        found: str = self.tab.locator(".board-caption").text_content()
        return found

    def close(self) -> None:
        """Close the tab; nothing may have gone wrong in it."""
        self.context.close()
        assert self.complaints == []
