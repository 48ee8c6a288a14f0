from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest

from domain.errors import AlreadyExists, InvalidField, NotFound
from domain.ids import AccountId, account_stream, principal_stream
from domain.principal.commands import (
    AddPrincipal,
    ChangePassword,
    ChangeRoles,
    Command,
    DisablePrincipal,
    EnablePrincipal,
    IssueToken,
    RecordRefusals,
    RemovePrincipal,
    RevokeToken,
    SignIn,
    SignOut,
)
from domain.principal.decide import TooManyTokens, decide
from domain.principal.events import (
    PasswordChanged,
    PrincipalAdded,
    PrincipalDisabled,
    PrincipalEnabled,
    PrincipalEvent,
    PrincipalRemoved,
    RolesChanged,
    SignedIn,
    SignedOut,
    SignInRefused,
    TokenIssued,
    TokenRevoked,
)
from domain.principal.state import PrincipalInfo, PrincipalState, evolve

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
ADD = AddPrincipal(name="kim", roles=["Manager", "Agent", "Manager"], associate_id=7)
ADDED = PrincipalAdded(
    name="kim",
    roles=("Manager", "Agent"),
    associate_id=7,
    has_password=True,
    must_change_password=False,
)
REFUSED = SignInRefused(address="192.0.2.1", count=3, reason="password")


def issued(
    token_id: str, *, expires_at: datetime | None = None, parent: str | None = None
) -> TokenIssued:
    return TokenIssued(
        token_id=token_id,
        label="",
        issued_by="max",
        issued_at=NOON,
        expires_at=expires_at,
        sign_in="s1",
        parent=parent,
    )


def issue(token_id: str, at: datetime = NOON, most: int = 2) -> IssueToken:
    return IssueToken(name="kim", token_id=token_id, issued_by="max", issued_at=at, most=most)


def state_after(*past: PrincipalEvent) -> PrincipalInfo | None:
    nothing: PrincipalInfo | None = None
    return reduce(evolve, past, nothing)


def after(*past: PrincipalEvent) -> PrincipalInfo:
    found = state_after(ADDED, *past)
    assert found is not None
    return found


def test_a_principal_is_added_with_each_role_once() -> None:
    assert decide(ADD, None) == [ADDED]
    assert after().roles == ("Manager", "Agent")


@pytest.mark.parametrize("past", [(), (PrincipalDisabled(),), (PrincipalRemoved(),)], ids=str)
def test_a_name_is_given_once(past: Sequence[PrincipalEvent]) -> None:
    with pytest.raises(AlreadyExists):
        decide(ADD, after(*past))


@pytest.mark.parametrize(
    "name",
    ["", " ", "a:b", "a\0b", "a\nb", "a\x7f", "\udcff", " kim", "kim ", "\u202ekim", "k" * 65],
)
def test_a_name_that_nobody_could_give_is_refused(name: str) -> None:
    with pytest.raises(InvalidField):
        decide(AddPrincipal(name=name, roles=[], associate_id=1), None)


def test_the_longest_name_is_taken() -> None:
    assert decide(AddPrincipal(name="\U0001f600" * 64, roles=[], associate_id=1), None)


@pytest.mark.parametrize(
    ("command", "past", "events"),
    [
        (ChangeRoles(name="kim", roles=["Auditor"]), (), [RolesChanged(roles=("Auditor",))]),
        (ChangeRoles(name="kim", roles=["Agent", "Manager"]), (), []),
        (ChangePassword(name="kim"), (), [PasswordChanged(must_change_password=False)]),
        (DisablePrincipal(name="kim"), (), [PrincipalDisabled()]),
        (DisablePrincipal(name="kim"), (PrincipalDisabled(),), []),
        (EnablePrincipal(name="kim"), (PrincipalDisabled(),), [PrincipalEnabled()]),
        (EnablePrincipal(name="kim"), (), []),
        (RemovePrincipal(name="kim"), (PrincipalDisabled(),), [PrincipalRemoved()]),
        (RevokeToken(name="kim", token_id="t1"), (issued("t1"),), [TokenRevoked(token_id="t1")]),
        (SignOut(name="kim"), (), [SignedOut(sign_in=None)]),
        (SignOut(name="kim", sign_in="s1"), (), [SignedOut(sign_in="s1")]),
        (
            SignIn(name="kim", sign_in="s1", permanent=True, expires_at=NOON),
            (),
            [SignedIn(sign_in="s1", permanent=True, expires_at=NOON)],
        ),
        (RecordRefusals(name="kim", refusals=[REFUSED]), (PrincipalRemoved(),), [REFUSED]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_command_adds_what_changes(
    command: Command, past: Sequence[PrincipalEvent], events: Sequence[PrincipalEvent]
) -> None:
    assert list(decide(command, after(*past))) == list(events)


@pytest.mark.parametrize("past", [None, (ADDED, PrincipalRemoved()), (REFUSED,)], ids=str)
@pytest.mark.parametrize(
    "command",
    [
        ChangeRoles(name="kim", roles=[]),
        ChangePassword(name="kim"),
        EnablePrincipal(name="kim"),
        RemovePrincipal(name="kim"),
        issue("t1"),
        RevokeToken(name="kim", token_id="t1"),
        SignIn(name="kim", sign_in="s1", permanent=False, expires_at=NOON),
        SignOut(name="kim"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nothing_changes_who_is_not_there(
    command: Command, past: Sequence[PrincipalEvent] | None
) -> None:
    with pytest.raises(NotFound):
        decide(command, None if past is None else state_after(*past))


def test_who_is_disabled_gets_no_token_and_no_sign_in() -> None:
    for command in (issue("t1"), SignIn(name="kim", sign_in="s", permanent=False, expires_at=NOON)):
        with pytest.raises(InvalidField, match="disabled"):
            decide(command, after(PrincipalDisabled()))


def test_tokens_have_a_limit_that_expired_ones_do_not_count_for() -> None:
    soon = NOON + timedelta(seconds=8)
    full = after(issued("t1", expires_at=soon), issued("t2"))
    with pytest.raises(TooManyTokens):
        decide(issue("t3"), full)
    assert len(decide(issue("t3", at=soon), full)) == 1
    with pytest.raises(NotFound):
        decide(RevokeToken(name="kim", token_id="t9"), full)


def test_a_token_is_for_the_roles_that_were_looked_at() -> None:
    looked_at = IssueToken(
        name="kim", token_id="t", issued_by="max", issued_at=NOON, most=1, roles=["Manager"]
    )
    with pytest.raises(NotFound):
        decide(looked_at, after())


@pytest.mark.parametrize("label", ["a\nb", "a\0", "x" * 65], ids=["line", "nul", "long"])
def test_a_label_can_be_shown(label: str) -> None:
    command = IssueToken(
        name="kim", token_id="t", issued_by="max", issued_at=NOON, most=1, label=label
    )
    with pytest.raises(InvalidField):
        decide(command, after())


@pytest.mark.parametrize(
    ("event", "left"),
    [
        (PasswordChanged(must_change_password=False), []),
        (PrincipalDisabled(), []),
        (PrincipalRemoved(), []),
        (SignedOut(sign_in=None), []),
        (SignedOut(sign_in="another"), ["t1", "t2", "t3", "t4"]),
        (SignedOut(sign_in="s1"), []),
        (RolesChanged(roles=()), ["t1", "t2", "t3", "t4"]),
        (TokenRevoked(token_id="t1"), ["t4"]),
        (TokenRevoked(token_id="t2"), ["t1", "t4"]),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else None,
)
def test_tokens_end_with_what_they_belong_to(event: PrincipalEvent, left: list[str]) -> None:
    chain = (issued("t1"), issued("t2", parent="t1"), issued("t3", parent="t2"), issued("t4"))
    assert [token.token_id for token in after(*chain, event).tokens] == left


def test_states_follow_each_other() -> None:
    assert after(PrincipalDisabled()).state is PrincipalState.DISABLED
    assert after(PrincipalDisabled(), PrincipalEnabled()).state is PrincipalState.ACTIVE
    assert after(PrincipalRemoved()).state is PrincipalState.REMOVED
    assert after(PasswordChanged(must_change_password=True)).must_change_password


def test_refusals_are_counted_of_strangers_too() -> None:
    found = state_after(REFUSED, REFUSED)
    assert found is not None
    assert (found.name, found.refused) == ("", 6)
    assert after(REFUSED).refused == 3


def test_a_principal_s_stream_is_that_of_no_account() -> None:
    names = ["kim", "account:kim", "principal:kim", ""]
    streams = {principal_stream(name) for name in names}
    assert len(streams) == len(names)
    assert not streams & {account_stream(AccountId(name)) for name in names}
