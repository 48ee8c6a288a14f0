"""The form of the functions for tables that are distributed does the same as the plain one.

Tried on plain PostgreSQL: there is no Citus here.
"""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import get_args
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace
from support import database, given
from support.entries import changed, entry, facts

from app.chat.numbers import MAX_NUMBER, MESSAGES, SESSIONS
from app.database import migrate
from app.database.pool import Pool
from app.integrity.verify import verify
from app.log.append import Appender
from app.log.entry import Entry, Row
from app.log.keyring import Keyring
from app.log.outcome import Outcome
from app.maintenance.store import Connection, connected
from app.rebuild.rebuild import named, rebuild
from app.service import open_service
from app.settings import Settings
from domain.ids import StreamId

FORMS = ("plain", "distributed")
OF_ONE_NODE = ("ctid", "MERGE", "plan_cache_mode", "nextval", "pg_sequence")
ROWS = (
    "SELECT originator_id, originator_version, topic, notification_id, event_id, actor"
    "  FROM stored_events ORDER BY notification_id",
    "SELECT principal, key, stream_id, version FROM idempotency_key ORDER BY key",
    "SELECT stream_id, wrapped FROM stream_key ORDER BY stream_id",
    "SELECT position FROM log_partition",
    *(
        f"SELECT stream_id, version, position, created_by, modified_by, doc, search,"
        f" created_at = (SELECT recorded_at FROM stored_events WHERE originator_version = 1"
        f" AND originator_id = stream_id), modified_at = (SELECT recorded_at FROM stored_events"
        f" WHERE originator_version = version AND originator_id = stream_id)"
        f"  FROM {view} ORDER BY stream_id"
        for view in ("ai_session_info", "account_info")
    ),
)


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@asynccontextmanager
async def log_with(form: str, server_url: str, template: str) -> AsyncIterator[str]:
    """The URL of a log whose functions have a form."""
    name = f"sessionary_test_{secrets.token_hex(8)}"
    async with database.created(server_url, name, template) as url:
        owner = await asyncpg.connect(url)
        await owner.execute("INSERT INTO log_setting VALUES ('functions', $1)", form)
        done = await migrate.migrate(owner, migrate.available())
        changed = [
            "append_1", "erase_1", "guards", "kinds_1", "numbers_1", "reads_1", "settle_1",
            "write_history_1", "write_views_1",
        ]  # fmt: skip
        wanted = [f"functions/{name}" for name in changed] if form == "distributed" else []
        assert done == wanted
        assert await migrate.migrate(owner, migrate.available()) == []
        await owner.close()
        yield url


def test_it_does_without_what_means_something_on_one_node_only() -> None:
    plain, distributed = (
        {script.name: script.sql for script in migrate.functions(form)} for form in FORMS
    )
    assert plain.keys() == distributed.keys()
    held = {word for word in OF_ONE_NODE for sql in distributed.values() if word in sql}
    assert held == set()
    assert set(OF_ONE_NODE) == {
        word for word in OF_ONE_NODE for sql in plain.values() if word in sql
    }


def stream(number: int) -> StreamId:
    """Always the same, and one that an AI session can have."""
    return StreamId(UUID(int=(7 << 76) + (8 << 60) + number))


def change(number: int, expected: int, events: int = 1, doc: str | None = "{}") -> Entry:
    """An entry whose events have the same ids each time."""
    ids = [UUID(int=number * 1_000 + expected + each) for each in range(events)]
    made = entry(stream(number), expected, ids=ids, doc=doc)
    return replace(made, events=made.events[:events])


def keyed(made: Entry, key: str, fingerprint: bytes = b"1") -> Entry:
    return changed(made, key=key, fingerprint=fingerprint)


def further(made: Entry, doc: str | None = '{"name": "n"}') -> Entry:
    return changed(made, further=[Row("account_info", doc, '{"n": 1}')])


def on_account(made: Entry) -> Entry:
    return changed(made, context=replace(made.prepared.context, account="none"))


STEPS: Sequence[tuple[bool, Sequence[Entry]]] = [
    (False, [change(1, 0)]),
    (False, [change(number, 0) for number in range(2, 8)]),
    (False, [change(1, 1), change(2, 0), change(3, 1, 3), change(8, 0)]),
    (False, [change(2, 1, doc=None), change(4, 1, doc='{"purpose": "p"}')]),
    (False, [further(change(5, 1)), further(change(6, 9)), further(change(7, 1, 2))]),
    (False, [further(change(5, 2), None), change(9, 0), changed(change(9, 7), stream=stream(10))]),
    (False, [keyed(change(11, 0), "a"), keyed(change(12, 0), "b")]),
    (False, [keyed(change(13, 0), "a"), keyed(change(14, 0), "b", b"2"), change(15, 0)]),
    (True, [change(16, 0), change(17, 3)]),
    (True, [change(16, 0), change(17, 0, 2)]),
    (True, [change(16, 0), change(17, 0, 2)]),  # sent again
    (False, [on_account(change(18, 0)), change(19, 0)]),
    (False, [replace(change(20, 0), sealing_key=b"k")]),
    (False, [changed(change(20, 1), last=UUID(int=5)), replace(change(1, 2), events=[])]),
]


async def outcomes_of_all_steps(url: str) -> Sequence[object]:
    """What became of each entry, and what then is in the tables."""
    pool = Pool(Settings(database_url=url, master_key=database.MASTER_KEY))
    owner = await asyncpg.connect(url)
    appender = Appender(pool, 0, batch=256, deadline_s=10)
    told: list[object] = []
    for atomic, entries in STEPS:
        # As one batch, however long it takes to come together.
        for each in await appender._commit(entries, atomic=atomic):
            told.append(facts(each, "stream", "version", "position"))
        if entries[0].prepared.stream == stream(2):
            await owner.execute("DELETE FROM ai_session_info WHERE stream_id = $1", stream(5))
    rows = [[tuple(row) for row in await owner.fetch(sql)] for sql in ROWS]
    await pool.close()
    await owner.close()
    return [*told, *rows]


async def test_appends_have_the_same_outcomes_and_leave_the_same_rows(
    server_url: str, templates: Mapping[int, str]
) -> None:
    found = []
    for form in FORMS:
        async with log_with(form, server_url, templates[1]) as url:
            found.append(await outcomes_of_all_steps(url))
    assert found[0] == found[1]
    told = {each[0] for each in found[0] if isinstance(each, tuple)}
    assert told == set(get_args(Outcome))


@pytest.mark.parametrize("form", FORMS)
async def test_numbers_are_drawn_to_the_last_and_moved_forward_only(
    server_url: str, template: str, form: str
) -> None:
    async with log_with(form, server_url, template) as url, connected(url) as store:

        async def asked(sql: str, *arguments: object) -> object:
            return await store.raw.fetchval(sql, *arguments)

        for name in (SESSIONS, MESSAGES):
            assert await asked("SELECT last_drawn_1($1)", name) is None
            assert await asked("SELECT draw_numbers_1($1, 3)", name) == [1, 2, 3]
            for upto, last in ((2, 3), (10, 10), (MAX_NUMBER - 2, MAX_NUMBER - 2)):
                await asked("SELECT move_sequence_1($1, $2)", name, upto)
                assert await asked("SELECT last_drawn_1($1)", name) == last
            drawn = await asked("SELECT draw_numbers_1($1, 5)", name)
            assert drawn == [MAX_NUMBER - 1, MAX_NUMBER]
            assert await asked("SELECT draw_numbers_1($1, 5)", name) == []


async def test_a_service_works_on_it_and_its_views_are_verified_and_rebuilt(
    server_url: str, template: str, keyring_of_tests: Keyring
) -> None:
    async with log_with("distributed", server_url, template) as url, connected(url) as store:
        service = await open_service(Settings(database_url=url, master_key=database.MASTER_KEY))
        for number in range(5):
            session = given.session_of(await given.open_ai_session(service, key=f"k{number}"))
            await given.patch_ai_session(service, session, f"purpose {number}")
            await given.open_chat_session(service)
        await given.delete_ai_session(service, session)
        assert await verify(store, keyring_of_tests, silent) == []
        await store.raw.execute("UPDATE chat_session_entity SET version = 9")
        rebuilt = await rebuild(store, keyring_of_tests, named(()), silent)
        assert rebuilt.mended["chat_session_entity"] == 5
        await given.open_ai_session(service)
        assert await verify(store, keyring_of_tests, silent) == []
        assert await has_keys(store) == 3
        await service.close()


@pytest.fixture
def keyring_of_tests() -> Keyring:
    return Keyring(database.MASTER_KEY)


async def has_keys(store: Connection) -> int:
    """How many views have the unique key that this form needs, under its name."""
    rows = await store.ask(
        "SELECT FROM pg_indexes WHERE indexname LIKE '%\\_key' ESCAPE '\\'"
        " AND tablename LIKE ANY (ARRAY['%\\_info', '%\\_entity'])"
    )
    return len(rows)
