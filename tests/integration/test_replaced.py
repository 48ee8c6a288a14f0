"""Memory that outlives the log: two services on a database that another takes the place of."""

from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace
from support import database, given
from support.replaced import KEYRING, Replaceable, open_session, sound

from app.database.errors import StoreDown
from app.log.keyring import Keyring
from app.maintenance.store import connected
from app.service import Service, open_service
from app.settings import Settings
from domain.errors import AccountNotFound, NotFound
from domain.ids import StreamId


async def test_a_change_that_a_restore_took_away_does_not_come_back(
    live: Replaceable, services: tuple[Service, Service]
) -> None:
    a, b = services
    session = given.session_of(await given.open_ai_session(a, purpose="kept"))
    other = given.session_of(await given.open_ai_session(a, purpose="kept"))
    await live.dump()
    for each in (session, other):
        await given.patch_ai_session(a, each, "lost")
    await live.restore()
    changed = await given.patch_ai_session(b, session, "after")
    assert (changed.folded.version, changed.folded.state.purpose) == (2, "after")
    # A knows version 2 of both, and it is that of another event.
    unchanged = await given.patch_ai_session(a, session, None)
    assert unchanged.folded.state.purpose == "after"
    assert unchanged.folded.audit == changed.folded.audit
    assert (await given.patch_ai_session(a, session, "last")).folded.version == 3
    assert (await given.patch_ai_session(a, other, None)).folded.state.purpose == "kept"
    await sound(live)


@pytest.mark.parametrize("behind", ["new connections", "a pooler"])
async def test_memory_alone_decides_nothing(
    live: Replaceable, services: tuple[Service, Service], behind: str
) -> None:
    a, b = services
    if behind == "a pooler":  # no connection of the services tells that the database is another
        a.pool.on_connect = b.pool.on_connect = None
    plain = given.session_of(await given.open_ai_session(a, purpose=None))
    await live.dump()
    await given.patch_ai_session(a, plain, "sealed under a key that goes")
    await given.open_account(a, "gone")
    lost = given.session_of(await open_session(a, "gone"))
    await live.restore()
    assert (await given.patch_ai_session(b, plain, "sealed under another")).folded.version == 2
    assert (await given.patch_ai_session(a, plain, "and this")).folded.version == 3
    with pytest.raises(NotFound):
        await given.patch_ai_session(a, lost, "back")
    with pytest.raises(AccountNotFound):
        await open_session(a, "gone")
    await given.open_account(b, "gone", "Another")
    assert (await open_session(a, "gone")).account_name == "Another"
    await sound(live)


async def test_a_key_that_the_log_has_already_is_not_made_again(
    live: Replaceable, services: tuple[Service, Service]
) -> None:
    a, _ = services
    plain = given.session_of(await given.open_ai_session(a, purpose=None))
    async with connected(live.url) as store:
        _, wrapped = KEYRING.new(StreamId(UUID(plain)), ("customer",))
        await store.raw.execute("INSERT INTO stream_key VALUES (0, $1, $2)", plain, wrapped)
    assert (await given.patch_ai_session(a, plain, "sealed")).folded.version == 2
    await sound(live)
    async with connected(live.url) as store:
        assert await store.raw.fetchval("SELECT wrapped FROM stream_key") == wrapped


async def test_nothing_is_sealed_under_another_master_key(
    live: Replaceable, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(database_url=live.url, master_key=database.MASTER_KEY, store_deadline_s=0.4)
    a, pooled = await open_service(settings), await open_service(settings)
    pooled.pool.on_connect = None
    session = given.session_of(await given.open_ai_session(a))
    await live.dump()
    copy = await asyncpg.connect(live.copy_url)
    another = Keyring(b"another master key of 32 bytes..").check_value()
    await copy.execute("UPDATE log_setting SET value = $1", another)
    await copy.close()
    await live.restore()
    for each in (a, pooled):
        with pytest.raises(StoreDown):
            await given.open_ai_session(each)
        with pytest.raises(StoreDown):
            await given.patch_ai_session(each, session, "x")
    assert await a.unready() is not None
    assert "another master key than the one given" in caplog.text
    live_now = await asyncpg.connect(live.url)
    assert await live_now.fetchval("SELECT count(*) FROM stored_events") == 1
    await live_now.execute("UPDATE log_setting SET value = $1", KEYRING.check_value())
    await live_now.close()
    for each in (a, pooled):
        await given.patch_ai_session(each, session, "again")
    assert await a.unready() is None
    for each in (a, pooled):
        await each.close()


async def test_a_log_that_is_not_there_yet_is_waited_for(
    live: Replaceable, services: tuple[Service, Service]
) -> None:
    a, _ = services
    impatient = replace(a.settings, store_deadline_s=0.4)
    b = await open_service(impatient)
    session = given.session_of(await given.open_ai_session(b))
    owner = await asyncpg.connect(live.url)
    await owner.execute("ALTER TABLE log_setting RENAME TO not_yet")
    await owner.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with pytest.raises(StoreDown):
        await given.patch_ai_session(b, session, "x")
    await owner.execute("ALTER TABLE not_yet RENAME TO log_setting")
    await owner.close()
    assert (await given.patch_ai_session(b, session, "x")).folded.version == 2
    await b.close()
