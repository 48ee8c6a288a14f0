"""The messages of chat sessions: posted as commands, read from the log, kept nowhere else."""

import asyncio
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from app.chat.history import ChatHistory
from app.chat.numbers import MessageNumbers
from app.codecs.answer_budget import AnswerBudget
from app.commands.context import (
    CommandContext,
    CommandEnvelope,
    CommandResult,
    Generated,
)
from app.commands.handler import CommandHandler
from app.commands.registry import TARGETS
from app.log.errors import Conflict, NumbersUsedUp
from app.log.log import Log
from app.queries.views import Views
from app.settings import Settings
from domain.chat.actions import AddChatMessage
from domain.chat.message import ChatMessage
from domain.chat.session import ChatSession
from domain.date_time import DateTime
from domain.errors import MessageOutOfOrder, NotFound
from domain.ids import ChatMessageId, ChatSessionId, chat_session_stream
from projections.fold import Folded


class ChatMessages:
    """Posts and reads messages, for one worker process."""

    def __init__(
        self,
        log: Log,
        commands: CommandHandler,
        views: Views,
        settings: Settings,
        *,
        now: Callable[[], DateTime],
    ) -> None:
        """`now`: the clock."""
        self._commands = commands
        self._views = views
        self._now = now
        self._deadline_s = settings.store_deadline_s
        self._history = ChatHistory(log)
        self._numbers = MessageNumbers(log)

    async def session(self, chat_session_id: ChatSessionId) -> Folded[ChatSession]:
        """A session as it is now. Raises NotFound, Unreadable, or StoreDown."""
        row = await self._views.get("chat_session", chat_session_stream(chat_session_id))
        if row is None:
            raise NotFound("ChatSession", chat_session_id)
        return row.folded

    async def after(
        self, session: Folded[ChatSession], after: int, most: int | None, budget: AnswerBudget
    ) -> list[ChatMessage]:
        """The messages of a session up to its version, with ids above `after`, oldest first.

        `most`: the maximum number; None for all. Costs nothing if no message is newer, since the
        session knows its last one. Raises AnswerTooLarge, Unreadable, or StoreDown.
        """
        number, beyond = session.state.chat_session_id, session.version + 1
        if session.state.last_message_id <= after:
            return []
        if most is None:
            return await self._history.all_after(number, after, beyond, budget)
        return await self._history.some_after(number, after, beyond, most, budget)

    async def add(
        self,
        chat_session_id: ChatSessionId,
        message: ChatMessage,
        call: CommandContext,
        rank: int = 0,
    ) -> tuple[ChatMessage, CommandResult]:
        """Post a message under generated ids and time; returns it as recorded.

        `rank`: the session's new rank if the message reopens it; 0 keeps the old one. Raises the
        errors of `CommandHandler.handle`.
        """
        command = AddChatMessage(
            chat_session_id=chat_session_id,
            message_id=ChatMessageId(0),
            at=self._now(),
            type=message.type,
            message=message.message,
            author=message.author,
            read_by_customer=message.read_by_customer,
            special_type=message.special_type,
            special_param=message.special_param,
            rank=rank,
        )
        answer = await self.numbered(command, call)
        # A retry gets the first answer, although later messages may follow it by now.
        posted = await self._history.last_before(chat_session_id, answer.folded.version + 1)
        return posted, answer

    async def numbered(self, command: Struct, call: CommandContext) -> CommandResult:
        """Carry out a command under a fresh `message_id`.

        Numbers are not drawn ahead. A number drawn before another process's last one would come too
        late: a client that polls for ids above the last would never see it. Raises NumbersUsedUp,
        and the errors of `CommandHandler.handle`; Conflict and MessageOutOfOrder only after the
        deadline.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._deadline_s
        drawn = Generated(("message_id", "at", "rank"))
        while True:
            try:
                numbered = replace(command, message_id=await self._numbers.take())
            except NumbersUsedUp:
                answer = await self._commands.answered_before(CommandEnvelope(command, call, drawn))
                if answer is None:
                    raise
                return answer
            try:
                return await self._commands.handle(numbered, call, drawn)
            except (MessageOutOfOrder, Conflict) as late:
                # Others were faster; this one still fits behind theirs.
                if loop.time() >= deadline:
                    raise
                if isinstance(late, MessageOutOfOrder):
                    stream = TARGETS[type(command)].stream(command)
                    await self._numbers.pass_over(stream)
