"""A real log, its exports and its database, against checkpoints that were kept outside."""

import json
import shutil
from pathlib import Path

import asyncpg
import pytest
from support.beside import silent
from support.database import ONE_PARTITION, SEVERAL
from support.histories import mixed
from support.kept import Kept

from app.care.export import clear, sealed
from app.care.files import Partial
from app.log.keyring import Keyring
from app.maintenance.store import connected
from app.service import Service

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
NEEDS_PSQL = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")


@pytest.fixture
async def kept(service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Kept:
    kept = Kept(tmp_path, capsys)
    await mixed(service, 1, 30)
    await kept.keep(service)
    await mixed(service, 2, 10)
    await kept.keep(service)
    return kept


async def lines(url: str, keyring: Keyring) -> list[bytes]:
    async with connected(url) as store:
        return [line async for block in sealed(store, keyring, None, silent) for line in block]


@PARTITIONS
async def test_an_export_is_the_log(
    service: Service, kept: Kept, database_url: str, keyring: Keyring
) -> None:
    file = kept.folder / "log.ndjson"
    exported = await lines(database_url, keyring)
    file.write_bytes(b"".join(exported))
    code, answer = kept.ask("export", str(file))
    assert (code, answer["differences"]) == (0, [])
    assert len(answer["checked"]) == 2 * service.log.partitions
    assert sum("beside them" in each for each in answer["checked"]) == service.log.partitions
    assert b'"stored":' not in file.read_bytes()
    end = json.loads(exported[-1])["checkpoint"]
    assert end["notes"] == {str(partition): note for partition, note in kept.notes.items()}
    packed = Partial(kept.folder / "log.ndjson.zst")
    packed.open(0)
    for line in exported:
        packed.write([line])
    packed.finish()
    assert kept.ask("export", str(kept.folder / "log.ndjson.zst")) == (0, answer)
    cut = (kept.folder / "log.ndjson.zst").read_bytes()[:-9]
    (kept.folder / "cut.zst").write_bytes(cut)
    assert kept.ask("export", str(kept.folder / "cut.zst"))[0] == 1


async def test_an_export_in_the_clear_cannot_be_checked(
    kept: Kept, database_url: str, keyring: Keyring
) -> None:
    async with connected(database_url) as store:
        blocks = [line async for block in clear(store, keyring, silent) for line in block]
    (kept.folder / "clear").write_bytes(b"".join(blocks))
    code, answer = kept.ask("export", str(kept.folder / "clear"))
    assert (code, "written with --clear" in str(answer["differences"])) == (1, True)


@NEEDS_PSQL
@PARTITIONS
async def test_a_database_has_the_log(service: Service, kept: Kept, database_url: str) -> None:
    await mixed(service, 3, 5)
    code, answer = kept.ask("database", database_url)
    assert (code, answer["differences"], answer["firstBadPosition"]) == (0, [], None)
    assert len(answer["checked"]) == service.log.partitions


CHANGES = {
    "actor": "UPDATE stored_events SET actor = actor || 'x' WHERE notification_id = $1",
    "a byte": "UPDATE stored_events SET state = state || ' ' WHERE notification_id = $1",
    "metadata": "UPDATE stored_events SET metadata = metadata || '{\"x\": 1}' "
    "WHERE notification_id = $1",
    "time": "UPDATE stored_events SET recorded_at = recorded_at + '1 us' "
    "WHERE notification_id = $1",
    "deleted": "DELETE FROM stored_events WHERE notification_id = $1",
    "cut off": "DELETE FROM stored_events WHERE notification_id >= $1",
    "renumbered": "DELETE FROM stored_events WHERE notification_id = $1; "
    "UPDATE stored_events SET notification_id = notification_id + 1000 WHERE notification_id > $1; "
    "UPDATE stored_events SET notification_id = notification_id - 1001 WHERE notification_id > $1",
}


@NEEDS_PSQL
@pytest.mark.parametrize("change", CHANGES)
@ONE_PARTITION
async def test_what_a_superuser_changed_is_found_and_named(
    kept: Kept, owner: asyncpg.Connection, database_url: str, change: str
) -> None:
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(CHANGES[change].replace("$1", "17"))
    code, answer = kept.ask("database", database_url)
    assert (code, answer["firstBadPosition"]) == (1, "0:17"), answer


@NEEDS_PSQL
@ONE_PARTITION
async def test_hashes_that_were_altered_too_do_not_help(
    kept: Kept, owner: asyncpg.Connection, database_url: str
) -> None:
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(CHANGES["actor"].replace("$1", "17"))
    await owner.execute("UPDATE tree_tile SET hashes = overlay(hashes PLACING '\\x00' FROM 600)")
    code, answer = kept.ask("database", database_url)
    assert (code, answer["firstBadPosition"]) == (1, None)
    await owner.execute("DROP TABLE tree_tile")
    assert kept.ask("database", database_url) == (code, answer)
