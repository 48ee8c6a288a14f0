"""Whoever has the service's login may ask for rebuilds, so many at most, and do nothing else."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from support.place import Place

from projections.catalog import VIEWS

ASK = "SELECT id, outcome FROM ask_rebuild_1($1, $2, $3, $4, $5, $6, $7)"
CANCEL = "SELECT state, unfinished, done FROM steer_rebuild_1($1, 'cancel', 'mallory', 'r')"
WAYS = ("pause", "resume")
NAME = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
NAMES = [view.name for view in VIEWS]
ITS_OWN = {"rebuild", "rebuild_ask", "rebuild_ask_number_seq"}


@pytest.fixture(autouse=True)
async def _asks_are_forgotten(there: Place) -> AsyncIterator[None]:
    yield
    # (The database is shared, and what was asked for would count for the next test.)
    await there.owner.execute("TRUNCATE rebuild, rebuild_ask")


async def changed(there: Place) -> set[str]:
    """The tables and catalogs that are not as they were."""
    try:
        await there.assert_untouched()
    except AssertionError:
        from support.untouched import picture

        after = await picture(there.owner)
        return {name for name in after if after[name] != there.before.get(name)}
    return set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("rebuild", ["stored_events"], None, False, "m", "r", None),
        ("rebuild", [*NAMES, "history"], None, False, "m", "r", None),
        ("rebuild", [], None, False, "m", "r", None),
        ("rebuild", None, None, False, "m", "r", None),
        ("rebuild", [None], None, False, "m", "r", None),
        ("rebuild", NAMES, None, None, "m", "r", None),
        ("rebuild", NAMES, None, False, None, "r", None),
        ("rebuild", NAMES, None, False, "m" * 1_001, "r", None),
        ("rebuild", NAMES, None, False, "m", "r" * 1_001, None),
        ("rebuild", NAMES, None, False, "m", "r", "k" * 1_001),
        ("rebuild", ['x"; DROP TABLE rebuild; --'], None, False, "m", "r", None),
        ("rebuild", NAMES, NAME, False, "m", "r", None),
        ("back", NAMES, None, True, "m", "r", None),
        ("back", ["history"], None, False, "m", "r", None),
        ("refill", ["log_partition"], None, False, "m", "r", None),
        ("redrive", ["history"], NAME, True, "m", "r", None),
        ("drop", NAMES, None, False, "m", "r", None),
        (None, NAMES, None, False, "m", "r", None),
    ],
    ids=str,
)
async def test_nothing_else_can_be_asked_for(there: Place, arguments: tuple[object]) -> None:
    async with there.mallory() as mallory:
        with pytest.raises(asyncpg.InvalidParameterValueError):
            await mallory.fetch(ASK, *arguments)
    await there.assert_untouched()


async def test_asks_are_bounded_in_number_and_touch_nothing_else(there: Place) -> None:
    outcomes = []
    async with there.mallory() as mallory:
        for number in range(80):
            views = [name for bit, name in enumerate(NAMES) if (number % 30 + 1) >> bit & 1]
            ((id_, outcome),) = await mallory.fetch(
                ASK, "rebuild", views, None, False, "mallory", "r", None
            )
            outcomes.append(outcome)
            if number >= 20 and id_ is not None:
                await mallory.fetch(CANCEL, id_)
    assert outcomes[:10] == ["asked"] * 10
    assert set(outcomes[10:20]) == {"too_many"}
    assert outcomes[-1] == "too_many"
    assert (
        await there.owner.fetchval("SELECT count(*) FROM rebuild_ask WHERE what = 'rebuild'") <= 60
    )
    assert await changed(there) == ITS_OWN


async def test_an_ask_is_recorded_under_the_name_that_is_told_and_stays(there: Place) -> None:
    async with there.mallory() as mallory:
        ((id_, _),) = await mallory.fetch(ASK, "rebuild", NAMES, None, True, "mallory", "r1", "k")
        for statement in (
            "UPDATE rebuild SET state = 'live'",
            "UPDATE rebuild_ask SET asked_by = 'kim'",
            "DELETE FROM rebuild_ask",
            "INSERT INTO rebuild_range VALUES (gen_random_uuid(), 1)",
            "SELECT * FROM rebuild_doubt",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await mallory.execute(statement)
        gone = await mallory.fetchrow(CANCEL, uuid4())
        assert tuple(gone or ()) == (None, None, False)
    kept = await there.owner.fetchrow("SELECT rebuild, what, asked_by, request_id FROM rebuild_ask")
    assert tuple(kept or ()) == (id_, "rebuild", "mallory", "r1")


@pytest.mark.parametrize("lock", ["sessionary operator", "sessionary views"])
async def test_a_lock_of_the_services_login_pretends_nothing(there: Place, lock: str) -> None:
    held = "SELECT held_1($1)"
    async with there.mallory() as mallory:
        await mallory.execute(f"SELECT pg_advisory_lock(hashtextextended('{lock}', 0))")
        assert await mallory.fetchval(held, lock) is False
    owner = there.owner
    await owner.execute(f"SELECT pg_advisory_lock(hashtextextended('{lock}', 0))")
    async with there.mallory() as mallory:
        assert await mallory.fetchval(held, lock) is True
    await owner.execute("SELECT pg_advisory_unlock_all()")


async def test_pauses_are_bounded_in_number_too(there: Place) -> None:
    steer = "SELECT done FROM steer_rebuild_1($1, $2, 'mallory', 'r')"
    async with there.mallory() as mallory:
        ((id_, _),) = await mallory.fetch(ASK, "rebuild", NAMES, None, False, "m", "r", None)
        done = [await mallory.fetchval(steer, id_, what) for _ in range(160) for what in WAYS]
        assert done[0] is True
        assert done[-1] is None
        assert await there.owner.fetchval("SELECT count(*) FROM rebuild_ask") == 300
        assert await mallory.fetchval(steer, id_, "cancel") is True
        for what in ("live", None):
            with pytest.raises(asyncpg.InvalidParameterValueError):
                await mallory.fetchval(steer, id_, what)
    assert await changed(there) == ITS_OWN
