"""The SuperOffice-style face: chat sessions."""

import re
from urllib.parse import parse_qsl

import msgspec

from app.calls import Answer, Drawn
from app.principals import Principal
from app.routes.errors import Refusal
from app.routes.exchange import Exchange, Reply, etag, position_headers
from app.routes.face import Operation, Routes
from app.wire.json_text import BadInput
from app.wire.superoffice.answer import Manner, write_entity, write_error
from app.wire.superoffice.entity import command, read_entity
from app.wire.superoffice.selection import Selection
from domain.chat_session import ChatSession, DeleteChatSession, NewChatSession, UpdateChatSession
from domain.errors import NotFound
from domain.ids import ChatSessionId, chat_session_stream
from domain.limits import Int32

NAME = "superoffice"
_PATH = "/api/v1/ChatSession"
_DIGITS = re.compile("0|-?[1-9][0-9]{0,9}").fullmatch

_ERROR_TYPES = {
    400: "SoBadRequestException",
    401: "SoAuthenticationException",
    403: "SoSentryException",
    404: "SoNotFoundException",
    409: "SoConflictException",
    412: "SoPreconditionException",
    413: "SoRequestTooLargeException",
    503: "SoServiceUnavailableException",
}
"""Error types by status. Only the one of 404 is documented; the others follow its pattern."""


class SuperOfficeFace:
    """Answers errors as `{"Error": true, …}`."""

    name = NAME
    prefix = "/api/v1/"
    suffixes: frozenset[str] = frozenset()
    overridable = False

    def __init__(self) -> None:
        """Serves all operations."""
        self.routes: Routes = ROUTES

    async def identify(self, exchange: Exchange) -> Principal:
        """By the Authorization header."""
        authorization = exchange.headers.get(b"authorization")
        return await exchange.service.principals.authenticate(authorization)

    def refuse(self, refused: Refusal, exchange: Exchange | None) -> Reply:
        """The documented error object; the message names the property at fault."""
        message = refused.message
        if refused.field is not None and refused.field not in message:
            message = f"{refused.field}: {message}"
        body = write_error(_ERROR_TYPES.get(refused.status, "SoException"), message)
        return Reply(refused.status, body, refused.headers)


async def post(exchange: Exchange) -> Reply:
    """`POST /api/v1/ChatSession`: 200, not 201; the service draws the id."""
    exchange.principal.require_writer()
    select = _selection(exchange)
    entity = read_entity(exchange.body)
    call = exchange.call()
    number = await exchange.service.new_chat_session_id(call)
    wanted = command(NewChatSession, number, entity)
    drawn = Drawn(("chat_session_id",), chat_session_stream(number))
    answer = await exchange.service.commands.handle(wanted, call, drawn)
    return _written(exchange, answer, select)


async def put(exchange: Exchange) -> Reply:
    """`PUT /api/v1/ChatSession/{id}`: replaces the whole entity that the path names."""
    exchange.principal.require_writer()
    number = _number(exchange)
    select = _selection(exchange)
    entity = read_entity(exchange.body)
    wanted = command(UpdateChatSession, number, entity)
    answer = await exchange.service.commands.handle(wanted, exchange.call())
    return _written(exchange, answer, select)


async def get(exchange: Exchange) -> Reply:
    """`GET /api/v1/ChatSession/{id}`."""
    number = _number(exchange)
    select = _selection(exchange)
    row = await exchange.service.views.get("chat_session", chat_session_stream(number))
    if row is None:
        raise NotFound("ChatSession", number)
    body = _entity(exchange, row.folded.state, select)
    return Reply(200, body, (etag(row.folded.version),))


async def delete(exchange: Exchange) -> Reply:
    """`DELETE /api/v1/ChatSession/{id}`: 204 without a body."""
    exchange.principal.require_writer()
    command = DeleteChatSession(chat_session_id=_number(exchange))
    answer = await exchange.service.commands.handle(command, exchange.call())
    return Reply(204, headers=position_headers(answer))


ROUTES: Routes = {
    _PATH: {"POST": Operation("PostChatSessionEntity", post)},
    f"{_PATH}/{{chat_session_id}}": {
        "GET": Operation("GetChatSessionEntity", get),
        "PUT": Operation("PutChatSessionEntity", put),
        "DELETE": Operation("DeleteChatSessionEntity", delete),
    },
}


def _number(exchange: Exchange) -> ChatSessionId:
    text = exchange.path["chat_session_id"]
    try:
        # By the pattern first: 1.0, +1, 01 and 1_0 would pass, and name a session twice.
        number = int(text) if _DIGITS(text) else None
        return ChatSessionId(msgspec.convert(number, Int32))
    except msgspec.ValidationError:
        raise BadInput(f"{text[:20]!r} is no int32", field="id") from None


def _selection(exchange: Exchange) -> Selection | None:
    if not exchange.query:
        return None
    try:
        pairs = parse_qsl(exchange.query.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise BadInput("The query string is no UTF-8") from None
    given = [value for name, value in pairs if name.lower() == "$select"]
    return Selection.parse(",".join(given))


def _written(exchange: Exchange, answer: Answer, select: Selection | None) -> Reply:
    body = _entity(exchange, answer.folded.state, select)
    return Reply(200, body, position_headers(answer))


def _entity(exchange: Exchange, state: ChatSession, select: Selection | None) -> bytes:
    api_url = f"{exchange.base_url}/api/v1/"
    return write_entity(state, Manner(select=select), api_url=api_url)
