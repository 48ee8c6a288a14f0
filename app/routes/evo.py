"""The ServiceStack-style face: AI sessions and accounts."""

from uuid import uuid4

from app.calls import Answer, Drawn
from app.principals import SYSTEM_ADMINISTRATOR
from app.routes.errors import Refusal
from app.routes.exchange import JSON, Exchange, Reply, etag, position_headers
from app.routes.face import Operation, Routes
from app.wire import evo
from app.wire.json_text import BadInput
from domain.account import NewAccount, RenameAccount
from domain.ai_session import DeleteAISession, NewAISession, PatchAISession
from domain.errors import NotFound
from domain.ids import AccountId, AISessionId, account_stream, ai_session_stream

NAME = "evo"
ACCOUNTS_A_PAGE = 1_000


class EvoFace:
    """Answers errors as a ResponseStatus."""

    name = NAME
    content_type = JSON

    def error(self, refused: Refusal) -> bytes:
        """`{"responseStatus": {…}}`."""
        return evo.write_error(refused.code, refused.message, refused.field)


async def new_ai_session(exchange: Exchange) -> Reply:
    """`POST /ai/sessions`."""
    exchange.principal.require(SYSTEM_ADMINISTRATOR)
    request = evo.read_new_ai_session(exchange.body)
    service = exchange.service
    if request.account_id is not None:
        await service.require_account(request.account_id)
    call = exchange.call()
    stream = service.new_session_stream(call)
    command = NewAISession(
        session_id=AISessionId(str(stream)),
        account_id=None if request.account_id is None else AccountId(request.account_id),
        purpose=request.purpose,
    )
    drawn = Drawn("session_id", stream)
    return _session(await service.commands.handle(command, call, drawn))


async def patch_ai_session(exchange: Exchange) -> Reply:
    """`PATCH /ai/sessions/{sessionId}`."""
    exchange.principal.require(SYSTEM_ADMINISTRATOR)
    session = AISessionId(exchange.path["session_id"])
    request = evo.read_patch_ai_session(exchange.body)
    if request.session_id is not None and request.session_id != session:
        raise BadInput("sessionId in the body is not the one in the path", field="sessionId")
    command = PatchAISession(session_id=session, purpose=request.purpose)
    return _session(await exchange.service.commands.handle(command, exchange.call()))


async def delete_ai_session(exchange: Exchange) -> Reply:
    """`DELETE /ai/sessions/{sessionId}`: 204 without a body."""
    exchange.principal.require(SYSTEM_ADMINISTRATOR)
    command = DeleteAISession(session_id=AISessionId(exchange.path["session_id"]))
    answer = await exchange.service.commands.handle(command, exchange.call())
    return Reply(204, headers=position_headers(answer))


async def get_ai_session(exchange: Exchange) -> Reply:
    """`GET /ai/sessions/{sessionId}`."""
    exchange.principal.require(SYSTEM_ADMINISTRATOR)
    session = AISessionId(exchange.path["session_id"])
    stream = ai_session_stream(session)
    row = None if stream is None else await exchange.service.views.get("ai_session", stream)
    if row is None:
        raise NotFound("AISession", session)
    return Reply(
        200,
        evo.write_ai_session(row.folded, row.account_name),
        (etag(row.folded.version),),
    )


async def new_account(exchange: Exchange) -> Reply:
    """`POST /accounts`."""
    exchange.principal.require(SYSTEM_ADMINISTRATOR)
    request = evo.read_new_account(exchange.body)
    account = AccountId(request.id or str(uuid4()))
    drawn = None if request.id is not None else Drawn("account_id", account_stream(account))
    command = NewAccount(account_id=account, name=request.name)
    return _account(await exchange.service.commands.handle(command, exchange.call(), drawn))


async def patch_account(exchange: Exchange) -> Reply:
    """`PATCH /accounts/{accountId}`."""
    exchange.principal.require(SYSTEM_ADMINISTRATOR)
    request = evo.read_patch_account(exchange.body)
    command = RenameAccount(account_id=AccountId(exchange.path["account_id"]), name=request.name)
    return _account(await exchange.service.commands.handle(command, exchange.call()))


async def get_account(exchange: Exchange) -> Reply:
    """`GET /accounts/{accountId}`."""
    account = AccountId(exchange.path["account_id"])
    row = await exchange.service.views.get("account", account_stream(account))
    if row is None:
        raise NotFound("Account", account)
    return Reply(200, evo.write_account(row.folded), (etag(row.folded.version),))


async def list_accounts(exchange: Exchange) -> Reply:
    """`GET /accounts`, in the order of their ids."""
    found = await exchange.service.views.accounts("", ACCOUNTS_A_PAGE + 1)
    more = len(found) > ACCOUNTS_A_PAGE
    return Reply(200, evo.write_accounts(found[:ACCOUNTS_A_PAGE], more=more))


PREFIXES = ("/ai", "/accounts")
ROUTES: Routes = {
    "/ai/sessions": {"POST": Operation("NewAISession", new_ai_session)},
    "/ai/sessions/{session_id}": {
        "GET": Operation("GetAISession", get_ai_session),
        "PATCH": Operation("PatchAISession", patch_ai_session),
        "DELETE": Operation("DeleteAISession", delete_ai_session),
    },
    "/accounts": {
        "GET": Operation("ListAccounts", list_accounts),
        "POST": Operation("NewAccount", new_account),
    },
    "/accounts/{account_id}": {
        "GET": Operation("GetAccount", get_account),
        "PATCH": Operation("PatchAccount", patch_account),
    },
}


def _session(answer: Answer) -> Reply:
    body = evo.write_ai_session(answer.folded, answer.account_name)
    return Reply(200, body, position_headers(answer))


def _account(answer: Answer) -> Reply:
    return Reply(200, evo.write_account(answer.folded), position_headers(answer))
