"""Creates chat sessions: each under a fresh number, whatever id the client names."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from app.chat.numbers import SessionNumbers
from app.commands.context import CommandContext, CommandEnvelope, CommandResult
from app.commands.handler import CommandHandler
from app.database.errors import StoreDown, StoreError
from app.log.errors import Conflict, LogError, NumbersUsedUp, Unreadable
from app.log.log import Log
from domain.errors import AlreadyExists, DomainError
from domain.ids import ChatSessionId, chat_session_stream

New = Callable[[ChatSessionId], Coroutine[Any, Any, CommandEnvelope]]
"""The command that creates a session under a number."""


class ChatCreation:
    """Creates sessions for one worker process."""

    def __init__(self, log: Log, commands: CommandHandler, *, deadline_s: float) -> None:
        """`deadline_s`: how long to try further numbers when numbers are taken."""
        self._log = log
        self._commands = commands
        self._deadline_s = deadline_s
        self._numbers = SessionNumbers(log)
        log.incarnation.on_change(self._numbers.forget)

    async def new_number(self, call: CommandContext) -> ChatSessionId:
        """A fresh number, where a retry of the call looks for its key.

        Raises NumbersUsedUp, StoreDown.
        """
        return await self._numbers.take(self._home(call))

    async def create(self, new: New, call: CommandContext) -> CommandResult:
        """Create a session under a fresh number.

        Taken numbers are passed over; their errors are raised only if no free number is found
        within the deadline. Raises NumbersUsedUp, and the errors of `CommandHandler.handle`.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._deadline_s
        while True:
            try:
                number = await self.new_number(call)
            except NumbersUsedUp:
                return await self._first_answer(new, call)
            try:
                answer = await self._commands.handle_one(await new(number))
            except (AlreadyExists, Conflict, Unreadable):
                if loop.time() >= deadline:
                    raise
                await self._numbers.pass_over(number)
                continue
            except StoreDown:
                raise  # unknown whether the number was used
            except (DomainError, LogError, StoreError):
                self._numbers.give_back(number)
                raise
            if answer.replayed:
                self._numbers.give_back(number)
            return answer

    async def _first_answer(self, new: New, call: CommandContext) -> CommandResult:
        """The answer to a retry when no number is left. Raises NumbersUsedUp for another call."""
        # Any number of the right partition will do to look for the key.
        home, partition = self._home(call), self._log.partition
        anywhere = (ChatSessionId(number) for number in count(1))
        there = next(
            each for each in anywhere if home in (None, partition(chat_session_stream(each)))
        )
        answer = await self._commands.answered_before(await new(there))
        if answer is None:
            raise self._numbers.used_up()
        return answer

    def _home(self, call: CommandContext) -> int | None:
        return self._log.home(call.actor, call.caller.idempotency_key)
