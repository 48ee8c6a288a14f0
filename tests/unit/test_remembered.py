"""What was looked up is known for a while, to as many as ask, and no longer than it may be."""

import asyncio

import pytest

from app.concurrency.ttl_cache import TtlCache


class Source:
    """Answers when it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[int | None] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, before: int | None) -> int:
        self.asked.append(before)
        number = len(self.asked)
        await self.go_on.wait()
        return number


@pytest.fixture
async def source() -> Source:
    return Source()


async def test_a_value_is_looked_up_once_while_it_is_known(source: Source) -> None:
    known = TtlCache[int](ttl_s=3600.0, most=10)
    assert [await known.get(b"k", source) for _ in range(3)] == [1, 1, 1]


async def test_a_value_that_is_over_is_looked_up_again_with_the_one_before(
    source: Source,
) -> None:
    known = TtlCache[int](ttl_s=0.0, most=10)
    assert [await known.get(b"k", source) for _ in range(3)] == [1, 2, 3]
    assert source.asked == [None, 1, 2]


async def test_who_asks_meanwhile_waits_for_the_same_look_up(source: Source) -> None:
    known = TtlCache[int](ttl_s=0.0, most=10)
    assert await asyncio.gather(*(known.get(b"k", source) for _ in range(5))) == [1] * 5


async def test_a_look_up_goes_on_when_who_asked_goes_away(source: Source) -> None:
    known = TtlCache[int](ttl_s=3600.0, most=10)
    source.go_on.clear()
    asking = asyncio.create_task(known.get(b"k", source))
    await asyncio.sleep(0)
    asking.cancel()
    source.go_on.set()
    assert await known.get(b"k", source) == 1


async def test_what_is_forgotten_is_not_brought_back_by_a_look_up_under_way(
    source: Source,
) -> None:
    known = TtlCache[int](ttl_s=3600.0, most=10)
    source.go_on.clear()
    before = asyncio.create_task(known.get(b"k", source))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    known.forget(b"k")
    after = asyncio.create_task(known.get(b"k", source))
    source.go_on.set()
    assert [await before, await after, await known.get(b"k", source)] == [1, 2, 2]


async def test_a_failure_is_not_remembered(source: Source) -> None:
    async def fail(_: int | None) -> int:
        raise LookupError

    known = TtlCache[int](ttl_s=3600.0, most=10)
    answers = await asyncio.gather(
        *(known.get(b"k", fail) for _ in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [LookupError] * 3
    assert await known.get(b"k", source) == 1


async def test_the_oldest_go_when_there_are_too_many(source: Source) -> None:
    known = TtlCache[int](ttl_s=3600.0, most=2)
    assert [await known.get(key, source) for key in (b"a", b"b", b"c")] == [1, 2, 3]
    assert [await known.get(key, source) for key in (b"c", b"b", b"a")] == [3, 2, 4]
