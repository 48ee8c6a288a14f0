import asyncio

import pytest

from app.concurrency.deadline import SharedDeadline, Stalled

SOON_S = 0.01
NEVER_S = 3_600.0


async def never() -> None:
    await asyncio.Event().wait()


async def at_once() -> str:
    return "here"


async def test_what_comes_in_time_is_given() -> None:
    assert await SharedDeadline(NEVER_S).wait(at_once()) == "here"


async def test_what_fails_fails_as_it_does() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await SharedDeadline(NEVER_S).wait(fail())


async def test_what_does_not_come_is_given_up_each_time() -> None:
    patience = SharedDeadline(SOON_S)
    for _ in range(2):
        with pytest.raises(Stalled):
            await patience.wait(never())


async def test_each_wait_has_its_own_time() -> None:
    patience, loop = SharedDeadline(SOON_S), asyncio.get_running_loop()

    async def ended() -> float:
        with pytest.raises(Stalled):
            await patience.wait(never())
        return loop.time()

    first = asyncio.create_task(ended())
    began = loop.time()
    while loop.time() < began + SOON_S / 2:
        await asyncio.sleep(0)
    second = asyncio.create_task(ended())
    began_later = loop.time()
    assert await first >= began + SOON_S
    assert await second >= began_later + SOON_S


async def test_who_was_given_up_can_wait_again() -> None:
    patience = SharedDeadline(SOON_S)
    with pytest.raises(Stalled):
        await patience.wait(never())
    async with asyncio.timeout(NEVER_S):
        assert await patience.wait(at_once()) == "here"


async def test_who_is_cancelled_by_others_is_not_late() -> None:
    task = asyncio.create_task(SharedDeadline(NEVER_S).wait(never()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
