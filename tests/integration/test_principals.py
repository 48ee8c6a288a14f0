"""Who is let in, and for how long a credential that was good stays good."""

import base64
from collections.abc import AsyncIterator

import asyncpg
import pytest
from msgspec.structs import replace

from app.ops import users
from app.ops.store import Connection
from app.principals import Forbidden, Principal, Principals, Unauthenticated, hash_password
from app.service import Service, open_service
from app.settings import Settings

ROLES = ["SystemAdministrator", "Auditor"]


def basic(name: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode())


@pytest.fixture
async def token(owner: asyncpg.Connection) -> str:
    """The bearer token of kim, whose password is `right`."""
    await users.add(Connection(owner), "kim", ROLES, "right")
    return await users.give_token(Connection(owner), "kim")


@pytest.fixture
def principals(service: Service, token: str) -> Principals:
    return service.principals


@pytest.fixture
async def forgetful(settings: Settings, token: str) -> AsyncIterator[Principals]:
    """Whose every verified credential is over at once."""
    opened = await open_service(replace(settings, credential_ttl_s=0.0))
    yield opened.principals
    await opened.close()


async def test_the_right_password_lets_in(principals: Principals) -> None:
    for _ in range(2):  # verified, then remembered
        principal = await principals.authenticate(basic("kim", "right"))
        assert principal == Principal("kim", tuple(ROLES))


async def test_a_token_lets_in(principals: Principals, token: str) -> None:
    for scheme in (b"Bearer ", b"bearer "):
        principal = await principals.authenticate(scheme + token.encode())
        assert principal == Principal("kim", tuple(ROLES))


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        b"",
        b"Basic",
        b"Basic !!!",
        b"Basic " + base64.b64encode(b"\xff:right"),
        b"Basic " + base64.b64encode(b"kim"),
        basic("kim", "wrong"),
        basic("kim", ""),
        basic("kim", "right "),
        basic("pat", "right"),
        basic("kim\0", "right"),
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
    await forgetful.authenticate(basic("kim", "right"))
    await owner.execute("UPDATE principal SET password_hash = $1", hash_password("new"))
    with pytest.raises(Unauthenticated):
        await forgetful.authenticate(basic("kim", "right"))
    assert (await forgetful.authenticate(basic("kim", "new"))).name == "kim"


async def test_changed_roles_count_as_soon_as_the_old_ones_are_over(
    forgetful: Principals, owner: asyncpg.Connection, token: str
) -> None:
    credentials = [basic("kim", "right"), b"Bearer " + token.encode()]
    for credential in credentials:
        await forgetful.authenticate(credential)
    await owner.execute("UPDATE principal SET roles = '{Operator}'")
    for credential in credentials:
        assert (await forgetful.authenticate(credential)).roles == ("Operator",)


async def test_a_removed_principal_is_out_as_soon_as_the_credential_is_over(
    forgetful: Principals, owner: asyncpg.Connection, token: str
) -> None:
    credentials = [basic("kim", "right"), b"Bearer " + token.encode()]
    for credential in credentials:
        await forgetful.authenticate(credential)
    await owner.execute("DELETE FROM principal")
    for credential in credentials:
        with pytest.raises(Unauthenticated):
            await forgetful.authenticate(credential)


async def test_until_then_nobody_is_asked(
    principals: Principals, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principals, "_ttl_s", 3600.0)
    await principals.authenticate(basic("kim", "right"))
    await owner.execute("DELETE FROM principal")
    assert (await principals.authenticate(basic("kim", "right"))).name == "kim"


async def test_no_secret_is_stored(owner: asyncpg.Connection, token: str) -> None:
    rows = [*await owner.fetch("TABLE principal"), *await owner.fetch("TABLE token")]
    stored = " ".join(str(value) for row in rows for value in row.values())
    assert token not in stored
    assert "right" not in stored
    assert "$argon2id$" in stored


@pytest.mark.parametrize("name", ["", "a:b", "a\0b", "kim"])
async def test_a_name_that_nobody_could_give_or_that_is_taken_is_refused(
    owner: asyncpg.Connection, token: str, name: str
) -> None:
    with pytest.raises(users.UserError):
        await users.add(Connection(owner), name, [], "right")


async def test_nobody_gets_a_token_for_who_is_not_there(owner: asyncpg.Connection) -> None:
    with pytest.raises(users.UserError):
        await users.give_token(Connection(owner), "pat")


async def test_the_first_administrator_is_made_once(
    service: Service, owner: asyncpg.Connection
) -> None:
    store = Connection(owner)
    password = await users.ensure_administrator(store, "admin", None)
    assert password is not None
    assert await users.ensure_administrator(store, "other", None) is None
    principal = await service.principals.authenticate(basic("admin", password))
    assert principal == Principal("admin", ("SystemAdministrator",))
    assert [row["name"] for row in await users.everybody(store)] == ["admin"]


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
