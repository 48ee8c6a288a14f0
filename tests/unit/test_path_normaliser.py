"""How paths are spelt for the router, and which verb a POST stands for."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from app.http.path_normaliser import PathNormaliser
from app.main import all_faces

ID = "01890A5D-AC96-774B-BCCE-B302099A8057"


async def normalised(
    path: str,
    method: str = "GET",
    query: bytes = b"",
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> dict[str, Any]:
    """The scope of a request as the application meets it."""
    met: dict[str, Any] = {}

    async def app(scope: Any, receive: object, send: object) -> None:  # ASGI's
        met.update(scope)

    scope = {"type": "http", "path": path, "method": method, "query_string": query}
    normaliser = PathNormaliser(cast("Any", app), all_faces())
    await normaliser(
        cast("Any", scope | {"headers": headers}), cast("Any", None), cast("Any", None)
    )
    return met


@pytest.mark.parametrize(
    ("path", "spelt"),
    [
        ("/ai/sessions", "/ai/sessions"),
        ("/AI/Sessions/", "/ai/sessions"),
        ("/api/v1/chatsession/7", "/api/v1/ChatSession/7"),
        ("/API/V1/CHATSESSION/7/transferto/Kim", "/api/v1/ChatSession/7/TransferTo/Kim"),
        ("/json/reply/newaisession[]", "/json/reply/NewAISession[]"),
        ("/", "/"),
        ("", "/"),
    ],
)
async def test_paths_count_in_any_case(path: str, spelt: str) -> None:
    assert (await normalised(path))["path"] == spelt


async def test_parameters_count_as_they_are_spelt() -> None:
    seen = await normalised(f"/AI/sessions/{ID}/actions/Sessions")
    assert seen["segments"] == ["AI", "sessions", ID, "actions", "Sessions"]
    assert seen["location"] == f"AI/sessions/{ID}/actions/Sessions"


@pytest.mark.parametrize(
    ("path", "spelt", "suffix"),
    [
        ("/ai/sessions.XML", "/ai/sessions", "xml"),
        (f"/ai/sessions/{ID}.json", f"/ai/sessions/{ID}", "json"),
        ("/ai/sessions.txt", "/ai/sessions.txt", ""),
        ("/api/v1/ChatSession/7.json", "/api/v1/ChatSession/7.json", ""),
        ("/schema/openapi.json", "/schema/openapi.json", ""),
        ("/a.json/b", "/a.json/b", ""),
    ],
)
async def test_an_extension_names_a_format_where_the_face_has_some(
    path: str, spelt: str, suffix: str
) -> None:
    seen = await normalised(path)
    assert (seen["path"], seen["suffix"]) == (spelt, suffix)


@pytest.mark.parametrize(
    ("headers", "query", "verb"),
    [
        ((), b"", None),
        (((b"x-http-method-override", b"patch"),), b"", "PATCH"),
        (((b"x-http-method-override", b" DELETE "),), b"", "DELETE"),
        ((), b"a=1&X-HTTP-Method-Override=Put", "PUT"),
        (((b"x-http-method-override", b"DELETE"),), b"x-http-method-override=PUT", "DELETE"),
        (((b"x-http-method-override", b"GET"),), b"", None),
        (((b"x-http-method-override", b"BREW"),), b"", None),
        (((b"x-http-method-override", b"\xff"),), b"", None),
    ],
    ids=[
        "none", "header", "blanks", "query", "header first", "GET", "unknown", "no text",
    ],
)  # fmt: skip
async def test_a_post_may_stand_for_another_verb(
    headers: Sequence[tuple[bytes, bytes]], query: bytes, verb: str | None
) -> None:
    seen = await normalised("/ai/sessions", "POST", query, headers)
    assert seen["method"] == (verb or "POST")


async def test_only_faces_that_say_so_know_other_verbs() -> None:
    headers = [(b"x-http-method-override", b"DELETE")]
    seen = await normalised("/api/v1/ChatSession/7", "POST", headers=headers)
    assert seen["method"] == "POST"
