"""Pages of what this API answers, for browsers: sessions, accounts, users, and lists of them."""

from collections.abc import Sequence
from typing import Any, get_args
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from app.codecs.formats import CSV, FORMATS, JSON, JSV, XML
from app.faces.evo.wire.api import EvoDescription
from app.http.browser import wants_page
from app.http.request import Headers, Reply, Request
from app.pages.answer import Link, may_audit
from app.pages.shown import ROWS, Listed, entity_page, list_page, with_parameter

HTML = "html"
"""The value of `?format=` that asks for a page, as in ServiceStack."""
BACK = (Link("/ai/sessions", "AI sessions"), Link("/accounts", "Accounts"))
_FORMATS = (JSON, XML, CSV, JSV)
_TITLES = {
    "ListAISessions": "AI sessions",
    "ListAccounts": "Accounts",
    "GetAISession": "AI session",
    "GetAccount": "Account",
    "GetUser": "User",
}
_HISTORIES = {
    "GetAISession": ("sessionId", ""),
    "GetAccount": ("accountId", "account:"),
    "GetUser": ("name", "principal:"),
}
"""The parameter that names an entity, and what comes before it in the address of its history."""
_ROWS = {"ListAISessions": "/ai/sessions", "ListAccounts": "/accounts"}
_ORDERS = frozenset({"sortfield", "sortorder"})
_SIZES = frozenset({"countperpage", "all"})
_BY_NAME = frozenset({"api", *FORMATS})


def is_wanted(request: Request) -> bool:
    """Whether a page is asked for: by a browser at a REST route, or by `?format=html`."""
    if request.method not in ("GET", "HEAD") or request.suffix:
        return False
    if request.location.partition("/")[0].lower() in _BY_NAME:
        return False  # these routes ignore Accept
    asked = next((value for name, value in request.pairs if name.lower() == "format"), "")
    named = asked.lower().partition(".")[0]
    if b"html" not in request.headers.get(b"accept", b"").lower():
        return named == HTML  # as for nearly all requests
    return named == HTML or (wants_page(request) and named not in FORMATS)


def with_rows(api: EvoDescription, request: Request) -> Request:
    """The request with the usual size and order of a page's list, unless it names its own."""
    if api.name not in _ROWS:
        return request
    given = {name.lower() for name, _ in request.pairs if name}
    pairs = [*request.pairs]
    if _SIZES.isdisjoint(given):
        pairs.append(("countPerPage", str(ROWS)))
    if api.name == "ListAISessions" and _ORDERS.isdisjoint(given):
        pairs += [("sortField", "dateCreated"), ("sortOrder", "Descend")]
    return replace(request, pairs=pairs)


def shown(api: EvoDescription, request: Request, body: bytes, headers: Headers) -> Reply:
    """The page of an answer, which is given as JSON."""
    tree = msgspec.json.decode(body)
    title, formats = _TITLES.get(api.name, api.name), _formats(request)
    if get_args(api.response) and api.name in _ROWS:
        listed = _listed(api, request, tree)
        return list_page(
            request, title, listed, formats=formats, headers=headers, ways=_ways(api, request)
        )
    found = tree.get("id") or tree.get("name") if isinstance(tree, dict) else None
    return entity_page(
        request,
        f"{title} {found}" if found and api.name in _TITLES else title,
        tree,
        ways=_ways(api, request),
        formats=formats,
        headers=headers,
    )


def _listed(api: EvoDescription, request: Request, tree: dict[str, Any]) -> Listed:
    page = next((value for name, value in request.pairs if name.lower() == "page"), "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 9 else 0
    return Listed(
        rows=tree.get("items") or (),
        first="id",
        url=_ROWS[api.name],
        previous=with_parameter(request, "page", str(number - 1)) if number else "",
        following=(
            with_parameter(request, "page", str(number + 1)) if tree.get("hasMorePages") else ""
        ),
    )


def _ways(api: EvoDescription, request: Request) -> Sequence[Link]:
    ways = [Link("/", "Start"), *BACK] if api.name not in _ROWS else [Link("/", "Start")]
    if api.name in _HISTORIES and may_audit(request.principal):
        parameter, prefix = _HISTORIES[api.name]
        # (The query may name another one than the path: it takes precedence.)
        given = {name.lower(): value for name, value in request.pairs if value}
        name = given.get(parameter.lower()) or request.path.get(parameter, "")
        ways.append(Link(f"/audit/sessions/{prefix}{quote(name, safe='')}/history", "History"))
    return ways


def _formats(request: Request) -> Sequence[Link]:
    return [
        Link(with_parameter(request, "format", format_.name), format_.name.upper())
        for format_ in _FORMATS
    ]
