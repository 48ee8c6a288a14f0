"""Exports of logs that never were in a database, and what a leaf is made of in them."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import asyncpg
import msgspec

from app.care.lines import Checkpoint as End
from app.care.lines import CheckpointLine, event_line
from app.proof.one_line import one_line
from app.proof.verifier import Event, leaf_data, leaf_hash

_ENCODE = msgspec.json.Encoder().encode
BEGAN = datetime(2026, 11, 21, 10, tzinfo=UTC)


def events(count: int, partition: int = 0, seed: int = 1) -> list[Event]:
    """Events of some streams, as the log would have them."""
    rng, at, found = random.Random(seed), BEGAN, list[Event]()
    versions: dict[UUID, int] = {}
    streams = [UUID(int=rng.getrandbits(128), version=4) for _ in range(max(count // 8, 1))]
    for position in range(1, count + 1):
        stream = rng.choice(streams)
        versions[stream] = versions.get(stream, 0) + 1
        at += timedelta(microseconds=rng.randrange(1_000_000))
        topic, state = rng.choice(STATES)
        found.append(
            Event(
                partition=partition,
                position=position,
                stream=stream,
                version=versions[stream],
                topic=topic,
                state=state.encode(),
                event_id=UUID(int=rng.getrandbits(128), version=4),
                recorded_at_us=(at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1),
                actor=rng.choice(("alice", 'b"ö\\b', "service")),
                metadata=f'{{"face": "evo", "client": "10.0.0.1", "request_id": "{position}"}}',
            )
        )
    return found


STATES = (
    (
        "ai_session.created.v1",
        '{"account_id":"a1","sealed":{"fields":["purpose"],"box":"MD5hzc=="}}',
    ),
    ("ai_session.patched.v1", '{"sealed":{"fields":["purpose"],"box":"Qz0uRP7Ytrg1"}}'),
    ("ai_session.patched.v1", "{}"),
    ("account.created.v1", '{"account_id":"a1","name":"Acme & \\"Søn\\" \u2028"}'),
    ("chat_session.updated.v1", '{"rank":144,"when_started":"2018-11-21T16:32:47.1492785+01:00"}'),
    ("chat_session.message_added.v1", '{"message_id":7,"author":{"id":1,"own_name":null}}'),
    ("unknown.happened.v1", '{"aB":1, "c": 2.50}'),
    ("unknown.happened.v1", "no JSON"),
)
"""Of events of each kind: what lines show by other names, and what they can only give as stored."""


def leaf(event: Event) -> bytes:
    return leaf_data(**event._asdict())


def hashes(of: Iterable[Event]) -> list[bytes]:
    return [leaf_hash(leaf(event)) for event in of]


def line(event: Event) -> bytes:
    """The event's line in an export."""
    row = {
        "partition": event.partition,
        "position": event.position,
        "stream": event.stream,
        "version": event.version,
        "topic": event.topic,
        "state": event.state,
        "event_id": event.event_id,
        "recorded_at": datetime(1970, 1, 1, tzinfo=UTC)
        + timedelta(microseconds=event.recorded_at_us),
        "actor": event.actor,
        "metadata": event.metadata,
    }
    made = event_line(cast("asyncpg.Record", row), str(event.stream))
    made = msgspec.structs.replace(made, chain="AAAAAAAAAAAAAAAAAAAAAA==")
    return one_line(_ENCODE(made)) + b"\n"


def end() -> bytes:
    return _ENCODE(CheckpointLine(checkpoint=End(positions={}, recorded_at={}))) + b"\n"


def export(of: Sequence[Event]) -> bytes:
    """The file."""
    return b"".join([b'{"key":{},"chain":""}\n', *map(line, of), end()])
