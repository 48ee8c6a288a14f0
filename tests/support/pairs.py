"""Clients that write and then read: no answer may be older than the client's own write."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import chain, count, cycle
from uuid import uuid4

import httpx
from msgspec import Struct

from support.patience import patient
from support.service_process import ADMIN

CLIENTS = 32
SESSIONS = "/ai/sessions"
ANSWERED_S = 60.0
"""Within this a request must be answered, after all retries."""


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
        async with connected(self._base_url) as writer, connected(self._base_url) as reader:
            await answered(writer, "POST", "/accounts", {"id": account, "name": account})
            made = {"accountId": account, "purpose": "none"}
            opened = await answered(writer, "POST", SESSIONS, made)
            path = f"{SESSIONS}/{opened.json()['id']}"
            for number, kind in enumerate(chain(READS, cycle(MORE))):
                if next(self._left) < 0:
                    return
                purpose = f"{account} {number}"
                done = await answered(writer, "PATCH", path, {"purpose": purpose})
                written = Written(account, opened.json()["id"], purpose, done.headers)
                if not await READS[kind](reader, written):
                    self.older.append(f"{kind}: {purpose} at {written.position}")
                self.read[kind] += 1


class Written(Struct, frozen=True):
    """A write that was answered."""

    account: str
    session: str
    purpose: str
    headers: httpx.Headers

    @property
    def position(self) -> str:
        """Its own in the log."""
        return self.headers["X-Log-Position"]


def connected(base_url: str) -> httpx.AsyncClient:
    """One connection of the administrator."""
    limits = httpx.Limits(max_connections=1)
    return httpx.AsyncClient(base_url=base_url, auth=ADMIN, timeout=patient(60.0), limits=limits)


async def answered(
    client: httpx.AsyncClient, method: str, path: str, body: object = None, seen: str | None = None
) -> httpx.Response:
    """The answer to a request, which is sent again until it is done. `seen`: a position."""
    headers = {"Idempotency-Key": uuid4().hex} if method != "GET" else {}
    if seen is not None:
        headers["X-Log-Position"] = seen
    async with asyncio.timeout(patient(ANSWERED_S)):
        while True:
            with suppress(httpx.TransportError):  # a connection that was closed meanwhile
                answer = await client.request(method, path, json=body, headers=headers)
                if answer.status_code == 200:
                    return answer
                assert answer.status_code in (409, 503), answer.text
                assert "Retry-After" in answer.headers
            await asyncio.sleep(0.05)


async def _listed(reader: httpx.AsyncClient, written: Written, more: str, seen: str | None) -> bool:
    path = f"{SESSIONS}?accountIds={written.account}{more}"
    found = await answered(reader, "GET", path, seen=seen)
    return [each["purpose"] for each in found.json()["items"]] == [written.purpose]


async def _in_list(reader: httpx.AsyncClient, written: Written) -> bool:
    return await _listed(reader, written, "", None)


async def _in_list_by_position(reader: httpx.AsyncClient, written: Written) -> bool:
    return await _listed(reader, written, "", written.position)


async def _in_past_list(reader: httpx.AsyncClient, written: Written) -> bool:
    """As of the write: the standby's histories must go that far."""
    return await _listed(reader, written, f"&asOf={written.position}", written.position)


async def _in_history(reader: httpx.AsyncClient, written: Written) -> bool:
    version = int(written.headers["ETag"].strip('"'))
    path = f"/audit/sessions/{written.session}/history?after={version - 1}"
    found = await answered(reader, "GET", path, seen=written.position)
    return [each["version"] for each in found.json()["events"]] == [version]


async def _as_event(reader: httpx.AsyncClient, written: Written) -> bool:
    found = await answered(reader, "GET", f"/audit/events/{written.position}")
    return bool(found.json()["sessionId"] == written.session)


async def _in_search(reader: httpx.AsyncClient, written: Written) -> bool:
    found = await answered(reader, "GET", "/audit/events?limit=1&type=ai_session.patched.v1")
    newest: int = found.json()["events"][0]["position"]
    return newest >= int(written.position.rpartition(":")[2])


_Shows = Callable[[httpx.AsyncClient, Written], Awaitable[bool]]
READS: dict[str, _Shows] = {
    "list": _in_list,
    "list, with the position": _in_list_by_position,
    "history": _in_history,
    "event": _as_event,
    "past list": _in_past_list,
    "search": _in_search,
}
"""Kinds of reads, each by whether its answer shows a write."""
MORE = [*[kind for kind in READS if kind not in ("past list", "search")] * 10, *READS]
"""After one of each: mostly those that need not wait for a follower of the log."""
