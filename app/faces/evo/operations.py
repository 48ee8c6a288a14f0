"""The handlers of the ServiceStack-style operations: a request DTO in, an answer DTO out."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from msgspec import Struct

from app.codecs.answer_budget import AnswerBudget
from app.codecs.dto import Dto
from app.codecs.json_text import BadInput
from app.codecs.member_names import pascal_case
from app.commands.context import CommandContext, CommandEnvelope, CommandResult, Generated
from app.database.uuids import new_uuid, uuid_of
from app.faces.evo.wire import requests as r
from app.faces.evo.wire.dto import AccountInfo, AISessionInfo
from app.faces.evo.wire.views import account_info, ai_session_info, list_response
from app.history.past_reads import NotThere
from app.http.request import (
    Headers,
    Request,
    as_of_header,
    etag,
    position_headers,
    quarantine_headers,
)
from app.queries.views import Row
from app.service import Service
from domain.account import NewAccount, RenameAccount
from domain.ai_session import (
    ApplyAISession,
    ClearAISessionActions,
    DeleteAISession,
    DeleteAISessionAction,
    NewAISession,
    PatchAISession,
    ProposeAISessionAction,
)
from domain.errors import NotFound
from domain.ids import AccountId, AISessionId, StreamId, account_stream, ai_session_stream

if TYPE_CHECKING:
    from app.faces.evo.list_query import ListQuery
    from app.queries.page import PageResult


T = TypeVar("T")
_SESSION_STREAM = partial(ai_session_stream, uuid=uuid_of)


class Result(Struct, frozen=True):
    """An operation's answer; without a value, it is a 204."""

    value: Dto | None
    headers: Headers = ()


class Write(Struct, frozen=True):
    """A handler that makes one command; `show` turns the core's answer into the API's."""

    prepare: Callable[[Service, Any, CommandContext], Awaitable[CommandEnvelope]]
    show: Callable[[CommandResult], Dto | None]


class Asked(Struct, frozen=True):
    """The context of a request DTO: its HTTP request, the service, the budget of its answer."""

    http: Request
    service: Service
    budget: AnswerBudget
    """The limit of the answer's size; the items of a batch share it."""
    as_of: str | None = None
    """The past moment whose answer is asked for; None: the present."""


class Read(Struct, frozen=True):
    """A handler without a command on a session or account."""

    answer: Callable[[Asked, Any], Awaitable[Result]]


async def carry_out_one(
    handler: Write | Read, request: Dto, asked: Asked, item: int | None = None
) -> Result:
    """The answer to one request; `item`: its place in a batch, from 0."""
    if isinstance(handler, Read):
        return await handler.answer(asked, request)
    service = asked.service
    given = await handler.prepare(service, request, asked.http.call(item))
    answer = await service.commands.handle_one(given)
    return Result(handler.show(answer), position_headers(answer))


async def _new_ai_session(
    service: Service, request: r.NewAISession, call: CommandContext
) -> CommandEnvelope:
    account = request.account_id
    if account is not None:
        await service.accounts.require(account)
    stream = service.log.new_stream(call.actor, call.caller.idempotency_key)
    command = NewAISession(
        session_id=AISessionId(str(stream)),
        account_id=None if account is None else AccountId(account),
        purpose=request.purpose,
    )
    return CommandEnvelope(command, call, Generated(("session_id",), stream))


async def _patch_ai_session(
    _: Service, request: r.PatchAISession, call: CommandContext
) -> CommandEnvelope:
    command = PatchAISession(session_id=_session(request.session_id), purpose=request.purpose)
    return CommandEnvelope(command, call)


async def _delete_ai_session(
    _: Service, request: r.DeleteAISession, call: CommandContext
) -> CommandEnvelope:
    return CommandEnvelope(DeleteAISession(session_id=_session(request.session_id)), call)


async def _propose(
    _: Service, request: r.NewAISessionAction, call: CommandContext
) -> CommandEnvelope:
    command = ProposeAISessionAction(
        session_id=_session(request.session_id),
        action_id=str(new_uuid()),
        proposed_at=datetime.now(UTC),
        function_name=required("functionName", request.function_name),
        arguments=request.arguments,
        description=request.description,
        can_be_applied=request.can_be_applied is not False,
    )
    return CommandEnvelope(command, call, Generated(("action_id", "proposed_at")))


async def _apply(_: Service, request: r.ApplyAISession, call: CommandContext) -> CommandEnvelope:
    return CommandEnvelope(ApplyAISession(session_id=_session(request.session_id)), call)


async def _clear_actions(
    _: Service, request: r.ClearAISessionActions, call: CommandContext
) -> CommandEnvelope:
    return CommandEnvelope(ClearAISessionActions(session_id=_session(request.session_id)), call)


async def _delete_action(
    _: Service, request: r.DeleteAISessionAction, call: CommandContext
) -> CommandEnvelope:
    command = DeleteAISessionAction(
        session_id=_session(request.session_id),
        action_id=required("actionId", request.action_id),
    )
    return CommandEnvelope(command, call)


async def _get_ai_session(asked: Asked, request: r.GetAISession) -> Result:
    session = _session(request.session_id)
    row, headers = await _found(asked, "AISession", session, "ai_session", _SESSION_STREAM)
    return Result(ai_session_info(row.folded, row.account_name), headers)


async def _found(
    asked: Asked, name: str, key: T, kind: str, stream_of: Callable[[T], StreamId | None]
) -> tuple[Row, Headers]:
    """A stream's row, with its version and, if it is of a past moment, that moment.

    Raises NotFound with the name and the key.
    """
    service, stream, cut = asked.service, stream_of(key), None
    if asked.as_of is None:
        row = None if stream is None else await service.views.get(kind, stream)
    else:
        cut = await service.past.cut(asked.as_of, stream)
        row = None if stream is None else await service.past.row(kind, stream, cut)
    if row is None:
        raise NotFound(name, key) if cut is None else NotThere(name, key, cut)
    version = etag(row.folded.version)
    return row, (version,) if cut is None else (version, as_of_header(cut))


async def _list_ai_sessions(asked: Asked, request: r.ListAISessions) -> Result:
    from app.faces.evo import list_query  # imports SQLAlchemy: see Views.page

    wanted = list_query.AISessionsQuery(account_ids=request.account_ids or (), **_paging(request))
    listed, headers = await _listed(asked, list_query.list_ai_sessions, wanted)
    items = [ai_session_info(row.folded, row.account_name) for row in listed.items]
    page = list_response(items, listed.total, wanted.items_a_page, more=listed.has_more)
    return Result(page, headers)


async def _list_accounts(asked: Asked, request: r.ListAccounts) -> Result:
    from app.faces.evo import list_query  # imports SQLAlchemy: see Views.page

    wanted = list_query.AccountsQuery(name_filter=request.name_filter, **_paging(request))
    listed, headers = await _listed(asked, list_query.list_accounts, wanted)
    items = [account_info(row.folded) for row in listed.items]
    page = list_response(items, listed.total, wanted.items_a_page, more=listed.has_more)
    return Result(page, headers)


async def _listed(
    asked: Asked, read: "Callable[..., Awaitable[PageResult[Row]]]", wanted: "ListQuery"
) -> "tuple[PageResult[Row], Headers]":
    """A page, and the header that names its moment if that is a past one."""
    service, caller = asked.service, asked.http.principal.name
    if asked.as_of is None:
        async with service.list_places.of(caller):
            return await read(service.views, wanted, asked.budget), ()
    cut = (await service.past.moment(asked.as_of)).cut
    async with service.past.histories(cut) as stale, service.list_places.of(caller):
        headers = (as_of_header(cut), *quarantine_headers(stale))
        return await read(service.views, wanted, asked.budget, cut), headers


def _paging(request: r.ListRequest) -> dict[str, Any]:
    return {
        "page": request.page or 0,
        "count_per_page": request.count_per_page,
        "all": request.all is True,
        "specific_ids": request.specific_ids or (),
        "sort_field": request.sort_field,
        "descending": request.sort_order is r.SortOrder.DESCEND,
        "simplified": request.simplified_paging is True,
    }


async def _new_account(_: Service, request: r.NewAccount, call: CommandContext) -> CommandEnvelope:
    account = AccountId(request.id or str(uuid4()))
    drawn = None if request.id is not None else Generated(("account_id",), account_stream(account))
    command = NewAccount(account_id=account, name=required("name", request.name))
    return CommandEnvelope(command, call, drawn)


async def _patch_account(
    _: Service, request: r.PatchAccount, call: CommandContext
) -> CommandEnvelope:
    account = AccountId(required("accountId", request.account_id))
    return CommandEnvelope(RenameAccount(account_id=account, name=request.name), call)


async def _get_account(asked: Asked, request: r.GetAccount) -> Result:
    account = AccountId(required("accountId", request.account_id))
    row, headers = await _found(asked, "Account", account, "account", account_stream)
    return Result(account_info(row.folded), headers)


def _show_session(answer: CommandResult) -> AISessionInfo:
    return ai_session_info(answer.folded, answer.account_name)


def _show_account(answer: CommandResult) -> AccountInfo:
    return account_info(answer.folded)


HANDLERS: Mapping[type[Dto], Write | Read] = {
    r.NewAISession: Write(_new_ai_session, _show_session),
    r.PatchAISession: Write(_patch_ai_session, _show_session),
    r.DeleteAISession: Write(_delete_ai_session, lambda _: None),
    r.NewAISessionAction: Write(_propose, _show_session),
    r.ApplyAISession: Write(_apply, _show_session),
    r.ClearAISessionActions: Write(_clear_actions, _show_session),
    r.DeleteAISessionAction: Write(_delete_action, _show_session),
    r.GetAISession: Read(_get_ai_session),
    r.ListAISessions: Read(_list_ai_sessions),
    r.NewAccount: Write(_new_account, _show_account),
    r.PatchAccount: Write(_patch_account, _show_account),
    r.GetAccount: Read(_get_account),
    r.ListAccounts: Read(_list_accounts),
}


def _session(given: str | None) -> AISessionId:
    return AISessionId(required("sessionId", given))


def required(name: str, given: str | None) -> str:
    """The value of a required member; `name` is its wire name. Raises BadInput if empty."""
    if not given:
        message = f"'{pascal_case(name)}' must not be empty."
        raise BadInput(message, field=name, code="NotEmpty")
    return given
