"""Schemas, encodings and settings that nobody tried: they work, or are refused by a sentence."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from msgspec.structs import replace
from support import database, given

from app.database import session
from app.database.errors import SchemaError
from app.database.session import OPENED_WITH
from app.faces.evo.list_query import AISessionsQuery, list_ai_sessions
from app.history.replay import replay, stream_named
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import DataLocation, SchemaPermission, connected, prepare
from app.rebuild.rebuild import named, rebuild
from app.service import open_service
from app.settings import Settings

TIME_OUTS = {
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "idle_session_timeout": "1ms",
    "transaction_timeout": "1ms",
}
ODD = TIME_OUTS | {
    "search_path": '"$user", elsewhere',
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kathmandu",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
    "escape_string_warning": "on",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "client_encoding": "LATIN1",
    "row_security": "off",
    "quote_all_identifiers": "on",
    "extra_float_digits": "-5",
    "xmlbinary": "hex",
    "check_function_bodies": "off",
    "plpgsql.variable_conflict": "error",
    "plpgsql.extra_errors": "all",
    "enable_indexscan": "off",
    "enable_nestloop": "off",
    "jit_above_cost": "0",
    "plan_cache_mode": "force_custom_plan",
    "from_collapse_limit": "1",
    "join_collapse_limit": "1",
    "backslash_quote": "off",
    "default_toast_compression": "pglz",
    "client_min_messages": "debug1",
    "lc_messages": "C",
    "gin_fuzzy_search_limit": "1",
    "cursor_tuple_fraction": "1",
}


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
async def superuser(server_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server_url)
    yield connection
    await connection.close()


@pytest.fixture
async def login(superuser: asyncpg.Connection) -> AsyncIterator[str]:
    """An ordinary login, that may create roles."""
    name = f"login_{secrets.token_hex(4)}"
    await superuser.execute(f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD 'secret'")
    if await superuser.fetchval("SELECT to_regrole('sessionary_service') IS NOT NULL"):
        await superuser.execute(f"GRANT sessionary_service TO {name} WITH ADMIN OPTION")
    yield name
    await superuser.execute(f"DROP ROLE {name}")


def as_login(url: str, name: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{name}:secret@{rest.rpartition('@')[2]}"


def at(url: str, folder: Path) -> DataLocation:
    database.write_master_key(folder / "master.key")
    return DataLocation(database_url=url, data_dir=folder, allow_unsafe_database=True)


async def a_conversation(url: str) -> None:
    """Work, look and rebuild, as an installation does in its life."""
    settings = Settings(database_url=url, master_key=database.MASTER_KEY, store_deadline_s=10.0)
    keyring = Keyring(database.MASTER_KEY)
    service = await open_service(settings)
    await given.open_account(service)
    opened = await given.open_ai_session(service, account="a1", key="k\\1'")
    its_id = given.session_of(opened)
    await given.patch_ai_session(service, its_id, "\\' \U0001f600 \u00e4")
    assert (await given.open_ai_session(service, its_id, account="a1", key="k\\1'")).replayed
    await given.open_chat_session(service)
    listed = await list_ai_sessions(service.views, AISessionsQuery(sort_field="purpose"))
    assert [row.account_name for row in listed.items] == ["Acme"]
    assert await service.unready() is None
    await service.close()
    async with connected(url) as store:
        rebuilt = await rebuild(store, keyring, named(()), silent)
        assert set(rebuilt.mended.values()) == {0}
        assert await verify(store, keyring, silent) == []
        steps = [step async for step in replay(store, keyring, stream_named(its_id), None)]
        assert [step.version for step in steps] == [1, 2]


@pytest.mark.parametrize("level", ["DATABASE", "ROLE"])
async def test_odd_settings_change_nothing(
    login: str, empty_database_url: str, tmp_path: Path, level: str
) -> None:
    url = as_login(empty_database_url, login)
    owner = await asyncpg.connect(empty_database_url)
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f'ALTER DATABASE "{name}" OWNER TO {login}')
    await owner.execute(f"CREATE SCHEMA elsewhere AUTHORIZATION {login}")
    of = f'DATABASE "{name}"' if level == "DATABASE" else f"ROLE {login}"
    known = {row[0] for row in await owner.fetch("SELECT name FROM pg_settings")}
    for setting, value in ODD.items():
        if setting in known or "." in setting:
            await owner.execute(f"ALTER {of} SET {setting} = {quoted(setting, value)}")
    await prepare(url, at(url, tmp_path), SchemaPermission.MIGRATE)
    assert await owner.fetchval("SELECT to_regclass('public.stored_events') IS NOT NULL")
    await a_conversation(url)
    assert await prepare(url, at(url, tmp_path), SchemaPermission.MIGRATE) == (
        [],
        database.MASTER_KEY,
    )
    await owner.close()


async def test_a_time_out_that_leaves_no_time_to_lift_it_is_asked_not_to_be(
    login: str, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await asyncpg.connect(empty_database_url)
    if owner.get_server_version().major < session._HAS_TRANSACTION_TIMEOUT:
        pytest.skip("PostgreSQL has this time-out from 17 on")
    await owner.execute(f"ALTER ROLE {login} SET transaction_timeout = '1ms'")
    await owner.close()
    slow = "SELECT pg_sleep(0.1)"
    monkeypatch.setattr(session, "SQL", {**session.SQL, "lift_time_outs": slow})
    async with connected(as_login(empty_database_url, login)) as store:
        assert [tuple(row) for row in await store.ask("SHOW transaction_timeout")] == [("0",)]
        await store.ask(slow)


def quoted(setting: str, value: str) -> str:
    return value if setting == "search_path" else f"'{value}'"


@pytest.mark.parametrize("query", ["search_path=app", "options=-csearch_path%3Dapp"])
async def test_a_search_path_of_the_url_changes_nothing(
    empty_database_url: str, tmp_path: Path, query: str
) -> None:
    owner = await asyncpg.connect(empty_database_url)
    await owner.execute("CREATE SCHEMA app; CREATE SCHEMA AUTHORIZATION current_user")
    await owner.close()
    url = f"{empty_database_url}{'&' if '?' in empty_database_url else '?'}{query}"
    await prepare(url, at(url, tmp_path), SchemaPermission.MIGRATE)
    await a_conversation(url)


async def test_behind_pgbouncer_another_search_path_is_refused_before_anything(
    empty_database_url: str, tmp_path: Path
) -> None:
    owner = await asyncpg.connect(empty_database_url)
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f'CREATE SCHEMA app; ALTER DATABASE "{name}" SET search_path = app')
    behind = replace(at(empty_database_url, tmp_path), statement_cache=0)
    for may in SchemaPermission:
        with pytest.raises(SchemaError, match=r"search_path .* is app, but .* in public"):
            await prepare(empty_database_url, behind, may)
    assert await made_in(owner) == 0
    await owner.close()


async def made_in(owner: asyncpg.Connection) -> int:
    found: int = await owner.fetchval(
        "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname !~ '^pg_|^information_schema'"
    )
    return found


async def test_a_login_that_may_make_nothing_is_told_what_to_grant(
    login: str, empty_database_url: str, tmp_path: Path
) -> None:
    owner = await asyncpg.connect(empty_database_url)
    url = as_login(empty_database_url, login)
    with pytest.raises(SchemaError, match=f'{login} may not make .* TO "{login}"') as caught:
        await prepare(url, at(url, tmp_path), SchemaPermission.MIGRATE)
    assert await made_in(owner) == 0
    await owner.execute(str(caught.value).rpartition("owner, ")[2])
    await prepare(url, at(url, tmp_path), SchemaPermission.MIGRATE)
    await a_conversation(url)
    await owner.close()


async def test_without_a_schema_public_nothing_is_made(
    empty_database_url: str, tmp_path: Path
) -> None:
    owner = await asyncpg.connect(empty_database_url)
    await owner.execute("DROP SCHEMA public; CREATE SCHEMA app")
    with pytest.raises(SchemaError, match="has no schema public"):
        await prepare(
            empty_database_url, at(empty_database_url, tmp_path), SchemaPermission.MIGRATE
        )
    assert await made_in(owner) == 0
    await owner.close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "WIN1252", "EUC_JP"])
async def test_another_encoding_is_refused_before_anything(
    superuser: asyncpg.Connection, server_url: str, tmp_path: Path, encoding: str
) -> None:
    name = f"sessionary_test_{secrets.token_hex(8)}"
    await superuser.execute(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'"
        " LOCALE_PROVIDER libc LOCALE 'C'"
    )
    try:
        url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        for may in SchemaPermission:
            with pytest.raises(SchemaError, match=f"encoding is {encoding}"):
                await prepare(url, at(url, tmp_path), may)
        owner = await asyncpg.connect(url)
        assert await made_in(owner) == 0
        await owner.close()
    finally:
        await superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_where_triggers_do_not_fire_nothing_is_done(
    database_url: str, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f'ALTER DATABASE "{name}" SET session_replication_role = replica')
    with pytest.raises(SchemaError, match="session_replication_role is replica"):
        await prepare(database_url, at(database_url, tmp_path), SchemaPermission.MIGRATE)


async def test_all_that_a_connection_asks_for_is_a_setting(owner: asyncpg.Connection) -> None:
    for name in OPENED_WITH:
        assert await owner.fetchval("SELECT current_setting($1)", name) is not None
