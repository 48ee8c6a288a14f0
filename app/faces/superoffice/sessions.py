"""Handlers of chat sessions as entities: create, get, replace, patch, delete, list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from msgspec.structs import replace

from app.commands.context import CommandResult
from app.faces.superoffice.request import (
    ChatRequest,
    Session,
    chat_caller,
    is_customer,
    is_unchanged,
    last_modified,
)
from app.faces.superoffice.wire.answer import (
    unread_members,
    write_entities,
    write_entity,
    write_page,
)
from app.faces.superoffice.wire.api import MAX_ROWS_PER_PAGE
from app.faces.superoffice.wire.changes import PatchChange, Replacement
from app.faces.superoffice.wire.entity import read_entity, refuse_another_id
from app.faces.superoffice.wire.patch_body import may_touch, read_patch
from app.history.past_reads import PastMoment
from app.http.request import (
    Headers,
    Reply,
    as_of_header,
    etag,
    position_headers,
    quarantine_headers,
)
from domain.chat.fields import ChatSessionFields
from domain.errors import NotFound
from domain.ids import ChatSessionId


async def default(asked: ChatRequest) -> Reply:
    """`GET /default`: stores nothing and draws no number."""
    return asked.reply(write_entity(ChatSessionFields(), asked.manner))


async def list_all(asked: ChatRequest) -> Reply:
    """`GET /api/v1/ChatSession`."""
    from app.faces.superoffice.lists import chat_list  # imports SQLAlchemy: see Views.page
    from app.faces.superoffice.lists.filter import Asker

    async with _listing(asked) as moment:
        asker = Asker(
            today=(moment.at if moment else datetime.now(UTC)).date(),
            associate_id=asked.principal.associate_id or None,
            may_change=asked.manner.may_change,
        )
        page = await chat_list.list_chat_sessions(
            asked.service.views,
            asked.pairs_as_of(moment.cut) if moment else asked.http.pairs,
            base_url=asked.http.base_url,
            asker=asker,
            budget=asked.budget,
            as_of=moment.cut if moment else None,
        )
    body = write_page(page, asked.manner.format, asked.budget)
    return asked.reply(body, _past_headers(moment))


async def for_current_user(asked: ChatRequest) -> Reply:
    """`GET /ForCurrentUser`: the sessions that the caller can work on, without their keys."""
    from app.faces.superoffice.lists import chat_list  # imports SQLAlchemy: see Views.page

    top = asked.count("$top")
    most = MAX_ROWS_PER_PAGE if top is None else min(top, MAX_ROWS_PER_PAGE)
    async with _listing(asked) as moment:
        found = await chat_list.sessions_of(
            asked.service.views,
            asked.principal.associate_id,
            most=most,
            unread=unread_members(asked.manner.select),
            budget=asked.budget,
            as_of=moment.cut if moment else None,
        )
    manner = replace(asked.manner, show_session_key=False)
    states = [session.state for session in found]
    body = write_entities(states, manner, asked.budget)
    return asked.reply(body, _past_headers(moment))


@asynccontextmanager
async def _listing(asked: ChatRequest) -> AsyncIterator[PastMoment | None]:
    """The caller's place for a list, and the moment of the list if that is a past one."""
    service = asked.service
    if asked.as_of is None:
        async with service.list_places.of(asked.principal.name):
            yield None
        return
    moment = await service.past.moment(asked.as_of)
    caller = asked.principal.name
    async with service.past.histories(moment.cut) as stale, service.list_places.of(caller):
        yield replace(moment, stale=stale)


def _past_headers(moment: PastMoment | None) -> Headers:
    """The headers of a list as of a past moment; none for the present."""
    if moment is None:
        return ()
    return (as_of_header(moment.cut), *quarantine_headers(moment.stale))


async def post(asked: ChatRequest) -> Reply:
    """`POST /api/v1/ChatSession`: 200, not 201; the service draws the id."""
    entity = read_entity(asked.http.body, asked.body_type, asked.zone)
    return answered(asked, await create(asked, entity), linked=True)


async def put(asked: ChatRequest) -> Reply:
    """`PUT /api/v1/ChatSession/{id}`: replaces the whole entity."""
    number = asked.number("id")
    entity = read_entity(asked.http.body, asked.body_type, asked.zone)
    refuse_another_id(entity, number)
    return answered(asked, await save(asked, number, entity), linked=True)


async def patch(asked: ChatRequest) -> Reply:
    """`PATCH /api/v1/ChatSession/{id}`: decided on the session's state at the moment of change."""
    body = asked.http.body
    patch_ = read_patch(body, asked.body_type)
    change = PatchChange(
        patch=patch_,
        locale=asked.locale,
        api_url=asked.api_url,
        may_change=asked.manner.may_change,
    )
    answer = await asked.service.chat.change(
        asked.number("id"),
        change,
        body,
        asked.call(),
        by=chat_caller(asked.principal),
        may_wait=may_touch(patch_, "Status"),
    )
    return answered(asked, answer, linked=True)


async def get(asked: ChatRequest) -> Reply:
    """`GET /api/v1/ChatSession/{id}`."""
    return await show(asked, asked.number("id"), linked=True)


async def delete(asked: ChatRequest) -> Reply:
    """`DELETE /api/v1/ChatSession/{id}`: 204 without a body."""
    return await remove(asked, asked.number("id"))


async def create(asked: ChatRequest, entity: ChatSessionFields) -> CommandResult:
    """A new session, whatever id the entity names."""
    by = chat_caller(asked.principal)
    return await asked.service.chat.create(entity, asked.http.call(), by)


async def save(
    asked: ChatRequest, number: ChatSessionId, entity: ChatSessionFields
) -> CommandResult:
    """Replace a session; values that the client returns as they were shown stay unchanged."""
    locale = asked.manner.locale
    change = None if locale is None else Replacement(entity, locale)
    by = chat_caller(asked.principal)
    return await asked.service.chat.update(number, entity, asked.call(), change, by)


async def show(asked: ChatRequest, number: ChatSessionId, *, linked: bool = False) -> Reply:
    """A session, or 304 if the client already has its state."""
    if asked.as_of is not None:
        session, cut = await asked.then(number, asked.as_of)
        return _shown(asked, session, (as_of_header(cut),), linked=linked)
    found = await asked.found(number)
    if found is None:
        raise NotFound("ChatSession", number)
    if is_customer(asked.principal):
        found = await asked.service.chat.fetched(found, asked.http.call())
    return _shown(asked, found, (), linked=linked)


def _shown(asked: ChatRequest, session: Session, headers: Headers, *, linked: bool) -> Reply:
    headers = (etag(session.version), *headers)
    if is_unchanged(asked.http.headers, session):
        return Reply(304, headers=(*headers, *last_modified(session)))
    return asked.session(session, headers, linked=linked)


async def remove(asked: ChatRequest, number: ChatSessionId) -> Reply:
    """Delete a session: 204 without a body."""
    answer = await asked.service.chat.delete(number, asked.call())
    return Reply(204, headers=position_headers(answer))


def answered(asked: ChatRequest, answer: CommandResult, *, linked: bool = False) -> Reply:
    """The session after a command."""
    return asked.session(answer.folded, position_headers(answer), linked=linked)
