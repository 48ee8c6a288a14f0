"""What a scrape of the metrics shows of the last rebuild."""

from app.database.sql import blocks
from app.log.read import Asks
from app.telemetry.metrics import Reading

SQL = blocks(__file__)


async def progress(store: Asks) -> list[Reading]:
    """How far it is, for each of its views. Raises StoreDown."""
    return [
        Reading(
            "sessionary_rebuild_events",
            "Events that the last rebuild of a view or follower has taken up so far.",
            row["events"],
            {"view": row["view"]},
        )
        for row in await store.ask(SQL["progress"])
    ]
