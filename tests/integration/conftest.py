"""What some of these tests share: who signs in, sessions, lists, directories, several workers."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from msgspec.structs import replace
from support import database, given
from support.chat_rows import SAMPLES, insert
from support.chats import Clock, chat_by
from support.deep_reads import Statements
from support.embedded import folder, kill_server
from support.principals import ROLES, SLOW
from support.replaced import Replaceable, replaceable

from app.auth.verification import Principals
from app.chat.service import Chat
from app.database.pool import Pool
from app.log.keyring import Keyring
from app.maintenance import users
from app.maintenance.store import Connection
from app.queries.views import Views
from app.service import Service, open_service
from app.settings import Settings
from domain.ids import AISessionId


@pytest.fixture
async def people(owner: asyncpg.Connection) -> None:
    """Kim may do everything, Max is a manager, Pat a customer; passwords are `right as rain`."""
    store = Connection(owner)
    await users.add(store, "kim", ["SystemAdministrator"], "right as rain")
    await users.add(store, "max", ["Manager"], "right as rain")
    await users.add(store, "pat", ["Customer"], "right as rain")


@pytest.fixture
async def behind_proxy(settings: Settings) -> AsyncIterator[Service]:
    """A worker that believes its proxy, and another's page."""
    opened = await open_service(
        replace(settings, behind_proxy=True, allowed_origins=frozenset({"https://app.example"}))
    )
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def samples(server_url: str, template: str) -> AsyncIterator[Views]:
    """The lists of a database that holds SAMPLES and that nobody changes."""
    name = f"sessionary_test_{secrets.token_hex(8)}"
    async with database.created(server_url, name, template) as url:
        owner = await asyncpg.connect(url)
        await insert(owner, SAMPLES)
        await owner.close()
        pool = Pool(Settings(database_url=url, master_key=database.MASTER_KEY))
        keyring = Keyring(database.MASTER_KEY)
        yield Views(pool, pool, batch=1, unseal=keyring.open_in_view)
        await pool.close()


@pytest.fixture
def clock() -> Clock:
    """Stands still at noon until told otherwise."""
    return Clock()


@pytest.fixture
def chat(service: Service, clock: Clock) -> Chat:
    """The service's chat, by that clock."""
    return chat_by(service, clock)


@pytest.fixture
def new_dir() -> Iterator[Path]:
    """An empty directory for an embedded PostgreSQL."""
    with folder() as made:
        yield made


@pytest.fixture(scope="module")
def used_dir() -> Iterator[Path]:
    """The one directory of a module's embedded PostgreSQL."""
    with folder() as made:
        yield made


@pytest.fixture
def data_dir(used_dir: Path) -> Iterator[Path]:
    """A directory where nothing runs, and something may have run before."""
    yield used_dir
    kill_server(used_dir)


@pytest.fixture
async def live(server_url: str, its_template: str) -> AsyncIterator[Replaceable]:
    """A database that another takes the place of."""
    async with replaceable(server_url, its_template) as made:
        yield made


@pytest.fixture
async def services(live: Replaceable) -> AsyncIterator[tuple[Service, Service]]:
    """Two worker processes on that database."""
    settings = Settings(
        database_url=live.url, master_key=database.MASTER_KEY, store_deadline_s=10.0
    )
    opened = await open_service(settings), await open_service(settings)
    yield opened
    for each in opened:
        await each.close()


@pytest.fixture
async def token(owner: asyncpg.Connection) -> str:
    """The bearer token of kim, whose password is `right as rain`."""
    await users.add(Connection(owner), "kim", ROLES, "right as rain")
    return await users.give_token(Connection(owner), "kim")


@pytest.fixture
async def principals(settings: Settings, token: str) -> AsyncIterator[Principals]:
    """Who may call, kim among them; guesses have to wait for long."""
    opened = await open_service(replace(settings, guessing=SLOW))
    yield opened.principals
    await opened.close()


@pytest.fixture
async def forgetful(settings: Settings, token: str) -> AsyncIterator[Principals]:
    """Whose every verified credential is over at once."""
    opened = await open_service(replace(settings, credential_ttl_s=0.0, guessing=SLOW))
    yield opened.principals
    await opened.close()


@pytest.fixture
async def fresh(settings: Settings) -> AsyncIterator[tuple[Service, Service]]:
    """Two workers that start after the sequences were moved."""
    one, two = await open_service(settings), await open_service(settings)
    yield one, two
    await one.close()
    await two.close()


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Service], Statements]:
    """Counts the statements of a worker from then on."""
    return lambda service: Statements(service.pool, monkeypatch)


@pytest.fixture
async def session(service: Service) -> AISessionId:
    """The id of a fresh session."""
    return given.session_of(await given.open_ai_session(service))


@pytest.fixture
async def sessions(service: Service) -> dict[str, AISessionId]:
    """The ids of six by their purposes, oldest first; one of them belongs to no account."""
    for account, name in (("z", "Acme 1"), ("y", "acme 2"), ("x", "100% Søn")):
        await given.open_account(service, account, name)
    of = {"one": "y", "two": "z", "three": "z", "four": "x", "five": None, "six": "y"}
    return {
        purpose: given.session_of(
            await given.open_ai_session(service, account=account, purpose=purpose)
        )
        for purpose, account in of.items()
    }
