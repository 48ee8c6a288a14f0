"""`verify` finds whatever does not fit: in the views, in the log."""

import asyncpg
import pytest
from support import given
from support.beside import silent
from support.database import ONE_PARTITION
from support.differences import assert_matches

from app.integrity.verify import verify
from app.log import read
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.service import Service

ONE = "(SELECT stream_id FROM ai_session_info ORDER BY position LIMIT 1)"
COPY = "version, position, created_by, created_at, modified_by, modified_at, doc"
IN_VIEWS = {
    "wrong doc": (
        'UPDATE ai_session_info SET doc = doc || \'{"purpose": "secret"}\' WHERE stream_id = {ONE}',
        "the row differs in purpose",
    ),
    "what is searched for": (
        "UPDATE chat_session_entity SET search = '{\"when_ended\": 7}'",
        "chat_session_entity: stream .*: the row differs in search",
    ),
    "more in the doc": (
        "UPDATE ai_session_info SET doc = doc || '{\"more\": null}' WHERE stream_id = {ONE}",
        "the row differs in more",
    ),
    "no doc": (
        "UPDATE ai_session_info SET doc = '[]' WHERE stream_id = {ONE}",
        "the row's document cannot be read",
    ),
    "wrong version": (
        "UPDATE ai_session_info SET version = 7 WHERE stream_id = {ONE}",
        "version is 7, the log says 3",
    ),
    "created_by": (
        "UPDATE ai_session_info SET created_by = 'eve' WHERE stream_id = {ONE}",
        "created_by is eve, the log says ",
    ),
    "modified_at": (
        "UPDATE ai_session_info SET modified_at = created_at - interval '1 s'"
        " WHERE stream_id = {ONE}",
        r"modified_at is 2\d{3}-\d\d-\d\dT\S+\+00:00, the log says 2\S+$",
    ),
    "missing row": (
        "DELETE FROM ai_session_info WHERE stream_id = {ONE}",
        "ai_session_info: no row for stream",
    ),
    "first extra row": (
        "INSERT INTO ai_session_info SELECT 0, '00000000-0000-0000-0000-000000000001', {COPY}"
        " FROM ai_session_info LIMIT 1",
        "ai_session_info: a row for stream 0{8}-.*, which has no events",
    ),
    "last extra row": (
        "INSERT INTO account_info SELECT 0, 'ffffffff-0000-0000-0000-000000000001', {COPY}"
        " FROM account_info LIMIT 1",
        "account_info: a row for stream f{8}-.*, which has no events",
    ),
    "row of no partition": (
        "INSERT INTO account_info SELECT 7, stream_id, {COPY} FROM account_info LIMIT 1",
        "account_info: 1 rows in partition 7, without a head",
    ),
    "row of a deleted session": (
        "INSERT INTO ai_session_info SELECT 0, e.originator_id, {COPY} FROM ai_session_info,"
        " stored_events AS e WHERE e.topic LIKE 'ai_session.%deleted%' LIMIT 1",
        "ai_session_info: a row for stream .*, which was deleted",
    ),
}
IN_LOG = {
    "a gap": (
        "UPDATE stored_events SET notification_id = 100 WHERE notification_id = 8",
        "Partition 0: the head is at 8, but there are 8 events, the last at 100",
    ),
    "the last event removed": (
        "DELETE FROM stored_events WHERE notification_id = 8",
        "Partition 0: the head is at 8, but there are 7 events, the last at 7",
    ),
    "an event removed in the middle": (
        "DELETE FROM stored_events WHERE notification_id = 3",
        "cannot be folded: stream .* has version 3 at position 0:4, where 2 belongs",
    ),
    "the first event removed": (
        "DELETE FROM stored_events WHERE notification_id = 2",
        "cannot be folded: stream .* has version 2 at position 0:3, where 1 belongs",
    ),
    "time running backwards": (
        "UPDATE stored_events SET recorded_at = recorded_at + interval '1 h'"
        " WHERE notification_id = 4",
        "Position 0:5 is earlier than the one before it",
    ),
    "an unknown topic": (
        "UPDATE stored_events SET topic = 'ai_session.nonsense.v1' WHERE notification_id = 4",
        "version 3, position 0:4, stored as 'ai_session.nonsense.v1': no event has that name",
    ),
    "another known topic": (
        "UPDATE stored_events SET topic = 'ai_session.created.v1' WHERE notification_id = 4",
        "version 3, position 0:4, stored as 'ai_session.created.v1': a sealed text was altered",
    ),
    "a topic of another kind": (
        "UPDATE stored_events SET topic = 'chat_session.deleted.v1' WHERE notification_id = 6",
        "version 2 at position 0:6, chat_session.deleted.v1, which is of another kind",
    ),
    "an event that cannot be the first": (
        "UPDATE stored_events SET topic = 'account.renamed.v1', state = '{\"name\": \"x\"}'"
        " WHERE notification_id = 1",
        "version 1 at position 0:1, account.renamed.v1, which does not follow",
    ),
    "an event that is no JSON": (
        "UPDATE stored_events SET state = 'x' WHERE notification_id = 4",
        "The log cannot be folded: .*version 3, position 0:4, ",
    ),
    "events of no partition": (
        "UPDATE stored_events SET partition = 3 WHERE notification_id = 8",
        "There are 1 events in partition 3, which has no head",
    ),
    "another stream's key": (
        "UPDATE stream_key SET wrapped = substr(wrapped, 1, 20) || substr(wrapped, 22) || 'x'"
        " WHERE stream_id = (SELECT max(stream_id::text)::uuid FROM stream_key)",
        "The log cannot be folded: .*, version 1, position 0:.*: the stream's key was altered",
    ),
}


@pytest.fixture
async def eight_events(service: Service) -> None:
    """1 an account; 2, 3, 4 a session; 5, 6 a deleted one; 7 a chat; 8 a session."""
    await given.open_account(service)
    session = given.session_of(await given.open_ai_session(service))
    await given.patch_ai_session(service, session, "second")
    await given.patch_ai_session(service, session, "third")
    gone = given.session_of(await given.open_ai_session(service))
    await given.delete_ai_session(service, gone)
    await given.open_chat_session(service)
    await given.open_ai_session(service)


@pytest.mark.usefixtures("eight_events")
async def test_nothing_is_found_where_nothing_is_wrong(store: Connection, keyring: Keyring) -> None:
    assert await verify(store, keyring, silent) == []


@pytest.mark.usefixtures("eight_events")
@pytest.mark.parametrize(("damage", "found"), IN_VIEWS.values(), ids=IN_VIEWS)
@pytest.mark.parametrize("events_a_page", [1, 5_000])
@ONE_PARTITION
async def test_a_row_that_the_log_does_not_give_is_found(
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    events_a_page: int,
    damage: str,
    found: str,
) -> None:
    monkeypatch.setattr(read, "PAGE_EVENTS", events_a_page)
    statement = damage.replace("{ONE}", ONE).replace("{COPY}", COPY)
    assert (await owner.execute(statement)).endswith(" 1")
    (difference,) = await verify(store, keyring, silent)
    assert_matches(difference, found)


@pytest.mark.usefixtures("eight_events")
@pytest.mark.parametrize(("damage", "found"), IN_LOG.values(), ids=IN_LOG)
@ONE_PARTITION
async def test_a_log_that_was_tampered_with_is_found(
    store: Connection, owner: asyncpg.Connection, keyring: Keyring, damage: str, found: str
) -> None:
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    assert (await owner.execute(damage)).endswith(" 1")
    assert_matches("\n".join(await verify(store, keyring, silent)), found)


@pytest.mark.usefixtures("eight_events")
@pytest.mark.parametrize("events_a_page", [1, 3, 5_000])
@ONE_PARTITION
async def test_damage_behind_damage_is_found_and_no_row_is_blamed_for_it(
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    events_a_page: int,
) -> None:
    monkeypatch.setattr(read, "PAGE_EVENTS", events_a_page)
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    await owner.execute("UPDATE stored_events SET topic = 'foo.v1' WHERE notification_id <> 7")
    await owner.execute("UPDATE chat_session_entity SET version = 5")
    differences = await verify(store, keyring, silent)
    lost = [line for line in differences if line.startswith("The log cannot be folded")]
    (row,) = [line for line in differences if line not in lost]
    assert len(lost) == 4  # an account, three sessions
    assert_matches(row, "chat_session_entity: stream .*: version is 5, the log says 1")


@pytest.mark.usefixtures("eight_events")
async def test_what_differs_in_a_document_is_named_and_not_shown(
    store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await owner.execute('UPDATE ai_session_info SET doc = doc || \'{"purpose": "secret"}\'')
    assert "secret" not in "\n".join(await verify(store, keyring, silent))
