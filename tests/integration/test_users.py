"""The first administrator, and who may be added."""

from collections.abc import Sequence

import asyncpg
import pytest

from app.auth.roles import SYSTEM_ADMINISTRATOR
from app.maintenance import users
from app.maintenance.store import Connection

BAD_NAMES = pytest.mark.parametrize(
    "name", ["", "a:b", "a\0b", "a\nb", "\udcff"], ids=["empty", "colon", "nul", "line", "no text"]
)


@pytest.fixture
def store(owner: asyncpg.Connection) -> Connection:
    return Connection(owner)


async def names(store: Connection) -> Sequence[str]:
    return [person.info.name for person in await users.everybody(store)]


@pytest.mark.parametrize("password", [None, ""], ids=["none", "empty"])
async def test_without_a_password_one_is_generated_and_told(
    store: Connection, password: str | None
) -> None:
    told = await users.ensure_administrator(store, "root", password)
    assert told is not None
    assert len(told) >= 16
    (person,) = await users.everybody(store)
    assert (person.info.name, person.info.roles) == ("root", (SYSTEM_ADMINISTRATOR,))
    assert person.info.must_change_password


async def test_a_given_password_is_not_told(store: Connection) -> None:
    assert await users.ensure_administrator(store, "root", "given to me by mail") is None
    assert await names(store) == ["root"]


@BAD_NAMES
async def test_a_first_administrator_has_a_name_to_call_with(store: Connection, name: str) -> None:
    with pytest.raises(users.UserError):
        await users.ensure_administrator(store, name, "given to me by mail")
    assert await names(store) == []


@BAD_NAMES
async def test_a_user_has_a_name_to_call_with(store: Connection, name: str) -> None:
    with pytest.raises(users.UserError):
        await users.add(store, name, [SYSTEM_ADMINISTRATOR], "given to me by mail")
    assert await names(store) == []
