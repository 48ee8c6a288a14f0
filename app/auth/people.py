"""What administrators do with principals, and principals with themselves."""

from asyncio import to_thread
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec
from msgspec import Struct

from app.auth.password_rules import require_fit
from app.auth.passwords import hash_password
from app.auth.principals import is_text
from app.auth.register import Act, Register, Registered, Secret
from app.database.sql import blocks
from app.log.errors import NumbersUsedUp
from domain.errors import NotFound
from domain.principal.commands import (
    AddPrincipal,
    ChangePassword,
    ChangeRoles,
    DisablePrincipal,
    EnablePrincipal,
    RemovePrincipal,
    SignOut,
)
from domain.principal.decide import require_name
from domain.principal.state import PrincipalInfo

SQL = blocks(__file__)
_NUMBERS = "associate_number"


class Person(Struct, frozen=True, kw_only=True):
    """A principal, and when and by whom it was added and changed."""

    info: PrincipalInfo
    partition: int
    version: int
    position: int
    created_by: str
    created_at: datetime
    modified_by: str
    modified_at: datetime


class People:
    """All principals, over a pool or a connection of the database."""

    def __init__(self, register: Register) -> None:
        """`register`: carries the changes out."""
        self._register = register
        self._store = register.store

    async def add(
        self,
        name: str,
        roles: Sequence[str],
        password: str | None,
        act: Act,
        *,
        must_change_password: bool = False,
    ) -> Registered:
        """Add a principal; without a password it calls with tokens only.

        Raises AlreadyExists, InvalidField for a name or a password that nobody could have, or
        StoreDown.
        """
        require_name(name)
        secret = None if password is None else await _hashed(name, password)
        command = AddPrincipal(
            name=name,
            roles=roles,
            # (A name that is taken needs no number.)
            associate_id=0 if await self._register.state(name) else await self._draw_number(),
            has_password=password is not None,
            must_change_password=must_change_password,
        )
        return await self._register.carry_out(command, act, secret)

    async def change_password(
        self,
        name: str,
        password: str,
        act: Act,
        *,
        must_change_password: bool = False,
        generation: int | None = None,
    ) -> Registered:
        """Give a principal another password, which ends its sign-ins and tokens.

        `generation`: the one that its old password was checked in. Raises NotFound, InvalidField,
        PrincipalChanged, or StoreDown.
        """
        require_text(name)
        secret = await _hashed(name, password)
        if generation is not None:
            secret = msgspec.structs.replace(secret, generation=generation)
        command = ChangePassword(name=name, must_change_password=must_change_password)
        return await self._register.carry_out(command, act, secret)

    async def change_roles(self, name: str, roles: Sequence[str], act: Act) -> Registered:
        """Give a principal these roles only. Raises NotFound, or StoreDown."""
        require_text(name)
        return await self._register.carry_out(ChangeRoles(name=name, roles=roles), act)

    async def disable(self, name: str, act: Act) -> Registered:
        """Shut a principal out, and end its sign-ins and tokens. Raises NotFound, or StoreDown."""
        require_text(name)
        return await self._register.carry_out(DisablePrincipal(name=name), act)

    async def enable(self, name: str, act: Act) -> Registered:
        """Let a disabled principal in again. Raises NotFound, or StoreDown."""
        require_text(name)
        return await self._register.carry_out(EnablePrincipal(name=name), act)

    async def remove(self, name: str, act: Act) -> Registered:
        """Shut a principal out for good. Raises NotFound, or StoreDown."""
        require_text(name)
        return await self._register.carry_out(RemovePrincipal(name=name), act)

    async def sign_out(self, name: str, act: Act) -> Registered:
        """End all sign-ins and tokens of a principal. Raises NotFound, or StoreDown."""
        require_text(name)
        return await self._register.carry_out(SignOut(name=name), act)

    async def everybody(self) -> list[Person]:
        """All principals, removed ones included, in the order of their names."""
        return [_person(row) for row in await self._store.ask(SQL["everybody"])]

    async def find(self, name: str) -> Person:
        """The principal of a name. Raises NotFound, or StoreDown."""
        rows = await self._store.ask(SQL["one"], name) if is_text(name) and name else []
        if not rows:
            raise NotFound("User", name)
        return _person(rows[0])

    async def _draw_number(self) -> int:
        """A number that no principal has: the sequence may be behind the log after a restore."""
        while True:
            rows = await self._store.ask_once(SQL["draw"])
            if not rows:
                raise NumbersUsedUp(_NUMBERS)
            if not rows[0]["taken"]:
                return int(rows[0]["number"])


def require_text(name: str) -> None:
    """Raise NotFound for a text that is no name: no stream is derived from it."""
    if not name or not is_text(name):
        raise NotFound("User", name)


async def _hashed(name: str, password: str) -> Secret:
    require_fit(name, password)
    return Secret(value=(await to_thread(hash_password, password)).encode())


def _person(row: asyncpg.Record) -> Person:
    return Person(
        info=msgspec.json.decode(row["doc"], type=PrincipalInfo),
        partition=row["partition"],
        version=row["version"],
        position=row["position"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        modified_by=row["modified_by"],
        modified_at=row["modified_at"],
    )
