"""What a scrape of the metrics shows of the log."""

from app.database.sql import blocks
from app.log.read import Asks
from app.telemetry.metrics import Reading

SQL = blocks(__file__)


async def readings(store: Asks) -> list[Reading]:
    """The ends of the partitions that have events. Raises StoreDown."""
    found = []
    for partition, position, recorded_at in await store.ask(SQL["heads"]):
        labels = {"partition": str(partition)}
        found += [
            Reading("sessionary_log_position", "Last position of a partition.", position, labels),
            Reading(
                "sessionary_log_last_event_timestamp_seconds",
                "When the last event of a partition was recorded.",
                recorded_at,
                labels,
            ),
        ]
    return found
