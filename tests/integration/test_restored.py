"""A log that came out of a dump: without its role, its grants or its owner it is put right."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest
from support import database, given
from support.clusters import OwnCluster, own_cluster
from support.service_process import free_port, sessionary

from app.database import migrate, rights
from app.database.errors import SchemaError
from app.integrity import guards
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection, DataLocation, SchemaPermission, connected, prepare
from app.service import open_service
from app.settings import SERVICE_ROLE, Settings

FLAGS = {
    "as it is": (),
    "no owner": ("--no-owner",),
    "no rights": ("--no-acl",),
    "neither": ("--no-owner", "--no-acl"),
}
RIGHTS = """
SELECT 'relation', c.relname, a.attname, coalesce(x.grantee::regrole::text, 'default') AS who,
       x.privilege_type
  FROM pg_class AS c
  LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
 CROSS JOIN LATERAL aclexplode(coalesce(a.attacl, c.relacl)) AS x
 WHERE c.relnamespace = 'public'::regnamespace AND x.grantee <> c.relowner
 UNION ALL
SELECT 'routine', p.oid::regprocedure::text, NULL, x.grantee::regrole::text, x.privilege_type
  FROM pg_proc AS p
 CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS x
 WHERE p.pronamespace = 'public'::regnamespace AND x.grantee <> p.proowner
 ORDER BY 1, 2, 3, 4, 5
"""


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[OwnCluster]:
    """A server that no test but these has been on."""
    with own_cluster() as made:
        made.create()
        with made.started():
            yield made


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("key") / "master.key"
    database.write_master_key(file)
    return file


def where(url: str, key_file: Path) -> DataLocation:
    return DataLocation(
        database_url=url,
        data_dir=key_file.parent,
        master_key_file=key_file,
        allow_unsafe_database=True,
    )


def settings(url: str) -> Settings:
    return Settings(database_url=url, master_key=database.MASTER_KEY, store_deadline_s=10.0)


@pytest.fixture(scope="module")
async def dump(cluster: OwnCluster, key_file: Path) -> AsyncIterator[Path]:
    """A dump of a log with some events, and with the rights that it had in words beside it."""
    async with database.created(cluster.url(), "source") as url:
        await prepare(url, where(url, key_file), SchemaPermission.MIGRATE)
        service = await open_service(settings(url))
        await given.open_account(service)
        await given.open_ai_session(service, account="a1", key="k1")
        await service.close()
        file = cluster.folder / "dump"
        pg_dump(cluster, "-Fc", "-f", str(file), "-d", url)
        yield file


def pg_dump(cluster: OwnCluster, *arguments: str) -> None:
    cluster.run("pg_dump", *arguments)


@pytest.fixture(params=[True, False], ids=["with the role", "without the role"])
async def role(cluster: OwnCluster, dump: Path, request: pytest.FixtureRequest) -> bool:
    """Whether the server has the service's role when a dump is restored."""
    owner = await asyncpg.connect(cluster.url())
    if not request.param:
        source = await asyncpg.connect(cluster.url("source"))
        if await owner.fetchval("SELECT to_regrole($1) IS NOT NULL", SERVICE_ROLE):
            await source.execute(f"DROP OWNED BY {SERVICE_ROLE}")
            await owner.execute(f"DROP ROLE {SERVICE_ROLE}")
        await source.close()
    elif not await owner.fetchval("SELECT to_regrole($1) IS NOT NULL", SERVICE_ROLE):
        await owner.execute(f"CREATE ROLE {SERVICE_ROLE}")
    await owner.close()
    return bool(request.param)


@pytest.fixture
async def restored(
    cluster: OwnCluster, dump: Path, role: bool, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """The URL of a database that the dump was restored into, with the flags of the test."""
    flags: Sequence[str] = getattr(request, "param", ())
    async with database.created(cluster.url(), "restored") as url:
        cluster.tried("pg_restore", *flags, "-d", url, str(dump))  # it tells of a missing role
        yield url


async def rights_in(url: str) -> list[tuple[str, ...]]:
    connection = await asyncpg.connect(url)
    found = [tuple(row) for row in await connection.fetch(RIGHTS)]
    await connection.close()
    return found


@pytest.fixture
async def rights_of_a_new_one(cluster: OwnCluster, key_file: Path) -> Sequence[tuple[str, ...]]:
    async with database.created(cluster.url(), "fresh") as url:
        await prepare(url, where(url, key_file), SchemaPermission.MIGRATE)
        return await rights_in(url)


@pytest.mark.parametrize("restored", FLAGS.values(), ids=FLAGS, indirect=True)
async def test_migrating_puts_role_and_rights_right(
    cluster: OwnCluster, restored: str, key_file: Path
) -> None:
    done, _ = await prepare(restored, where(restored, key_file), SchemaPermission.MIGRATE)
    assert all(each.startswith("rights: ") for each in done)
    assert await prepare(restored, where(restored, key_file), SchemaPermission.MIGRATE) == (
        [],
        database.MASTER_KEY,
    )
    service = await open_service(settings(restored))
    assert (await given.open_ai_session(service, key="k2")).folded.version == 1
    await service.close()
    async with connected(restored) as store:
        assert await guards.missing(store) == []
        assert await verify(store, Keyring(database.MASTER_KEY), silent) == []
        await store.raw.execute("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
    stranger = await asyncpg.connect(restored.replace("postgres@", "stranger@"))
    executes = await stranger.fetch(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE pronamespace ="
        " 'public'::regnamespace AND has_function_privilege(p.oid, 'EXECUTE')"
    )
    touches = await stranger.fetch(
        "SELECT relname FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i'"
        " AND CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'USAGE, SELECT, UPDATE')"
        " ELSE has_table_privilege(oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') END"
    )
    await stranger.close()
    assert (executes, touches) == ([], [])


@pytest.mark.parametrize("restored", [FLAGS["neither"]], ids=["neither"], indirect=True)
async def test_the_rights_are_those_of_a_new_database(
    restored: str, key_file: Path, rights_of_a_new_one: Sequence[tuple[str, ...]]
) -> None:
    """Fails for a new table or function whose rights are not in migrations/rights.sql."""
    await prepare(restored, where(restored, key_file), SchemaPermission.MIGRATE)
    assert await rights_in(restored) == rights_of_a_new_one
    assert len(rights_of_a_new_one) > 15


@pytest.mark.parametrize("restored", [FLAGS["no rights"]], ids=["no rights"], indirect=True)
@pytest.mark.parametrize("role", [True], ids=["with the role"], indirect=True)
async def test_who_only_looks_is_told_and_changes_nothing(restored: str, key_file: Path) -> None:
    before = await rights_in(restored)
    options = (f"--database-url={restored}", f"--master-key-file={key_file}")
    verified = sessionary("verify", *options, "--allow-unsafe-database")
    assert verified.returncode == 1
    assert "everybody (PUBLIC) may execute append_1" in verified.stdout
    assert f"{SERVICE_ROLE} may not SELECT stored_events" in verified.stdout
    assert await rights_in(restored) == before


@pytest.mark.parametrize("restored", [FLAGS["neither"]], ids=["neither"], indirect=True)
async def test_a_login_that_may_not_put_it_right_is_told_who_may(
    restored: str, key_file: Path, role: bool
) -> None:
    async with connected(restored) as store:
        await store.raw.execute(
            "DO $$ BEGIN IF to_regrole('app') IS NULL THEN CREATE ROLE app LOGIN; END IF; END $$"
        )
        await store.raw.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO app")
    before = await rights_in(restored)
    as_app = restored.replace("postgres@", "app@")
    for command in ("migrate", "serve"):
        ended = sessionary(
            command, f"--database-url={as_app}", f"--master-key-file={key_file}",
            "--allow-unsafe-database", *[f"--port={free_port()}"] * (command == "serve"),
        )  # fmt: skip
        assert ended.returncode == 2, ended.stderr
        assert "run `sessionary migrate` as the owner of its tables" in ended.stderr
        assert "PUBLIC" in ended.stderr
        assert ("there is no role" in ended.stderr) is not role
    assert await rights_in(restored) == before


@pytest.mark.parametrize("role", [True], ids=["with the role"], indirect=True)
async def test_an_owner_who_came_too_late_is_told_whose_the_tables_are(
    restored: str, key_file: Path
) -> None:
    async with connected(restored) as store:
        await store.raw.execute("DROP ROLE IF EXISTS late; CREATE ROLE late LOGIN")
    as_late = restored.replace("postgres@", "late@")
    with pytest.raises(SchemaError, match=r"late may not read the tables, .* belong to postgres"):
        await prepare(as_late, where(as_late, key_file), SchemaPermission.MIGRATE)


@pytest.mark.parametrize("may_create_roles", [True, False])
@pytest.mark.parametrize("role", [False], ids=["without the role"], indirect=True)
async def test_whoever_may_create_roles_owns_and_serves_a_new_log(
    cluster: OwnCluster, role: bool, key_file: Path, may_create_roles: bool
) -> None:
    superuser = await asyncpg.connect(cluster.url())
    await superuser.execute("DROP ROLE IF EXISTS maker; CREATE ROLE maker LOGIN")
    await superuser.execute(f"ALTER ROLE maker {'' if may_create_roles else 'NO'}CREATEROLE")
    try:
        async with database.created(cluster.url(), "made") as url:
            await superuser.execute("ALTER DATABASE made OWNER TO maker")
            own = url.replace("postgres@", "maker@")
            if may_create_roles:
                await prepare(own, where(own, key_file), SchemaPermission.MIGRATE)
                service = await open_service(settings(own))
                await given.open_ai_session(service)
                await service.close()
                async with connected(own) as store:
                    assert await rights.amiss(store.raw) == []
                    await store.raw.execute(f"DROP OWNED BY {SERVICE_ROLE}")
                await superuser.execute(f"DROP ROLE {SERVICE_ROLE}")
            else:
                with pytest.raises(SchemaError, match="who may also create roles"):
                    await prepare(own, where(own, key_file), SchemaPermission.MIGRATE)
                async with connected(own) as store:
                    assert not (await store.ask(migrate.SQL["state"]))[0]["has_tables"]
    finally:
        await superuser.execute("DROP ROLE maker")
        await superuser.close()


LOST = {
    "ALTER TABLE stored_events DISABLE TRIGGER append_only": "append_only of stored_events is",
    "ALTER TABLE idempotency_key DISABLE TRIGGER ALL": "append_only of idempotency_key is",
    "ALTER TABLE token DISABLE TRIGGER ALL": "of token is switched off",
    "ALTER TABLE stored_events ENABLE REPLICA TRIGGER append_only": "of stored_events is switched",
    "DROP TRIGGER append_only ON idempotency_key": "idempotency_key has no trigger append_only",
    "DROP TRIGGER head_stays ON log_partition": "log_partition has no trigger head_stays",
    "ALTER TABLE idempotency_key DROP CONSTRAINT idempotency_key_pkey": "idempotency_key lacks",
    "ALTER TABLE stored_events DROP CONSTRAINT stored_events_partition_notification_id_key":
        "stored_events lacks a key",
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'stream_key_pkey'::regclass":
        "The index stream_key_pkey of stream_key is not valid",
    "ALTER FUNCTION append_1 OWNER TO pg_monitor": "append_1 belongs to pg_monitor, but the log to",
    "ALTER TABLE principal OWNER TO pg_monitor": "principal belongs to pg_monitor",
    f"ALTER TABLE stored_events OWNER TO {SERVICE_ROLE}": "may do more than read and append",
}  # fmt: skip


@pytest.mark.parametrize("statement", LOST)
async def test_what_was_lost_on_the_way_is_told(
    store: Connection, owner: asyncpg.Connection, statement: str
) -> None:
    assert await guards.missing(store) == []
    await owner.execute(statement)
    told = await guards.missing(store)
    assert any(LOST[statement] in each for each in told), told


async def test_two_at_once_put_it_right(
    owner: asyncpg.Connection, database_url: str, key_file: Path
) -> None:
    await owner.execute("GRANT ALL ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC")
    at = where(database_url, key_file)
    await asyncio.gather(*(prepare(database_url, at, SchemaPermission.MIGRATE) for _ in range(4)))
    assert await rights.amiss(owner) == []


async def test_functions_of_others_are_their_own_matter(owner: asyncpg.Connection) -> None:
    await owner.execute("CREATE FUNCTION theirs() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    await owner.execute("ALTER FUNCTION theirs OWNER TO pg_monitor")
    await owner.execute("CREATE FUNCTION brought() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    await owner.execute("ALTER EXTENSION plpgsql ADD FUNCTION brought()")
    assert await rights.amiss(owner) == []
