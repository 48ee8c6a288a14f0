"""Clients that write and then read: no answer may be older than the client's own write."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count, cycle

import httpx

from support.patience import patient
from support.service_process import ADMIN

CLIENTS = 32
SESSIONS = "/ai/sessions"


class Pairs:
    """So many pairs of a write and a read, by several clients; each has an account of its own.

    A client writes on one connection and reads on another: most often, that is another worker.
    """

    def __init__(self, base_url: str, pairs: int, name: str) -> None:
        """Nothing is sent yet. `name`: that of its accounts begins with it."""
        self._base_url = base_url
        self._pairs = pairs
        self._name = name
        self._left = count(pairs - 1, -1)
        self.read: Counter[str] = Counter()
        """How often each kind of read was answered."""
        self.older: list[str] = []
        """Reads whose answer lacked the write before."""

    async def work(self) -> None:
        """Carry all of them out."""
        async with asyncio.TaskGroup() as group:
            for number in range(min(CLIENTS, self._pairs // len(READS))):
                group.create_task(self._client(f"{self._name}-{number}"))

    async def _client(self, account: str) -> None:
        options = {"base_url": self._base_url, "auth": ADMIN, "timeout": patient(60.0)}
        async with httpx.AsyncClient(**options) as writer, httpx.AsyncClient(**options) as reader:
            made = await writer.post("/accounts", json={"id": account, "name": account})
            assert made.status_code == 200, made.text
            opened = await writer.post(SESSIONS, json={"accountId": account, "purpose": "none"})
            session = opened.json()["id"]
            for number, (kind, shows) in enumerate(cycle(READS.items())):
                if next(self._left) < 0:
                    return
                written = f"{account} {number}"
                done = await writer.patch(f"{SESSIONS}/{session}", json={"purpose": written})
                assert done.status_code == 200, done.text
                if not await shows(reader, account, session, written, done.headers):
                    self.older.append(f"{kind}: {written}")
                self.read[kind] += 1


async def _listed(
    reader: httpx.AsyncClient, account: str, written: str, query: str = "", **headers: str
) -> bool:
    listed = await reader.get(f"{SESSIONS}?accountIds={account}{query}", headers=headers)
    assert listed.status_code == 200, listed.text
    return [each["purpose"] for each in listed.json()["items"]] == [written]


async def _in_list(
    reader: httpx.AsyncClient, account: str, _session: str, written: str, _: httpx.Headers
) -> bool:
    return await _listed(reader, account, written)


async def _in_list_by_position(
    reader: httpx.AsyncClient, account: str, _session: str, written: str, done: httpx.Headers
) -> bool:
    return await _listed(reader, account, written, **{"X-Log-Position": done["X-Log-Position"]})


async def _in_past_list(
    reader: httpx.AsyncClient, account: str, _session: str, written: str, done: httpx.Headers
) -> bool:
    """As of the write: the standby's histories must go that far."""
    position = done["X-Log-Position"]
    asked = {"X-Log-Position": position}
    while True:
        try:
            return await _listed(reader, account, written, f"&asOf={position}", **asked)
        except AssertionError as error:
            if "events behind that moment" not in str(error):  # a follower is not there yet
                raise


async def _in_history(
    reader: httpx.AsyncClient, _account: str, session: str, written: str, done: httpx.Headers
) -> bool:
    version = int(done["ETag"].strip('"'))
    found = await reader.get(
        f"/audit/sessions/{session}/history?after={version - 1}",
        headers={"X-Log-Position": done["X-Log-Position"]},
    )
    assert found.status_code == 200, found.text
    return [each["version"] for each in found.json()["events"]] == [version]


async def _in_log(
    reader: httpx.AsyncClient, _account: str, session: str, written: str, done: httpx.Headers
) -> bool:
    found = await reader.get(f"/audit/events/{done['X-Log-Position']}")
    return found.status_code == 200 and found.json()["sessionId"] == session


_Shows = Callable[[httpx.AsyncClient, str, str, str, httpx.Headers], Awaitable[bool]]
READS: dict[str, _Shows] = {
    "list": _in_list,
    "list, with the position": _in_list_by_position,
    "past list": _in_past_list,
    "history": _in_history,
    "event": _in_log,
}
"""Kinds of reads, each by whether its answer shows a write."""
