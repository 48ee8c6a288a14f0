"""Sign-ins where a proxy stands in front, several workers behind it, and somebody guesses.

The proxy is the tests themselves: each test has its callers come from addresses of its own, so
that no test slows down another one's.
"""

import time
from collections.abc import Iterator, Mapping

import httpx
import pytest
from support.cookies import CREDENTIALS, cookie_header, set_cookies, sign_in
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess
from support.service_process import service as running_service

from app.settings import Settings

APP = "https://app.example"
KNOWN = ("kim", "a password that Kim has")
DEFAULTS = Settings(database_url="", master_key=b"")
FORGIVEN = DEFAULTS.guessing.failures
GRACE_S = 4.0


@pytest.fixture(scope="module")
def proxied() -> Iterator[ServiceProcess]:
    """A service with two workers that believes its proxy, and knows another origin as its own."""
    known_as = (f"--allowed-origins={APP}", "--allowed-hosts=sessions.example")
    with running_service("--workers=2", "--behind-proxy", *known_as) as served:
        added = served.command(
            "users", "add", KNOWN[0], "--role", "Customer", "--password-stdin", stdin=KNOWN[1]
        )
        assert added.returncode == 0, added.stderr
        yield served


@pytest.fixture
def client(proxied: ServiceProcess) -> Iterator[httpx.Client]:
    """One connection, and so one worker."""
    with connection(proxied) as client:
        yield client


def connection(proxied: ServiceProcess) -> httpx.Client:
    """A client with one connection."""
    limits = httpx.Limits(max_connections=1)
    return httpx.Client(base_url=proxied.base_url, limits=limits, timeout=patient(60.0))


def worker_of(proxied: ServiceProcess, client: httpx.Client) -> int:
    """The process that a client's connection leads to."""
    with client.stream("GET", "/health/live") as answer:
        port = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
        for worker in proxied.workers():
            for found in worker.net_connections("tcp"):
                if found.raddr and found.raddr.port == port:
                    return worker.pid
    raise AssertionError("no worker has the connection")


def is_signed_in(client: httpx.Client, cookies: Mapping[str, str]) -> bool:
    return bool(client.get("/auth/status", headers=cookies).json()["isAuthenticated"])


def guess(client: httpx.Client, by: str, name: str, password: str, address: str) -> httpx.Response:
    """One guess at a password, from an address, by one of the ways to give it."""
    headers = {"X-Forwarded-For": f"203.0.113.99, {address}"}
    if by == "basic":
        return client.get("/ai/sessions", auth=(name, password), headers=headers)
    body = {"userName": name, "password": password}
    return client.post(CREDENTIALS, json=body, headers=headers)


@pytest.mark.parametrize(("proto", "secure"), [("https", True), ("http", False)])
def test_cookies_are_secure_where_the_client_uses_tls(
    client: httpx.Client, proto: str, secure: bool
) -> None:
    answer = sign_in(client, ADMIN, remember=True, X_Forwarded_Proto=proto)
    cookies = set_cookies(answer)
    assert set(cookies) == {"ss-id", "ss-pid", "ss-opt", "XSRF-TOKEN"}
    assert {"Secure" in attributes for attributes in cookies.values()} == {secure}


def test_generated_types_name_the_address_that_the_client_uses(client: httpx.Client) -> None:
    headers = {"Host": "sessions.example", "X-Forwarded-Proto": "https"}
    types = client.get("/types/python", headers=headers).text
    assert "BaseUrl: https://sessions.example\n" in types


def test_a_session_outlives_the_service(proxied: ServiceProcess) -> None:
    with connection(proxied) as client:
        lasting = cookie_header(sign_in(client, ADMIN, remember=True))
        short = cookie_header(sign_in(client, ADMIN))
        over = cookie_header(sign_in(client, ADMIN))
        client.post("/auth/logout", headers=over)
    assert proxied.stop() == 0
    proxied.start()
    with connection(proxied) as client:
        assert is_signed_in(client, lasting)
        assert is_signed_in(client, short)
        assert not is_signed_in(client, over)


def test_a_sign_out_reaches_the_other_workers_in_time(proxied: ServiceProcess) -> None:
    connections = [connection(proxied) for _ in range(16)]
    try:
        by_worker = {worker_of(proxied, client): client for client in connections}
        assert len(by_worker) == 2
        here, there = by_worker.values()
        cookies = cookie_header(sign_in(here, ADMIN))
        assert is_signed_in(here, cookies)
        assert is_signed_in(there, cookies)
        here.post("/auth/logout", headers=cookies)
        signed_out = time.monotonic()
        assert not is_signed_in(here, cookies)
        while is_signed_in(there, cookies):
            assert time.monotonic() - signed_out < DEFAULTS.credential_ttl_s + patient(GRACE_S)
    finally:
        for client in connections:
            client.close()


@pytest.mark.parametrize("by", ["basic", "credentials"])
def test_who_guesses_has_to_wait_and_learns_nothing_of_names(client: httpx.Client, by: str) -> None:
    told = []
    for number, name in enumerate((KNOWN[0], "no such user")):
        address = f"192.0.2.{number}" if by == "basic" else f"198.51.100.{number}"
        answers = [guess(client, by, name, "wrong", address) for _ in range(FORGIVEN)]
        # On a busy machine the first pause may be over before the next guess is there.
        while answers[-1].status_code == 401 and len(answers) < 2 * FORGIVEN:
            answers.append(guess(client, by, name, "wrong", address))
        codes = [answer.status_code for answer in answers]
        assert codes == [401] * (len(answers) - 1) + [429]
        assert len(answers) > FORGIVEN
        assert all("set-cookie" not in answer.headers for answer in answers)
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        told.append([(answer.status_code, answer.content) for answer in answers[-2:]])
    assert told[0] == told[1]
    assert b'"errorCode":"TooManyRequests"' in told[0][-1][1]


def test_the_pause_holds_for_the_right_password_too_but_not_elsewhere(
    client: httpx.Client,
) -> None:
    for _ in range(FORGIVEN):
        assert guess(client, "credentials", KNOWN[0], "wrong", "192.0.2.70").status_code == 401
    refused = guess(client, "credentials", *KNOWN, "192.0.2.70")
    assert refused.status_code == 429
    assert guess(client, "credentials", *KNOWN, "192.0.2.71").status_code == 200
    other = guess(client, "credentials", *ADMIN, "192.0.2.70")
    assert other.status_code == 200, "the address is another user's, too"


def test_the_pause_ends(client: httpx.Client) -> None:
    for _ in range(FORGIVEN):
        guess(client, "basic", KNOWN[0], "wrong", "2001:db8:1::1")
    started = time.monotonic()
    # All of a network of 64 bits is at one client's disposal.
    refused = guess(client, "credentials", *KNOWN, "2001:db8:1::2")
    wait_s = int(refused.headers["retry-after"])
    assert refused.status_code == 429
    while refused.status_code == 429:
        assert time.monotonic() - started < wait_s + patient(GRACE_S)
        refused = guess(client, "credentials", *KNOWN, "2001:db8:1::2")
    assert refused.status_code == 200


def test_pages_of_an_allowed_origin_may_act_for_who_is_signed_in(client: httpx.Client) -> None:
    cookies = cookie_header(sign_in(client, ADMIN))
    from_the_app = {"Origin": APP, "Sec-Fetch-Site": "cross-site", **cookies}
    assert client.post("/ai/sessions", headers=from_the_app).status_code == 200
    from_elsewhere = {"Origin": "https://app.example.evil.example", **cookies}
    assert client.post("/ai/sessions", headers=from_elsewhere).status_code == 403


def test_the_service_s_own_origin_is_the_one_that_the_proxy_tells(client: httpx.Client) -> None:
    cookies = cookie_header(sign_in(client, ADMIN))
    behind = {"Host": "sessions.example", "X-Forwarded-Proto": "https", **cookies}
    own = {"Origin": "https://sessions.example", **behind}
    assert client.post("/ai/sessions", headers=own).status_code == 200
    without_tls = {"Origin": "http://sessions.example", **behind}
    assert client.post("/ai/sessions", headers=without_tls).status_code == 403


def test_pages_of_an_allowed_origin_may_ask_and_read(client: httpx.Client) -> None:
    asks = {
        "Origin": APP,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "content-type,idempotency-key",
    }
    told = client.options("/ai/sessions/s1", headers=asks)
    assert told.status_code == 204
    assert "PATCH" in told.headers["Access-Control-Allow-Methods"]
    assert told.headers["Access-Control-Allow-Headers"] == asks["Access-Control-Request-Headers"]
    for answer in (told, client.get("/accounts", headers={"Origin": APP})):
        assert answer.headers["Access-Control-Allow-Origin"] == APP
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert "Origin" in answer.headers["Vary"]


def test_pages_of_other_origins_may_not(client: httpx.Client) -> None:
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PATCH"}
    for answer in (
        client.options("/ai/sessions/s1", headers=asks),
        client.get("/accounts", headers=asks),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.status_code in (401, 405)
