"""Who is added or given a token, and what is stored of it."""

import asyncpg
import pytest
from support.principals import basic

from app.auth.principals import Forbidden, Principal
from app.auth.register import Act
from app.maintenance import users
from app.maintenance.store import Connection
from app.service import Service
from domain.errors import NotFound


@pytest.mark.parametrize("name", ["pat", "a\0b", "\udcff"], ids=["unknown", "NUL", "no text"])
async def test_there_is_no_token_for_who_is_not_there(service: Service, name: str) -> None:
    with pytest.raises(NotFound):
        await service.tokens.issue_by(Principal("root", ("Admin",)), name, Act("root"))


async def test_a_token_that_is_handed_out_lets_in(service: Service, token: str) -> None:
    root = Principal("root", ("SystemAdministrator",), auth="basic")
    given = (await service.tokens.issue_by(root, "kim", Act("root"))).token
    principal = await service.principals.authenticate(b"Bearer " + given.token.encode())
    assert (principal.name, principal.acts_for) == ("kim", "root")
    assert principal.token_id == given.id


async def test_a_manager_gets_no_token_of_an_administrator(
    service: Service, owner: asyncpg.Connection, token: str
) -> None:
    before = await owner.fetchval("SELECT count(*) FROM token")
    with pytest.raises(Forbidden):
        await service.tokens.issue_by(Principal("max", ("Manager",)), "kim", Act("max"))
    assert await owner.fetchval("SELECT count(*) FROM token") == before


async def test_no_secret_is_stored(owner: asyncpg.Connection, token: str) -> None:
    rows = [
        row
        for table in ("principal", "credential", "token", "stored_events")
        for row in await owner.fetch(f"TABLE {table}")
    ]
    stored = " ".join(str(value) for row in rows for value in row.values())
    assert token not in stored
    assert "right as rain" not in stored
    assert "$argon2id$" in stored


@pytest.mark.parametrize("name", ["", "a:b", "a\0b", "kim"])
async def test_a_name_that_nobody_could_give_or_that_is_taken_is_refused(
    owner: asyncpg.Connection, token: str, name: str
) -> None:
    with pytest.raises(users.UserError):
        await users.add(Connection(owner), name, [], "right as rain")


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
    assert principal == Principal(
        "admin",
        ("SystemAdministrator",),
        associate_id=1,
        auth="basic",
        must_change_password=True,
    )
    assert [person.info.name for person in await users.everybody(store)] == ["admin"]
