"""Draws numbers of chat sessions and messages from sequences that may be behind the log.

They are behind after a restore or a switch by logical replication. The append or the decision
detects a taken number; this module passes over it, and over all taken ones behind it.
"""

import asyncio
import logging
from collections.abc import Sequence

from app.concurrency.batcher import Batcher
from app.concurrency.ttl_cache import in_the_background
from app.database.pool import Pool
from app.database.sql import blocks
from app.log.errors import NumbersUsedUp
from app.log.log import Log
from app.telemetry import metrics
from domain.ids import ChatMessageId, ChatSessionId, StreamId, chat_session_stream

SQL = blocks(__file__)
MAX_NUMBER = 2**31 - 1
"""The last number: an int32, as in the API."""
FEW_LEFT = 0.9
"""Used share of the numbers from which on a warning is logged."""
SESSIONS = "chat_session_number"
MESSAGES = "chat_message_number"
_AHEAD = 32
"""Numbers of chat sessions that are drawn in advance, beside those needed at the moment."""
_AT_A_TIME = 256
_WINDOW = 64
"""Consecutive numbers to check together: stopped workers leave gaps of numbers drawn ahead."""
_WINDOWS = 32
_OFFSETS = (0, *(2**step for step in range(26)))
"""Offsets of the first windows, counted in windows: they span all numbers."""
_LOG = logging.getLogger("sessionary")


class Numbers:
    """Draws from one sequence; logs a warning when it runs out."""

    def __init__(self, pool: Pool, sequence: str) -> None:
        """`sequence`: name of the sequence."""
        self._pool = pool
        self._sequence = sequence
        self._used = metrics.NUMBERS_USED.labels(sequence)
        self._told = False

    async def draw(self, count: int) -> list[int]:
        """Fresh numbers in ascending order; fewer at the end of the sequence. Raises StoreDown."""
        numbers: list[int] = (
            await self._pool.ask(SQL["draw"], self._sequence, count, writes=True)
        )[0][0]
        part = numbers[-1] / MAX_NUMBER if numbers else 1.0
        self._used.set(part)
        if part >= FEW_LEFT and not self._told:
            self._told = True
            _LOG.warning("Numbers run out: %s has used %.1f %%", self._sequence, part * 100)
        return numbers

    def used_up(self) -> NumbersUsedUp:
        """The error to raise when no number is left."""
        return NumbersUsedUp(self._sequence)


class MessageNumbers:
    """Numbers of chat messages, never drawn ahead."""

    def __init__(self, log: Log) -> None:
        """`log`: of the worker."""
        self._log = log
        self._pool = log.pool
        self._numbers = Numbers(log.pool, MESSAGES)
        self._drawing = Batcher[None, int](self._draw, _AT_A_TIME)

    async def take(self) -> ChatMessageId:
        """A fresh number, larger than all drawn before. Raises NumbersUsedUp, StoreDown."""
        return ChatMessageId(await self._drawing.submit(None))

    async def pass_over(self, session: StreamId) -> None:
        """Advance the sequence beyond a session's last message. Raises StoreDown."""
        partition = self._log.partition(session)
        await self._pool.ask(SQL["pass_over_messages"], partition, session, writes=True)

    async def _draw(self, wanted: Sequence[None]) -> Sequence[int | Exception]:
        numbers = await self._numbers.draw(len(wanted))
        return [*numbers, *(self._numbers.used_up() for _ in wanted[len(numbers) :])]


class SessionNumbers:
    """Numbers of chat sessions, drawn ahead: those of a stopped worker stay unused."""

    def __init__(self, log: Log) -> None:
        """`log`: of the worker."""
        self._log = log
        self._pool = log.pool
        self._numbers = Numbers(log.pool, SESSIONS)
        self._ahead: list[ChatSessionId] = []  # to be taken from the end
        self._drawing = Batcher[None, ChatSessionId](self._draw, _AT_A_TIME)
        self._passing: asyncio.Task[None] | None = None

    async def take(self, home: int | None = None) -> ChatSessionId:
        """A fresh number; `home`: the partition that its session must be in, None for any.

        Raises NumbersUsedUp, StoreDown.
        """
        passed: list[ChatSessionId] = []
        try:
            while True:
                number = self._ahead.pop() if self._ahead else await self._drawing.submit(None)
                if home is None or home == self._log.partition(chat_session_stream(number)):
                    return number
                passed.append(number)
        finally:
            self._ahead += passed

    def forget(self) -> None:
        """Drop the numbers drawn ahead, since another log took the place of theirs."""
        self._ahead.clear()

    def used_up(self) -> NumbersUsedUp:
        """The error to raise when no number is left."""
        return self._numbers.used_up()

    def give_back(self, number: ChatSessionId) -> None:
        """Make an unused number available to another session."""
        self._ahead.append(number)

    async def pass_over(self, taken: ChatSessionId) -> None:
        """Advance the sequence beyond a taken number and those behind it. Raises StoreDown."""
        if self._passing is None or self._passing.done():
            self._passing = in_the_background(self._pass_over(taken))
        await asyncio.shield(self._passing)  # many callers meet taken numbers at once

    async def _draw(self, wanted: Sequence[None]) -> Sequence[ChatSessionId | Exception]:
        drawn = await self._numbers.draw(len(wanted) + _AHEAD)
        numbers = [ChatSessionId(number) for number in drawn]
        self._ahead += reversed(numbers[len(wanted) :])
        given = numbers[: len(wanted)]
        return [*given, *(self._numbers.used_up() for _ in wanted[len(given) :])]

    async def _pass_over(self, taken: ChatSessionId) -> None:
        last = await self._last_taken(taken)
        stream = chat_session_stream(last)
        await self._pool.ask(
            SQL["pass_over_sessions"], self._log.partition(stream), stream, last, writes=True
        )
        self._ahead = [number for number in self._ahead if number > last]

    async def _last_taken(self, taken: ChatSessionId) -> ChatSessionId:
        """The last taken number: searched in steps that double, then between two of them.

        Deleted sessions have no row, but a stream. If further numbers behind a wide gap are taken,
        the next creation meets them.
        """
        largest = (await self._pool.ask(SQL["largest"]))[0][0]
        last = max(taken, ChatSessionId(largest or 0))
        starts, above = [last + _WINDOW * offset + 1 for offset in _OFFSETS], MAX_NUMBER + 1
        while starts:
            hits = await self._taken(starts)
            if not hits:
                break
            last = max(hits)
            above = next((start for start in starts if start > last), above)
            starts = list(range(last + 1, above, max((above - last) // _WINDOWS, _WINDOW)))
        return last

    async def _taken(self, starts: Sequence[int]) -> list[ChatSessionId]:
        """The taken numbers in the windows that start at `starts`."""
        wanted = {
            number: chat_session_stream(ChatSessionId(number))
            for start in starts
            for number in range(start, min(start + _WINDOW, MAX_NUMBER + 1))
        }
        partitions = list(map(self._log.partition, wanted.values()))
        rows = await self._pool.ask(SQL["taken"], list(wanted), partitions, list(wanted.values()))
        return [row[0] for row in rows]
