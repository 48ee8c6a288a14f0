"""The connection to PostgreSQL is cut before each message of a command, in both directions.

Whatever was cut, and whatever the client was told: after it has asked again with the same key, the
log has the command's events once.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from msgspec.structs import replace
from support import database
from support.in_process import PASSWORD, running
from support.message_proxy import MessageProxy, message_proxy
from support.patience import patient
from support.service_process import free_port

from app.maintenance import users
from app.maintenance.store import Connection
from app.settings import Settings

CHAT = "/api/v1/ChatSession"
LEAST_MESSAGES = 6
"""Bind, execute, sync, and what comes back."""
MAX_MESSAGES = 300
"""No command sends and gets so many."""


@pytest.fixture
async def between(database_url: str) -> AsyncIterator[MessageProxy]:
    async with message_proxy(database.service_url(database_url), free_port()) as made:
        yield made


@asynccontextmanager
async def calling(
    between: MessageProxy,
    owner: asyncpg.Connection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[httpx.AsyncClient]:
    """Calls a service whose only statements are those of commands, as one who is known already."""
    await users.add(Connection(owner), "kim", ["SystemAdministrator"], PASSWORD)
    monkeypatch.setattr("app.main._watches", lambda *_: iter(()))
    through = replace(
        settings, database_url=between.url, store_deadline_s=patient(0.3), credential_ttl_s=3600.0
    )
    async with running(through) as (made, _):
        made.auth = httpx.BasicAuth("kim", PASSWORD)
        yield made


class Command:
    """A command that can be sent again and again, each time as another one."""

    def __init__(self, client: httpx.AsyncClient, method: str, path: str, body: Any) -> None:
        self._client = client
        self._method, self._path, self._body = method, path, body

    async def send(self, key: str) -> httpx.Response:
        body = (
            [_named(part, key) for part in self._body]
            if isinstance(self._body, list)
            else _named(self._body, key)
        )
        headers = {"Idempotency-Key": key}
        return await self._client.request(self._method, self._path, json=body, headers=headers)

    async def send_until_done(self, key: str) -> httpx.Response:
        while (answer := await self.send(key)).status_code in (409, 503):
            assert "Retry-After" in answer.headers
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer


def _named(body: dict[str, Any], key: str) -> dict[str, Any]:
    """A body with a text of its own."""
    return {name: value or key for name, value in body.items()}


async def command_of(client: httpx.AsyncClient, kind: str) -> Command:
    """A POST, a PATCH, a batch that is done as a whole, or a message in a chat."""
    match kind:
        case "post":
            return Command(client, "POST", "/ai/sessions", {"purpose": None})
        case "patch":
            made = await client.post("/ai/sessions", json={"purpose": "before"})
            return Command(client, "PATCH", f"/ai/sessions/{made.json()['id']}", {"purpose": None})
        case "batch":
            three = [{"purpose": None}] * 3
            return Command(client, "POST", "/api/NewAISession[]?atomic=true", three)
        case _:
            made = await client.post(CHAT, json={"CustomerAlias": "Kim"})
            path = f"{CHAT}/{made.json()['ChatSessionId']}/Messages"
            return Command(
                client, "POST", path, {"Type": "ToUser", "Author": "Kim", "Message": None}
            )


async def events(owner: asyncpg.Connection) -> int:
    return int(await owner.fetchval("SELECT count(*) FROM stored_events"))


@pytest.mark.parametrize(
    ("kind", "lasting"),
    [
        *(("post", False), ("patch", False), ("batch", False), ("chat", False)),
        *(
            ("post", True),
            ("batch", True),
        ),  # (each try of these takes the service's whole patience)
    ],
    ids=lambda each: {False: "once", True: "until asked again"}.get(each, each),
)
async def test_each_command_is_done_once_wherever_its_connection_is_cut(
    between: MessageProxy,
    owner: asyncpg.Connection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    lasting: bool,
) -> None:
    async with calling(between, owner, settings, monkeypatch) as client:
        command = await command_of(client, kind)
        before = await events(owner)
        await command.send_until_done(uuid4().hex)
        each, number = await events(owner) - before, 0
        while between.cuts or number == 0:
            number += 1
            assert number < MAX_MESSAGES
            await command.send_until_done(uuid4().hex)  # on connections that are well
            before, key = await events(owner), uuid4().hex
            between.cut_before(number, lasting=lasting)
            told = await command.send(key)
            between.pass_all()
            assert told.status_code in (200, 409, 503), told.text
            done = await command.send_until_done(key)
            again = await command.send_until_done(key)
            assert again.headers["Idempotent-Replayed"] == "true"
            assert again.content == done.content
            assert await events(owner) == before + each, number
        assert number > LEAST_MESSAGES
