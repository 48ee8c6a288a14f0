import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from app.concurrency.expected_wait import TooManyBefore
from app.concurrency.keyed_lock import KeyedLock
from app.database.errors import StoreDown

ONE, OTHER = 1, 2


class Log(list[str]):
    """What happened, and a gate that holds up who is at work."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def work(self, turns: KeyedLock, number: int, name: str) -> None:
        async with turns.of(number):
            self.append(f"{name} begins")
            await self.gate.wait()
            self.append(f"{name} ends")


async def under_way(*work: Coroutine[Any, Any, None]) -> list[asyncio.Task[None]]:
    tasks = [asyncio.ensure_future(each) for each in work]
    await settled()
    return tasks


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_turns_come_in_the_order_of_arrival() -> None:
    turns, log = KeyedLock(), Log()
    tasks = await under_way(*(log.work(turns, ONE, name) for name in "abc"))
    assert log == ["a begins"]
    log.gate.set()
    await asyncio.gather(*tasks)
    assert log == ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]


async def test_numbers_wait_for_nobody_else() -> None:
    turns, log = KeyedLock(), Log()
    tasks = await under_way(log.work(turns, ONE, "a"), log.work(turns, OTHER, "b"))
    assert log == ["a begins", "b begins"]
    log.gate.set()
    await asyncio.gather(*tasks)


async def test_a_failure_passes_the_turn_on() -> None:
    turns, log = KeyedLock(), Log()
    log.gate.set()

    async def fail() -> None:
        async with turns.of(ONE):
            raise RuntimeError("a fails")

    tasks = await under_way(fail(), log.work(turns, ONE, "b"))
    with pytest.raises(RuntimeError, match="a fails"):
        await tasks[0]
    await tasks[1]
    assert log == ["b begins", "b ends"]


@pytest.mark.parametrize("gone", [0, 1, 2], ids=["at work", "next", "last"])
async def test_who_goes_away_holds_up_nobody(gone: int) -> None:
    turns, log = KeyedLock(), Log()
    tasks = await under_way(*(log.work(turns, ONE, name) for name in "abc"))
    tasks[gone].cancel()
    await settled()
    log.gate.set()
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(outcomes[gone], asyncio.CancelledError)
    ended = [entry[0] for entry in log if entry.endswith("ends")]
    assert ended == [name for number, name in enumerate("abc") if number != gone]


async def test_who_goes_away_just_as_the_turn_comes_up_passes_it_on() -> None:
    turns, log = KeyedLock(), Log()
    tasks = await under_way(*(log.work(turns, ONE, name) for name in "abc"))
    log.gate.set()
    await asyncio.sleep(0)  # a is through and has passed the turn to b, who does not run yet
    assert log == ["a begins", "a ends"]
    tasks[1].cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(tasks[0], tasks[2])
    assert log[2:] == ["c begins", "c ends"]


async def test_nothing_is_kept_of_a_number_that_nobody_wants() -> None:
    turns, log = KeyedLock(), Log()
    log.gate.set()
    tasks = await under_way(*(log.work(turns, ONE, name) for name in "ab"))
    await asyncio.gather(*tasks)
    assert turns._waiting == {}


@pytest.mark.parametrize("of_all", [False, True], ids=["of one", "of all"])
async def test_nobody_waits_for_ever(of_all: bool) -> None:
    turns, log = KeyedLock(0.01), Log()
    (holder,) = await under_way(log.work(turns, OTHER, "a"))

    async def wait() -> None:
        async with turns.of_all([ONE, OTHER]) if of_all else turns.of(OTHER):
            pytest.fail("the turn is another's")

    async with asyncio.timeout(5):
        with pytest.raises(TooManyBefore):
            await wait()
    log.gate.set()
    await holder
    await log.work(turns, ONE, "c")
    await log.work(turns, OTHER, "d")
    assert log[-4:] == ["c begins", "c ends", "d begins", "d ends"]
    assert turns._waiting == {}


async def test_who_waited_in_vain_ends_nobody_else_s_wait() -> None:
    turns, log = KeyedLock(), Log()

    async def fail(error: Exception) -> None:
        async with turns.of(ONE):
            await asyncio.sleep(0)
            raise error

    log.gate.set()
    for error, others in [(TooManyBefore("a waits"), None), (StoreDown("gone"), StoreDown)]:
        log.clear()
        tasks = await under_way(fail(error), log.work(turns, ONE, "b"))
        failed, waited = await asyncio.gather(*tasks, return_exceptions=True)
        assert failed is error
        assert type(waited) is (others or type(None))
        assert log == ([] if others else ["b begins", "b ends"])
