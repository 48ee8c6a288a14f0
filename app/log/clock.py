"""A head whose time is ahead of the clock: all that is appended until then has one time.

The log's times never run backwards. So one append under a clock that was set wrong is seen for as
long as the clock was wrong.
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
"""The process's clock and the database's differ a little; more makes the database be asked."""
_ASK_AGAIN_S = 30.0
_LOG = logging.getLogger("sessionary")


class HeadClock:
    """Tells the log, and a metric, while the head is ahead; and when no longer."""

    def __init__(self, pool: Pool) -> None:
        """Takes the head to be behind the clock."""
        self._pool = pool
        self._ahead = False
        self._ask_at = 0.0

    def seen(self, present: datetime) -> None:
        """An append's events were recorded at a time: costs nothing as long as that is right."""
        now = time.time()
        if (present.timestamp() - now > SUSPECT_S or self._ahead) and now >= self._ask_at:
            self._ask_at = now + _ASK_AGAIN_S
            in_the_background(self.look())

    async def look(self) -> None:
        """Ask the database, whose clock it is."""
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
