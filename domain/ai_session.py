"""AI sessions: `decide` turns a command into events, `evolve` folds events into the state."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, assert_never

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from domain.errors import AlreadyExists, InvalidField, NotFound
from domain.event import Copies, Erasure, Event, without
from domain.ids import AccountId, AISessionId
from domain.limits import ACTIONS_LENGTH, ACTIONS_PER_SESSION


class NewAISession(Struct, frozen=True, kw_only=True):
    """Create a session. The caller checks that the account exists."""

    session_id: AISessionId
    account_id: AccountId | None = None
    purpose: str | None = None


class PatchAISession(Struct, frozen=True, kw_only=True):
    """Change the given fields; an absent or null purpose is kept (Evo's documents)."""

    session_id: AISessionId
    purpose: str | None = None


class DeleteAISession(Struct, frozen=True, kw_only=True):
    """Delete a session: clients no longer see it, but its history stays."""

    session_id: AISessionId


class ProposeAISessionAction(Struct, frozen=True, kw_only=True):
    """Add an action that waits in a session until somebody applies or drops it."""

    session_id: AISessionId
    action_id: str
    """Unique among the actions that wait in the session."""
    proposed_at: datetime
    """UTC."""
    function_name: str
    arguments: str | None = None
    description: str | None = None
    can_be_applied: bool = True


class ApplyAISession(Struct, frozen=True, kw_only=True):
    """Apply all actions that can be applied: these leave the session, the others stay."""

    session_id: AISessionId


class ClearAISessionActions(Struct, frozen=True, kw_only=True):
    """Drop all actions of a session."""

    session_id: AISessionId


class DeleteAISessionAction(Struct, frozen=True, kw_only=True):
    """Drop one action of a session."""

    session_id: AISessionId
    action_id: str


ActionCommand = (
    ProposeAISessionAction | ApplyAISession | ClearAISessionActions | DeleteAISessionAction
)
Command = NewAISession | PatchAISession | DeleteAISession | ActionCommand


class AISessionCreated(Event, frozen=True, kw_only=True):
    """A session was opened."""

    topic: ClassVar[str] = "ai_session.created.v1"
    personal: ClassVar[frozenset[str]] = frozenset({"purpose"})
    assigned: ClassVar[frozenset[str]] = personal

    account_id: str | UnsetType = UNSET
    purpose: str | UnsetType | None = UNSET


class AISessionPatched(Event, frozen=True, kw_only=True):
    """A session's purpose changed."""

    topic: ClassVar[str] = "ai_session.patched.v1"
    personal: ClassVar[frozenset[str]] = frozenset({"purpose"})
    assigned: ClassVar[frozenset[str]] = personal

    purpose: str | None


class AISessionDeleted(Event, frozen=True, kw_only=True):
    """A session was deleted."""

    topic: ClassVar[str] = "ai_session.deleted.v1"


class AISessionActionProposed(Event, frozen=True, kw_only=True):
    """An action was proposed and now waits."""

    topic: ClassVar[str] = "ai_session.action_proposed.v1"
    personal: ClassVar[frozenset[str]] = frozenset({"arguments", "description"})
    copies: ClassVar[Copies] = {"arguments": ("actions",), "description": ("actions",)}

    action_id: str
    proposed_at: datetime
    function_name: str
    arguments: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    can_be_applied: bool


class AISessionApplied(Event, frozen=True, kw_only=True):
    """Actions were applied and no longer wait."""

    topic: ClassVar[str] = "ai_session.applied.v1"

    action_ids: tuple[str, ...]


class AISessionActionsCleared(Event, frozen=True, kw_only=True):
    """All actions were dropped."""

    topic: ClassVar[str] = "ai_session.actions_cleared.v1"


class AISessionActionDeleted(Event, frozen=True, kw_only=True):
    """One action was dropped."""

    topic: ClassVar[str] = "ai_session.action_deleted.v1"

    action_id: str


class AISessionPersonalDataErased(Erasure, frozen=True, kw_only=True):
    """The keys of a session's personal data were erased."""

    topic: ClassVar[str] = "ai_session.personal_data_erased.v1"


ActionEvent = (
    AISessionActionProposed | AISessionApplied | AISessionActionsCleared | AISessionActionDeleted
)
Ended = AISessionDeleted | AISessionPersonalDataErased
AISessionEvent = AISessionCreated | AISessionPatched | Ended | ActionEvent
_PERSONAL = AISessionCreated.personal | AISessionActionProposed.personal


class SessionAction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An action that waits in a session."""

    action_id: str
    proposed_at: datetime
    function_name: str
    arguments: str | None = None
    description: str | None = None
    can_be_applied: bool = True


class AISession(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of a session, folded from its events."""

    account_id: str | None = None
    purpose: str | None = None
    actions: tuple[SessionAction, ...] = ()
    """The waiting actions, in the order in which they were proposed."""
    deleted: bool = False


def decide(command: Command, state: AISession | None) -> Sequence[AISessionEvent]:
    """The events that a command adds; none when nothing changes.

    Raises NotFound for a missing session or action, AlreadyExists for a taken id, InvalidField for
    one action too many.
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
            return _decide_actions(command, state.actions)


def _decide_actions(
    command: ActionCommand, waiting: Sequence[SessionAction]
) -> Sequence[AISessionEvent]:
    match command:
        case ProposeAISessionAction():
            return [_proposed(command, waiting)]
        case ApplyAISession():
            ids = tuple(action.action_id for action in waiting if action.can_be_applied)
            return [AISessionApplied(action_ids=ids)] if ids else []
        case ClearAISessionActions():
            return [AISessionActionsCleared()] if waiting else []
        case DeleteAISessionAction(action_id=action_id):
            if not _waits(action_id, waiting):
                raise NotFound("AISessionAction", action_id)
            return [AISessionActionDeleted(action_id=action_id)]
        case _:
            assert_never(command)


def _proposed(
    command: ProposeAISessionAction, waiting: Sequence[SessionAction]
) -> AISessionActionProposed:
    if _waits(command.action_id, waiting):
        raise AlreadyExists("AISessionAction", command.action_id)
    if len(waiting) >= ACTIONS_PER_SESSION:
        raise InvalidField(
            "SessionId",
            f"AISession {command.session_id} has {len(waiting)} actions waiting, "
            f"and {ACTIONS_PER_SESSION} is the most",
        )
    length = _length(command) + sum(map(_length, waiting))
    if length > ACTIONS_LENGTH:
        raise InvalidField(
            "SessionId",
            f"The actions that wait in AISession {command.session_id} would have {length}"
            f" characters, and {ACTIONS_LENGTH} is the most",
        )
    return AISessionActionProposed(
        action_id=command.action_id,
        proposed_at=command.proposed_at,
        function_name=command.function_name,
        arguments=UNSET if command.arguments is None else command.arguments,
        description=UNSET if command.description is None else command.description,
        can_be_applied=command.can_be_applied,
    )


def _length(action: "ProposeAISessionAction | SessionAction") -> int:
    texts = (action.function_name, action.arguments, action.description)
    return sum(len(text) for text in texts if text is not None)


def _waits(action_id: str, waiting: Sequence[SessionAction]) -> bool:
    return any(action.action_id == action_id for action in waiting)


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
        case AISessionPersonalDataErased():
            return without(state or AISession(), _PERSONAL)
        case _:
            session = state or AISession()
            return replace(session, actions=_evolve_actions(session.actions, event))


def _evolve_actions(
    waiting: tuple[SessionAction, ...], event: ActionEvent
) -> tuple[SessionAction, ...]:
    match event:
        case AISessionActionProposed(arguments=arguments, description=description):
            action = SessionAction(
                action_id=event.action_id,
                proposed_at=event.proposed_at,
                function_name=event.function_name,
                arguments=None if arguments is UNSET else arguments,
                description=None if description is UNSET else description,
                can_be_applied=event.can_be_applied,
            )
            return (*waiting, action)
        case AISessionApplied(action_ids=ids):
            return tuple(action for action in waiting if action.action_id not in ids)
        case AISessionActionsCleared():
            return ()
        case AISessionActionDeleted(action_id=action_id):
            return tuple(action for action in waiting if action.action_id != action_id)
        case _:
            assert_never(event)
