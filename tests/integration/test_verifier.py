"""A real log, its exports and its database, against checkpoints that were kept outside."""

import json
import shutil
from pathlib import Path

import asyncpg
import pytest
from support import tree_of
from support.beside import silent
from support.database import SEVERAL
from support.histories import mixed

from app.care.export import clear, sealed
from app.care.files import Partial
from app.log.keyring import Keyring
from app.log.read import heads
from app.maintenance.store import connected
from app.proof import checkpoints, signing, tree
from app.proof.verifier import main
from app.service import Service

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
NEEDS_PSQL = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")


class Kept:
    """What somebody keeps outside: checkpoints and keys. It asks the verifier."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self.notes: dict[int, str] = {}

    async def keep(self, service: Service) -> None:
        """Sign what there is, and keep it."""
        await tree_of.caught_up(service)
        signer = await signing.signer(service.pool, service.log.keyring, with_ml_dsa=False)
        keys = ""
        for head in await heads(service.pool):
            (root,) = await tree.roots(service.pool, head.partition, [head.position])
            self.notes[head.partition] = note = signer.note(head.partition, head.position, root)
            place = (head.partition, head.position)
            await service.pool.ask(checkpoints.SQL["keep"], *place, note, writes=True)
            keys += "".join(f"{key}\n" for key in await signing.vkeys(service.pool, head.partition))
        (self.folder / "keys").write_text(keys)
        with (self.folder / "notes").open("a") as file:
            file.writelines(self.notes.values())

    def ask(self, command: str, what: str) -> tuple[int, dict[str, object]]:
        self._capsys.readouterr()
        keys, notes = str(self.folder / "keys"), str(self.folder / "notes")
        code = main([command, what, "--key", keys, "--checkpoint", notes, "--json"])
        return code, json.loads(self._capsys.readouterr().out)


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
    assert len(answer["checked"]) == service.log.partitions  # type: ignore[arg-type]
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
    assert len(answer["checked"]) == service.log.partitions  # type: ignore[arg-type]


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
async def test_what_a_superuser_changed_is_found_and_named(
    kept: Kept, owner: asyncpg.Connection, database_url: str, change: str
) -> None:
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(CHANGES[change].replace("$1", "17"))
    code, answer = kept.ask("database", database_url)
    assert (code, answer["firstBadPosition"]) == (1, "0:17"), answer


@NEEDS_PSQL
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
