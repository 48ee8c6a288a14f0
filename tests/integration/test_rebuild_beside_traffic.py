"""`rebuild` goes on beside commands, readers, other rebuilds and `verify`."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from support import given
from support.beside import silent
from support.database import ONE_PARTITION
from support.deep import deepen_ai
from support.rebuilt import a_few_of_each, fresh_tables, oids

from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.log.read import heads
from app.maintenance.store import Connection, connected
from app.maintenance.swaps import without_swaps
from app.rebuild import moved, swap
from app.rebuild import rebuild as rebuilding
from app.rebuild.rebuild import named, rebuild
from app.rebuild.swap import RebuildUnderWay, ViewInUse
from app.service import Service
from domain.account import RenameAccount
from domain.chat.session import DeleteChatSession
from domain.ids import AccountId, StreamId


async def caller(service: Service, number: int, stop: asyncio.Event) -> int:
    """One who gives all kinds of commands, and reads what they did, until told to stop."""
    account = f"account {number}"
    await given.open_account(service, account)
    done = 0
    while not stop.is_set():
        opened = await given.open_ai_session(service, account=account)
        session = given.session_of(opened)
        patched = await given.patch_ai_session(service, session, f"purpose {done}")
        row = await service.views.get("ai_session", patched.folded.stream)
        assert row is not None
        assert row.folded == patched.folded
        chat = await given.open_chat_session(service)
        if done % 3 == 0:
            await given.delete_ai_session(service, session)
            delete = DeleteChatSession(chat_session_id=chat.folded.state.chat_session_id)
            await service.commands.handle(delete, given.call())
        rename = RenameAccount(account_id=AccountId(account), name=f"name {done}")
        await service.commands.handle(rename, given.call())
        done += 1
    return done


async def test_no_command_fails_while_views_are_rebuilt(
    service: Service, other_service: Service, store: Connection, keyring: Keyring
) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        callers = [
            tasks.create_task(caller((service, other_service)[number % 2], number, stop))
            for number in range(8)
        ]
        for _ in range(4):
            rebuilt = await rebuild(store, keyring, named(()), silent)
            assert set(rebuilt.mended.values()) == {0}
        stop.set()
    assert min(task.result() for task in callers) > 0
    assert await verify(store, keyring, silent) == []
    deadlocks = await store.ask(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert deadlocks[0][0] == 0


@pytest.mark.parametrize("deep", [1, 1_000])
@ONE_PARTITION
async def test_what_is_appended_behind_the_scan_is_taken_up(
    service: Service,
    store: Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    deep: int,
) -> None:
    await a_few_of_each(service)
    compare = rebuilding._Run._compare

    async def compare_late(*arguments: Any) -> Any:
        await a_few_of_each(service, "a2")
        compared = await compare(*arguments)
        await a_few_of_each(service, "a3")
        return compared

    monkeypatch.setattr(moved, "PAGE_EVENTS", 3)
    monkeypatch.setattr(moved, "DEEP_EVENTS", deep)
    monkeypatch.setattr(rebuilding._Run, "_compare", compare_late)
    rebuilt = await rebuild(store, keyring, named(()), silent)
    assert rebuilt.rows["chat_session_entity"] == 15
    (head,) = await heads(store)
    assert set(rebuilt.events.values()) == {head.position}
    assert set(rebuilt.mended.values()) == {0}
    assert await verify(store, keyring, silent) == []


@ONE_PARTITION
async def test_a_swap_reads_what_is_new_of_a_deep_stream(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who appends waits for it."""
    session = given.session_of(await given.open_ai_session(service))
    await deepen_ai(owner, StreamId(UUID(session)), 3_000)
    compare, swapped, ask = rebuilding._Run._compare, rebuilding._Run._swap, store.ask
    rows = 0

    async def compare_late(*arguments: Any) -> Any:
        await given.patch_ai_session(service, session, "before the comparison")
        return await compare(*arguments)

    async def swapped_late(*arguments: Any) -> Any:
        nonlocal rows
        await given.patch_ai_session(service, session, f"before a swap {rows}")
        rows = 0
        return await swapped(*arguments)

    async def counted(sql: str, *arguments: object) -> Any:
        nonlocal rows
        found = await ask(sql, *arguments)
        rows += len(found)
        return found

    monkeypatch.setattr(rebuilding._Run, "_compare", compare_late)
    monkeypatch.setattr(rebuilding._Run, "_swap", swapped_late)
    monkeypatch.setattr(store, "ask", counted)
    await rebuild(store, keyring, named(()), silent)
    assert rows < 20
    assert await verify(store, keyring, silent) == []


async def test_of_two_rebuilds_at_once_one_is_refused(
    service: Service,
    store: Connection,
    database_url: str,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(swap, "TAKEN_OVER_S", 0.0)
    await a_few_of_each(service)
    async with connected(database_url) as other:
        both = await asyncio.gather(
            rebuild(store, keyring, named(()), silent),
            rebuild(other, keyring, named(()), silent),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in both) == ["RebuildUnderWay", "Rebuilt"]
        assert await verify(other, keyring, silent) == []
        await rebuild(other, keyring, named(()), silent)


async def test_a_rebuild_is_refused_while_views_are_verified(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(swap, "TAKEN_OVER_S", 0.0)
    await a_few_of_each(service)
    async with without_swaps(Connection(owner)):
        with pytest.raises(RebuildUnderWay):
            await rebuild(store, keyring, named(()), silent)
        assert await verify(store, keyring, silent) == []
    await rebuild(store, keyring, named(()), silent)


async def test_a_view_in_use_stays_as_it_was_and_holds_nobody_up(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(swap, "LOCK_WAITS_MS", (20, 20))
    monkeypatch.setattr(swap, "PAUSE_S", 0.05)
    await a_few_of_each(service)
    before = await oids(owner)
    async with owner.transaction():
        await owner.execute("LOCK TABLE ai_session_info IN ACCESS SHARE MODE")
        with pytest.raises(ViewInUse, match="ai_session_info"):
            await rebuild(store, keyring, named(["ai_session_info"]), silent)
        await given.open_ai_session(service)
    assert await oids(owner) == before
    assert await fresh_tables(owner) == []
    assert await verify(store, keyring, silent) == []


@ONE_PARTITION
async def test_a_swap_is_tried_again(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await a_few_of_each(service)
    reading = owner.transaction()
    await reading.start()
    await owner.execute("LOCK TABLE ai_session_info IN ACCESS SHARE MODE")

    async def finish_reading(_pause_s: float) -> None:
        await given.open_ai_session(service)
        await reading.commit()

    monkeypatch.setattr("app.rebuild.swap.asyncio.sleep", finish_reading)
    rebuilt = await rebuild(store, keyring, named(["ai_session_info"]), silent)
    monkeypatch.undo()
    assert rebuilt.rows == {"ai_session_info": 5}
    assert await verify(store, keyring, silent) == []
