"""Numbers of chat sessions and messages, drawn from sequences that may be behind the log.

After a restore or a switch by logical replication they are. A number that is taken is found out by
the append, or by the decision; here it is passed over, with all that are taken behind it.
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
"""The last number: int32, as the API shows them."""
FEW_LEFT = 0.9
"""From this part of them on it is said that they run out."""
SESSIONS = "chat_session_number"
MESSAGES = "chat_message_number"
_AHEAD = 32
"""Of chat sessions, drawn beside those that are wanted at the moment."""
_AT_A_TIME = 256
_WINDOW = 64
"""Numbers in a row that are looked at: stopped workers leave gaps of those drawn ahead."""
_WINDOWS = 32
_OFFSETS = (0, *(2**step for step in range(26)))
"""Of the first windows, in windows: they reach over all numbers."""
_LOG = logging.getLogger("sessionary")


class Numbers:
    """Draws from one sequence; says when it runs out."""

    def __init__(self, pool: Pool, sequence: str) -> None:
        """`sequence`: its name."""
        self._pool = pool
        self._sequence = sequence
        self._used = metrics.NUMBERS_USED.labels(sequence)
        self._told = False

    async def draw(self, count: int) -> list[int]:
        """Fresh numbers in ascending order, fewer if they are the last. Raises StoreDown."""
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
        """What to refuse with when none is left."""
        return NumbersUsedUp(self._sequence)


class MessageNumbers:
    """Numbers of chat messages: none is drawn ahead."""

    def __init__(self, log: Log) -> None:
        """`log`: of the worker."""
        self._log = log
        self._pool = log.pool
        self._numbers = Numbers(log.pool, MESSAGES)
        self._drawing = Batcher[None, int](self._draw, _AT_A_TIME)

    async def take(self) -> ChatMessageId:
        """A fresh number, larger than all that were drawn. Raises NumbersUsedUp, StoreDown."""
        return ChatMessageId(await self._drawing.submit(None))

    async def pass_over(self, session: StreamId) -> None:
        """Draw no more numbers up to a session's last message. Raises StoreDown."""
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
        """A fresh number, of a session in a partition if one is named.

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
        """Draw anew: another log took the place of the one that these are of."""
        self._ahead.clear()

    def used_up(self) -> NumbersUsedUp:
        """What to refuse with when none is left."""
        return self._numbers.used_up()

    def give_back(self, number: ChatSessionId) -> None:
        """Another session may have a number that was not used."""
        self._ahead.append(number)

    async def pass_over(self, taken: ChatSessionId) -> None:
        """Draw no more numbers that are taken, from one that is. Raises StoreDown."""
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
        """The end of the numbers that are taken: in steps that double, then between two of them.

        Sessions that were deleted have no row, but a stream. Should more be taken behind a wide
        gap, the next creation meets them.
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
        """Which of the numbers in the windows that start there are taken."""
        wanted = {
            number: chat_session_stream(ChatSessionId(number))
            for start in starts
            for number in range(start, min(start + _WINDOW, MAX_NUMBER + 1))
        }
        partitions = list(map(self._log.partition, wanted.values()))
        rows = await self._pool.ask(SQL["taken"], list(wanted), partitions, list(wanted.values()))
        return [row[0] for row in rows]
