"""A damaged or keyless stream stops no rebuild: it keeps its rows, and the others are made anew."""

from typing import Any

import asyncpg
import pytest
from support import given
from support.beside import silent
from support.database import SEVERAL
from support.rebuilt import NAMES, a_few_of_each

from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.rebuild.catch_up import CatchUp
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from domain.chat.session import UpdateChatSession

DAMAGES = {
    "no key": "DELETE FROM stream_key WHERE stream_id = $1",
    "another's key": "UPDATE stream_key SET wrapped = (SELECT wrapped FROM stream_key"
    " WHERE stream_id <> $1 LIMIT 1) WHERE stream_id = $1",
    "an altered event": "UPDATE stored_events SET state = '{' WHERE originator_id = $1"
    " AND originator_version = 2",
    "an unknown name": "UPDATE stored_events SET topic = 'foo.v1' WHERE originator_id = $1"
    " AND originator_version = 1",
    "a missing event": "DELETE FROM stored_events WHERE originator_id = $1"
    " AND originator_version = 1",
}


@pytest.fixture(params=[1, SEVERAL], ids=["one", "several"])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_damaged_streams_keep_their_rows_and_the_others_are_rebuilt(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    damage: str,
) -> None:
    await a_few_of_each(service)
    session, other = await owner.fetch("SELECT * FROM ai_session_info ORDER BY stream_id LIMIT 2")
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    await owner.execute(damage, session["stream_id"])
    await owner.execute("DELETE FROM ai_session_info WHERE stream_id = $1", other["stream_id"])
    rebuilt = await rebuild(store, keyring, named(()), silent)
    (told,) = rebuilt.damaged
    assert told.startswith(f"ai_session {session['stream_id']}: stream {session['stream_id']}")
    assert rebuilt.mended["ai_session_info"] == 1
    assert session in await owner.fetch("SELECT * FROM ai_session_info")
    assert other in await owner.fetch("SELECT * FROM ai_session_info")
    found = await verify(store, keyring, silent)
    assert [line for line in found if line.startswith(tuple(NAMES))] == []


async def test_a_stream_that_is_damaged_and_moves_meanwhile_keeps_its_rows(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await a_few_of_each(service)
    chat = (await given.open_chat_session(service)).folded
    in_rounds = CatchUp.in_rounds

    async def after_it_moved(catch_up: CatchUp, *arguments: Any) -> Any:
        monkeypatch.undo()
        renamed = UpdateChatSession(chat_session_id=chat.state.chat_session_id, customer_name="Pat")
        await service.commands.handle(renamed, given.call())
        await owner.execute("DELETE FROM stream_key WHERE stream_id = $1", chat.stream)
        return await in_rounds(catch_up, *arguments)

    monkeypatch.setattr(CatchUp, "in_rounds", after_it_moved)
    rebuilt = await rebuild(store, keyring, named(()), silent)
    (told,) = rebuilt.damaged
    assert told.startswith(f"chat_session {chat.state.chat_session_id}: stream {chat.stream}")
    doc = await owner.fetchval(
        "SELECT doc ->> 'customer_name' FROM chat_session_entity WHERE stream_id = $1", chat.stream
    )
    assert doc == "Pat"


async def test_damage_that_decides_no_row_stops_none_and_verify_tells_of_it(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await given.open_account(service, "a1")
    session = await given.open_ai_session(service, account="a1")
    for purpose in ("first", "second"):
        await given.patch_ai_session(service, given.session_of(session), purpose)
    (row,) = await owner.fetch("SELECT * FROM ai_session_info")
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    await owner.execute(
        "UPDATE stored_events SET state = '{' WHERE originator_id = $1 AND originator_version = 2",
        row["stream_id"],
    )
    await owner.execute("DELETE FROM ai_session_info")
    rebuilt = await rebuild(store, keyring, named(()), silent)
    assert (rebuilt.damaged, rebuilt.mended["ai_session_info"]) == ([], 1)
    assert await owner.fetch("SELECT * FROM ai_session_info") == [row]
    found = await verify(store, keyring, silent)
    assert any(str(row["stream_id"]) in line and "version 2" in line for line in found)


async def test_what_is_reported_does_not_depend_on_who_else_is_damaged(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await a_few_of_each(service)
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    damaged, lacking, *_ = await owner.fetch("SELECT * FROM ai_session_info ORDER BY stream_id")
    await owner.execute("DELETE FROM stream_key WHERE stream_id = $1", damaged["stream_id"])
    await owner.execute("DELETE FROM ai_session_info WHERE stream_id = $1", lacking["stream_id"])
    rebuilt = await rebuild(store, keyring, named(("legal_hold",)), silent)
    assert rebuilt.damaged == []
    rebuilt = await rebuild(store, keyring, named(("ai_session_info",)), silent)
    assert len(rebuilt.damaged) == rebuilt.mended["ai_session_info"] == 1
    assert {*map(tuple, await owner.fetch("SELECT * FROM ai_session_info"))} >= {
        tuple(damaged), tuple(lacking),
    }  # fmt: skip
