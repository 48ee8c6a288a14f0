"""The master key is changed beside services that know the former one, or that start meanwhile."""

import asyncio

import asyncpg
import pytest
from msgspec.structs import replace
from support import given
from support.beside import silent

from app.care import rotation
from app.care.rotation import KeyInUse, RotationUnderWay, rotate, uses
from app.integrity.verify import verify
from app.log.errors import WrongMasterKey
from app.log.keyring import Keyring, fingerprint_of
from app.log.read import key_settings
from app.maintenance.store import Connection, connected
from app.service import Service, open_service
from app.settings import Settings

NEW = b"N" * 32
OTHER = b"O" * 32


class Killed(BaseException):
    """What a kill leaves behind, without a process."""


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.log.incarnation.LOOK_S", 0.05)
    monkeypatch.setattr(rotation, "_AT_A_TIME", 3)


async def change(database_url: str, old: bytes, new: bytes, **more: float) -> rotation.Rotated:
    async with connected(database_url) as store:
        return await rotate(store, Keyring(old), new, silent, **{"learn_s": 0.3} | more)


async def state(database_url: str, key: bytes) -> dict[str, tuple[int, str]]:
    keyring = Keyring(key)
    async with connected(database_url) as store:
        keyring.adopt(await key_settings(store))
        return {each.fingerprint: (each.streams, each.state) for each in await uses(store, keyring)}


async def is_sound(database_url: str, key: bytes) -> None:
    keyring = Keyring(key)
    async with connected(database_url) as store:
        keyring.adopt(await key_settings(store))
        assert await verify(store, keyring, silent) == []


async def test_afterwards_the_new_key_opens_everything_and_the_old_one_nothing(
    service: Service, settings: Settings, database_url: str
) -> None:
    sessions = [given.session_of(await given.open_ai_session(service)) for _ in range(7)]
    await given.open_chat_session(service)
    guess = service.log.fingerprint(b"somebody")
    done = await change(database_url, settings.master_key, NEW)
    assert (done.fingerprint, done.streams, done.damaged) == (fingerprint_of(NEW), 8, [])
    assert await state(database_url, NEW) == {fingerprint_of(NEW): (8, "current")}
    await is_sound(database_url, NEW)
    with pytest.raises(WrongMasterKey):
        await open_service(settings)
    again = await open_service(replace(settings, master_key=NEW))
    assert again.log.fingerprint(b"somebody") == guess
    changed = await given.patch_ai_session(again, sessions[0], "after")
    assert changed.folded.state.purpose == "after"
    await again.close()


async def test_neither_key_is_left_in_the_database(
    service: Service, settings: Settings, owner: asyncpg.Connection, database_url: str
) -> None:
    await given.open_ai_session(service)
    await change(database_url, settings.master_key, NEW)
    kept = {row["name"] for row in await owner.fetch("SELECT name FROM log_setting")}
    assert kept - {"functions", "log_name"} == {"master_key_check", "root_key", "stream_keys_under"}


async def test_services_read_and_append_while_it_is_changed_and_afterwards(
    service: Service, other_service: Service, settings: Settings, database_url: str
) -> None:
    watches = [
        asyncio.create_task(each.log.incarnation.keep_looking(each.pool.ask))
        for each in (service, other_service)
    ]
    done = asyncio.Event()
    made = []

    async def work() -> int:
        turns = 0
        while not done.is_set() or turns < 20:
            session = given.session_of(await given.open_ai_session(service, purpose="p"))
            patched = await given.patch_ai_session(other_service, session, f"turn {turns}")
            assert patched.folded.state.purpose == f"turn {turns}"
            made.append(session)
            turns += 1
        return turns

    working = [asyncio.create_task(work()) for _ in range(4)]
    await asyncio.sleep(0.2)
    await change(database_url, settings.master_key, NEW)
    done.set()
    await asyncio.gather(*working)
    for watch in watches:
        watch.cancel()
    assert await state(database_url, NEW) == {fingerprint_of(NEW): (len(made), "current")}
    await is_sound(database_url, NEW)


@pytest.mark.parametrize("key", ["old", "new"])
@pytest.mark.parametrize("step", ["hand_over", "wrap_with", "pass_head", "rewrap", "forget"])
async def test_a_killed_one_is_taken_up_and_meanwhile_both_keys_open_the_log(
    service: Service,
    settings: Settings,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    key: str,
) -> None:
    sessions = [given.session_of(await given.open_ai_session(service)) for _ in range(7)]
    async with connected(database_url) as store:
        pages = 0

        async def ask_once(self: Connection, sql: str, *arguments: object) -> object:
            nonlocal pages
            pages += sql == rotation.SQL["rewrap"]
            if sql == rotation.SQL[step] and (step != "rewrap" or pages == 2):
                raise Killed
            return await self.raw.fetch(sql, *arguments)

        with monkeypatch.context() as patched:
            patched.setattr(Connection, "ask_once", ask_once)
            if step == "forget":
                patched.setitem(rotation.SQL, "forget", "SELECT 1 / 0")
            with pytest.raises((Killed, asyncpg.DivisionByZeroError)):
                await rotate(store, Keyring(settings.master_key), NEW, silent, learn_s=0.0)
    known = NEW if key == "new" and step != "hand_over" else settings.master_key
    await is_sound(database_url, known)
    meanwhile = await open_service(replace(settings, master_key=known))
    for session in sessions:
        await given.patch_ai_session(meanwhile, session, "meanwhile")
    await given.open_ai_session(meanwhile)
    await meanwhile.close()
    await change(database_url, known, NEW)
    assert await state(database_url, NEW) == {fingerprint_of(NEW): (8, "current")}
    await is_sound(database_url, NEW)


async def test_only_one_is_under_way(
    service: Service, settings: Settings, database_url: str
) -> None:
    await given.open_ai_session(service)
    first = asyncio.create_task(change(database_url, settings.master_key, NEW))
    await asyncio.sleep(0.15)
    with pytest.raises(RotationUnderWay, match="Another rotation is under way"):
        await change(database_url, settings.master_key, OTHER)
    await first
    with pytest.raises(KeyInUse):
        await change(database_url, NEW, NEW)
    assert (await change(database_url, NEW, OTHER)).streams == 1
    await is_sound(database_url, OTHER)


async def test_one_that_was_begun_with_another_key_is_to_be_finished_first(
    service: Service, settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given.open_ai_session(service)

    async def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(rotation, "_rewrap", killed)
        with pytest.raises(Killed):
            await change(database_url, settings.master_key, NEW)
    with pytest.raises(RotationUnderWay, match=fingerprint_of(NEW)):
        await change(database_url, settings.master_key, OTHER)
    await change(database_url, settings.master_key, NEW)


async def test_a_stream_key_that_nothing_opens_stops_nothing_and_is_named(
    service: Service, settings: Settings, owner: asyncpg.Connection, database_url: str
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    other = given.session_of(await given.open_ai_session(service))
    await owner.execute(
        "UPDATE stream_key SET wrapped = set_byte(wrapped, 40, 255 - get_byte(wrapped, 40))"
        " WHERE stream_id = $1",
        session,
    )
    done = await change(database_url, settings.master_key, NEW)
    assert done.streams == 1
    assert [session in damaged for damaged in done.damaged] == [True]
    again = await open_service(replace(settings, master_key=NEW))
    await given.patch_ai_session(again, other, "goes on")
    await again.close()


async def test_a_key_wrapped_under_the_former_one_does_not_get_in(
    service: Service, settings: Settings, database_url: str
) -> None:
    """This service learns of the change from the refusal alone: it does not look."""
    await given.open_ai_session(service)
    async with connected(database_url) as store:
        keyring = Keyring(settings.master_key)
        await store.raw.execute(
            rotation.SQL["hand_over"], *keyring.handed_over(keyring.successor(NEW))
        )
        await store.raw.execute(rotation.SQL["wrap_with"], fingerprint_of(NEW))
    await given.open_ai_session(service)
    assert await state(database_url, NEW) == {
        fingerprint_of(settings.master_key): (1, "current"),
        fingerprint_of(NEW): (1, "next"),
    }
