"""Writes that are never cancelled: what they cost, and what becomes of them when given up."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import asyncpg
import pytest

from app.database.places import GivenUp, Places

SOON_S = 0.01
LATE_S = 600.0


class Backend:
    """Answers a statement in as many steps as there are futures, as a driver does."""

    def __init__(self, *steps: asyncio.Future[Any]) -> None:
        self.steps = steps
        self.terminated = False

    async def fetch(self, _sql: str, *_arguments: object) -> Sequence[Any]:
        return [await step for step in self.steps]

    def terminate(self) -> None:
        self.terminated = True

    def is_closed(self) -> bool:
        return self.terminated


class Writing:
    """One place, and a statement in it."""

    def __init__(self, *steps: asyncio.Future[Any], holding: bool = True) -> None:
        self.backend = Backend(*steps)
        self.places = Places(1, {}, holding=holding)
        self.places._idle.append(self.connection)
        self.late: list[BaseException | None] = []
        self.connecting: asyncio.Future[None] | None = None

    @property
    def connection(self) -> asyncpg.Connection:
        return cast("asyncpg.Connection", self.backend)

    async def carry_out(self, limit_s: float = LATE_S) -> Sequence[Any]:
        return await self.places.carry_out(
            self._connect, lambda _: False, "INSERT", (), limit_s, self.late.append
        )

    async def _connect(self, _places: Places) -> asyncpg.Connection:
        assert self.connecting is not None
        await self.connecting
        return self.connection

    def unconnected(self) -> asyncio.Future[None]:
        """Have no connection until the answer is done."""
        self.places._idle.clear()
        self.connecting = asyncio.get_running_loop().create_future()
        return self.connecting

    async def settled(self) -> None:
        """Until nothing is held any more."""
        while self.places.held:
            await asyncio.sleep(0)

    def is_kept(self) -> bool:
        """Whether both the connection and its place can be used again."""
        return not self.places._free.locked() and self.places._take() is self.connection


def futures(count: int) -> list[asyncio.Future[Any]]:
    loop = asyncio.get_running_loop()
    return [loop.create_future() for _ in range(count)]


async def turn() -> None:
    """Let all go on that can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_write_that_is_answered_takes_no_task() -> None:
    steps = futures(2)
    writing = Writing(*steps)
    caller = asyncio.create_task(writing.carry_out())
    tasks: list[asyncio.Task[Any]] = []

    def made(loop: asyncio.AbstractEventLoop, work: Any) -> asyncio.Task[Any]:  # whatever runs
        tasks.append(asyncio.Task(work, loop=loop))
        return tasks[-1]

    loop = asyncio.get_running_loop()
    loop.set_task_factory(made)
    try:
        for number, step in enumerate(steps):
            await turn()
            step.set_result(number)
        await turn()
    finally:
        loop.set_task_factory(None)
    assert await caller == [0, 1]
    assert not tasks
    assert not writing.places.held


async def by_cancelling(caller: asyncio.Task[Any]) -> None:
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def by_deadline(caller: asyncio.Task[Any]) -> None:
    with pytest.raises(GivenUp):
        await caller


GivingUp = Callable[[asyncio.Task[Any]], Awaitable[None]]


@pytest.mark.parametrize("answered", [0, 1, 2], ids="{} steps answered".format)
@pytest.mark.parametrize(("give_up", "limit_s"), [(by_cancelling, LATE_S), (by_deadline, SOON_S)])
async def test_a_write_that_is_given_up_at_any_step_is_done_all_the_same(
    give_up: GivingUp, limit_s: float, answered: int
) -> None:
    steps = futures(3)
    writing = Writing(*steps)
    caller = asyncio.create_task(writing.carry_out(limit_s))
    for step in steps[:answered]:
        await turn()
        step.set_result(None)
    await turn()
    await give_up(caller)
    assert [sent.connection for sent in writing.places.held.values()] == [writing.connection]
    assert not any(step.cancelled() for step in steps)
    for step in steps[answered:]:
        await turn()
        assert not writing.late
        step.set_result(None)
    await writing.settled()
    assert writing.late == [None]
    assert writing.is_kept()


async def test_a_write_whose_caller_goes_in_the_moment_of_the_answer_keeps_its_connection() -> None:
    (step,) = futures(1)
    writing = Writing(step)
    caller = asyncio.create_task(writing.carry_out())
    await turn()
    step.set_result(None)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await writing.settled()
    assert writing.late == [None]
    assert writing.is_kept()


async def test_a_write_that_is_given_up_and_fails_gives_its_place_back() -> None:
    (step,) = futures(1)
    writing = Writing(step)
    caller = asyncio.create_task(writing.carry_out())
    await turn()
    await by_cancelling(caller)
    step.set_exception(error := ConnectionError("gone"))
    await writing.settled()
    assert writing.late == [error]
    assert writing.backend.terminated
    assert not writing.places._free.locked()


async def test_a_write_that_fails_gives_its_place_back() -> None:
    (step,) = futures(1)
    writing = Writing(step)
    caller = asyncio.create_task(writing.carry_out())
    await turn()
    step.set_exception(ConnectionError("gone"))
    with pytest.raises(ConnectionError):
        await caller
    assert not writing.places.held
    assert writing.backend.terminated
    assert not writing.places._free.locked()


@pytest.mark.parametrize(("give_up", "limit_s"), [(by_cancelling, LATE_S), (by_deadline, SOON_S)])
async def test_a_write_that_is_given_up_before_it_has_a_connection_is_not_sent(
    give_up: GivingUp, limit_s: float
) -> None:
    (step,) = futures(1)
    writing = Writing(step)
    connecting = writing.unconnected()
    caller = asyncio.create_task(writing.carry_out(limit_s))
    await turn()
    await give_up(caller)
    assert [sent.connection for sent in writing.places.held.values()] == [None]
    connecting.set_result(None)
    await writing.settled()
    assert not step.done()
    assert writing.late == []
    assert writing.is_kept()


@pytest.mark.parametrize("connected", [True, False])
async def test_what_is_given_up_is_cancelled_where_places_hold_nothing(connected: bool) -> None:
    (step,) = futures(1)
    writing = Writing(step, holding=False)
    connecting = None if connected else writing.unconnected()
    caller = asyncio.create_task(writing.carry_out())
    await turn()
    await by_cancelling(caller)
    await writing.settled()
    assert writing.backend.terminated == connected
    assert connecting is None or connecting.cancelled()
    assert not writing.places._free.locked()
    assert [type(error) for error in writing.late] == [asyncio.CancelledError]
