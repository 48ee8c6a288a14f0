"""The right to do what one worker does for all."""

from contextlib import suppress

import asyncpg

from app.database.errors import TRANSIENT
from app.database.pool import Pool
from app.database.sql import blocks
from app.database.uuids import new_uuid

SQL = blocks(__file__)
_GIVEN_UP_S = 0.5


class Lease:
    """One worker's claim to a lease, which another one gets if it is not taken again in time."""

    def __init__(self, pool: Pool, name: str, seconds: float) -> None:
        """Nothing is claimed yet. `seconds`: for how long it lasts each time."""
        self._pool = pool
        self.name = name
        self._seconds = seconds
        self._holder = new_uuid()

    async def take(self) -> int | None:
        """Take it, or keep it; None while another worker has it. Raises StoreDown.

        The number rises whenever another worker takes it: a holder that lost it is recognised.
        """
        if (await self._pool.ask(SQL["is_taken"], self.name, self._holder))[0]["is_taken"]:
            return None
        rows = await self._pool.ask(
            SQL["take"], self.name, self._holder, self._seconds, writes=True
        )
        return rows[0]["token"] if rows else None

    async def give_up(self) -> None:
        """Let another worker have it at once."""
        with suppress(asyncpg.PostgresError, *TRANSIENT):  # then it waits a few seconds
            await self._pool.fetch(SQL["give_up"], self.name, self._holder, timeout_s=_GIVEN_UP_S)
