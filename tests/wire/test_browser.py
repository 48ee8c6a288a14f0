"""Which requests are a browser's, and which paths it may be sent on to."""

import pytest

from app.http.browser import here, own_path, wants_page
from app.http.request import Request

BROWSERS = {
    "Chromium": b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    b"image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
    "Firefox": b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Lynx": b"text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01",
    "w3m": b"text/html, text/*;q=0.5, image/*",
    "HTML alone": b"text/html",
}
PROGRAMS = {
    "ServiceStack's clients": b"application/json",
    "anything": b"*/*",
    "Java's own client": b"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
    "XML before HTML": b"application/xml, text/html;q=0.9",
    "no HTML": b"text/html;q=0, */*",
    "nothing": b"",
    "swagger-client": b"application/json, text/json, application/xml, text/xml",
}
STRANGE = [
    "", "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil", "/a\\..", "evil",
    "/\t/evil.example", "/\n/evil", "/a\r\nSet-Cookie: x", "javascript:alert(1)", "/a b", "/\x7f",
    " /a", "/\udcff", "///evil", "/" + "a" * 5_000,
]  # fmt: skip
OWN = ["/", "/ai/sessions?page=2&sortOrder=Descend", "/audit/events/0:17", "/a%2Fb", "/a#e-0-17"]


def asked(accept: bytes, method: str = "GET") -> Request:
    return Request(method=method, headers={b"accept": accept})


@pytest.mark.parametrize("accept", BROWSERS.values(), ids=BROWSERS)
def test_a_browser_that_follows_a_link_wants_a_page(accept: bytes) -> None:
    assert wants_page(asked(accept))
    assert wants_page(asked(accept, "HEAD"))
    assert not wants_page(asked(accept, "POST"))


@pytest.mark.parametrize("accept", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_wants_none(accept: bytes) -> None:
    assert not wants_page(asked(accept))
    assert not wants_page(Request(method="GET", headers={}))


@pytest.mark.parametrize("text", STRANGE)
def test_what_leads_elsewhere_leads_to_the_start(text: str) -> None:
    assert own_path(text) == "/"


@pytest.mark.parametrize("text", OWN)
def test_a_path_of_ours_stays_as_it_is(text: str) -> None:
    assert own_path(text) == text


def test_other_letters_are_escaped() -> None:
    assert own_path("/audit/sessions/account:æ") == "/audit/sessions/account:%C3%A6"


def test_a_request_comes_back_to_its_own_address() -> None:
    request = Request(method="GET", headers={}, location="a/b", suffix="csv", query=b"x=%201")
    assert here(request) == "/a/b.csv?x=%201"
    assert own_path(here(request)) == "/a/b.csv?x=%201"
