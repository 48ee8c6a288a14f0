"""Two services on one database that a dump is restored over, and that a standby takes over."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from support import database
from support.chat_service import PATH
from support.patience import patient
from support.replaced import Replaceable, replaceable
from support.service_process import ADMIN, ServiceProcess, data_directory, end, no_difference


@asynccontextmanager
async def two_services(server_url: str, template: str) -> AsyncIterator[tuple[Any, ...]]:
    """The database, and what calls either service; ended with all they started."""
    with data_directory() as folder, ExitStack() as stack:
        async with replaceable(server_url, template) as live:
            key_file = folder / "master.key"
            database.write_master_key(key_file)
            served = [_served(folder / name, live, key_file) for name in ("a", "b")]
            for each in served:
                each.begin()
                stack.callback(end, each)
            for each in served:
                await asyncio.to_thread(each.wait_until_ready)
            yield live, served[0], *(stack.enter_context(_client(each)) for each in served)
            stack.close()


def _served(folder: Path, live: Replaceable, key_file: Path) -> ServiceProcess:
    return ServiceProcess(
        folder, *database.logins(live.url), f"--master-key-file={key_file}",
        "--allow-unsafe-database", "--workers=1",
    )  # fmt: skip


def _client(served: ServiceProcess) -> httpx.Client:
    return httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(30.0))


async def test_what_was_lost_does_not_come_back(server_url: str, template: str) -> None:
    async with two_services(server_url, template) as (live, served, a, b):
        for replace in (live.restore, live.fail_over):
            await lose_and_go_on(live, replace, a, b)
            assert no_difference(served) == []
        rebuilt = served.command("rebuild")
        assert rebuilt.returncode == 0, rebuilt.stderr
        assert "mended" not in rebuilt.stderr


async def lose_and_go_on(
    live: Replaceable, replace: Callable[[], Awaitable[None]], a: httpx.Client, b: httpx.Client
) -> None:
    """Change sessions through one service, lose that, and change them through the other first."""
    plain = a.post("/ai/sessions", json={}).json()["id"]
    chat = a.post(PATH, json={"CustomerName": "Kim", "CustomerEmail": "kim@x.example"}).json()
    number = chat["ChatSessionId"]
    await live.dump()

    for client in (a, b):  # each on new connections
        assert client.get(f"{PATH}/{number}").status_code == 200
    a.post("/accounts", json={"id": "gone", "name": "Gone"})
    lost = a.post("/ai/sessions", json={"accountId": "gone", "purpose": "lost"}).json()["id"]
    a.patch(f"/ai/sessions/{plain}", json={"purpose": "under a key that goes"})
    change(a, number, "CustomerEmail", "other@y.example")
    await replace()

    b.patch(f"/ai/sessions/{plain}", json={"purpose": "under another"})
    assert change(b, number, "CustomerName", "Sam")["CustomerEmail"] == "kim@x.example"
    found = change(a, number, "CustomerPhone", "47")
    assert (found["CustomerName"], found["CustomerEmail"]) == ("Sam", "kim@x.example")
    shown = a.patch(f"/ai/sessions/{plain}", json={"purpose": None}).json()
    assert shown["purpose"] == "under another"
    assert a.patch(f"/ai/sessions/{lost}", json={"purpose": "x"}).status_code == 404
    refused = a.post("/ai/sessions", json={"accountId": "gone"})
    assert (refused.status_code, refused.json()["responseStatus"]["errorCode"]) == (
        400, "AccountNotFound",
    )  # fmt: skip


def change(client: httpx.Client, number: int, member: str, value: str) -> dict[str, Any]:
    """A chat session after one of its members was changed."""
    answer = client.patch(
        f"{PATH}/{number}", json=[{"op": "replace", "path": f"/{member}", "value": value}]
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
