"""Every event that was ever written, by stored name, and the upcasts from old forms.

A stored name is a promise: its events stay readable for as long as the log is kept. A changed
form gets a new version here and an upcast from the old one. `tests/unit/golden` holds a sample
of each.
"""

from collections.abc import Callable, Mapping
from typing import Any

from domain import account, ai_session, audit, hold
from domain.chat import events
from domain.event import Erasure, Event, Subject, kind_of
from domain.principal import events as principal

EVENTS: dict[str, type[Event]] = {
    event.topic: event
    for event in (
        ai_session.AISessionCreated,
        ai_session.AISessionPatched,
        ai_session.AISessionDeleted,
        ai_session.AISessionPersonalDataErased,
        ai_session.AISessionActionProposed,
        ai_session.AISessionApplied,
        ai_session.AISessionActionsCleared,
        ai_session.AISessionActionDeleted,
        events.ChatSessionCreated,
        events.ChatSessionUpdated,
        events.ChatSessionRated,
        events.ChatSessionClosed,
        events.ChatSessionPickedUp,
        events.ChatSessionTransferRequested,
        events.ChatSessionTransferAccepted,
        events.ChatSessionTransferRejected,
        events.ChatSessionReset,
        events.ChatMessageAdded,
        events.ChatSessionFetched,
        events.ChatSessionDeleted,
        events.ChatSessionPersonalDataErased,
        account.AccountCreated,
        account.AccountRenamed,
        principal.PrincipalAdded,
        principal.RolesChanged,
        principal.PasswordChanged,
        principal.PrincipalDisabled,
        principal.PrincipalEnabled,
        principal.PrincipalRemoved,
        principal.TokenIssued,
        principal.TokenRevoked,
        principal.SignedIn,
        principal.SignedOut,
        principal.SignInRefused,
        principal.Throttled,
        principal.OperationForbidden,
        audit.PersonalDataViewed,
        hold.HoldPlaced,
        hold.HoldLifted,
    )
}


def _subjects() -> dict[str, tuple[Subject, ...]]:
    found: dict[str, tuple[Subject, ...]] = {}
    for topic, event in EVENTS.items():
        if event.personal:
            found.setdefault(kind_of(topic), ("customer",))
        if event.agent:
            found[kind_of(topic)] = ("customer", "agent")
    return found


SUBJECTS: Mapping[str, tuple[Subject, ...]] = _subjects()
"""By kind of stream, whose personal data its events can have; a kind without any is left out."""
SUBJECTS_OF: Mapping[str, tuple[Subject, ...]] = {
    topic: SUBJECTS.get(kind_of(topic), ()) for topic in EVENTS
}
"""The same by stored name."""
ERASURES: Mapping[str, type[Erasure]] = {
    kind_of(topic): event for topic, event in EVENTS.items() if issubclass(event, Erasure)
}
"""By kind of stream, the event by which its personal data is erased."""

Fields = dict[str, Any]
Upcast = tuple[str, Callable[[Fields], Fields]]
"""The stored name that succeeds an old one, and the function that converts the old fields."""

UPCASTS: dict[str, Upcast] = {}
"""Each retired name with its successor; empty while every event is at its first version."""


def present_name(topic: str, upcasts: Mapping[str, Upcast] = UPCASTS) -> str:
    """The name under which an event is stored now that was once stored as `topic`."""
    while topic in upcasts:
        topic, _ = upcasts[topic]
    return topic


def upcast(
    topic: str, fields: Fields, upcasts: Mapping[str, Upcast] = UPCASTS
) -> tuple[str, Fields]:
    """The present name and fields of an event stored as `topic`, however old."""
    while topic in upcasts:
        topic, change = upcasts[topic]
        fields = change(fields)
    return topic, fields
