"""What every user does with its own sign-ins and tokens, without an administrator."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
from support.cookies import cookie_header, set_cookies, sign_in
from support.service_process import ServiceProcess

Client = Callable[[tuple[str, str] | None], httpx.Client]
Who = tuple[str, str]
PASSWORD = "chosen by the user alone"
HERE = "127.0.0.1"


def added(served: ServiceProcess, role: str) -> Who:
    name = f"own-{secrets.token_hex(4)}"
    done = served.command(
        "users", "add", name, f"--role={role}", "--password-stdin", stdin=PASSWORD
    )
    assert done.returncode == 0, done.stderr
    return name, PASSWORD


@pytest.fixture(scope="module", params=["Auditor", "Customer", "Agent"])
def who(request: pytest.FixtureRequest, served: ServiceProcess) -> Who:
    """A user without power over anybody."""
    return added(served, request.param)


@pytest.fixture
def browser(client: Client) -> httpx.Client:
    """Calls by the cookies that a test sends."""
    return client(None)


def sign_ins(caller: httpx.Client, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    answer = caller.get("/auth/sign-ins", headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["signIns"]
    return found


def test_a_user_sees_when_whence_and_how_it_signed_in(
    browser: httpx.Client, client: Client, who: Who
) -> None:
    first = sign_in(browser, who)
    second = cookie_header(sign_in(browser, who, remember=True))
    newest, older, *_ = sign_ins(browser, second)
    assert (newest["isCurrent"], older["isCurrent"]) == (True, False)
    assert (newest["rememberMe"], older["rememberMe"]) == (True, False)
    for found in (newest, older):
        assert (found["address"], found["authProvider"]) == (HERE, "credentials")
        assert found["signedInAt"] <= found["lastUsedAt"] < found["expiresAt"]
    text = browser.get("/auth/sign-ins", headers=second).text
    for cookies in (set_cookies(first), {"ss-id": [second["Cookie"].split("=")[1][:43]]}):
        assert cookies["ss-id"][0] not in text
    assert not any(found["isCurrent"] for found in sign_ins(client(who), {}))


def test_a_sign_in_ends_for_the_password_and_its_history_has_it(
    browser: httpx.Client, served: ServiceProcess, who: Who
) -> None:
    lost = cookie_header(sign_in(browser, who))
    kept = cookie_header(sign_in(browser, who))
    (old,) = [found["id"] for found in sign_ins(browser, lost) if found["isCurrent"]]
    path = f"/auth/sign-ins/{old}"
    missing = browser.delete(path, headers=kept)
    assert (missing.status_code, "YourPassword" in missing.text) == (400, True)
    wrong = {"yourPassword": "not the one"}
    assert browser.request("DELETE", path, json=wrong, headers=kept).status_code == 401
    in_address = browser.delete(f"{path}?yourPassword={PASSWORD}", headers=kept)
    assert in_address.status_code == 400
    assert old in {found["id"] for found in sign_ins(browser, kept)}
    key = {"Idempotency-Key": uuid4().hex}
    proven = {"yourPassword": PASSWORD}
    done = browser.request("DELETE", path, json=proven, headers={**kept, **key})
    assert (done.status_code, "set-cookie" in done.headers) == (204, False)
    assert done.headers["X-Log-Position"]
    again = browser.request("DELETE", path, json=proven, headers={**kept, **key})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (204, "true")
    assert browser.request("DELETE", path, json=proven, headers=kept).status_code == 404
    assert old not in {found["id"] for found in sign_ins(browser, kept)}
    told = served.command("replay", f"principal:{who[0]}", "--output=ndjson").stdout
    assert f'"signIn":"{old}"' in told.replace('": "', '":"')
    assert "principal.signed_out.v1" in told


def test_the_end_of_the_present_one_removes_its_cookies(browser: httpx.Client, who: Who) -> None:
    cookies = cookie_header(sign_in(browser, who))
    (own,) = [found["id"] for found in sign_ins(browser, cookies) if found["isCurrent"]]
    body = {"yourPassword": PASSWORD}
    done = browser.request("DELETE", f"/auth/sign-ins/{own}", json=body, headers=cookies)
    assert done.status_code == 204
    assert set_cookies(done)["ss-id"][0] == ""


def test_all_of_them_end_at_once(
    browser: httpx.Client, client: Client, admin: httpx.Client, who: Who
) -> None:
    cookies = cookie_header(sign_in(browser, who))
    admin.post("/tokens", json={"userName": who[0]})
    assert browser.delete("/auth/sign-ins", headers=cookies).status_code == 400
    body = {"yourPassword": PASSWORD}
    done = browser.request("DELETE", "/auth/sign-ins", json=body, headers=cookies)
    assert done.status_code == 204
    own = client(who)
    assert sign_ins(own, {}) == []
    assert own.get("/auth/tokens").json()["tokens"] == []


def test_a_user_sees_and_revokes_its_own_tokens(
    browser: httpx.Client, client: Client, admin: httpx.Client, who: Who
) -> None:
    own = client(who)
    made = admin.post("/tokens", json={"userName": who[0], "label": "phone"}).json()
    listed = own.get("/auth/tokens")
    (found,) = [each for each in listed.json()["tokens"] if each["id"] == made["id"]]
    assert (found["label"], found["principal"]) == ("phone", who[0])
    assert made["token"] not in listed.text
    cookies = cookie_header(sign_in(browser, who))
    path = f"/auth/tokens/{made['id'].upper()}"
    assert browser.delete(path, headers=cookies).status_code == 400
    body = {"yourPassword": PASSWORD}
    assert browser.request("DELETE", path, json=body, headers=cookies).status_code == 204
    assert browser.request("DELETE", path, json=body, headers=cookies).status_code == 404
    assert made["id"] not in own.get("/auth/tokens").text


def test_another_s_is_answered_as_one_that_never_was(
    browser: httpx.Client, client: Client, admin: httpx.Client, served: ServiceProcess, who: Who
) -> None:
    other = added(served, "Auditor")
    sign_in(browser, other)
    own = client(who)
    (foreign,) = sign_ins(client(other), {})
    token = admin.post("/tokens", json={"userName": other[0]}).json()
    for kind, foreign_id in (("sign-ins", foreign["id"]), ("tokens", token["id"])):
        theirs, unknown = foreign_id, str(uuid4())
        answers = [own.delete(f"/auth/{kind}/{asked}") for asked in (theirs, unknown)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text.replace(theirs, unknown) == answers[1].text
        assert own.delete(f"/auth/{kind}/not-an-id").status_code == 404
    assert len(sign_ins(client(other), {})) == 1
    assert len(client(other).get("/auth/tokens").json()["tokens"]) == 1


def test_strangers_get_none_of_it(browser: httpx.Client) -> None:
    calls = [
        ("GET", "/auth/sign-ins"),
        ("DELETE", "/auth/sign-ins"),
        ("DELETE", f"/auth/sign-ins/{uuid4()}"),
        ("GET", "/auth/tokens"),
        ("DELETE", f"/auth/tokens/{uuid4()}"),
    ]
    for method, path in calls:
        assert browser.request(method, path).status_code == 401, path
