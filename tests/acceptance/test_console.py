"""The start page, signing in and out by a form, and one's own password, without scripts."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from support.patience import patient
from support.person import ACCEPT, Person
from support.service_process import ADMIN, ServiceProcess

from app.auth.principals import WRONG
from app.pages.assets import assets

BROWSER = {"Accept": ACCEPT}
PASSWORD = "right as rain"
ROLES = {
    "kim": "SystemAdministrator", "ann": "Auditor", "oli": "Operator", "pat": "Customer",
    "may": "Manager",
}  # fmt: skip
NEW = "seven quiet herons"
PROTECTED = [
    "/ai/sessions", "/ai/sessions/none?x=1", "/accounts", "/users", "/api/v1/ChatSession/1",
    "/api/v1/ChatSession?$top=5", "/audit/events?actor=kim", "/audit/access", "/audit/proof",
    "/audit/sessions/1", "/api/GetAISession?sessionId=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def people(served: ServiceProcess) -> None:
    """Some users with one password."""
    for name, role in ROLES.items():
        added = served.command(
            "users", "add", name, "--role", role, "--password-stdin", stdin=PASSWORD
        )
        assert added.returncode == 0, added.stderr


@pytest.fixture
def client(served: ServiceProcess, people: None) -> Iterator[httpx.Client]:
    """Somebody who is not signed in."""
    with httpx.Client(base_url=served.base_url, timeout=patient(60.0)) as made:
        yield made


def signed_in(client: httpx.Client, name: str = "kim") -> Person:
    person = Person(client).open("/login")
    person.send("/login", userName=name, password=PASSWORD)
    assert person.path == "/"
    return person


def test_the_start_page_says_who_looks_and_where_one_can_go(
    client: httpx.Client,
) -> None:
    person = Person(client).open("/")
    assert person.answer.status_code == 200
    assert "You are not signed in" in person.answer.text
    assert "✓ ready" in person.answer.text
    doors = ("Sessions and events", "Proof", "Operations", "APIs")
    assert all(f">{door}</h2>" in person.answer.text for door in doors)
    assert not any("/audit" in link for link in person.page.links)
    person = signed_in(client)
    assert "You are <strong>kim</strong>, SystemAdministrator" in person.answer.text
    assert {"/audit/events", "/audit/access", "/ai/sessions"} <= set(person.page.links)


def test_a_page_lists_only_what_its_reader_may_see(client: httpx.Client) -> None:
    for name, seen, unseen in (
        ("ann", "/audit/events", "/metrics"),
        ("oli", "/metrics", "/audit/events"),
        ("pat", "/accounts", "/ai/sessions"),
    ):
        person = signed_in(client, name)
        assert seen in person.page.links
        assert unseen not in person.page.links
        for link in {link for link in person.page.links if link not in ("/logout", "/audit/go")}:
            assert (client.get(link, headers=BROWSER)).status_code == 200, (name, link)
        client.cookies.clear()


@pytest.mark.parametrize("path", PROTECTED)
def test_a_browser_without_credentials_signs_in_and_comes_back(
    client: httpx.Client, path: str
) -> None:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?continue={quote(path, safe='/')}"
    assert (client.get(path)).status_code == 401, "a program gets what it got"
    assert (client.get(path, headers={"Accept": "application/json"})).status_code == 401
    wrong = {**BROWSER, "Authorization": "Bearer wrong"}
    assert (client.get(path, headers=wrong)).status_code == 401
    person = Person(client).open(path)
    person.send("/login", userName="kim", password=PASSWORD)
    assert person.path == path


@pytest.mark.parametrize("name", ["continue", "redirect"])
@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example/", "/\t/evil", "evil"]
)
def test_nobody_is_sent_to_another_host(client: httpx.Client, name: str, path: str) -> None:
    person = Person(client).open("/login", params={name: path})
    form = person.form("/login")
    assert form.fields["continue"] == "/"
    forged = {**form.fields, "continue": path, "userName": "kim", "password": PASSWORD}
    answer = client.post("/login", data=forged)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_wrong_password_says_no_more_than_an_unknown_name(
    client: httpx.Client,
) -> None:
    person = Person(client).open("/login?continue=/accounts")
    said = set()
    for name in ("kim", "nobody at all"):
        person.send("/login", userName=name, password="wrong as rain")
        assert person.answer.status_code == 401
        assert "www-authenticate" not in person.answer.headers, "no window of the browser's own"
        assert WRONG in person.answer.text
        assert "wrong as rain" not in person.answer.text
        assert person.form("/login").fields["continue"] == "/accounts"
        said.add(person.answer.text.replace(name, "").partition("<footer")[0])
    assert len(said) == 1
    person.send("/login", userName="", password="")
    assert person.answer.status_code == 400


def test_guessing_is_slowed_down_on_the_page_too(client: httpx.Client) -> None:
    person = Person(client).open("/login")
    for _ in range(6):
        person.send("/login", userName="may", password="wrong as rain")
    assert person.answer.status_code == 429
    assert int(person.answer.headers["retry-after"]) >= 1
    assert person.form("/login")


def test_a_form_that_is_not_ours_signs_nobody_in_or_out(client: httpx.Client) -> None:
    given = {"userName": "kim", "password": PASSWORD}
    for form in (given, {**given, "xsrf": ""}, {**given, "xsrf": "a" * 43}):
        answer = client.post("/login", data=form)
        assert answer.status_code == 403
        assert "ss-id" not in answer.cookies
    person = Person(client).open("/login")
    form = {**person.form("/login").fields, **given}
    elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (client.post("/login", data=form, headers=elsewhere)).status_code == 403
    signed_in(client)
    assert (client.post("/logout", data={"xsrf": "guessed"})).status_code == 403
    assert (client.get("/logout", headers=BROWSER)).status_code == 405
    still = Person(client).open("/")
    assert "You are <strong>kim" in still.answer.text


def test_signing_out_is_a_form_on_every_page(client: httpx.Client) -> None:
    person = signed_in(client)
    cookies = dict(client.cookies)
    for path in ("/ai/sessions", "/audit/events", "/accounts/none"):
        person.open(path)
        assert person.form("/logout").method == "post"
    person.send("/logout")
    assert person.path == "/"
    assert "You are not signed in" in person.answer.text
    client.cookies.update(cookies)
    old = client.get("/audit/events", headers=BROWSER)
    assert old.status_code == 303


def test_a_page_of_the_other_api_takes_the_cookie_and_its_commands_do_not(
    client: httpx.Client,
) -> None:
    signed_in(client)
    answer = client.get("/api/v1/ChatSession", headers=BROWSER)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert (client.get("/api/v1/ChatSession")).status_code == 401
    posted = client.post("/api/v1/ChatSession", json={}, headers=BROWSER)
    assert posted.status_code == 401


def test_a_password_that_somebody_else_made_is_changed_first(
    client: httpx.Client,
) -> None:
    made = {"name": "new", "roles": ["Auditor"], "password": "first as rain"}
    assert client.post("/users", json=made, auth=ADMIN).status_code == 200
    person = Person(client).open("/audit/access")
    person.send("/login", userName="new", password="first as rain")
    assert person.path == "/password?continue=/audit/access"
    person.open("/audit/events")
    assert person.path == "/password?continue=/audit/events", "everything leads there"
    for fields, said in (
        ({"password": "first as rain", "newPassword": NEW, "again": "another"}, "differ"),
        ({"password": "wrong as rain", "newPassword": NEW, "again": NEW}, WRONG),
        ({"password": "first as rain", "newPassword": "short", "again": "short"}, "12"),
    ):
        person.send("/password", **fields)
        assert person.answer.status_code in (400, 401)
        assert said in person.answer.text
        assert NEW not in person.answer.text
    person.send("/password", password="first as rain", newPassword=NEW, again=NEW)
    assert person.path == "/audit/events"
    assert person.answer.status_code == 200


def test_changing_a_password_takes_a_form_of_the_session(client: httpx.Client) -> None:
    signed_in(client)
    form = {"password": PASSWORD, "newPassword": NEW, "again": NEW}
    assert (client.post("/password", data=form)).status_code == 403
    client.cookies.clear()
    answer = client.post("/password", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?continue=/password")


def test_files_of_pages_are_kept_for_good(client: httpx.Client) -> None:
    for name, asset in assets().items():
        answer = client.get(f"/assets/{name}")
        assert answer.status_code == 200
        assert answer.content == asset.body
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    missing = client.get("/assets/style-0000000000000000.css")
    assert missing.status_code == 404
    assert missing.headers["cache-control"] == "no-store"


def test_the_script_is_short() -> None:
    (script,) = (each for name, each in assets().items() if name.endswith(".js"))
    assert len(script.body.splitlines()) <= 150


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type"),
    [
        ("POST", "/login", b"\xff=%ff", "application/x-www-form-urlencoded"),
        ("POST", "/login", b'{"userName": "kim"}', "application/json"),
        ("POST", "/login", b"a" * 20_000, "application/x-www-form-urlencoded"),
        ("POST", "/login", b"userName=a%00b&password=c", "application/x-www-form-urlencoded"),
        ("POST", "/password", b"\x00", "text/plain"),
        ("POST", "/logout", b"xsrf=%F0", "application/x-www-form-urlencoded"),
        ("GET", "/login?continue=%F0", b"", ""),
        ("GET", "/login?continue=" + "a" * 7_000, b"", ""),
        ("PUT", "/login", b"", ""),
        ("DELETE", "/", b"", ""),
    ],
)
def test_no_form_breaks_anything(
    client: httpx.Client, method: str, path: str, body: bytes, content_type: str
) -> None:
    signed_in(client)
    headers = {**BROWSER, **({"Content-Type": content_type} if content_type else {})}
    answer = client.request(method, path, content=body, headers=headers)
    assert answer.status_code < 500
