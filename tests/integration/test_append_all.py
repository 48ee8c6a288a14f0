"""What an append promises for entries that are written all or none."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from support.entries import appended, changed, entry, facts, lose_replies, new_stream, rows

from app.database.pool import Pool
from app.log.append import Appender
from app.log.outcome import Appended, HeldBack, KeyTaken, Outcome, Overtaken, Replayed, Unchanged
from app.settings import Settings


@pytest.fixture
async def overtaking(settings: Settings) -> AsyncIterator[Appender]:
    """Appends as another process does, by connections of its own."""
    pool = Pool(settings)
    yield (made := Appender(pool, 0, batch=256, deadline_s=10))
    await made.drain()
    await pool.close()


async def test_entries_that_are_written_as_one_share_a_commit(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    batch = [entry(new_stream(), events=2), entry(new_stream(), key="k1"), entry(new_stream())]
    outcomes = await appender.append_all(batch)
    assert [facts(each, "version", "position") for each in outcomes] == [
        (Appended, 2, 2), (Appended, 1, 3), (Appended, 1, 4)
    ]  # fmt: skip
    assert len(await owner.fetch("SELECT DISTINCT xmin FROM stored_events")) == 1


@pytest.mark.parametrize("at_fault", [Overtaken, KeyTaken])
async def test_an_entry_that_is_not_written_holds_back_those_it_is_one_with(
    appender: Appender, owner: asyncpg.Connection, at_fault: type[Outcome]
) -> None:
    stream, known = new_stream(), new_stream()
    await appender.append_all([entry(stream), entry(known, key="k1")])
    before = await rows(owner)
    wrong = entry(stream) if at_fault is Overtaken else entry(new_stream(), key="k1")
    wrong = changed(wrong, fingerprint=b"of another command")
    batch = [entry(known, 1, key="k2"), wrong, entry(new_stream(), key="k3")]
    outcomes = await appender.append_all(batch)
    told = [type(each) for each in outcomes]
    assert told == [at_fault if each is wrong else HeldBack for each in batch]
    assert await rows(owner) == before
    assert await owner.fetchval("SELECT sum(position) FROM log_partition") == len(before)
    assert await owner.fetchval("SELECT count(*) FROM idempotency_key") == 1
    assert isinstance(await appender.append(batch[0]), Appended)  # nothing of it is left behind


async def test_entries_that_are_one_are_replayed_as_one(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    first = [entry(new_stream(), key=key) for key in ("k1", "k2")]
    await appender.append_all(first)
    outcomes = await appender.append_all([entry(new_stream(), key=key) for key in ("k1", "k2")])
    assert [facts(each, "stream") for each in outcomes] == [
        (Replayed, each.prepared.stream) for each in first
    ]
    assert len(await rows(owner)) == 2


async def test_a_poisoned_entry_takes_along_those_it_is_one_with_and_no_others(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    poison = entry(new_stream(), metadata='{"client": "\\u0000"}')
    single = entry(new_stream())
    together, alone = await asyncio.gather(
        appender.append_all([entry(new_stream()), poison]),
        appender.append(single),
        return_exceptions=True,
    )
    assert isinstance(together, asyncpg.UntranslatableCharacterError)
    assert isinstance(alone, Outcome)
    assert [row["stream"] for row in await rows(owner)] == [single.prepared.stream]


@pytest.mark.parametrize("moved_on", [False, True], ids=["at once", "after a stream moved on"])
async def test_a_lost_reply_to_entries_that_are_one_is_asked_for_again(
    appender: Appender,
    overtaking: Appender,
    pool: Pool,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    moved_on: bool,
) -> None:
    looked_at, changed = new_stream(), new_stream()
    await appender.append_all([entry(looked_at), entry(changed)])

    async def others_go_on() -> None:
        await asyncio.gather(
            overtaking.append(entry(looked_at, 1)), overtaking.append(entry(changed, 3))
        )

    lose_replies(monkeypatch, pool, replies=2, meanwhile=others_go_on if moved_on else None)
    batch = [entry(looked_at, 1, events=0), entry(changed, 1, events=2), entry(new_stream())]
    outcomes = await appender.append_all(batch)
    assert [facts(each, "version") for each in outcomes] == [
        (Unchanged, None), (Appended, 3), (Appended, 1)
    ]  # fmt: skip
    assert [appended(each).position for each in outcomes[1:]] == [4, 5]
    assert len(await rows(owner)) == 5 + 2 * moved_on
