"""Commands a second that several partitions take, on one server and on the nodes of a Citus.

The peer is a log of one partition on one server; for Citus, also one of one partition on one of its
nodes, which tells what more nodes give from what Citus takes. Entries are made beforehand, and go
to each partition's appender by as many as a commit takes, so that nothing but the log is measured.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import psutil
import uvloop
from msgspec import Struct
from support import citus, database
from uuid_utils.compat import uuid7

from app.database.pool import Pool
from app.log.append import Appender
from app.log.entry import Context, Entry, NewEvent, PreparedAppend
from app.log.outcome import Appended
from app.settings import Settings
from domain.ids import StreamId, partition_of

from .measure import BenchmarkFailed, Done, Pace, Sample, interleaved, timed
from .our_store import PURPOSE
from .report import Comparison, table
from .stage import Stage

BATCH = 256
"""Commands of each commit."""
SEVERAL = 4
BATCHES_PER_S = 24
"""Commits of a measurement for each of its seconds, in all partitions together."""
_CONTEXT = Context(actor="admin", metadata='{"face": "evo"}', view="ai_session_info")
_DOC = json.dumps({"accountId": "acme", "purpose": PURPOSE})
_STATE_BYTES = 150
"""Of an event, as sealed ones are."""


class Spread(Struct, frozen=True):
    """An open log of so many partitions, with the event loop that it lives in."""

    loop: asyncio.Runner
    appenders: Sequence[Appender]
    servers: Sequence[int]
    """The first process of each server that has a part of it."""

    def measured(self, batches: int) -> Sample:
        """Append so many batches, all partitions at once, each of them one after another."""
        share = max(1, batches // len(self.appenders))
        work = [
            [_batch(number, len(self.appenders)) for _ in range(share)]
            for number in range(len(self.appenders))
        ]
        return timed(lambda: self.loop.run(self._append(work)), [os.getpid(), *self.servers])

    async def _append(self, work: Sequence[Sequence[Sequence[Entry]]]) -> Done:
        async def keep_appending(appender: Appender, batches: Sequence[Sequence[Entry]]) -> int:
            done = 0
            for batch in batches:
                outcomes = await appender.append_all(batch)
                if not all(isinstance(outcome, Appended) for outcome in outcomes):
                    raise BenchmarkFailed(f"Not all were appended: {outcomes}")
                done += len(outcomes)
            return done

        clock = asyncio.get_running_loop().time
        started = clock()
        counts = await asyncio.gather(*map(keep_appending, self.appenders, work))
        return Done(sum(counts), clock() - started)


def run(stage: Stage, pace: Pace) -> str:
    """Measure, and tell in a Markdown table."""
    batches = round(BATCHES_PER_S * pace.seconds)
    with ExitStack() as stack:
        logs = {
            "one": stack.enter_context(_spread(stage.url, 1)),
            "several": stack.enter_context(_spread(stage.url, SEVERAL)),
        }
        if citus.URL:
            logs["citus"] = stack.enter_context(_spread(citus.URL, SEVERAL))
            logs["one of citus"] = stack.enter_context(_spread(citus.URL, 1))
        for log in logs.values():
            log.measured(SEVERAL)  # plans are made, and types looked up
        runs = interleaved(
            {name: partial(log.measured, batches) for name, log in logs.items()}, pace.rounds
        )
    found = [Comparison(f"{SEVERAL} on one server", 0.95, runs["several"], runs["one"])]
    if "citus" in runs:
        nodes = f"{len(logs['citus'].servers) - 1} nodes of Citus and their coordinator"
        found += [
            Comparison(f"{SEVERAL} on {nodes}", 1.5, runs["citus"], runs["one"]),
            Comparison("the same, to one on one node", 1.5, runs["citus"], runs["one of citus"]),
        ]
    told = table(f"Partitions against one, {BATCH} commands a commit: commands", found)
    return told if citus.URL else f"{told}\nNot on Citus: {citus.NONE}.\n"


@contextmanager
def _spread(server_url: str, partitions: int) -> Iterator[Spread]:
    """A new log on a server; on a Citus, it is distributed."""
    name = f"partitions_{secrets.token_hex(4)}"
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        url = loop.run(database.create(server_url, name))
        try:
            loop.run(database.migrate(url, partitions))
            settings = Settings(
                database_url=database.service_url(url),
                master_key=database.MASTER_KEY,
                pool_size=partitions + 1,
                pool_writers=partitions,
            )
            pool = Pool(settings)
            appenders = [
                Appender(pool, number, batch=BATCH, deadline_s=30.0) for number in range(partitions)
            ]
            try:
                yield Spread(loop, appenders, loop.run(_servers(url)))
            finally:
                loop.run(pool.close())
        finally:
            loop.run(database.drop(server_url, name))


async def _servers(url: str) -> Sequence[int]:
    """The first processes of the servers, of those that run on this machine."""
    found = []
    for node in await citus.nodes(url):
        ((text,),) = await citus.asked(node, "SELECT pg_read_file('postmaster.pid')")
        number = int(text.partition("\n")[0])
        with suppress(psutil.NoSuchProcess):
            psutil.Process(number)
            found.append(number)
    return found


def _batch(partition: int, partitions: int) -> Sequence[Entry]:
    """Creations of sessions in a partition."""
    return [_entry(_stream(partition, partitions)) for _ in range(BATCH)]


def _stream(partition: int, partitions: int) -> StreamId:
    drawn = StreamId(uuid7())
    while partition_of(drawn, partitions) != partition:
        drawn = StreamId(uuid7())
    return drawn


def _entry(stream: StreamId) -> Entry:
    prepared = PreparedAppend(context=_CONTEXT, stream=stream, expected=0, events=(), doc=_DOC)
    event = NewEvent("ai_session.created.v1", os.urandom(_STATE_BYTES), uuid7())
    return Entry(prepared, [event], _CONTEXT)
