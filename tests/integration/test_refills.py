"""Refills of followers on record: paused, gone on with, cancelled, forgotten as rebuilds are."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace
from support.database import ONE_PARTITION
from support.histories import assert_equal_to_the_log, catch_up, kept, mixed

from app.care import refilling
from app.followers import follower as following
from app.history.followed import reached
from app.maintenance.store import Connection
from app.operations import asks, rebuilds
from app.operations.rebuild_progress import progress
from app.operations.rebuilds import Rebuild
from app.operations.status import status
from app.operations.words import facts
from app.rebuild import refills, runs, stopping, wishes
from app.rebuild.refills import Advance, Refill
from app.rebuild.runs import Done, RebuildStopped
from app.service import Service
from app.settings import Settings

THERE = "SELECT to_regnamespace('sessionary_refill') IS NOT NULL"
KIM = asks.Asker("kim", "r")
Steps = Callable[[str, int], Awaitable[None]]
"""Called after each step of a follower, by its name, with the number of its steps."""


class Killed(BaseException):
    pass


@pytest.fixture(autouse=True)
async def _many_steps(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that takes several steps."""
    monkeypatch.setattr(following, "BATCH_EVENTS", 3)
    monkeypatch.setattr(following, "TURN_BATCHES", 1)
    monkeypatch.setattr(refilling, "NEAR_EVENTS", 0)
    await mixed(service, 3, 6)
    await catch_up(service)


@pytest.fixture
def by_owner(settings: Settings, database_url: str) -> Settings:
    return replace(settings, database_url=database_url)


def stepping(settings: Settings, said: list[str], then: Steps) -> Refill:
    """What makes tables anew, as the command and the operator process do."""

    async def refill(store: Connection, name: str, advance: Advance) -> None:
        steps = 0

        async def stepped(places: Sequence[Done]) -> None:
            nonlocal steps
            steps += 1
            await then(name, steps)
            await advance(places)

        await refilling.refill(store, settings, name, stepped, tell=said.append)

    return refill


async def go_on(name: str, steps: int) -> None:
    return None


def asking(owner: asyncpg.Connection, what: str, of: str = "history") -> Steps:
    async def ask(name: str, steps: int) -> None:
        if (name, steps) == (of, 2):
            assert await runs.ask(owner, what)

    return ask


async def the_only(service: Service) -> Rebuild:
    (found,) = await rebuilds.rebuilds(service.pool)
    return found


async def paused(store: Connection, settings: Settings, owner: asyncpg.Connection) -> None:
    with pytest.raises(RebuildStopped, match="is paused"):
        await refills.carry_out(store, ["history"], stepping(settings, [], asking(owner, "pause")))


@ONE_PARTITION
async def test_a_paused_one_keeps_what_it_has_and_goes_on_from_there(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings
) -> None:
    before = await kept(owner)
    await paused(store, by_owner, owner)
    assert await owner.fetchval(THERE) is True
    assert await kept(owner) == before
    found = await the_only(service)
    assert (found.kind, found.state, found.ways) == ("refill", "waiting", ["resume", "cancel"])
    assert found.waits_for == (
        "it is paused: somebody has to resume it, or to run `sessionary rebuild history`"
    )
    shown = dict(facts(await status(service.pool)))
    assert shown["refill of history"] == f"waiting: {found.waits_for}"
    said: list[str] = []
    await refills.carry_out(store, ["history"], stepping(by_owner, said, go_on))
    assert [line.partition(":")[0] for line in said] == ["resumed at position 0"]
    assert (await the_only(service)).state == "live"
    assert "refill of history" not in dict(facts(await status(service.pool)))
    assert await owner.fetchval(THERE) is False
    await assert_equal_to_the_log(service, owner)


@pytest.mark.parametrize("is_killed", [False, True], ids=["paused", "killed"])
async def test_one_on_which_nobody_works_is_cancelled(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings,
    is_killed: bool,
) -> None:  # fmt: skip
    async def kill(name: str, steps: int) -> None:
        raise Killed

    if is_killed:
        with pytest.raises(Killed):
            await refills.carry_out(store, ["history"], stepping(by_owner, [], kill))
        found = await the_only(service)
        assert found.waits_for is not None
        assert found.waits_for.startswith("it was broken off")
    else:
        await paused(store, by_owner, owner)
    assert await stopping.stop(store, "cancel") == "Cancelled: the tables in use stay"
    assert (await the_only(service)).state == "cancelled"
    assert await owner.fetchval(THERE) is False
    assert await stopping.stop(store, "pause") == "There is no rebuild to stop"


async def test_one_that_runs_is_cancelled(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings
) -> None:
    stopped = stepping(by_owner, [], asking(owner, "cancel"))
    with pytest.raises(RebuildStopped, match="is cancelled"):
        await refills.carry_out(store, ["history"], stopped)
    assert (await the_only(service)).state == "cancelled"
    assert await owner.fetchval(THERE) is False


async def test_what_was_done_before_a_pause_is_not_done_again(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings
) -> None:
    names, steps = ["activity", "history"], []

    async def count(name: str, _: int) -> None:
        steps.append(name)

    stopped = stepping(by_owner, [], asking(owner, "pause"))
    with pytest.raises(RebuildStopped):
        await refills.carry_out(store, names, stopped)
    assert await refills.carry_out(store, names, stepping(by_owner, [], count)) == ["activity"]
    assert set(steps) == {"history"}
    assert (await the_only(service)).state == "live"


async def test_another_one_takes_its_place(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings
) -> None:
    refill = stepping(by_owner, [], go_on)
    await paused(store, by_owner, owner)
    await refills.carry_out(store, ["activity"], refill)
    states = {each.projections[0]: each.state for each in await rebuilds.rebuilds(service.pool)}
    assert states == {"history": "cancelled", "activity": "live"}


async def test_one_that_is_asked_for_is_paused_and_resumed_by_its_id(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings
) -> None:
    found, _ = await asks.ask(service.pool, asks.Asked(names=["history"]), KIM)
    steer = functools.partial(asks.steer, service.pool, found.id, by=KIM)

    async def pause(name: str, steps: int) -> None:
        assert (await rebuilds.find(service.pool, found.id)).ways == ["pause", "cancel"]
        await steer(what="pause")

    with pytest.raises(RebuildStopped):
        await refills.carry_out(store, ["history"], stepping(by_owner, [], pause), found.id)
    assert await wishes.next_wish(store.raw) is None
    await steer(what="resume")
    assert await next_wish(store) == found.id
    await refills.carry_out(store, ["history"], stepping(by_owner, [], go_on), found.id)
    done = await rebuilds.find(service.pool, found.id)
    assert (done.state, [each.what for each in done.asks]) == (
        "live",
        ["refill", "pause", "resume"],
    )
    await assert_equal_to_the_log(service, owner)


async def test_how_far_one_is_is_told_as_of_a_rebuild(
    service: Service, store: Connection, by_owner: Settings
) -> None:
    seen: list[Rebuild] = []

    async def look(name: str, steps: int) -> None:
        seen.append(await the_only(service))

    await refills.carry_out(store, ["history"], stepping(by_owner, [], look))
    done, whole = await the_only(service), sum(await reached(service.pool))
    assert done.events == done.total == whole
    events = [each.events or 0 for each in seen[1:]]
    assert 0 < events[0] < events[-1] < whole
    assert {each.total for each in seen[1:]} == {whole}
    assert seen[1].rate is None
    assert all(each.rate for each in seen[2:])
    assert seen[-1].phase == f"history, {whole - events[-1]} events to go"
    shown = {each.labels["view"]: each.value for each in await progress(service.pool)}
    assert shown == {"history": whole}


async def test_one_is_cancelled_between_being_seen_and_begun(
    service: Service, store: Connection, by_owner: Settings
) -> None:
    found, _ = await asks.ask(service.pool, asks.Asked(names=["history"]), KIM)
    await asks.steer(service.pool, found.id, "cancel", KIM)
    with pytest.raises(RebuildStopped):
        await refills.carry_out(store, ["history"], stepping(by_owner, [], go_on), found.id)
    assert (await rebuilds.find(service.pool, found.id)).state == "cancelled"


async def next_wish(store: Connection) -> UUID:
    wish = await wishes.next_wish(store.raw)
    assert wish is not None
    return wish.id
