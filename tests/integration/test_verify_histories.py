"""`verify` finds versions in histories that are not what the log gives."""

import asyncpg
import pytest
from support import given
from support.beside import silent
from support.database import ONE_PARTITION
from support.differences import assert_matches
from support.histories import catch_up

from app.integrity.verify import verify
from app.log import read
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.service import Service
from domain.ids import AISessionId

OF_ONE = "WHERE stream_id = (SELECT stream_id FROM ai_session_info LIMIT 1)"
DAMAGE = {
    "another document": (
        'SET doc = doc || \'{"purpose": "secret"}\' {OF_ONE} AND version = 3',
        "ai_session_info_history: stream .*: the row differs in purpose",
    ),
    "another position": (
        "SET position = position + 1 {OF_ONE} AND version = 3",
        "version 2 ends at position 4, and version 3 begins at 5\n"
        ".*: position is 5, the log says 4",
    ),
    "no last version": (
        "SET version = 9 {OF_ONE} AND version = 3",
        "version is 9, the log says 3\n.*: version 9 is in the place of version 3",
    ),
    "the last version has ended": (
        "SET until = 7 {OF_ONE} AND version = 3",
        "ai_session_info_history: no row for stream",
    ),
    "an overlap": (
        "SET until = until + 1 {OF_ONE} AND version = 1",
        "version 1 ends at position 4, and version 2 begins at 3",
    ),
    "a gap": (
        "SET until = until - 1 {OF_ONE} AND version = 2",
        "version 2 begins at position 3 and ends at 3",
    ),
    "a deleted one that lasts": (
        "SET until = 9223372036854775807 WHERE until = 6",
        "ai_session_info_history: a row for stream .*, which was deleted",
    ),
}


@pytest.fixture
async def session(service: Service) -> AISessionId:
    """1 an account; 2, 3, 4 this session; 5, 6 a deleted one. All are followed."""
    await given.open_account(service)
    session = given.session_of(await given.open_ai_session(service))
    await given.patch_ai_session(service, session, "second")
    await given.patch_ai_session(service, session, "third")
    gone = given.session_of(await given.open_ai_session(service))
    await given.delete_ai_session(service, gone)
    await catch_up(service)
    return session


@pytest.mark.parametrize(("damage", "found"), DAMAGE.values(), ids=DAMAGE)
@pytest.mark.usefixtures("session")
@ONE_PARTITION
async def test_a_version_that_the_log_does_not_give_is_found(
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
    found: str,
) -> None:
    assert await verify(store, keyring, silent) == []
    statement = damage.replace("{OF_ONE}", OF_ONE)
    assert (await owner.execute(f"UPDATE ai_session_info_history {statement}")).endswith(" 1")
    for events_a_page in (5_000, 1):
        monkeypatch.setattr(read, "PAGE_EVENTS", events_a_page)
        differences = "\n".join(sorted(await verify(store, keyring, silent), reverse=True))
        assert_matches(differences, found)


async def test_what_is_not_followed_yet_is_no_difference(
    service: Service, store: Connection, keyring: Keyring, session: AISessionId
) -> None:
    await given.patch_ai_session(service, session, "fourth")
    await given.open_ai_session(service)
    assert await verify(store, keyring, silent) == []
