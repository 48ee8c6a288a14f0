"""Signing in over HTTP, with the cookies as they stand in headers: no cookie jar tidies them up."""

from collections.abc import Mapping

import httpx

CREDENTIALS = "/auth/credentials"


def sign_in(
    client: httpx.Client, who: tuple[str, str], *, remember: bool = False, **headers: str
) -> httpx.Response:
    """The answer to a sign-in; `headers` by names with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"userName": who[0], "password": who[1], "rememberMe": remember}
    answer = client.post(CREDENTIALS, json=body, headers=named)
    client.cookies.clear()
    return answer


def set_cookies(answer: httpx.Response) -> dict[str, list[str]]:
    """The attributes of each cookie that an answer sets, by name; the first is its value."""
    cookies = {}
    for header in answer.headers.get_list("set-cookie"):
        pair, *attributes = header.split("; ")
        name, _, value = pair.partition("=")
        cookies[name] = [value, *attributes]
    return cookies


def cookie_header(answer: httpx.Response) -> Mapping[str, str]:
    """The Cookie header of whoever got this answer."""
    pairs = [f"{name}={values[0]}" for name, values in set_cookies(answer).items()]
    return {"Cookie": "; ".join(pairs)}


def is_signed_in(client: httpx.Client, headers: Mapping[str, str]) -> bool:
    """What a client reads of itself."""
    answer = client.get("/auth/status", headers=headers)
    assert answer.status_code == 200
    found = answer.json()["isAuthenticated"]
    assert isinstance(found, bool)
    return found
