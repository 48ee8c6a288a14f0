"""An AI session: what may be done with it (`decide`) and what then holds (`evolve`)."""

from collections.abc import Sequence
from typing import ClassVar, assert_never

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from domain.errors import AlreadyExists, NotFound
from domain.event import Event
from domain.ids import AccountId, AISessionId


class NewAISession(Struct, frozen=True, kw_only=True):
    """Create a session. That the account exists is the caller's to check."""

    session_id: AISessionId
    account_id: AccountId | None = None
    purpose: str | None = None


class PatchAISession(Struct, frozen=True, kw_only=True):
    """Change what is given; an absent or null purpose stays as it is (Evo's documents)."""

    session_id: AISessionId
    purpose: str | None = None


class DeleteAISession(Struct, frozen=True, kw_only=True):
    """Delete a session: it is gone for clients; its history stays."""

    session_id: AISessionId


Command = NewAISession | PatchAISession | DeleteAISession


class AISessionCreated(Event, frozen=True, kw_only=True):
    """A session was opened."""

    topic: ClassVar[str] = "ai_session.created.v1"
    personal: ClassVar[frozenset[str]] = frozenset({"purpose"})

    account_id: str | UnsetType = UNSET
    purpose: str | UnsetType = UNSET


class AISessionPatched(Event, frozen=True, kw_only=True):
    """A session's purpose changed."""

    topic: ClassVar[str] = "ai_session.patched.v1"
    personal: ClassVar[frozenset[str]] = frozenset({"purpose"})

    purpose: str


class AISessionDeleted(Event, frozen=True, kw_only=True):
    """A session was deleted."""

    topic: ClassVar[str] = "ai_session.deleted.v1"


AISessionEvent = AISessionCreated | AISessionPatched | AISessionDeleted


class AISession(Struct, frozen=True, kw_only=True):
    """What holds of a session after its events."""

    account_id: str | None = None
    purpose: str | None = None
    deleted: bool = False


def decide(command: Command, state: AISession | None) -> Sequence[AISessionEvent]:
    """Events that a command adds; none when nothing changes.

    Raises NotFound for a session that is not there, AlreadyExists for a taken id.
    """
    if isinstance(command, NewAISession):
        if state is not None:
            raise AlreadyExists("AISession", command.session_id)
        return [
            AISessionCreated(
                account_id=UNSET if command.account_id is None else command.account_id,
                purpose=UNSET if command.purpose is None else command.purpose,
            )
        ]
    if state is None or state.deleted:
        raise NotFound("AISession", command.session_id)
    match command:
        case PatchAISession(purpose=purpose):
            if purpose is None or purpose == state.purpose:
                return []
            return [AISessionPatched(purpose=purpose)]
        case DeleteAISession():
            return [AISessionDeleted()]
        case _:
            assert_never(command)


def evolve(state: AISession | None, event: AISessionEvent) -> AISession:
    """The session after one more event."""
    match event:
        case AISessionCreated(account_id=account_id, purpose=purpose):
            return AISession(
                account_id=None if account_id is UNSET else account_id,
                purpose=None if purpose is UNSET else purpose,
            )
        case AISessionPatched(purpose=purpose):
            return replace(state or AISession(), purpose=purpose)
        case AISessionDeleted():
            return AISession(deleted=True)
        case _:
            assert_never(event)
