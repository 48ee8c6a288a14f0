"""How many events were appended lately, as the log itself tells it."""

from datetime import datetime
from itertools import pairwise

from msgspec import Struct

from app.database.sql import blocks
from app.log.read import Asks

SQL = blocks(__file__)
STEPS = 20
STEP_S = 30.0
"""Ten minutes in all."""


class Rates(Struct, frozen=True, kw_only=True, rename="camel"):
    """Appended events a second, by all services together."""

    since: datetime
    step_seconds: float
    per_second: list[float]
    """The mean of each step, the latest one last."""

    @property
    def highest(self) -> float:
        """The highest mean of a step."""
        return max(self.per_second)

    @property
    def mean(self) -> float:
        """Of the whole time."""
        return sum(self.per_second) / len(self.per_second)


async def rates(store: Asks) -> Rates:
    """Those of the last minutes, at the same cost for any log. Raises StoreDown."""
    rows = await store.ask(SQL["counted"], STEPS, STEP_S)
    counts = [row["events"] for row in rows]
    return Rates(
        since=rows[0]["at"],
        step_seconds=STEP_S,
        per_second=[round((after - before) / STEP_S, 2) for before, after in pairwise(counts)],
    )
