"""Closes chat sessions whose customer left without a word; one process does it for all."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from app.chat.service import Chat
from app.commands.context import CommandContext, EventMetadata
from app.concurrency.expected_wait import TooManyBefore
from app.database.errors import StoreDown
from app.database.lease import Lease
from app.database.pool import Pool
from app.database.sql import blocks
from app.log.errors import Conflict, NumbersUsedUp, Unreadable
from app.settings import Settings
from domain.date_time import ticks, utc
from domain.errors import DomainError
from domain.ids import ChatSessionId

SQL = blocks(__file__)
_LOG = logging.getLogger("sessionary")
_AT_A_TIME = 100
_LEASE_ROUNDS = 3
"""Rounds that the sweeping process may miss before another takes over."""
_CALL = CommandContext(actor="sessionary", metadata=EventMetadata(operation="CloseDeadChatSession"))


class ChatSweeper:
    """Finds sessions whose customer stopped fetching, and ends them."""

    def __init__(self, pool: Pool, chat: Chat, settings: Settings) -> None:
        """Sweeps on request."""
        self._pool = pool
        self._chat = chat
        self._settings = settings
        self._lease = Lease(pool, "chat_sweep", float(settings.sweep_s * _LEASE_ROUNDS))

    async def sweep(self, now: datetime) -> int:
        """Close dead sessions and return their number; 0 while another process sweeps.

        Two sweeps at once would do no harm: the log lets only one of them close a session.
        Raises StoreDown.
        """
        if await self._lease.take() is None:
            return 0
        since = now - timedelta(seconds=self._settings.customer_timeout_s)
        closed = 0
        tried: list[ChatSessionId] = []
        # Each session once per round, so that failures do not hold up those behind them.
        while rows := await self._pool.ask(SQL["dead"], ticks(utc(since)), tried, _AT_A_TIME):
            found = [row[0] for row in rows]
            closed += sum(await asyncio.gather(*(self._close(number, since) for number in found)))
            tried += found
        return closed

    async def keep_sweeping(self) -> NoReturn:
        """Sweep from time to time, until cancelled."""
        while True:
            await asyncio.sleep(self._settings.sweep_s)
            try:
                await self.sweep(datetime.now(UTC))
            except (StoreDown, TooManyBefore) as error:
                _LOG.warning("Chat sessions could not be swept: %s", error)
            except Exception:
                # Whatever the error is: giving up would leave dead sessions open for good.
                _LOG.exception("Chat sessions could not be swept")

    async def _close(self, chat_session_id: ChatSessionId, since: datetime) -> bool:
        try:
            answer = await self._chat.close_if_dead(chat_session_id, since, _CALL)
        except (DomainError, Conflict, NumbersUsedUp, Unreadable) as error:
            _LOG.warning("Chat session %s was not closed: %s", chat_session_id, error)
            return False
        return answer.folded.audit.modified_by == _CALL.actor
