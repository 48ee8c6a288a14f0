"""The operations of signing in and out: their answers, and the cookies that they set."""

import asyncpg
import pytest
from msgspec.structs import replace
from support import given
from support.evo_requests import FOREIGN, sent, set_cookies, token, value_of
from support.seen import logins

from app.auth.principals import Forbidden, Principal, Unauthenticated
from app.codecs.json_text import BadInput
from app.faces.evo.auth import HANDLERS
from app.faces.evo.operations import Asked
from app.faces.evo.users import HANDLERS as OF_USERS
from app.faces.evo.wire.dto import AuthenticateResponse, AuthTokenInfo, UserInfo
from app.faces.evo.wire.requests import Authenticate, GetAuthStatus
from app.faces.evo.wire.user_requests import RequestAuthToken
from app.http.identify import xsrf_token
from app.http.request import Headers
from app.service import Service
from domain.errors import NotFound

pytestmark = pytest.mark.usefixtures("people")

DAY_S = 86_400
CREDENTIALS = Authenticate(
    provider="credentials", user_name="kim", password="right as rain", remember_me=True
)


async def authenticate(
    asked: Asked, request: Authenticate = CREDENTIALS
) -> tuple[AuthenticateResponse, Headers]:
    result = await HANDLERS[Authenticate].answer(asked, request)
    assert isinstance(result.value, AuthenticateResponse)
    return result.value, result.headers


async def test_a_sign_in_to_remember_sets_all_cookies(service: Service) -> None:
    answer, headers = await authenticate(sent(service))
    assert (answer.user_name, answer.roles) == ("kim", ["SystemAdministrator"])
    cookies = set_cookies(headers)
    made = value_of(cookies["ss-id"])
    assert answer.session_id not in (None, made, xsrf_token(made))
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
    _, headers = await authenticate(sent(service), request)
    cookies = set_cookies(headers)
    assert set(cookies) == {"ss-id", "ss-opt", "XSRF-TOKEN"}
    assert not any("Max-Age" in cookie for cookie in cookies.values())
    assert value_of(cookies["ss-opt"]) == "temp"


@pytest.mark.parametrize("provider", [None, "", "Credentials"], ids=["none", "empty", "in case"])
async def test_credentials_are_enough_to_sign_in(service: Service, provider: str | None) -> None:
    answer, headers = await authenticate(sent(service), replace(CREDENTIALS, provider=provider))
    assert answer.user_name == "kim"
    assert "ss-id" in set_cookies(headers)


async def test_a_new_sign_in_ends_the_one_before(
    service: Service, owner: asyncpg.Connection
) -> None:
    first = await token(service, permanent=True)
    asked = sent(service, cookie=f"ss-id={first}; ss-pid={first}")
    _, headers = await authenticate(asked, replace(CREDENTIALS, remember_me=False))
    cookies = set_cookies(headers)
    assert value_of(cookies["ss-id"]) != first
    assert cookies["ss-pid"].startswith("; ")
    assert "Max-Age=0" in cookies["ss-pid"]
    assert await service.logins.session(first) is None
    assert await logins(owner) == 1


async def test_a_token_that_somebody_planted_is_not_taken_on(service: Service) -> None:
    planted = "A" * 43
    _, headers = await authenticate(sent(service, cookie=f"ss-id={planted}"))
    assert value_of(set_cookies(headers)["ss-id"]) != planted
    assert await service.logins.session(planted) is None


async def test_over_https_cookies_are_secure(service: Service, behind_proxy: Service) -> None:
    for worker, secure in ((service, False), (behind_proxy, True)):
        _, headers = await authenticate(sent(worker, x_forwarded_proto="https"))
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
        await authenticate(sent(service), replace(CREDENTIALS, **changed))
    assert refused.value.field == field


async def test_nobody_signs_in_by_a_link(service: Service, owner: asyncpg.Connection) -> None:
    with pytest.raises(BadInput):
        await authenticate(sent(service, "GET"))
    assert await logins(owner) == 0


async def test_a_strangers_page_signs_nobody_in(
    service: Service, owner: asyncpg.Connection
) -> None:
    with pytest.raises(Forbidden):
        await authenticate(sent(service, **FOREIGN))
    assert await logins(owner) == 0


async def test_there_are_no_other_providers(service: Service) -> None:
    with pytest.raises(NotFound):
        await authenticate(sent(service), Authenticate(provider="facebook"))


async def test_without_a_provider_the_caller_is_told_who_it_is(service: Service) -> None:
    made = await token(service)
    answer, headers = await authenticate(sent(service, cookie=f"ss-id={made}"), Authenticate())
    assert (answer.user_id, list(headers)) == ("kim", [])
    with pytest.raises(Unauthenticated):
        await authenticate(sent(service), Authenticate())


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_sign_out_closes_the_session_and_removes_the_cookies(
    service: Service, owner: asyncpg.Connection, method: str
) -> None:
    made = await token(service, permanent=True)
    asked = sent(service, method, cookie=f"ss-pid={made}", **FOREIGN)
    answer, headers = await authenticate(asked, Authenticate(provider="logout"))
    assert answer == AuthenticateResponse(roles=[], permissions=[])
    cookies = set_cookies(headers)
    assert set(cookies) == {"ss-id", "ss-pid", "ss-opt", "XSRF-TOKEN"}
    assert all(each.startswith(";") and "Max-Age=0" in each for each in cookies.values())
    assert await logins(owner) == 0


async def test_who_is_not_signed_in_may_sign_out(service: Service) -> None:
    answer, _ = await authenticate(sent(service), Authenticate(provider="logout"))
    assert answer.user_name is None


async def status(asked: Asked) -> UserInfo:
    result = await HANDLERS[GetAuthStatus].answer(asked, GetAuthStatus())
    assert isinstance(result.value, UserInfo)
    return result.value


async def test_the_status_tells_who_is_signed_in(service: Service) -> None:
    await given.open_account(service, "a1", "Acme")
    await given.open_account(service, "b2", "Bolt")
    for name, accounts in (("kim", {"a1": "Acme", "b2": "Bolt"}), ("pat", {})):
        cookie = f"ss-id={await token(service, name)}"
        info = await status(sent(service, "GET", "GetAuthStatus", cookie=cookie))
        assert (info.is_authenticated, info.id, info.name) == (True, name, name)
        assert dict(zip(info.account_ids, info.account_names, strict=True)) == accounts


@pytest.mark.parametrize("cookie", ["", "ss-id=stale"])
async def test_the_status_of_nobody_is_no_failure(service: Service, cookie: str) -> None:
    info = await status(sent(service, "GET", "GetAuthStatus", cookie=cookie))
    assert info == UserInfo(is_authenticated=False, roles=[], account_ids=[], account_names=[])


async def test_the_status_of_wrong_credentials_is_one(service: Service) -> None:
    with pytest.raises(Unauthenticated):
        await status(sent(service, "GET", "GetAuthStatus", authorization="Bearer x"))


async def auth_token(service: Service, by: Principal, request: RequestAuthToken) -> str:
    asked = sent(service, "GET", "RequestAuthToken")
    asked = replace(asked, http=replace(asked.http, principal=by))
    result = await OF_USERS[RequestAuthToken].answer(asked, request)
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
    assert "right as rain" not in repr(CREDENTIALS)
    assert "secret" not in repr(AuthTokenInfo(auth_token="secret"))
