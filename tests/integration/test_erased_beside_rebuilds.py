"""An erasure takes the data out of the tables of rebuilds: begun, broken off, or put aside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from support import given, tree_of
from support.beside import silent
from support.database import ONE_PARTITION
from support.erasures import CANARY, chatted, erased, everything, opened
from support.erasures import shown_by as shown
from support.histories import catch_up
from support.rebuilt import fresh_tables

from app.erasure.receipts import drafts, signed
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.proof.verifier import Unproven
from app.rebuild import runs, scan, tables
from app.rebuild.catch_up import CatchUp
from app.rebuild.rebuild import Options, named, rebuild
from app.rebuild.swap import go_back
from app.service import Service
from domain.ids import AISessionId


class Killed(BaseException):
    """Nothing is tidied up after it."""


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has few events, and a range few pages."""
    monkeypatch.setattr(scan, "PAGE_EVENTS", 3)
    monkeypatch.setattr(runs, "EVENTS_PER_RANGE", 4)


@pytest.fixture
async def sessions(service: Service) -> list[str]:
    """Sessions with canaries, in all views and their histories."""
    found = [await opened(service), await chatted(service), await opened(service)]
    await catch_up(service)
    return found


async def all_erased(service: Service, sessions: list[str]) -> None:
    for session in sessions:
        await erased(service, session)


async def require_gone(owner: asyncpg.Connection) -> None:
    assert CANARY not in await everything(owner)


async def rebuild_killed_before_catching_up(
    store: Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(CatchUp, "in_rounds", killed)
        with pytest.raises(Killed):
            await rebuild(store, keyring, named(()), silent)


async def goes_on(store: Connection, keyring: Keyring, owner: asyncpg.Connection) -> list[str]:
    """Go on with the rebuild that was broken off; returns what it says."""
    said: list[str] = []
    await rebuild(store, keyring, named(()), silent, Options(tell=said.append))
    await require_gone(owner)
    assert await verify(store, keyring, silent) == []
    return said


@ONE_PARTITION
async def test_rows_of_a_rebuild_that_was_killed_before(
    service: Service, store: Connection, keyring: Keyring, owner: asyncpg.Connection,
    sessions: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await rebuild_killed_before_catching_up(store, keyring, monkeypatch)
    rows = await owner.fetchval("SELECT count(*) FROM ai_session_info_new WHERE doc ? 'purpose'")
    assert rows == 2
    await all_erased(service, sessions)
    assert await fresh_tables(owner)
    await require_gone(owner)
    (line,) = await goes_on(store, keyring, owner)
    assert line.startswith("resumed at position ")


@ONE_PARTITION
async def test_rows_that_were_read_before_and_written_after_it(
    service: Service, store: Connection, keyring: Keyring, owner: asyncpg.Connection,
    sessions: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    write, pages = scan.Worker._write, list[int]()

    async def late(*arguments: Any) -> None:
        if not pages:
            await all_erased(service, sessions)
        pages.append(len(arguments[2].rows))
        await write(*arguments)
        if len(pages) == 2:  # the second page was read before the first one was written
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(scan.Worker, "_write", late)
        with pytest.raises(Killed):
            await rebuild(store, keyring, named(()), silent)
    assert sum(pages) > 0
    await require_gone(owner)
    assert await goes_on(store, keyring, owner)


async def test_rows_that_were_caught_up_from_before_it(
    service: Service, store: Connection, keyring: Keyring, owner: asyncpg.Connection,
    sessions: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    in_rounds, filling = CatchUp.in_rounds, tables.filling

    @asynccontextmanager
    async def late(connection: asyncpg.Connection) -> AsyncIterator[None]:
        await all_erased(service, sessions)
        async with filling(connection):
            yield
        raise Killed

    async def moved_on(*arguments: Any) -> Any:
        await given.patch_ai_session(service, AISessionId(sessions[0]), f"{CANARY} moved")
        patched.setattr(tables, "filling", late)
        return await in_rounds(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(CatchUp, "in_rounds", moved_on)
        with pytest.raises(Killed):
            await rebuild(store, keyring, named(()), silent)
    await require_gone(owner)
    assert await goes_on(store, keyring, owner)


async def test_a_receipt_is_whole_once_the_index_is_made_that_was_in_the_way(
    service: Service, store: Connection, keyring: Keyring, owner: asyncpg.Connection,
    sessions: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await rebuild_killed_before_catching_up(store, keyring, monkeypatch)
    async with owner.transaction():
        await owner.execute("LOCK TABLE ai_session_info_new IN SHARE MODE")
        done = UUID((await erased(service, sessions[0])).erasure_id)
        await tree_of.caught_up(service)
        line = await signed(service.log, service.settings, done, 0)
        with pytest.raises(Unproven, match="not in a signed checkpoint yet"):
            await shown(service, line)
        assert await drafts(service.log, [done]) == [done]
    line = await signed(service.log, service.settings, done, 0)
    assert await shown(service, line)
    assert await drafts(service.log, [done]) == []
    await all_erased(service, sessions)
    await require_gone(owner)


@pytest.mark.parametrize("is_killed", [False, True], ids=["whole", "killed"])
async def test_the_way_back_brings_nothing_back(
    service: Service, store: Connection, keyring: Keyring, owner: asyncpg.Connection,
    sessions: list[str], monkeypatch: pytest.MonkeyPatch, is_killed: bool,
) -> None:  # fmt: skip
    await rebuild(store, keyring, named(()), silent)
    views = named(["ai_session_info", "chat_session_entity"])
    if is_killed:
        with monkeypatch.context() as patched:
            patched.setattr(CatchUp, "in_rounds", killed)
            for view in views:
                with pytest.raises(Killed):
                    await go_back(store, keyring, view)
        assert len(await fresh_tables(owner)) == len(views)
    await all_erased(service, sessions)
    await require_gone(owner)
    for _ in range(2):  # the second one leads back to the rebuilt tables
        for view in views:
            await go_back(store, keyring, view)
        await require_gone(owner)
        assert await verify(store, keyring, silent) == []


async def killed(*_: Any) -> None:
    raise Killed
