"""The origin of a request: its scheme, its address, and the page that sent it."""

from collections.abc import Collection, Iterable, Mapping

ByName = Mapping[bytes, bytes]
"""Headers of a request; names in lower case."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = (("http://", ":80"), ("https://", ":443"))


def is_foreign(headers: ByName, own: str, allowed: Collection[str]) -> bool:
    """Whether a browser sends the request for a page of another origin.

    `own` is the service's origin, `scheme://host[:port]` as the client sees it; `allowed` are
    origins whose pages may use it. Only browsers send Sec-Fetch-Site and Origin, and no page can
    forge these. A request without either comes from no browser: it has no user's cookies to abuse.
    """
    sent = headers.get(b"origin")
    origin = None if sent is None else _plain(sent.decode("latin-1"))
    if origin in {_plain(each) for each in allowed}:
        return False
    site = headers.get(b"sec-fetch-site")
    if site is None:
        return origin is not None and origin != _plain(own)
    if site not in (b"same-origin", b"none"):
        return True
    # The browser has compared schemes, and may know better where a proxy terminates TLS.
    return origin is not None and _authority(origin) != _authority(_plain(own))


def sharing(headers: ByName, allowed: Collection[str]) -> tuple[tuple[bytes, bytes], ...]:
    """Headers that let a page of an allowed origin read an answer (CORS); empty for others."""
    sent = headers.get(b"origin", b"")
    if _plain(sent.decode("latin-1")) not in {_plain(each) for each in allowed}:
        return ()
    return (
        (b"access-control-allow-origin", sent),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", _READABLE),
        (b"vary", b"Origin"),
    )


def allowing(headers: ByName, verbs: Iterable[str]) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that answer a browser's preflight request for a path."""
    wanted = headers.get(b"access-control-request-headers", b"")
    return (
        (b"access-control-allow-methods", ", ".join(verbs).encode()),
        (b"access-control-allow-headers", wanted),
        (b"access-control-max-age", b"600"),
    )


_READABLE = (
    b"ETag, Last-Modified, Retry-After, X-Request-Id, X-Log-Position, Idempotent-Replayed,"
    b" X-AutoBatch-Completed, X-As-Of"
)


def is_from_page(headers: ByName) -> bool:
    """Whether a browser may have sent the request for a page; only then can it be foreign."""
    return b"origin" in headers or b"sec-fetch-site" in headers


def is_safe(*verbs: str) -> bool:
    """Whether all of the verbs are safe (RFC 9110, 9.2.1)."""
    return _SAFE.issuperset(verbs)


def scheme(headers: ByName, seen: str) -> str:
    """`http` or `https`, as a proxy's client used it; `seen` is the scheme that the server saw."""
    told = _last(headers.get(b"x-forwarded-proto"))
    return told if told in ("http", "https") else seen


def address(headers: ByName, seen: str | None) -> str | None:
    """The address that a proxy saw: the last one that it lists, else `seen`."""
    told = _last(headers.get(b"x-forwarded-for"))
    if told.startswith("["):
        return told[1:].partition("]")[0]
    # Some proxies add the port, which differs for each connection.
    return (told.partition(":")[0] if told.count(":") == 1 else told) or seen


def _last(listed: bytes | None) -> str:
    return (listed or b"").decode("latin-1").rpartition(",")[2].strip().lower()


def _plain(origin: str) -> str:
    origin = origin.strip().lower().rstrip("/")
    for start, port in _DEFAULT_PORTS:
        if origin.startswith(start):
            return origin.removesuffix(port)
    return origin


def _authority(origin: str) -> str:
    return origin.partition("://")[2]
