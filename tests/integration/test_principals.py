"""Who is let in, for how long a credential that was good stays good, and what roles allow."""

import base64
from contextlib import nullcontext

import asyncpg
import pytest
from msgspec.structs import replace
from support.principals import ROLES, basic

from app.auth import verification
from app.auth.principals import Forbidden, Principal, Unauthenticated
from app.auth.verification import Principals
from app.maintenance import users
from app.maintenance.store import Connection
from app.service import open_service
from app.settings import Settings


async def test_the_right_password_lets_in(principals: Principals) -> None:
    for _ in range(2):  # verified, then remembered
        principal = await principals.authenticate(basic("kim", "right as rain"))
        assert principal == Principal("kim", tuple(ROLES), associate_id=1, auth="basic")


async def test_a_token_lets_in(principals: Principals, token: str) -> None:
    for scheme in (b"Bearer ", b"bearer "):
        principal = await principals.authenticate(scheme + token.encode())
        assert (principal.name, principal.roles) == ("kim", tuple(ROLES))
        assert (principal.auth, principal.associate_id) == ("token", 1)
        assert principal.token_id is not None
        assert (principal.issued_by or "").startswith("cli:")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        b"",
        b"Basic",
        b"Basic !!!",
        b"Basic " + base64.b64encode(b"\xff:right as rain"),
        b"Basic " + base64.b64encode(b"kim"),
        basic("kim", "wrong"),
        basic("kim", ""),
        basic("kim", "right as rain "),
        basic("pat", "right as rain"),
        basic("kim\0", "right as rain"),
        b"Bearer",
        b"Bearer x",
        b"Digest x",
    ],
)
async def test_anything_else_does_not(principals: Principals, authorization: bytes | None) -> None:
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await principals.authenticate(authorization)


async def test_who_has_no_password_calls_with_tokens_only(
    principals: Principals, owner: asyncpg.Connection
) -> None:
    await users.add(Connection(owner), "robot", [], None)
    token = await users.give_token(Connection(owner), "robot")
    assert (await principals.authenticate(b"Bearer " + token.encode())).name == "robot"
    for password in ("", "None"):
        with pytest.raises(Unauthenticated):
            await principals.authenticate(basic("robot", password))


async def test_a_changed_password_counts_as_soon_as_the_old_one_is_over(
    forgetful: Principals, owner: asyncpg.Connection
) -> None:
    await forgetful.authenticate(basic("kim", "right as rain"))
    await users.change_password(Connection(owner), "kim", "a new one, for once")
    with pytest.raises(Unauthenticated):
        await forgetful.authenticate(basic("kim", "right as rain"))
    assert (await forgetful.authenticate(basic("kim", "a new one, for once"))).name == "kim"


async def test_changed_roles_count_as_soon_as_the_old_ones_are_over(
    forgetful: Principals, owner: asyncpg.Connection, token: str
) -> None:
    credentials = [basic("kim", "right as rain"), b"Bearer " + token.encode()]
    for credential in credentials:
        await forgetful.authenticate(credential)
    await users.change_roles(Connection(owner), "kim", ["Operator"])
    for credential in credentials:
        assert (await forgetful.authenticate(credential)).roles == ("Operator",)


async def test_a_removed_principal_is_out_as_soon_as_the_credential_is_over(
    forgetful: Principals, owner: asyncpg.Connection, token: str
) -> None:
    credentials = [basic("kim", "right as rain"), b"Bearer " + token.encode()]
    for credential in credentials:
        await forgetful.authenticate(credential)
    await users.remove(Connection(owner), "kim")
    for credential in credentials:
        with pytest.raises(Unauthenticated):
            await forgetful.authenticate(credential)


async def test_until_then_nobody_is_asked(
    settings: Settings, owner: asyncpg.Connection, token: str
) -> None:
    opened = await open_service(replace(settings, credential_ttl_s=3600.0))
    await opened.principals.authenticate(basic("kim", "right as rain"))
    await users.remove(Connection(owner), "kim")
    assert (await opened.principals.authenticate(basic("kim", "right as rain"))).name == "kim"
    await opened.close()


@pytest.mark.parametrize(
    ("mine", "theirs", "may"),
    [
        (["Admin"], ["Admin"], True),
        (["SystemAdministrator"], ["SystemAdministrator", "Auditor"], True),
        (["SystemAdministrator"], ["Admin"], False),
        (["Manager"], [], True),
        (["Manager"], ["Manager"], True),
        (["Manager"], ["Customer", "Agent"], True),
        (["Manager", "Auditor"], ["Auditor"], True),
        (["Manager"], ["Auditor"], False),
        (["Manager"], ["Operator", "Customer"], False),
        (["Manager"], ["SystemAdministrator"], False),
        (["Manager"], ["Admin"], False),
        (["Manager"], ["of a later release"], False),
        (["Customer"], ["Customer"], False),
        (["Auditor"], [], False),
        ([], [], False),
    ],
    ids=str,
)
def test_nobody_acts_in_the_name_of_somebody_more_powerful(
    mine: list[str], theirs: list[str], may: bool
) -> None:
    with nullcontext() if may else pytest.raises(Forbidden):
        Principal("kim", tuple(mine)).require_power_over(theirs)


def test_roles_say_what_a_principal_may() -> None:
    Principal("kim", ("SystemAdministrator",)).require("SystemAdministrator")
    Principal("kim", ("Admin",)).require("SystemAdministrator")
    with pytest.raises(Forbidden, match="SystemAdministrator Role Required"):
        Principal("kim", ("Auditor",)).require("SystemAdministrator")


@pytest.mark.parametrize("roles", [(), ("Auditor",), ("Operator", "Auditor")])
def test_who_only_looks_on_changes_nothing(roles: tuple[str, ...]) -> None:
    with pytest.raises(Forbidden):
        Principal("kim", roles).require_writer()
    Principal("kim", (*roles, "Agent")).require_writer()


@pytest.mark.parametrize("name", ["kim", "1"], ids=["by name", "by number"])
async def test_an_associate_is_found(principals: Principals, name: str) -> None:
    found = await principals.associate(name)
    assert found is not None
    assert (found.name, found.associate_id) == ("kim", 1)


@pytest.mark.parametrize("name", ["nobody", "7", "0", "-1", "9" * 30, "", "a\0b", "\ud800"])
async def test_nobody_is_found_for_what_is_no_associate(principals: Principals, name: str) -> None:
    assert await principals.associate(name) is None


async def test_a_name_that_is_a_number_comes_before_that_number(
    principals: Principals, owner: asyncpg.Connection
) -> None:
    await users.add(Connection(owner), "1", [], None)
    found = await principals.associate("1")
    assert found is not None
    assert found.name == "1"


@pytest.mark.parametrize("state", ["unknown", "disabled", "removed", "no password"])
async def test_whoever_may_not_call_costs_as_much_as_a_wrong_password(
    principals: Principals,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
) -> None:
    store = Connection(owner)
    checked: list[str | None] = []
    if state != "unknown":
        password = None if state == "no password" else "a long one of its own"
        await users.add(store, "pat", ["Agent"], password)
    match state:
        case "disabled":
            await users.disable(store, "pat")
        case "removed":
            await users.remove(store, "pat")

    def matches(stored: str | None, _: str) -> bool:
        checked.append(stored)
        return False

    monkeypatch.setattr(verification, "matches", matches)
    with pytest.raises(Unauthenticated, match=r"^Invalid Username or Password$"):
        await principals.authenticate(basic("pat", "a long one of its own"))
    assert checked == [None]
