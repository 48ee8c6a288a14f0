"""The head of a request that Litestar routed, within all limits on headers and URLs."""

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from app.codecs.form import MAX_URL_BYTES, pairs
from app.codecs.json_text import BadInput
from app.http import correlation, origin
from app.http.body import TooLarge
from app.http.request import Request

MAX_HEADERS = 100
MAX_HEADER_BYTES = 16 * 1024
_NONE: Mapping[str, str] = MappingProxyType({})


def read_head(
    scope: Mapping[str, Any],
    *,
    behind_proxy: bool,
    face: str = "",
    operation: str = "",
    path: Mapping[str, str] = _NONE,
) -> Request:
    """A request without its body; for an operation of a face, with the path's parameters.

    Raises TooLarge or BadInput for headers or a query that no regular client sends.
    """
    headers = _headers(scope)
    query, host = scope["query_string"], headers.get(b"host")
    scheme: str = scope["scheme"]
    client = None if scope["client"] is None else scope["client"][0]
    if behind_proxy:
        scheme, client = origin.scheme(headers, scheme), origin.address(headers, client)
    return Request(
        method=scope["method"],
        headers=headers,
        query=query,
        pairs=pairs(query) if query else (),
        scheme=scheme,
        base_url=f"{scheme}://{host.decode('latin-1')}" if host else "",
        client=client,
        face=face,
        operation=operation,
        location=scope.get("location", ""),
        path=path,
        suffix=scope.get("suffix", ""),
        request_id=correlation.request_id(headers.get(b"x-request-id")),
    )


def _headers(scope: Mapping[str, Any]) -> dict[bytes, bytes]:
    given = scope["headers"]
    if len(given) > MAX_HEADERS:
        raise TooLarge(431, f"There are more than {MAX_HEADERS} headers")
    headers: dict[bytes, bytes] = dict(given)
    if len(headers) < len(given):
        headers = _joined(given)
    size = sum(map(len, chain.from_iterable(given)))
    host = headers.get(b"host", b"")
    # Older clients may omit Host; in HTTP/1.1, its absence is refused (RFC 9112, 3.2).
    if not _is_host(host) if host else scope.get("http_version") == "1.1":
        raise BadInput("The Host header names no host", field="Host")
    if size > MAX_HEADER_BYTES:
        raise TooLarge(431, f"The headers have more than {MAX_HEADER_BYTES} bytes")
    if len(scope["path"]) + len(scope["query_string"]) > MAX_URL_BYTES:
        raise TooLarge(414, f"The URL has more than {MAX_URL_BYTES} bytes")
    return headers


def _joined(given: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name, where some have several lines."""
    headers: dict[bytes, bytes] = {}
    for name, value in given:
        headers[name] = _repeated(name, headers[name], value) if name in headers else value
    return headers


def _repeated(name: bytes, first: bytes, more: bytes) -> bytes:
    """The value of a repeated header; if it is no list, the last one counts."""
    if name in _SINGLE:
        raise BadInput("The header is given twice", field=name.decode())
    separator = _LISTS.get(name)
    return more if separator is None else first + separator + more


# Links repeat the Host: it may hold only the characters of an authority (RFC 3986, 3.2).
_is_host = re.compile(
    rb"(?=.{1,300}\Z)"
    rb"(?:(?:[0-9A-Za-z!$&'()*+,;=\-._~]++|%[0-9A-Fa-f]{2})++|\[[0-9A-Za-z:.]+\])"
    rb"(?::[0-9]*)?"
).fullmatch
_SINGLE = frozenset({b"host", b"authorization", b"content-length", b"idempotency-key", b"if-match"})
# Lists may have several lines (RFC 9110, 5.3); HTTP/2 splits cookies (RFC 9113, 8.2.3).
_LISTS = {
    b"accept": b", ",
    b"accept-language": b", ",
    b"content-encoding": b", ",
    b"if-none-match": b", ",
    b"cookie": b"; ",
}
