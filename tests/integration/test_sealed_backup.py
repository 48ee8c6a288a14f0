"""A sealed backup opens with its own key and the master key, and once that key is gone, never."""

import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from support import database, tree_of
from support.backups import backed_up, restored
from support.erasures import CANARY, chatted, erased, opened
from support.histories import catch_up

from app.care import backup_keys
from app.care.backup_records import known_keys, put_destroyed
from app.care.sealed_file import Damaged, Sealing
from app.care.sealed_file import opened as blocks_of
from app.erasure.listed import log_name
from app.erasure.receipts import signed
from app.history.times import time_text
from app.maintenance.secret_file import UnusableFile
from app.maintenance.store import Connection
from app.operations.deeds import latest
from app.service import Service

SEALED = "dump.sealed"


@pytest.fixture
async def empty(server_url: str) -> AsyncIterator[str]:
    """A second empty database."""
    async with database.created(server_url, f"sessionary_test_{secrets.token_hex(8)}") as url:
        yield url


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The folder of the keys of backups."""
    folder = tmp_path / "keys"
    folder.mkdir()
    return folder


async def test_it_is_restored_with_its_key_and_holds_nothing_in_the_clear(
    service: Service, database_url: str, empty: str, tmp_path: Path, keys: Path
) -> None:
    await opened(service)
    await chatted(service)
    await catch_up(service)
    own = backup_keys.new(keys, 35)
    header = await backed_up(database_url, tmp_path / "b", own)
    assert (header.key, list(header.files)) == (own.id, [SEALED])
    stored = b"".join(path.read_bytes() for path in (tmp_path / "b").iterdir())
    for secret in (CANARY.encode(), b"stored_events", own.key, database.MASTER_KEY):
        assert secret not in stored
    assert (await restored(empty, tmp_path / "b", tmp_path, keys=keys)).differences == []


async def test_once_its_key_is_destroyed_nobody_opens_it(
    service: Service, database_url: str, empty: str, tmp_path: Path, keys: Path
) -> None:
    session = await opened(service)
    due, later = backup_keys.new(keys, 0), backup_keys.new(keys, 35)
    await backed_up(database_url, tmp_path / "b", due)
    await erased(service, session)
    (file,) = keys.glob(f"{due.id}*")
    with file.open("rb") as held:  # whoever still has it open reads no key
        assert backup_keys.retire(keys) == [due.id]
        assert b'"key"' not in held.read()
    assert [each.id for each in backup_keys.kept(keys)] == [later.id]
    assert backup_keys.retire(keys) == []
    with pytest.raises(UnusableFile, match="its key is destroyed"):
        await restored(empty, tmp_path / "b", tmp_path, keys=keys)
    with pytest.raises(UnusableFile, match="--backup-keys"):
        await restored(empty, tmp_path / "b", tmp_path)
    # (Another key in the place of the one that is gone opens nothing.)
    file.touch(0o600)
    other = (keys / f"{later.id}.key.json").read_text()
    file.write_text(other.replace(later.id, due.id))
    with pytest.raises(Damaged):
        await restored(empty, tmp_path / "b", tmp_path, keys=keys)


async def test_a_key_is_for_its_owner_alone(keys: Path) -> None:
    made = backup_keys.new(keys, 35)
    (file,) = keys.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    (shown,) = backup_keys.kept(keys)
    assert (shown.id, shown.due) == (made.id, False)
    assert timedelta(days=34) < made.until - datetime.now(UTC) <= timedelta(days=35)
    file.chmod(0o644)
    with pytest.raises(UnusableFile, match="chmod 600"):
        backup_keys.read(keys, made.id)
    file.chmod(0o600)
    file.write_text("{}")
    with pytest.raises(UnusableFile, match="altered"):
        backup_keys.retire(keys)


async def test_that_a_key_was_destroyed_is_on_record_in_its_own_log(
    store: Connection, service: Service, database_url: str, tmp_path: Path, keys: Path
) -> None:
    log = await log_name(store)
    due, later = backup_keys.new(keys, 0, log), backup_keys.new(keys, 35, log)
    unknown, foreign = backup_keys.new(keys, 0), backup_keys.new(keys, 0, "of another log")
    await backed_up(database_url, tmp_path / "b", due)
    await backed_up(database_url, tmp_path / "c", later)
    done = await erased(service, await opened(service))
    assert set(backup_keys.retire(keys)) == {due.id, unknown.id, foreign.id}
    # (A backup that is restored knows of no later ones.)
    assert set(await put_destroyed(store, keys)) == {due.id, unknown.id}
    assert [each.id for each in backup_keys.destroyed(keys)] == [foreign.id]
    assert await put_destroyed(store, keys) == []
    shown = {each.id: each for each in await known_keys(store)}
    login = await store.raw.fetchval("SELECT session_user")
    assert shown.keys() == {due.id, later.id, unknown.id}
    assert [shown[each.id].destroyed_by for each in (due, unknown)] == [login, login]
    assert (shown[later.id].destroyed_by, shown[later.id].destroyed_at) == (None, None)
    assert shown[due.id].destroyed_at is not None
    (deed,) = await latest(store, 1)
    assert due.id in deed.outcome
    await tree_of.caught_up(service)
    line = await signed(service.log, service.settings, UUID(done.erasure_id), 0)
    told = json.loads(line)["backups"]
    assert (told["sealed"], told["destroyed"]) == (1, 2)
    assert told["sealedUntil"] == time_text(later.until)
    assert told["lastDestroyed"] == shown[due.id].destroyed_at


async def test_a_key_that_was_about_to_be_destroyed_is_not_said_to_be_gone(keys: Path) -> None:
    due = backup_keys.new(keys, 0)
    key = (keys / f"{due.id}.key.json").read_bytes()
    assert backup_keys.retire(keys) == [due.id]
    (keys / f"{due.id}.key.json").touch(0o600)
    (keys / f"{due.id}.key.json").write_bytes(key)  # as if it was killed before
    assert backup_keys.destroyed(keys) == []
    assert backup_keys.retire(keys) == [due.id]
    (gone,) = backup_keys.destroyed(keys)
    assert gone.until == due.until
    (keys / f"{due.id}.destroyed.json").write_text("{}")
    with pytest.raises(UnusableFile, match="altered"):
        backup_keys.destroyed(keys)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_what_is_sealed_is_read_again_and_nothing_else(tmp_path: Path, size: int) -> None:
    key, text = secrets.token_bytes(32), secrets.token_bytes(size)
    file = tmp_path / "sealed"
    with Sealing(file, key) as sealing:
        for at in range(0, size, 300_000):
            sealing.write(text[at : at + 300_000])
        sealing.finish()
    assert b"".join(blocks_of(file, key)) == text
    whole = file.read_bytes()
    block = (1 << 20) + 16
    altered = [
        whole[:-1],
        whole + b"\0",
        bytes([whole[0] ^ 1]) + whole[1:],
        whole[:-1] + bytes([whole[-1] ^ 1]),
        b"",
    ]
    if len(whole) > block:
        altered += [whole[:block], whole[block:], whole[block : 2 * block] + whole[:block]]
    for other in altered:
        file.write_bytes(other)
        with pytest.raises(Damaged):
            list(blocks_of(file, key))
    file.write_bytes(whole)
    with pytest.raises(Damaged):
        list(blocks_of(file, secrets.token_bytes(32)))
