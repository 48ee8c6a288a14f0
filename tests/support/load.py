"""Clients that go on until each command is answered, and look at every answer on the way."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path

import httpx

from support.ledger import Ledger, ledger
from support.patience import patient
from support.service_process import ADMIN

PATIENCE_S = 5.0
"""What an answer may take while the database is gone; the service gives up after 1.5 s.

On a quiet machine: `patient` says how long on this one.
"""
ANSWERED_S = 60.0
"""Within this a command must be answered, after all retries."""
COMMANDS = 4
"""Of a session: it is made, and changed so often but once. (Clients' first ones differ.)"""
FACES = (
    ("/ai/sessions", "purpose", "id", "PATCH"),
    ("/api/v1/ChatSession", "CustomerAlias", "ChatSessionId", "PUT"),
)
"""Where sessions are made, the member that holds a text, the id's, and how they are changed."""


class Load:
    """Clients at work."""

    def __init__(self, base_url: str, ledger: Ledger, name: str) -> None:
        """Use `load`."""
        self._base_url = base_url
        self._ledger = ledger
        self._name = name
        self._going_on = True
        self.acknowledged = 0
        self.replayed = 0
        self.slowest_s = 0.0
        self.answers: Counter[str] = Counter()
        self.broken: list[str] = []
        """Answers that no client should ever get."""

    async def acknowledge_more(self, count: int) -> None:
        """Wait until so many more commands were acknowledged."""
        enough, deadline = self.acknowledged + count, time.monotonic() + patient(ANSWERED_S)
        while self.acknowledged < enough:
            assert time.monotonic() < deadline, f"nothing goes on: {self.answers}"
            await asyncio.sleep(0.005)

    async def work(self, number: int) -> None:
        """One client: makes sessions on both faces and changes them, one command after another."""
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(
            base_url=self._base_url, auth=ADMIN, timeout=patient(60.0), limits=limits
        ) as client:
            # Clients of equal pace would all be at the same step: at a kill, none makes a session.
            nth, commands = 0, 1 + number % COMMANDS
            for collection, member, name, change in cycle(FACES):
                keys = [f"{self._name} {number}-{nth + more}" for more in range(commands)]
                nth, commands = nth + commands, COMMANDS
                made = await self._command(client, "POST", collection, member, keys[0])
                if made is not None:
                    path = f"{collection}/{made.json()[name]}"
                    for key in keys[1:]:
                        await self._command(client, change, path, member, key)
                if not self._going_on:
                    return

    def stop(self) -> None:
        """Let each client finish what it began."""
        self._going_on = False

    async def _command(
        self, client: httpx.AsyncClient, method: str, path: str, member: str, key: str
    ) -> httpx.Response | None:
        """The answer; None: it is one that no client should get, and is not asked for again."""
        self._ledger.intend(key)
        headers = {"Idempotency-Key": key}
        deadline = time.monotonic() + patient(ANSWERED_S)
        while True:
            sent = time.monotonic()
            try:
                answer = await client.request(method, path, json={member: key}, headers=headers)
            except httpx.TransportError as error:
                self.answers[type(error).__name__] += 1
            else:
                if not self._is_expected(answer, time.monotonic() - sent):
                    return None
                if answer.status_code == 200:
                    version = int(answer.headers["ETag"].strip('"'))
                    partition, _, position = answer.headers["X-Log-Position"].partition(":")
                    self._ledger.acknowledge(key, version, int(position), int(partition))
                    self.acknowledged += 1
                    self.replayed += "Idempotent-Replayed" in answer.headers
                    return answer
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} is not answered: {self.answers}")
            await asyncio.sleep(0.05)

    def _is_expected(self, answer: httpx.Response, took_s: float) -> bool:
        self.answers[str(answer.status_code)] += 1
        self.slowest_s = max(self.slowest_s, took_s)
        match answer.status_code:
            case 200:
                return True
            case 503 | 409 if "Retry-After" in answer.headers:
                return True
            case _:
                self.broken.append(f"{answer.request.method} {answer.status_code} {answer.text}")
                return False


@asynccontextmanager
async def load(base_url: str, book: Path, clients: int, name: str) -> AsyncIterator[Load]:
    """Clients at work for as long as the block lasts; at its end all were answered.

    What they do is in the ledger `book`, under keys that begin with `name`.
    """
    with ledger(book) as lines:
        work = Load(base_url, lines, name)
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(work.work(number))
            try:
                yield work
            finally:
                work.stop()
