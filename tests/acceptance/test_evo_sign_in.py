"""Signing in to the ServiceStack-style face over HTTP: formats, answers, and clients' habits."""

from collections.abc import Mapping

import httpx
import pytest
from support.cookies import CREDENTIALS, cookie_header, is_signed_in, set_cookies, sign_in
from support.evo_messages import ANSWERS, as_jsv
from support.service_process import ADMIN

TYPES = "http://schemas.servicestack.net/types"
MEMBERS = {"provider": "credentials", "userName": ADMIN[0], "password": ADMIN[1]}


SIGN_INS = {
    "/auth": "credentials",
    "/auth/credentials": "credentials",
    "/authenticate": "credentials",
    "/authenticate/credentials": "credentials",
    "/api/Authenticate": "credentials",
    "/json/reply/Authenticate": "credentials",
    "/auth/basic": "basic",
    "/api/Authenticate?provider=basic": "basic",
}


@pytest.mark.parametrize(("path", "provider"), SIGN_INS.items())
def test_a_sign_in_answers_with_what_clients_read(
    browser: httpx.Client, path: str, provider: str
) -> None:
    if provider == "basic":
        answer = browser.post(path, auth=ADMIN)
    else:
        answer = browser.post(path, json={"userName": ADMIN[0], "password": ADMIN[1]})
    browser.cookies.clear()
    found = answer.json()
    assert found.pop("sessionId")
    assert found == {
        "userId": ADMIN[0],
        "userName": ADMIN[0],
        "displayName": ADMIN[0],
        "roles": ["SystemAdministrator"],
        "permissions": [],
        "authProvider": provider,
    }


@pytest.mark.parametrize(
    ("format_", "names"),
    [
        ("xml", ["<SessionId>", f"<UserName>{ADMIN[0]}<", f"<DisplayName>{ADMIN[0]}<"]),
        ("jsv", ["sessionId:", f"userName:{ADMIN[0]},", f"displayName:{ADMIN[0]},"]),
        ("csv", ["UserId,SessionId,UserName,DisplayName,", f"{ADMIN[0]},"]),
    ],
)
def test_a_sign_in_answers_so_in_every_format(
    browser: httpx.Client, format_: str, names: list[str]
) -> None:
    members = {"userName": ADMIN[0], "password": ADMIN[1]}
    answer = browser.post(f"/auth/credentials?format={format_}", json=members)
    assert answer.status_code == 200
    assert [name for name in names if name not in answer.text] == []


def test_a_session_has_one_id_which_opens_nothing(
    browser: httpx.Client, cookies: Mapping[str, str]
) -> None:
    answers = [browser.get(path, headers=cookies).json() for path in ("/auth", "/api/Authenticate")]
    answers.append(browser.post("/auth", headers=cookies).json())
    (found,) = {answer["sessionId"] for answer in answers}
    assert found not in cookies["Cookie"]
    assert sign_in(browser, ADMIN).json()["sessionId"] != found
    for header in ("ss-id={}", "ss-pid={}", "ss-id={0}; ss-pid={0}"):
        assert not is_signed_in(browser, {"Cookie": header.format(found)})
    for headers in ({"Authorization": f"Bearer {found}"}, {"X-ss-id": found}):
        assert browser.get("/ai/sessions", headers=headers).status_code == 401


def test_who_is_known_by_a_header_has_no_session(browser: httpx.Client) -> None:
    answer = browser.get("/auth", auth=ADMIN)
    assert answer.json()["userName"] == ADMIN[0]
    assert "sessionId" not in answer.json()
    assert "set-cookie" not in answer.headers


def test_the_status_tells_what_clients_read(
    browser: httpx.Client, cookies: Mapping[str, str]
) -> None:
    found = browser.get("/auth/status", headers=cookies).json()
    assert (found["id"], found["name"], found["managerAccess"]) == (ADMIN[0], ADMIN[0], True)
    assert found["dashboardPermissions"] == []
    assert "emailAddress" not in found


@pytest.mark.parametrize("path", ["/auth/basic", "/auth/Basic", "/api/Authenticate?provider=basic"])
def test_a_session_can_be_had_for_the_authorization_header(
    browser: httpx.Client, path: str
) -> None:
    answer = browser.post(path, auth=ADMIN)
    assert (answer.status_code, answer.json()["userName"]) == (200, ADMIN[0])
    browser.cookies.clear()
    assert is_signed_in(browser, cookie_header(answer))


@pytest.mark.parametrize(
    "authorization",
    [None, "Basic", "Basic !", "Bearer abc", httpx.BasicAuth(ADMIN[0], "wrong")._auth_header],
    ids=["none", "empty", "no Base64", "another scheme", "wrong"],
)
def test_no_session_is_had_for_another_header(
    browser: httpx.Client, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = browser.post("/auth/basic", headers=headers)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert browser.get("/auth/basic", auth=ADMIN).status_code == 400, "a link signs nobody in"


def test_a_ticked_box_makes_a_sign_in_last(browser: httpx.Client) -> None:
    form = {"userName": ADMIN[0], "password": ADMIN[1], "rememberMe": "on"}
    answer = browser.post(CREDENTIALS, data=form)
    browser.cookies.clear()
    assert set_cookies(answer)["ss-opt"][0] == "perm"


@pytest.mark.parametrize("path", ["/auth", "/authenticate", "/api/Authenticate"])
def test_without_a_provider_it_tells_who_is_signed_in(
    browser: httpx.Client, cookies: Mapping[str, str], path: str
) -> None:
    answer = browser.post(path, headers=cookies)
    assert (answer.status_code, answer.json()["userName"]) == (200, ADMIN[0])
    refused = browser.post(path)
    assert refused.status_code == 401
    assert refused.json()["responseStatus"]["errorCode"] == "Unauthorized"
    assert "www-authenticate" in refused.headers


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        (CREDENTIALS, "application/x-www-form-urlencoded", None),
        (CREDENTIALS, "text/jsv", as_jsv("", MEMBERS)),
        ("/auth", "application/jsv", as_jsv("", MEMBERS)),
        ("/jsv/reply/Authenticate", "text/plain", as_jsv("", MEMBERS)),
        (
            "/auth",
            "application/xml",
            f'<Authenticate xmlns="{TYPES}"><provider>credentials</provider>'
            f"<UserName>{ADMIN[0]}</UserName><Password>{ADMIN[1]}</Password></Authenticate>",
        ),
        (
            "/xml/reply/Authenticate",
            "application/xml",
            f"<Authenticate><UserName>{ADMIN[0]}</UserName><Password>{ADMIN[1]}</Password>"
            "</Authenticate>",
        ),
    ],
    ids=["form", "jsv", "jsv on /auth", "jsv reply", "xml on /auth", "xml reply"],
)
def test_credentials_are_read_in_every_format(
    browser: httpx.Client, path: str, content_type: str, body: str | None
) -> None:
    headers = {"Content-Type": content_type, "Accept": "application/json"}
    if body is None:
        answer = browser.post(path, data=MEMBERS, headers=headers)
    else:
        answer = browser.post(path, content=body.encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert "admin" in answer.text
    browser.cookies.clear()
    assert is_signed_in(browser, cookie_header(answer))


def test_who_has_signed_in_is_told_in_the_format_of_the_credentials(browser: httpx.Client) -> None:
    body = as_jsv("", MEMBERS).encode()
    answer = browser.post("/auth", content=body, headers={"Content-Type": "text/jsv"})
    assert answer.headers["content-type"] == "text/jsv"
    assert ",userName:admin," in answer.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"userName": "sign-in tests", "password": "wrong"}, 401, "Unauthorized"),
        ({"userName": "sign-in tests"}, 400, "NotEmpty"),
        ({"password": "wrong"}, 400, "NotEmpty"),
        ({}, 400, "NotEmpty"),
    ],
    ids=["wrong", "no password", "no name", "nothing"],
)
def test_who_gives_no_right_credentials_gets_no_cookie(
    browser: httpx.Client, body: Mapping[str, str], status: int, code: str
) -> None:
    answer = browser.post(CREDENTIALS, json=body)
    assert answer.status_code == status
    assert answer.json()["responseStatus"]["errorCode"] == code
    assert "set-cookie" not in answer.headers


def test_a_link_signs_nobody_in(browser: httpx.Client) -> None:
    answer = browser.get(CREDENTIALS, params={"userName": ADMIN[0], "password": ADMIN[1]})
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/auth/status", "/ai/sessions", "/accounts/String", "/auth"])
def test_head_answers_as_get_without_the_body(
    browser: httpx.Client, cookies: Mapping[str, str], path: str
) -> None:
    get, head = browser.get(path, headers=cookies), browser.head(path, headers=cookies)
    assert (head.status_code, head.content) == (get.status_code, b"") == (200, b"")
    for name in ("content-type", "content-length", "etag"):
        assert head.headers.get(name) == get.headers.get(name)


def test_head_is_refused_to_who_may_not_get(browser: httpx.Client) -> None:
    assert browser.head("/ai/sessions").status_code == 401
    assert browser.head("/ai/sessions/x/apply").status_code == 405


@pytest.mark.parametrize("name", ["xml", "jsv", "csv"])
def test_who_is_signed_in_is_told_in_every_format(
    browser: httpx.Client, cookies: Mapping[str, str], name: str
) -> None:
    answer = browser.get("/auth/status", headers={**cookies, "Accept": ANSWERS[name].accept})
    assert answer.headers["content-type"] == ANSWERS[name].content_type
    assert ADMIN[0] in answer.text
