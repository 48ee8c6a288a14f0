"""Accounts from the command line: commands like any other, with the operator as their actor."""

import getpass
from itertools import count

import msgspec

from app.calls import Call, Metadata
from app.service import Service
from app.wanted import AccountsWanted, list_accounts
from domain.account import Account, NewAccount
from domain.errors import InvalidField
from domain.ids import AccountId
from domain.limits import AccountIdText, AccountName


async def add(service: Service, account_id: str, name: str) -> None:
    """Add an account. Raises AlreadyExists, or InvalidField for a text that no account may have."""
    for field, text, form in (("id", account_id, AccountIdText), ("name", name, AccountName)):
        try:
            msgspec.convert(text, form)
        except msgspec.ValidationError as error:
            raise InvalidField(field, f"{field}: {error}") from error
    metadata = Metadata(face="cli", operation="NewAccount")
    call = Call(actor=f"cli:{getpass.getuser()}", metadata=metadata)
    await service.commands.handle(NewAccount(account_id=AccountId(account_id), name=name), call)


async def everything(service: Service) -> list[Account]:
    """All accounts, in the order of their ids."""
    found: list[Account] = []
    for page in count():
        wanted = AccountsWanted(page=page, all=True, simplified=True)
        listed = await list_accounts(service.views, wanted)
        found.extend(row.folded.state for row in listed.items)
        if not listed.has_more:
            break
    return sorted(found, key=lambda account: account.account_id)
