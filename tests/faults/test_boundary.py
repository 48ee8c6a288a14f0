"""What somebody can do who has the service's login to the database: its work, and nothing more.

Each try is refused with the SQLSTATE that it should be, and the log, its guards and all rights are
afterwards as before. Both the suite's database and an embedded one, as `serve` makes it, are tried.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from support.crafted import derived
from support.place import Place
from support.ways_out import CHANGES, DENIED, GUARDED, HARMLESS, WRONG, Way, named

from app.database.embedded import running, service_url

WAYS = dict(named())


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


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_there_is_no_way_out(there: Place, way: Way) -> None:
    state, statements = way
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


async def test_each_function_that_runs_as_the_owner_has_a_path_of_its_own(there: Place) -> None:
    paths = await there.owner.fetch(
        "SELECT proname, proconfig FROM pg_proc"
        " WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    )
    assert {row["proname"] for row in paths} >= {"append_1", "try_room_1", "last_drawn_1"}
    for row in paths:
        assert "search_path=public, pg_temp" in (row["proconfig"] or ()), row["proname"]


async def test_a_number_of_others_is_not_told(there: Place) -> None:
    for name in ("associate_number", "stored_events", "no_such"):
        assert await refused(there, [f"SELECT last_drawn_1('{name}')"]) == WRONG
    await there.assert_untouched()


FORGED = {
    "principal.token_issued.v1": '{"token_id": "01a227c7-2be7-744e-94d7-b1b3ab77e5e0",'
    ' "label": "", "issued_by": "kim", "issued_at": "2026-01-01T00:00:00Z"}',
    "principal.signed_in.v1": '{"sign_in": "01a227c7-2be7-744e-94d7-b1b3ab77e5e0",'
    ' "permanent": true, "expires_at": "2126-01-01T00:00:00Z"}',
    "principal.password_changed.v1": "{}",
    "principal.disabled.v1": "{}",
    "principal.signed_out.v1": "{}",
}


@pytest.mark.parametrize(("topic", "state"), FORGED.items())
async def test_no_secret_is_kept_for_somebody_elses_stream(
    there: Place, topic: str, state: str
) -> None:
    """An event in one principal's stream gives, changes and ends nothing of another's."""
    statement = (
        "SELECT append_principal_1(0, 'mallory', '{}', $1, 0, NULL, '{\"name\": \"kim\"}', NULL,"
        " NULL, ARRAY[$2], ARRAY[$3::bytea], ARRAY[gen_random_uuid()], NULL,"
        " sha256('mallory'), NULL, '1 hour', 10, NULL, NULL)"
    )
    async with there.mallory() as mallory:
        with pytest.raises(asyncpg.InvalidParameterValueError, match="another principal"):
            await mallory.execute(statement, derived(), topic, state.encode())
    await there.assert_untouched()
