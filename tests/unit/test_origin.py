"""Which requests a browser sends for another site's page, and what a proxy is believed."""

import pytest

from app.http.origin import address, is_foreign, is_safe, scheme

OWN = "http://sessions.example:8000"
ALLOWED = {"https://app.example", "http://tools.example:80"}


def headers(site: str | None, origin: str | None) -> dict[bytes, bytes]:
    given = {b"sec-fetch-site": site, b"origin": origin}
    return {name: value.encode() for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("site", "origin", "foreign"),
    [
        pytest.param(None, None, False, id="no browser"),
        pytest.param("same-origin", None, False, id="own page"),
        pytest.param("same-origin", OWN, False, id="own page with origin"),
        pytest.param("none", None, False, id="typed in by the user"),
        pytest.param("same-site", None, True, id="a sister's page"),
        pytest.param("cross-site", None, True, id="a stranger's page"),
        pytest.param("cross-site", OWN, True, id="own origin, but sent for a stranger"),
        pytest.param("", None, True, id="an empty site"),
        pytest.param("of a later standard", None, True, id="an unknown site"),
        pytest.param(None, OWN, False, id="an old browser on the own page"),
        pytest.param(None, "HTTP://Sessions.Example:8000", False, id="in other case"),
        pytest.param(None, "https://sessions.example:8000", True, id="another scheme"),
        pytest.param(None, "http://sessions.example", True, id="another port"),
        pytest.param(None, "http://sessions.example:8000.evil.example", True, id="own as a start"),
        pytest.param(None, "http://evil.example", True, id="another host"),
        pytest.param(None, "null", True, id="a sandbox"),
        pytest.param(None, "", True, id="an empty origin"),
        pytest.param(None, "\xff", True, id="no text"),
        pytest.param("same-origin", "https://sessions.example:8000", False, id="TLS at a proxy"),
        pytest.param("same-origin", "http://evil.example", True, id="they contradict"),
        pytest.param("same-origin", "null", True, id="own page in a sandbox"),
        pytest.param("cross-site", "https://app.example", False, id="an allowed page"),
        pytest.param(None, "https://app.example:443", False, id="an allowed page with its port"),
        pytest.param(None, "http://tools.example", False, id="allowed with its port"),
        pytest.param("cross-site", "https://app.example.evil.example", True, id="allowed as start"),
    ],
)
def test_a_page_of_another_origin_is_told_by_its_browser(
    site: str | None, origin: str | None, foreign: bool
) -> None:
    assert is_foreign(headers(site, origin), OWN, ALLOWED) is foreign


@pytest.mark.parametrize(
    ("own", "origin"),
    [("http://a.example:80", "http://a.example"), ("https://a.example", "https://a.example:443")],
)
def test_a_default_port_may_be_left_out(own: str, origin: str) -> None:
    assert not is_foreign(headers(None, origin), own, ())


@pytest.mark.parametrize(
    ("verbs", "safe"),
    [
        (("GET",), True),
        (("HEAD", "GET"), True),
        (("POST", "GET"), False),
        (("GET", "DELETE"), False),
        (("PATCH", "PATCH"), False),
        (("QUERY",), False),
    ],
    ids=str,
)
def test_a_verb_is_safe_if_all_that_it_stands_for_are(verbs: tuple[str, ...], safe: bool) -> None:
    assert is_safe(*verbs) is safe


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, "http"),
        (b"https", "https"),
        (b"http, HTTPS ", "https"),
        (b"gopher", "http"),
        (b"https\r\nset-cookie: x", "http"),
    ],
    ids=[
        "none",
        "believed",
        "the nearest proxy's",
        "unknown",
        "more than one line",
    ],
)
def test_the_scheme_is_what_a_trusted_proxy_says(sent: bytes | None, expected: str) -> None:
    given = {} if sent is None else {b"x-forwarded-proto": sent}
    assert scheme(given, "http") == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, "10.0.0.1"),
        (b"192.0.2.7", "192.0.2.7"),
        (b"1.2.3.4, 192.0.2.7", "192.0.2.7"),
        (b"192.0.2.7,", "10.0.0.1"),
        (b"192.0.2.7:4711", "192.0.2.7"),
        (b"2001:db8::7", "2001:db8::7"),
        (b"[2001:DB8::7]:4711", "2001:db8::7"),
    ],
    ids=[
        "none",
        "believed",
        "the one that the proxy saw",
        "an empty end",
        "with a port",
        "IPv6",
        "IPv6 with a port",
    ],
)
def test_the_address_is_what_a_trusted_proxy_saw(sent: bytes | None, expected: str) -> None:
    given = {} if sent is None else {b"x-forwarded-for": sent}
    assert address(given, "10.0.0.1") == expected
