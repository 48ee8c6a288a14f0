"""Arguments that no service sends to the append: refused, and nothing of the log is changed."""

from collections.abc import Mapping
from uuid import UUID, uuid4

import asyncpg
import pytest
from support import database
from support.crafted import CREATED, PATCHED, Arguments, append, derived, honest
from support.entries import new_stream
from support.place import Place
from support.ways_out import WRONG

from domain.ids import StreamId, partition_of


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
        "a further table that is no view": one | further | {"r_view": ["credential"]},
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


async def test_a_stream_has_one_partition(server_url: str, templates: Mapping[int, str]) -> None:
    """In a log of several, the database itself knows in which one a stream begins."""
    name = f"sessionary_test_{uuid4().hex}"
    template = templates[database.SEVERAL]
    async with database.created(server_url, name, template) as url:
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
