"""Who may call the SuperOffice-style face: tickets, tokens, cookies with X-XSRF-TOKEN; roles."""

from collections.abc import Iterator, Mapping

import httpx
import pytest
from support.chat_service import ERROR, PATH, Chats
from support.cookies import cookie_header, set_cookies, sign_in
from support.patience import patient
from support.service_process import ADMIN


@pytest.fixture
def browser(chats: Chats) -> Iterator[httpx.Client]:
    """A client whose tests say themselves what is sent."""
    with httpx.Client(base_url=chats.served.base_url, timeout=patient(60.0)) as client:
        yield client


@pytest.fixture
def signed_in(browser: httpx.Client) -> httpx.Response:
    """The answer to the administrator's sign-in, which is where the cookies come from."""
    return sign_in(browser, ADMIN)


def xsrf(signed_in: httpx.Response) -> Mapping[str, str]:
    """The header that a page makes of the cookie."""
    return {"X-XSRF-TOKEN": set_cookies(signed_in)["XSRF-TOKEN"][0]}


def is_refused(answer: httpx.Response) -> bool:
    """401, in the documented shape."""
    if answer.status_code != 401:
        return False
    assert list(answer.json()) == ERROR
    assert answer.json()["ErrorType"] == "SoAuthenticationException"
    return True


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "SoTicket", "SOTicket", "SOTICKET"])
def test_a_token_is_taken_under_each_of_its_schemes(
    chats: Chats, browser: httpx.Client, scheme: str
) -> None:
    headers = {"Authorization": f"{scheme} {chats.tokens['kim']}", "SO-AppToken": "partner"}
    assert browser.get(f"{PATH}/default", headers=headers).status_code == 200


@pytest.mark.parametrize("scheme", ["Basic", "BASIC"])
def test_a_password_is_taken(browser: httpx.Client, scheme: str) -> None:
    auth = httpx.BasicAuth(*ADMIN)
    request = browser.build_request("GET", f"{PATH}/default")
    authorization = next(auth.auth_flow(request)).headers["Authorization"]
    headers = {"Authorization": authorization.replace("Basic", scheme)}
    assert browser.get(f"{PATH}/default", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "SoTicket", "SoTicket 7T:abc==", "Bearer 8A:Cust12345.x", "Negotiate YII", "Basic eA=="],
)
def test_other_credentials_are_refused(browser: httpx.Client, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    assert is_refused(browser.get(f"{PATH}/default", headers=headers))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_cookies_count_with_the_xsrf_token_only(
    browser: httpx.Client, signed_in: httpx.Response, method: str
) -> None:
    cookies, token = cookie_header(signed_in), xsrf(signed_in)
    path = f"{PATH}/default" if method == "GET" else PATH

    def answer(**headers: str) -> httpx.Response:
        content = None if method == "GET" else b"{}"
        return browser.request(method, path, content=content, headers={**cookies, **headers})

    assert is_refused(answer())
    assert is_refused(answer(**{"X-XSRF-TOKEN": ""}))
    assert is_refused(answer(**{"X-XSRF-TOKEN": token["X-XSRF-TOKEN"][:-1]}))
    assert is_refused(answer(**{"X-XSRF-TOKEN": "no token at all"}))
    assert answer(**token).status_code == 200


def test_the_xsrf_token_of_another_session_is_refused(
    browser: httpx.Client, signed_in: httpx.Response
) -> None:
    other = xsrf(sign_in(browser, ADMIN))
    headers = {**cookie_header(signed_in), **other}
    assert is_refused(browser.get(f"{PATH}/default", headers=headers))


def test_the_xsrf_token_alone_is_nobody(browser: httpx.Client, signed_in: httpx.Response) -> None:
    assert is_refused(browser.get(f"{PATH}/default", headers=xsrf(signed_in)))


def test_scripts_read_the_xsrf_cookie_but_not_the_session(signed_in: httpx.Response) -> None:
    cookies = set_cookies(signed_in)
    assert cookies["XSRF-TOKEN"][1:] == ["Path=/", "SameSite=Lax"]
    assert "HttpOnly" in cookies["ss-id"]
    assert cookies["ss-id"][0] not in cookies["XSRF-TOKEN"][0]


def test_a_lasting_sign_in_has_a_lasting_xsrf_cookie(browser: httpx.Client) -> None:
    cookies = set_cookies(sign_in(browser, ADMIN, remember=True))
    assert cookies["XSRF-TOKEN"][-1] == cookies["ss-pid"][-1] == f"Max-Age={28 * 86_400}"


def test_signing_out_ends_both(browser: httpx.Client, signed_in: httpx.Response) -> None:
    cookies = cookie_header(signed_in)
    gone = set_cookies(browser.get("/auth/logout", headers=cookies))
    assert gone["XSRF-TOKEN"][-1] == "Max-Age=0"


def test_a_password_sent_from_a_foreign_page_changes_nothing(
    chats: Chats, browser: httpx.Client
) -> None:
    headers = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    refused = browser.post(PATH, json={}, headers=headers, auth=ADMIN)
    assert (refused.status_code, list(refused.json())) == (403, ERROR)
    assert browser.get(f"{PATH}/default", headers=headers, auth=ADMIN).status_code == 200
    assert chats["kim"].post(PATH, json={}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", PATH),
        ("PUT", f"{PATH}/{{}}"),
        ("PATCH", f"{PATH}/{{}}"),
        ("DELETE", f"{PATH}/{{}}"),
        ("POST", f"{PATH}/{{}}/Pickup"),
        ("POST", f"{PATH}/Pickup"),
        ("POST", f"{PATH}/{{}}/Reset"),
        ("POST", f"{PATH}/{{}}/TransferTo/kim"),
        ("POST", f"{PATH}/{{}}/AcceptTransfer"),
        ("POST", f"{PATH}/{{}}/RejectTransfer"),
        ("POST", f"{PATH}/{{}}/Messages"),
        ("POST", "/api/v1/Agents/Chat/SaveChatSessionEntity"),
    ],
)
def test_who_looks_on_changes_nothing(chats: Chats, method: str, path: str) -> None:
    number = chats.queued()
    answer = chats["audrey"].request(method, path.format(number), json={"Rating": 1})
    assert (answer.status_code, list(answer.json())) == (403, ERROR)
    assert chats["admin"].get(f"{PATH}/{number}").headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PATH),
        ("GET", f"{PATH}/{{}}"),
        ("GET", f"{PATH}/{{}}/Messages"),
        ("POST", f"{PATH}/{{}}/Transcript"),
        ("GET", f"{PATH}/ForCurrentUser"),
        ("POST", "/api/v1/Agents/Chat/GetChatSessionEntity?chatSessionEntityId={}"),
    ],
)
def test_who_looks_on_reads_all(chats: Chats, method: str, path: str) -> None:
    answer = chats["audrey"].request(method, path.format(chats.queued()))
    assert answer.status_code == 200, answer.text
