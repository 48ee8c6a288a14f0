"""A worker process's work on chat sessions beside plain reads: commands, and messages.

This module generates the values that commands need: the time, places, ranks, numbers.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from app.auth.principals import Principal
from app.auth.roles import MANAGER
from app.chat.creation import ChatCreation
from app.chat.messages import ChatMessages
from app.chat.queue import ChatQueue
from app.codecs.answer_budget import AnswerBudget
from app.commands.context import CommandContext, CommandEnvelope, CommandResult, Generated
from app.commands.handler import CommandHandler
from app.log.errors import Conflict
from app.log.log import Log
from app.queries.views import Views
from app.settings import Settings
from domain.chat.actions import (
    CloseDeadChatSession,
    MarkFetched,
    RejectChatSessionTransfer,
    ResetChatSession,
    TransferChatSession,
)
from domain.chat.assignment import require_taker
from domain.chat.carriers import Associate
from domain.chat.change import EVERYTHING, Change, ChatCaller
from domain.chat.enums import AssociateType, ChatSessionStatus
from domain.chat.fields import ChatSessionFields
from domain.chat.message import ChatMessage, Speaker, speaker
from domain.chat.session import (
    OPEN,
    ChangeChatSession,
    ChatSession,
    DeleteChatSession,
    NewChatSession,
    UpdateChatSession,
)
from domain.date_time import DateTime, ticks, utc
from domain.errors import NotFound
from domain.ids import ChatMessageId, ChatSessionId, chat_session_stream
from domain.limits import CARRIER_TEXT_LENGTH
from projections.fold import Folded

Clock = Callable[[], datetime]
_DRAWN = Generated(("change", "by", "at", "queue_pos"))
"""Generated fields; the comparison with a retry leaves them out, and keeps the client's values."""


def _clock() -> datetime:
    return datetime.now(UTC)


class Chat:
    """The chat sessions of one worker process."""

    def __init__(
        self,
        log: Log,
        commands: CommandHandler,
        views: Views,
        settings: Settings,
        *,
        clock: Clock = _clock,
    ) -> None:
        """`clock` returns the time."""
        self._commands = commands
        self._settings = settings
        self._clock = clock
        self._queue = ChatQueue(
            log, commands, views, now=self._now, turn_wait_s=settings.turn_wait_s
        )
        self._messages = ChatMessages(log, commands, views, settings, now=self._now)
        self._creation = ChatCreation(log, commands, deadline_s=settings.store_deadline_s)

    async def new_number(self, call: CommandContext) -> ChatSessionId:
        """A fresh number, where a retry of the call looks for its key.

        Raises NumbersUsedUp, StoreDown.
        """
        return await self._creation.new_number(call)

    async def create(
        self, wanted: ChatSessionFields, call: CommandContext, by: ChatCaller = EVERYTHING
    ) -> CommandResult:
        """Create a session under a fresh number, whatever id `wanted` names.

        `by`: decides who may have it. Raises NumbersUsedUp and, like all commands here, the errors
        of `CommandHandler.handle`.
        """
        return await self._creation.create(lambda number: self._new(number, wanted, call, by), call)

    async def new(
        self, chat_session_id: ChatSessionId, wanted: ChatSessionFields, call: CommandContext
    ) -> CommandResult:
        """Create a session under a number that was drawn before."""
        return await self._commands.handle_one(await self._new(chat_session_id, wanted, call))

    async def _new(
        self,
        chat_session_id: ChatSessionId,
        wanted: ChatSessionFields,
        call: CommandContext,
        by: ChatCaller = EVERYTHING,
    ) -> CommandEnvelope:
        given = await self._given(chat_session_id, wanted)
        drawn = Generated(
            ("chat_session_id", "at", "queue_pos", "by"), chat_session_stream(chat_session_id)
        )
        return CommandEnvelope(NewChatSession(**given, by=by), call, drawn)

    async def update(
        self,
        chat_session_id: ChatSessionId,
        wanted: ChatSessionFields,
        call: CommandContext,
        change: Change | None = None,
        by: ChatCaller = EVERYTHING,
    ) -> CommandResult:
        """Replace a session, whatever id `wanted` names.

        `change`: how `wanted` applies to the present session, if parts of that stay. `by`: decides
        whether the session's key is visible, and who may have the session.
        """
        given = await self._given(chat_session_id, wanted)
        command = UpdateChatSession(**given, change=change, by=by)
        return await self._commands.handle(command, call, _DRAWN)

    async def change(
        self,
        chat_session_id: ChatSessionId,
        change: Change,
        asked: bytes,
        call: CommandContext,
        *,
        by: ChatCaller = EVERYTHING,
        may_wait: bool = True,
    ) -> CommandResult:
        """Change a session on the basis of its present state; `asked`: the request, as sent.

        `may_wait`: whether the change may put the session into the queue. Also raises the
        DomainError that `change` raises.
        """
        command = ChangeChatSession(
            chat_session_id=chat_session_id,
            asked=asked,
            change=change,
            at=self._now(),
            queue_pos=await self._queue.next_place() if may_wait else 0,
            by=by,
        )
        return await self._commands.handle(command, call, _DRAWN)

    async def delete(self, chat_session_id: ChatSessionId, call: CommandContext) -> CommandResult:
        """Delete a session."""
        return await self._commands.handle(DeleteChatSession(chat_session_id=chat_session_id), call)

    async def pick_up(
        self, chat_session_id: ChatSessionId, by: Principal, call: CommandContext
    ) -> CommandResult:
        """Take a session from the queue. Raises NotInQueue, or NotYours for no agent."""
        require_taker(takes_chats=by.takes_chats)
        return await self._queue.pick_up(chat_session_id, associate(by), by.associate_id, call)

    async def pick_up_first(self, by: Principal, call: CommandContext) -> CommandResult | None:
        """Take the session that has waited longest; None if none waits. Raises NotYours."""
        require_taker(takes_chats=by.takes_chats)
        return await self._queue.pick_up_first(associate(by), by.associate_id, call)

    async def transfer(
        self, chat_session_id: ChatSessionId, to: Principal, by: Principal, call: CommandContext
    ) -> CommandResult:
        """Offer one of the caller's sessions to an agent; a manager may offer anybody's."""
        command = TransferChatSession(
            chat_session_id=chat_session_id,
            to=associate(to),
            by=None if by.is_administrator or MANAGER in by.roles else by.associate_id,
        )
        return await self._commands.handle(command, call)

    async def accept_transfer(
        self, chat_session_id: ChatSessionId, by: Principal, call: CommandContext
    ) -> CommandResult:
        """Take over a session that was offered to the caller. Raises NotYours for no agent."""
        require_taker(takes_chats=by.takes_chats)
        return await self._queue.accept(chat_session_id, associate(by), by.associate_id, call)

    async def reject_transfer(
        self, chat_session_id: ChatSessionId, by: Principal, call: CommandContext
    ) -> CommandResult:
        """Decline a session that was offered to the caller; it stays where it is."""
        command = RejectChatSessionTransfer(chat_session_id=chat_session_id, by=by.associate_id)
        return await self._commands.handle(command, call)

    async def reset(self, chat_session_id: ChatSessionId, call: CommandContext) -> CommandResult:
        """Send a session back to the queue."""
        command = ResetChatSession(
            chat_session_id=chat_session_id,
            at=self._now(),
            queue_pos=await self._queue.next_place(),
        )
        return await self._commands.handle(command, call, Generated(("at", "queue_pos")))

    async def add_message(
        self, chat_session_id: ChatSessionId, message: ChatMessage, call: CommandContext
    ) -> tuple[ChatMessage, CommandResult]:
        """Post a message under generated ids and time; the message as recorded, and its session."""
        if speaker(message.type, message.special_type) is not Speaker.CUSTOMER:
            return await self._messages.add(chat_session_id, message, call)
        async with self._queue.rank_again(chat_session_id) as rank:
            return await self._messages.add(chat_session_id, message, call, rank)

    async def messages(
        self,
        chat_session_id: ChatSessionId,
        after: int,
        fetched_by: CommandContext | None = None,
        *,
        most: int | None = None,
        budget: AnswerBudget | None = None,
        past: Folded[ChatSession] | None = None,
    ) -> list[ChatMessage]:
        """The messages with ids above `after`, oldest first; `most`: the maximum number.

        `fetched_by`: the call, if the customer's client makes it. `past`: the session as of a past
        moment. Raises NotFound, AnswerTooLarge, Unreadable, or StoreDown.
        """
        found = past or await self._messages.session(chat_session_id)
        if fetched_by is not None:
            found = await self.fetched(found, fetched_by)
        return await self._messages.after(found, after, most, budget or AnswerBudget())

    async def fetched(
        self, found: Folded[ChatSession], call: CommandContext
    ) -> Folded[ChatSession]:
        """Record that the customer's client fetches messages, unless it was recorded recently.

        Returns the session after that: the next change must name that version. Raises StoreDown.
        """
        session = found.state
        now = self._clock()
        since = utc(now - timedelta(seconds=self._settings.fetch_mark_s))
        if session.status not in OPEN or ticks(session.watched) > ticks(since):
            return found
        command = MarkFetched(
            chat_session_id=session.chat_session_id, at=utc(now), unless_since=since
        )
        # The conditions and the key of the read do not apply to the mark.
        caller = replace(call.caller, idempotency_key=None)
        plain = CommandContext(actor=call.actor, metadata=call.metadata, caller=caller)
        with suppress(Conflict, NotFound):  # others are changing the session, or it is gone
            return (await self._commands.handle(command, plain)).folded
        return found

    async def close_if_dead(
        self, chat_session_id: ChatSessionId, since: datetime, call: CommandContext
    ) -> CommandResult:
        """End a session whose customer was seen before `since`, and not any more after it."""
        command = CloseDeadChatSession(
            chat_session_id=chat_session_id,
            message_id=ChatMessageId(0),
            at=self._now(),
            unless_since=utc(since),
        )
        return await self._messages.numbered(command, call)

    async def _given(
        self, chat_session_id: ChatSessionId, wanted: ChatSessionFields
    ) -> dict[str, Any]:
        waits = wanted.status is ChatSessionStatus.IN_QUEUE and wanted.initial_queue_pos == 0
        # A session that was read has more fields than clients give.
        fields = {name: getattr(wanted, name) for name in ChatSessionFields.__struct_fields__}
        return fields | {
            "chat_session_id": chat_session_id,
            "at": self._now(),
            "queue_pos": await self._queue.next_place() if waits else 0,
        }

    def _now(self) -> DateTime:
        return utc(self._clock())


def associate(principal: Principal) -> Associate:
    """A principal in the API's form of an agent."""
    name = principal.name[:CARRIER_TEXT_LENGTH]  # names from before the limit may be longer
    return Associate(
        associate_id=principal.associate_id,
        name=name,
        full_name=name,
        user_name=name,
        type=AssociateType.INTERNAL_ASSOCIATE,
    )
