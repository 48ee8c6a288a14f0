"""Pages of other origins cannot use what a browser sends along by itself."""

import base64
from collections.abc import Iterator, Mapping

import httpx
import pytest
from support.cookies import cookie_header, sign_in
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess
from support.users import token_of

ELSEWHERE = {
    "another origin": {"Origin": "https://evil.example"},
    "no origin in particular": {"Origin": "null"},
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "another origin of the site": {"Sec-Fetch-Site": "same-site"},
}
DELETE = {"X-HTTP-Method-Override": "DELETE"}
PATCH = {"X-HTTP-Method-Override": "PATCH"}
UNSAFE = {
    "post": ("POST", "/ai/sessions", {}),
    "patch": ("PATCH", "/ai/sessions/{}", {}),
    "delete": ("DELETE", "/ai/sessions/{}", {}),
    "apply": ("POST", "/ai/sessions/{}/apply", {}),
    "by its name": ("POST", "/api/NewAISession", {}),
    "a deletion by its name": ("POST", "/api/DeleteAISession?sessionId={}", {}),
    "another format": ("POST", "/xml/reply/ClearAISessionActions?sessionId={}", {}),
    "without an answer": ("POST", "/json/oneway/NewAISession", {}),
    "a batch": ("POST", "/api/NewAISession[]", {}),
    "a batch, escaped": ("POST", "/json/reply/NewAISession%5B%5D", {}),
    "an override in a header": ("POST", "/ai/sessions/{}", DELETE),
    "another override in a header": ("POST", "/ai/sessions/{}", PATCH),
    "an override in the query": ("POST", "/ai/sessions/{}?X-HTTP-Method-Override=DELETE", {}),
    "a reading by post": ("POST", "/api/GetAISession?sessionId={}", {}),
    "a token, by get": ("GET", "/auth/token?userId=admin", {}),
    "a token, by its name": ("GET", "/json/reply/RequestAuthToken?userId=admin", {}),
}
BODY = b'{"purpose":"stolen"}'

Call = tuple[str, str, Mapping[str, str]]


@pytest.fixture(scope="module")
def browser(served: ServiceProcess) -> Iterator[httpx.Client]:
    """A client that sends no cookies unless a test says so."""
    with httpx.Client(base_url=served.base_url, timeout=patient(60.0)) as client:
        yield client


@pytest.fixture(scope="module")
def cookies(browser: httpx.Client) -> Mapping[str, str]:
    """The Cookie header of a signed-in administrator."""
    return cookie_header(sign_in(browser, ADMIN))


@pytest.fixture(scope="module")
def session(browser: httpx.Client, cookies: Mapping[str, str]) -> str:
    """A session that nobody may change; it has an action."""
    made = browser.post("/ai/sessions", json={"purpose": "mine"}, headers=cookies).json()
    action = {"functionName": "f", "canBeApplied": False}
    browser.post(f"/ai/sessions/{made['id']}/actions", json=action, headers=cookies)
    return str(made["id"])


def send(client: httpx.Client, call: Call, session: str, headers: Mapping[str, str]) -> int:
    """The status that a call is answered with."""
    method, path, own = call
    body = None if method == "GET" else BODY
    content = {} if body is None else {"Content-Type": "text/plain"}
    return client.request(
        method, path.format(session), content=body, headers={**own, **content, **headers}
    ).status_code


@pytest.mark.parametrize("elsewhere", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize("call", UNSAFE.values(), ids=UNSAFE)
def test_a_page_of_another_origin_changes_nothing(
    browser: httpx.Client,
    cookies: Mapping[str, str],
    session: str,
    call: Call,
    elsewhere: Mapping[str, str],
) -> None:
    path = f"/ai/sessions/{session}"
    before = browser.get(path, headers=cookies)
    count = browser.get("/ai/sessions?countPerPage=1", headers=cookies).json()["totalCount"]
    assert send(browser, call, session, {**cookies, **elsewhere}) == 403
    after = browser.get(path, headers=cookies)
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])
    assert browser.get("/ai/sessions?countPerPage=1", headers=cookies).json()["totalCount"] == count


@pytest.mark.parametrize("elsewhere", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_password_that_a_browser_remembers_is_no_better(
    browser: httpx.Client, elsewhere: Mapping[str, str]
) -> None:
    answer = browser.post("/ai/sessions", auth=ADMIN, headers=elsewhere)
    assert answer.status_code == 403
    assert answer.json()["responseStatus"]["errorCode"] == "Forbidden"


@pytest.mark.parametrize("elsewhere", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize("path", ["/auth/credentials", "/auth", "/api/Authenticate"])
def test_a_page_of_another_origin_signs_nobody_in(
    browser: httpx.Client, path: str, elsewhere: Mapping[str, str]
) -> None:
    body = {"userName": ADMIN[0], "password": ADMIN[1]}
    answer = browser.post(path, json=body, headers=elsewhere)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_token_that_a_page_must_know_may_come_from_anywhere(
    browser: httpx.Client, served: ServiceProcess
) -> None:
    token = token_of(served, ADMIN[0])
    for elsewhere in ELSEWHERE.values():
        headers = {"Authorization": f"Bearer {token}", **elsewhere}
        assert browser.post("/ai/sessions", headers=headers).status_code == 200


def test_the_service_s_own_pages_may_do_all(
    browser: httpx.Client, cookies: Mapping[str, str], served: ServiceProcess
) -> None:
    own = {"Origin": served.base_url, "Sec-Fetch-Site": "same-origin", **cookies}
    assert browser.post("/ai/sessions", headers=own).status_code == 200
    typed = {"Sec-Fetch-Site": "none", **cookies}
    assert browser.post("/ai/sessions", headers=typed).status_code == 200


@pytest.mark.parametrize("elsewhere", ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_only_reads_is_left_to_the_browser_s_own_rules(
    browser: httpx.Client, cookies: Mapping[str, str], elsewhere: Mapping[str, str]
) -> None:
    answer = browser.get("/ai/sessions", headers={**cookies, **elsewhere})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_cookies_do_not_help_a_wrong_authorization(
    browser: httpx.Client, cookies: Mapping[str, str]
) -> None:
    wrong = base64.b64encode(b"origin tests:wrong").decode()
    headers = {**cookies, "Authorization": f"Basic {wrong}"}
    assert browser.get("/ai/sessions", headers=headers).status_code == 401
