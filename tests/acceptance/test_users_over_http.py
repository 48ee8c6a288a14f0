"""Users and tokens over HTTP: what administrators do, and what a cookie alone does not do."""

import secrets
from collections.abc import Callable, Mapping

import httpx
import pytest
from support.cookies import cookie_header, sign_in
from support.service_process import ADMIN, ServiceProcess

Client = Callable[[tuple[str, str] | None], httpx.Client]
FIRST, OWN = "given by somebody else", "chosen by the user alone"


@pytest.fixture
def name() -> str:
    """A name that nobody had."""
    return f"user-{secrets.token_hex(4)}"


@pytest.fixture
def pat(admin: httpx.Client, client: Client, name: str) -> httpx.Client:
    """Calls as a new user with the role Manager and a password of its own."""
    body = {"name": name, "roles": ["manager"], "password": FIRST}
    assert admin.post("/users", json=body).json()["roles"] == ["Manager"]
    changed = {"password": FIRST, "newPassword": OWN}
    assert client((name, FIRST)).post("/auth/password", json=changed).status_code == 204
    return client((name, OWN))


def status(client: httpx.Client, **headers: str) -> int:
    return client.get("/accounts", headers=headers).status_code


def test_a_user_is_added_changed_and_removed(
    admin: httpx.Client, pat: httpx.Client, name: str
) -> None:
    found = admin.get(f"/users/{name}").json()
    assert (found["name"], found["state"], found["mustChangePassword"]) == (name, "active", False)
    assert found["createdBy"] == ADMIN[0]
    assert name in {user["name"] for user in admin.get("/users").json()["users"]}
    changed = admin.put(f"/users/{name}/roles", json={"roles": ["Auditor"]})
    assert (changed.status_code, changed.json()["roles"]) == (200, ["Auditor"])
    assert changed.headers["ETag"] != found
    assert changed.headers["X-Log-Position"]
    disabled = admin.post(f"/users/{name}/disable", json={})
    assert disabled.json()["state"] == "disabled"
    assert admin.post(f"/users/{name}/enable", json={}).json()["state"] == "active"
    assert admin.delete(f"/users/{name}").json()["state"] == "removed"
    assert admin.post(f"/users/{name}/enable", json={}).status_code == 404
    again = admin.post("/users", json={"name": name, "roles": ["Auditor"]})
    assert again.status_code == 409
    assert admin.get("/users/nobody").status_code == 404


def test_conditions_and_keys_hold_for_users_too(
    admin: httpx.Client, pat: httpx.Client, name: str
) -> None:
    tag = admin.get(f"/users/{name}").headers["ETag"]
    path, body = f"/users/{name}/roles", {"roles": ["Agent"]}
    key = {"Idempotency-Key": name}
    first = admin.put(path, json=body, headers={"If-Match": tag, **key})
    assert first.status_code == 200
    other = {"roles": ["Auditor"]}
    assert admin.put(path, json=other, headers={"If-Match": tag}).status_code == 412
    again = admin.put(path, json=body, headers={"If-Match": tag, **key})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert admin.put(path, json=other, headers=key).status_code == 422
    token = {"userName": name}
    assert admin.post("/tokens", json=token, headers={"Idempotency-Key": f"{name}t"}).json()["id"]
    shown = admin.post("/tokens", json=token, headers={"Idempotency-Key": f"{name}t"})
    assert (shown.status_code, shown.json()["responseStatus"]["errorCode"]) == (
        409,
        "TokenShownOnce",
    )


@pytest.mark.parametrize(
    "body",
    [
        {"roles": ["Auditor"]},
        {"name": "", "roles": ["Auditor"]},
        {"name": "a:b", "roles": ["Auditor"]},
        {"name": "a\nb", "roles": ["Auditor"]},
        {"name": "a" * 65, "roles": ["Auditor"]},
        {"name": "new-one"},
        {"name": "new-one", "roles": []},
        {"name": "new-one", "roles": ["Emperor"]},
        {"name": "new-one", "roles": ["Auditor"], "password": "short"},
        {"name": "new-one", "roles": ["Auditor"], "password": "new-onenew-one"},
        {"name": "new-one", "roles": ["Auditor"], "password": "1qaz2wsx3edc"},
    ],
    ids=str,
)
def test_what_nobody_could_have_is_refused(admin: httpx.Client, body: dict[str, object]) -> None:
    answer = admin.post("/users", json=body)
    assert answer.status_code == 400
    assert str(body.get("password") or "\0") not in answer.text
    assert admin.get("/users/new-one").status_code == 404


def test_nobody_gets_more_power_than_the_caller_has(
    admin: httpx.Client, pat: httpx.Client, name: str
) -> None:
    assert admin.post("/users", json={"name": f"{name}-x", "roles": ["Admin"]}).status_code == 403
    assert admin.put(f"/users/{name}/roles", json={"roles": ["Admin"]}).status_code == 403
    for method, path in (("GET", "/users"), ("GET", "/tokens"), ("DELETE", f"/users/{name}")):
        assert pat.request(method, path).status_code == 403


def test_a_password_that_another_gave_opens_nothing_but_its_change(
    admin: httpx.Client, client: Client, name: str
) -> None:
    admin.post("/users", json={"name": name, "roles": ["SystemAdministrator"], "password": FIRST})
    new = client((name, FIRST))
    answer = new.get("/accounts")
    assert (answer.status_code, "/auth/password" in answer.text) == (403, True)
    assert new.post("/users", json={"name": "x", "roles": ["Admin"]}).status_code == 403
    assert new.get("/api/v1/ChatSession/1").status_code == 403
    refused = new.post("/auth/password", json={"password": FIRST, "newPassword": "1qaz2wsx3edc"})
    assert refused.json()["responseStatus"]["errorCode"] == "UnfitPassword"
    wrong = new.post("/auth/password", json={"password": "not the one", "newPassword": OWN})
    assert wrong.status_code == 401
    in_address = new.post(f"/auth/password?password={FIRST}&newPassword={OWN}")
    assert in_address.status_code == 400
    same = new.post("/auth/password", json={"password": FIRST, "newPassword": FIRST})
    assert same.status_code == 400
    done = new.post("/auth/password", json={"password": FIRST, "newPassword": OWN})
    assert done.status_code == 204
    assert status(client((name, OWN))) == 200


def cookies_of(browser: httpx.Client, who: tuple[str, str]) -> Mapping[str, str]:
    return cookie_header(sign_in(browser, who))


@pytest.mark.parametrize("path", ["/auth/token", "/tokens"])
def test_a_cookie_alone_makes_no_token(
    browser: httpx.Client, pat: httpx.Client, name: str, path: str
) -> None:
    who = ADMIN if path == "/tokens" else (name, OWN)
    cookies = cookies_of(browser, who)
    wish = {"userId": who[0], "userName": who[0]}
    missing = browser.post(path, json=wish, headers=cookies)
    assert missing.status_code == 400
    assert missing.json()["responseStatus"]["errors"][0]["fieldName"].lower() == "password"
    wrong = browser.post(path, json={**wish, "password": "not the one"}, headers=cookies)
    assert wrong.status_code == 401
    proven = {**wish, "password": who[1]}
    tied = browser.post(path, json=proven, headers=cookies).json()
    free = browser.post(path, json={**proven, "isIndependent": True}, headers=cookies).json()
    of_cookie, of_itself = (
        {"Authorization": f"Bearer {made.get('authToken') or made.get('token')}"}
        for made in (tied, free)
    )
    assert status(browser, **of_cookie) == status(browser, **of_itself) == 200
    child = browser.get(f"/auth/token?userId={who[0]}", headers=of_cookie).json()["authToken"]
    of_token = {"Authorization": f"Bearer {child}"}
    assert status(browser, **of_token) == 200
    assert browser.get("/auth/logout", headers=cookies).status_code == 200
    assert_ended(browser, of_cookie)
    assert_ended(browser, of_token)
    assert status(browser, **of_itself) == 200


def assert_ended(browser: httpx.Client, headers: Mapping[str, str]) -> None:
    """Within a moment: what a worker verified counts for a second."""
    import time

    from support.patience import patient

    latest = time.monotonic() + patient(2.0)
    while status(browser, **headers) != 401:
        assert time.monotonic() < latest
        time.sleep(0.05)


def test_a_cookie_alone_changes_no_user(
    browser: httpx.Client, pat: httpx.Client, name: str
) -> None:
    cookies = cookies_of(browser, ADMIN)
    calls = [
        ("POST", "/users", {"name": f"{name}-new", "roles": ["SystemAdministrator"]}),
        ("PUT", f"/users/{name}/roles", {"roles": ["SystemAdministrator"]}),
        ("PUT", f"/users/{name}/password", {"newPassword": "another long one"}),
        ("POST", f"/users/{name}/disable", {}),
        ("POST", f"/users/{name}/sign-out", {}),
        ("DELETE", f"/users/{name}", {}),
    ]
    for method, path, body in calls:
        answer = browser.request(method, path, json=body, headers=cookies)
        assert answer.status_code == 400, path
    assert status(pat) == 200
    proven = {"roles": ["Auditor"], "yourPassword": ADMIN[1]}
    assert browser.put(f"/users/{name}/roles", json=proven, headers=cookies).status_code == 200


def test_a_token_ends_with_the_token_it_was_asked_for_with(
    browser: httpx.Client, admin: httpx.Client, pat: httpx.Client, name: str
) -> None:
    parent = admin.post("/tokens", json={"userName": name, "expires": "1h", "label": "p"}).json()
    headers = {"Authorization": f"Bearer {parent['token']}"}
    asked = {"userId": name, "expires": "never"}
    child = browser.post("/auth/token", json=asked, headers=headers).json()["authToken"]
    (own, other) = admin.get(f"/tokens?userName={name}").json()["tokens"]
    assert own["expiresAt"] == other["expiresAt"] == parent["expiresAt"]
    independent = browser.post(
        "/auth/token", json={**asked, "isIndependent": True}, headers=headers
    )
    assert independent.status_code == 400
    assert admin.delete(f"/tokens/{parent['id']}").status_code == 204
    assert_ended(browser, headers)
    assert_ended(browser, {"Authorization": f"Bearer {child}"})
    assert admin.get(f"/tokens?userName={name}").json()["tokens"] == []
    assert admin.delete(f"/tokens/{parent['id']}").status_code == 404


def test_what_was_done_is_in_the_user_s_history(
    served: ServiceProcess, admin: httpx.Client, pat: httpx.Client, name: str
) -> None:
    admin.post(f"/users/{name}/sign-out", json={})
    told = served.command("replay", f"principal:{name}", "--output=ndjson")
    assert told.returncode == 0, told.stderr
    for topic in ("principal.added.v1", "principal.password_changed.v1", "principal.signed_out.v1"):
        assert topic in told.stdout
    assert f'"sessionId":"principal:{name}"' in told.stdout
    assert OWN not in told.stdout
    assert "argon2" not in told.stdout
