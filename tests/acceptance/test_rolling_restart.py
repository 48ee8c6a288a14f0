"""Two services over one log are restarted in turn: who retries once at the other sees no error.

TEST_ROLLING_RESTARTS says how often each is restarted.
"""

import asyncio
import os
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, STOPS_S, ServiceProcess, data_directory, end, with_log

RESTARTS = int(os.environ.get("TEST_ROLLING_RESTARTS", "1"))
CLIENTS = 4


@pytest.fixture
def pair() -> Iterator[tuple[ServiceProcess, ServiceProcess]]:
    """Two services on one data directory, which wait a moment before they close."""
    with data_directory() as folder:
        data_dir = with_log(folder / "data")
        one, two = (ServiceProcess(data_dir, "--drain-delay=0.5") for _ in range(2))
        begun = []
        try:
            for each in (one, two):
                begun.append(each)
                each.start()
            yield one, two
            for each in begun:
                assert each.stop() == 0, each.log
        finally:
            for each in begun:
                if each.process.poll() is None:
                    each.kill()
            end(one)


class Clients:
    """Send commands to the two by turns, and each at most once more to the other."""

    def __init__(self, pair: tuple[ServiceProcess, ServiceProcess]) -> None:
        self.pair = pair
        self.going_on = True
        self.answered = self.retried = 0

    async def work(self, number: int) -> None:
        async with httpx.AsyncClient(auth=ADMIN, timeout=patient(30.0)) as client:
            turn = number
            while self.going_on:
                turn += 1
                answer = await self._command(client, turn)
                assert answer.status_code == 200, answer.text
                self.answered += 1

    async def _command(self, client: httpx.AsyncClient, turn: int) -> httpx.Response:
        urls = [f"{self.pair[(turn + more) % 2].base_url}/ai/sessions" for more in range(2)]
        headers = {"Idempotency-Key": f"{uuid4()}"}
        try:
            answer = await client.post(urls[0], json={"purpose": "x"}, headers=headers)
            if answer.status_code != 503:
                return answer
        except httpx.TransportError:
            pass
        self.retried += 1
        return await client.post(urls[1], json={"purpose": "x"}, headers=headers)


async def test_who_retries_once_sees_no_error(pair: tuple[ServiceProcess, ServiceProcess]) -> None:
    clients = Clients(pair)
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(clients.work(number))
        for _ in range(RESTARTS):
            for each in pair:
                each.process.terminate()
                assert await asyncio.to_thread(each.process.wait, patient(STOPS_S)) == 0, each.log
                await asyncio.to_thread(each.start)
        clients.going_on = False
    assert clients.retried > 0
    owner = await asyncpg.connect(pair[0].database_url)
    stored = await owner.fetchval(
        "SELECT count(*) FROM stored_events WHERE topic LIKE 'ai_session%'"
    )
    await owner.close()
    assert stored == clients.answered
