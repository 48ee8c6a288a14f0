import asyncio
from typing import Any

import asyncpg
import pytest

from app.database import primary
from app.database.primary import Hosts, StalePrimary, Standing, name_of

A, B = "postgresql://u:secret@a:1/d", "postgresql://u:secret@b:2/d"
URL = "postgresql://u:secret@a:1,b:2/d"


class Server:
    """What a host answers."""

    def __init__(self, timeline: int | None) -> None:
        self.timeline = timeline
        self.hangs = False
        self.ended: list[Any] = []

    async def connect(self) -> Any:
        if self.hangs:
            await asyncio.sleep(3600)
        if self.timeline is None:
            raise asyncpg.TargetServerAttributeNotMatched
        return Connection(self)


class Connection:
    """To a host."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def fetchrow(self, *_: object, **__: object) -> dict[str, int | None]:
        return {"system": 7, "timeline": self.server.timeline}

    def add_termination_listener(self, _: object) -> None:
        pass

    def terminate(self) -> None:
        self.server.ended.append(self)


class Two:
    """Two hosts, and who connects to them as a pool does."""

    def __init__(self, a: Server, b: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.a, self.b = a, b
        self.hosts = Hosts(URL)

        async def any_of(url: str, **_: object) -> Any:
            return Connection(self._server(url))

        monkeypatch.setattr(asyncpg, "connect", any_of)
        monkeypatch.setattr(primary, "LOOK_S", 0.0)

    def _server(self, url: str) -> Server:
        return {A: self.a, B: self.b}[url]

    async def _open(self, url: str) -> Any:
        connection = await self._server(url).connect()
        await self.hosts.admit(url, connection)
        return connection

    async def connect(self) -> Any:
        return await self.hosts.connect(self._open)


async def until(true: Any) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Two:
    return Two(Server(1), Server(None), monkeypatch)


async def test_a_standby_is_passed_over_and_the_primary_tried_first(two: Two) -> None:
    two.a.timeline, two.b.timeline = None, 1
    assert (await two.connect()).server is two.b
    two.a.timeline = 1  # (as nothing tells them apart, it stays)
    assert (await two.connect()).server is two.b


async def test_a_primary_of_before_is_refused_even_when_it_alone_answers(
    two: Two, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await two.connect()).server is two.a
    two.a.timeline, two.b.timeline = None, 2
    assert (await two.connect()).server is two.b
    two.a.timeline, two.b.timeline = 1, None
    for _ in range(2):
        with pytest.raises(StalePrimary):
            await two.connect()
    assert caplog.text.count("a:1 takes writes on timeline 1, but timeline 2 was seen") == 1
    two.a.timeline = 3
    assert (await two.connect()).server is two.a


async def test_what_goes_to_a_primary_of_before_ends_when_another_is_promoted(two: Two) -> None:
    kept = await two.connect()
    two.a.hangs = True
    trying = asyncio.create_task(two.connect())
    looking = asyncio.create_task(two.hosts.keep_looking())
    await asyncio.sleep(0)
    assert not two.a.ended
    two.b.timeline = 2
    assert (await trying).server is two.b
    assert kept in two.a.ended
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


async def test_another_cluster_is_not_compared() -> None:
    assert Standing(7, 1).is_older(Standing(7, 2))
    assert not Standing(7, 2).is_older(Standing(7, 2))
    assert not Standing(7, 1).is_older(Standing(8, 2))
    assert not Standing(7, 1).is_older(None)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (A, "a:1"),
        ("postgresql://u@/d?host=%2Frun%2Fa&port=1", "/run/a:1"),
        ("postgresql:///d?host=a", "a"),
        ("postgresql:///d", "localhost"),
    ],
)
def test_a_host_is_named_without_secrets(url: str, name: str) -> None:
    assert name_of(url) == name
