"""Who is let in, and for how long a credential that was good stays good."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import nullcontext

import asyncpg
import pytest
from msgspec.structs import replace

from app.auth.passwords import hash_password
from app.auth.principals import Forbidden, Principal, Principals, Unauthenticated
from app.auth.throttle import Throttled
from app.maintenance import users
from app.maintenance.store import Connection
from app.service import Service, open_service
from app.settings import GuessingLimits, Settings
from domain.errors import NotFound

ROLES = ["SystemAdministrator", "Auditor"]


def basic(name: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode())


@pytest.fixture
async def token(owner: asyncpg.Connection) -> str:
    """The bearer token of kim, whose password is `right`."""
    await users.add(Connection(owner), "kim", ROLES, "right")
    return await users.give_token(Connection(owner), "kim")


SLOW = GuessingLimits(pause_s=60.0)
"""A first pause that is not over before a slow machine comes to ask again."""


@pytest.fixture
async def principals(settings: Settings, token: str) -> AsyncIterator[Principals]:
    opened = await open_service(replace(settings, guessing=SLOW))
    yield opened.principals
    await opened.close()


@pytest.fixture
async def forgetful(settings: Settings, token: str) -> AsyncIterator[Principals]:
    """Whose every verified credential is over at once."""
    opened = await open_service(replace(settings, credential_ttl_s=0.0, guessing=SLOW))
    yield opened.principals
    await opened.close()


async def test_the_right_password_lets_in(principals: Principals) -> None:
    for _ in range(2):  # verified, then remembered
        principal = await principals.authenticate(basic("kim", "right"))
        assert principal == Principal("kim", tuple(ROLES), associate_id=1)


async def test_a_token_lets_in(principals: Principals, token: str) -> None:
    for scheme in (b"Bearer ", b"bearer "):
        principal = await principals.authenticate(scheme + token.encode())
        assert principal == Principal("kim", tuple(ROLES), associate_id=1)


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
    settings: Settings, owner: asyncpg.Connection, token: str
) -> None:
    opened = await open_service(replace(settings, credential_ttl_s=3600.0))
    await opened.principals.authenticate(basic("kim", "right"))
    await owner.execute("DELETE FROM principal")
    assert (await opened.principals.authenticate(basic("kim", "right"))).name == "kim"
    await opened.close()


HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


async def guess(principals: Principals, name: str, *addresses: str) -> list[str]:
    """What wrong passwords are answered, each another one and as long as it is asked for."""
    answers = []
    for number, address in enumerate(addresses):
        try:
            await principals.authenticate(basic(name, f"guess {number}"), address)
        except (Unauthenticated, Throttled) as error:
            answers.append(type(error).__name__)
    return answers


@pytest.mark.parametrize("name", ["kim", "nobody"], ids=["a user", "an unknown name"])
async def test_after_a_handful_of_wrong_passwords_no_more_are_looked_at(
    principals: Principals, name: str
) -> None:
    answers = await guess(principals, name, *[HERE] * 7)
    assert answers == ["Unauthenticated"] * 5 + ["Throttled"] * 2
    with pytest.raises(Throttled):
        await principals.authenticate(basic(name, "right"), HERE)
    with pytest.raises(Throttled):
        await principals.by_password(name, "right", HERE)


async def test_guesses_that_are_made_at_once_are_counted_like_others(
    principals: Principals,
) -> None:
    tries = [guess(principals, "kim", HERE) for _ in range(3)]
    same = [answer for answers in await asyncio.gather(*tries) for answer in answers]
    assert same == ["Unauthenticated"] * 3  # the same credential: checked once for all
    many = [principals.authenticate(basic("kim", f"other {number}"), HERE) for number in range(20)]
    kinds = [type(each).__name__ for each in await asyncio.gather(*many, return_exceptions=True)]
    # What is being checked when the last failure is counted is not called back.
    assert 4 <= kinds.count("Unauthenticated") <= 5
    assert kinds.count("Throttled") == 20 - kinds.count("Unauthenticated")


async def test_who_was_let_in_stays_so_whatever_others_guess(forgetful: Principals) -> None:
    await forgetful.authenticate(basic("kim", "right"), HERE)
    await guess(forgetful, "kim", *[HERE] * 6, *[ELSEWHERE] * 6)
    assert (await forgetful.authenticate(basic("kim", "right"), HERE)).name == "kim"


async def test_who_calls_all_the_time_does_not_clear_the_way_for_guesses(
    forgetful: Principals,
) -> None:
    await forgetful.authenticate(basic("kim", "right"), HERE)
    await guess(forgetful, "kim", *[HERE] * 5)
    await forgetful.authenticate(basic("kim", "right"), HERE)
    assert await guess(forgetful, "kim", HERE) == ["Throttled"]


async def test_guesses_elsewhere_hold_nobody_up_here(principals: Principals) -> None:
    await guess(principals, "kim", *[ELSEWHERE] * 7)
    assert (await principals.by_password("kim", "right", HERE)).name == "kim"


async def test_tokens_are_not_slowed_down(principals: Principals, token: str) -> None:
    await guess(principals, "kim", *[HERE] * 7)
    assert (await principals.authenticate(b"Bearer " + token.encode(), HERE)).name == "kim"


@pytest.mark.parametrize("name", ["pat", "a\0b", "\udcff"], ids=["unknown", "NUL", "no text"])
async def test_there_is_no_token_for_who_is_not_there(principals: Principals, name: str) -> None:
    with pytest.raises(NotFound):
        await principals.give_token(name, Principal("root", ("Admin",)))


async def test_a_token_that_is_handed_out_lets_in(principals: Principals) -> None:
    given = await principals.give_token("kim", Principal("root", ("SystemAdministrator",)))
    assert (await principals.authenticate(b"Bearer " + given.encode())).name == "kim"


async def test_a_manager_gets_no_token_of_an_administrator(
    principals: Principals, owner: asyncpg.Connection
) -> None:
    before = await owner.fetchval("SELECT count(*) FROM token")
    with pytest.raises(Forbidden):
        await principals.give_token("kim", Principal("max", ("Manager",)))
    assert await owner.fetchval("SELECT count(*) FROM token") == before


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
    assert principal == Principal("admin", ("SystemAdministrator",), associate_id=1)
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
