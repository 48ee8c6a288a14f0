"""Waiting for a place of a connection ends when the task that waits is cancelled, or time is up."""

import asyncio

import pytest

from app.database.places import Places


@pytest.mark.parametrize("steps", range(6))
async def test_a_place_that_comes_just_then_does_not_make_a_task_forget_that_it_is_cancelled(
    steps: int,
) -> None:
    places = Places(1, {})
    await places.enter(1)

    async def goes_on() -> None:
        await places.enter(60)
        try:
            await asyncio.Event().wait()
        finally:
            places.leave()

    waiting = asyncio.create_task(goes_on())
    for _ in range(3):
        await asyncio.sleep(0)
    assert places.counts["waiting"] == 1
    places.leave()
    for _ in range(steps):
        await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([waiting])
    assert waiting.cancelled()
    await places.enter(0)  # no place was lost
    assert places.counts == {"used": 1, "idle": 0, "waiting": 0}


async def test_who_waits_in_vain_takes_nothing() -> None:
    places = Places(1, {})
    await places.enter(1)
    with pytest.raises(TimeoutError):
        await places.enter(0.01)
    places.leave()
    await places.enter(0)
    assert places.counts == {"used": 1, "idle": 0, "waiting": 0}
