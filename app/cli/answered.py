"""The bytes that a GET on a face gave at a moment, by the database: what `replay --as` prints."""

from typing import TYPE_CHECKING

from app.auth.principals import Principal
from app.auth.roles import SYSTEM_ADMINISTRATOR
from app.cli.accounts import on_service
from app.cli.exit_codes import Refused
from app.faces.audit.as_answered import AS, Answered
from app.faces.audit.query import Query
from app.history.sessions import Clock, session_named, version_at
from app.http.request import Request
from app.main import all_faces
from app.service import Service

if TYPE_CHECKING:
    from app.maintenance.store import DataLocation

_OPERATOR = Principal("operator", (SYSTEM_ADMINISTRATOR,))
_OK = 200


def answer_by_database(
    where: "DataLocation", session: str, as_of: str | None, face: str, clock: Clock
) -> bytes:
    """The answer of a face. Raises Refused if it was none, BadInput, NotFound."""

    async def work(service: Service) -> bytes:
        known = await session_named(service.reader, session)
        _, cut = await version_at(service.reader, known, as_of, "--as-of", clock)
        request = Request(method="GET", headers={}, pairs=[(AS, face)], principal=_OPERATOR)
        answered = Answered(all_faces())
        asked = answered.face_of(Query(request, (AS,)), known)
        assert asked is not None  # it was named
        reply = await answered.answer(asked, known, cut, request, service)
        if reply.status != _OK:
            when = "" if as_of is None else f" as of {as_of}"
            raise Refused(f"A GET of {session}{when} gave no answer, but {reply.status}")
        return reply.body

    return on_service(where, work)
