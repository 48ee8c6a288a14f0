"""The frame of subcommands that work on the database."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from app.database import versions
from app.database.errors import SchemaError
from app.log.keyring import Keyring
from app.maintenance.keys import keyring_of
from app.maintenance.store import (
    Connection,
    DataLocation,
    SchemaPermission,
    connected,
    database,
    prepare,
)

T = TypeVar("T")


async def require_live(ask: versions.Ask) -> None:
    """Raise SchemaError if other versions of views are live than those of this release."""
    if (reason := await versions.why_halted(ask)) is not None:
        raise SchemaError(f"{reason[0].upper()}{reason[1:]}: `serve` or `rebuild` makes it so")


def on_store(
    where: DataLocation,
    work: Callable[[Connection], Coroutine[Any, Any, T]],
    may: SchemaPermission = SchemaPermission.LOOK,
    *,
    looks: bool = False,
    as_service: bool = False,
    any_version: bool = False,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> T:
    """The result of some work on the up-to-date database.

    `looks`: the work only reads, so a standby is enough; `as_service`: it has the service's rights,
    not the owner's; `any_version`: it may be done though another release's views are live; `loop`
    makes another event loop than Python's own.
    """
    role = where.database_role if as_service else None

    async def run(url: str) -> T:
        await prepare(url, where, may, looks=looks)
        async with connected(url, where.statement_cache, looks=looks, role=role) as store:
            if not any_version:
                await require_live(store.ask)
            return await work(store)

    with database(where, may) as url, asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(run(url))


def on_log(
    where: DataLocation,
    work: Callable[[Connection, Keyring], Coroutine[Any, Any, T]],
    *,
    looks: bool = False,
    any_version: bool = False,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> T:
    """The result of some work that unseals personal fields; the rest is as for `on_store`."""

    async def run(store: Connection) -> T:
        return await work(store, await keyring_of(store, where))

    return on_store(where, run, looks=looks, any_version=any_version, loop=loop)


def on_any_database(where: DataLocation, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
    """The result of some work that only reads, whatever the database contains."""

    async def run(url: str) -> T:
        async with connected(url, where.statement_cache, looks=True) as store:
            return await work(store)

    with database(where, SchemaPermission.LOOK) as url:
        return asyncio.run(run(url))
