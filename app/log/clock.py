"""Detects a head whose time is ahead of the clock: until then, all events get the same time.

The log's times never run backwards. So a single append under a wrong clock has an effect for as
long as that clock was ahead.
"""

import logging
import time
from datetime import datetime

from app.concurrency.ttl_cache import in_the_background
from app.database.errors import StoreDown
from app.database.pool import Pool
from app.database.sql import blocks
from app.telemetry import metrics

SQL = blocks(__file__)
SUSPECT_S = 2.0
"""The clocks of process and database differ a little; a larger difference queries the database."""
_ASK_AGAIN_S = 30.0
_LOG = logging.getLogger("sessionary")


class HeadClock:
    """Reports to log and metric when the head is ahead of the clock, and when it no longer is."""

    def __init__(self, pool: Pool) -> None:
        """Assumes that the head is behind the clock."""
        self._pool = pool
        self._ahead = False
        self._ask_at = 0.0

    def seen(self, present: datetime) -> None:
        """Note the time of an append; this costs nothing as long as that time is right."""
        now = time.time()
        if (present.timestamp() - now > SUSPECT_S or self._ahead) and now >= self._ask_at:
            self._ask_at = now + _ASK_AGAIN_S
            in_the_background(self.look())

    async def look(self) -> None:
        """Query the database, since the head's time comes from its clock."""
        try:
            ahead_s: float = (await self._pool.ask(SQL["ahead"]))[0]["seconds"]
        except StoreDown as error:
            _LOG.warning("The log's time could not be compared with the clock: %s", error)
            return
        metrics.LOG_AHEAD.set(ahead_s)
        was, self._ahead = self._ahead, ahead_s > SUSPECT_S
        if self._ahead and not was:
            _LOG.warning(
                "The log's time is %.0f s ahead of the clock: until then, all is recorded at one "
                "time",
                ahead_s,
            )
        elif was and not self._ahead:
            _LOG.info("The clock has come up with the log's time")
