"""Several worker processes over one log: every read sees every acknowledged write."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, no_difference
from support.service_process import service as running_service

CONNECTIONS = 64
CHAT = "/api/v1/ChatSession"
GETS = re.compile(
    r'^sessionary_requests_total\{face="evo",operation="GetAccount",status="2xx"\} (\S+)$',
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def pair() -> Iterator[ServiceProcess]:
    """A service with two workers."""
    with running_service("--workers=2") as served:
        yield served
        assert served.stop() == 0, served.log


@pytest.fixture(scope="module")
async def clients(pair: ServiceProcess) -> AsyncIterator[Sequence[httpx.AsyncClient]]:
    """One connection each, open from the first request on; the kernel picks its worker."""
    one = httpx.Limits(max_connections=1)
    made = [
        httpx.AsyncClient(base_url=pair.base_url, auth=ADMIN, limits=one, timeout=patient(60.0))
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(client.get("/health/live") for client in made))
    yield made
    for client in made:
        await client.aclose()


def position(answer: httpx.Response) -> int:
    """Where a command's event went."""
    assert answer.status_code == 200, answer.text
    return int(answer.headers["X-Log-Position"].removeprefix("0:"))


async def user(clients: Sequence[httpx.AsyncClient], number: int) -> list[int]:
    """Make, change and read two sessions, each step over another connection; the positions."""
    turns = (clients[(number * 7 + step * 13) % CONNECTIONS] for step in range(1_000))
    opened = await next(turns).post("/ai/sessions", json={"purpose": "0"})
    session, positions = f"/ai/sessions/{opened.json()['id']}", [position(opened)]
    started = await next(turns).post(CHAT, json={"CustomerName": "0"})
    chat = f"{CHAT}/{started.json()['ChatSessionId']}"
    positions.append(position(started))
    for version in range(2, 5):
        text = f"{number}-{version}"
        patched = await next(turns).patch(session, json={"purpose": text})
        replaced = await next(turns).put(chat, json={"CustomerName": text})
        positions += [position(patched), position(replaced)]
        for path, answer in ((session, patched), (chat, replaced)):
            assert answer.headers["ETag"] == f'"{version}"'
            read = await next(turns).get(path)
            assert (read.status_code, read.content) == (200, answer.content)
            assert read.headers["ETag"] == answer.headers["ETag"]
    return positions


async def test_every_read_sees_every_acknowledged_write_through_any_worker(
    pair: ServiceProcess, clients: Sequence[httpx.AsyncClient]
) -> None:
    workers = pair.workers()
    assert len(workers) == 2
    for worker in workers:
        assert any(found.status == "ESTABLISHED" for found in worker.net_connections("tcp"))
    found = await asyncio.gather(*(user(clients, number) for number in range(CONNECTIONS)))
    positions = sorted(place for places in found for place in places)
    assert positions == list(range(positions[0], positions[0] + len(positions)))
    assert len(positions) == CONNECTIONS * 8


async def test_an_account_s_new_name_shows_through_any_worker(
    clients: Sequence[httpx.AsyncClient],
) -> None:
    first = clients[0]
    await first.post("/accounts", json={"id": "a1", "name": "0"})
    opened = await first.post("/ai/sessions", json={"accountId": "a1"})
    path = f"/ai/sessions/{opened.json()['id']}"
    for number in range(1, 4):
        await first.patch("/accounts/a1", json={"name": str(number)})
        read = await asyncio.gather(*(client.get(path) for client in clients))
        assert {answer.json()["accountName"] for answer in read} == {str(number)}


async def test_writers_of_one_session_through_any_worker_lose_no_update(
    clients: Sequence[httpx.AsyncClient],
) -> None:
    opened = await clients[0].post("/ai/sessions", json={"purpose": "0"})
    path = f"/ai/sessions/{opened.json()['id']}"
    etag = opened.headers["ETag"]
    for number in range(1, 6):
        condition = {"If-Match": etag}
        answers = await asyncio.gather(
            *(
                client.patch(path, json={"purpose": f"{number}-{nth}"}, headers=condition)
                for nth, client in enumerate(clients[:16])
            )
        )
        (won,) = [answer for answer in answers if answer.status_code == 200]
        assert {answer.status_code for answer in answers} == {200, 412}
        etag = won.headers["ETag"]
        assert (await clients[-1].get(path)).content == won.content
    assert etag == '"6"'


async def test_who_is_overtaken_too_often_may_come_again_and_nothing_is_lost(
    clients: Sequence[httpx.AsyncClient],
) -> None:
    opened = await clients[0].post("/ai/sessions")
    path = f"/ai/sessions/{opened.json()['id']}"

    async def change(client: httpx.AsyncClient, nth: int) -> list[httpx.Response]:
        bodies = ({"purpose": f"{nth}-{number}"} for number in range(20))
        return [await client.patch(path, json=body) for body in bodies]

    told = await asyncio.gather(*map(change, clients[:32], range(32)))
    answers = [answer for of_one in told for answer in of_one]
    done = [answer for answer in answers if answer.status_code == 200]
    others = [answer for answer in answers if answer.status_code != 200]
    assert others
    assert all(answer.status_code == 409 and answer.headers["Retry-After"] for answer in others)
    assert (await clients[0].get(path)).headers["ETag"] == f'"{1 + len(done)}"'


async def test_one_key_through_any_worker_makes_one_session(
    clients: Sequence[httpx.AsyncClient],
) -> None:
    for number in range(5):
        headers = {"Idempotency-Key": f"key {number}"}
        body = {"purpose": "once"}
        answers = await asyncio.gather(
            *(client.post("/ai/sessions", json=body, headers=headers) for client in clients)
        )
        assert {answer.status_code for answer in answers} <= {200, 409}
        made = [answer for answer in answers if answer.status_code == 200]
        assert len({answer.content for answer in made}) == 1
        assert sum("Idempotent-Replayed" not in answer.headers for answer in made) == 1


async def test_the_log_has_no_hole_and_the_views_equal_it(pair: ServiceProcess) -> None:
    connection = await asyncpg.connect(pair.database_url)
    try:
        ((events, last),) = await connection.fetch(
            "SELECT count(*), max(notification_id) FROM stored_events"
        )
    finally:
        await connection.close()
    assert events == last
    assert await asyncio.to_thread(no_difference, pair) == []


async def test_metrics_add_up_over_the_workers(clients: Sequence[httpx.AsyncClient]) -> None:
    for _ in range(3):
        await asyncio.gather(*(client.get("/accounts/a1") for client in clients))
    texts = [(await client.get("/metrics")).text for client in clients[:16]]
    counted = {float(found) for text in texts for found in GETS.findall(text)}
    assert counted == {3.0 * CONNECTIONS}


async def test_no_worker_is_connected_as_the_owner(pair: ServiceProcess) -> None:
    owner = await asyncpg.connect(pair.database_url)
    try:
        found = await owner.fetch(
            "SELECT DISTINCT usename FROM pg_stat_activity"
            " WHERE starts_with(application_name, 'sessionary ')"
        )
    finally:
        await owner.close()
    assert [row["usename"] for row in found] == ["sessionary_service"]
    password = urlsplit(pair.database_url).password
    assert password
    for worker in pair.workers():
        assert password not in " ".join([*worker.cmdline(), *worker.environ().values()])
