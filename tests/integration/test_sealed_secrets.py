"""A chat session's key is in no table in the open, and whoever may see it still sees it."""

import asyncio

import asyncpg
import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace
from support import further_view, given
from support.beside import silent
from support.chats import found, open_session, session
from support.database import SEVERAL
from support.deep_reads import aggregates
from support.in_process import calling

from app.database import migrate
from app.database.migrate import Migration
from app.integrity.verify import verify
from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from app.settings import Settings
from domain.chat.fields import ChatSessionFields
from domain.ids import chat_session_stream
from projections import chat_session_entity

PATH = "/api/v1/ChatSession"
KEYS = ["sesame-opens", "sesame-closes", "sesame-stays"]
pytestmark = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])


async def assert_no_table_shows_a_key(owner: asyncpg.Connection) -> None:
    """Every row of every table is looked at, as a dump has it, and the statistics of all."""
    tables = await owner.fetch(
        "SELECT c.oid::regclass::text AS name FROM pg_class AS c"
        " WHERE c.relkind IN ('r', 'p', 'm') AND c.relnamespace = 'public'::regnamespace"
    )
    assert len(tables) > 5
    rows = [await owner.fetch(f"SELECT t::text FROM {table['name']} AS t") for table in tables]
    rows.append(await owner.fetch("SELECT s::text FROM pg_stats AS s WHERE schemaname = 'public'"))
    shown = "\n".join(row[0] for those in rows for row in those)
    assert "Sam" in shown
    assert "sesame" not in shown
    assert b"sesame".hex() not in shown  # as bytes are shown


async def written_by_all(client: httpx.AsyncClient) -> list[int]:
    """Sessions that got their keys by POST, PUT and PATCH."""
    numbers = []
    for _ in range(6):
        made = await client.post(PATH, json={"SessionKey": KEYS[0], "CustomerName": "Sam"})
        numbers.append(int(made.json()["ChatSessionId"]))
    put = await client.put(f"{PATH}/{numbers[0]}", json={"SessionKey": KEYS[1]})
    patch = [{"op": "replace", "path": "/SessionKey", "value": KEYS[2]}]
    patched = await client.patch(f"{PATH}/{numbers[1]}", json=patch)
    removed = await client.patch(f"{PATH}/{numbers[2]}", json={"SessionKey": None})
    assert {answer.status_code for answer in (put, patched, removed)} == {200}
    return numbers


async def keys_of(client: httpx.AsyncClient, numbers: list[int]) -> list[str | None]:
    answers = [(await client.get(f"{PATH}/{number}")).json() for number in numbers]
    return [answer["SessionKey"] for answer in answers]


@pytest.mark.usefixtures("people")
async def test_no_table_shows_a_key_and_a_service_that_starts_anew_knows_it(
    settings: Settings, owner: asyncpg.Connection, store: Connection, keyring: Keyring
) -> None:
    async with calling(settings) as client:
        numbers = await written_by_all(client)
        expected = [KEYS[1], KEYS[2], None, *[KEYS[0]] * 3]
        assert await keys_of(client, numbers) == expected
        listed = await client.get(PATH, params={"$mode": "Full"})
        assert len(listed.json()["value"]) == len(numbers)
        assert "sesame" not in listed.text
    await owner.execute("ANALYZE")
    await assert_no_table_shows_a_key(owner)
    assert await verify(store, keyring, silent) == []
    rebuilt = await rebuild(store, keyring, named(()), silent)
    assert rebuilt.mended["chat_session_entity"] == 0
    await assert_no_table_shows_a_key(owner)
    async with calling(settings) as client:
        for number, key in zip(numbers, expected, strict=True):
            test = {"op": "test", "path": "/SessionKey", "value": "sesame"}
            refused = await client.patch(f"{PATH}/{number}", json=[test])
            assert refused.status_code == 409
            rate = {"op": "replace", "path": "/Rating", "value": 5}
            done = await client.patch(f"{PATH}/{number}", json=[{**test, "value": key}, rate])
            assert (done.status_code, done.json()["SessionKey"]) == (200, key)
        assert await keys_of(client, numbers) == expected
    assert await verify(store, keyring, silent) == []
    await assert_no_table_shows_a_key(owner)


class Entry(Struct, frozen=True):
    """What another view shows of a chat session, as if its key were a text like any other."""

    number: int
    session_key: str | None


ENTRIES = replace(
    chat_session_entity.VIEW,
    projection="chat_session_entry",
    state=Entry,
    shown=lambda session: Entry(session.chat_session_id, session.session_key),
)
TABLE = """
CREATE TABLE chat_session_entry (LIKE chat_session_entity INCLUDING ALL);
CREATE TABLE chat_session_entry_history (LIKE chat_session_entity_history INCLUDING ALL);
"""


async def test_a_further_view_of_the_kind_seals_it_too(
    service: Service, owner: asyncpg.Connection, store: Connection, keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    wanted = [*migrate.available(), Migration(99, "entries", TABLE, "hash")]
    monkeypatch.setattr(migrate, "available", lambda: wanted)
    further_view.add(ENTRIES, monkeypatch)
    await migrate.migrate(owner, wanted)
    wished = ChatSessionFields(session_key=KEYS[0], customer_name="Sam")
    number = await open_session(service, wished)
    await service.chat.update(number, replace(wished, session_key=KEYS[1]), given.call())
    doc = await owner.fetchval("SELECT doc FROM chat_session_entry")
    stream = chat_session_stream(number)
    assert ENTRIES.opened(stream, Entry(number, None), doc, keyring.open_in_view) == Entry(
        number, KEYS[1]
    )
    assert await verify(store, keyring, silent) == []
    rebuilt = await rebuild(store, keyring, named([ENTRIES.name]), silent)
    assert rebuilt.mended == {ENTRIES.name: 0}
    await assert_no_table_shows_a_key(owner)


async def test_a_key_is_remembered_and_loaded_alike(service: Service) -> None:
    number = await open_session(service, ChatSessionFields(session_key=KEYS[0]))
    stream = chat_session_stream(number)
    loaded = await aggregates(service).load("chat_session", stream)
    assert loaded.folded == await found(service, number)
    assert loaded.folded.state.session_key == KEYS[0]
    remembered = service.commands.aggregates.memory.get("chat_session", stream)
    assert remembered is not None
    assert remembered.folded == loaded.folded


DAMAGE = {
    "of another stream": "(SELECT o.doc -> 'sealed' FROM chat_session_entity AS o"
    " WHERE o.stream_id <> v.stream_id LIMIT 1)",
    "altered": """'{"session_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'""",
    "no sealed text": """'{"session_key": 7}'""",
    "no map": "'7'",
}


@pytest.mark.parametrize("sealed", DAMAGE.values(), ids=DAMAGE)
async def test_a_row_that_cannot_be_opened_cannot_be_read_and_is_rebuilt(
    service: Service, other_service: Service, owner: asyncpg.Connection, store: Connection,
    keyring: Keyring, sealed: str,
) -> None:  # fmt: skip
    broken, whole = [
        await open_session(service, ChatSessionFields(session_key=key)) for key in KEYS[:2]
    ]
    stream = chat_session_stream(broken)
    await owner.execute(
        f"UPDATE chat_session_entity AS v SET doc = jsonb_set(doc, '{{sealed}}', {sealed})"
        " WHERE v.stream_id = $1",
        stream,
    )
    fails, works = await asyncio.gather(
        found(service, broken), found(service, whole), return_exceptions=True
    )
    assert isinstance(fails, Unreadable)
    assert str(stream) in str(fails)
    assert not isinstance(works, BaseException)
    assert works.state.session_key == KEYS[1]
    (difference,) = await verify(store, keyring, silent)
    assert difference == f"chat_session_entity: stream {stream}: the row differs in sealed"
    # A command goes on from the stream, and the row is right again.
    done = await other_service.chat.update(
        broken, replace(works.state, session_key=KEYS[2], rating=5), given.call()
    )
    assert done.folded.state.session_key == KEYS[2]
    assert (await session(service, broken)).session_key == KEYS[2]
    assert await verify(store, keyring, silent) == []
