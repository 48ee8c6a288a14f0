"""A caller's lists wait for one another, and nobody takes all places."""

import asyncio

import pytest

from app.queries.list_places import ListPlaces, ListsBusy
from app.settings import Settings

PATIENT = Settings(database_url="", master_key=b"", list_pool_size=2, list_wait_s=60.0)
HASTY = Settings(database_url="", master_key=b"", list_pool_size=2, list_wait_s=0.05)


class Reading:
    """Lists that take until they are told to end."""

    def __init__(self, settings: Settings) -> None:
        self.places = ListPlaces(settings)
        self.now: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    async def read(self, caller: str) -> None:
        async with self.places.of(caller):
            self.now.append(caller)
            await self.ends.setdefault(caller, asyncio.Event()).wait()
            self.now.remove(caller)

    def begin(self, *callers: str) -> list["asyncio.Task[None]"]:
        return [asyncio.create_task(self.read(caller)) for caller in callers]


async def settled() -> None:
    """Everybody came as far as possible without anybody's end."""
    for _ in range(50):
        await asyncio.sleep(0)


async def end(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_of_six_lists_of_one_caller_one_is_read_and_anothers_at_once() -> None:
    reading = Reading(PATIENT)
    tasks = reading.begin(*["kim"] * 6)
    await settled()
    assert reading.now == ["kim"]
    tasks += reading.begin("pat")
    await settled()
    assert reading.now == ["kim", "pat"]
    await end(tasks)


async def test_who_comes_last_waits_for_one_list_of_each_of_the_others() -> None:
    reading = Reading(PATIENT)
    tasks = reading.begin(*["kim", "pat", "sam"] * 6, "max")
    await settled()
    assert reading.now == ["kim", "pat"]
    for caller in ("kim", "pat"):
        reading.ends[caller].set()
        await settled()
        reading.ends[caller].clear()
    await settled()
    assert "max" in reading.now
    await end(tasks)


async def test_who_waits_too_long_is_told_so_and_leaves_nothing_behind() -> None:
    reading = Reading(HASTY)
    tasks = reading.begin("kim", "pat")
    await settled()
    for caller in ("kim", "sam"):
        with pytest.raises(ListsBusy) as told:
            await reading.read(caller)
        assert told.value.retry_after_s >= 1
        assert "database" not in str(told.value)
    await end(tasks)
    reading.ends.clear()
    tasks = reading.begin("kim", "sam")
    await settled()
    assert reading.now[-2:] == ["kim", "sam"]
    await end(tasks)


async def test_a_caller_who_goes_away_while_waiting_holds_up_nobody() -> None:
    reading = Reading(PATIENT)
    first, second, third = reading.begin("kim", "kim", "kim")
    await settled()
    await end([second])
    reading.ends["kim"].set()
    await asyncio.wait_for(asyncio.gather(first, third), 60)
