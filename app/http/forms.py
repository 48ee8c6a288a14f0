"""What guards forms: a secret in each that no page of another origin can know."""

import hmac
import secrets
from collections.abc import Mapping

from app.auth.principals import Forbidden
from app.codecs.form import pairs
from app.codecs.formats import media_type
from app.codecs.json_text import BadInput
from app.http import cookies
from app.http.browser import CONTINUE, own_path
from app.http.identify import tokens, xsrf_token
from app.http.request import Headers, Request
from app.http.sign_in import is_secure

FORM = "application/x-www-form-urlencoded"
_COOKIE = "ss-form"
"""The cookie of a form that is filled in before there is a session."""
_ALIASES = (CONTINUE, "redirect")
"""Names of the parameter with the path to go on to: ours, and that of ServiceStack's services."""
_SITES = (None, b"same-origin", b"none")


class StaleForm(Forbidden):
    """The form is not one of ours, or has become too old."""

    def __init__(self) -> None:
        """The message says what to do."""
        super().__init__(message="This form is no longer valid: please send it once more")


def fields(request: Request) -> Mapping[str, str]:
    """The fields of a form by name; of two with one name, the first counts. Raises BadInput."""
    if media_type(request.headers.get(b"content-type")) != FORM and request.body:
        raise BadInput("A form of a page is sent here, as application/x-www-form-urlencoded")
    found: dict[str, str] = {}
    for name, value in pairs(request.body):
        found.setdefault(name, value)
    return found


def refuse_forged(request: Request, form: Mapping[str, str]) -> None:
    """Raise StaleForm unless a page of ours has sent the form in the present session."""
    given = form.get("xsrf", "").encode()
    known = [xsrf_token(token).encode() for token in tokens(request)]
    _refuse_unless(any(hmac.compare_digest(given, each) for each in known), request)


def refuse_forged_before(request: Request, form: Mapping[str, str]) -> None:
    """The same for a form that is filled in before there is a session."""
    key = cookies.read(request.headers.get(b"cookie")).get(_COOKIE, "")
    given = form.get("xsrf", "").encode()
    _refuse_unless(bool(key) and hmac.compare_digest(given, xsrf_token(key).encode()), request)


def _refuse_unless(is_ours: bool, request: Request) -> None:
    # (Their own forms name no origin: pages say `no-referrer`.)
    if not is_ours or request.headers.get(b"sec-fetch-site") not in _SITES:
        raise StaleForm


def new_key(request: Request) -> tuple[str, Headers]:
    """What a form holds before there is a session, and the headers that go with its page."""
    key = cookies.read(request.headers.get(b"cookie")).get(_COOKIE) or secrets.token_urlsafe(32)
    try:
        header = cookies.write(_COOKIE, key, max_age_s=None, secure=is_secure(request))
    except ValueError:
        key = secrets.token_urlsafe(32)
        header = cookies.write(_COOKIE, key, max_age_s=None, secure=is_secure(request))
    return xsrf_token(key), (header,)


def goes_on_to(request: Request, form: Mapping[str, str] | None = None) -> str:
    """The path of ours that a browser wants to go on to, by the form, else by the address."""
    given = dict(form or {})
    for name, value in request.pairs:
        given.setdefault(name.lower(), value)
    return own_path(next((given[name] for name in _ALIASES if given.get(name)), ""))
