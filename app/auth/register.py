"""The write side of principals: each change is an event, stored together with its secret.

Principals do not go the way of sessions (`app.commands`): a change is rare, has a stream of its own
to itself, and brings a secret along that is in no event and in no memory.
"""

import asyncio
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import reduce
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from app.auth.sealing import encoded, keys_of, opened_address
from app.database.errors import StoreDown
from app.database.sql import blocks
from app.database.uuids import new_uuid
from app.log import codec, facts
from app.log.append import REPLACED
from app.log.errors import Conflict, KeyReused, VersionMismatch
from app.log.facts import NO_FACTS, Facts
from app.log.incarnation import AnotherLog, Incarnation
from app.log.keyring import Keyring
from app.log.read import Store, used_key
from app.log.stream_keys import ALL_ERASED
from domain.ids import StreamId, principal_stream
from domain.principal.commands import Command
from domain.principal.decide import decide
from domain.principal.events import PrincipalEvent
from domain.principal.state import PrincipalInfo, evolve

SQL = blocks(__file__)
CHANGED = "SE002"
"""SQLSTATE that `append_principal_1` raises if the principal has another generation."""
_TRIES = 8
_PAUSE_S = 0.01


class PrincipalChanged(Exception):
    """The principal was changed after its credentials were looked at."""


class Act(Struct, frozen=True):
    """Who changes a principal, and the facts of the call."""

    actor: str
    facts: Facts = NO_FACTS
    if_version: frozenset[int] | None = None
    """Versions that the principal's stream may have; None: any."""
    unless_version: Container[int] = ()
    """Versions that it must not have."""
    key: str | None = None
    """Idempotency key: a retry changes nothing."""
    fingerprint: bytes | None = None
    """Of the command that the key belongs to, without secrets."""


class Secret(Struct, frozen=True, kw_only=True):
    """What is stored beside the log with an event."""

    value: bytes
    """The hash of a password as text, or the SHA-256 of what was drawn."""
    generation: int | None = None
    """The one that the principal must have; None: any."""
    idle: timedelta | None = None
    sign_ins: int | None = None

    def __repr__(self) -> str:
        """Without the hash, for logs."""
        return "Secret()"


class Registered(Struct, frozen=True, kw_only=True):
    """A principal after a command."""

    state: PrincipalInfo
    partition: int
    version: int
    position: int | None
    """Of the command's last event; None if it changed nothing."""
    replayed: bool = False
    """Whether an earlier command with the same key did it."""


class _Known(Struct, frozen=True):
    state: PrincipalInfo | None
    version: int
    last: UUID | None
    wrapped: bytes | None = None
    """The keys of its stream, in their stored form."""


class Register:
    """Carries out commands on principals."""

    def __init__(
        self,
        store: Store,
        partition_of: Callable[[StreamId], int],
        incarnation: Incarnation | None = None,
        keyring: Keyring | None = None,
    ) -> None:
        """`partition_of`: the partition of a stream.

        `incarnation`: of the log, whose master key is compared; None allows any log. `keyring`: the
        log's, for the facts of calls; None: of operators' commands, which have no address.
        """
        self.store = store
        self._partition = partition_of
        self._incarnation = incarnation
        self._keyring = keyring

    async def carry_out(
        self, command: Command, act: Act, secret: Secret | None = None
    ) -> Registered:
        """The principal after a command, which is then on disk with its secret.

        Raises DomainError when the domain refuses it, VersionMismatch, KeyReused, PrincipalChanged,
        Conflict, or StoreDown.
        """
        stream = principal_stream(command.name)
        version = 0
        for number in range(_TRIES):
            known = await self._load(stream)
            if known.state is not None and await self._was_done(stream, act):
                return self._unchanged(stream, known.state, known.version, replayed=True)
            if (act.if_version is not None and known.version not in act.if_version) or (
                known.version in act.unless_version
            ):
                raise VersionMismatch(known.version)
            events = decide(command, known.state)
            if not events and known.state is not None:
                return self._unchanged(stream, known.state, known.version)
            state = reduce(evolve, events, known.state)
            assert state is not None  # an unknown principal's command adds it, or is refused
            row = await self._append(stream, known, state, events, act, secret)
            version = row["version"]
            if row["outcome"] == "appended":
                return Registered(
                    state=state,
                    partition=self._partition(stream),
                    version=version,
                    position=row["position"],
                )
            await asyncio.sleep(_PAUSE_S * number)
        raise Conflict(stream, version)

    def _unchanged(
        self, stream: StreamId, state: PrincipalInfo, version: int, *, replayed: bool = False
    ) -> Registered:
        return Registered(
            state=state,
            partition=self._partition(stream),
            version=version,
            position=None,
            replayed=replayed,
        )

    async def is_retry(self, name: str, act: Act) -> bool:
        """Whether a command on a principal was carried out before, under the same key.

        Raises KeyReused, or StoreDown.
        """
        return await self._was_done(principal_stream(name), act)

    async def _was_done(self, stream: StreamId, act: Act) -> bool:
        """Whether a command is a retry. Raises KeyReused."""
        if act.key is None:
            return False
        used = await used_key(self.store, self._partition(stream), act.actor, act.key)
        if used is None:
            return False
        if (used.fingerprint, used.stream) != (act.fingerprint, stream):
            raise KeyReused
        return True

    async def state(self, name: str) -> PrincipalInfo | None:
        """The principal of a name; None if there never was one. Raises StoreDown."""
        return (await self._load(principal_stream(name))).state

    async def name_of(self, stream: StreamId) -> str | None:
        """The name of the principal whose stream this is; None if nobody's. Raises StoreDown."""
        state = (await self._load(stream)).state
        return None if state is None else state.name

    async def _load(self, stream: StreamId) -> _Known:
        partition = self._partition(stream)
        (row,) = await self.store.ask(SQL["load"], partition, stream)
        if row["last_version"] is None:
            return _Known(None, 0, None)
        if row["version"] == row["last_version"]:
            state = msgspec.json.decode(row["doc"], type=PrincipalInfo)
        else:  # somebody lost or changed the row: the log knows
            state = await self._from_stream(partition, stream)
        return _Known(state, row["last_version"], row["last"], row["wrapped"])

    async def _from_stream(self, partition: int, stream: StreamId) -> PrincipalInfo:
        rows = await self.store.ask(SQL["stream"], partition, stream)
        state: PrincipalInfo | None = None
        for row in rows:
            # (No state of a principal has what is sealed in its events.)
            event = codec.decode(row["topic"], row["state"], stream, ALL_ERASED)
            assert isinstance(event, PrincipalEvent)  # the append lets no other kind in
            state = evolve(state, event)
        assert state is not None
        return state

    async def _append(
        self,
        stream: StreamId,
        known: _Known,
        state: PrincipalInfo,
        events: Sequence[PrincipalEvent],
        act: Act,
        secret: Secret | None,
    ) -> asyncpg.Record:
        log = self._incarnation
        while True:
            value = None if log is None else log.check_value
            try:
                return await self._send(stream, known, state, events, act, secret, value)
            except asyncpg.PostgresError as error:
                if error.sqlstate == CHANGED:
                    raise PrincipalChanged from error
                if error.sqlstate != REPLACED or log is None:
                    raise
                with suppress(AnotherLog):
                    await log.check(self.store.ask)
                if log.check_value == value:
                    raise StoreDown("The database was replaced") from error
                # Its master key was changed: nothing was written.

    async def _send(
        self,
        stream: StreamId,
        known: _Known,
        state: PrincipalInfo,
        events: Sequence[PrincipalEvent],
        act: Act,
        secret: Secret | None,
        check_value: str | None,
    ) -> asyncpg.Record:
        keys, new_keys = keys_of(self._keyring, stream, known.wrapped)
        client = act.facts.personal.get("client")
        (row,) = await self.store.ask_once(
            SQL["append"],
            self._partition(stream),
            act.actor,
            facts.stored(act.facts, stream, keys),
            stream,
            known.version,
            known.last,
            msgspec.json.encode(state).decode(),
            act.key,
            act.fingerprint,
            [event.topic for event in events],
            [encoded(event, stream, keys) for event in events],
            [new_uuid() for _ in events],
            check_value,
            None if secret is None else secret.value,
            None if secret is None else secret.generation,
            None if secret is None else secret.idle,
            None if secret is None else secret.sign_ins,
            new_keys,
            None if client is None else facts.sealed_fact(client, stream, keys),
        )
        return row

    def place_of(self, name: str) -> tuple[int, StreamId]:
        """The partition and the name of a principal's stream."""
        stream = principal_stream(name)
        return self._partition(stream), stream

    def opened_address(self, name: str, sealed: bytes, wrapped: bytes | None) -> str:
        """The address of a sign-in; `wrapped`: the keys of its principal's stream."""
        return opened_address(self._keyring, principal_stream(name), sealed, wrapped)


def new_id() -> str:
    """The id of a fresh token or sign-in: no secret."""
    return str(new_uuid())
