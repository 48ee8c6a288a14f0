"""A database is brought up to date once, whole or not at all, and only where it is safe."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from msgspec.structs import replace
from support.database import ONE_PARTITION

from app.database.errors import SchemaError
from app.database.migrate import (
    Migration,
    Script,
    UnsafeDatabase,
    available,
    functions,
    migrate,
    refuse_unsafe,
)

NUMBERED = [*map(str, available())]
NAMES = [*NUMBERED, *map(str, functions())]
EXTRA = Migration(number=9000, name="extra", sql="CREATE TABLE extra ()", hash="h")
BROKEN = Migration(number=9001, name="broken", sql="SELECT 1 / 0", hash="h")


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database_url)
    yield connection
    await connection.close()


async def tables(connection: asyncpg.Connection) -> set[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows}


async def shape(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    rows = await connection.fetch(
        "SELECT c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull"
        "  FROM pg_class AS c"
        "  LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
        " WHERE c.relnamespace = 'public'::regnamespace"
        " ORDER BY c.relname, a.attnum"
    )
    return [tuple(row) for row in rows]


def test_the_numbers_are_those_of_a_sequence() -> None:
    assert [migration.number for migration in available()] == list(range(1, len(NUMBERED) + 1))


async def test_an_empty_database_gets_them_all_and_then_none(empty: asyncpg.Connection) -> None:
    assert await migrate(empty, available()) == NAMES
    before = await shape(empty)
    assert await migrate(empty, available()) == []
    assert await shape(empty) == before


@ONE_PARTITION
async def test_they_reach_the_schema_of_the_template(
    empty: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    for upto in range(1, len(NUMBERED)):  # as one that was updated with every release
        await migrate(empty, available()[:upto], ())
    await migrate(empty, available())
    assert await shape(empty) == await shape(owner)


async def test_two_runners_at_once_apply_each_once(empty_database_url: str) -> None:
    runners = [await asyncpg.connect(empty_database_url) for _ in range(2)]
    applied = await asyncio.gather(*(migrate(runner, available()) for runner in runners))
    for runner in runners:
        await runner.close()
    assert sorted(applied) == [[], NAMES]


async def test_two_databases_of_one_server_migrate_at_once(
    empty_database_url: str, owner: asyncpg.Connection, empty: asyncpg.Connection
) -> None:
    await owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    applied = await asyncio.gather(*(migrate(each, available()) for each in (owner, empty)))
    assert applied == [NAMES, NAMES]


async def test_an_edited_migration_is_refused(owner: asyncpg.Connection) -> None:
    edited = [*available()]
    edited[1] = replace(edited[1], hash="another")
    with pytest.raises(SchemaError, match="0002 views was applied in another form"):
        await migrate(owner, [*edited, EXTRA])
    assert "extra" not in await tables(owner)


ANSWER = """
CREATE OR REPLACE FUNCTION answer_1() RETURNS integer LANGUAGE sql AS 'SELECT {}'
"""


def script(sql: str, name: str = "functions/answer_1") -> Script:
    return Script(name, sql, str(hash(sql)))


async def test_a_script_of_functions_runs_again_when_its_text_is_another(
    owner: asyncpg.Connection,
) -> None:
    one, two = (script(ANSWER.format(number)) for number in (1, 2))
    for scripts, done, answer in [
        ([one], ["functions/answer_1"], 1),
        ([one], [], 1),
        ([two], ["functions/answer_1"], 2),
        ([two], [], 2),
        ([one], ["functions/answer_1"], 1),
    ]:
        assert await migrate(owner, available(), [*functions(), *scripts]) == done
        assert await owner.fetchval("SELECT answer_1()") == answer
    everybody = "SELECT has_function_privilege('public', 'answer_1()', 'EXECUTE')"
    assert await owner.fetchval(everybody) is False


async def test_a_script_that_did_not_change_does_not_run(owner: asyncpg.Connection) -> None:
    first, second = script(ANSWER.format(1)), script("CREATE SEQUENCE counted", "functions/other")
    await migrate(owner, available(), [first, second])
    changed = script(ANSWER.format(2))
    assert await migrate(owner, available(), [changed, second]) == ["functions/answer_1"]


async def test_a_script_of_a_newer_release_stays(owner: asyncpg.Connection) -> None:
    await migrate(owner, available(), [script(ANSWER.format(2))])
    await owner.execute("UPDATE schema_migration SET release = '999.0' WHERE name LIKE '%answer_1'")
    assert await migrate(owner, available(), [script(ANSWER.format(1))]) == []
    assert await owner.fetchval("SELECT answer_1()") == 2


async def test_a_function_that_would_answer_otherwise_needs_another_name(
    owner: asyncpg.Connection,
) -> None:
    await migrate(owner, available(), [script(ANSWER.format(1))])
    other = script(ANSWER.format(1).replace("integer", "text"))
    with pytest.raises(SchemaError, match=r"functions/answer_1 cannot be applied, .* return type"):
        await migrate(owner, available(), [other])


async def test_a_database_of_a_newer_release_is_refused(owner: asyncpg.Connection) -> None:
    await migrate(owner, [*available(), EXTRA])
    with pytest.raises(SchemaError, match="9000 extra, which this release does not know"):
        await migrate(owner, available())


async def test_what_is_missing_is_applied_whole_or_not_at_all(owner: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(owner, [*available(), EXTRA, BROKEN])
    assert "extra" not in await tables(owner)
    assert await migrate(owner, [*available(), EXTRA]) == ["9000 extra"]


async def test_a_server_that_is_too_old_is_refused(
    empty: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.database.migrate.OLDEST_SERVER", 999)
    with pytest.raises(SchemaError, match="999 is the oldest"):
        await migrate(empty, available())
    assert await tables(empty) == set()


async def test_a_database_that_may_lose_what_it_acknowledged_is_refused(
    owner: asyncpg.Connection,
) -> None:
    await owner.execute("SET synchronous_commit = off")
    with pytest.raises(UnsafeDatabase, match="synchronous_commit"):
        await refuse_unsafe(owner)
    await owner.execute("SET synchronous_commit = local")
    unsafe = await owner.fetch(
        "SELECT FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'"
    )
    if unsafe:
        pytest.skip("the server itself is unsafe")
    await refuse_unsafe(owner)
