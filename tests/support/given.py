"""What tests take for given: a caller, and the commands that they give most."""

from uuid import UUID

from uuid_utils.compat import uuid7

from app.commands.context import Caller, CommandContext, CommandResult, EventMetadata, Generated
from app.service import Service
from domain.account import NewAccount, RenameAccount
from domain.ai_session import DeleteAISession, NewAISession, PatchAISession
from domain.chat.session import NewChatSession
from domain.ids import AccountId, AISessionId, StreamId, chat_session_stream


def call(
    actor: str = "kim",
    *,
    key: str | None = None,
    if_version: int | None = None,
    canary: str | None = None,
) -> CommandContext:
    """Somebody's command, with an idempotency key or a demanded version if given.

    `canary`: in all that the log keeps of who called.
    """
    caller = Caller(idempotency_key=key)
    if canary is not None:
        caller = Caller(
            client=f"{canary}-address",
            request_id=f"{canary}-request",
            correlation_id=f"{canary}-correlation",
            causation_id=f"{canary}-causation",
            idempotency_key=key,
        )
    return CommandContext(
        actor=actor,
        metadata=EventMetadata(roles=("SystemAdministrator",)),
        caller=caller,
        if_version=None if if_version is None else frozenset({if_version}),
    )


def new_id() -> AISessionId:
    """An id that no session has."""
    return AISessionId(str(uuid7()))


async def open_ai_session(
    service: Service,
    session: AISessionId | None = None,
    *,
    account: str | None = None,
    purpose: str | None = "triage",
    key: str | None = None,
    canary: str | None = None,
) -> CommandResult:
    """Create a session, as the service's face does it: under an id that is drawn for the key."""
    by = call(key=key, canary=canary)
    session = session or AISessionId(str(service.log.new_stream(by.actor, key)))
    command = NewAISession(
        session_id=session,
        account_id=None if account is None else AccountId(account),
        purpose=purpose,
    )
    return await service.commands.handle(
        command, by, Generated(("session_id",), StreamId(UUID(session)))
    )


async def patch_ai_session(
    service: Service, session: AISessionId, purpose: str | None, by: CommandContext | None = None
) -> CommandResult:
    """Change a session's purpose."""
    command = PatchAISession(session_id=session, purpose=purpose)
    return await service.commands.handle(command, by or call())


async def delete_ai_session(
    service: Service, session: AISessionId, by: CommandContext | None = None
) -> CommandResult:
    """Delete a session."""
    return await service.commands.handle(DeleteAISession(session_id=session), by or call())


async def open_chat_session(service: Service, customer_name: str | None = "Kim") -> CommandResult:
    """Create a chat session under a fresh number."""
    by = call()
    number = await service.chat.new_number(by)
    command = NewChatSession(chat_session_id=number, customer_name=customer_name)
    drawn = Generated(("chat_session_id",), chat_session_stream(number))
    return await service.commands.handle(command, by, drawn)


async def open_account(service: Service, account: str = "a1", name: str = "Acme") -> CommandResult:
    """Create an account."""
    return await service.commands.handle(
        NewAccount(account_id=AccountId(account), name=name), call()
    )


async def rename_account(service: Service, account: str, name: str) -> CommandResult:
    """Give an account another name."""
    return await service.commands.handle(
        RenameAccount(account_id=AccountId(account), name=name), call()
    )


def session_of(answer: CommandResult) -> AISessionId:
    """The id of the AI session that an answer shows."""
    return AISessionId(str(answer.folded.stream))
