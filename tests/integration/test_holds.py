"""Legal holds are events of streams of their own, and keep sessions and accounts from erasure."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest
from support import given
from support.database import SEVERAL
from support.erasures import erased, keys_of
from support.people import chat_of, follow

from app.commands.context import CommandResult
from app.erasure.holds import all_holds, holds_on, require_free, target_named
from app.erasure.people import held_on
from app.erasure.scope import Erased
from app.erasure.search import Person
from app.history.named import stream_named
from app.history.one_event import Parts
from app.history.reader import Reader
from app.history.sessions import history
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.log.stream_keys import bundle
from app.maintenance.store import Connection
from app.rebuild.rebuild import rebuild
from app.service import Service
from domain.errors import AlreadyExists, NotFound, OnHold
from domain.hold import LiftHold, PlaceHold
from domain.ids import StreamId
from projections.catalog import VIEWS

SEVERAL_PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])


async def place(service: Service, target: str, reason: str = "a lawsuit") -> CommandResult:
    return await service.commands.handle(PlaceHold(target=target, reason=reason), given.call())


async def lift(service: Service, target: str) -> CommandResult:
    command = LiftHold(target=target, reason="it is over")
    return await service.commands.handle(command, given.call())


async def held(service: Service, streams: Sequence[StreamId]) -> set[StreamId]:
    return set(await holds_on(service.reader, streams))


async def test_a_session_on_hold_is_not_free_until_it_is_lifted(service: Service) -> None:
    chat, other = await chat_of(service), await chat_of(service)
    number = await target_named(service.reader, str(chat))  # named by its stream
    before = (await service.reader.versions(chat, most=9))[-1].version
    await place(service, number)
    with pytest.raises(OnHold, match="a lawsuit"):
        await require_free(service.reader, [other, chat])
    await require_free(service.reader, [other])
    assert await held(service, [chat, other]) == {chat}
    await lift(service, number)
    await require_free(service.reader, [other, chat])
    assert (await service.reader.versions(chat, most=9))[-1].version == before  # as it was


async def test_a_hold_on_an_account_is_on_all_of_its_sessions_deleted_ones_too(
    service: Service,
) -> None:
    await given.open_account(service, "a1")
    mine = [await given.open_ai_session(service, account="a1") for _ in range(2)]
    other = await given.open_ai_session(service)
    await given.delete_ai_session(service, given.session_of(mine[0]))
    await place(service, await target_named(service.reader, "account:a1"))
    streams = [each.folded.stream for each in (*mine, other)]
    assert await held(service, streams) == set(streams[:2])


async def test_a_replay_shows_who_placed_and_lifted_it_and_why(service: Service) -> None:
    chat = await target_named(service.reader, str(await chat_of(service)))
    await place(service, chat)
    await lift(service, chat)
    await place(service, chat, "another lawsuit")
    stream = stream_named(f"hold:{chat}")
    shown = [each async for each in history(service.reader, stream, parts=Parts(state=True))]
    assert [(each.type, each.data.get("reason")) for each in shown] == [
        ("hold.placed.v1", "a lawsuit"),
        ("hold.lifted.v1", "it is over"),
        ("hold.placed.v1", "another lawsuit"),
    ]
    assert {each.session_id for each in shown} == {f"hold:{chat}"}
    (hold,) = await all_holds(service.pool)
    assert (hold.target, hold.reason, hold.placed_by) == (chat, "another lawsuit", "kim")


async def test_a_second_hold_and_a_missing_one_are_refused(service: Service) -> None:
    chat = await target_named(service.reader, str(await chat_of(service)))
    with pytest.raises(NotFound):
        await lift(service, chat)
    await place(service, chat)
    with pytest.raises(AlreadyExists):
        await place(service, chat)
    await lift(service, chat)
    with pytest.raises(NotFound):
        await lift(service, chat)


@pytest.mark.parametrize("name", ["999999", "account:none", "principal:kim", "nonsense"])
async def test_what_is_no_session_and_no_account_is_not_held(
    service: Service, token: str, name: str
) -> None:
    with pytest.raises(NotFound):
        await target_named(service.reader, name)


async def test_what_is_held_on_a_person_tells_of_holds(service: Service) -> None:
    chat = await chat_of(service, customer_email="kim@example.com")
    await follow(service)
    await place(service, await target_named(service.reader, str(chat)))
    kim = Person(email="kim@example.com")
    page = await held_on(service.log, service.reader, kim, most=9, clear=False)
    assert [each.hold for each in page.sessions] == ["a lawsuit"]


@SEVERAL_PARTITIONS
@pytest.mark.parametrize("of_account", [False, True], ids=["session", "account"])
async def test_a_hold_that_comes_after_the_look_is_seen_all_the_same(
    service: Service, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, of_account: bool
) -> None:
    await given.open_account(service, "a1")
    session = given.session_of(await given.open_ai_session(service, account="a1", purpose="stays"))
    looked = list[StreamId]()

    async def then_held(reader: Reader, streams: Sequence[StreamId]) -> None:
        await require_free(reader, streams)
        if not looked:
            await place(service, "account:a1" if of_account else str(session))
        looked.extend(streams)

    monkeypatch.setattr("app.erasure.erase.require_free", then_held)
    with pytest.raises(OnHold, match="a lawsuit"):
        await erased(service, str(session))
    assert bundle(await keys_of(owner, UUID(session))).parts
    await lift(service, "account:a1" if of_account else str(session))
    assert len((await erased(service, str(session))).sessions) == 1


@SEVERAL_PARTITIONS
async def test_no_erasure_comes_after_a_hold_that_races_it(
    service: Service, owner: asyncpg.Connection
) -> None:
    """Whichever is first: the other one is refused, or is recorded later."""
    outcomes = set[bool]()
    for number in range(24):
        session = str(given.session_of(await given.open_ai_session(service, purpose="x")))
        placing = asyncio.create_task(place(service, session))
        if number % 6 == 0:
            await placing
        await asyncio.sleep(0.002 * (number % 6))
        erasing = asyncio.create_task(erased(service, session))
        done = (await asyncio.gather(erasing, return_exceptions=True))[0]
        held_at = (await placing).folded
        outcomes.add(isinstance(done, OnHold))
        if not isinstance(done, OnHold):
            assert isinstance(done, Erased), done
            at = "SELECT recorded_at FROM stored_events WHERE topic = $1 AND originator_id = $2"
            erased_at = await owner.fetchval(
                at, "ai_session.personal_data_erased.v1", UUID(session)
            )
            assert erased_at <= await owner.fetchval(at, "hold.placed.v1", held_at.stream)
    assert True in outcomes


async def test_holds_are_rebuilt_from_the_log(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    first, second = [
        await target_named(service.reader, str(await chat_of(service))) for _ in range(2)
    ]
    await place(service, first)
    await place(service, second)
    await lift(service, second)
    await owner.execute("DELETE FROM legal_hold")
    views = [view for view in VIEWS if view.name == "legal_hold"]
    rebuilt = await rebuild(store, keyring, views, lambda *_: None)
    assert rebuilt.rows == {"legal_hold": 1}
    assert [each.target for each in await all_holds(service.pool)] == [first]
    assert await verify(store, keyring, lambda *_: None) == []
