"""Chromium, driven as a person uses it, and axe-core, which looks at pages for barriers."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python  # type: ignore[import-untyped]  # untyped
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic",
)  # fmt: skip
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
COLOURS = ["color-contrast", "link-in-text-block"]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def chromium() -> str:
    """The path of Chromium; without it, the test is skipped."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)} on the PATH (apt-get install chromium)")
    return found


@contextmanager
def driven() -> Iterator[Browser]:
    """A browser without a window."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        yield browser
        browser.close()


def barriers(page: Page, *, colours_only: bool = False) -> list[str]:
    """What axe-core finds on a page, a line each: the rule, and where.

    `colours_only`: only what another colour scheme can change.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    asked = (
        {"type": "rule", "values": COLOURS} if colours_only else {"type": "tag", "values": RULES}
    )
    found: dict[str, Any] = page.evaluate("asked => axe.run(document, {runOnly: asked})", asked)
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {node['html'][:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def sideways(page: Page) -> int:
    """How many pixels of a page lie beside the window."""
    beside: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return beside
