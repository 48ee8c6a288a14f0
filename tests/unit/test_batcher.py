import asyncio
from collections.abc import Sequence

import pytest

from app.concurrency.batcher import Batcher
from app.database.errors import StoreDown


class Store:
    """Answers each number with its double, when it is let; 13 is refused, a 99 breaks its batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()

    async def send(self, entries: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(entries))
        await self.gate.wait()
        if 99 in entries:
            raise StoreDown("the batch broke")
        if 77 in entries:
            raise ValueError("this batch is odd")
        return [ValueError("13 is refused") if entry == 13 else 2 * entry for entry in entries]


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_who_comes_while_a_batch_is_under_way_shares_the_next() -> None:
    store = Store()
    batcher = Batcher(store.send, 100)
    first = batcher.submit(1)
    await settled()
    later = [batcher.submit(number) for number in (2, 3, 4)]
    await settled()
    assert store.batches == [[1]]
    store.gate.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6, 8]
    assert store.batches == [[1], [2, 3, 4]]


async def test_a_batch_has_a_most_and_the_order_of_arrival() -> None:
    store = Store()
    store.gate.set()
    batcher = Batcher(store.send, 3)
    answers = await asyncio.gather(*(batcher.submit(number) for number in range(8)))
    assert answers == [2 * number for number in range(8)]
    assert store.batches == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_a_refused_entry_fails_alone() -> None:
    store = Store()
    store.gate.set()
    batcher = Batcher(store.send, 100)
    answers = [batcher.submit(number) for number in (1, 13, 2)]
    with pytest.raises(ValueError, match="13 is refused"):
        await answers[1]
    assert [await answers[0], await answers[2]] == [2, 4]


async def test_a_broken_batch_fails_whoever_waits_and_nobody_after() -> None:
    store = Store()
    batcher = Batcher(store.send, 1)
    waiting = [batcher.submit(number) for number in (99, 1, 2)]
    await settled()
    store.gate.set()
    for answer in waiting:
        with pytest.raises(StoreDown, match="the batch broke"):
            await answer
    assert await batcher.submit(3) == 6
    assert store.batches == [[99], [3]]


async def test_what_only_one_batch_fails_with_keeps_nobody_else_waiting() -> None:
    store = Store()
    batcher = Batcher(store.send, 1)
    odd, after = batcher.submit(77), batcher.submit(1)
    await settled()
    store.gate.set()
    with pytest.raises(ValueError, match="odd"):
        await odd
    assert await after == 2


async def test_a_batch_that_is_answered_in_part_keeps_nobody_waiting() -> None:
    async def send(entries: Sequence[int]) -> Sequence[int]:
        return entries[:-1]

    batcher = Batcher[int, int](send, 8)
    answers = await asyncio.gather(*map(batcher.submit, (1, 2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [RuntimeError, RuntimeError]


async def test_who_goes_away_takes_nobody_along() -> None:
    store = Store()
    batcher = Batcher(store.send, 100)
    at_work = [batcher.submit(1), batcher.submit(2)]
    await settled()
    waiting = [batcher.submit(3), batcher.submit(4)]
    at_work[0].cancel()
    waiting[0].cancel()
    store.gate.set()
    async with asyncio.timeout(5):
        assert [await at_work[1], await waiting[1]] == [4, 8]
    assert store.batches[0] == [1, 2]


async def test_drained_means_that_nothing_is_under_way() -> None:
    store = Store()
    batcher = Batcher(store.send, 1)
    await batcher.drain()
    answers = [batcher.submit(number) for number in range(3)]
    drained = asyncio.ensure_future(batcher.drain())
    await settled()
    assert not drained.done()
    store.gate.set()
    await drained
    assert all(answer.done() for answer in answers)


async def test_it_starts_again_after_a_rest() -> None:
    store = Store()
    store.gate.set()
    batcher = Batcher(store.send, 100)
    assert await batcher.submit(1) == 2
    await settled()
    assert await batcher.submit(2) == 4
    assert store.batches == [[1], [2]]
