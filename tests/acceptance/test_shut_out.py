"""Who is shut out is refused by every worker, in every kind of credential, within 2 seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import httpx
import pytest
from support.cookies import cookie_header, set_cookies, sign_in
from support.patience import patient
from support.principals import basic as basic_bytes
from support.service_process import ServiceProcess
from support.service_process import service as running_service

from app.auth.tokens import IssuedToken
from app.maintenance import users
from app.maintenance.store import Connection, connected

CONNECTIONS = 12
"""As many meet both workers: the kernel picks one for each connection."""
LIMIT_S = 2.0
PASSWORD = "a long one for each of them"
Headers = Mapping[str, str]
EVO = ("GET", "/users")
"""Which no Auditor may."""
SUPEROFFICE = ("DELETE", "/api/v1/ChatSession/2000000000")
"""Of a chat that is not there: whoever may delete chats gets a 404."""
MEANS = {"Basic": EVO, "cookie": EVO, "token": EVO, "its token": EVO, "XSRF": SUPEROFFICE}

Change = Callable[[Connection, str, str], Awaitable[object]]
CHANGES: dict[str, tuple[Change, dict[str, int]]] = {
    "password changed": (
        lambda store, name, _: users.change_password(store, name, "another long one"),
        {"Basic": 401, "cookie": 401, "token": 401, "XSRF": 401},
    ),
    "roles changed": (
        lambda store, name, _: users.change_roles(store, name, ["Auditor"]),
        {"Basic": 403, "cookie": 403, "token": 403, "XSRF": 403},
    ),
    "disabled": (
        lambda store, name, _: users.disable(store, name),
        {"Basic": 401, "cookie": 401, "token": 401, "XSRF": 401},
    ),
    "removed": (
        lambda store, name, _: users.remove(store, name),
        {"Basic": 401, "cookie": 401, "token": 401, "XSRF": 401},
    ),
    "signed out": (
        lambda store, name, _: users.sign_out(store, name),
        {"cookie": 401, "token": 401, "XSRF": 401},
    ),
    "token revoked": (
        lambda store, _, token_id: users.revoke_token(store, token_id),
        {"token": 401},
    ),
}
"""What is done, and how each credential is refused then; the others go on."""


@pytest.fixture(scope="module")
def served() -> Iterator[ServiceProcess]:
    """A service with two workers."""
    with running_service("--workers=2") as served:
        yield served
        assert served.stop() == 0, served.log


@pytest.fixture(scope="module")
def clients(served: ServiceProcess) -> Iterator[Sequence[httpx.Client]]:
    """One connection each."""
    one = httpx.Limits(max_connections=1, keepalive_expiry=600)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                httpx.Client(base_url=served.base_url, limits=one, timeout=patient(60.0))
            )
            for _ in range(CONNECTIONS)
        ]


def on_data(served: ServiceProcess, work: Callable[[Connection], Awaitable[object]]) -> object:
    """What some work on the database gives."""

    async def run() -> object:
        async with connected(served.database_url) as store:
            return await work(store)

    return asyncio.run(run())


def basic(name: str, password: str) -> str:
    """The Authorization header."""
    return basic_bytes(name, password).decode()


def statuses(clients: Sequence[httpx.Client], means: str, headers: Headers) -> set[int]:
    """What all connections are answered."""
    method, path = MEANS[means]
    return {client.request(method, path, headers=headers).status_code for client in clients}


def credentials(
    served: ServiceProcess, client: httpx.Client, name: str
) -> tuple[dict[str, Headers], str]:
    """The headers of each means of a new administrator, and the id of the token."""

    async def add(store: Connection) -> object:
        await users.add(store, name, ["SystemAdministrator"], PASSWORD)
        return await users.issue_token(store, name)

    issued = on_data(served, add)
    assert isinstance(issued, IssuedToken)
    signed_in = sign_in(client, (name, PASSWORD))
    cookies = cookie_header(signed_in)
    return {
        "Basic": {"Authorization": basic(name, PASSWORD)},
        "cookie": cookies,
        "token": {"Authorization": f"Bearer {issued.token}"},
        "XSRF": {**cookies, "X-XSRF-TOKEN": set_cookies(signed_in)["XSRF-TOKEN"][0]},
    }, issued.id


@pytest.mark.parametrize("change", CHANGES)
def test_in_every_cell_it_is_refused_within_two_seconds(
    served: ServiceProcess, clients: Sequence[httpx.Client], change: str
) -> None:
    name = change.replace(" ", "-")
    headers, token_id = credentials(served, clients[0], name)
    for means in headers:
        assert statuses(clients, means, headers[means]) <= {200, 404}, means
    act, refused = CHANGES[change]
    on_data(served, lambda store: act(store, name, token_id))
    changed = time.monotonic()
    left = dict(refused)
    while left:
        assert time.monotonic() < changed + patient(LIMIT_S), f"not refused: {left}"
        for means in list(left):
            if statuses(clients, means, headers[means]) == {left[means]}:
                del left[means]
    for means in headers:  # and so it stays
        expected = {refused[means]} if means in refused else {200, 404}
        assert statuses(clients, means, headers[means]) <= expected, means


ENDED_BY_ITSELF = {
    "sign-in": {"cookie": 401, "XSRF": 401, "its token": 401},
    "token": {"token": 401},
    "everything": {"cookie": 401, "XSRF": 401, "its token": 401, "token": 401},
}
"""What a user ends of its own over HTTP, and how each credential is refused then."""


@pytest.mark.parametrize("ended", ENDED_BY_ITSELF)
def test_what_a_user_ends_is_refused_within_two_seconds(
    served: ServiceProcess, clients: Sequence[httpx.Client], ended: str
) -> None:
    client, name = clients[0], f"own-{ended}"
    headers, token_id = credentials(served, client, name)
    proven = {"userName": name, "password": PASSWORD}
    made = client.post("/tokens", json=proven, headers=headers["cookie"]).json()["token"]
    headers["its token"] = {"Authorization": f"Bearer {made}"}
    (signed_in,) = client.get("/auth/sign-ins", headers=headers["cookie"]).json()["signIns"]
    path = {
        "sign-in": f"/auth/sign-ins/{signed_in['id']}",
        "token": f"/auth/tokens/{token_id}",
        "everything": "/auth/sign-ins",
    }[ended]
    for means in headers:
        assert statuses(clients, means, headers[means]) <= {200, 404}, means
    body = {"yourPassword": PASSWORD}
    answer = client.request("DELETE", path, json=body, headers=headers["cookie"])
    assert answer.status_code == 204, answer.text
    changed = time.monotonic()
    left = dict(ENDED_BY_ITSELF[ended])
    while left:
        assert time.monotonic() < changed + patient(LIMIT_S), f"not refused: {left}"
        for means in list(left):
            if statuses(clients, means, headers[means]) == {left[means]}:
                del left[means]
    for means in headers.keys() - ENDED_BY_ITSELF[ended].keys():
        assert statuses(clients, means, headers[means]) <= {200, 404}, means


def test_the_refused_are_told_nothing_of_why(
    served: ServiceProcess, clients: Sequence[httpx.Client]
) -> None:
    """Unknown, disabled and removed users, with right and wrong passwords; tokens that ended."""
    client = clients[0]
    answers = set()
    for name in ("quiet-disabled", "quiet-removed"):
        headers, _ = credentials(served, client, name)
        shut_out = users.disable if name.endswith("disabled") else users.remove
        on_data(served, partial(shut_out_by, shut_out, name))
        tokens = [headers["token"]["Authorization"], "Bearer " + "A" * 43]
        assert len({seen(client, token) for token in tokens}) == 1
        answers |= {seen(client, basic(name, password)) for password in (PASSWORD, "wrong")}
    answers |= {seen(client, basic(name, PASSWORD)) for name in ("nobody", "", "a" * 65, "a\x07b")}
    assert len(answers) == 1
    ((status, text),) = answers
    assert (status, "Invalid Username or Password" in text) == (401, True)


def shut_out_by(
    change: Callable[[Connection, str], Awaitable[object]], name: str, store: Connection
) -> Awaitable[object]:
    return change(store, name)


def seen(client: httpx.Client, authorization: str) -> tuple[int, str]:
    answer = client.get("/ai/sessions", headers={"Authorization": authorization})
    return answer.status_code, answer.text
