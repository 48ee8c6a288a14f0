"""What identifies rows and orders lists does not rest on the operating system's locale."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest
from support import database, given
from support.clusters import OwnCluster, own_cluster

from app.commands.context import CommandResult, Generated
from app.faces.evo.list_query import AISessionsQuery, list_ai_sessions
from app.faces.superoffice.lists.filter_columns import FILTER_COLUMNS
from app.integrity.guards import changed_collations
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance import users
from app.maintenance.store import Connection, DataLocation, SchemaPermission, connected, prepare
from app.queries.page import Order, Page
from app.queries.tables import CHAT_SESSIONS
from app.rebuild.rebuild import named, rebuild
from app.service import Service, open_service
from app.settings import Settings
from domain.chat.session import NewChatSession

KEYED = 200
LISTED = 60
BY_LOCALE = """
SELECT i.indexrelid::regclass::text, k.place, c.collname
  FROM pg_index AS i
  JOIN pg_class AS t ON t.oid = i.indrelid
 CROSS JOIN LATERAL unnest(i.indcollation) WITH ORDINALITY AS k(ordered_by, place)
  JOIN pg_collation AS c ON c.oid = k.ordered_by
 WHERE t.relnamespace = 'public'::regnamespace
   AND c.collname <> 'C'
"""
VERSION = """
SELECT pg_database_collation_actual_version(oid)
  FROM pg_database
 WHERE datname = current_database()
"""
LOCALE = "sessionary_XX.UTF-8"
ORDERS = ("de_DE", "cs_CZ")
"""Definitions that the locale is made from, before and after: letters, then marks, differ."""


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


async def test_no_index_is_in_the_order_of_a_locale(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    assert await owner.fetch(BY_LOCALE) == []
    await given.open_ai_session(service)
    await rebuild(store, keyring, named(()), silent)
    assert await owner.fetch(BY_LOCALE) == []
    await owner.execute("CREATE INDEX by_locale ON account_info (name)")
    assert len(await owner.fetch(BY_LOCALE)) == 1  # so that the question is a question


async def test_a_changed_version_of_the_order_is_told(
    store: Connection, owner: asyncpg.Connection
) -> None:
    assert await changed_collations(store) == []
    if await owner.fetchval(VERSION) is None:
        pytest.skip("the server's own locale has no version: it never changes")
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(
        "UPDATE pg_database SET datcollversion = '0.1' WHERE datname = current_database()"
    )
    (told,) = await changed_collations(store)
    assert f"REINDEX DATABASE {name}" in told
    assert f"ALTER DATABASE {name} REFRESH COLLATION VERSION" in told
    await owner.execute(f"ALTER DATABASE {name} REFRESH COLLATION VERSION")
    assert await changed_collations(store) == []


async def test_a_changed_version_of_a_collation_in_use_is_told(
    store: Connection, owner: asyncpg.Connection
) -> None:
    made = await owner.fetchval(
        "SELECT format('%I', collname) FROM pg_collation"
        " WHERE collprovider IN ('i', 'b') AND collversion IS NOT NULL LIMIT 1"
    )
    if made is None:
        pytest.skip("the server has no collation with a version")
    await owner.execute(
        "UPDATE pg_collation SET collversion = '0.1' WHERE format('%I', collname) = $1", made
    )
    assert await changed_collations(store) == []  # nobody uses it
    await owner.execute(f"CREATE TABLE mine (name text COLLATE {made})")
    (told,) = await changed_collations(store)
    assert f"ALTER COLLATION pg_catalog.{made} REFRESH VERSION" in told


@pytest.fixture(scope="module")
def cluster() -> Iterator[OwnCluster]:
    """A cluster that is not started: its locales are still to be made."""
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/de_DE").exists():
        pytest.skip("there is no localedef, or no definitions of locales")
    with own_cluster() as made:
        made.create()
        yield made


def make_locale(cluster: OwnCluster, definition: str) -> dict[str, str]:
    """The environment in which the locale has the order of a definition."""
    folder = cluster.folder / "locales"
    folder.mkdir(exist_ok=True)
    shutil.rmtree(folder / LOCALE, ignore_errors=True)
    subprocess.run(  # the system's own program
        ["localedef", "-i", definition, "-f", "UTF-8", str(folder / LOCALE)],
        check=False,  # it warns
        capture_output=True,
    )
    return {"LOCPATH": str(folder)}


async def test_keys_outlive_a_change_of_the_operating_systems_order(
    cluster: OwnCluster, tmp_path: Path
) -> None:
    url = cluster.url("kept")
    keys = [f"{'aAbBcChHzZ'[n % 10]}{'-_ .hH'[n % 6]}{'cHzX'[n % 4]}{n}" for n in range(KEYED)]
    settings = Settings(database_url=url, master_key=database.MASTER_KEY, store_deadline_s=10.0)
    with cluster.started(make_locale(cluster, ORDERS[0])):
        owner = await asyncpg.connect(cluster.url())
        await owner.execute(
            f"CREATE DATABASE kept TEMPLATE template0 LOCALE_PROVIDER libc LOCALE '{LOCALE}'"
        )
        await owner.close()
        before = await sorted_there(url, keys)
        database.write_master_key(tmp_path / "master.key")
        where = DataLocation(database_url=url, data_dir=tmp_path, allow_unsafe_database=True)
        await prepare(url, where, SchemaPermission.MIGRATE)
        service = await open_service(settings)
        async with connected(url) as store:
            for name in keys[:20]:
                await users.add(store, name.strip("."), ["Agent"], None)
        await asyncio.gather(*(opened(service, key) for key in keys))
        assert await listed(service) == sorted(keys)[:LISTED]
        assert await chats_listed(service) == sorted(keys)[:LISTED]
        await service.close()
        await checkpointed(url)
    with cluster.started(make_locale(cluster, ORDERS[1])):
        assert await sorted_there(url, keys) != before  # else there was no change
        service = await open_service(settings)
        retried = await asyncio.gather(*(opened(service, key) for key in keys))
        assert await listed(service) == sorted(keys)[:LISTED]
        assert await chats_listed(service) == sorted(keys)[:LISTED]
        await service.close()
        assert [answer.replayed for answer in retried] == [True] * KEYED
        async with connected(url) as store:
            assert await verify(store, Keyring(database.MASTER_KEY), silent) == []


async def opened(service: Service, key: str) -> CommandResult:
    """A session of each kind under a key, which is also what their lists are ordered by."""
    call = given.call(key=f"chat {key}")
    number = await service.chat.new_number(call)
    command = NewChatSession(chat_session_id=number, first_message=key)
    await service.commands.handle(command, call, Generated(("chat_session_id",)))
    return await given.open_ai_session(service, purpose=key, key=key)


async def listed(service: Service) -> Sequence[str | None]:
    """The first purposes in their order, in two pages."""
    found = []
    for page in range(2):
        wanted = AISessionsQuery(sort_field="purpose", page=page, count_per_page=LISTED // 2)
        rows = (await list_ai_sessions(service.views, wanted)).items
        found += [row.folded.state.purpose for row in rows]
    return found


async def chats_listed(service: Service) -> Sequence[str | None]:
    """The first messages in their order, in two pages of which one goes on behind the other."""
    found: list[str | None] = []
    order = [Order(FILTER_COLUMNS["firstMessage"].filled)]
    last = None
    for _ in range(2):
        page = Page(order=order, limit=LISTED // 2, after=last, counted=False)
        answer = await service.views.page(CHAT_SESSIONS, page)
        found += [row.folded.state.first_message for row in answer.items]
        last = answer.last
    return found


async def sorted_there(url: str, texts: Sequence[str]) -> Sequence[str]:
    """The texts in the order of a database."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT k FROM unnest($1::text[]) AS k ORDER BY 1", texts)
    await connection.close()
    return [row["k"] for row in rows]


async def checkpointed(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CHECKPOINT")
    await connection.close()
