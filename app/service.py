"""All resources of a worker process that serves, opened and closed together."""

from collections.abc import Callable
from copy import copy

from app.auth.attempts import Attempts
from app.auth.login_sessions import Logins
from app.auth.people import People
from app.auth.register import Register
from app.auth.throttle import Throttle
from app.auth.tokens import Tokens
from app.auth.verification import Principals
from app.chat.service import Chat
from app.codecs.hosts import AllowedHosts
from app.commands.handler import CommandHandler
from app.concurrency.deadline import SharedDeadline
from app.concurrency.rates import Rates
from app.database.pool import Pool
from app.database.readiness import Readiness
from app.database.versions import Versions
from app.history import moments
from app.history.past_reads import PastReads
from app.history.reader import reader_of
from app.log.log import Log, open_log
from app.log.read import Asks
from app.log.standby import Standby
from app.log.tail import Tail
from app.operations.ready_parts import Parts, ReadyParts
from app.queries.known_accounts import KnownAccounts
from app.queries.list_places import ListPlaces
from app.queries.views import Views
from app.rebuild.in_step import InStep
from app.settings import Settings
from app.telemetry import metrics
from app.telemetry.requests import Requests


class Service:
    """One worker's log, write side, read side and callers."""

    def __init__(self, settings: Settings, log: Log, lists: Pool) -> None:
        """Use `open_service`."""
        self.settings = settings
        self.hosts = AllowedHosts(settings.allowed_hosts)
        self.log = log
        self.pool = log.pool
        self._lists = lists
        self.views = Views(
            log.pool, lists, batch=settings.batch_lookups,
            unseal=log.open_in_view, partition_of=log.partition, wait_s=settings.store_deadline_s,
        )  # fmt: skip
        self.commands = CommandHandler(log, self.views, settings)
        self.reader = reader_of(log, self.commands.aggregates)  # of histories
        self.tail = Tail(log.pool)
        self.past = PastReads(log, self.commands.aggregates, wait_s=settings.past_wait_s)
        self.chat = Chat(log, self.commands, self.views, settings)
        self.accounts = KnownAccounts(self.views)
        log.incarnation.on_change(self.accounts.forget)
        self.principals = Principals(log.pool, Throttle(settings.guessing), settings)
        register = Register(log.pool, log.partition, log.incarnation, log.keyring)
        self.attempts = Attempts(log.pool, register, log.fingerprint)
        self.people = People(register)
        self.tokens = Tokens(register, self.people, settings.callers)
        self.logins = Logins(log.pool, self.principals, register, settings)
        self.list_places = ListPlaces(settings)
        self.bodies = SharedDeadline(settings.body_deadline_s)
        """Limits how long a request's body may take to arrive."""
        self.draining = False
        self.versions = Versions(log.pool.ask)
        self.in_step = InStep(log, self.versions, settings.store_deadline_s)
        self.in_flight = 0
        """Requests that are being carried out."""
        rate = settings.rate_limit
        self.rates = Rates(rate, settings.rate_burst_s) if rate else None
        self.requests = Requests(settings)
        self.standby = _standby(settings, log.pool)
        """What lists, past moments and audits are read by, if there is one."""
        self._readiness = Readiness(log.pool)
        self._parts = ReadyParts(log)

    async def close(self) -> None:
        """Finish the accepted commands, then close the database connections."""
        self.draining = True
        try:
            await self.log.drain()
            await self.attempts.try_to_write(is_last=True)
        finally:
            await self._disconnect()

    async def _disconnect(self) -> None:
        try:
            if self.standby is not None:
                await self.standby.close()
            await self.pool.close()
        finally:
            await self._lists.close()

    def reading(self, instead_of: Callable[[Pool], Asks]) -> "Service":
        """The same worker for one request, whose lists, past and audits other stores read."""
        other = copy(self)
        other.log = self.log.reading(instead_of(self.pool))
        other.views = self.views.reading(instead_of(self._lists))
        aggregates = self.commands.aggregates.reading(other.log)
        other.reader = self.reader.reading(other.log, aggregates)
        other.past = self.past.reading(other.log, aggregates)
        return other

    def sample(self) -> None:
        """Bring the metrics of the moment up to date."""
        metrics.IN_FLIGHT.set(self.in_flight)
        metrics.QUEUE.set(self.log.waiting)
        pools = {
            name: each.counts for name, each in (self.pool.places | self._lists.places).items()
        }
        if self.standby is not None:
            pools["standby"] = self.standby.pool.counts
        for name, counts in pools.items():
            for state, count in counts.items():
                metrics.POOL.labels(name, state).set(count)
        self.requests.share()

    async def unready(self) -> str | None:
        """Why commands cannot be served right now; None when they can."""
        if self.draining:
            return "draining"
        return self.versions.halted or await self._readiness.reason_against()

    async def ready_parts(self, reason: str | None) -> Parts:
        """What commands rest on; `reason`: as from `unready`."""
        standing = None if self.standby is None else self.standby.standing
        return await self._parts.parts(reason, draining=self.draining, standby=standing)


def _standby(settings: Settings, primary: Pool) -> Standby | None:
    url = settings.read_url
    return Standby(settings, url, primary, (moments.SQL["settle"],)) if url else None


async def open_service(settings: Settings) -> Service:
    """Connect, and refuse any master key but the log's.

    Raises OSError or asyncpg's errors when the database cannot be reached, or WrongMasterKey.
    """
    log = await open_log(settings)
    lists = Pool(settings, for_lists=True, reachability=log.pool.reachability, hosts=log.pool.hosts)
    log.pool.on_connect = lists.on_connect = log.incarnation.check
    service = Service(settings, log, lists)
    try:
        await service.versions.look()
    except BaseException:
        await service._disconnect()
        raise
    return service
