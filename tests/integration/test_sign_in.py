"""Signing in and out: sessions in the database, cookies that name them, and whose they are."""

import base64
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import asyncpg
import given
import pytest
from msgspec.structs import replace

from app.ops import users
from app.ops.store import Connection
from app.principals import Forbidden, Principal, Unauthenticated
from app.routes.evo_auth import OPERATIONS, identify
from app.routes.exchange import Exchange, Headers
from app.routes.signed_in import xsrf_token
from app.service import Service, open_service
from app.settings import Settings
from app.sign_in import LoginSession
from app.throttle import Limits, Throttled
from app.wire.evo.dto import AuthenticateResponse, AuthTokenInfo, UserInfo
from app.wire.evo.requests import Authenticate, GetAuthStatus, RequestAuthToken
from app.wire.json_text import BadInput
from domain.errors import NotFound

KIM = Principal("kim", ("SystemAdministrator",), associate_id=1)
FOREIGN = {"origin": "http://evil.example"}
DAY_S = 86_400


@pytest.fixture(autouse=True)
async def people(owner: asyncpg.Connection) -> None:
    store = Connection(owner)
    await users.add(store, "kim", ["SystemAdministrator"], "right")
    await users.add(store, "max", ["Manager"], "right")
    await users.add(store, "pat", ["Customer"], "right")


@pytest.fixture
async def attentive(settings: Settings) -> AsyncIterator[Service]:
    """A worker that believes what it looked up for an hour."""
    opened = await open_service(replace(settings, credential_ttl_s=3600.0))
    yield opened
    await opened.close()


@pytest.fixture
async def behind_proxy(settings: Settings) -> AsyncIterator[Service]:
    opened = await open_service(
        replace(settings, behind_proxy=True, allowed_origins=frozenset({"https://app.example"}))
    )
    yield opened
    await opened.close()


def exchange(
    service: Service, method: str = "POST", operation: str = "Authenticate", **headers: str
) -> Exchange:
    """A request of a client; `Host` is `s.example`."""
    sent = {"host": "s.example"} | {name.replace("_", "-"): text for name, text in headers.items()}
    scope: Any = {
        "type": "http",
        "method": method,
        "path": "/auth",
        "query_string": b"",
        "scheme": "http",
        "client": ("192.0.2.1", 5),
        "headers": [(name.encode(), text.encode("latin-1")) for name, text in sent.items()],
    }
    made = Exchange(service, scope)
    made.operation = operation
    return made


CREDENTIALS = Authenticate(
    provider="credentials", user_name="kim", password="right", remember_me=True
)


async def authenticate(
    asked: Exchange, request: Authenticate = CREDENTIALS
) -> tuple[AuthenticateResponse, Headers]:
    result = await OPERATIONS[Authenticate].answer(asked, request)
    assert isinstance(result.value, AuthenticateResponse)
    return result.value, result.headers


def set_cookies(headers: Headers) -> dict[str, str]:
    """What follows each cookie's name."""
    lines = [value.decode() for name, value in headers if name == b"set-cookie"]
    return dict(line.split("=", 1) for line in lines)


def value_of(cookie: str) -> str:
    return cookie.partition(";")[0]


async def token(service: Service, name: str = "kim", *, permanent: bool = False) -> str:
    return (await service.logins.sign_in(name, "right", None, permanent=permanent))[0]


async def sessions(owner: asyncpg.Connection) -> int:
    count: int = await owner.fetchval("SELECT count(*) FROM login_session")
    return count


async def test_a_sign_in_holds_for_all_workers(service: Service, other_service: Service) -> None:
    made, session = await service.logins.sign_in("kim", "right", None, permanent=True)
    assert session == LoginSession(KIM, permanent=True)
    for worker in (service, other_service):
        assert await worker.logins.session(made) == session


@pytest.mark.parametrize(("permanent", "days"), [(False, 14), (True, 28)], ids=["temp", "perm"])
async def test_a_session_is_stored_as_a_hash_with_its_end(
    service: Service, owner: asyncpg.Connection, permanent: bool, days: int
) -> None:
    made = await token(service, permanent=permanent)
    row = await owner.fetchrow("SELECT *, expires_at - created_at AS lasts FROM login_session")
    assert row is not None
    assert row["hash"] == sha256(made.encode()).digest()
    assert (row["principal"], row["permanent"]) == ("kim", permanent)
    assert row["lasts"].total_seconds() == days * DAY_S
    assert made not in str(row)


async def test_each_sign_in_has_a_token_of_its_own(service: Service) -> None:
    made = {await token(service) for _ in range(3)}
    assert len(made) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", each) for each in made)


@pytest.mark.parametrize(
    ("name", "password"),
    [("kim", "wrong"), ("kim", ""), ("nobody", "right"), ("a\0b", "right"), ("kim", "\udcff")],
    ids=["wrong", "empty", "unknown", "NUL", "no text"],
)
async def test_wrong_credentials_open_no_session(
    service: Service, owner: asyncpg.Connection, name: str, password: str
) -> None:
    with pytest.raises(Unauthenticated, match=r"^Invalid Username or Password$"):
        await service.logins.sign_in(name, password, None, permanent=False)
    assert await sessions(owner) == 0


async def test_wrong_passwords_are_slowed_down_by_address(settings: Settings) -> None:
    service = await open_service(replace(settings, guessing=Limits(pause_s=60.0)))
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await service.logins.sign_in("kim", "wrong", "192.0.2.1", permanent=False)
    with pytest.raises(Throttled) as refused:
        await service.logins.sign_in("kim", "right", "192.0.2.1", permanent=False)
    assert 50 <= refused.value.retry_after_s <= 60
    await service.logins.sign_in("kim", "right", "192.0.2.2", permanent=False)
    await service.close()


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
    assert await sessions(owner) == 0
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
    assert await sessions(owner) == 2
    await token(service)
    assert await sessions(owner) == 2
    assert await service.logins.session(other) is not None


async def test_who_is_removed_is_signed_out(service: Service, owner: asyncpg.Connection) -> None:
    made = await token(service)
    await owner.execute("DELETE FROM principal WHERE name = 'kim'")
    assert await service.logins.session(made) is None


async def test_a_session_has_the_roles_that_its_principal_has_now(
    service: Service, owner: asyncpg.Connection
) -> None:
    made = await token(service)
    await owner.execute("UPDATE principal SET roles = '{Customer}' WHERE name = 'kim'")
    session = await service.logins.session(made)
    assert session is not None
    assert session.principal.roles == ("Customer",)


async def test_a_sign_in_to_remember_sets_all_cookies(service: Service) -> None:
    answer, headers = await authenticate(exchange(service))
    assert (answer.user_name, answer.roles, answer.session_id) == (
        "kim",
        ["SystemAdministrator"],
        None,
    )
    cookies = set_cookies(headers)
    made = value_of(cookies["ss-id"])
    common = "; Path=/; HttpOnly; SameSite=Lax"
    assert cookies == {
        "ss-id": f"{made}{common}; Max-Age={14 * DAY_S}",
        "ss-pid": f"{made}{common}; Max-Age={28 * DAY_S}",
        "ss-opt": f"perm{common}; Max-Age={28 * DAY_S}",
        "XSRF-TOKEN": f"{xsrf_token(made)}; Path=/; SameSite=Lax; Max-Age={28 * DAY_S}",
    }


@pytest.mark.parametrize("remember", [False, None])
async def test_a_sign_in_for_now_ends_with_the_browser(
    service: Service, remember: bool | None
) -> None:
    request = replace(CREDENTIALS, remember_me=remember)
    _, headers = await authenticate(exchange(service), request)
    cookies = set_cookies(headers)
    assert set(cookies) == {"ss-id", "ss-opt", "XSRF-TOKEN"}
    assert not any("Max-Age" in cookie for cookie in cookies.values())
    assert value_of(cookies["ss-opt"]) == "temp"


@pytest.mark.parametrize("provider", [None, "", "Credentials"], ids=["none", "empty", "in case"])
async def test_credentials_are_enough_to_sign_in(service: Service, provider: str | None) -> None:
    answer, headers = await authenticate(exchange(service), replace(CREDENTIALS, provider=provider))
    assert answer.user_name == "kim"
    assert "ss-id" in set_cookies(headers)


async def test_a_new_sign_in_ends_the_one_before(
    service: Service, owner: asyncpg.Connection
) -> None:
    first = await token(service, permanent=True)
    asked = exchange(service, cookie=f"ss-id={first}; ss-pid={first}")
    _, headers = await authenticate(asked, replace(CREDENTIALS, remember_me=False))
    cookies = set_cookies(headers)
    assert value_of(cookies["ss-id"]) != first
    assert cookies["ss-pid"].startswith("; ")
    assert "Max-Age=0" in cookies["ss-pid"]
    assert await service.logins.session(first) is None
    assert await sessions(owner) == 1


async def test_a_token_that_somebody_planted_is_not_taken_on(service: Service) -> None:
    planted = "A" * 43
    _, headers = await authenticate(exchange(service, cookie=f"ss-id={planted}"))
    assert value_of(set_cookies(headers)["ss-id"]) != planted
    assert await service.logins.session(planted) is None


async def test_over_https_cookies_are_secure(service: Service, behind_proxy: Service) -> None:
    for worker, secure in ((service, False), (behind_proxy, True)):
        _, headers = await authenticate(exchange(worker, x_forwarded_proto="https"))
        assert all(("Secure" in each) is secure for each in set_cookies(headers).values())


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"user_name": None}, "userName"),
        ({"user_name": ""}, "userName"),
        ({"password": ""}, "password"),
    ],
    ids=["no name", "empty name", "no password"],
)
async def test_what_is_missing_is_named(
    service: Service, changed: dict[str, str | None], field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await authenticate(exchange(service), replace(CREDENTIALS, **changed))
    assert refused.value.field == field


async def test_nobody_signs_in_by_a_link(service: Service, owner: asyncpg.Connection) -> None:
    with pytest.raises(BadInput):
        await authenticate(exchange(service, "GET"))
    assert await sessions(owner) == 0


async def test_a_strangers_page_signs_nobody_in(
    service: Service, owner: asyncpg.Connection
) -> None:
    with pytest.raises(Forbidden):
        await authenticate(exchange(service, **FOREIGN))
    assert await sessions(owner) == 0


async def test_there_are_no_other_providers(service: Service) -> None:
    with pytest.raises(NotFound):
        await authenticate(exchange(service), Authenticate(provider="facebook"))


async def test_without_a_provider_the_caller_is_told_who_it_is(service: Service) -> None:
    made = await token(service)
    answer, headers = await authenticate(exchange(service, cookie=f"ss-id={made}"), Authenticate())
    assert (answer.user_id, list(headers)) == ("kim", [])
    with pytest.raises(Unauthenticated):
        await authenticate(exchange(service), Authenticate())


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_sign_out_closes_the_session_and_removes_the_cookies(
    service: Service, owner: asyncpg.Connection, method: str
) -> None:
    made = await token(service, permanent=True)
    asked = exchange(service, method, cookie=f"ss-pid={made}", **FOREIGN)
    answer, headers = await authenticate(asked, Authenticate(provider="logout"))
    assert answer == AuthenticateResponse(roles=[], permissions=[])
    cookies = set_cookies(headers)
    assert set(cookies) == {"ss-id", "ss-pid", "ss-opt", "XSRF-TOKEN"}
    assert all(each.startswith(";") and "Max-Age=0" in each for each in cookies.values())
    assert await sessions(owner) == 0


async def test_who_is_not_signed_in_may_sign_out(service: Service) -> None:
    answer, _ = await authenticate(exchange(service), Authenticate(provider="logout"))
    assert answer.user_name is None


@pytest.mark.parametrize(
    "cookie",
    [
        "ss-id={}",
        "ss-pid={}",
        "ss-id={0}; ss-pid={0}",
        "ss-id=stale; ss-pid={}; 21 Nov 2046 09:00:00 GMT=null",
        "ss-id={}; ss-pid=undefined; ss-opt=perm",
    ],
    ids=["session", "permanent", "both", "junk", "half"],
)
async def test_either_cookie_tells_who_calls(service: Service, cookie: str) -> None:
    asked = exchange(service, "PATCH", "PatchAISession", cookie=cookie.format(await token(service)))
    assert await identify(asked) == KIM


@pytest.mark.parametrize("cookie", ["", "ss-id=", "ss-id=x; ss-pid=y", "other=z"])
async def test_other_cookies_do_not(service: Service, cookie: str) -> None:
    with pytest.raises(Unauthenticated):
        await identify(exchange(service, cookie=cookie))


async def test_an_authorization_goes_before_cookies(service: Service) -> None:
    cookie = f"ss-id={await token(service)}"
    basic = "Basic " + base64.b64encode(b"pat:right").decode()
    assert (await identify(exchange(service, cookie=cookie, authorization=basic))).name == "pat"
    with pytest.raises(Unauthenticated):
        await identify(exchange(service, cookie=cookie, authorization="Bearer x"))


@pytest.mark.parametrize(
    ("method", "operation", "refused"),
    [
        ("GET", "GetAISession", False),
        ("HEAD", "GetAISession", False),
        ("POST", "GetAISession", True),
        ("PATCH", "PatchAISession", True),
        ("DELETE", "DeleteAISession", True),
        ("GET", "DeleteAISession", True),
        ("GET", "RequestAuthToken", True),
        ("GET", "OfALaterRelease", True),
    ],
)
async def test_a_strangers_page_changes_nothing_by_what_a_browser_adds(
    service: Service, method: str, operation: str, refused: bool
) -> None:
    basic = "Basic " + base64.b64encode(b"kim:right").decode()
    for added in ({"cookie": f"ss-id={await token(service)}"}, {"authorization": basic}):
        assert await identify(exchange(service, method, operation, **added)) == KIM
        asked = exchange(service, method, operation, **added, **FOREIGN)
        if refused:
            with pytest.raises(Forbidden):
                await identify(asked)
        else:
            assert await identify(asked) == KIM


async def test_a_token_is_added_by_no_browser(service: Service) -> None:
    made = await service.principals.give_token("kim", KIM)
    asked = exchange(service, "DELETE", "X", authorization=f"Bearer {made}", **FOREIGN)
    assert await identify(asked) == KIM


async def test_pages_of_allowed_origins_may_act(behind_proxy: Service) -> None:
    cookie = f"ss-id={await token(behind_proxy)}"
    allowed = exchange(behind_proxy, "DELETE", "X", cookie=cookie, origin="https://app.example")
    assert await identify(allowed) == KIM
    own = {"origin": "https://s.example", "x_forwarded_proto": "https"}
    assert await identify(exchange(behind_proxy, "DELETE", "X", cookie=cookie, **own)) == KIM


async def status(asked: Exchange) -> UserInfo:
    result = await OPERATIONS[GetAuthStatus].answer(asked, GetAuthStatus())
    assert isinstance(result.value, UserInfo)
    return result.value


async def test_the_status_tells_who_is_signed_in(service: Service) -> None:
    await given.open_account(service, "a1", "Acme")
    await given.open_account(service, "b2", "Bolt")
    for name, accounts in (("kim", {"a1": "Acme", "b2": "Bolt"}), ("pat", {})):
        cookie = f"ss-id={await token(service, name)}"
        info = await status(exchange(service, "GET", "GetAuthStatus", cookie=cookie))
        assert (info.is_authenticated, info.id, info.name) == (True, name, name)
        assert dict(zip(info.account_ids, info.account_names, strict=True)) == accounts


@pytest.mark.parametrize("cookie", ["", "ss-id=stale"])
async def test_the_status_of_nobody_is_no_failure(service: Service, cookie: str) -> None:
    info = await status(exchange(service, "GET", "GetAuthStatus", cookie=cookie))
    assert info == UserInfo(is_authenticated=False, roles=[], account_ids=[], account_names=[])


async def test_the_status_of_wrong_credentials_is_one(service: Service) -> None:
    with pytest.raises(Unauthenticated):
        await status(exchange(service, "GET", "GetAuthStatus", authorization="Bearer x"))


async def auth_token(service: Service, by: Principal, request: RequestAuthToken) -> str:
    asked = exchange(service, "GET", "RequestAuthToken")
    asked.principal = by
    result = await OPERATIONS[RequestAuthToken].answer(asked, request)
    assert isinstance(result.value, AuthTokenInfo)
    return result.value.auth_token


@pytest.mark.parametrize(
    "request_",
    [
        RequestAuthToken(user_id="pat"),
        RequestAuthToken(user_email_address="pat"),
        RequestAuthToken(user_id="pat", user_email_address="pat"),
    ],
    ids=["id", "address", "both"],
)
async def test_a_token_is_made_for_a_user(service: Service, request_: RequestAuthToken) -> None:
    made = await auth_token(service, Principal("max", ("Manager",)), request_)
    assert (await service.principals.authenticate(f"Bearer {made}".encode())).name == "pat"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (RequestAuthToken(user_id="kim"), Forbidden),
        (RequestAuthToken(user_id="nobody"), NotFound),
        (RequestAuthToken(), BadInput),
        (RequestAuthToken(user_id="pat", user_email_address="kim"), BadInput),
    ],
    ids=["more powerful", "unknown", "nobody named", "two named"],
)
async def test_a_manager_makes_no_token_for(
    service: Service, request_: RequestAuthToken, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await auth_token(service, Principal("max", ("Manager",)), request_)


async def test_secrets_are_not_shown() -> None:
    assert "right" not in repr(CREDENTIALS)
    assert "secret" not in repr(AuthTokenInfo(auth_token="secret"))


async def test_the_service_adds_and_ends_and_changes_nothing(
    owner: asyncpg.Connection, settings: Settings
) -> None:
    granted = await owner.fetch(
        "SELECT table_name, privilege_type, '*' AS part FROM information_schema.table_privileges"
        " WHERE grantee = $1 AND table_name IN ('token', 'principal', 'login_session')"
        " UNION ALL "
        "SELECT table_name, privilege_type, string_agg(column_name, ',' ORDER BY column_name)"
        "  FROM information_schema.column_privileges"
        " WHERE grantee = $1 AND privilege_type <> 'SELECT' AND table_schema = 'public'"
        " GROUP BY table_name, privilege_type",
        settings.database_role,
    )
    assert {tuple(row) for row in granted} == {
        ("principal", "SELECT", "*"),
        ("token", "SELECT", "*"),
        ("token", "INSERT", "hash,principal"),
        ("login_session", "SELECT", "*"),
        ("login_session", "DELETE", "*"),
        ("login_session", "INSERT", "expires_at,hash,permanent,principal"),
        ("lease", "INSERT", "holder,name,until"),
        ("lease", "UPDATE", "holder,name,until"),
    }
