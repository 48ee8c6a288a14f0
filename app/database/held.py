"""Watches statements that were given up, so that their places come back."""

import asyncio
from collections.abc import Collection, Sequence

import asyncpg

from app.database.places import Connect, Places, Sent
from app.database.sql import blocks

SQL = blocks(__file__)
LOOK_S = 1.0
"""Seconds between two looks."""
_ANSWERED_S = 30.0
"""Seconds to wait for an answer: repeated looks must leave no backends behind."""
_UNSEEN = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


class Watch:
    """Drops connections whose backends are gone or wait for us: their answers were lost.

    A backend that is still at work is left alone, and so keeps its place. Its commit may be
    waiting for a standby, and would become visible if the backend were ended.
    """

    def __init__(self, watched: Sequence[Places], connect: Connect) -> None:
        """Uses a connection of its own while statements are held."""
        self._watched = watched
        self._connect = connect
        # As the login itself: a role may not see the activity of the login's other backends.
        session = {key: value for key, value in watched[0].session.items() if key != "role"}
        self._guise = Places(1, session)
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look until no statement is held any more."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())

    def end(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        before: set[int] = set()
        while True:
            await asyncio.sleep(LOOK_S)
            sent = self._sent()
            if not sent:
                return
            held = {
                each.connection.get_server_pid(): each
                for each in sent
                if each.connection and not each.connection.is_closed()
            }
            try:
                silent = await self._silent(list(held), before)
            except _UNSEEN:
                continue
            # At the first sight, an answer may have been on its way. A statement that is still held
            # at the second one has not received it.
            still = self._sent()
            for pid in silent & before:
                connection = held[pid].connection
                if connection is not None and held[pid] in still:
                    connection.terminate()
            before = silent

    def _sent(self) -> list[Sent]:
        """The statements that were given up and are not answered yet."""
        return [each for places in self._watched for each in places.held.values()]

    async def _silent(self, pids: Sequence[int], before: Collection[int]) -> set[int]:
        """The backends that are gone or wait for us; ends those that also were `before`."""
        connection = await self._connect(self._guise)
        try:
            rows = await connection.fetch(SQL["at_work"], pids, timeout=_ANSWERED_S)
            silent = set(pids) - {row["pid"] for row in rows}
            ended = list(silent & set(before))
            await connection.fetch(SQL["end_waiting"], ended, timeout=_ANSWERED_S)
            return silent
        finally:
            connection.terminate()
