"""A user's name has a limit; the longest works everywhere, with the longest keys too."""

import random
import string
from collections.abc import Callable

import httpx
import pytest
from support.service_process import ServiceProcess
from support.users import add_users

from domain.limits import ACCOUNT_ID_LENGTH, PRINCIPAL_NAME_LENGTH

KEYS = {"longest": "k" * 255, "wide": "\xff" * 255, "fits": "k" * 80, "short": "k"}
LONG = "".join(random.Random(1).choices(string.ascii_letters, k=2_600))  # no secret
NAMES = {"letters": "k" * PRINCIPAL_NAME_LENGTH, "wide": "\U0001f600" * PRINCIPAL_NAME_LENGTH}
CHATS = "/api/v1/ChatSession"


@pytest.fixture(scope="module", params=NAMES)
def caller(served: ServiceProcess, request: pytest.FixtureRequest) -> httpx.Headers:
    """The headers of somebody whose name is as long as any."""
    name = NAMES[request.param]
    token = add_users(served, {name: "SystemAdministrator"})[name]
    return httpx.Headers({"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("key", [None, *KEYS])
def test_who_has_a_long_name_is_served_whatever_the_key(
    anonymous: httpx.Client, caller: httpx.Headers, key: str | None
) -> None:
    headers = caller.copy()
    if key is not None:
        headers = httpx.Headers([*headers.raw, (b"Idempotency-Key", KEYS[key].encode("latin-1"))])
    answers = [
        anonymous.post(path, json=body, headers=headers)
        for path, body in (
            ("/ai/sessions", {"purpose": "long"}),
            (CHATS, {"CustomerName": "Kim", "Status": "InQueue"}),
        )
    ]
    assert answers[0].status_code == 200, answers[0].text
    # (The key was used for another command then.)
    assert answers[1].status_code == (200 if key is None else 422), answers[1].text


def test_who_has_a_long_name_takes_chats_and_is_listed(
    anonymous: httpx.Client, caller: httpx.Headers
) -> None:
    made = anonymous.post(CHATS, json={"Status": "InQueue"}, headers=caller)
    number = made.json()["ChatSessionId"]
    for method, path in (
        ("POST", f"{CHATS}/{number}/Pickup"),
        ("GET", f"{CHATS}/{number}"),
        ("GET", f"{CHATS}?$orderby=agent&$top=1"),
        ("GET", f"{CHATS}?$orderby=agent desc&$top=1"),
        ("GET", "/ai/sessions?sortField=createdBy"),
    ):
        answer = anonymous.request(method, path, headers=caller)
        assert answer.status_code == 200, (path, answer.text)
        if link := path.startswith(f"{CHATS}?") and answer.json().get("odata.nextLink"):
            assert anonymous.get(link, headers=caller).status_code == 200


@pytest.mark.parametrize("length", [PRINCIPAL_NAME_LENGTH, PRINCIPAL_NAME_LENGTH + 1])
def test_a_new_user_has_a_name_of_at_most_so_many_characters(
    served: ServiceProcess, length: int
) -> None:
    added = served.command("users", "add", "\u00e5" * length, "--role=Agent")
    if length <= PRINCIPAL_NAME_LENGTH:
        assert added.returncode == 0, added.stderr
    else:
        assert added.returncode == 2
        assert f"at most {PRINCIPAL_NAME_LENGTH} characters" in added.stderr


def test_the_longest_ids_of_accounts_are_taken(admin: httpx.Client) -> None:
    ids = ["\U0001f600" * ACCOUNT_ID_LENGTH, LONG[:ACCOUNT_ID_LENGTH]]
    headers = [(b"Idempotency-Key", ("\xff" * 254 + str(n)).encode("latin-1")) for n in range(2)]
    for account, header in zip(ids, headers, strict=True):
        body = {"id": account, "name": "\U0001f600" * 255}
        made = admin.post("/accounts", json=body, headers=[header])
        assert made.status_code == 200, made.text


@pytest.mark.parametrize("text", [LONG, "\U0001f600" * 700], ids=["letters", "wide"])
def test_long_texts_that_are_looked_for_are_found_nowhere(
    admin: httpx.Client, client: Callable[[tuple[str, str] | None], httpx.Client], text: str
) -> None:
    asked = {
        "/ai/sessions": {"accountIds": text},
        "/accounts": {"specificIds": text},
        CHATS: {"$filter": f"firstMessage eq '{text}'"},
    }
    for path, query in asked.items():
        assert admin.get(path, params=query).status_code < 500
    for path in ("/auth/credentials", "/ai/sessions"):
        who = client((text[:600], "guess"))
        assert who.post(path, json={"userName": text, "password": "x"}).status_code in (400, 401)
