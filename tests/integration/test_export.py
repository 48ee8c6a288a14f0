"""An exported log, imported elsewhere, is the same log; and no other file gets in."""

import json
import secrets
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import asyncpg
import pytest
from support import database, given
from support.altered import ALTERED, event_at
from support.beside import silent

from app.care import importing
from app.care.export import clear, sealed, taken_up
from app.care.files import Partial, lines_of
from app.care.importing import Imported, NotEmpty, import_lines
from app.care.incoming import begun, first_line
from app.care.lines import Altered
from app.integrity.verify import verify
from app.log.errors import WrongMasterKey
from app.log.keyring import Keyring, KeySettings
from app.maintenance import users
from app.maintenance.store import Connection, DataLocation, connected, master_key
from app.service import Service, open_service
from app.settings import Settings

ONCE = given.new_id()
ENDS = "\u2028\u2029\u0085 \\u2028"  # what ends lines elsewhere, and what only looks like it
TABLES = {
    "stored_events": "partition, notification_id",
    "log_partition": "partition",
    "stream_key": "partition, stream_id",
    "idempotency_key": "partition, principal, key",
    "ai_session_info": "partition, stream_id",
    "chat_session_entity": "partition, stream_id",
    "account_info": "partition, stream_id",
    "principal": "partition, stream_id",
}


@pytest.fixture
async def target(server_url: str, its_template: str) -> AsyncIterator[str]:
    """A migrated database without events."""
    name = f"sessionary_test_{secrets.token_hex(8)}"
    async with database.created(server_url, name, its_template) as url:
        yield url


@pytest.fixture
async def filled(service: Service, owner: asyncpg.Connection) -> None:
    """A log with all kinds of streams, sealed fields and an idempotency key."""
    await users.add(Connection(owner), "kim", ["Agent"], "right as rain")
    await given.open_account(service, name=f"Acme {ENDS}")
    sessions = [given.session_of(await given.open_ai_session(service)) for _ in range(5)]
    for session in sessions:
        await given.patch_ai_session(service, session, "sealed æøå \u2028")
    await given.patch_ai_session(service, sessions[0], None)
    await given.delete_ai_session(service, sessions[1])
    await given.open_chat_session(service, "Kim")
    await given.open_ai_session(service, ONCE, key=ENDS)


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.care.export._PAGE", 3)
    monkeypatch.setattr(importing, "_BATCH", 3)


async def exported(url: str, keyring: Keyring) -> list[bytes]:
    async with connected(url) as store:
        return [line async for block in sealed(store, keyring, None, silent) for line in block]


async def imported(url: str, key: bytes, lines: Iterable[bytes]) -> Imported:
    rest = iter(lines)
    first, keys = first_line(rest)
    keyring = Keyring(key)
    keyring.adopt(KeySettings(check=keys.check, root=keys.root))
    begun(keyring, first)
    async with connected(url) as store:
        return await import_lines(store, keyring, keys, first, rest, silent)


async def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    connection = await asyncpg.connect(url)
    try:
        return {
            table: [
                tuple(row)
                for row in await connection.fetch(f"SELECT * FROM {table} ORDER BY {order}")
            ]
            for table, order in TABLES.items()
        }
    finally:
        await connection.close()


@pytest.mark.usefixtures("filled", "_small")
@pytest.mark.parametrize("partitions", [1, database.SEVERAL])
async def test_an_imported_log_is_the_exported_one(
    service: Service, settings: Settings, database_url: str, target: str, keyring: Keyring
) -> None:
    lines = await exported(database_url, keyring)
    done = await imported(target, settings.master_key, lines)
    assert (done.damaged, done.resumed) == ([], {})
    assert await contents(target) == await contents(database_url)
    async with connected(target) as store:
        assert await verify(store, keyring, silent) == []
    # A retry of a command from before is recognised there, too; and numbers go on.
    there = await open_service(
        Settings(database_url=database.service_url(target), master_key=settings.master_key)
    )
    before = await given.open_ai_session(service, ONCE, key=ENDS)
    again = await given.open_ai_session(there, ONCE, key=ENDS)
    assert (again.replayed, given.session_of(again)) == (True, given.session_of(before))
    await given.open_chat_session(there, "Pat")
    await there.close()


@pytest.mark.usefixtures("filled")
async def test_nothing_personal_is_readable_in_it(database_url: str, keyring: Keyring) -> None:
    text = b"".join(await exported(database_url, keyring)).decode()
    assert '"sealed":"' in text
    assert not any(told in text for told in ("æøå", "Kim"))
    assert len(text.splitlines()) == text.count("\n")


@pytest.mark.usefixtures("filled")
@database.ONE_PARTITION
async def test_its_lines_are_those_of_one_event(database_url: str, keyring: Keyring) -> None:
    lines = [json.loads(line) for line in await exported(database_url, keyring)]
    events = [line for line in lines if "position" in line]
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))
    wanted = {"partition", "position", "stream", "version", "sessionId", "type", "eventId",
              "recordedAt", "actor", "metadata", "data", "chain"}  # fmt: skip
    assert all(event.keys() == wanted for event in events)
    assert lines[-1]["checkpoint"]["positions"] == {"0": len(events)}
    assert {line["key"]["stream"] for line in lines if "wrapped" in line.get("key", ())}


@pytest.mark.usefixtures("filled")
async def test_in_the_clear_it_is_for_reading(
    settings: Settings, database_url: str, target: str, keyring: Keyring
) -> None:
    async with connected(database_url) as store:
        lines = [line async for block in clear(store, keyring, silent) for line in block]
    assert "æøå" in b"".join(lines).decode()
    with pytest.raises(Altered, match="--clear"):
        await imported(target, settings.master_key, lines)


@pytest.mark.usefixtures("filled", "_small")
@pytest.mark.parametrize("how", ALTERED)
@database.ONE_PARTITION
async def test_what_was_altered_is_refused_by_line_and_event(
    settings: Settings, database_url: str, target: str, keyring: Keyring, tmp_path: Path, how: str
) -> None:
    lines = await exported(database_url, keyring)
    at = event_at(lines, 8)
    altered = ALTERED[how](lines, at)
    assert altered != lines
    file = tmp_path / "x.ndjson"
    file.write_bytes(b"".join(altered))
    with lines_of(file) as read, pytest.raises(Altered) as refused:
        await imported(target, settings.master_key, read)
    number = {"no checkpoint": None, "more behind": len(lines) + 1, "checkpoint": len(lines)}
    if how in ("cut off", "cut in a line"):
        assert "(event 0:7)" in str(refused.value)
    elif (line := number.get(how, at + 1 + (how == "twice"))) is not None:
        assert f"Line {line}" in str(refused.value)
    # No service takes what there is of it, and the whole file goes on.
    with pytest.raises(WrongMasterKey):
        await open_service(
            Settings(database_url=database.service_url(target), master_key=settings.master_key)
        )
    await imported(target, settings.master_key, lines)
    assert await contents(target) == await contents(database_url)


@pytest.mark.usefixtures("filled")
async def test_only_an_empty_log_takes_one(
    service: Service, settings: Settings, database_url: str, keyring: Keyring
) -> None:
    lines = await exported(database_url, keyring)
    await given.open_ai_session(service)
    before = await contents(database_url)
    with pytest.raises(NotEmpty):
        await imported(database_url, settings.master_key, lines)
    assert await contents(database_url) == before


@pytest.mark.usefixtures("filled")
async def test_the_histories_of_an_earlier_log_are_not_taken_for_those_of_the_imported_one(
    database_url: str, target: str, keyring: Keyring
) -> None:
    async with connected(target) as store:
        await store.raw.execute("INSERT INTO follower_checkpoint VALUES (0, 'history', 1000)")
        await store.raw.execute("INSERT INTO event_index VALUES (0, 7, 0, '')")
    await imported(target, database.MASTER_KEY, await exported(database_url, keyring))
    async with connected(target) as store:
        assert await store.raw.fetchval("SELECT position FROM follower_checkpoint") == 0
        assert await store.raw.fetchval("SELECT count(*) FROM event_index") == 0


@pytest.mark.usefixtures("filled", "_small")
async def test_an_import_that_was_done_is_said_to_be_done(
    settings: Settings, database_url: str, target: str, keyring: Keyring
) -> None:
    lines = await exported(database_url, keyring)
    first = await imported(target, settings.master_key, lines)
    before = await contents(target)
    again = await imported(target, settings.master_key, lines)
    assert (first.was_there, again.was_there, again.resumed) == (False, True, {})
    assert await contents(target) == before
    async with connected(target) as store:
        await store.raw.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
        await store.raw.execute("UPDATE stored_events SET event_id = gen_random_uuid()")
    with pytest.raises(NotEmpty):  # another log of the same length
        await imported(target, settings.master_key, lines)


@pytest.mark.usefixtures("filled", "_small")
@pytest.mark.parametrize("name", ["x.ndjson", "x.ndjson.zst"])
async def test_an_export_goes_on_where_it_was_cut_off_anywhere(
    service: Service, database_url: str, keyring: Keyring, tmp_path: Path, name: str
) -> None:
    whole = tmp_path / name
    output = Partial(whole)
    output.open(0)
    async with connected(database_url) as store:
        async for block in sealed(store, keyring, None, silent):
            output.write(block)
        output.finish()
        text = whole.read_bytes()
        with lines_of(whole) as found:
            lines = list(found)
        await given.open_ai_session(service)  # what comes later is no part of it
        for cut in range(0, len(text), 97):
            part = tmp_path / f"{name}.part"
            part.write_bytes(text[:cut])
            output = Partial(tmp_path / name)
            begin_at = taken_up(keyring, output.blocks())
            if begin_at.keys is None:
                continue
            output.open(begin_at.offset)
            async for block in sealed(store, keyring, begin_at, silent):
                output.write(block)
            output.finish()
            with lines_of(tmp_path / name) as found:
                assert list(found) == lines


@pytest.mark.usefixtures("filled", "_small")
@pytest.mark.parametrize("after", range(1, 6))
async def test_an_import_goes_on_where_it_was_broken_off(
    settings: Settings, database_url: str, target: str, keyring: Keyring, after: int
) -> None:
    lines = await exported(database_url, keyring)

    class Killed(BaseException):
        pass

    def broken_off() -> Iterable[bytes]:
        yield from lines[: after * 4]
        raise Killed

    with pytest.raises(Killed):
        await imported(target, settings.master_key, broken_off())
    done = await imported(target, settings.master_key, lines)
    assert (after > 2) <= bool(done.resumed)
    assert await contents(target) == await contents(database_url)
    async with connected(target) as store:
        assert await verify(store, keyring, silent) == []


@pytest.mark.usefixtures("filled", "_small")
async def test_a_stream_without_its_key_comes_along_as_it_is(
    settings: Settings, owner: asyncpg.Connection, database_url: str, target: str, keyring: Keyring
) -> None:
    lost = await owner.fetchval("DELETE FROM stream_key WHERE stream_id = (SELECT stream_id FROM"
                                " ai_session_info LIMIT 1) RETURNING stream_id")  # fmt: skip
    done = await imported(target, settings.master_key, await exported(database_url, keyring))
    assert done.damaged
    assert all(str(lost) in damaged for damaged in done.damaged)
    there, here = await contents(target), await contents(database_url)
    assert [there[name] == here[name] for name in ("stored_events", "stream_key")] == [True] * 2


@pytest.mark.usefixtures("filled")
async def test_a_log_that_is_still_being_imported_says_so(
    settings: Settings, database_url: str, target: str, keyring: Keyring, tmp_path: Path
) -> None:
    lines = await exported(database_url, keyring)
    with pytest.raises(Altered):
        await imported(target, settings.master_key, lines[:-1])
    where = DataLocation(database_url=target, data_dir=tmp_path)
    async with connected(target) as store:
        with pytest.raises(WrongMasterKey, match="run an unfinished import again"):
            await master_key(store, where)
