"""Chat sessions as entities: made, found, replaced, patched, deleted, listed."""

from datetime import UTC, datetime
from functools import partial

from msgspec.structs import replace

from app.auth.principals import Forbidden
from app.auth.roles import SYSTEM_ADMINISTRATOR
from app.codecs.form import pairs
from app.codecs.json_text import BadInput
from app.commands.context import CommandResult
from app.faces.superoffice.lists.query import MAX_ROWS_PER_PAGE
from app.faces.superoffice.request import (
    ChatRequest,
    is_customer,
    is_unchanged,
    last_modified,
    sees_key,
)
from app.faces.superoffice.wire.answer import (
    owned_members,
    unread_members,
    write_entities,
    write_entity,
    write_page,
)
from app.faces.superoffice.wire.entity import read_entity, refuse_another_id
from app.faces.superoffice.wire.patch import patched
from app.http.request import Reply, etag, position_headers
from domain.chat.session import ChatSessionFields, adapted
from domain.errors import InvalidField, NotFound
from domain.ids import ChatSessionId


async def default(asked: ChatRequest) -> Reply:
    """`GET /default`: nothing is stored, and no number is drawn."""
    return asked.reply(write_entity(ChatSessionFields(), asked.manner))


async def list_all(asked: ChatRequest) -> Reply:
    """`GET /api/v1/ChatSession`."""
    from app.faces.superoffice.lists import chat_list  # imports SQLAlchemy: see Views.page
    from app.faces.superoffice.lists.filter import Asker

    exchange = asked.exchange
    asker = Asker(
        today=datetime.now(UTC).date(),
        associate_id=asked.principal.associate_id or None,
        may_change=asked.manner.may_change,
    )
    async with exchange.service.list_places.of(asked.principal.name):
        page = await chat_list.list_chat_sessions(
            exchange.service.views,
            pairs(exchange.query),
            base_url=exchange.base_url,
            asker=asker,
            budget=exchange.budget,
        )
    return asked.reply(write_page(page, asked.manner.format, exchange.budget))


async def for_current_user(asked: ChatRequest) -> Reply:
    """`GET /ForCurrentUser`: what the caller can work on, without the sessions' keys."""
    from app.faces.superoffice.lists import chat_list  # imports SQLAlchemy: see Views.page

    exchange = asked.exchange
    top = asked.count("$top")
    most = MAX_ROWS_PER_PAGE if top is None else min(top, MAX_ROWS_PER_PAGE)
    async with exchange.service.list_places.of(asked.principal.name):
        found = await chat_list.sessions_of(
            exchange.service.views,
            asked.principal.associate_id,
            most=most,
            unread=unread_members(asked.manner.select),
            budget=exchange.budget,
        )
    manner = replace(asked.manner, show_session_key=False)
    states = [session.state for session in found]
    return asked.reply(write_entities(states, manner, exchange.budget))


async def post(asked: ChatRequest) -> Reply:
    """`POST /api/v1/ChatSession`: 200, not 201; the service draws the id."""
    entity = read_entity(asked.exchange.body, asked.body_type, asked.zone)
    return answered(asked, await create(asked, entity), linked=True)


async def put(asked: ChatRequest) -> Reply:
    """`PUT /api/v1/ChatSession/{id}`: replaces the whole entity that the path names."""
    number = asked.number("id")
    entity = read_entity(asked.exchange.body, asked.body_type, asked.zone)
    refuse_another_id(entity, number)
    return answered(asked, await save(asked, number, entity), linked=True)


async def patch(asked: ChatRequest) -> Reply:
    """`PATCH /api/v1/ChatSession/{id}`: decided on what is there at the moment of the change."""
    number, exchange = asked.number("id"), asked.exchange
    call = await asked.call(number)
    change = partial(_patched, asked, sees=await _sees_key(asked, number))
    answer = await exchange.service.chat.change(number, change, exchange.body, call)
    return answered(asked, answer, linked=True)


async def get(asked: ChatRequest) -> Reply:
    """`GET /api/v1/ChatSession/{id}`."""
    return await show(asked, asked.number("id"), linked=True)


async def delete(asked: ChatRequest) -> Reply:
    """`DELETE /api/v1/ChatSession/{id}`: 204 without a body."""
    return await remove(asked, asked.number("id"))


async def create(asked: ChatRequest, entity: ChatSessionFields) -> CommandResult:
    """A new session, whatever id the entity names."""
    return await asked.exchange.service.new_chat_session(entity, asked.exchange.call())


async def save(
    asked: ChatRequest, number: ChatSessionId, entity: ChatSessionFields
) -> CommandResult:
    """A session replaced, but for what was given back as it was shown.

    Who may not see its key can neither remove nor choose it.
    """
    call = await asked.call(number)
    sees = await _sees_key(asked, number)
    if not sees:
        _refuse_key(entity)
    as_given = sees and asked.manner.locale is None
    change = None if as_given else partial(_replaced, asked, entity, sees=sees)
    return await asked.exchange.service.chat.update(number, entity, call, change)


async def show(asked: ChatRequest, number: ChatSessionId, *, linked: bool = False) -> Reply:
    """A session, or 304 if the client has it as it is."""
    session = await asked.found(number)
    if session is None:
        raise NotFound("ChatSession", number)
    if is_customer(asked.principal):
        session = await asked.exchange.service.chat.fetched(session, asked.exchange.call())
    if is_unchanged(asked.exchange.headers, session):
        return Reply(304, headers=(etag(session.version), *last_modified(session)))
    return asked.session(session, linked=linked)


async def remove(asked: ChatRequest, number: ChatSessionId) -> Reply:
    """204 without a body."""
    call = await asked.call(number)
    answer = await asked.exchange.service.chat.delete(number, call)
    return Reply(204, headers=position_headers(answer))


def answered(asked: ChatRequest, answer: CommandResult, *, linked: bool = False) -> Reply:
    """The session that a command led to."""
    return asked.session(answer.folded, position_headers(answer), linked=linked)


async def _sees_key(asked: ChatRequest, number: ChatSessionId) -> bool:
    if asked.principal.is_administrator:
        return True
    session = await asked.found(number)
    return session is not None and sees_key(asked.principal, session)


def _replaced(
    asked: ChatRequest, given: ChatSessionFields, held: ChatSessionFields, *, sees: bool
) -> ChatSessionFields:
    """What an entity makes of a session."""
    wanted = asked.locale.kept(given, held)
    return wanted if sees else _with_its_key(wanted, held)


def _patched(asked: ChatRequest, held: ChatSessionFields, *, sees: bool) -> ChatSessionFields:
    """What a patch makes of a session; who may not see the key cannot test it either."""
    shown = held if sees else replace(held, session_key=None)
    manner = replace(asked.manner, show_session_key=sees)
    owned = partial(owned_members, held, manner, api_url=asked.api_url)
    try:
        changed = patched(shown, asked.exchange.body, asked.body_type, asked.locale, owned)
    except BadInput as error:
        # As the domain says it: a retry finds out whether the patch was applied the first time.
        raise InvalidField(error.field or "", str(error)) from error
    wanted = adapted(changed, held)
    if sees:
        return wanted
    _refuse_key(wanted)
    return _with_its_key(wanted, held)


def _with_its_key(wanted: ChatSessionFields, held: ChatSessionFields) -> ChatSessionFields:
    return replace(wanted, session_key=held.session_key)


def _refuse_key(wanted: ChatSessionFields) -> None:
    if wanted.session_key is not None:
        message = f"SessionKey: only who may see it may set it ({SYSTEM_ADMINISTRATOR} may)"
        raise Forbidden(message=message)
