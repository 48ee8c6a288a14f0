"""Cookies of the ServiceStack-style face over HTTP: how long they last, what they open."""

from collections.abc import Mapping

import httpx
import pytest
from support.cookies import cookie_header, is_signed_in, set_cookies, sign_in
from support.service_process import ADMIN

EVOV = {"Accept": "application/json", "User-Agent": "evo-voice-cli/0.2.0"}


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
