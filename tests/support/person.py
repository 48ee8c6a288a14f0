"""Somebody with a browser and without scripts: follows links by their text, fills in forms."""

import re
from typing import Any, Self
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx

from support.html import Form, WellFormed

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
MAX_PAGE_BYTES = 60 * 1024
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Person:
    """One browser window; every page that it shows is looked over."""

    def __init__(self, client: httpx.Client) -> None:
        """`client`: calls the service, with a jar of cookies of its own."""
        self._client = client
        self.answer: httpx.Response = httpx.Response(0)
        self.page = WellFormed("")
        self.clicks = 0

    @property
    def path(self) -> str:
        """The path and query of the page that is shown."""
        url = self.answer.url
        return url.raw_path.decode()

    def open(self, path: str, **options: Any) -> Self:
        """Type an address."""
        return self._shown(self._send("GET", path, **options))

    def click(self, text: str) -> Self:
        """Follow the first link with this text, or that begins with it."""
        found = [url for named, url in self.page.texts if named == text]
        found += [url for named, url in self.page.texts if named.startswith(text)]
        assert found, f"no link {text!r} on {self.path}: {self.page.texts}"
        self.clicks += 1
        return self.open(urljoin(self.path, found[0]))

    def send(self, action: str, button: str = "", **fields: str) -> Self:
        """Fill in the form with this action, and send it; `button`: the one that is pressed."""
        form = self.form(action, button, *fields)
        self.clicks += 1
        given = {**form.fields, **fields}
        if button:
            given[button] = form.buttons[button]
        if form.method == "get":
            return self.open(form.action, params=given)
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        return self._shown(self._send("POST", form.action, data=given, headers=headers))

    def form(self, action: str, button: str = "", *fields: str) -> Form:
        """The form with this action that has all these fields."""
        found = [
            form
            for form in self.page.forms
            if form.action == action
            and form.names.issuperset(fields)
            and (not button or button in form.buttons)
        ]
        assert found, f"no form for {action} with {fields} on {self.path}"
        return found[0]

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Accept": ACCEPT, **options.pop("headers", {})}
        answer = self._client.request(method, path, headers=headers, **options)
        for _ in range(5):
            if answer.status_code not in (302, 303):
                break
            target = answer.headers["location"]
            assert target.startswith("/")
            assert not target.startswith("//")
            answer = self._client.get(target, headers={"Accept": ACCEPT})
        return answer

    def _shown(self, answer: httpx.Response) -> Self:
        self.answer = answer
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.page = look_over(answer)
        return self


def look_over(answer: httpx.Response) -> WellFormed:
    """The page of an answer, which breaks none of the rules of pages."""
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(answer.content) <= MAX_PAGE_BYTES, f"{answer.url}: {len(answer.content)} bytes"
    page = WellFormed(answer.text)
    assert page.inline_scripts == 0
    assert "<style" not in answer.text
    assert len(page.headings) == 1, answer.url
    assert page.without_label == [], answer.url
    assert '<html lang="en">' in answer.text
    assert all(link.startswith(("/", "#", "?")) for link in page.links), page.links
    assert not any(link.startswith("//") for link in page.links)
    return page


_ELSEWHERE = re.compile(
    r"/(metadata|types|schema|logout|[a-z]+/metadata|audit/go$|audit/proof/inclusion.tlog-proof$)"
)
"""Texts for programs, and forms that need something typed into them."""


def crawl(person: Person, start: str, most: int) -> dict[str, int]:
    """The status of each address that a page, or one that it leads to, leads to."""
    seen: dict[str, int] = {}
    waiting = [start]
    while waiting and len(seen) < most:
        path = waiting.pop(0)
        if path in seen:
            continue
        person.open(path)
        seen[path] = person.answer.status_code
        if not person.answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for link in person.page.links:
            target = urldefrag(urljoin(path, link)).url
            assert not urlsplit(target).netloc
            if not _ELSEWHERE.match(target):
                waiting.append(target)
    return seen
