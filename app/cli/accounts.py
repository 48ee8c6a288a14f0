"""Accounts from the command line: commands like any other, with the operator as their actor."""

import getpass
from collections.abc import Sequence

import asyncpg
import msgspec

from app.commands.context import CommandContext, EventMetadata
from app.database.sql import blocks
from app.maintenance.store import Connection
from app.service import Service
from domain.account import NewAccount
from domain.errors import InvalidField
from domain.ids import AccountId
from domain.limits import AccountIdText, AccountName

SQL = blocks(__file__)


async def add(service: Service, account_id: str, name: str) -> None:
    """Add an account. Raises AlreadyExists, or InvalidField for a text that no account may have."""
    for field, text, form in (("id", account_id, AccountIdText), ("name", name, AccountName)):
        try:
            msgspec.convert(text, form)
        except msgspec.ValidationError as error:
            raise InvalidField(field, f"{field}: {error}") from error
    metadata = EventMetadata(face="cli", operation="NewAccount")
    call = CommandContext(actor=f"cli:{getpass.getuser()}", metadata=metadata)
    await service.commands.handle(NewAccount(account_id=AccountId(account_id), name=name), call)


async def everything(store: Connection) -> Sequence[asyncpg.Record]:
    """All accounts, `account_id` and `name`, in the order of their ids."""
    return await store.ask(SQL["all"])
