"""Login sessions in the database: how they begin and end, and whose they are."""

import asyncio
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace
from support.evo_requests import token
from support.seen import logins

from app.auth.login_sessions import LoginSession
from app.auth.principals import Principal, Unauthenticated
from app.auth.register import Act
from app.auth.throttle import Throttled
from app.auth.verification import Verified
from app.maintenance import users
from app.maintenance.store import Connection
from app.service import Service, open_service
from app.settings import CallerLimits, GuessingLimits, Settings

pytestmark = pytest.mark.usefixtures("people")

KIM = Principal("kim", ("SystemAdministrator",), associate_id=1, auth="cookie")
DAY_S = 86_400


def means(session: LoginSession) -> dict[str, Any]:
    """What each sign-in has of its own."""
    assert session.principal.sign_in is not None
    assert session.principal.ends_at is not None
    return {"sign_in": session.principal.sign_in, "ends_at": session.principal.ends_at}


@pytest.fixture
async def attentive(settings: Settings) -> AsyncIterator[Service]:
    """A worker that believes what it looked up for an hour."""
    opened = await open_service(replace(settings, credential_ttl_s=3600.0))
    yield opened
    await opened.close()


@pytest.fixture
async def patient(settings: Settings) -> AsyncIterator[Service]:
    """A worker that makes an address that guesses passwords wait for a minute."""
    opened = await open_service(replace(settings, guessing=GuessingLimits(pause_s=60.0)))
    yield opened
    await opened.close()


async def test_a_sign_in_holds_for_all_workers(service: Service, other_service: Service) -> None:
    made, session = await service.logins.sign_in("kim", "right as rain", None, permanent=True)
    assert session == LoginSession(replace(KIM, **means(session)), permanent=True)
    for worker in (service, other_service):
        assert await worker.logins.session(made) == session


@pytest.mark.parametrize(("permanent", "days"), [(False, 14), (True, 28)], ids=["temp", "perm"])
async def test_a_session_is_stored_as_a_hash_with_its_end(
    service: Service, owner: asyncpg.Connection, permanent: bool, days: int
) -> None:
    made = await token(service, permanent=permanent)
    row = await owner.fetchrow("SELECT *, expires_at - opened_at AS lasts FROM login_session")
    assert row is not None
    assert row["hash"] == sha256(made.encode()).digest()
    assert (row["principal"], row["permanent"]) == ("kim", permanent)
    assert row["lasts"].total_seconds() == pytest.approx(days * DAY_S, abs=60)
    assert made not in str(row)


async def test_each_sign_in_has_a_token_of_its_own(service: Service) -> None:
    made = {await token(service) for _ in range(3)}
    assert len(made) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", each) for each in made)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("kim", "wrong"),
        ("kim", ""),
        ("nobody", "right as rain"),
        ("a\0b", "right as rain"),
        ("kim", "\udcff"),
    ],
    ids=["wrong", "empty", "unknown", "NUL", "no text"],
)
async def test_wrong_credentials_open_no_session(
    service: Service, owner: asyncpg.Connection, name: str, password: str
) -> None:
    with pytest.raises(Unauthenticated, match=r"^Invalid Username or Password$"):
        await service.logins.sign_in(name, password, None, permanent=False)
    assert await logins(owner) == 0


async def test_wrong_passwords_are_slowed_down_by_address(patient: Service) -> None:
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await patient.logins.sign_in("kim", "wrong", "192.0.2.1", permanent=False)
    with pytest.raises(Throttled) as refused:
        await patient.logins.sign_in("kim", "right as rain", "192.0.2.1", permanent=False)
    assert 50 <= refused.value.retry_after_s <= 60
    await patient.logins.sign_in("kim", "right as rain", "192.0.2.2", permanent=False)


@pytest.mark.parametrize("junk", ["", "x", "A" * 43, "A" * 44, "\udcff" * 43, "'; --"])
async def test_a_token_that_never_was_is_nobodys(service: Service, junk: str) -> None:
    assert await service.logins.session(junk) is None
    await service.logins.sign_out([junk])


async def test_a_sign_out_counts_at_once_here_and_then_elsewhere(
    attentive: Service, service: Service, owner: asyncpg.Connection
) -> None:
    made = await token(attentive)
    assert await attentive.logins.session(made) is not None
    await attentive.logins.sign_out([made])
    assert await logins(owner) == 0
    assert await attentive.logins.session(made) is None
    assert await service.logins.session(made) is None


async def test_a_session_that_was_looked_up_is_not_looked_up_again(
    attentive: Service, owner: asyncpg.Connection
) -> None:
    made = await token(attentive)
    before = await attentive.logins.session(made)
    await owner.execute("DELETE FROM login_session")
    assert await attentive.logins.session(made) == before


async def test_a_session_that_is_over_counts_no_more_and_goes_at_the_next_sign_in(
    service: Service, owner: asyncpg.Connection
) -> None:
    over, other = await token(service), await token(service, "pat")
    await owner.execute("UPDATE login_session SET expires_at = now() WHERE principal = 'kim'")
    assert await service.logins.session(over) is None
    assert await logins(owner) == 2
    await token(service)
    assert await logins(owner) == 2
    assert await service.logins.session(other) is not None


async def test_who_is_removed_is_signed_out(service: Service, owner: asyncpg.Connection) -> None:
    made = await token(service)
    await users.remove(Connection(owner), "kim")
    assert await service.logins.session(made) is None


async def test_a_session_has_the_roles_that_its_principal_has_now(
    service: Service, owner: asyncpg.Connection
) -> None:
    made = await token(service)
    await users.change_roles(Connection(owner), "kim", ["Customer"])
    session = await service.logins.session(made)
    assert session is not None
    assert session.principal.roles == ("Customer",)


async def test_a_session_that_nobody_uses_ends_before_its_time(
    service: Service, owner: asyncpg.Connection
) -> None:
    used, idle = await token(service), await token(service, permanent=True)
    hours = "UPDATE login_session SET seen_at = now() - interval '13 hours'"
    await owner.execute(hours)
    assert await service.logins.session(used) is None
    assert await service.logins.session(idle) is not None, "that outlasts the browser"
    while await owner.fetchval(
        "SELECT max(seen_at) < now() - interval '1 hour' FROM login_session"
    ):
        await asyncio.sleep(0.01)  # it is noted in the background
    await owner.execute("UPDATE login_session SET seen_at = now() - interval '15 days'")
    await asyncio.sleep(service.settings.credential_ttl_s)
    assert await service.logins.session(idle) is None


async def test_one_sign_in_too_many_ends_the_oldest(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    limited = replace(settings, callers=CallerLimits(sign_ins=2), credential_ttl_s=0.0)
    opened = await open_service(limited)
    made = [await token(opened) for _ in range(3)]
    other = await token(opened, "pat")
    found = [await opened.logins.session(each) is not None for each in (*made, other)]
    assert found == [False, True, True, True]
    await opened.close()


async def test_sign_ins_at_once_are_all_opened(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    workers = [service, other_service] * 4
    made = await asyncio.gather(*(token(worker) for worker in workers))
    assert len(set(made)) == await logins(owner) == 8


async def test_a_password_that_changes_while_it_is_checked_opens_no_session(
    service: Service, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_password = service.principals.by_password

    async def slow(*arguments: Any) -> Verified:
        verified = await by_password(*arguments)
        await users.change_password(Connection(owner), "kim", "another long one")
        return verified

    monkeypatch.setattr(service.principals, "by_password", slow)
    with pytest.raises(Unauthenticated):
        await token(service)
    assert await logins(owner) == 0
    signed_in = "SELECT count(*) FROM stored_events WHERE topic = 'principal.signed_in.v1'"
    assert await owner.fetchval(signed_in) == 0


async def test_a_token_s_last_use_is_noted_by_the_minute(
    service: Service, owner: asyncpg.Connection
) -> None:
    issued = (await service.tokens.issue("kim", Act("kim"), label="nightly")).token
    assert (await service.tokens.all("kim"))[0].last_used_at is None
    await service.principals.authenticate(f"Bearer {issued.token}".encode())
    while (await service.tokens.all("kim"))[0].last_used_at is None:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("cause", ["expired", "idle", "another's sign-in"])
async def test_a_token_ends_with_its_sign_in_whatever_ends_that(
    service: Service, owner: asyncpg.Connection, cause: str
) -> None:
    opened = await service.logins.session(await token(service))
    assert opened is not None
    issued = await service.tokens.issue_by(opened.principal, "pat", Act("kim"))
    header = f"Bearer {issued.token.token}".encode()
    assert issued.token.expires_at == opened.principal.ends_at
    match cause:
        case "expired":
            await owner.execute("UPDATE login_session SET expires_at = now()")
        case "idle":
            await owner.execute("UPDATE login_session SET seen_at = now() - idle")
        case _:
            await users.sign_out(Connection(owner), "kim")
    with pytest.raises(Unauthenticated, match="Invalid token"):
        await service.principals.authenticate(header)
    assert await service.tokens.all("pat") == []
