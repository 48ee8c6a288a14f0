"""Everything that a worker process holds while it serves, opened and closed as one."""

import asyncio
import hashlib
import time
from collections.abc import Sequence

import asyncpg

from app.calls import Call
from app.chat import Chat
from app.commands import Commands
from app.log.batcher import Batcher
from app.log.errors import StoreDown, WrongMasterKey
from app.log.keyring import Keyring
from app.log.pool import Pool
from app.log.read import heads
from app.new_uuid import new_uuid
from app.patience import Patience
from app.principals import Principals
from app.remembered import in_the_background
from app.settings import Settings
from app.sign_in import Logins
from app.sql import blocks
from app.throttle import Throttle
from app.views import Views
from domain.errors import AccountNotFound
from domain.ids import AccountId, ChatSessionId, StreamId, chat_session_stream, partition_of

SQL = blocks(__file__)
_NUMBERS_AHEAD = 32
"""Of chat sessions, drawn beside those that are wanted at the moment."""
_MOST_NUMBERS = 256
_ACCOUNTS_KEPT = 100_000
_TRY_S = 1.0
"""How often at the most it is tried whether the database writes, while no write fails."""
_READ_ONLY = "The database takes no writes"
_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.DiskFullError, "The database's disk is full"),
    (asyncpg.ReadOnlySQLTransactionError, _READ_ONLY),
    (asyncpg.TargetServerAttributeNotMatched, _READ_ONLY),
    (TimeoutError, "The database does not answer a write in time"),
)


class Service:
    """One worker's write side, read side and callers."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        lists: Pool,
        keyring: Keyring,
        commands: Commands,
        views: Views,
        partitions: int,
    ) -> None:
        """Use `open_service`."""
        self.settings = settings
        self.pool = pool
        self._lists = lists
        self.commands = commands
        self.views = views
        self.chat = Chat(pool, keyring, commands, views, settings, partitions=partitions)
        self.principals = Principals(
            pool,
            Throttle(settings.guessing),
            ttl_s=settings.credential_ttl_s,
            checks=settings.password_checks,
        )
        self.logins = Logins(pool, self.principals, settings)
        self.bodies = Patience(settings.body_deadline_s)
        """For the body of a request to come."""
        self.draining = False
        self._partitions = partitions
        self._accounts: set[str] = set()
        self._numbers: list[int] = []
        self._drawing = Batcher[None, int](self._draw, _MOST_NUMBERS)
        self._tried: asyncio.Task[str | None] | None = None
        self._tried_at = 0.0

    async def close(self) -> None:
        """Finish what was accepted, then let go of the database."""
        self.draining = True
        await self.commands.drain()
        await self.pool.close()
        await self._lists.close()

    async def require_account(self, account: str) -> None:
        """Raise AccountNotFound unless the account exists. Accounts are never deleted."""
        if account in self._accounts:
            return
        if "\0" in account or await self.views.account_name(AccountId(account)) is None:
            raise AccountNotFound(account)
        if len(self._accounts) < _ACCOUNTS_KEPT:
            self._accounts.add(account)

    def new_session_stream(self, call: Call) -> StreamId:
        """A fresh id; with an idempotency key, one in the partition where a retry looks for it."""
        drawn = StreamId(new_uuid())
        home = home_partition(call, self._partitions)
        while home is not None and partition_of(drawn, self._partitions) != home:
            drawn = StreamId(new_uuid())
        return drawn

    async def new_chat_session_id(self, call: Call) -> ChatSessionId:
        """A fresh number; numbers are drawn ahead, so those of a stopped worker stay unused.

        Raises StoreDown.
        """
        home = home_partition(call, self._partitions)
        while True:
            number = self._numbers.pop() if self._numbers else await self._drawing.submit(None)
            drawn = ChatSessionId(number)
            if home is None or home == partition_of(chat_session_stream(drawn), self._partitions):
                return drawn

    async def _draw(self, wanted: Sequence[None]) -> Sequence[int]:
        many = len(wanted) + _NUMBERS_AHEAD
        rows = await self.pool.ask(SQL["chat_session_numbers"], many, writes=True)
        numbers = [row[0] for row in rows]
        self._numbers = numbers[: len(wanted) - 1 : -1]  # to be taken from the end
        return numbers[: len(wanted)]

    async def unready(self) -> str | None:
        """Why commands cannot be served right now; None when they can.

        A small write finds out, as nobody else may be sending any: one a second at the most, for
        all who ask, and at once after a write that failed.
        """
        if self.draining:
            return "draining"
        tried, now = self._tried, time.monotonic()
        fails, over = self.pool.writes.cause is not None, now > self._tried_at + _TRY_S
        if tried is None or (tried.done() and (fails or over)):
            self._tried_at = now
            tried = self._tried = in_the_background(self._try_to_write())
        return await asyncio.shield(tried)

    async def _try_to_write(self) -> str | None:
        try:
            await self.pool.ask(SQL["try_to_write"], writes=True)
        except StoreDown as error:
            return _in_words(self.pool.writes.cause) or str(error)
        except asyncpg.PostgresError as error:
            self.pool.writes.failed(error)
            return "The database refuses to write"
        return None


def _in_words(cause: BaseException | None) -> str | None:
    """Why a write failed, without what may be secret; None if the reason is no particular one."""
    return next((words for kind, words in _CAUSES if isinstance(cause, kind)), None)


def home_partition(call: Call, partitions: int) -> int | None:
    """Where a retry of a creation looks for its idempotency key; None when anywhere will do."""
    key = call.metadata.idempotency_key
    if key is None or partitions == 1:
        return None
    return hashlib.sha256(f"{call.actor}\0{key}".encode()).digest()[0] % partitions


async def open_service(settings: Settings) -> Service:
    """Connect, and refuse another master key than the log's.

    Raises OSError or asyncpg's errors when there is no database, WrongMasterKey.
    """
    pool = Pool(settings)
    try:
        keyring = Keyring(settings.master_key)
        stored = await pool.ask(SQL["check_value"])
        if not stored or not keyring.made(stored[0]["value"]):
            raise WrongMasterKey("The log was written with another master key than the one given")
        partitions = len(await heads(pool))
        lists = Pool(settings, for_lists=True, reachability=pool.reachability)
        views = Views(pool, lists, partitions=partitions, batch=settings.batch_lookups)
        commands = Commands(pool, keyring, views, settings, partitions=partitions)
        return Service(settings, pool, lists, keyring, commands, views, partitions)
    except BaseException:
        await pool.close()
        raise
