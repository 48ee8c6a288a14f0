"""The store of the `eventsourcing` library as it comes, called from threads."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from msgspec import Struct

from .measure import Done
from .stage import Stage


class StockStore(Struct, frozen=True):
    """An open recorder, and what it records for each stream."""

    recorder: PostgresApplicationRecorder
    states: Sequence[bytes]
    """Of a stream's events, in their order."""

    def append(self, threads: int, seconds: float) -> Done:
        """Record events one by one for some time, in so many threads at once."""
        started = time.perf_counter()
        until = started + seconds
        with ThreadPoolExecutor(threads) as pool:
            counts = list(pool.map(lambda _: self._record(until), range(threads)))
        return Done(sum(counts), time.perf_counter() - started)

    def _record(self, until: float) -> int:
        events = 0
        while time.perf_counter() < until:
            stream = uuid4()
            for version, state in enumerate(self.states, 1):
                topic = "ai_session.created.v1" if version == 1 else "ai_session.patched.v1"
                self.recorder.insert_events([StoredEvent(stream, version, topic, state)])
            events += len(self.states)
        return events


@contextmanager
def stock_store(stage: Stage, sizes: Sequence[int], connections: int) -> Iterator[StockStore]:
    """The recorder on a new database; `sizes` of a stream's states in bytes."""
    parts = urlsplit(stage.new_database("stock_store"))
    place = parse_qs(parts.query)
    datastore = PostgresDatastore(
        dbname=parts.path.removeprefix("/"),
        host=place["host"][0],
        port=place["port"][0],
        user=parts.username or "",
        password=parts.password or "",
        pool_size=connections,
    )
    try:
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        yield StockStore(recorder, [os.urandom(size) for size in sizes])
    finally:
        datastore.close()
