"""The head of a request that Litestar routed, within all limits on headers and URLs."""

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from app.codecs.form import MAX_URL_BYTES, pairs
from app.codecs.hosts import ANY_HOST, AllowedHosts
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
    hosts: AllowedHosts = ANY_HOST,
    face: str = "",
    operation: str = "",
    path: Mapping[str, str] = _NONE,
) -> Request:
    """A request without its body; for an operation of a face, with the path's parameters.

    Raises TooLarge or BadInput for headers or a query that no regular client sends, or Misdirected
    for a host that is not one of `hosts`.
    """
    headers = _headers(scope, hosts)
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


class Sender(Struct, frozen=True):
    """Who sent a request, as far as a head says so that may be unreadable."""

    address: str | None
    request_id: str


def read_sender(scope: Mapping[str, Any], *, behind_proxy: bool) -> Sender:
    """The sender of a request whose head is refused. Raises nothing."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    address = None if scope["client"] is None else scope["client"][0]
    return Sender(
        origin.address(headers, address) if behind_proxy else address,
        correlation.request_id(headers.get(b"x-request-id")),
    )


def _headers(scope: Mapping[str, Any], hosts: AllowedHosts) -> dict[bytes, bytes]:
    given = scope["headers"]
    if len(given) > MAX_HEADERS:
        raise TooLarge(431, f"There are more than {MAX_HEADERS} headers")
    headers: dict[bytes, bytes] = dict(given)
    if len(headers) < len(given):
        headers = _joined(given)
    size = sum(map(len, chain.from_iterable(given)))
    host = headers.get(b"host", b"")
    if host:
        hosts[host]
    # Older clients may omit Host; in HTTP/1.1, its absence is refused (RFC 9112, 3.2).
    elif scope.get("http_version") == "1.1":
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


_SINGLE = frozenset({b"host", b"authorization", b"content-length", b"idempotency-key", b"if-match"})
# Lists may have several lines (RFC 9110, 5.3); HTTP/2 splits cookies (RFC 9113, 8.2.3).
_LISTS = {
    b"accept": b", ",
    b"accept-language": b", ",
    b"content-encoding": b", ",
    b"if-none-match": b", ",
    b"cookie": b"; ",
}
