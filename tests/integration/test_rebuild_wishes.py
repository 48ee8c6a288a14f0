"""Rebuilds on record: carried out once, paused, ended and forgotten as the record says."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from support.beside import silent
from support.rebuilt import a_few_of_each, fresh_tables

from app.history.followed import FOLLOWERS
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.operations import asks, rebuilds
from app.rebuild import operator, runs, scan, stopping, wishes
from app.rebuild.rebuild import Options, RebuildSpoilt, _Run, named, rebuild
from app.rebuild.runs import RebuildStopped
from app.rebuild.swap import alone, go_back
from app.service import Service

VIEWS = ["account_info", "ai_session_info"]
KIM = asks.Asker("kim", "r")


async def asked(service: Service, views: list[str] = VIEWS, *, dry_run: bool = False) -> UUID:
    asked = asks.Asked(names=views, dry_run=dry_run)
    found, _ = await asks.ask(service.pool, asked, KIM)
    return found.id


async def carry_out(store: Connection, keyring: Keyring, said: list[str] | None = None) -> UUID:
    """What an operator process does with the next one."""
    wish = await wishes.next_wish(store.raw)
    assert wish is not None
    tell = (lambda _: None) if said is None else said.append
    options = Options(wish=wish.id, dry_run=wish.dry_run, tell=tell)
    await rebuild(store, keyring, named(wish.views), silent, options)
    return wish.id


def once_begun(monkeypatch: pytest.MonkeyPatch, then: Any) -> None:
    """Call `then` before the first page is written."""
    write = scan.Worker._write

    async def first(*arguments: Any) -> None:
        monkeypatch.setattr(scan.Worker, "_write", write)
        await then()
        await write(*arguments)

    monkeypatch.setattr(scan.Worker, "_write", first)


async def test_they_are_carried_out_in_their_order(
    service: Service, store: Connection, keyring: Keyring
) -> None:
    await a_few_of_each(service)
    first, second = await asked(service), await asked(service, ["principal"], dry_run=True)
    assert [await carry_out(store, keyring) for _ in range(2)] == [first, second]
    assert await wishes.next_wish(store.raw) is None
    states = {each.id: each.state for each in await rebuilds.rebuilds(service.pool)}
    assert states == {first: "live", second: "ready"}


async def test_a_paused_one_waits_until_somebody_asks_for_it_again(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await a_few_of_each(service)
    wish = await asked(service)
    once_begun(monkeypatch, lambda: runs.ask(owner, "pause"))
    with pytest.raises(RebuildStopped):
        await carry_out(store, keyring)
    paused = await rebuilds.find(service.pool, wish)
    assert paused.state == "waiting"
    assert paused.waits_for is not None
    assert paused.waits_for.startswith("it is paused")
    assert await wishes.next_wish(store.raw) is None
    assert await asked(service) == wish
    said: list[str] = []
    assert await carry_out(store, keyring, said) == wish
    assert said[0].startswith("resumed at position ")


async def test_one_that_is_cancelled_after_a_crash_is_settled(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Killed(BaseException):
        pass

    async def kill() -> None:
        raise Killed

    await a_few_of_each(service)
    wish = await asked(service)
    once_begun(monkeypatch, kill)
    with pytest.raises(Killed):
        await carry_out(store, keyring)
    assert (await rebuilds.find(service.pool, wish)).state == "running"
    await asks.steer(service.pool, wish, "cancel", KIM)
    left = await wishes.next_wish(store.raw)
    assert left is not None
    assert (left.id, left.is_to_end) == (wish, True)
    async with alone(store):
        await stopping.settle_cancelled(store, wish)
    assert (await rebuilds.find(service.pool, wish)).state == "cancelled"
    assert await fresh_tables(owner) == []


async def test_one_is_cancelled_between_being_seen_and_begun(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    wish = await asked(service)
    await owner.execute("UPDATE rebuild SET asked = 'cancel'")
    options = Options(wish=wish)
    with pytest.raises(RebuildStopped):
        await rebuild(store, keyring, named(VIEWS), silent, options)
    assert (await rebuilds.find(service.pool, wish)).state == "cancelled"
    assert await fresh_tables(owner) == []


async def test_a_command_that_takes_its_place_lets_it_begin_anew(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await a_few_of_each(service)
    wish = await asked(service)
    once_begun(monkeypatch, lambda: owner.execute("UPDATE rebuild SET asked = 'pause'"))
    with pytest.raises(RebuildStopped):
        await carry_out(store, keyring)
    await owner.execute("UPDATE rebuild SET asked = NULL")
    await rebuild(store, keyring, named(["principal"]), silent)
    assert (await rebuilds.find(service.pool, wish)).state == "waiting"
    said: list[str] = []
    assert await carry_out(store, keyring, said) == wish
    assert said == []
    assert (await rebuilds.find(service.pool, wish)).state == "live"


async def test_a_failure_is_told_in_one_line(
    service: Service, store: Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def spoilt(*_: object) -> None:
        raise RebuildSpoilt("account_info", 1, 2)

    monkeypatch.setattr(_Run, "_compare", spoilt)
    wish = await asked(service)
    with pytest.raises(RebuildSpoilt):
        await carry_out(store, keyring)
    failed = await rebuilds.find(service.pool, wish)
    assert (failed.state, failed.failure) == (
        "failed", "the fresh account_info has 1 rows where the log gives 2",
    )  # fmt: skip


async def test_what_another_release_asks_for_is_left_to_it(
    service: Service, store: Connection, owner: asyncpg.Connection
) -> None:
    await asked(service)
    await owner.execute("UPDATE rebuild SET views = '{ai_session_info_v2}'")
    assert await wishes.next_wish(store.raw) is None


def office(store: Connection, keyring: Keyring) -> operator._Office:
    """An operator process that is given what to do."""

    async def known(_: Connection) -> Keyring:
        return keyring

    async def nothing(*_: object) -> Any:
        pytest.fail("nobody asked for this")

    async def record(*_: object) -> None:
        return None

    manner = operator.Manner(1, lambda *_: silent, lambda _: record, nothing, nothing)
    return operator._Office(store, known, manner)


async def test_a_way_back_is_gone_once_though_the_process_is_killed_in_between(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Killed(BaseException):
        pass

    async def kill(*arguments: Any) -> None:
        await go_back(*arguments)
        raise Killed

    async def tables() -> list[int]:
        return [await owner.fetchval(f"SELECT '{name}'::regclass::oid") for name in VIEWS]

    await a_few_of_each(service)
    first = await tables()
    await rebuild(store, keyring, named(VIEWS), silent)
    asked, _ = await asks.ask(service.pool, asks.Asked(what="back", names=VIEWS), KIM)
    wish = await wishes.next_wish(store.raw)
    assert wish is not None
    monkeypatch.setattr(operator, "go_back", kill)
    with pytest.raises(Killed):
        await office(store, keyring)._carry_out(wish)
    monkeypatch.undo()
    again = await wishes.next_wish(store.raw)
    assert again is not None
    assert (again.id, again.done) == (asked.id, VIEWS[:1])
    assert await office(store, keyring)._carry_out(again)
    assert await tables() == first
    found = await rebuilds.find(service.pool, asked.id)
    assert (found.state, set(found.shows)) == ("live", set(VIEWS))


@pytest.mark.parametrize("name", FOLLOWERS)
async def test_each_follower_can_be_asked_for_before_it_has_followed(
    service: Service, store: Connection, name: str
) -> None:
    for what, kind in (("rebuild", "refill"), ("redrive", "redrive")):
        found, _ = await asks.ask(service.pool, asks.Asked(what=what, names=[name]), KIM)  # type: ignore[arg-type]
        assert (found.kind, found.projections) == (kind, [name])
    wish = await wishes.next_wish(store.raw)
    assert wish is not None
    assert wish.views == [name]
