"""Sequences of numbers: set back, left with few, used up."""

from collections import Counter
from collections.abc import Sequence

import asyncpg

from app.chat.numbers import MAX_NUMBER
from app.service import Service
from domain.ids import ChatSessionId, chat_session_stream, partition_of
from support import given
from support.chats import QUEUED
from support.deep import unchecked


async def make_last(owner: asyncpg.Connection, sequence: str, number: int) -> None:
    """Make a number the last one drawn (0: none was), in whichever form numbers are drawn."""
    await owner.execute(
        "SELECT setval($1::text::regclass, greatest($2, 1), $2 > 0)", sequence, number
    )
    await owner.execute("UPDATE number_drawn SET last = $2 WHERE name = $1", sequence, number)


async def set_back(owner: asyncpg.Connection, sequence: str) -> None:
    await make_last(owner, sequence, 0)


async def leave(owner: asyncpg.Connection, sequence: str, numbers: int) -> None:
    await make_last(owner, sequence, MAX_NUMBER - numbers)


async def insert_deleted(owner: asyncpg.Connection, numbers: Sequence[int]) -> None:
    """Streams of sessions that were there once, as a deletion leaves them: without a row."""
    await unchecked(owner)
    streams = [chat_session_stream(ChatSessionId(number)) for number in numbers]
    partitions = await owner.fetchval("SELECT count(*) FROM log_partition")
    homes = [partition_of(stream, partitions) for stream in streams]
    await owner.execute(
        """
        INSERT INTO stored_events
        SELECT h.partition, n.stream, v.version, v.topic,
               CASE v.version WHEN 1
                    THEN convert_to(format('{"chat_session_id":%s}', n.number), 'UTF8')
                    ELSE '{}' END,
               h.position + 2 * (n.i - 1) + v.version, gen_random_uuid(), now(), 'kim', '{}'
          FROM (SELECT g.*, row_number() OVER (PARTITION BY g.home) AS i
                  FROM unnest($1::integer[], $2::uuid[], $3::integer[]) AS g(number, stream, home)
               ) AS n
          JOIN log_partition AS h
            ON h.partition = n.home
         CROSS JOIN (VALUES (1, 'chat_session.created.v1'), (2, 'chat_session.deleted.v1'))
               AS v(version, topic)
        """,
        list(numbers),
        streams,
        homes,
    )
    await owner.executemany(
        "UPDATE log_partition SET position = position + $2, recorded_at = now()"
        " WHERE partition = $1",
        [(home, 2 * count) for home, count in Counter(homes).items()],
    )


async def create(service: Service, key: str | None = None) -> ChatSessionId:
    answer = await service.chat.create(QUEUED, given.call("sam", key=key))
    return ChatSessionId(answer.folded.state.chat_session_id)
