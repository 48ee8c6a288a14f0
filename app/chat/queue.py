"""The queue of chat sessions, from which each session is picked up by one agent.

The log decides: a pick-up is a command, and the second one for a session is refused. This module
only chooses the candidates, so that refusals are rare.
"""

from collections.abc import AsyncIterator, Callable, Sequence, Set
from contextlib import asynccontextmanager
from itertools import count

from app.commands.context import CommandContext, CommandResult, Generated
from app.commands.handler import CommandHandler
from app.concurrency.keyed_lock import KeyedLock
from app.database.sql import blocks
from app.log.errors import Conflict, Unreadable
from app.log.log import Log
from app.queries.views import Views
from domain.chat.actions import AcceptChatSessionTransfer, PickUpChatSession
from domain.chat.carriers import Associate
from domain.chat.enums import ChatSessionStatus
from domain.chat.session import ChatSession
from domain.date_time import DateTime
from domain.errors import NotFound, NotInQueue, PersonalDataGone
from domain.ids import ChatSessionId, chat_session_stream

SQL = blocks(__file__)
_LOOKED_AT = 8
"""Sessions to look up for one pick-up, beside those that others are picking up."""


class ChatQueue:
    """The queue as one worker process sees it."""

    def __init__(
        self,
        log: Log,
        commands: CommandHandler,
        views: Views,
        *,
        now: Callable[[], DateTime],
        turn_wait_s: float,
    ) -> None:
        """`now`: the clock.

        `turn_wait_s`: how long an agent's pick-up waits for those before it.
        """
        self._log = log
        self._pool = log.pool
        self._commands = commands
        self._views = views
        self._now = now
        self._being_picked: set[ChatSessionId] = set()
        self._agents = KeyedLock(turn_wait_s)

    async def next_place(self) -> int:
        """The place in the queue, from 1, of a session that enters it now. Raises StoreDown."""
        rows = await self._pool.ask(SQL["pending"])
        return int(rows[0]["sessions"]) + 1

    async def pick_up(
        self,
        chat_session_id: ChatSessionId,
        agent: Associate,
        associate_id: int,
        call: CommandContext,
    ) -> CommandResult:
        """Take a session from the queue.

        Raises NotInQueue, and the errors of `CommandHandler.handle`.
        """
        async with self.rank(associate_id) as rank:
            return await self._pick_up(chat_session_id, agent, rank, call, ("rank", "at"))

    async def pick_up_first(
        self, agent: Associate, associate_id: int, call: CommandContext
    ) -> CommandResult | None:
        """Take the session that has waited longest; None if the queue is empty.

        Passes over a session that another caller in this process is taking, that was taken
        meanwhile, or that cannot be read. Raises StoreDown, KeyReused or KeyInFlight.
        """
        drawn = ("chat_session_id", "rank", "at")
        passed: set[ChatSessionId] = set()
        async with self.rank(associate_id) as rank:
            before = await self._picked_up_with(call)
            if before is not None:
                return await self._pick_up(before, agent, rank, call, drawn)
            while candidates := await self._waiting(passed):
                for candidate in candidates:
                    if candidate in self._being_picked:
                        continue
                    try:
                        return await self._pick_up(candidate, agent, rank, call, drawn)
                    except (NotInQueue, NotFound, PersonalDataGone, Unreadable):
                        passed.add(candidate)
                    except Conflict:
                        continue  # it may still be in the queue: try it again
        return None

    async def accept(
        self,
        chat_session_id: ChatSessionId,
        agent: Associate,
        associate_id: int,
        call: CommandContext,
    ) -> CommandResult:
        """Take over a session that was offered to the agent; any other stays as it is.

        Raises the errors of `CommandHandler.handle`.
        """
        async with self.rank(associate_id) as rank:
            command = AcceptChatSessionTransfer(
                chat_session_id=chat_session_id, agent=agent, rank=rank
            )
            return await self._commands.handle(command, call, Generated(("rank",)))

    async def _picked_up_with(self, call: CommandContext) -> ChatSessionId | None:
        """The session that the call's idempotency key picked up: a retry must not take another."""
        key = call.caller.idempotency_key
        if key is None:
            return None
        for used in await self._log.uses_of_key(call.actor, key):
            row = await self._views.get("chat_session", used.stream)
            if row is not None:
                session: ChatSession = row.folded.state
                return session.chat_session_id
        return None

    async def _waiting(self, passed: Set[ChatSessionId]) -> Sequence[ChatSessionId]:
        """Some waiting sessions, without `passed` and those that are being picked up here."""
        others = passed | self._being_picked
        rows = await self._pool.ask(SQL["waiting"], len(others) + _LOOKED_AT)
        return [row[0] for row in rows if row[0] not in passed | self._being_picked]

    async def _pick_up(
        self,
        chat_session_id: ChatSessionId,
        agent: Associate,
        rank: int,
        call: CommandContext,
        drawn: tuple[str, ...],
    ) -> CommandResult:
        command = PickUpChatSession(
            chat_session_id=chat_session_id, agent=agent, rank=rank, at=self._now()
        )
        self._being_picked.add(chat_session_id)
        try:
            return await self._commands.handle(command, call, Generated(drawn))
        finally:
            self._being_picked.discard(chat_session_id)

    @asynccontextmanager
    async def rank(self, associate_id: int) -> AsyncIterator[int]:
        """The lowest rank that none of an agent's active sessions has, reserved for the caller.

        It is reserved in this process only: two pick-ups for one agent in two processes at the
        same moment can get the same rank.
        """
        async with self._agents.of(associate_id):
            rows = await self._pool.ask(SQL["ranks"], associate_id)
            taken = {row["rank"] for row in rows}
            yield next(number for number in count(1) if number not in taken)

    @asynccontextmanager
    async def rank_again(self, chat_session_id: ChatSessionId) -> AsyncIterator[int]:
        """As `rank`, for the agent of a session that its customer may reopen; 0 for any other.

        Raises Unreadable or StoreDown.
        """
        row = await self._views.get("chat_session", chat_session_stream(chat_session_id))
        session: ChatSession | None = None if row is None else row.folded.state
        finished = session is not None and session.status is ChatSessionStatus.FINISHED
        agent = session.user if session is not None and finished else None
        if agent is None or not isinstance(agent.associate_id, int):
            yield 0
        else:
            async with self.rank(agent.associate_id) as rank:
                yield rank
