"""What somebody can do who has the service's login to the database: its work, and nothing more.

Each try is refused with the SQLSTATE that it should be, and the log, its guards and all rights are
afterwards as before. Both the suite's database and an embedded one, as `serve` makes it, are tried.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec import Struct
from support import database, given
from support.crafted import CREATED, PATCHED, Arguments, append, derived, honest
from support.entries import new_stream
from support.service_process import data_directory, with_log
from support.untouched import picture
from support.ways_out import AWAITED, CHANGES, DENIED, GUARDED, HARMLESS, WRONG, Way, named

from app.database.embedded import running, service_url
from app.maintenance import key_file, users
from app.maintenance.store import Connection
from app.service import open_service
from app.settings import Settings
from domain.ids import StreamId, partition_of

WAYS = dict(named())
CHANGE = "UPDATE stored_events SET actor = 'mallory'"


class Place(Struct, frozen=True):
    """A database with a log, a caller and a token, by both logins."""

    owner: asyncpg.Connection
    service_url: str
    before: dict[str, str]
    session: UUID
    """The stream of a session that is there."""

    @asynccontextmanager
    async def mallory(self) -> AsyncIterator[asyncpg.Connection]:
        """Somebody with the service's login; nothing of him is left afterwards."""
        connection = await asyncpg.connect(self.service_url)
        try:
            yield connection
        finally:
            connection.terminate()

    async def named(self) -> dict[str, str]:
        """What the statements name."""
        ((name, of, backend),) = await self.owner.fetch(
            "SELECT current_user::text, current_database()::text, pg_backend_pid()"
        )
        return {"owner": name, "database": f'"{of}"', "backend": backend, "change": CHANGE}

    async def assert_untouched(self) -> None:
        """All is as it was."""
        after = await picture(self.owner)
        assert {name for name in after if after[name] != self.before.get(name)} == set()


@asynccontextmanager
async def place(url: str, as_service: str, key: bytes) -> AsyncIterator[Place]:
    """A database where something was done."""
    owner = await asyncpg.connect(url)
    await users.add(Connection(owner), "kim", ["SystemAdministrator"], "right")
    await users.give_token(Connection(owner), "kim")
    service = await open_service(Settings(database_url=as_service, master_key=key))
    await given.open_account(service)
    session = given.session_of(await given.open_ai_session(service, key="k1"))
    await given.open_chat_session(service)
    await service.close()
    try:
        yield Place(owner, as_service, dict(await picture(owner)), UUID(session))
    finally:
        await owner.close()


@pytest.fixture(scope="module")
def embedded_dir() -> Iterator[Path]:
    """A data directory as `migrate` makes it; the login of its service is made by `serve`."""
    with data_directory() as folder:
        yield with_log(folder / "data")


@pytest.fixture(scope="module", params=["suite", "embedded"])
async def there(
    request: pytest.FixtureRequest, server_url: str, template: str, embedded_dir: Path
) -> AsyncIterator[Place]:
    """The suite's database, and the embedded one."""
    if request.param == "suite":
        name = f"sessionary_test_{uuid4().hex}"
        async with (
            database.created(server_url, name, template) as url,
            place(url, database.service_url(url), database.MASTER_KEY) as made,
        ):
            yield made
        return
    with running(embedded_dir) as url:
        key = key_file.read(embedded_dir / "master.key")
        async with place(url, service_url(embedded_dir), key) as made:
            yield made


async def refused(there: Place, statements: Sequence[str]) -> str:
    """The SQLSTATE that the last of some statements is refused with; the others are allowed."""
    names = await there.named()
    async with there.mallory() as mallory:
        *first, last = (statement.format(**names) for statement in statements)
        for statement in first:
            await mallory.execute(statement)
        with pytest.raises(asyncpg.PostgresError) as error:
            await mallory.execute(last)
        assert error.value.sqlstate is not None
        return error.value.sqlstate


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(
            way,
            id=name,
            marks=[pytest.mark.xfail(strict=True, reason="the service reads and writes these")]
            if name in AWAITED
            else [],
        )
        for name, way in WAYS.items()
    ],
)
async def test_there_is_no_way_out(there: Place, way: Way) -> None:
    state, statements = way
    if any("token" in each or "login_session" in each for each in statements):
        statements = ["BEGIN", *statements]  # what is not refused is not left behind
    assert await refused(there, statements) == state
    await there.assert_untouched()


@pytest.mark.parametrize("table", GUARDED)
async def test_no_statement_changes_a_guarded_table(there: Place, table: str) -> None:
    first = await there.owner.fetchval(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1",
        f"public.{table}",
    )
    found = {}
    for change in CHANGES:
        async with there.mallory() as mallory:
            try:
                statement = change.replace("{first}", first).replace("{}", f"public.{table}")
                await mallory.execute(statement)
                found[change] = "done"
            except asyncpg.PostgresError as error:
                found[change] = error.sqlstate
    await there.assert_untouched()
    odd = {change: state for change, state in found.items() if state != DENIED}
    assert set(odd.values()) <= KINDS_OF_TABLE, odd


KINDS_OF_TABLE = {"42601", "42809", "55000", "0A000", "428C9"}
"""What a statement gets that a table or a view of its kind never takes, whoever sends it."""


@pytest.mark.parametrize("statements", HARMLESS.values(), ids=HARMLESS)
async def test_what_everybody_may_do_changes_nothing(
    there: Place, statements: Sequence[str]
) -> None:
    async with there.mallory() as mallory:
        for statement in statements:
            await mallory.execute(statement)
    await there.assert_untouched()


async def test_nobody_of_this_machine_becomes_the_owner_without_the_password(
    embedded_dir: Path,
) -> None:
    with running(embedded_dir) as url:
        for parts in (urlsplit(url), urlsplit(service_url(embedded_dir))):
            asked = urlunsplit(parts._replace(netloc="sessionary@"))
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(asked)


def crafted(session: UUID) -> dict[str, tuple[str, Arguments]]:
    """Arguments that no service sends, and the SQLSTATE that they get."""
    one, two = honest(), honest(streams=[uuid4(), uuid4()])
    patch = honest(streams=[session], expected=1, topic=PATCHED)
    further: dict[str, list[object]] = {
        "r_command": [1],
        "r_view": ["account_info"],
        "r_doc": ["{}"],
        "r_search": [None],
    }
    wrong: dict[str, Arguments] = {
        "fewer events than none": one | {"c_events": [-1]},
        "one less and one more": two | {"c_events": [-1, 3]},
        "one less and as many": two | {"c_events": [3, -1]},
        "more events than there are": one | {"c_events": [2]},
        "events beyond memory": one | {"c_events": [2_147_483_647]},
        "fewer events than there are": two | {"c_events": [1, 0]},
        "an unknown number of events": one | {"c_events": [None]},
        "fewer numbers than commands": two | {"c_events": [2]},
        "no number at all": one | {"c_events": []},
        "no commands": one | {"c_stream": None},
        "no events": one | {"e_topic": None},
        "an event more": one
        | {"e_topic": [CREATED] * 2, "e_state": [b"{}"] * 2, "e_id": [uuid4()] * 2},
        "a state more": one | {"e_state": [b"{}"] * 2},
        "an id less": two | {"e_id": [uuid4()]},
        "a stream more": one | {"c_stream": [uuid4(), uuid4()]},
        "a version less": two | {"c_expected": [0]},
        "a context less": two | {"c_context": [1]},
        "an actor more": one | {"x_actor": ["kim", "max"]},
        "no view": one | {"x_view": []},
        "an account more": one | {"x_account": ["a1", "a2"]},
        "a last event more": patch | {"c_last": [None, None]},
        "a document less": two | {"c_doc": ["{}"]},
        "a key more": one | {"c_key": ["a", "b"], "c_fingerprint": [b"", b""]},
        "a search more": one | {"c_search": ["{}"] * 2},
        "a sealing key more": one | {"c_sealing_key": [b""] * 2},
        "a row twice": one | {name: value * 2 for name, value in further.items()},
        "a row of the command's own view": one | further | {"r_view": ["ai_session_info"]},
        "a row of no command": one | further | {"r_command": [2]},
        "a row of a command before the first": one | further | {"r_command": [0]},
        "a row without a view": one | further | {"r_view": [None]},
        "a row without a list": one | further | {"r_doc": None},
        "a table that is no view": one | {"x_view": ["stored_events"]},
        "statements for a view": one | {"x_view": ["account_info; DROP TABLE token"]},
        "a further table that is no view": one | further | {"r_view": ["principal"]},
    }
    missing = {
        f"without {name}": ("23502", one | {name: [None]})
        for name in ("x_actor", "x_metadata", "e_state", "e_id", "c_stream")
    }
    return {name: (WRONG, arguments) for name, arguments in wrong.items()} | missing | {
        "a context that is not there": ("23502", one | {"c_context": [2]}),
        "a partition that is not there": ("P0002", one | {"p_partition": 1}),
        "a partition before the first": ("P0002", one | {"p_partition": -1}),
        "no partition": ("P0002", one | {"p_partition": None}),
        "another master key": ("SE001", one | {"p_check_value": "mallory"}),
        "a kind that there is not": ("23514", honest(streams=[derived()], topic="evil.made.v1")),
        "an unknown kind": ("23514", one | {"e_topic": [None]}),
        "no kind": ("23514", honest(streams=[derived()], topic="")),
        "a session under a derived id": ("23514", honest(streams=[derived()])),
        "an account under a drawn id": ("23514", honest(topic="account.created.v1")),
        "a chat in an AI session": (
            "23514", honest(streams=[session], expected=1, topic="chat_session.closed.v1")
        ),
        "a stream twice": ("23505", honest(streams=[session] * 2, expected=1, topic=PATCHED)),
        "a key without a hash": ("23502", one | {"c_key": ["k"]}),
    }  # fmt: skip


NAMES = crafted(UUID(int=0))


@pytest.mark.parametrize("name", NAMES)
async def test_a_crafted_append_is_refused(there: Place, name: str) -> None:
    state, arguments = crafted(there.session)[name]
    async with there.mallory() as mallory:
        with pytest.raises(asyncpg.PostgresError) as error:
            await append(mallory, arguments)
    assert error.value.sqlstate == state, error.value
    await there.assert_untouched()


CONFLICTS: dict[str, Arguments] = {
    "a version skipped": {"c_expected": [5]},
    "a version again": {"c_expected": [0]},
    "a version before the first": {"c_expected": [-1]},
    "a version beyond the last": {"c_expected": [2**63 - 1]},
    "another last event": {"c_last": [UUID(int=7)]},
}


@pytest.mark.parametrize("change", CONFLICTS.values(), ids=CONFLICTS)
async def test_a_forged_version_is_a_conflict(there: Place, change: Arguments) -> None:
    arguments = honest(streams=[there.session], expected=1, topic=PATCHED) | change
    async with there.mallory() as mallory:
        assert (await append(mallory, arguments))["outcome"] == ["conflict"]
    await there.assert_untouched()


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
async def test_no_append_sees_the_tables_as_they_were(there: Place, level: str) -> None:
    async with there.mallory() as mallory:
        await mallory.execute(f"BEGIN ISOLATION LEVEL {level}")
        with pytest.raises(asyncpg.InvalidParameterValueError, match="do not fit"):
            await append(mallory, honest())
    await there.assert_untouched()


async def test_nothing_of_the_session_stands_in_for_what_the_append_uses(there: Place) -> None:
    """Tables, functions and operators of its own, first in its path: the append meets none."""
    head = await there.owner.fetchval("SELECT position FROM log_partition")
    async with there.mallory() as mallory:
        await mallory.execute(
            """
            CREATE TEMP TABLE log_partition AS SELECT 0 AS partition, 0::bigint AS position,
                                                      now() AS recorded_at;
            CREATE TEMP TABLE stored_events (LIKE public.stored_events);
            CREATE TEMP TABLE account_info (account_id text, name text);
            CREATE TEMP TABLE ai_session_info (LIKE public.ai_session_info);
            CREATE TEMP TABLE log_setting AS SELECT 'master_key_check' AS name, 'mine' AS value;
            CREATE FUNCTION pg_temp.cardinality(anyarray) RETURNS int LANGUAGE sql AS 'SELECT 1/0';
            CREATE FUNCTION pg_temp.split_part(text, text, int) RETURNS text
                LANGUAGE sql AS 'SELECT (1/0)::text';
            CREATE FUNCTION pg_temp.may_begin_1(text, uuid) RETURNS boolean
                LANGUAGE sql AS 'SELECT (1/0) = 0';
            CREATE FUNCTION pg_temp.same(text, text) RETURNS boolean
                LANGUAGE sql AS 'SELECT 1/0 = 0';
            CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.same);
            SET search_path = pg_temp, pg_catalog, public;
            BEGIN
            """
        )
        done = await append(mallory, honest())
        written = await mallory.fetchval("SELECT max(notification_id) FROM public.stored_events")
        assert (done["head"], done["outcome"], written) == (head, None, head + 1)
        assert await mallory.fetchval("SELECT count(*) FROM pg_temp.stored_events") == 0
        with pytest.raises(asyncpg.PostgresError, match="another master key"):
            await append(mallory, honest() | {"p_check_value": "mine"})
    await there.assert_untouched()


async def test_each_function_that_runs_as_the_owner_has_a_path_of_its_own(there: Place) -> None:
    paths = await there.owner.fetch(
        "SELECT proname, proconfig FROM pg_proc"
        " WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    )
    assert {row["proname"] for row in paths} >= {"append_1", "try_room_1", "last_drawn_1"}
    for row in paths:
        assert "search_path=public, pg_temp" in (row["proconfig"] or ()), row["proname"]


async def test_a_number_of_others_is_not_told(there: Place) -> None:
    for name in ("principal_associate_id_seq", "stored_events", "no_such"):
        assert await refused(there, [f"SELECT last_drawn_1('{name}')"]) == WRONG
    await there.assert_untouched()


async def test_a_stream_has_one_partition(server_url: str, template_of_several: str) -> None:
    """In a log of several, the database itself knows in which one a stream begins."""
    name = f"sessionary_test_{uuid4().hex}"
    async with database.created(server_url, name, template_of_several) as url:
        mallory = await asyncpg.connect(database.service_url(url))
        try:
            for _ in range(40):
                stream = new_stream()
                arguments = honest(streams=[stream])
                right = partition_of(stream, database.SEVERAL)
                for wrong in set(range(database.SEVERAL)) - {right}:
                    with pytest.raises(asyncpg.InvalidParameterValueError, match="do not fit"):
                        await append(mallory, arguments | {"p_partition": wrong})
                assert (await append(mallory, arguments | {"p_partition": right}))["head"] >= 0
        finally:
            await mallory.close()


async def test_the_partition_of_a_stream_is_the_same_here_and_there(
    server_url: str, template: str
) -> None:
    name = f"sessionary_test_{uuid4().hex}"
    async with database.created(server_url, name, template) as url:
        owner = await asyncpg.connect(url)
        try:
            for count in (1, 2, 3, 7, 63, 64):
                ids = [UUID(int=0), UUID(int=2**128 - 1), *(uuid4() for _ in range(50))]
                streams = [StreamId(each) for each in ids]
                found = await owner.fetch(
                    "SELECT partition_of_1(id, $2) FROM unnest($1::uuid[]) AS id", ids, count
                )
                assert [row[0] for row in found] == [
                    partition_of(stream, count) for stream in streams
                ]
        finally:
            await owner.close()
