"""Pages of what this API answers, for browsers: a chat session, a list of them, anything else."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from app.codecs.value import Tree
from app.faces.superoffice.wire.api import LIST, SuperOfficeDescription
from app.http.browser import wants_page
from app.http.request import Reply, Request
from app.pages.answer import Link, may_audit
from app.pages.shown import ROWS, Listed, entity_page, list_page, with_parameter

BACK = (Link("/api/v1/ChatSession", "Chat sessions"),)
FORMATS = frozenset({"json", "xml"})
_TECHNICAL = frozenset({"TableRight", "FieldProperties", "_Links"})
"""Members that are of use to programs only."""
_TITLES = {"GetChatSessionEntity": "Chat session"}
_ID = "chatSessionId"
_IN_ROWS = frozenset({"PrimaryKey", "EntityName"})


def is_wanted(request: Request) -> bool:
    """Whether a browser asks, and for no format of its own."""
    if b"html" not in request.headers.get(b"accept", b"").lower():
        return False  # as for nearly all requests
    return wants_page(request) and named_format(request) not in FORMATS


def named_format(request: Request) -> str:
    """The value of `$format`, lower case; empty if absent."""
    found = (value for name, value in request.pairs if name.lower() == "$format")
    return next(found, "").strip().lower()


def as_program(api: SuperOfficeDescription, request: Request) -> Request:
    """The request of a program that would get the same; a list has the newest first."""
    headers = {**request.headers, b"accept": b"application/json"}
    if api.name != LIST:
        return replace(request, headers=headers)
    given = {name.lower() for name, _ in request.pairs}
    usual = [("$top", str(ROWS)), ("$orderby", f"{_ID} desc")]
    pairs = [*request.pairs, *(pair for pair in usual if pair[0] not in given)]
    return replace(request, headers=headers, pairs=pairs)


def shown(api: SuperOfficeDescription, request: Request, reply: Reply) -> Reply:
    """The page of an answer in JSON; answers without a body stay as they are."""
    if reply.status != 200 or not reply.body:
        return reply
    tree = msgspec.json.decode(reply.body)
    formats = [
        Link(with_parameter(request, "$format", name), name.upper()) for name in ("json", "xml")
    ]
    if api.name == LIST:
        return list_page(
            request,
            "Chat sessions",
            _listed(request, tree),
            ways=[Link("/", "Start")],
            formats=formats,
            headers=reply.headers,
        )
    title = _TITLES.get(api.name, api.name)
    number = request.path.get("id") or request.path.get(_ID)
    return entity_page(
        request,
        f"{title} {number}" if number and api.name in _TITLES else title,
        _for_people(tree),
        ways=_ways(request, number),
        formats=formats,
        headers=reply.headers,
    )


def operations_page(request: Request, body: bytes) -> Reply:
    """The page of the operations, from the answer in JSON: a row for each verb of a path."""
    found: dict[str, dict[str, str]] = msgspec.json.decode(body)
    rows = [
        {"path": url.removeprefix(request.base_url), "verb": verb, "does": summary}
        for url, verbs in found.items()
        for verb, summary in verbs.items()
    ]
    return list_page(
        request,
        "Operations of the chat API",
        Listed(rows=rows, first="path", url=""),
        ways=[Link("/", "Start"), *BACK],
        formats=[Link(with_parameter(request, "$format", "json"), "JSON")],
    )


def _listed(request: Request, tree: dict[str, Any]) -> Listed:
    rows = [{name: row[name] for name in row if name not in _IN_ROWS} for row in tree["value"]]
    is_named = all(_ID in row for row in rows)
    following = tree.get("odata.nextLink") or ""
    return Listed(
        rows=rows,
        first=_ID if is_named or not rows else next(iter(rows[0])),
        url="/api/v1/ChatSession" if is_named else "",
        following=following.removeprefix(request.base_url),
    )


def _ways(request: Request, number: str | None) -> Sequence[Link]:
    ways = [Link("/", "Start"), *BACK]
    if number is not None:
        path = f"/api/v1/ChatSession/{quote(number, safe='')}"
        ways += [Link(path, "Session"), Link(f"{path}/Messages", "Messages")]
        if may_audit(request.principal):
            ways.append(Link(f"/audit/sessions/{quote(number, safe='')}/history", "History"))
    return ways


def _for_people(value: Tree) -> Tree:
    match value:
        case dict():
            return {
                name: _for_people(part) for name, part in value.items() if name not in _TECHNICAL
            }
        case list():
            return [_for_people(part) for part in value]
        case _:
            return value
