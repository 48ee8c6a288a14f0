"""One request as a face sees it, with its conditions and limits, and its reply."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import NoReturn

from msgspec import Struct

from app.auth.principals import Principal
from app.codecs.formats import JSON
from app.codecs.json_text import BadInput
from app.commands.context import Caller, CommandContext, CommandResult, EventMetadata
from app.history.moments import Cut, written
from app.history.past_reads import AS_OF
from app.http import conditions, correlation
from app.telemetry.tracing import Trace

Headers = Sequence[tuple[bytes, bytes]]
"""Headers of a reply."""

MAX_KEY_CHARACTERS = 255
MAX_KEYED_BYTES = 2_680
"""Limit of a caller's name and a key together: they share a row of an index. Names that are given
today are much shorter; longer ones may exist from before."""
_STORED = {
    b"x-correlation-id": "correlation_id",
    b"x-causation-id": "causation_id",
    b"idempotency-key": "idempotency_key",
}
"""Headers that are stored with the events of a command."""
NOBODY = Principal("", ())
_AS_OF = AS_OF.lower()
"""The caller of a request without credentials."""


class Reply(Struct, frozen=True, gc=False):
    """The reply to a request. `headers` come beside the content's type and length."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    content_type: bytes = JSON.content_type
    stream: AsyncGenerator[bytes, None] | None = None
    """The body in place of `body`, part by part as it comes, for as long as the client takes it."""
    immutable: bool = False
    """Whether browsers may keep it for good: another content would have another address."""


def etag(version: int) -> tuple[bytes, bytes]:
    """The header that names a stream's version."""
    return (b"etag", b'"%d"' % version)


def position_headers(answer: CommandResult) -> tuple[tuple[bytes, bytes], ...]:
    """Headers of every answer to a command: the stream's version, the position in the log."""
    folded = answer.folded
    headers = (
        etag(folded.version),
        (b"x-log-position", b"%d:%d" % (folded.partition, folded.position)),
    )
    return (*headers, (b"idempotent-replayed", b"true")) if answer.replayed else headers


def as_of_header(cut: Cut) -> tuple[bytes, bytes]:
    """The header that names the past moment of an answer."""
    return (b"x-as-of", written(cut).encode())


def quarantine_headers(streams: int) -> Headers:
    """The header that tells how many streams of an answer are stale; none if none is."""
    return ((b"x-quarantined", b"%d" % streams),) if streams else ()


def refuse_as_of(operation: str) -> NoReturn:
    """Refuse a moment where only the present can be asked for. Raises BadInput."""
    message = f"{operation} takes no {AS_OF}: only reads of sessions and accounts do"
    raise BadInput(message, field=AS_OF)


class Request(Struct, frozen=True, kw_only=True, gc=False):
    """A request as its operation sees it: complete, with an identified caller."""

    method: str
    headers: Mapping[bytes, bytes]
    """Names in lower case."""
    face: str = ""
    operation: str = ""
    location: str = ""
    """The path, without leading and trailing slashes and without its suffix."""
    path: Mapping[str, str] = {}
    """The path's parameters."""
    suffix: str = ""
    """The path's extension, lower case, if it names a format of the face."""
    query: bytes = b""
    pairs: Sequence[tuple[str, str]] = ()
    """The names and values in the query, in order."""
    scheme: str = "http"
    """`http` or `https`, as the client used it."""
    base_url: str = ""
    """Scheme and authority as the client used them, for links.

    It is empty for a client that names no host (HTTP/1.0). A link without both leads such a client
    back to the same server, while the service knows only the address it listens on (0.0.0.0).
    """
    client: str | None = None
    """The caller's address; behind a proxy, the address that the proxy saw."""
    request_id: str = ""
    """X-Request-Id: the caller's, or a new one."""
    trace: Trace | None = None
    """This request's span; None: it has none here."""
    principal: Principal = NOBODY
    body: bytes = b""

    def as_of(self) -> str | None:
        """The past moment in the query whose answer is asked for; None: the present.

        Raises BadInput if there are two.
        """
        given = [value for name, value in self.pairs if name.lower() == _AS_OF]
        if len(given) > 1:
            raise BadInput(f"{AS_OF} is given twice", field=AS_OF)
        return given[0] if given else None

    def call(self, item: int | None = None) -> CommandContext:
        """The caller and the conditions; `item` is the number of a request in a batch, from 0.

        Raises BadInput for malformed conditions.
        """
        principal, headers = self.principal, self.headers
        parent = headers.get(b"traceparent")
        own = self.trace
        trace = own or (None if parent is None else correlation.trace(parent))
        stored = {_STORED[name]: self._text(name) for name in _STORED.keys() & headers.keys()}
        if "idempotency_key" in stored:
            stored["idempotency_key"] = self._idempotency_key(stored["idempotency_key"], item)
        is_own = headers.get(b"x-request-id") != self.request_id.encode()
        return CommandContext(
            actor=principal.name,
            metadata=EventMetadata(
                roles=principal.roles,
                face=self.face,
                operation=self.operation,
                auth=principal.auth,
                token_id=principal.token_id,
                issued_by=principal.acts_for,
                request_id=self.request_id if is_own else "",
                trace_id=None if trace is None else trace.trace_id,
                span_id=None if own is None or not own.sampled else own.span_id,
            ),
            caller=Caller(
                client=self.client,
                request_id=None if is_own else self.request_id,
                **stored,
            ),
            if_version=conditions.versions(headers.get(b"if-match")),
            unless_version=conditions.unless_versions(headers.get(b"if-none-match")),
        )

    def _idempotency_key(self, key: str, item: int | None) -> str:
        if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
            raise BadInput(
                f"Idempotency-Key takes 1 to {MAX_KEY_CHARACTERS} characters",
                field="Idempotency-Key",
            )
        # No header holds a line feed, so no caller's own key can equal the key of an item.
        whole = key if item is None else f"{key}\n{item}"
        if len(f"{self.principal.name}{whole}".encode()) > MAX_KEYED_BYTES:
            raise BadInput(
                f"The Idempotency-Key and the caller's name have more than {MAX_KEYED_BYTES} bytes "
                "together",
                field="Idempotency-Key",
            )
        return whole

    def _text(self, name: bytes) -> str:
        value = self.headers[name]
        if b"\0" in value or len(value) > MAX_KEY_CHARACTERS * 4:
            raise BadInput("The header holds what cannot be stored", field=name.decode())
        return value.decode("latin-1")
