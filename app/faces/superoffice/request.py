"""A request to the SuperOffice-style face, and answers in the form it asks for."""

import re
from collections.abc import Mapping
from datetime import tzinfo
from math import ceil
from time import time

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.auth.principals import Principal
from app.auth.roles import ADMINISTRATORS, AGENT, CUSTOMER, MANAGER
from app.codecs.answer_budget import AnswerBudget
from app.codecs.formats import JSON, Format
from app.codecs.json_text import BadInput
from app.commands.context import CommandContext
from app.faces.superoffice.wire.answer import RenderOptions, write_entity, write_null
from app.faces.superoffice.wire.api import LIST
from app.faces.superoffice.wire.coerce import truth
from app.faces.superoffice.wire.locale import AS_STORED, Locale, locale_of
from app.faces.superoffice.wire.negotiation import answer_format
from app.faces.superoffice.wire.selection import Selection
from app.history.moments import Cut, written
from app.history.past_reads import AS_OF, NotThere
from app.http import dates
from app.http.request import Headers, Reply, Request, etag
from app.service import Service
from domain.chat.change import ChatCaller
from domain.chat.session import ChatSession
from domain.ids import ChatSessionId, chat_session_stream
from domain.limits import Int32
from projections.fold import Folded

_DIGITS = re.compile("0|-?[1-9][0-9]{0,9}").fullmatch
_FORMATS = frozenset({"json", "xml"})
_BY_LINK = frozenset({"GET", "HEAD"})
_SETTLED_S = 1.0
"""Maximum time from the date of a change until every reader sees it."""

Session = Folded[ChatSession]


class ChatRequest(Struct, frozen=True):
    """A request in the form that handlers take."""

    http: Request
    service: Service
    budget: AnswerBudget
    """The limit of the answer's size."""
    manner: RenderOptions
    content_type: bytes
    """The Content-Type of the answer."""
    query: Mapping[str, str]
    """Values by lower-case name; for a repeated name, the first value."""
    as_of: str | None = None
    """The past moment whose answer is asked for; None: the present."""

    @property
    def principal(self) -> Principal:
        """The caller."""
        return self.http.principal

    @property
    def body_type(self) -> bytes | None:
        """The Content-Type of the request."""
        return self.http.headers.get(b"content-type")

    @property
    def locale(self) -> Locale:
        """The locale in which date-times and texts are read and shown."""
        return self.manner.locale or AS_STORED

    @property
    def zone(self) -> tzinfo | None:
        """The zone of date-times without an offset; None: they are kept unchanged."""
        return self.locale.zone

    @property
    def api_url(self) -> str:
        """The URL of the API, as the client used it."""
        return f"{self.http.base_url}/api/v1/"

    def number(self, name: str) -> ChatSessionId:
        """The session that the path names. Raises BadInput."""
        text = self.http.path[name]
        number = int32(text)
        if number is None:
            raise BadInput(f"{text[:20]!r} is no int32", field=name)
        return ChatSessionId(number)

    def truth(self, name: str) -> bool:
        """A truth value of the query; false if absent. Raises BadInput."""
        text = self.query.get(name, "")
        found = truth(text) if text.strip() else False
        if found is None:
            raise BadInput(f"{text[:20]!r} is neither true nor false", field=name)
        return found

    def count(self, name: str) -> int | None:
        """A whole number of at least 0 in the query; None if absent. Raises BadInput."""
        text = self.query.get(name, "").strip()
        number = int32(text) if text else None
        if text and (number is None or number < 0):
            raise BadInput(f"{text[:20]!r} is no whole number from 0", field=name)
        return number

    def reply(self, body: bytes, headers: Headers = ()) -> Reply:
        """200 with a body in the requested format."""
        return Reply(200, body, headers, self.content_type)

    def nothing(self, headers: Headers = ()) -> Reply:
        """200 with null."""
        return self.reply(write_null(self.manner.format), headers)

    def session(self, folded: Session, headers: Headers = (), *, linked: bool = False) -> Reply:
        """200 with a session, its version and the time of its change; `linked` adds `_Links`."""
        manner = self.manner
        viewer = chat_caller(self.principal)
        if not (viewer.sees_all or viewer.sees_key(folded.state, folded.audit.created_by)):
            manner = replace(manner, show_session_key=False)
        body = write_entity(folded.state, manner, api_url=self.api_url if linked else None)
        return self.reply(body, (*(headers or (etag(folded.version),)), *last_modified(folded)))

    async def found(self, number: ChatSessionId) -> Session | None:
        """The present session with a number; None if missing."""
        row = await self.service.views.get("chat_session", chat_session_stream(number))
        return None if row is None else row.folded

    async def then(self, number: ChatSessionId, as_of: str) -> tuple[Session, Cut]:
        """The session with a number as of a moment, and the moment's cut.

        Raises NotThere, or BadInput.
        """
        past, stream = self.service.past, chat_session_stream(number)
        cut = await past.cut(as_of, stream)
        row = await past.row("chat_session", stream, cut)
        if row is None:
            raise NotThere("ChatSession", number, cut)
        return row.folded, cut

    def pairs_as_of(self, cut: Cut) -> list[tuple[str, str]]:
        """The query's names and values, as of a cut: for links to what follows."""
        kept = [(name, value) for name, value in self.http.pairs if name.lower() != AS_OF.lower()]
        return [*kept, (AS_OF, written(cut))]

    def call(self) -> CommandContext:
        """The caller and the conditions of a command: If-Match, else If-Unmodified-Since.

        Raises BadInput.
        """
        call, headers = self.http.call(), self.http.headers
        since = dates.read(headers.get(b"if-unmodified-since"))
        if since is None or b"if-match" in headers:
            return call
        return replace(call, unmodified_since=since)


def asked(request: Request, service: Service, *, bodiless: bool = False) -> ChatRequest:
    """The request for a handler. Raises BadInput, or NotAcceptable if no answer is acceptable."""
    format_, content_type = (JSON, JSON.content_type) if bodiless else negotiated(request)
    query: dict[str, str] = {}
    for name, value in request.pairs:
        query.setdefault(name.lower(), value)
    selected = [value for name, value in request.pairs if name.lower() == "$select"]
    manner = RenderOptions(
        format=format_,
        select=Selection.parse(",".join(selected)) if selected else None,
        locale=locale_of(request.headers),
        may_change=not request.principal.is_onlooker,
    )
    budget = AnswerBudget(service.settings.answer_bytes)
    as_of = request.as_of() if query else None
    return ChatRequest(request, service, budget, manner, content_type, query, as_of)


def negotiated(request: Request) -> tuple[Format, bytes]:
    """The format of the answer and its Content-Type. Raises BadInput or NotAcceptable."""
    wanted = ""
    if request.pairs and request.method in _BY_LINK:
        found = (value for name, value in request.pairs if name.lower() == "$format")
        wanted = next(found, "")
        # (Documented of lists alone; elsewhere, links of our pages have it.)
        if request.operation != LIST and wanted.lower() not in _FORMATS:
            wanted = ""
    return answer_format(request.headers.get(b"accept"), wanted)


def int32(text: str) -> int | None:
    """The number that a text spells in canonical form; None for any other text."""
    # The pattern comes first: without it, 1.0, +1, 01 and 1_0 would be further names of a session.
    number = int(text) if _DIGITS(text) else None
    try:
        return msgspec.convert(number, Int32)
    except msgspec.ValidationError:
        return None


def chat_caller(principal: Principal) -> ChatCaller:
    """The principal, as far as the rights to a session's key and to its agent go."""
    has_sessions = not {AGENT, MANAGER}.isdisjoint(principal.roles)
    associate = principal.associate_id if has_sessions else 0
    administrator = not ADMINISTRATORS.isdisjoint(principal.roles)
    assigns = administrator or MANAGER in principal.roles
    return ChatCaller(principal.name, associate, administrator, assigns)


def is_customer(principal: Principal) -> bool:
    """Whether the principal fetches on behalf of a customer."""
    return CUSTOMER in principal.roles


def is_unchanged(headers: Mapping[bytes, bytes], session: Session) -> bool:
    """Whether a session has the version of If-None-Match, or is unchanged since a date.

    The date is that of If-Modified-Since; the version takes precedence (RFC 9110, 13.1.3).
    """
    tags = headers.get(b"if-none-match")
    if tags is not None:
        held = {tag.strip().removeprefix(b"W/") for tag in tags.split(b",")}
        return not held.isdisjoint((etag(session.version)[1], b"*"))
    since = dates.read(headers.get(b"if-modified-since"))
    return since is not None and session.audit.modified_at <= since


def last_modified(session: Session) -> Headers:
    """The time of a session's last change, rounded up to a second; empty until that is settled.

    Further changes may fall into the same second: a condition on their common date would miss
    them (RFC 9110, 8.8.2).
    """
    changed = session.audit.modified_at
    if ceil(changed.timestamp()) + _SETTLED_S > time():
        return ()
    return ((b"last-modified", dates.write(changed)),)
