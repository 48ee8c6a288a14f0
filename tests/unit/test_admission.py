"""A worker refuses newcomers once passes of its loop go on taking long, and only then."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.concurrency.expected_wait import TooManyBefore
from app.http.admission import Admission
from app.settings import AdmissionLimits, Settings

LIMITS = AdmissionLimits(pass_s=0.04, persist_s=0.2, in_flight=64)
SLOW_S, FAST_S = 0.06, 0.01


class Worker:
    """A loop whose passes take as long as a test says."""

    def __init__(self, in_flight: int = LIMITS.in_flight) -> None:
        settings = Settings(database_url="", master_key=b"", admission=LIMITS)
        self.queue = SimpleNamespace(is_crowded=False)
        self.service: Any = SimpleNamespace(
            settings=settings, in_flight=in_flight, log=SimpleNamespace(queues=[self.queue])
        )
        self.now = 100.0
        self.newcomers = in_flight
        """At each pass; in the place of others that are answered."""
        self.admission = Admission(cast("Any", self.service), lambda: self.now)

    def admits(self, *, is_safe: bool = True) -> bool:
        try:
            self.admission.require_room(is_safe=is_safe)
        except TooManyBefore:
            return False
        return True

    async def passes(self, seconds: float) -> bool:
        """A pass with newcomers; whether its first one was admitted."""
        first, *_ = [self.admits() for _ in range(self.newcomers)]
        self.now += seconds
        if self.admission._began is not None:
            self.admission._passed()
        return first


@pytest.fixture(autouse=True)
def _no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test says when the loop comes round."""

    def measure(admission: Admission, now: float) -> None:
        admission._began = now

    monkeypatch.setattr(Admission, "_measure", measure)


async def overloaded() -> Worker:
    """Of 300 requests at work, of which some come and go at each pass."""
    worker = Worker(in_flight=300)
    worker.newcomers = 50
    while await worker.passes(SLOW_S):
        assert worker.now < 101.0
    return worker


async def test_slow_passes_refuse_once_they_persist() -> None:
    worker = Worker()
    admitted = [await worker.passes(SLOW_S) for _ in range(8)]
    # (The first one says since when; those after it add up to 0.2 s.)
    assert admitted == [True] * 5 + [False] * 3


async def test_one_long_pass_refuses_nobody() -> None:
    worker = Worker()
    assert await worker.passes(3.0)
    assert await worker.passes(FAST_S)
    assert await worker.passes(3.0)
    assert worker.admits()


async def test_as_many_are_admitted_as_a_pass_can_serve_in_its_time() -> None:
    worker = await overloaded()
    assert worker.admission._most == pytest.approx(300 * LIMITS.pass_s / SLOW_S)
    worker.admission._newcomers = 300
    worker.service.in_flight = 199
    assert worker.admits()
    worker.service.in_flight = 200
    assert not worker.admits()


async def test_fast_passes_admit_more_at_each() -> None:
    worker = await overloaded()
    worker.service.in_flight = 200
    limits = []
    worker.newcomers = 200
    for _ in range(3):
        await worker.passes(FAST_S)
        limits.append(round(worker.admission._most))
    assert limits == [400, 800, 800]


async def test_after_a_pause_all_are_admitted() -> None:
    worker = await overloaded()
    worker.service.in_flight = 10
    await worker.passes(SLOW_S)
    worker.now += LIMITS.persist_s + 0.001
    worker.service.in_flight = 1_000
    assert worker.admits()


async def test_a_flood_that_is_kept_out_does_not_come_in_at_a_short_gap() -> None:
    worker = await overloaded()
    worker.service.in_flight = 10
    await worker.passes(SLOW_S)
    worker.service.in_flight = 1_000
    assert not worker.admits()


async def test_those_who_wait_for_something_else_take_nobodys_place() -> None:
    worker = Worker(in_flight=5_000)
    worker.newcomers = 1
    for _ in range(10):
        await worker.passes(FAST_S)  # (since they came)
    assert all([await worker.passes(SLOW_S) for _ in range(50)])


async def test_few_requests_are_admitted_however_slow_the_passes_are() -> None:
    worker = Worker(in_flight=LIMITS.in_flight - 1)
    assert all([await worker.passes(SLOW_S) for _ in range(20)])


@pytest.mark.parametrize("others", [[], [False]], ids=["alone", "beside one with room"])
async def test_commands_are_refused_if_all_their_queues_are_long(others: list[bool]) -> None:
    worker = Worker(in_flight=0)
    worker.queue.is_crowded = True
    worker.service.log.queues += [SimpleNamespace(is_crowded=each) for each in others]
    assert worker.admits(is_safe=False) == bool(others)
    assert worker.admits(is_safe=True)


async def test_a_loop_that_comes_round_is_measured_while_there_is_much_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    worker = Worker()
    assert worker.admits()
    for _ in range(3):
        began = worker.admission._began
        worker.now += 1.0
        while worker.admission._began == began:
            await asyncio.sleep(0.001)
        assert worker.admission._began == worker.now
    worker.service.in_flight = 0
    worker.now += 1.0
    while worker.admission._began is not None:
        await asyncio.sleep(0.001)
