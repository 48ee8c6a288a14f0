from collections.abc import Sequence
from functools import reduce

import pytest

from domain.account import (
    Account,
    AccountCreated,
    AccountEvent,
    AccountRenamed,
    NewAccount,
    RenameAccount,
    decide,
    evolve,
)
from domain.errors import AlreadyExists, InvalidField, NotFound
from domain.ids import AccountId

A1 = AccountId("a1")
CREATED = AccountCreated(account_id="a1", name="Acme")


def state_after(*past: AccountEvent) -> Account | None:
    nothing: Account | None = None
    return reduce(evolve, past, nothing)


def test_a_new_account_is_created() -> None:
    assert decide(NewAccount(account_id=A1, name="Acme"), None) == [CREATED]


def test_a_taken_id_is_refused_whatever_the_name() -> None:
    for name in ("Acme", "Other"):
        with pytest.raises(AlreadyExists, match="Account a1 exists already"):
            decide(NewAccount(account_id=A1, name=name), state_after(CREATED))


@pytest.mark.parametrize(
    ("name", "events"),
    [("Acme & Sons", [AccountRenamed(name="Acme & Sons")]), ("Acme", []), (None, [])],
    ids=["other", "same", "none given"],
)
def test_a_rename_adds_an_event_only_when_the_name_changes(
    name: str | None, events: list[AccountEvent]
) -> None:
    assert decide(RenameAccount(account_id=A1, name=name), state_after(CREATED)) == events


def test_a_rename_back_is_a_change() -> None:
    state = state_after(CREATED, AccountRenamed(name="Acme & Sons"))
    command = RenameAccount(account_id=A1, name="Acme")
    assert decide(command, state) == [AccountRenamed(name="Acme")]


def test_an_unknown_account_is_not_renamed() -> None:
    for name in ("Acme", None):
        with pytest.raises(NotFound, match="Account a1 does not exist"):
            decide(RenameAccount(account_id=A1, name=name), None)


@pytest.mark.parametrize(
    ("past", "name"),
    [([CREATED], "Acme"), ([CREATED, AccountRenamed(name="Other")], "Other")],
    ids=["created", "renamed"],
)
def test_an_account_is_what_happened_to_it(past: Sequence[AccountEvent], name: str) -> None:
    assert state_after(*past) == Account(account_id="a1", name=name)


@pytest.mark.parametrize("account", ["acme.json", "a.XML", ".csv"])
def test_an_id_that_a_path_would_take_for_a_format_is_refused(account: str) -> None:
    with pytest.raises(InvalidField) as refused:
        decide(NewAccount(account_id=AccountId(account), name="Acme"), None)
    assert refused.value.field == "Id"


@pytest.mark.parametrize("unfit", ["a/b", ".", "..", "a\nb", "\x7f", "/"])
def test_an_id_that_no_path_can_name_is_refused_in_words(unfit: str) -> None:
    with pytest.raises(InvalidField, match="holds no slash") as refused:
        decide(NewAccount(account_id=AccountId(unfit), name="Acme"), None)
    assert refused.value.field == "Id"


@pytest.mark.parametrize("fit", ["...", ".a", "a.b", "a b", "ä", "a\\b"])
def test_an_id_may_hold_what_a_path_can(fit: str) -> None:
    assert decide(NewAccount(account_id=AccountId(fit), name="Acme"), None)
