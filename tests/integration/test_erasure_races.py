"""Erasures beside appends, followers, rebuilds and a change of the master key: no key comes back.

`TEST_ERASURE_RACES=1000` for the full number.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest
from support import given
from support.beside import silent
from support.erasures import erased, everything, keys_of, opened
from support.histories import catch_up
from support.patience import patient

from app.care import rotation
from app.integrity.verify import verify
from app.log.errors import Conflict
from app.log.keyring import Keyring
from app.log.read import Head, heads, key_settings
from app.log.stream_keys import bundle
from app.maintenance.store import Connection, connected
from app.rebuild import catch_up as catching_up
from app.rebuild.rebuild import named, rebuild
from app.rebuild.swap import RebuildUnderWay
from app.service import Service, open_service
from app.settings import Settings
from domain.errors import PersonalDataGone
from domain.ids import AISessionId, StreamId

RACES = int(os.environ.get("TEST_ERASURE_RACES", "30"))
NEW = b"another master key of 32 bytes!!"


async def change_until_refused(
    worker: Service, session: str, canary: str, done: Counter[str]
) -> None:
    """Change a session again and again, until its personal data is erased."""
    while True:
        try:
            await given.patch_ai_session(
                worker, AISessionId(session), f"{canary} {done['changed']}"
            )
            done["changed"] += 1
        except PersonalDataGone:
            done["refused"] += 1
            return
        except Conflict:
            done["conflicts"] += 1


async def rebuild_again_and_again(
    database_url: str, keyring: Keyring, stop: asyncio.Event, done: Counter[str]
) -> None:
    async with connected(database_url) as store:
        while not stop.is_set():
            try:
                await rebuild(store, keyring, named(()), silent)
                done["rebuilt"] += 1
            except RebuildUnderWay:
                pass
            await asyncio.sleep(0.05)


async def follow(worker: Service, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await catch_up(worker)
        await asyncio.sleep(0)


async def race(workers: tuple[Service, Service], number: int, done: Counter[str]) -> UUID:
    """One session that both workers change while one of them erases it."""
    canary = f"canary-{number}-"
    session = await opened(workers[0], canary)
    changing = [
        asyncio.create_task(change_until_refused(worker, session, canary, done))
        for worker in workers
    ]
    await asyncio.sleep(0.005 * (number % 4))
    await erased(workers[number % 2], session)
    await asyncio.gather(*changing)
    return UUID(session)


async def test_no_key_comes_back_and_nothing_is_left(
    service: Service, settings: Settings, owner: asyncpg.Connection, database_url: str
) -> None:
    other, done, stop = await open_service(settings), Counter[str](), asyncio.Event()
    keyring = Keyring(settings.master_key)
    async with connected(database_url) as store:
        keyring.adopt(await key_settings(store))
        kept = given.session_of(await given.open_ai_session(service, purpose="stays"))
        async with asyncio.timeout(patient(60 + RACES)), asyncio.TaskGroup() as tasks:
            tasks.create_task(rebuild_again_and_again(database_url, keyring, stop, done))
            tasks.create_task(follow(service, stop))
            raced = [await race((service, other), number, done) for number in range(RACES)]
            stop.set()
        await catch_up(service)
        await other.close()
        for stream in raced:
            left = bundle(await keys_of(owner, stream))
            assert (left.erased, dict(left.parts)) == (1, {})
        text = await everything(owner)
        assert "canary-" not in text
        assert "stays" in text
        assert await verify(store, keyring, silent) == []
    assert (await given.patch_ai_session(service, kept, "goes on")).folded.version == 2
    assert done["refused"] == 2 * RACES
    assert done["changed"] > 0
    assert done["rebuilt"] > 0


async def test_a_row_that_is_erased_while_it_is_compared_is_compared_anew(
    service: Service,
    store: Connection,
    keyring: Keyring,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session, times = await opened(service, "canary-"), Counter[str]()

    async def heads_before_an_erasure(store: Connection) -> Sequence[Head]:
        if not store.raw.is_in_transaction():
            return await heads(store)
        times["compared"] += 1
        if times["compared"] > 1:
            return await heads(store)
        await given.patch_ai_session(service, AISessionId(session), "canary-moved")
        ends = await heads(store)
        await erased(service, session)
        return ends

    monkeypatch.setattr(catching_up, "heads", heads_before_an_erasure)
    rebuilt = await rebuild(store, keyring, named(()), silent)
    assert times["compared"] > 1
    assert set(rebuilt.mended.values()) == {0}
    assert "canary-" not in await everything(owner)
    assert await verify(store, keyring, silent) == []


async def test_a_change_of_the_master_key_beside_erasures_loses_no_key(
    service: Service,
    settings: Settings,
    owner: asyncpg.Connection,
    database_url: str,
) -> None:
    sessions = [await opened(service, f"canary-{number}-") for number in range(12)]
    living = [await opened(service, f"living-{number}-") for number in range(12)]

    async def change() -> None:
        async with connected(database_url) as store:
            keyring = Keyring(settings.master_key)
            keyring.adopt(await key_settings(store))
            await rotation.rotate(store, keyring, NEW, silent, learn_s=0.2)

    changing = asyncio.create_task(change())
    for session in sessions:
        await erased(service, session)
        await asyncio.sleep(0.03)
    await changing
    async with connected(database_url) as store:
        after = Keyring(NEW)
        after.adopt(await key_settings(store))
        for session in living:
            assert after.unwrap(
                StreamId(UUID(session)), await keys_of(owner, UUID(session))
            ).customer
        for session in sessions:
            assert not bundle(await keys_of(owner, UUID(session))).parts
        assert await verify(store, after, silent) == []
    assert "canary-" not in await everything(owner)
