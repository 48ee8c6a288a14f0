"""A backup brings the database back as it was, says what it lacks, and is refused if altered."""

import asyncio
import secrets
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from support import database, given
from support.backups import backed_up, restored
from support.replaced import Replaceable

from app.care import backup
from app.care.backup import HEADER, RotationUnfinished, ahead
from app.care.importing import NotEmpty
from app.care.lines import Altered, Checkpoint
from app.care.rotation import SQL as ROTATION
from app.database.new_log import SQL as NEW_LOG
from app.database.programs import ProgramFailed, run_out
from app.log.errors import WrongMasterKey
from app.log.keyring import Keyring
from app.maintenance.store import Connection, connected
from app.maintenance.urls import UnusableDatabase
from app.rebuild.swap import RebuildUnderWay, alone
from app.service import Service
from domain.errors import NotFound


@pytest.fixture
async def empty(server_url: str) -> AsyncIterator[str]:
    """A second empty database."""
    async with database.created(server_url, f"sessionary_test_{secrets.token_hex(8)}") as url:
        yield url


@database.ONE_PARTITION
async def test_a_restored_database_is_as_it_was(
    service: Service, database_url: str, empty: str, tmp_path: Path
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    header = await backed_up(database_url, tmp_path / "b")
    await given.patch_ai_session(service, session, "later")
    assert header.positions == {0: 1}
    assert (await restored(empty, tmp_path / "b", tmp_path)).differences == []
    assert ahead(Checkpoint(positions={0: 3}, recorded_at={}), header) == [
        "The checkpoint is 2 events ahead: 0:2 to 0:3 are not here"
    ]
    with pytest.raises(NotEmpty):
        await restored(empty, tmp_path / "b", tmp_path)


async def test_it_does_not_hold_the_master_key(
    service: Service, database_url: str, tmp_path: Path
) -> None:
    await given.open_ai_session(service)
    await backed_up(database_url, tmp_path / "b")
    text = b"".join(path.read_bytes() for path in (tmp_path / "b").iterdir())
    assert database.MASTER_KEY not in text
    assert database.MASTER_KEY_FILE.strip().encode() not in text


async def test_no_table_is_swapped_in_while_one_is_made(
    service: Service, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(Its snapshot would not see the rows, and the dump would lack them.)"""

    async def dumping(*_: object) -> None:
        async with connected(database_url) as store:
            with pytest.raises(RebuildUnderWay):
                async with alone(store, patience_s=0.1):
                    pass
        raise ProgramFailed("enough is seen")

    monkeypatch.setattr(backup, "run", dumping)
    with pytest.raises(ProgramFailed, match="enough"):
        await backed_up(database_url, tmp_path / "b")


@pytest.mark.parametrize("how", ["header", "file", "missing", "more", "no header"])
@database.ONE_PARTITION
async def test_an_altered_one_is_refused(
    service: Service, database_url: str, empty: str, tmp_path: Path, how: str
) -> None:
    await given.open_ai_session(service)
    folder = tmp_path / "b"
    await backed_up(database_url, folder)
    header, file = folder / HEADER, next(folder.glob("*.dat*"))
    match how:
        case "header":
            header.write_text(header.read_text().replace('"0": 1', '"0": 2'))
        case "file":
            file.write_bytes(file.read_bytes()[:-1])
        case "missing":
            file.unlink()
        case "more":
            (folder / "more.dat").write_bytes(b"")
        case _:
            header.unlink()
    with pytest.raises(Altered):
        await restored(empty, folder, tmp_path)


async def test_another_master_key_is_refused(
    service: Service, database_url: str, empty: str, tmp_path: Path
) -> None:
    await backed_up(database_url, tmp_path / "b")
    (tmp_path / "master.key").touch(0o600)
    (tmp_path / "master.key").write_text("T" * 43 + "=\n")
    with pytest.raises(WrongMasterKey, match="The backup is of a log with the master key"):
        await restored(empty, tmp_path / "b", tmp_path)


async def test_none_is_made_in_the_middle_of_a_change_of_the_key(
    service: Service, database_url: str, tmp_path: Path
) -> None:
    keyring = Keyring(database.MASTER_KEY)
    async with connected(database_url) as store:
        handed_over = keyring.handed_over(keyring.successor(b"N" * 32))
        await store.raw.execute(ROTATION["hand_over"], *handed_over)
    with pytest.raises(RotationUnfinished):
        await backed_up(database_url, tmp_path / "b")


async def test_none_is_made_of_tables_on_several_nodes(
    service: Service, owner: asyncpg.Connection, database_url: str, tmp_path: Path
) -> None:
    if not database.DISTRIBUTED:
        await owner.execute(NEW_LOG["mark_distributed"])
    with pytest.raises(UnusableDatabase, match="keep an export"):
        await backed_up(database_url, tmp_path / "b")
    assert not list(tmp_path.iterdir())


async def test_services_notice_that_an_older_backup_took_the_place(
    live: Replaceable, services: tuple[Service, Service], tmp_path: Path
) -> None:
    """The same database, server and connections: only the restore's own mark tells."""
    a, b = services
    session = given.session_of(await given.open_ai_session(a, purpose="kept"))
    await backed_up(live.url, tmp_path / "b")
    await given.patch_ai_session(a, session, "lost")
    lost = given.session_of(await given.open_ai_session(b, purpose="lost"))
    async with connected(live.url) as store:
        await store.raw.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert (await restored(live.url, tmp_path / "b", tmp_path)).differences == []
    changed = await given.patch_ai_session(b, session, "after")
    assert (changed.folded.version, changed.folded.state.purpose) == (2, "after")
    assert (await given.patch_ai_session(a, session, None)).folded.state.purpose == "after"
    with pytest.raises(NotFound):
        await given.patch_ai_session(b, lost, "back")


async def test_a_dump_that_is_broken_off_leaves_no_process(
    store: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(Until a signal has ended it, it writes more than a pipe and its reader hold.)"""
    await store.raw.execute(
        "CREATE TABLE large AS SELECT repeat('x', 1000) FROM generate_series(1, 5000)"
    )
    begun, begin = list[Process](), asyncio.create_subprocess_exec

    async def noted(*given: Any, **named: Any) -> Process:
        process = await begin(*given, **named)
        late = partial(asyncio.get_running_loop().call_later, 0.2, process.kill)
        monkeypatch.setattr(process, "kill", late)
        begun.append(process)
        return process

    def refuse(_: bytes) -> None:
        raise OSError("no space")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    major = store.raw.get_server_version().major
    with pytest.raises(OSError, match="no space"):
        await run_out("pg_dump", major, database_url, ["--format=plain"], refuse)
    assert begun
    assert None not in [process.returncode for process in begun]
