"""One request and its reply: headers, body and conditions, with every limit on them."""

import codecs
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from app.auth.principals import Principal
from app.codecs.form import MAX_URL_BYTES, pairs
from app.codecs.formats import JSON, UnknownType
from app.codecs.json_text import BadInput
from app.commands.context import CommandContext, CommandResult, EventMetadata
from app.http import conditions, origin
from app.http.body import TooLarge, announced, drop, whole
from app.queries.answer_budget import AnswerBudget
from app.service import Service

if TYPE_CHECKING:
    from litestar.types import Receive, Scope

Headers = Sequence[tuple[bytes, bytes]]
"""Headers of a reply."""

MAX_HEADERS = 100
MAX_HEADER_BYTES = 16 * 1024
MAX_KEY_CHARACTERS = 255
MAX_KEYED_BYTES = 2_680
"""Of a caller's name and a key together: they share a row of an index. Names that are given today
are much shorter; longer ones may be there from before."""
_DRAINED = 16
"""How many times the limit of a body is read and dropped before the connection is."""


NOBODY = Principal("", ())
"""Who calls without credentials."""


class UnknownCoding(UnknownType):
    """The body is compressed, or coded in another way."""

    def __init__(self, coding: str) -> None:
        """`coding`: the value of Content-Encoding."""
        super().__init__(
            f"A body in Content-Encoding {coding[:40]!r} cannot be read, only a plain one"
        )


class Reply(Struct, frozen=True):
    """What is sent back. `headers` come beside the content's type and length."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    content_type: bytes = JSON.content_type


def etag(version: int) -> tuple[bytes, bytes]:
    """The header that names a stream's version."""
    return (b"etag", b'"%d"' % version)


def position_headers(answer: CommandResult) -> tuple[tuple[bytes, bytes], ...]:
    """What every answer to a command carries: the stream's version, the place in the log."""
    folded = answer.folded
    headers = (
        etag(folded.version),
        (b"x-log-position", b"%d:%d" % (folded.partition, folded.position)),
    )
    return (*headers, (b"idempotent-replayed", b"true")) if answer.replayed else headers


class Exchange:
    """A request as its handler sees it."""

    __slots__ = (
        "_budget",
        "_scope",
        "body",
        "face",
        "headers",
        "location",
        "method",
        "operation",
        "path",
        "principal",
        "query",
        "service",
        "suffix",
        "unread",
    )

    def __init__(self, service: Service, scope: "Scope") -> None:
        """Raises TooLarge or BadInput for headers that no client sends."""
        self.service = service
        self._scope = scope
        self.headers = _headers(scope)
        self.query: bytes = scope["query_string"]
        self.method: str = scope["method"]  # type: ignore[typeddict-item]  # Litestar joins two
        self.location = ""
        """The path, without slashes at its ends and without its suffix."""
        self.path: dict[str, str] = {}
        """The path's parameters."""
        self.suffix = ""
        """The path's extension, lower case, where it names a format of the face."""
        self.face = ""
        self.operation = ""
        self.principal = NOBODY
        self.body = b""
        self.unread = self.method not in _BODILESS
        """Whether some of the body may still come."""
        self._budget: AnswerBudget | None = None

    @property
    def budget(self) -> AnswerBudget:
        """What the answer may take; the items of a batch share it."""
        if self._budget is None:
            self._budget = AnswerBudget(self.service.settings.answer_bytes)
        return self._budget

    @property
    def base_url(self) -> str:
        """Scheme and authority as the client used them, for links.

        Empty for a client that names no host (HTTP/1.0): a link without either leads it back to
        where it came, and the service knows only the address that it listens on (0.0.0.0).
        """
        host = self.headers.get(b"host", b"").decode("latin-1")
        return f"{self.scheme}://{host}" if host else ""

    @property
    def scheme(self) -> str:
        """`http` or `https`, as the client used it."""
        behind_proxy = self.service.settings.behind_proxy
        return origin.scheme(self.headers, self._scope["scheme"], behind_proxy=behind_proxy)

    @property
    def client(self) -> str | None:
        """The caller's address; behind a proxy, the one that the proxy saw."""
        client = self._scope["client"]
        seen = None if client is None else client[0]
        behind_proxy = self.service.settings.behind_proxy
        return origin.address(self.headers, seen, behind_proxy=behind_proxy)

    def overridden(self) -> str | None:
        """The verb that a POST stands for by `X-HTTP-Method-Override`; GET and POST are none."""
        asked = self.headers.get(b"x-http-method-override")
        if asked is None and b"verride=" in self.query.lower():
            given = {name.lower(): value for name, value in pairs(self.query)}
            asked = given.get("x-http-method-override", "").encode()
        verb = (asked or b"").decode("latin-1").strip().upper()
        return verb if verb in _OVERRIDES else None

    async def read(self, receive: "Receive", limit: int) -> None:
        """Take in the body, of at most `limit` bytes.

        Raises TooLarge, UnknownCoding, or BadInput when the client stopped in its middle.
        """
        length = announced(self.headers, limit)
        self.unread = False
        try:
            body = await whole(receive, limit)
        except TooLarge:
            self.unread = True
            raise
        if length is not None and length != b"%d" % len(body):
            raise BadInput("The body is shorter than its Content-Length")
        coding = self.headers.get(b"content-encoding", b"").decode("latin-1")
        if body and coding.strip().lower() not in _PLAIN:
            raise UnknownCoding(coding)
        # .NET clients like to begin a text with a mark that it is UTF-8.
        # XML keeps it: there it goes before whatever else is said of the encoding.
        self.body = body if body.startswith(_MARKED_XML) else body.removeprefix(codecs.BOM_UTF8)

    async def drop_rest(self, receive: "Receive") -> None:
        """Take what still comes of the body after the answer."""
        await drop(receive, _DRAINED * self.service.settings.body_bytes)

    def call(self, item: int | None = None) -> CommandContext:
        """Who calls and on which conditions; `item`: for which request of a batch, from 0.

        Raises BadInput for malformed conditions.
        """
        text = self._text
        principal = self.principal
        return CommandContext(
            actor=principal.name,
            metadata=EventMetadata(
                roles=principal.roles,
                face=self.face,
                operation=self.operation,
                correlation_id=text(b"x-correlation-id"),
                causation_id=text(b"x-causation-id"),
                idempotency_key=self._idempotency_key(item),
                trace_id=text(b"traceparent"),
                client=self.client,
            ),
            if_version=conditions.versions(self.headers.get(b"if-match")),
            unless_version=conditions.unless_versions(self.headers.get(b"if-none-match")),
        )

    def _idempotency_key(self, item: int | None) -> str | None:
        key = self._text(b"idempotency-key")
        if key is not None and not 1 <= len(key) <= MAX_KEY_CHARACTERS:
            raise BadInput(
                f"Idempotency-Key takes 1 to {MAX_KEY_CHARACTERS} characters",
                field="Idempotency-Key",
            )
        if key is None:
            return None
        # No header holds a line feed: no caller's own key is that of an item.
        whole = key if item is None else f"{key}\n{item}"
        if len(f"{self.principal.name}{whole}".encode()) > MAX_KEYED_BYTES:
            raise BadInput(
                f"The Idempotency-Key and the caller's name have more than {MAX_KEYED_BYTES} bytes "
                "together",
                field="Idempotency-Key",
            )
        return whole

    def _text(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        if value is None:
            return None
        if b"\0" in value or len(value) > MAX_KEY_CHARACTERS * 4:
            raise BadInput("The header holds what cannot be stored", field=name.decode())
        return value.decode("latin-1")


_MARKED_XML = codecs.BOM_UTF8 + b"<?xml"
_OVERRIDES = frozenset({"PUT", "PATCH", "DELETE"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_PLAIN = frozenset({"", "identity"})


def _headers(scope: "Scope") -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    size = 0
    for count, (name, value) in enumerate(scope["headers"], 1):
        size += len(name) + len(value)
        if count > MAX_HEADERS:
            raise TooLarge(431, f"There are more than {MAX_HEADERS} headers")
        headers[name] = _repeated(name, headers[name], value) if name in headers else value
    host = headers.get(b"host", b"")
    # Older clients may name none; of HTTP/1.1, its absence is refused (RFC 9112, 3.2).
    if not _is_host(host) if host else scope.get("http_version") == "1.1":
        raise BadInput("The Host header names no host", field="Host")
    if size > MAX_HEADER_BYTES:
        raise TooLarge(431, f"The headers have more than {MAX_HEADER_BYTES} bytes")
    if len(scope["path"]) + len(scope["query_string"]) > MAX_URL_BYTES:
        raise TooLarge(414, f"The URL has more than {MAX_URL_BYTES} bytes")
    return headers


def _repeated(name: bytes, first: bytes, more: bytes) -> bytes:
    """The value of a header that came before; of one that is no list, the last counts."""
    if name in _SINGLE:
        raise BadInput("The header is given twice", field=name.decode())
    separator = _LISTS.get(name)
    return more if separator is None else first + separator + more


# It comes back in links: nothing may stand in it that no authority has (RFC 3986, 3.2).
_is_host = re.compile(
    rb"(?=.{1,300}\Z)"
    rb"(?:(?:[0-9A-Za-z!$&'()*+,;=\-._~]++|%[0-9A-Fa-f]{2})++|\[[0-9A-Za-z:.]+\])"
    rb"(?::[0-9]*)?"
).fullmatch
_SINGLE = frozenset({b"host", b"authorization", b"content-length", b"idempotency-key", b"if-match"})
# Lists may come in several lines (RFC 9110, 5.3); HTTP/2 splits cookies (RFC 9113, 8.2.3).
_LISTS = {
    b"accept": b", ",
    b"accept-language": b", ",
    b"content-encoding": b", ",
    b"if-none-match": b", ",
    b"cookie": b"; ",
}
