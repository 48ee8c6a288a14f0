"""What an append promises, on a real PostgreSQL."""

import asyncio
from itertools import pairwise

import asyncpg
import pytest
from support.entries import appended, entry, lose_replies, made_ids, new_stream, rows

from app.database.pool import Pool
from app.log.append import Appender
from app.log.outcome import Appended, Outcome, Overtaken, Replayed, Unchanged
from domain.ids import StreamId


async def test_an_append_answers_with_version_position_and_time(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    stream = new_stream()
    await appender.append(entry(new_stream(), events=2))
    outcome = appended(await appender.append(entry(stream, events=3)))
    assert outcome.version == 3
    assert outcome.position == 5
    assert outcome.recorded_at == (await rows(owner))[-1]["recorded_at"]


async def test_events_of_one_entry_are_stored_in_their_order(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    ids = made_ids(4)
    await appender.append(entry(new_stream(), ids=ids))
    stored = await rows(owner)
    assert [row["event_id"] for row in stored] == ids
    assert [row["version"] for row in stored] == [1, 2, 3, 4]


async def test_a_version_conflict_fails_its_own_command_and_not_the_batch(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    taken, fine = new_stream(), new_stream()
    await appender.append(entry(taken))
    refused, accepted = await asyncio.gather(
        appender.append(entry(taken, expected=0)), appender.append(entry(fine))
    )
    assert refused == Overtaken(1)
    assert appended(accepted).position == 2
    assert len(await rows(owner)) == 2


@pytest.mark.parametrize("expected", [0, 1, 3, 4], ids=["new", "behind", "ahead", "far ahead"])
async def test_only_the_present_version_may_be_expected(appender: Appender, expected: int) -> None:
    stream = new_stream()
    await appender.append(entry(stream, events=2))
    outcome = await appender.append(entry(stream, expected))
    assert outcome == Overtaken(2)
    assert appended(await appender.append(entry(stream, 2))).version == 3


async def test_an_entry_without_events_only_checks_the_version(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    stream = new_stream()
    await appender.append(entry(stream))
    assert isinstance(await appender.append(entry(stream, 1, events=0)), Unchanged)
    assert await appender.append(entry(stream, 0, events=0)) == Overtaken(1)
    assert len(await rows(owner)) == 1


async def test_one_poisoned_entry_fails_alone(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    poison = entry(new_stream(), metadata='{"client": "\\u0000"}')
    batch = [entry(new_stream()) for _ in range(5)]
    answers = await asyncio.gather(
        *map(appender.append, [*batch[:2], poison, *batch[2:]]), return_exceptions=True
    )
    assert isinstance(answers.pop(2), asyncpg.UntranslatableCharacterError)
    assert [type(answer) for answer in answers if isinstance(answer, Outcome)] == [Appended] * 5
    assert [row["stream"] for row in await rows(owner)] == [each.prepared.stream for each in batch]


async def test_an_entry_sent_again_is_answered_as_the_first_time(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    sent = entry(new_stream(), events=2, key="k1")
    first = await appender.append(sent)
    again = await appender.append(sent)
    assert again == first
    assert len(await rows(owner)) == 2


async def test_an_entry_sent_again_after_its_stream_moved_on_is_answered_as_the_first_time(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    sent = entry(new_stream())
    first = await appender.append(sent)
    await appender.append(entry(sent.prepared.stream, 1, events=3))
    assert await appender.append(sent) == first
    assert len(await rows(owner)) == 4


async def test_a_lost_reply_is_asked_for_again_and_nothing_is_written_twice(
    appender: Appender, pool: Pool, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_replies(monkeypatch, pool, replies=2)
    batch = [entry(new_stream(), events=2) for _ in range(3)]
    answers = await asyncio.gather(*map(appender.append, batch))
    assert [appended(answer).version for answer in answers] == [2] * 3
    assert [appended(answer).position for answer in answers] == [2, 4, 6]
    assert len(await rows(owner)) == 6


async def test_a_key_is_answered_for_with_the_first_stream_and_version(appender: Appender) -> None:
    first = entry(new_stream(), events=2, key="k1")
    await appender.append(first)
    outcome = await appender.append(entry(new_stream(), key="k1"))
    assert outcome == Replayed(first.prepared.stream, 2)


async def test_two_entries_of_one_batch_with_one_key_are_one_command(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    first, second = entry(new_stream(), key="k1"), entry(new_stream(), key="k1")
    answers = await asyncio.gather(appender.append(first), appender.append(second))
    assert [type(answer) for answer in answers] == [Appended, Replayed]
    assert [row["stream"] for row in await rows(owner)] == [first.prepared.stream]


async def test_two_entries_of_one_batch_for_one_stream_do_not_both_win(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    stream = new_stream()
    answers = await asyncio.gather(appender.append(entry(stream)), appender.append(entry(stream)))
    assert [type(answer) for answer in answers] == [Appended, Overtaken]
    assert len(await rows(owner)) == 1


async def test_concurrent_appends_leave_no_hole_no_gap_and_no_step_back_in_time(
    pool: Pool, owner: asyncpg.Connection
) -> None:
    # Two committers stand for two processes; every stream is wanted by both of them.
    appenders = [Appender(pool, 0, batch=8, deadline_s=10) for _ in range(2)]
    streams = [new_stream() for _ in range(8)]

    async def write(appender: Appender, stream: StreamId, poison: bool) -> list[Outcome]:
        outcomes: list[Outcome] = []
        version = 0
        while version < 12:
            if poison:
                with pytest.raises(asyncpg.PostgresError):
                    await appender.append(entry(stream, version, metadata='"\\u0000"'))
            outcome = await appender.append(entry(stream, version, events=1 + version % 3))
            assert isinstance(outcome, Appended | Overtaken)
            outcomes.append(outcome)
            version = outcome.version
        return outcomes

    outcomes = await asyncio.gather(
        *(
            write(appender, stream, poison=number == 0)
            for appender in appenders
            for number, stream in enumerate(streams)
        )
    )
    stored = await rows(owner)
    assert [row["position"] for row in stored] == list(range(1, len(stored) + 1))
    assert all(a["recorded_at"] <= b["recorded_at"] for a, b in pairwise(stored))
    for stream in streams:
        versions = [row["version"] for row in stored if row["stream"] == stream]
        assert versions == list(range(1, len(versions) + 1))
    told = [type(outcome) for each in outcomes for outcome in each]
    assert {Appended, Overtaken} == set(told)
    head = await owner.fetchrow(
        "SELECT position, recorded_at FROM log_partition WHERE partition = 0"
    )
    assert tuple(head or ()) == (len(stored), stored[-1]["recorded_at"])


async def test_time_stands_still_when_the_clock_runs_back(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    await owner.execute("UPDATE log_partition SET recorded_at = '2999-01-01T00:00:00Z'")
    first = appended(await appender.append(entry(new_stream())))
    second = appended(await appender.append(entry(new_stream())))
    assert first.recorded_at is not None
    assert (first.recorded_at.year, first.recorded_at) == (2999, second.recorded_at)
