"""The page of an error, for any face that a browser asks: the reason, its request, ways on."""

from collections.abc import Sequence

from app.http.browser import SIGN_IN, here, page_with_return
from app.http.errors import Refusal
from app.http.request import Reply, Request
from app.pages.answer import Link, page

_TITLES = {
    400: "Not understood",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    406: "Not to be had",
    408: "Too slow",
    413: "Too large",
    414: "Too large",
    421: "Another host",
    429: "Too often",
    431: "Too large",
    500: "Our fault",
    503: "Not right now",
}
START = Link("/", "Start")


def error_page(request: Request, refused: Refusal, back: Sequence[Link] = ()) -> Reply:
    """The page of a refusal; `back`: the ways on that fit the face, beside the start page."""
    ways = [*back, START]
    if refused.status in (401, 403):
        ways.append(Link(page_with_return(SIGN_IN, here(request)), "Sign in as somebody else"))
    return page(
        request,
        "error.html.jinja",
        refused.status,
        refused.headers,
        title=_TITLES.get(refused.status, "Not possible"),
        message=refused.message,
        field="" if refused.field is None or refused.field in refused.message else refused.field,
        ways=ways,
    )
