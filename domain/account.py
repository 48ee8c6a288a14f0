"""An account that sessions belong to: created, renamed, never deleted."""

import re
from collections.abc import Sequence
from typing import ClassVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain.errors import AlreadyExists, InvalidField, NotFound
from domain.event import Event
from domain.ids import AccountId
from domain.limits import ACCOUNT_ID_PATTERN, ACCOUNT_ID_RULE, RESERVED_ENDINGS


class NewAccount(Struct, frozen=True, kw_only=True):
    """Create an account."""

    account_id: AccountId
    name: str


class RenameAccount(Struct, frozen=True, kw_only=True):
    """Give an account another name; None keeps the present one."""

    account_id: AccountId
    name: str | None = None


Command = NewAccount | RenameAccount


class AccountCreated(Event, frozen=True, kw_only=True):
    """An account was created."""

    topic: ClassVar[str] = "account.created.v1"

    account_id: str
    name: str


class AccountRenamed(Event, frozen=True, kw_only=True):
    """An account got another name."""

    topic: ClassVar[str] = "account.renamed.v1"

    name: str


AccountEvent = AccountCreated | AccountRenamed


class Account(Struct, frozen=True, kw_only=True):
    """The state of an account, folded from its events."""

    account_id: str
    name: str


def decide(command: Command, state: Account | None) -> Sequence[AccountEvent]:
    """The events that a command adds; none when nothing changes.

    Raises AlreadyExists for a taken id, InvalidField for an id that no path can name, NotFound for
    an unknown id.
    """
    match command:
        case NewAccount(account_id=account_id, name=name):
            if state is not None:
                raise AlreadyExists("Account", account_id)
            if not _is_fit(account_id):
                raise InvalidField("Id", ACCOUNT_ID_RULE)
            if account_id.lower().endswith(RESERVED_ENDINGS):
                endings = ", ".join(RESERVED_ENDINGS)
                raise InvalidField("Id", f"An id does not end in {endings}: those name formats")
            return [AccountCreated(account_id=account_id, name=name)]
        case RenameAccount(account_id=account_id, name=new_name):
            if state is None:
                raise NotFound("Account", account_id)
            if new_name is None or new_name == state.name:
                return []
            return [AccountRenamed(name=new_name)]
        case _:
            assert_never(command)


def evolve(state: Account | None, event: AccountEvent) -> Account:
    """The account after one more event."""
    match event:
        case AccountCreated(account_id=account_id, name=name):
            return Account(account_id=account_id, name=name)
        case AccountRenamed(name=name):
            assert state is not None  # versions have no gaps, so the created event comes first
            return replace(state, name=name)
        case _:
            assert_never(event)


_is_fit = re.compile(ACCOUNT_ID_PATTERN).match
