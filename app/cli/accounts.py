"""Accounts from the command line: ordinary commands, with the operator as their actor."""

import asyncio
import getpass
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from app.cli.source import Account
from app.cli.work import require_live
from app.commands.context import CommandContext, EventMetadata
from app.database.sql import blocks
from app.maintenance.store import Connection, DataLocation, SchemaPermission, database, prepare
from app.service import Service, open_service
from domain.account import NewAccount
from domain.audit import RecordView
from domain.errors import InvalidField
from domain.ids import AccountId
from domain.limits import AccountIdText, AccountName, Reason

T = TypeVar("T")
SQL = blocks(__file__)


async def add(service: Service, account_id: str, name: str) -> None:
    """Add an account. Raises AlreadyExists, or InvalidField for a text that no account may have."""
    for field, text, form in (("id", account_id, AccountIdText), ("name", name, AccountName)):
        try:
            msgspec.convert(text, form)
        except msgspec.ValidationError as error:
            raise InvalidField(field, f"{field}: {error}") from error
    command = NewAccount(account_id=AccountId(account_id), name=name)
    await service.commands.handle(command, operators_call("NewAccount"))


async def everything(store: Connection) -> list[Account]:
    """All accounts, in the order of their ids."""
    return [Account(*row) for row in await store.ask(SQL["all"])]


def on_service(
    where: DataLocation,
    work: Callable[[Service], Coroutine[Any, Any, T]],
    may: SchemaPermission = SchemaPermission.LOOK,
) -> T:
    """The result of some work that handles commands."""

    async def run(url: str) -> T:
        _, key = await prepare(url, where, may)
        service = await open_service(where.settings(url, key))
        try:
            await require_live(service.pool.ask)
            return await work(service)
        finally:
            await service.close()

    with database(where, may) as url:
        return asyncio.run(run(url))


def operators_call(operation: str) -> CommandContext:
    """The call of the operator who types."""
    metadata = EventMetadata(face="cli", operation=operation)
    return CommandContext(actor=f"cli:{getpass.getuser()}", metadata=metadata)


def require_reason(reason: str) -> None:
    """Raise InvalidField unless a reason can be put on record."""
    try:
        msgspec.convert(reason, Reason)
    except msgspec.ValidationError as error:
        raise InvalidField("reason", f"reason: {error}") from error


async def record_view(service: Service, reason: str, scope: str, operation: str = "Export") -> None:
    """Put on record that the operator is about to see personal data. Raises InvalidField."""
    require_reason(reason)
    call = operators_call(operation)
    command = RecordView(auditor=call.actor, reason=reason, scope=scope)
    await service.commands.handle(command, call)
