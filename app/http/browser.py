"""Browsers: which requests are a person's, and to which page of ours such a person is sent."""

from functools import lru_cache
from urllib.parse import quote

from app.auth.principals import OwnPasswordFirst, Unauthenticated
from app.codecs.formats import accepted
from app.http.request import Headers, Reply, Request

SIGN_IN = "/login"
"""The page to sign in on; ServiceStack's services send browsers to a page of this name too."""
OWN_ACCOUNT = "/password"
"""The page on which a password is changed."""
CONTINUE = "continue"
"""The parameter with the path to go on to."""
START = "/"

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_JAVA = "image/gif"
"""Only programs name this beside HTML: Java's own client, when nobody told it what to accept."""
_BY_LINK = frozenset({"GET", "HEAD"})
_MAX_PATH = 4_096


def wants_page(request: Request) -> bool:
    """Whether a browser follows a link, or was given an address: it prefers HTML to all else."""
    accept = request.headers.get(b"accept")
    return accept is not None and request.method in _BY_LINK and _prefers_html(accept)


@lru_cache(256)
def _prefers_html(accept: bytes) -> bool:
    wanted = accepted(accept)
    return bool(wanted) and wanted[0] in _PAGES and _JAVA not in wanted


def own_path(text: str) -> str:
    """The path and query that a text names, if it leads to this service; else the start page.

    Browsers read `//host` and `/\\host` as another host's address, also with blanks of any kind in
    between, and drop some control characters.
    """
    is_own = text.startswith("/") and not text.startswith("//") and len(text) <= _MAX_PATH
    if not is_own or "\\" in text or any(ord(each) <= 32 or ord(each) == 127 for each in text):
        return START
    try:
        return quote(text, safe="/?&=%:@!$'()*+,;~-._[]#")
    except UnicodeEncodeError:  # half of a surrogate pair
        return START


def here(request: Request) -> str:
    """The path and query of a request, to come back to."""
    suffix = f".{request.suffix}" if request.suffix else ""
    query = request.query.decode("latin-1")
    path = quote(f"/{request.location}{suffix}", safe="/:@,")
    return f"{path}?{query}" if query else path


def page_with_return(page: str, path: str) -> str:
    """The address of a page that leads on to a path of ours."""
    return page if path == START else f"{page}?{CONTINUE}={quote(path, safe='/')}"


def see_other(path: str, headers: Headers = ()) -> Reply:
    """The answer that leads a browser on to a path of ours."""
    return Reply(303, headers=((b"location", path.encode()), *headers))


def sent_on(error: Exception, request: Request | None) -> Reply | None:
    """The way to the page that removes the reason of a refusal; None: there is none.

    Only browsers that follow a link are sent, and only if they would sign in by a form: who sends
    an Authorization header, right or wrong, did not come from it.
    """
    if request is None or b"authorization" in request.headers or not wants_page(request):
        return None
    match error:
        case Unauthenticated():
            return see_other(page_with_return(SIGN_IN, here(request)))
        case OwnPasswordFirst():
            return see_other(page_with_return(OWN_ACCOUNT, here(request)))
        case _:
            return None
