"""Five times as many commands as a worker gets done, over real sockets.

Whoever is refused is told when to come again, and sooner than others are served; meanwhile the
service goes on to serve. `python -m benchmarks overload` measures by how much.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import asyncpg
import pytest
from support.flood import flood
from support.patience import patient
from support.service_process import ServiceProcess
from support.service_process import service as running_service

from app.settings import Settings

TIMES = 5
MOST = Settings(database_url="", master_key=b"").most_in_flight
PEAK_CALLERS, PEAK_S, FLOOD_S = 64, 2.0, 4.0
LEAST_GOODPUT = 0.1
"""Of the peak. (The callers of the flood take their part of the same cores, and there are more.)"""
PAUSE_S = 2.0
"""Of a caller, at most: a connection that is idle for 5 s is closed."""
REFUSED_WITHIN_S = 2.0
"""Any of them; half of them come within a small part of it."""


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    """A service with one worker."""
    with running_service() as started:
        yield started


def looks(port: int, until: asyncio.Event) -> list[tuple[int, float]]:
    """The status and the seconds of each look at readiness, one after another."""
    found = []
    asked = HTTPConnection("127.0.0.1", port, timeout=patient(30.0))
    try:
        while not until.is_set():
            begun = time.monotonic()
            asked.request("GET", "/health/ready")
            answer = asked.getresponse()
            answer.read()
            found.append((answer.status, time.monotonic() - begun))
            time.sleep(0.05)
    finally:
        asked.close()
    return found


async def test_refusals_are_quick_and_say_when_to_come_again_and_the_work_goes_on(
    service: ServiceProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    peak = await flood(service.port, PEAK_CALLERS, 0, PEAK_S)
    callers, over = TIMES * MOST, asyncio.Event()
    looking = asyncio.create_task(asyncio.to_thread(looks, service.port, over))
    pause_s = min(PAUSE_S, callers / (TIMES * peak.rate))
    told = await flood(service.port, callers, pause_s, FLOOD_S + 2 * MOST / peak.rate)
    over.set()
    looked = await looking
    with capsys.disabled():
        sys.stdout.write(
            f"\n{told.rate:.0f} commands a second of {peak.rate:.0f} at best; a half took "
            f"{told.done_s:.3f} s; {told.refused} refused, a half within {told.refused_s:.3f} s, "
            f"all within {told.slowest_refusal_s:.3f} s\n"
        )
    assert (told.refused_wrongly, told.lost) == ([], 0)
    assert told.refused > 0
    assert told.refused_s < told.done_s
    assert told.slowest_refusal_s < patient(REFUSED_WITHIN_S)
    assert told.rate > LEAST_GOODPUT * peak.rate
    assert {status for status, _ in looked} == {200}
    assert max(seconds for _, seconds in looked) < patient(REFUSED_WITHIN_S)
    owner = await asyncpg.connect(service.database_url)
    stored = await owner.fetchval(
        "SELECT count(*) FROM stored_events WHERE topic LIKE 'ai_session.%'"
    )
    await owner.close()
    done = peak.done + told.done
    assert done <= stored <= done + told.refused
