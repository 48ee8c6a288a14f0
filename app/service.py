"""Everything that a worker process holds while it serves, opened and closed as one."""

import asyncio
import hashlib
import time
from itertools import count

import asyncpg

from app.auth.login_sessions import Logins
from app.auth.principals import Principals
from app.auth.throttle import Throttle
from app.chat.numbers import SessionNumbers
from app.chat.service import Chat
from app.commands.context import CommandContext, CommandResult
from app.commands.handler import CommandHandler
from app.concurrency.deadline import SharedDeadline
from app.concurrency.ttl_cache import in_the_background
from app.database.errors import StoreDown, StoreError
from app.database.pool import Pool
from app.database.sql import blocks
from app.database.uuids import new_uuid
from app.log.errors import (
    Conflict,
    LogError,
    NumbersUsedUp,
    Unreadable,
    WrongMasterKey,
)
from app.log.incarnation import Incarnation
from app.log.keyring import Keyring
from app.log.read import check_value, heads
from app.queries.list_places import ListPlaces
from app.queries.views import Views
from app.settings import Settings
from domain.chat.session import ChatSessionFields
from domain.errors import AccountNotFound, AlreadyExists, DomainError
from domain.ids import AccountId, ChatSessionId, StreamId, partition_of

SQL = blocks(__file__)
_ACCOUNTS_KEPT = 100_000
_TRY_S = 1.0
"""How often at the most it is tried whether the database writes, while no write fails."""
_READ_ONLY = "The database takes no writes"
_DISK_FULL = "The database's disk is full"
_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
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
        commands: CommandHandler,
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
        self.list_places = ListPlaces(settings)
        self.bodies = SharedDeadline(settings.body_deadline_s)
        """For the body of a request to come."""
        self.draining = False
        self._partitions = partitions
        self._accounts: set[str] = set()
        self._numbers = SessionNumbers(pool, partitions)
        self._tried: asyncio.Task[str | None] | None = None
        self._tried_at = 0.0

    async def close(self) -> None:
        """Finish what was accepted, then let go of the database."""
        self.draining = True
        await self.commands.drain()
        await self.pool.close()
        await self._lists.close()

    async def require_account(self, account: str) -> None:
        """Raise AccountNotFound unless the account exists. Accounts are never deleted.

        What is remembered may be of a log that another took the place of: the append looks again.
        """
        if account in self._accounts:
            return
        if "\0" in account or await self.views.account_name(AccountId(account)) is None:
            raise AccountNotFound(account)
        if len(self._accounts) < _ACCOUNTS_KEPT:
            self._accounts.add(account)

    def forget(self) -> None:
        """Know nothing any longer of what the log holds: another took its place."""
        self._accounts.clear()
        self._numbers.forget()

    def new_session_stream(self, call: CommandContext) -> StreamId:
        """A fresh id; with an idempotency key, one in the partition where a retry looks for it."""
        drawn = StreamId(new_uuid())
        home = home_partition(call, self._partitions)
        while home is not None and partition_of(drawn, self._partitions) != home:
            drawn = StreamId(new_uuid())
        return drawn

    async def new_chat_session_id(self, call: CommandContext) -> ChatSessionId:
        """A fresh number, in the partition where a retry of the call looks for its key.

        Raises NumbersUsedUp, StoreDown.
        """
        return await self._numbers.take(home_partition(call, self._partitions))

    async def new_chat_session(
        self, wanted: ChatSessionFields, call: CommandContext
    ) -> CommandResult:
        """Create a chat session under a fresh number, whatever id it names.

        Numbers that are taken are passed over; what these are refused with is raised only if no
        free one was found within the deadline. Raises NumbersUsedUp, and what
        `CommandHandler.handle` raises.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.settings.store_deadline_s
        while True:
            number = await self._number(wanted, call)
            if isinstance(number, CommandResult):
                return number
            try:
                answer = await self.chat.new(number, wanted, call)
            except (AlreadyExists, Conflict, Unreadable):
                if loop.time() >= deadline:
                    raise
                await self._numbers.pass_over(number)
                continue
            except StoreDown:
                raise  # who knows whether the number was used
            except (DomainError, LogError, StoreError):
                self._numbers.give_back(number)
                raise
            if answer.replayed:
                self._numbers.give_back(number)
            return answer

    async def _number(
        self, wanted: ChatSessionFields, call: CommandContext
    ) -> ChatSessionId | CommandResult:
        """A number for a new session; where none is left, the first answer to a retry."""
        try:
            return await self.new_chat_session_id(call)
        except NumbersUsedUp:
            # Any number will do to look for the key, if it leads to the right partition.
            home = home_partition(call, self._partitions)
            anywhere = (ChatSessionId(number) for number in count(1))
            there = next(each for each in anywhere if home in (None, self._numbers.partition(each)))
            answer = await self.chat.new_before(there, wanted, call)
            if answer is None:
                raise
            return answer

    async def unready(self) -> str | None:
        """Why commands cannot be served right now; None when they can.

        A small write finds out, as nobody else may be sending any: one a second at the most, for
        all who ask, and at once after a write that failed.
        """
        if self.draining:
            return "draining"
        tried, now = self._tried, time.monotonic()
        fails = self.pool.writes.cause is not None or self.pool.disk_full > 0
        over = now > self._tried_at + _TRY_S
        # (What failed before a write succeeded is no answer any longer.)
        if tried is None or (tried.done() and (fails or over or tried.result() is not None)):
            self._tried_at = now
            tried = self._tried = in_the_background(self._try_to_write())
        return await asyncio.shield(tried)

    async def _try_to_write(self) -> str | None:
        full = self.pool.disk_full
        try:
            await self.pool.ask(SQL["try_room" if full else "try_to_write"], writes=True)
        except StoreDown as error:
            # (The last of several tries may have had no time left to find out the same.)
            known = _DISK_FULL if self.pool.disk_full else _in_words(self.pool.writes.cause)
            return known or str(error)
        except asyncpg.PostgresError as error:
            self.pool.writes.failed(error)
            return "The database refuses to write"
        if full == self.pool.disk_full:  # else another write found none meanwhile
            self.pool.disk_full = 0
        return None


def _in_words(cause: BaseException | None) -> str | None:
    """Why a write failed, without what may be secret; None if the reason is no particular one."""
    return next((words for kind, words in _CAUSES if isinstance(cause, kind)), None)


def home_partition(call: CommandContext, partitions: int) -> int | None:
    """Where a retry of a creation looks for its idempotency key; None when anywhere will do."""
    key = call.metadata.idempotency_key
    if key is None or partitions == 1:
        return None
    digest = hashlib.sha256(f"{call.actor}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % partitions  # alike for each, however many


async def open_service(settings: Settings) -> Service:
    """Connect, and refuse another master key than the log's.

    Raises OSError or asyncpg's errors when there is no database, WrongMasterKey.
    """
    pool = Pool(settings)
    try:
        keyring = Keyring(settings.master_key)
        known = await check_value(pool)
        if known is None or not keyring.made(known):
            raise WrongMasterKey("The log was written with another master key than the one given")
        partitions = len(await heads(pool))
        lists = Pool(settings, for_lists=True, reachability=pool.reachability)
        views = Views(pool, lists, partitions=partitions, batch=settings.batch_lookups)
        incarnation = Incarnation(keyring)
        await incarnation.check(pool.ask)
        commands = CommandHandler(
            pool, keyring, views, settings, partitions=partitions, incarnation=incarnation
        )
        service = Service(settings, pool, lists, keyring, commands, views, partitions)
        incarnation.on_change(service.forget)
        pool.on_connect = lists.on_connect = incarnation.check
        return service
    except BaseException:
        await pool.close()
        raise
