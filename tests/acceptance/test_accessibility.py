"""Pages in a real browser: no barriers, nothing beside a phone's screen, nothing on the console."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.browser import barriers, driven, sideways
from support.patience import patient
from support.service_process import ServiceProcess

PAGES = {
    "operations": "/metadata",
    "operation": "/xml/metadata?op=PatchAISession",
    "types": "/types",
    "missing": "/json/metadata?op=Nothing",
}
PHONE = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with driven() as made:
        yield made


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_has_no_barriers(
    browser: Browser, served: ServiceProcess, path: str, scheme: str
) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    page.goto(f"{served.base_url}{path}", timeout=patient(30_000))
    assert barriers(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert sideways(page) == 0
    assert [line for line in said if "404" not in line] == []
    page.close()
