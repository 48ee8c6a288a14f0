"""Maps each command to its stream and its decider. A new command is a line in the table."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from app.database.uuids import uuid_of
from domain import account, ai_session, audit, hold
from domain.chat import actions
from domain.chat import session as chat_session
from domain.errors import NotFound
from domain.event import Event
from domain.ids import (
    StreamId,
    account_stream,
    ai_session_stream,
    audit_stream,
    chat_session_stream,
    hold_stream,
)
from projections.fold import Folded


class AggregateType(Struct, frozen=True, kw_only=True):
    """How one kind of stream takes commands."""

    kind: str
    stream: Callable[[Any], StreamId]
    decide: Callable[[Any, Folded[Any] | None], Sequence[Event]]
    """The events that a command adds to its folded stream; None: a stream without events."""
    account: Callable[[Any], str | None] = lambda _: None
    """The account whose present name is shown with a state."""


def _ai_session(command: ai_session.Command) -> StreamId:
    stream = ai_session_stream(command.session_id, uuid_of)
    if stream is None:
        raise NotFound("AISession", command.session_id)
    return stream


def _on_state(
    decide: Callable[[Any, Any], Sequence[Event]],
) -> Callable[[Any, Folded[Any] | None], Sequence[Event]]:
    """A decision on the state alone, which ignores the aggregate's creator."""
    return lambda command, folded: decide(command, None if folded is None else folded.state)


def _chat_session(
    command: chat_session.Command, folded: Folded[chat_session.ChatSession] | None
) -> Sequence[Event]:
    if folded is None:
        return chat_session.decide(command, None)
    return chat_session.decide(command, folded.state, folded.audit.created_by)


AI_SESSION = AggregateType(
    kind="ai_session",
    stream=_ai_session,
    decide=_on_state(ai_session.decide),
    account=lambda session: session.account_id,
)
CHAT_SESSION = AggregateType(
    kind="chat_session",
    stream=lambda command: chat_session_stream(command.chat_session_id),
    decide=_chat_session,
)
CHAT_ACTION = AggregateType(
    kind="chat_session",
    stream=lambda command: chat_session_stream(command.chat_session_id),
    decide=_on_state(actions.decide),
)
ACCOUNT = AggregateType(
    kind="account",
    stream=lambda command: account_stream(command.account_id),
    decide=_on_state(account.decide),
)
AUDIT = AggregateType(
    kind="audit",
    stream=lambda command: audit_stream(command.auditor),
    decide=_on_state(audit.decide),
)
HOLD = AggregateType(
    kind="hold",
    stream=lambda command: hold_stream(command.target),
    decide=_on_state(hold.decide),
)

TARGETS: dict[type[Struct], AggregateType] = {
    ai_session.NewAISession: AI_SESSION,
    ai_session.PatchAISession: AI_SESSION,
    ai_session.DeleteAISession: AI_SESSION,
    ai_session.ProposeAISessionAction: AI_SESSION,
    ai_session.ApplyAISession: AI_SESSION,
    ai_session.ClearAISessionActions: AI_SESSION,
    ai_session.DeleteAISessionAction: AI_SESSION,
    chat_session.NewChatSession: CHAT_SESSION,
    chat_session.UpdateChatSession: CHAT_SESSION,
    chat_session.ChangeChatSession: CHAT_SESSION,
    chat_session.DeleteChatSession: CHAT_SESSION,
    actions.PickUpChatSession: CHAT_ACTION,
    actions.TransferChatSession: CHAT_ACTION,
    actions.AcceptChatSessionTransfer: CHAT_ACTION,
    actions.RejectChatSessionTransfer: CHAT_ACTION,
    actions.ResetChatSession: CHAT_ACTION,
    actions.AddChatMessage: CHAT_ACTION,
    actions.MarkFetched: CHAT_ACTION,
    actions.CloseDeadChatSession: CHAT_ACTION,
    account.NewAccount: ACCOUNT,
    account.RenameAccount: ACCOUNT,
    audit.RecordView: AUDIT,
    hold.PlaceHold: HOLD,
    hold.LiftHold: HOLD,
}
