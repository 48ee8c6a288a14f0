"""Sequences of numbers: set back, left with few, used up."""

from collections.abc import Sequence

import asyncpg

from app.chat.numbers import MAX_NUMBER
from app.service import Service
from domain.ids import ChatSessionId, chat_session_stream
from support import given
from support.chats import QUEUED
from support.deep import unchecked


async def set_back(owner: asyncpg.Connection, sequence: str) -> None:
    await owner.execute("SELECT setval($1::text::regclass, 1, false)", sequence)


async def leave(owner: asyncpg.Connection, sequence: str, numbers: int) -> None:
    await owner.execute("SELECT setval($1::text::regclass, $2)", sequence, MAX_NUMBER - numbers)


async def insert_deleted(owner: asyncpg.Connection, numbers: Sequence[int]) -> None:
    """Streams of sessions that were there once, as a deletion leaves them: without a row."""
    await unchecked(owner)
    first = await owner.fetchval("SELECT position FROM log_partition")
    streams = [chat_session_stream(ChatSessionId(number)) for number in numbers]
    await owner.execute(
        """
        INSERT INTO stored_events
        SELECT 0, n.stream, v.version, v.topic,
               CASE v.version WHEN 1
                    THEN convert_to(format('{"chat_session_id":%s}', n.number), 'UTF8')
                    ELSE '{}' END,
               $3 + 2 * (n.i - 1) + v.version, gen_random_uuid(), now(), 'kim', '{}'
          FROM unnest($1::integer[], $2::uuid[]) WITH ORDINALITY AS n(number, stream, i)
         CROSS JOIN (VALUES (1, 'chat_session.created.v1'), (2, 'chat_session.deleted.v1'))
               AS v(version, topic)
        """,
        list(numbers),
        streams,
        first,
    )
    await owner.execute(
        "UPDATE log_partition SET position = $1, recorded_at = now()", first + 2 * len(numbers)
    )


async def create(service: Service, key: str | None = None) -> ChatSessionId:
    answer = await service.chat.create(QUEUED, given.call("sam", key=key))
    return ChatSessionId(answer.folded.state.chat_session_id)
