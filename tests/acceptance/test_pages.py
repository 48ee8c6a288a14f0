"""The pages about the API: complete, of this origin only, and quiet in a real browser.

The browser is Chromium, without a window (`apt-get install chromium`); where there is none, its
tests are skipped.
"""

import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx
import pytest
from support.browser import chromium
from support.patience import patient
from support.service_process import ServiceProcess

PAGES = {
    "index": "/metadata",
    "operation": "/xml/metadata?op=PatchAISession",
    "list": "/json/metadata?op=ListAISessions",
    "operation in Python": "/jsv/metadata?op=NewAISession&lang=python",
    "types": "/types",
    "viewer": "/schema",
}
MISSING = {
    "operation": "/json/metadata?op=Nothing",
    "language": "/json/metadata?op=NewAISession&lang=cobol",
    "file of the viewer": "/schema/nothing.js",
    "page of the viewer": "/schema/a/b",
}
PATIENCE_S = 60.0
LOADS_MS = 10_000


class Links(HTMLParser):
    """The links of a page, and what it loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.found += [value or "" for name, value in attrs if name in ("href", "src", "action")]


@pytest.fixture(scope="module")
def visitor(served: ServiceProcess) -> Iterator[httpx.Client]:
    """Somebody who is not signed in."""
    with httpx.Client(base_url=served.base_url, timeout=patient(60.0)) as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> str:
    """The path of Chromium."""
    return chromium()


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    """The content security policy of an answer: sources by directive."""
    parts = (part.split() for part in answer.headers["content-security-policy"].split(";"))
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_may_load_nothing_from_elsewhere(visitor: httpx.Client, path: str) -> None:
    answer = visitor.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    found = policy(answer)
    assert found.pop("default-src") == ["'none'"]
    assert found.pop("frame-ancestors") == ["'none'"]
    sources = {source for sources in found.values() for source in sources}
    assert sources <= {"'self'", "'none'", "data:"}
    assert ("script-src" in found) == (path == "/schema")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", MISSING.values(), ids=MISSING)
def test_what_is_not_there_is_told_on_a_page(visitor: httpx.Client, path: str) -> None:
    answer = visitor.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<h1>Not found</h1>" in answer.text
    assert policy(answer)["default-src"] == ["'none'"]


def test_every_link_leads_to_something_of_this_origin(visitor: httpx.Client) -> None:
    waiting, seen = ["/metadata"], {"/metadata"}
    while waiting:
        path = waiting.pop()
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        # (The start page is for those who sign in, too; what is behind it has tests of its own.)
        if path == "/":
            continue
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        for link in Links(answer.text).found:
            target = urldefrag(urljoin(path, link)).url
            assert not urlsplit(target).netloc, f"{path} leads to {target}"
            # In which format a page was that shows a language makes no difference.
            if target not in seen and ("lang=" not in target or target.startswith("/json/")):
                seen.add(target)
                waiting.append(target)
    assert {"/", "/schema", "/types/python"} <= seen
    assert any(path.startswith("/assets/style-") for path in seen)
    assert sum("lang=" in path for path in seen) > 100


def test_programs_find_an_index_of_the_operations(visitor: httpx.Client) -> None:
    answer = visitor.get("/api")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    entries = {entry["name"]: entry for entry in answer.json()["apis"]}
    assert entries["NewAISession"]["returns"] == "AISessionInfo"
    assert "returns" not in entries["DeleteAISession"]
    for entry in entries.values():
        assert entry["description"]
        assert visitor.get(entry["links"]["ui"]).status_code == 200
        assert visitor.options(entry["links"]["api"]).status_code == 405, "it is there"


@pytest.mark.parametrize("path", ["/metadata", "/types", "/schema"])
def test_pages_cannot_be_posted_to(visitor: httpx.Client, path: str) -> None:
    answer = visitor.post(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def shown(browser: str, url: str, profile: Path) -> tuple[str, list[str]]:
    """A page as the browser has it when its scripts have run, and what they said on the console."""
    seen = subprocess.run(  # Chromium
        [
            browser,
            "--headless=new",
            "--no-sandbox",  # root, as in containers, cannot have one; the pages are our own
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
            "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--virtual-time-budget={LOADS_MS}",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(PATIENCE_S),
    )
    assert seen.returncode == 0, seen.stderr[-2000:]
    return seen.stdout, [line for line in seen.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_browser_has_nothing_to_complain_about(
    browser: str, served: ServiceProcess, tmp_path: Path, path: str
) -> None:
    page, said = shown(browser, served.base_url + path, tmp_path)
    assert said == []
    assert "<h" in page


@pytest.mark.parametrize("name", ["openapi.json", "openapi.yaml"])
def test_the_description_can_be_had_of_json_alone(visitor: httpx.Client, name: str) -> None:
    whole = visitor.get(f"/schema/{name}")
    assert b"application/xml" in whole.content
    for query in ("formats=json", "Formats=JSON"):
        found = visitor.get(f"/schema/{name}?{query}")
        assert found.status_code == 200
        assert found.headers["Content-Type"] == whole.headers["Content-Type"]
        assert b"application/xml" not in found.content
        assert b"application/x-www-form-urlencoded" not in found.content
    assert visitor.get(f"/schema/{name}?formats=").content == whole.content
    assert visitor.get(f"/schema/{name}?formats=soap").status_code == 400


def test_the_viewer_shows_every_operation_of_the_document(
    browser: str, served: ServiceProcess, visitor: httpx.Client, tmp_path: Path
) -> None:
    paths = visitor.get("/schema/openapi.json").json()["paths"]
    operations = sum(len(methods) for methods in paths.values())
    page, said = shown(browser, f"{served.base_url}/schema", tmp_path)
    assert len(re.findall(r'class="opblock-summary-path"', page)) == operations
    assert "The viewer needs scripts" not in page
    unfolded = f"{served.base_url}/schema#/AI%20sessions/PatchAISession"
    page, more = shown(browser, unfolded, tmp_path)
    assert "Try it out" in page
    assert said + more == []


def test_the_browser_would_complain_about_a_script_of_a_page(
    browser: str, served: ServiceProcess, tmp_path: Path
) -> None:
    injected = tmp_path / "page.html"
    injected.write_text(
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
        f"<script src='{served.base_url}/schema/start.js'></script>"
    )
    _, said = shown(browser, injected.as_uri(), tmp_path / "profile")
    assert any("Content Security Policy" in line for line in said)
