"""The service's login: who may be it, who is refused, and how it is let in."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from support import database
from support.embedded import ask

from app.cli import serve as serving
from app.cli.main import main
from app.database import rights
from app.database.embedded import running, service_url
from app.database.embedded_cluster import Cluster
from app.database.scram import verifier
from app.integrity.doctor import Examination, examine
from app.maintenance.logins import OwnerLogin, admit_service, require_boundary
from app.maintenance.store import (
    Connection,
    DataLocation,
    SchemaPermission,
    connected,
    prepare,
)
from app.maintenance.store import database as database_of
from app.settings import SERVICE_ROLE

TOO_MUCH = {
    "superuser": ("ALTER ROLE {login} SUPERUSER", "is a superuser"),
    "maker of roles": ("ALTER ROLE {login} CREATEROLE", "has CREATEROLE"),
    "maker of databases": ("ALTER ROLE {login} CREATEDB", "has CREATEDB"),
    "replica": ("ALTER ROLE {login} REPLICATION", "has REPLICATION"),
    "owner of the log": ("ALTER TABLE stored_events OWNER TO {login}", "owns the log"),
    "owner of the schema": ("ALTER SCHEMA public OWNER TO {login}", "owns the schema public"),
    "owner of the database": ("ALTER DATABASE {database} OWNER TO {login}", "owns the database"),
    "writer of all": ("GRANT pg_write_all_data TO {login}", "is a member of pg_write_all_data"),
    "runner of programs": (
        "GRANT pg_execute_server_program TO {login}", "a member of pg_execute_server_program"
    ),
    "maker of tables": ("GRANT CREATE ON SCHEMA public TO {login}", "things in the schema public"),
    "writer of the log": ("GRANT INSERT ON stored_events TO {login}", "may change stored_events"),
    "writer of a view": ("GRANT UPDATE ON account_info TO {login}", "may change account_info"),
}  # fmt: skip


@pytest.fixture
async def login(owner: asyncpg.Connection) -> AsyncIterator[str]:
    """A login with the service's rights and no others."""
    name = f"login_{secrets.token_hex(4)}"
    await owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret' IN ROLE {SERVICE_ROLE}")
    yield name
    await owner.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER")
    await owner.execute(f"DROP OWNED BY {name}")
    await owner.execute(f"DROP ROLE {name}")


@pytest.fixture
def where(database_url: str, login: str, tmp_path: Path) -> DataLocation:
    """The database, by that login and its owner's."""
    database.write_master_key(tmp_path / "master.key")
    scheme, _, rest = database_url.partition("://")
    return DataLocation(
        database_url=f"{scheme}://{login}:secret@{rest.rpartition('@')[2]}",
        owner_url=database_url,
        data_dir=tmp_path,
        allow_unsafe_database=True,
    )


async def test_a_login_with_only_the_services_rights_is_accepted(where: DataLocation) -> None:
    await require_boundary(where)
    assert where.owner_url is not None
    await serving._prepare(where.owner_url, where, serving.Administrator("admin", "right as rain"))


@pytest.mark.parametrize(("statement", "words"), TOO_MUCH.values(), ids=TOO_MUCH)
async def test_a_login_that_may_more_is_refused_and_told_why(
    where: DataLocation, owner: asyncpg.Connection, login: str, statement: str, words: str
) -> None:
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(statement.format(login=login, database=f'"{name}"'))
    with pytest.raises(OwnerLogin, match=words) as refused:
        await require_boundary(where)
    assert login in str(refused.value)
    assert "--owner-url" in str(refused.value)
    assert "secret" not in str(refused.value)
    found = [f for f in await examine(Examination(Connection(owner), where)) if f.check == "login"]
    assert found[0].state == "wrong"
    assert words in found[0].message
    alone = Examination(Connection(owner), replace(where, owner_url=None))
    found = [f for f in await examine(alone) if f.check == "login"]
    assert found[0].state == "warning"
    await require_boundary(replace(where, allow_owner_login=True))


async def test_who_may_become_the_owner_is_refused(
    where: DataLocation, owner: asyncpg.Connection, login: str
) -> None:
    other = f"owner_{secrets.token_hex(4)}"
    await owner.execute(f"CREATE ROLE {other}")
    try:
        await owner.execute(f"ALTER TABLE stored_events OWNER TO {other}")
        await owner.execute(f"GRANT {other} TO {login}")
        with pytest.raises(OwnerLogin, match=f"is or may become {other}, who owns the log"):
            await require_boundary(where)
    finally:
        await owner.execute(f"REASSIGN OWNED BY {other} TO CURRENT_USER")
        await owner.execute(f"DROP OWNED BY {other}")
        await owner.execute(f"DROP ROLE {other}")


async def test_an_owner_who_would_serve_is_refused_before_anything_is_made(
    empty_database_url: str, tmp_path: Path
) -> None:
    where = DataLocation(database_url=empty_database_url, data_dir=tmp_path)
    with pytest.raises(OwnerLogin, match="is a superuser"):
        await serving._prepare(empty_database_url, where, serving.Administrator("admin", None))
    assert await ask(empty_database_url, "SELECT to_regclass('stored_events') IS NULL")
    assert list(tmp_path.iterdir()) == []


async def test_the_services_login_alone_serves_what_is_migrated(
    where: DataLocation, owner: asyncpg.Connection
) -> None:
    """It also adds the first administrator: a function does, with the event that says so."""
    alone = replace(where, owner_url=None)
    assert alone.database_url is not None
    administrator = serving.Administrator("admin", "right as rain")
    await serving._prepare(alone.database_url, alone, administrator)
    assert await owner.fetchval("SELECT principal FROM credential") == "admin"


EXCESS = {
    "GRANT UPDATE, TRIGGER ON stored_events TO sessionary_service": "TRIGGER, UPDATE stored_events",
    "GRANT UPDATE (position) ON log_partition TO sessionary_service": '("position") log_part',
    "GRANT DELETE ON account_info TO sessionary_service": "may DELETE account_info",
    "GRANT CREATE ON SCHEMA public TO PUBLIC": "(PUBLIC) may make things in the schema public",
}


@pytest.mark.parametrize(("statement", "words"), EXCESS.items())
async def test_migrating_takes_away_what_only_the_append_should_do(
    owner: asyncpg.Connection, where: DataLocation, statement: str, words: str
) -> None:
    await owner.execute(statement)
    (found,) = await rights.amiss(owner)
    assert words in found
    assert where.owner_url is not None
    assert await prepare(where.owner_url, where, SchemaPermission.MIGRATE) == (
        [f"rights: {found} no more"], database.MASTER_KEY,
    )  # fmt: skip
    assert await rights.amiss(owner) == []
    assert await owner.fetchval(
        "SELECT has_table_privilege('sessionary_service', 'stored_events', 'SELECT')"
    )


def test_migrate_makes_all_that_a_service_without_the_owners_login_needs(
    empty_database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("a first password\n")
    (tmp_path / "password").chmod(0o600)
    given = (
        "migrate", *database.logins(empty_database_url), f"--data-dir={tmp_path}",
        f"--admin-password-file={tmp_path / 'password'}", "--allow-unsafe-database",
    )  # fmt: skip
    first, again = (CliRunner().invoke(main, given) for _ in range(2))
    assert (first.exit_code, again.exit_code) == (0, 0), first.stderr
    assert "Applied functions/append_1" in first.stdout
    assert "Created the administrator admin" in first.stdout
    assert again.stdout == "Up to date\n"
    assert (tmp_path / "master.key").exists()


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_serving_needs_a_login_beside_the_owners(
    empty_database_url: str, tmp_path: Path, command: str
) -> None:
    given = (f"--owner-url={empty_database_url}", f"--data-dir={tmp_path}")
    ended = CliRunner().invoke(main, [command, *given, "--allow-unsafe-database"])
    assert ended.exit_code == (2 if command == "serve" else 0), ended.stderr
    assert ("name it by --database-url" in ended.stderr) is (command == "serve")


def test_who_has_the_services_login_alone_is_told_which_one_a_command_needs(
    database_url: str, tmp_path: Path
) -> None:
    database.write_master_key(tmp_path / "master.key")
    given = (f"--database-url={database.service_url(database_url)}", f"--data-dir={tmp_path}")
    ended = CliRunner().invoke(main, ["rebuild", *given, "--allow-unsafe-database"])
    assert ended.exit_code == 2
    assert "this needs the owner's login, --owner-url" in ended.stderr


PASSWORDS = ["plain", "with space", "pässwörd", "no\u00a0break", "soft\u00adhyphen", "ﬁ", "\u2168"]


@pytest.mark.parametrize("password", PASSWORDS)
async def test_postgresql_knows_the_password_of_a_verifier(used_dir: Path, password: str) -> None:
    with running(used_dir) as url:
        # (The one login of the embedded cluster that has a password is its owner's.)
        async with connected(url) as store:
            await store.raw.execute(f"ALTER ROLE CURRENT_USER PASSWORD '{verifier(password)}'")
            try:
                for tried, gets_in in ((password, True), (f"{password}x", False)):
                    assert await _gets_in(Cluster.at(used_dir), tried) is gets_in
            finally:
                own = (used_dir / "owner.password").read_text().strip()
                await store.raw.execute(f"ALTER ROLE CURRENT_USER PASSWORD '{verifier(own)}'")


async def _gets_in(cluster: Cluster, password: str) -> bool:
    try:
        made = await asyncpg.connect(cluster.service_url, user="sessionary", password=password)
    except asyncpg.InvalidPasswordError:
        return False
    await made.close()
    return True


async def test_the_embedded_service_is_let_in_once(new_dir: Path) -> None:
    where = DataLocation(database_url=None, data_dir=new_dir)
    with database_of(where, SchemaPermission.MIGRATE) as url:
        await prepare(url, where, SchemaPermission.MIGRATE)
        async with connected(url) as store:
            assert await admit_service(store, where)
            assert not await admit_service(store, where)
        await require_boundary(where)
        assert await ask(service_url(new_dir), "SELECT session_user") == SERVICE_ROLE


async def test_a_lost_password_is_made_anew_at_the_next_start(new_dir: Path) -> None:
    with running(new_dir) as before:
        assert await ask(before, "SELECT 1") == 1
    (new_dir / "owner.password").unlink()
    with running(new_dir) as after:
        assert after != before
        assert await ask(after, "SELECT current_user") == "sessionary"
        assert (new_dir / "owner.password").stat().st_mode & 0o777 == 0o600
