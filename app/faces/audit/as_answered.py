"""The very bytes that a GET on another face gave then: `as=evo`, `as=superoffice`."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from app.codecs.json_text import BadInput
from app.faces.audit.query import ALWAYS, Query
from app.history.masking import Shown
from app.history.moments import Cut, written
from app.history.past_reads import AS_OF
from app.history.sessions import Session
from app.http.browser import wants_page
from app.http.errors import refusal
from app.http.operation import Face
from app.http.request import Reply, Request
from app.service import Service
from projections.fold import Folded

AS = "as"
_OWN = frozenset({*ALWAYS, AS, AS_OF, "compare", "changed", "state"}) - {"format"}
_SHOWN = 60


class _Read(Struct, frozen=True):
    """The route of a face that shows a session of a kind."""

    face: str
    path: str
    parameter: str
    format: str = "format"
    """The parameter with the format of the answer."""


_READS: Mapping[str, _Read] = {
    "ai_session": _Read("evo", "/ai/sessions/{sessionId}", "sessionId"),
    "account": _Read("evo", "/accounts/{accountId}", "accountId"),
    "chat_session": _Read("superoffice", "/api/v1/ChatSession/{id}", "id", "$format"),
}


class Answered:
    """Asks other faces."""

    def __init__(self, others: Sequence[Face]) -> None:
        """`others`: all faces but that of auditors."""
        self._faces = {face.name: face for face in others}

    def face_of(self, query: Query, session: Session) -> Face | None:
        """The face that is asked for, if any. Raises BadInput for the face of other sessions."""
        name = query.text(AS)
        if name is None:
            return None
        read = _READS.get(session.kind)
        if read is None or read.face != name.lower() or read.face not in self._faces:
            raise BadInput(
                f"as={name[:_SHOWN]} does not show {session.session_id[:_SHOWN]}", field=AS
            )
        return self._faces[read.face]

    async def answer(
        self, face: Face, session: Session, cut: Cut, request: Request, service: Service
    ) -> Reply:
        """The answer of the face, as of a cut; one that it refuses, too."""
        read = _READS[session.kind]
        operation = face.routes[read.path]["GET"]
        asked = _asked(read, session, cut, request, operation.name)
        try:
            return await operation.handler(asked, service)
        except Exception as error:
            refused = refusal(error, service.settings.retry_after_s, face.responses, "GET")
            if refused.status >= 500:
                raise
            return face.refuse(refused, asked)


def require_reason(query: Query, folded: Folded[object] | None, kind: str) -> None:
    """Raise BadInput if an answer would hold personal data, and no reason to see it is given."""
    if folded is None or query.reason() is not None:
        return
    state = folded.state
    assert isinstance(state, Struct)  # all states are
    if Shown(kind).members(state) != Shown(kind, clear=True).members(state):
        raise BadInput(
            "The answer holds personal data: it takes personal=true and a reason", field="reason"
        )


def _asked(read: _Read, session: Session, cut: Cut, request: Request, operation: str) -> Request:
    """The request that the face would get."""
    key = session.session_id.partition(":")[2] or session.session_id
    pairs = [
        (read.format if name.lower() == "format" else name, value)
        for name, value in request.pairs
        if name.lower() not in _LOWER
    ]
    pairs.append((AS_OF, written(cut)))
    # (A browser asks for what programs got, not for a page about it.)
    unwanted = b"accept" if wants_page(request) else b""
    return replace(
        request,
        headers={name: value for name, value in request.headers.items() if name != unwanted},
        face=read.face,
        operation=operation,
        location=read.path.strip("/").replace(f"{{{read.parameter}}}", key),
        path={read.parameter: key},
        query=urlencode(pairs, quote_via=quote).encode(),
        pairs=pairs,
    )


_LOWER = {name.lower() for name in _OWN}
