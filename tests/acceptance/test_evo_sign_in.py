"""Signing in to the ServiceStack-style face over HTTP: cookies, formats, and clients' habits."""

from collections.abc import Iterator, Mapping

import httpx
import pytest
from support.cookies import CREDENTIALS, cookie_header, set_cookies, sign_in
from support.evo_messages import ANSWERS, as_jsv
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess

TYPES = "http://schemas.servicestack.net/types"
MEMBERS = {"provider": "credentials", "userName": ADMIN[0], "password": ADMIN[1]}
EVOV = {"Accept": "application/json", "User-Agent": "evo-voice-cli/0.2.0"}


@pytest.fixture
def browser(served: ServiceProcess) -> Iterator[httpx.Client]:
    """A client whose tests say themselves which cookies are sent."""
    with httpx.Client(base_url=served.base_url, timeout=patient(60.0)) as client:
        yield client


@pytest.fixture
def cookies(browser: httpx.Client) -> Mapping[str, str]:
    """The Cookie header of a signed-in administrator."""
    return cookie_header(sign_in(browser, ADMIN, remember=True))


def is_signed_in(client: httpx.Client, headers: Mapping[str, str]) -> bool:
    answer = client.get("/auth/status", headers=headers)
    assert answer.status_code == 200
    found = answer.json()["isAuthenticated"]
    assert isinstance(found, bool)
    return found


def test_cookies_of_a_short_sign_in_end_with_the_browser(browser: httpx.Client) -> None:
    answer = sign_in(browser, ADMIN)
    assert answer.status_code == 200
    assert answer.json()["userName"] == ADMIN[0]
    cookies = set_cookies(answer)
    assert cookies["ss-opt"] == ["temp", "Path=/", "HttpOnly", "SameSite=Lax"]
    assert cookies["ss-id"][1:] == ["Path=/", "HttpOnly", "SameSite=Lax"]
    assert cookies["XSRF-TOKEN"][1:] == ["Path=/", "SameSite=Lax"], "scripts of our pages read it"
    assert len(cookies) == 3


def test_cookies_of_a_lasting_sign_in_say_for_how_long(browser: httpx.Client) -> None:
    cookies = set_cookies(sign_in(browser, ADMIN, remember=True))
    days = 86_400
    common = ["Path=/", "HttpOnly", "SameSite=Lax"]
    assert cookies["ss-id"][1:] == [*common, f"Max-Age={14 * days}"]
    assert cookies["ss-pid"][1:] == [*common, f"Max-Age={28 * days}"]
    assert cookies["ss-opt"] == ["perm", *common, f"Max-Age={28 * days}"]
    assert cookies["XSRF-TOKEN"][1:] == ["Path=/", "SameSite=Lax", f"Max-Age={28 * days}"]
    assert len(cookies) == 4


def test_no_body_shows_the_session_that_its_cookies_hide(browser: httpx.Client) -> None:
    answer = sign_in(browser, ADMIN, remember=True)
    token = set_cookies(answer)["ss-id"][0]
    assert len(token) == 43
    assert token not in answer.text
    assert token not in browser.get("/auth/status", headers=cookie_header(answer)).text


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


def test_signing_out_removes_the_cookies_and_ends_the_session(
    browser: httpx.Client, cookies: Mapping[str, str]
) -> None:
    assert is_signed_in(browser, cookies)
    answer = browser.get("/auth/logout", headers=cookies)
    assert answer.status_code == 200
    gone = ["", "Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=0"]
    assert set_cookies(answer) == dict.fromkeys(("ss-id", "ss-pid", "ss-opt", "XSRF-TOKEN"), gone)
    assert not is_signed_in(browser, cookies)
    assert browser.get("/ai/sessions", headers=cookies).status_code == 401


def test_signing_in_again_ends_the_session_before(
    browser: httpx.Client, cookies: Mapping[str, str]
) -> None:
    again = sign_in(browser, ADMIN, Cookie=cookies["Cookie"])
    assert set_cookies(again)["ss-pid"][-1] == "Max-Age=0"
    assert not is_signed_in(browser, cookies)
    assert is_signed_in(browser, cookie_header(again))


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


@pytest.mark.parametrize(
    "spoilt",
    [
        "{}; 21 Nov 2046 09:00:00 GMT=null",
        "; ;;=; =x; {}",
        "theme=dark; {}; ss-id=another",
        'a="b; {}',
        "caf\u00e9=\u00e9; {}",
        "ss-id=; {}",
    ],
    ids=["a date", "empty ones", "a second of one name", "a quote", "not ASCII", "an empty one"],
)
def test_junk_among_the_cookies_is_passed_over(
    browser: httpx.Client, cookies: Mapping[str, str], spoilt: str
) -> None:
    header = spoilt.format(cookies["Cookie"]).encode("latin-1")
    answer = browser.get("/auth/status", headers=[(b"Cookie", header)])
    assert (answer.status_code, answer.json()["isAuthenticated"]) == (200, True)


@pytest.mark.parametrize(
    "header",
    ["ss-id=abc", f"ss-id={'A' * 43}", f"ss-pid={'x' * 9_000}", ";" * 9_000],
    ids=["too short", "unknown", "too long", "nothing but ends"],
)
def test_cookies_that_name_no_session_are_nobody_s(browser: httpx.Client, header: str) -> None:
    assert not is_signed_in(browser, {"Cookie": header})
    assert browser.post("/ai/sessions", headers={"Cookie": header}).status_code == 401


def test_evo_s_command_line_gets_by_with_cookies_alone(
    browser: httpx.Client, cookies: Mapping[str, str]
) -> None:
    browser.headers.update({**EVOV, "Cookie": cookies["Cookie"]})
    created = browser.post("/ai/sessions", json={"accountId": "String", "purpose": "evov"})
    path = f"/ai/sessions/{created.json()['id']}"
    assert browser.patch(path, json={"purpose": "patched"}).json()["purpose"] == "patched"
    assert browser.get(path).json()["purpose"] == "patched"
    applied = browser.build_request("POST", f"{path}/apply")
    assert applied.headers["content-length"] == "0"
    assert "content-type" not in applied.headers
    assert browser.send(applied).json()["purpose"] == "patched"
    query = "accountIds=String,another&countPerPage=10&sortField=dateCreated&sortOrder=Descend"
    listed = browser.get(f"/ai/sessions?{query}").json()
    assert listed["items"][0]["id"] == created.json()["id"]
    assert browser.get("/json/reply/ListAccounts").json()["items"]
    assert browser.delete(f"{path}/actions").status_code == 200
    deleted = browser.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")


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
