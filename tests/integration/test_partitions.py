"""A log of one partition and one of several: nobody but the log can tell which it is."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner
from support import database, given
from support.chats import KIM, QUEUED, by, open_queue
from support.database import SEVERAL
from support.numbers import set_back

from app.chat.numbers import SESSIONS
from app.cli.main import main
from app.commands.context import CommandEnvelope, CommandResult
from app.commands.errors import BatchRefused
from app.faces.evo.list_query import AccountsQuery, AISessionsQuery, list_accounts, list_ai_sessions
from app.faces.superoffice.lists.chat_list import sessions_of
from app.integrity.verify import verify
from app.log.errors import KeyReused
from app.log.incarnation import AnotherLog, Incarnation
from app.log.keyring import Keyring
from app.log.read import heads, read_feed
from app.maintenance.store import Connection
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from app.settings import MAX_PARTITIONS
from domain.ai_session import PatchAISession
from domain.chat.enums import ChatMessageType
from domain.chat.message import ChatMessage
from domain.chat.session import DeleteChatSession
from domain.ids import ChatSessionId, partition_of
from projections.catalog import VIEWS

pytestmark = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
COUNT = 24
"""Of each: enough to be in every one of a few partitions."""


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


async def some_of_each(service: Service) -> list[CommandResult]:
    """Accounts, AI sessions and chat sessions, each changed once; every third session deleted."""
    done = []
    for number in range(COUNT):
        account = f"a{number}"
        await given.open_account(service, account, f"Account {number}")
        done.append(await given.rename_account(service, account, f"Renamed {number}"))
        made = await given.open_ai_session(service, account=account, key=f"ai {number}")
        session = given.session_of(made)
        done.append(await given.patch_ai_session(service, session, f"purpose {number}"))
        chat = await service.chat.create(QUEUED, given.call("sam", key=f"chat {number}"))
        chat_number = ChatSessionId(chat.folded.state.chat_session_id)
        hello = ChatMessage(type=ChatMessageType.TO_USER, message=f"Hello {number}", author="Sam")
        await service.chat.add_message(chat_number, hello, by(KIM))
        if number % 3 == 0:
            await given.delete_ai_session(service, session)
            delete = DeleteChatSession(chat_session_id=chat_number)
            await service.commands.handle(delete, given.call())
    return done


async def test_commands_are_spread_and_each_partition_counts_for_itself(
    service: Service, owner: asyncpg.Connection, keyring: Keyring, partitions: int
) -> None:
    for answer in await some_of_each(service):
        assert answer.folded.version == 2
        assert answer.folded.partition == partition_of(answer.folded.stream, partitions)
    ends = await heads(service.pool)
    assert [end.partition for end in ends] == list(range(partitions))
    for end in ends:
        pages = read_feed(service.pool, keyring, end.partition, until=end.position)
        events = [recorded async for page in pages for recorded in page]
        assert [event.position for event in events] == list(range(1, end.position + 1)) != []
        assert {partition_of(event.stream, partitions) for event in events} == {end.partition}
    rows = await owner.fetch(
        "SELECT partition, stream_id FROM ai_session_info UNION ALL"
        " SELECT partition, stream_id FROM chat_session_entity"
    )
    assert all(partition_of(row["stream_id"], partitions) == row["partition"] for row in rows)


async def test_a_key_is_found_again_by_whoever_is_asked(
    service: Service, other_service: Service
) -> None:
    for number in range(COUNT):
        call = given.call("sam", key=f"chat {number}")
        first = await service.chat.create(QUEUED, call)
        for each in (service, other_service):
            again = await each.chat.create(QUEUED, call)
            assert (again.folded, again.replayed) == (first.folded, True)
        made = await given.open_ai_session(service)
        by_key = given.call(key=f"ai {number}")
        patched = await given.patch_ai_session(service, given.session_of(made), "x", by_key)
        again = await given.patch_ai_session(other_service, given.session_of(made), "x", by_key)
        assert (again.folded, again.replayed) == (patched.folded, True)
        with pytest.raises(KeyReused):
            await given.patch_ai_session(other_service, given.session_of(made), "y", by_key)


async def test_an_ai_session_is_drawn_where_its_key_is_looked_for(
    service: Service, partitions: int
) -> None:
    for number in range(COUNT):
        call = given.call(key=f"k{number}")
        drawn = [service.log.new_stream(call.actor, f"k{number}") for _ in range(partitions)]
        homes = {partition_of(stream, partitions) for stream in drawn}
        assert len(homes) == 1


async def test_lists_show_all_of_them(service: Service) -> None:
    await some_of_each(service)
    left = COUNT - COUNT // 3
    sessions = await list_ai_sessions(service.views, AISessionsQuery(all=True))
    assert (len(sessions.items), sessions.total) == (left, left)
    assert {row.account_name for row in sessions.items} == {
        f"Renamed {number}" for number in range(COUNT) if number % 3
    }
    at = [row.folded.audit.created_at for row in sessions.items]
    assert at in (sorted(at), sorted(at, reverse=True))
    wanted = [str(row.folded.stream) for row in sessions.items[::2]]
    found = await list_ai_sessions(service.views, AISessionsQuery(specific_ids=wanted))
    assert {str(row.folded.stream) for row in found.items} == set(wanted)
    accounts = await list_accounts(service.views, AccountsQuery(all=True))
    assert accounts.total == COUNT
    chats = await sessions_of(service.views, 7)
    assert len(chats) == left
    numbers = [chat.state.chat_session_id for chat in chats]
    assert numbers == sorted(numbers)


async def test_the_queue_is_one(service: Service, other_service: Service) -> None:
    queue = await open_queue(service, COUNT)
    agents = [KIM] * (COUNT // 2)
    picked = await asyncio.gather(
        *(
            each.chat.pick_up_first(KIM, by(KIM))
            for _ in agents
            for each in (service, other_service)
        )
    )
    taken = [answer.folded.state.chat_session_id for answer in picked if answer is not None]
    assert Counter(taken) == Counter(queue)


async def test_a_number_that_is_taken_is_passed_over_wherever_it_is(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    before = await open_queue(service, COUNT)
    await set_back(owner, SESSIONS)
    made = [await other_service.chat.create(QUEUED, given.call()) for _ in range(3)]
    assert min(each.folded.state.chat_session_id for each in made) > max(before)


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
async def test_views_are_verified_and_rebuilt_beside_writers(
    service: Service,
    owner: asyncpg.Connection,
    store: Connection,
    keyring: Keyring,
    damaged: bool,
) -> None:
    await some_of_each(service)
    assert await verify(store, keyring, silent) == []
    if damaged:
        await owner.execute("UPDATE ai_session_info SET modified_by = 'eve'")
        await owner.execute("DELETE FROM account_info")
        assert len(await verify(store, keyring, silent)) == COUNT - COUNT // 3 + COUNT
    rebuilding = asyncio.create_task(rebuild(store, keyring, named(()), silent))
    while not rebuilding.done():
        await given.open_ai_session(service)
        await asyncio.sleep(0)
    rebuilt = await rebuilding
    events = await owner.fetchval("SELECT sum(position)::bigint FROM log_partition")
    assert COUNT * 7 < max(rebuilt.events.values()) <= events
    assert sum(rebuilt.mended.values()) == damaged * (COUNT - COUNT // 3 + COUNT)
    assert await verify(store, keyring, silent) == []


async def test_what_is_wrong_with_any_partition_is_told(
    service: Service,
    owner: asyncpg.Connection,
    store: Connection,
    keyring: Keyring,
    partitions: int,
) -> None:
    await some_of_each(service)
    last = partitions - 1
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    await owner.execute(
        "DELETE FROM stored_events WHERE (partition, notification_id) = ($1, 2)", last
    )
    await owner.execute("ALTER TABLE stored_events ENABLE TRIGGER append_only")
    told = await verify(store, keyring, silent)
    assert told[0].startswith(f"Partition {last}: the head is at ")


async def test_a_batch_across_partitions_is_refused_whole(
    service: Service, partitions: int
) -> None:
    sessions = [given.session_of(await given.open_ai_session(service)) for _ in range(COUNT)]
    commands = [
        CommandEnvelope(PatchAISession(session_id=session, purpose="x"), given.call())
        for session in sessions
    ]
    if partitions == 1:
        assert len(await service.commands.handle_all(commands)) == COUNT
    else:
        with pytest.raises(BatchRefused, match="in several partitions"):
            await service.commands.handle_all(commands)


async def test_a_service_takes_no_log_with_another_number_of_them(
    service: Service, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    incarnation = Incarnation(keyring)
    await incarnation.check(service.pool.ask)
    await owner.execute(
        "INSERT INTO log_partition SELECT max(partition) + 1, 0, now() FROM log_partition"
    )
    with pytest.raises(AnotherLog, match="number of partitions"):
        await incarnation.check(service.pool.ask)


def sessionary(url: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    options = [f"--database-url={url}", f"--data-dir={folder}", "--allow-unsafe-database"]
    ended = CliRunner().invoke(main, [*arguments, *options])
    return ended.exit_code, ended.stdout, ended.stderr


@pytest.fixture
def key_folder(tmp_path: Path) -> Path:
    database.write_master_key(tmp_path / "master.key")
    return tmp_path


@pytest.fixture
async def logged(service: Service) -> Sequence[str]:
    """Names under which an operator finds streams that are there."""
    made = [str((await given.open_ai_session(service)).folded.stream) for _ in range(3)]
    for number in range(3):
        await given.open_account(service, f"a{number}")
        await given.open_chat_session(service)
        made += [f"account:a{number}", str(number + 1)]
    return made


def test_histories_are_replayed_and_the_log_is_verified_from_the_command_line(
    database_url: str, key_folder: Path, logged: Sequence[str], partitions: int
) -> None:
    for name in logged:
        code, said, _ = sessionary(database_url, key_folder, "replay", name, "--output=json")
        (step,) = json.loads(said)
        assert (code, step["version"]) == (0, 1)
        assert step["partition"] < partitions
    assert sessionary(database_url, key_folder, "verify")[0] == 0
    code, _, said = sessionary(database_url, key_folder, "rebuild")
    assert (code, said.count(" rows from 9 events")) == (0, len(VIEWS))
    assert sessionary(database_url, key_folder, "doctor")[0] == 0


def test_a_log_keeps_the_number_that_it_was_made_with(
    empty_database_url: str, tmp_path: Path, partitions: int
) -> None:
    asked = [f"--partitions={partitions}"] if partitions > 1 else []
    assert sessionary(empty_database_url, tmp_path, "migrate", *asked)[0] == 0
    for again in ([], [f"--partitions={partitions}"]):
        code, said, _ = sessionary(empty_database_url, tmp_path, "migrate", *again)
        assert (code, said) == (0, "Up to date\n")
    code, _, told = sessionary(empty_database_url, tmp_path, "migrate", "--partitions=7")
    assert code == 2
    assert f"The log has {partitions} partition" in told
    assert "it cannot have 7" in told
    assert sessionary(empty_database_url, tmp_path, "verify")[0] == 0


@pytest.mark.parametrize("wrong", ["0", "x", str(MAX_PARTITIONS + 1)])
def test_a_number_that_is_none_is_refused(
    empty_database_url: str, tmp_path: Path, partitions: int, wrong: str
) -> None:
    assert partitions
    code, _, told = sessionary(empty_database_url, tmp_path, "migrate", f"--partitions={wrong}")
    assert code == 2
    assert "--partitions" in told
