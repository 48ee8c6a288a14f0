"""What commands work on: schema, connection and master key, on a real PostgreSQL."""

import asyncio
import stat
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest
from support import database, given

from app.database import migrate
from app.database.errors import SchemaError
from app.database.migrate import Migration
from app.log.errors import WrongMasterKey
from app.maintenance.store import (
    DataLocation,
    NotReachable,
    SchemaPermission,
    connected,
    prepare,
)
from app.maintenance.urls import UnusableDatabase
from app.service import Service


def where(folder: Path, key_file: Path | None = None) -> DataLocation:
    return DataLocation(
        database_url=None, data_dir=folder, master_key_file=key_file, allow_unsafe_database=True
    )


async def tables(url: str) -> Sequence[str]:
    """What a database holds besides its catalogs."""
    async with connected(url) as store:
        rows = await store.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return [row["tablename"] for row in rows]


@pytest.fixture
def at(tmp_path: Path) -> DataLocation:
    """Where the tests' master key is."""
    database.write_master_key(tmp_path / "master.key")
    return where(tmp_path)


@pytest.fixture
def newer_release(monkeypatch: pytest.MonkeyPatch) -> Sequence[Migration]:
    """This release, had it one migration more."""
    present = migrate.available()
    wanted = [*present, Migration(len(present) + 1, "more", "CREATE TABLE more ()", "hash")]
    monkeypatch.setattr(migrate, "available", lambda: wanted)
    return wanted


@pytest.mark.parametrize(
    "may", [SchemaPermission.BEGIN, SchemaPermission.MIGRATE], ids=lambda may: may.name
)
async def test_an_empty_database_is_migrated_by_who_may_begin(
    empty_database_url: str, tmp_path: Path, may: SchemaPermission
) -> None:
    applied, _ = await prepare(empty_database_url, where(tmp_path), may)
    assert applied == [*map(str, migrate.available()), *map(str, migrate.functions())]
    assert await prepare(empty_database_url, where(tmp_path), SchemaPermission.LOOK) == ([], _)


async def test_an_empty_database_stays_as_it_is_for_who_only_looks(
    empty_database_url: str, tmp_path: Path
) -> None:
    with pytest.raises(SchemaError, match="holds no log"):
        await prepare(empty_database_url, where(tmp_path), SchemaPermission.LOOK)
    assert list(tmp_path.iterdir()) == []
    assert await tables(empty_database_url) == []


@pytest.mark.parametrize("may", SchemaPermission, ids=lambda may: may.name)
async def test_a_database_of_others_is_left_alone(
    empty_database_url: str, tmp_path: Path, may: SchemaPermission
) -> None:
    async with connected(empty_database_url) as store:
        await store.raw.execute("CREATE TABLE invoice ()")
    with pytest.raises(SchemaError, match="has tables, but none of Sessionary"):
        await prepare(empty_database_url, where(tmp_path), may)
    assert list(tmp_path.iterdir()) == []
    assert await tables(empty_database_url) == ["invoice"]


async def test_tables_of_extensions_are_nobodys(empty_database_url: str, tmp_path: Path) -> None:
    async with connected(empty_database_url) as store:
        # As of an extension: those that bring tables along are not installed everywhere.
        await store.raw.execute("CREATE TABLE brought_along ()")
        await store.raw.execute("ALTER EXTENSION plpgsql ADD TABLE brought_along")
    applied, _ = await prepare(empty_database_url, where(tmp_path), SchemaPermission.BEGIN)
    assert applied


@pytest.mark.usefixtures("newer_release")
async def test_another_database_is_migrated_only_by_who_may(
    database_url: str, at: DataLocation, newer_release: Sequence[Migration]
) -> None:
    newest = len(newer_release)
    for may in (SchemaPermission.LOOK, SchemaPermission.BEGIN):
        with pytest.raises(
            SchemaError, match=f"at migration {newest - 1}, .* needs {newest}: run `ses"
        ):
            await prepare(database_url, at, may)
    applied, _ = await prepare(database_url, at, SchemaPermission.MIGRATE)
    assert applied == [f"{newest:04} more"]


async def test_functions_of_another_text_are_put_in_only_by_who_may(
    database_url: str, at: DataLocation
) -> None:
    async with connected(database_url) as store:
        await store.raw.execute(
            "UPDATE schema_migration SET hash = 'another' WHERE name = 'functions/append_1'"
        )
    for may in (SchemaPermission.LOOK, SchemaPermission.BEGIN):
        with pytest.raises(SchemaError, match="not this release's functions/append_1: run `sessi"):
            await prepare(database_url, at, may)
    applied, _ = await prepare(database_url, at, SchemaPermission.MIGRATE)
    assert applied == ["functions/append_1"]
    assert (await prepare(database_url, at, SchemaPermission.LOOK))[0] == []


async def test_a_log_of_a_state_that_was_never_released_is_refused(
    database_url: str, at: DataLocation
) -> None:
    async with connected(database_url) as store:
        # As those states kept it: a number and no more, for more files than there are now.
        await store.raw.execute(
            "DROP TABLE schema_migration; CREATE TABLE schema_migration (number integer PRIMARY KEY"
            ", name text NOT NULL, hash text NOT NULL, applied_at timestamptz DEFAULT now());"
            "INSERT INTO schema_migration SELECT n, 'log', 'older' FROM generate_series(1, 13) AS n"
        )
    for may in SchemaPermission:
        with pytest.raises(SchemaError, match=r"0001 log .* a state .* never released"):
            await prepare(database_url, at, may)


async def test_a_newer_database_is_refused(
    database_url: str, at: DataLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = migrate.available()[:-1]
    monkeypatch.setattr(migrate, "available", lambda: older)
    with pytest.raises(SchemaError, match="made by a newer one"):
        await prepare(database_url, at, SchemaPermission.MIGRATE)


async def test_an_up_to_date_database_wants_no_more_rights_than_the_service_has(
    database_url: str, at: DataLocation
) -> None:
    as_service = f"{database_url}{'&' if '?' in database_url else '?'}role=sessionary_service"
    assert await prepare(as_service, at, SchemaPermission.MIGRATE) == ([], database.MASTER_KEY)


async def test_two_first_starts_at_once_have_one_key(
    empty_database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    done = await asyncio.gather(
        *(prepare(empty_database_url, where(folder), SchemaPermission.BEGIN) for _ in range(4))
    )
    assert len({key for _, key in done}) == 1
    (only,) = folder.iterdir()
    assert (only.name, stat.S_IMODE(only.stat().st_mode)) == ("master.key", 0o600)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("\n", "is empty"),
        ("no base64!", "holds no base64"),
        ("c2hvcnQ=", "holds 5 bytes"),
        ("QQ" * 21 + "Q=", "holds another master key"),
    ],
    ids=["nothing", "a line of nothing", "other text", "short", "another key"],
)
async def test_a_key_file_that_holds_no_such_key_is_refused(
    database_url: str, tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "the.key"
    file.touch(0o600)
    file.write_text(text)
    with pytest.raises(WrongMasterKey, match=sentence):
        await prepare(database_url, where(tmp_path, file), SchemaPermission.LOOK)
    assert file.read_text() == text


async def test_a_lost_key_file_is_not_replaced(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(WrongMasterKey, match="is not there"):
        await prepare(database_url, where(tmp_path), SchemaPermission.LOOK)
    assert list(tmp_path.iterdir()) == []


async def test_a_log_that_lost_what_recognises_its_key_is_refused(
    service: Service, owner: asyncpg.Connection, database_url: str, at: DataLocation
) -> None:
    await given.open_account(service)
    await owner.execute("ALTER TABLE log_setting DISABLE TRIGGER ALL")
    await owner.execute("DELETE FROM log_setting WHERE name = 'master_key_check'")
    with pytest.raises(WrongMasterKey, match="The log has events, but not the value"):
        await prepare(database_url, at, SchemaPermission.LOOK)
    assert await owner.fetchval("SELECT count(*) FROM log_setting WHERE name LIKE '%key%'") == 0


async def test_a_key_file_that_cannot_be_made_is_said(
    empty_database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WrongMasterKey, match="cannot be used"):
        await prepare(
            empty_database_url,
            where(tmp_path, tmp_path / "file" / "master.key"),
            SchemaPermission.BEGIN,
        )


@pytest.mark.parametrize(("cache", "seqscan"), [(100, "off"), (0, "on")])
async def test_without_a_statement_cache_no_planner_settings_are_sent(
    database_url: str, cache: int, seqscan: str
) -> None:
    async with connected(database_url, cache) as store:
        assert await store.raw.fetchval("SHOW enable_seqscan") == seqscan


async def test_a_database_that_takes_no_writes_is_not_reachable(
    database_url: str, owner: asyncpg.Connection
) -> None:
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with pytest.raises(NotReachable):
        async with connected(database_url):
            pass


@pytest.mark.parametrize(
    "url",
    [
        "foo",
        "mysql://127.0.0.1/x",
        "postgresql://[::1",
        "postgresql://user:can/ary@127.0.0.1/x",
        "postgresql://127.0.0.1:99999/x",
        "postgresql://127.0.0.1/x?sslmode=bogus",
    ],
)
async def test_what_is_no_url_is_unusable_and_shows_no_password(url: str) -> None:
    with pytest.raises(UnusableDatabase) as caught:
        async with connected(url):
            pass
    assert "can" not in str(caught.value).replace("cannot", "")
