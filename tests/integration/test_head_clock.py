"""A head whose time is ahead of the clock is said once, and so is when it is over."""

import asyncio
import logging

import asyncpg
import pytest
from support import given

from app.log import clock
from app.service import Service
from app.telemetry import metrics


async def set_head(owner: asyncpg.Connection, seconds: int) -> None:
    await owner.execute(
        "UPDATE log_partition SET recorded_at = now() + make_interval(secs => $1)", seconds
    )


def ahead_s() -> float:
    (line,) = [
        each
        for each in metrics.text(None).decode().splitlines()
        if each.startswith("sessionary_log_ahead_seconds ")
    ]
    return float(line.split()[1])


async def until_it_says(caplog: pytest.LogCaptureFixture, words: str) -> None:
    async with asyncio.timeout(30):
        while words not in caplog.text:
            await asyncio.sleep(0)


async def test_an_append_finds_it_out(
    service: Service,
    owner: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "_ASK_AGAIN_S", 0.0)
    caplog.set_level(logging.INFO, "sessionary")
    await given.open_ai_session(service)
    assert caplog.text == ""
    await set_head(owner, 3_600)
    for _ in range(3):
        await given.open_ai_session(service)
    await until_it_says(caplog, "ahead of the clock")
    await given.open_ai_session(service)
    assert 3_000 < ahead_s() <= 3_600
    await set_head(owner, 0)
    await given.open_ai_session(service)
    await until_it_says(caplog, "The clock has come up")
    assert ahead_s() == 0
    assert caplog.text.count("ahead of the clock") == 1


async def test_it_is_said_at_the_start(
    service: Service, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await service.log.clock.look()
    assert caplog.text == ""
    await set_head(owner, 3_600)
    for _ in range(2):
        await service.log.clock.look()
    assert caplog.text.count("s ahead of the clock") == 1


async def test_the_database_is_asked_only_when_the_time_is_suspect(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def look(_: object) -> None:
        nonlocal asked
        asked += 1

    monkeypatch.setattr(clock.HeadClock, "look", look)
    for _ in range(3):
        await given.open_ai_session(service)
    assert asked == 0
