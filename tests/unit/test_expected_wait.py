"""Each queue is full when its last one would wait for too long, at the pace of those before."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from app.concurrency.batcher import Batcher
from app.concurrency.expected_wait import ExpectedWait, TooManyBefore
from app.concurrency.keyed_lock import KeyedLock
from app.concurrency.slots import Slots
from app.database.errors import Crowded
from app.database.places import Places


def at_pace(seconds: float) -> ExpectedWait:
    pace = ExpectedWait()
    for _ in range(100):
        pace.served(seconds)
    return pace


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_wait_is_as_long_as_those_before_take() -> None:
    pace = at_pace(0.1)
    pace.require_room(9, 1.0)
    with pytest.raises(TooManyBefore):
        pace.require_room(11, 1.0)
    pace.require_room(1_000_000, None)


def test_nobody_is_refused_before_somebody_was_served() -> None:
    ExpectedWait().require_room(1_000_000, 0.001)


async def test_a_turn_that_would_come_too_late_is_refused_at_once() -> None:
    turns = KeyedLock(wait_s=1.0)
    turns._pace = at_pace(0.6)

    async def take() -> None:
        async with turns.of(1):
            pass

    async with turns.of(1):
        waiting = asyncio.create_task(take())
        await settled()
        with pytest.raises(TooManyBefore):
            await take()
        async with turns.of(2):
            pass
    await waiting


async def test_a_slot_that_would_be_free_too_late_is_refused_at_once() -> None:
    slots = Slots(2, wait_s=1.0)
    slots._pace = at_pace(0.9)
    go = asyncio.Event()

    async def work() -> None:
        async with slots.one():
            await go.wait()

    working = [asyncio.create_task(work()) for _ in range(4)]
    await settled()
    with pytest.raises(TooManyBefore):
        await work()
    go.set()
    await asyncio.gather(*working)


async def test_a_slot_that_is_not_free_in_time_is_refused() -> None:
    slots = Slots(1, wait_s=0.01)
    async with slots.one():
        with pytest.raises(TooManyBefore):
            async with slots.one():
                pass


async def test_a_connection_that_would_be_free_too_late_is_refused_at_once() -> None:
    places = Places(1, {})
    places._pace = at_pace(0.4)
    await places.enter(1.0)
    waiting = [asyncio.create_task(places.enter(1.0)) for _ in range(2)]
    await settled()
    with pytest.raises(Crowded):
        await places.enter(1.0)
    for _ in waiting:
        places.leave()
    await asyncio.gather(*waiting)


async def test_a_batch_that_would_come_too_late_is_refused_at_once() -> None:
    go = asyncio.Event()

    async def send(entries: Sequence[int]) -> Sequence[int]:
        await go.wait()
        return entries

    batcher = Batcher[int, int](send, 2, wait_s=1.0)
    batcher._pace = at_pace(0.4)
    answers = [batcher.submit(0)]
    await settled()
    answers += [batcher.submit(number) for number in range(1, 7)]
    with pytest.raises(TooManyBefore):
        batcher.submit(7)
    go.set()
    assert await asyncio.gather(*answers) == list(range(7))


def test_a_queue_that_was_slow_once_lets_others_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pace, now = ExpectedWait(), time.monotonic()
    pace.served(80.0)
    assert pace.is_too_long(1, 1.5)
    monkeypatch.setattr(time, "monotonic", lambda: now + 4.0)
    assert not pace.is_too_long(1, 1.5)
    assert pace.is_too_long(10, 1.5)
