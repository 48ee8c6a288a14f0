"""A chat session: its fields, and the decision when a client gives it as a whole (`decide`).

`actions` decides all other commands on it; `evolve` folds its events.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, assert_never

from msgspec import UNSET, Struct
from msgspec.structs import asdict, replace

from domain.chat.assignment import refuse_assignment
from domain.chat.carriers import (
    Carrier,
    refuse_excess,
)
from domain.chat.change import EVERYTHING, Change, ChatCaller
from domain.chat.enums import ChatSessionStatus
from domain.chat.events import (
    ChatSessionChange,
    ChatSessionClosed,
    ChatSessionCreated,
    ChatSessionDeleted,
    ChatSessionEvent,
    ChatSessionRated,
    ChatSessionUpdated,
)
from domain.chat.fields import ChatSessionFields
from domain.date_time import EMPTY, DateTime, is_set
from domain.errors import AlreadyExists, NotFound, NotYours
from domain.ids import ChatMessageId, ChatSessionId
from domain.limits import Int32

OPEN = frozenset(
    {
        ChatSessionStatus.PRE_CHAT_FORM,
        ChatSessionStatus.FAQ,
        ChatSessionStatus.OFFLINE_FORM,
        ChatSessionStatus.IN_QUEUE,
        ChatSessionStatus.CUSTOMER_LAST,
        ChatSessionStatus.USER_LAST,
    }
)
"""The customer or an agent still waits for the other."""
ACTIVE = frozenset({ChatSessionStatus.CUSTOMER_LAST, ChatSessionStatus.USER_LAST})
"""The customer and an agent talk."""
ENDED = frozenset(ChatSessionStatus) - OPEN - {ChatSessionStatus.INVALID}
BY_CLIENT = "by_client"


class WantedChatSession(ChatSessionFields, frozen=True, kw_only=True):
    """A session as a client wants it, with the values that the service drew for its decision."""

    chat_session_id: ChatSessionId
    at: DateTime = EMPTY
    """The present time: the session waits or has ended since then, unless the client says when."""
    queue_pos: Int32 = 0
    """Its place in the queue if it goes there now, unless the client gives one."""


class NewChatSession(WantedChatSession, frozen=True, kw_only=True):
    """Create a session under an id that the service has drawn."""

    by: ChatCaller = EVERYTHING


class UpdateChatSession(WantedChatSession, frozen=True, kw_only=True):
    """Replace a session as a whole: an omitted field goes back to its default."""

    change: Change | None = None
    """Computes the new fields from the present ones if some of them stay; None: as given.

    The fields identify a retry.
    """
    by: ChatCaller = EVERYTHING


class ChangeChatSession(Struct, frozen=True, kw_only=True):
    """Compute a session's new fields from its present ones, with no other change in between."""

    chat_session_id: ChatSessionId
    asked: bytes
    """The bytes that the client sent: they distinguish a retry from another change."""
    change: Change
    at: DateTime = EMPTY
    queue_pos: Int32 = 0
    by: ChatCaller = EVERYTHING


class DeleteChatSession(Struct, frozen=True, kw_only=True):
    """Delete a session: clients no longer see it, but its history stays."""

    chat_session_id: ChatSessionId


Command = NewChatSession | UpdateChatSession | ChangeChatSession | DeleteChatSession


class ChatSession(ChatSessionFields, frozen=True, kw_only=True):
    """The state of a session, folded from its events."""

    secret: ClassVar[frozenset[str]] = ChatSessionChange.secret
    """Texts that open something to whoever has them: views hold them sealed."""

    watched: DateTime = EMPTY
    """When the customer last fetched or wrote, as the service saw it, whatever clients send.

    It is not set before the first fetch.
    """
    last_message_id: ChatMessageId = ChatMessageId(0)
    deleted: bool = False


CHANGEABLE = ChatSessionChange.__struct_fields__
"""Every field except the id, which a session keeps for ever."""
_EMPTY = ChatSessionFields()


def decide(
    command: Command, state: ChatSession | None, created_by: str = ""
) -> Sequence[ChatSessionEvent]:
    """The events that a command adds; none when nothing changes.

    Raises NotFound for a missing session, AlreadyExists for a taken id, InvalidField for a carrier
    that holds too much, NotYours for a key that the caller may not see, or for a user whom it may
    not give the session to.
    """
    if isinstance(command, NewChatSession):
        if state is not None:
            raise AlreadyExists("ChatSession", command.chat_session_id)
        refuse_assignment(command.by, None, command)
        given = _changes(command, _EMPTY)
        return [ChatSessionCreated(chat_session_id=command.chat_session_id, **given)]
    session = there(command.chat_session_id, state)
    match command:
        case UpdateChatSession() | ChangeChatSession():
            wanted = _wanted(command, session, created_by)
            refuse_assignment(command.by, session, wanted)
            return _updated(_changes(wanted, session))
        case DeleteChatSession():
            return [ChatSessionDeleted()]
        case _:
            assert_never(command)


def there(chat_session_id: ChatSessionId, state: ChatSession | None) -> ChatSession:
    """The session, if it exists and is not deleted. Raises NotFound."""
    if state is None or state.deleted:
        raise NotFound("ChatSession", chat_session_id)
    return state


def adapted(changed: ChatSessionFields, held: ChatSessionFields) -> ChatSessionFields:
    """The session with the consequences of a change, except where the change sets them itself.

    A reopened session has no end, and a session that ends is offered to nobody. A session given as
    a whole is not adapted, since it states every field.
    """
    was_ended, is_ended = held.status in ENDED, changed.status in ENDED
    if was_ended and changed.status in OPEN and changed.when_ended == held.when_ended:
        return replace(changed, when_ended=EMPTY)
    if is_ended and not was_ended and changed.transfer_to == held.transfer_to:
        return replace(changed, transfer_to=None)
    return changed


def _wanted(
    command: UpdateChatSession | ChangeChatSession, session: ChatSession, created_by: str
) -> WantedChatSession:
    """The wanted fields. A caller who may not see the key can neither remove nor choose it."""
    sees = command.by.sees_key(session, created_by)
    if isinstance(command, UpdateChatSession) and command.change is None and sees:
        return command
    shown = session if sees else replace(session, session_key=None)
    changed = _changed(command, shown, sees_key=sees)
    if not sees:
        if changed.session_key is not None:
            message = "SessionKey: only who may see it may set it (SystemAdministrator may)"
            raise NotYours("SessionKey", message)
        changed = replace(changed, session_key=session.session_key)
    fields = {name: getattr(changed, name) for name in ChatSessionFields.__struct_fields__}
    fields["chat_session_id"] = command.chat_session_id
    return WantedChatSession(**fields, at=command.at, queue_pos=command.queue_pos)


def _changed(
    command: UpdateChatSession | ChangeChatSession, shown: ChatSessionFields, *, sees_key: bool
) -> ChatSessionFields:
    match command:
        case ChangeChatSession(change=change):
            return adapted(change.of(shown, sees_key=sees_key), shown)
        case UpdateChatSession(change=change):
            return command if change is None else change.of(shown, sees_key=sees_key)


def _updated(changes: dict[str, Any]) -> Sequence[ChatSessionEvent]:
    """The rating and the end go into events of their own, all other changes into one event."""
    own: list[ChatSessionEvent] = []
    if "rating" in changes:
        own.append(ChatSessionRated(rating=changes.pop("rating")))
    if changes.get("status") in ENDED:
        status, when = changes.pop("status"), changes.pop("when_ended", UNSET)
        own.append(ChatSessionClosed(status=status, reason=BY_CLIENT, when_ended=when))
    return [ChatSessionUpdated(**changes), *own] if changes else own


def _changes(wanted: WantedChatSession, held: ChatSessionFields) -> dict[str, Any]:
    values = asdict(wanted) | _following(wanted, held)
    before = asdict(held)
    changes = {name: values[name] for name in CHANGEABLE if values[name] != before[name]}
    for name, value in changes.items():
        if isinstance(value, Carrier):
            refuse_excess(value, before[name], name.title().replace("_", ""))
    return changes


def _following(wanted: WantedChatSession, held: ChatSessionFields) -> dict[str, Any]:
    """The fields that follow from the wanted status, except where the client sets them.

    A session that already has the status keeps the values it got then, so that the same update sent
    again changes nothing.
    """
    following: dict[str, Any] = {}
    if wanted.status is ChatSessionStatus.IN_QUEUE:
        stays = held.status is ChatSessionStatus.IN_QUEUE
        if not is_set(wanted.when_requested):
            following["when_requested"] = _kept(held.when_requested, stays, wanted.at)
        if wanted.initial_queue_pos == 0:
            was = held.initial_queue_pos if stays else 0
            following["initial_queue_pos"] = was or wanted.queue_pos
    elif wanted.status in ENDED and not is_set(wanted.when_ended):
        following["when_ended"] = _kept(held.when_ended, held.status in ENDED, wanted.at)
    return following


def _kept(before: DateTime, stays: bool, at: DateTime) -> DateTime:
    return before if stays and is_set(before) else at
