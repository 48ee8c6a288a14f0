"""How a page is sent: its headers, and what all pages say of the caller and of where one can go."""

from msgspec import Struct

from app.auth.principals import Principal
from app.auth.roles import (
    ADMIN,
    AUDITOR,
    DATA_PROTECTION,
    ONLOOKERS,
    OPERATOR,
    SYSTEM_ADMINISTRATOR,
)
from app.http.browser import SIGN_IN, here, page_with_return
from app.http.identify import tokens, xsrf_token
from app.http.request import Headers, Reply, Request
from app.pages.templates import render

HTML = b"text/html; charset=utf-8"
POLICY: Headers = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        # (With form-action 'none', Chromium would drop even forms that only search.)
        b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
)
_AUDITORS = frozenset({AUDITOR, SYSTEM_ADMINISTRATOR, ADMIN})
_OPERATORS = frozenset({OPERATOR, SYSTEM_ADMINISTRATOR, ADMIN})
_PROTECTORS = frozenset({DATA_PROTECTION, ADMIN})
_READERS = ONLOOKERS | {SYSTEM_ADMINISTRATOR, ADMIN}


class Link(Struct, frozen=True):
    """An address of ours, and what it is called."""

    url: str
    text: str
    note: str = ""


class Frame(Struct, frozen=True):
    """What stands around every page: the ways on, the caller, the way in or out."""

    user: str
    """Empty: nobody is signed in."""
    roles: tuple[str, ...]
    by_cookie: bool
    """Whether the caller signed in by the form, and so can sign out."""
    xsrf: str
    sign_in_url: str
    request_id: str
    ways: tuple[Link, ...]
    at: str
    """The address of the way that leads here; empty: none of them."""


def may_audit(principal: Principal) -> bool:
    """Whether the pages of auditors are open to a caller."""
    return not _AUDITORS.isdisjoint(principal.roles)


def may_operate(principal: Principal) -> bool:
    """Whether what operators see is open to a caller."""
    return not _OPERATORS.isdisjoint(principal.roles)


def may_protect(principal: Principal) -> bool:
    """Whether the page of people is open to a caller."""
    return not _PROTECTORS.isdisjoint(principal.roles)


def may_read_chats(principal: Principal) -> bool:
    """Whether chat sessions are open to a caller."""
    return bool(principal.name) and principal.roles != (DATA_PROTECTION,)


def may_read_sessions(principal: Principal) -> bool:
    """Whether AI sessions are open to a caller."""
    return not _READERS.isdisjoint(principal.roles)


def page(
    request: Request,
    template: str,
    status: int = 200,
    headers: Headers = (),
    *,
    principal: Principal | None = None,
    **values: object,
) -> Reply:
    """A page; `principal`: the caller, if the request does not yet say so."""
    frame = _frame(request, principal or request.principal)
    text = render(template, frame=frame, here=frame.at, **values)
    return Reply(status, text.encode(errors="replace"), (*POLICY, *headers), HTML)


def _frame(request: Request, principal: Principal) -> Frame:
    sent = tokens(request)
    ways = tuple(_ways(principal))
    location = f"/{request.location}".lower()
    at = [way.url for way in ways if way.url != "/" and location.startswith(way.url.lower())]
    return Frame(
        user=principal.name,
        roles=principal.roles,
        by_cookie=principal.auth == "cookie",
        xsrf=xsrf_token(sent[0]) if sent else "",
        sign_in_url=page_with_return(SIGN_IN, here(request)),
        request_id=request.request_id,
        ways=ways,
        at=at[0] if at else "",
    )


def _ways(principal: Principal) -> list[Link]:
    ways = [Link("/", "Start")]
    if may_audit(principal):
        ways += [
            Link("/audit/events", "Events"),
            Link("/audit/access", "Access"),
            Link("/audit/proof", "Proof"),
        ]
    if may_protect(principal):
        ways.append(Link("/audit/people", "People"))
    if may_read_sessions(principal):
        ways.append(Link("/ai/sessions", "AI sessions"))
    if may_read_chats(principal):
        ways.append(Link("/api/v1/ChatSession", "Chat sessions"))
    if may_operate(principal):
        ways.append(Link("/ops", "Operations"))
    return [*ways, Link("/metadata", "APIs")]
