"""Signing in and out, and changing one's password, by forms."""

from collections.abc import Mapping
from contextlib import suppress

from app.auth.principals import Principal
from app.auth.register import Act
from app.codecs.json_text import BadInput
from app.http.browser import OWN_ACCOUNT, SIGN_IN, page_with_return, see_other
from app.http.errors import Refusal
from app.http.forms import (
    fields,
    goes_on_to,
    new_key,
    refuse_forged,
    refuse_forged_before,
)
from app.http.identify import AuthPolicy, identify, session, tokens, xsrf_token
from app.http.reports import attempt_of
from app.http.request import Reply, Request
from app.http.sign_in import no_cookies, sign_in, sign_out, signed_in_cookies
from app.pages.answer import page
from app.service import Service
from app.telemetry.security import Happening

POLICY = AuthPolicy()
"""Basic, Bearer, and the cookies of a sign-in."""
_NOT_SHOWN_TO_BROWSERS = frozenset({b"www-authenticate"})
"""Headers of refusals: with this one, a browser would ask in a window of its own."""


async def show_sign_in(request: Request, _: Service) -> Reply:
    """`GET /login?continue=…`: the form."""
    return _sign_in_page(request, {})


async def do_sign_in(request: Request, service: Service) -> Reply:
    """`POST /login`: the form as it was sent. Raises StaleForm, Unauthenticated, Throttled."""
    form = fields(request)
    refuse_forged_before(request, form)
    name, password = form.get("userName", ""), form.get("password", "")
    if not name or not password:
        raise BadInput("Give your name and your password")
    permanent = "remember" in form
    token, login = await sign_in(request, service, name, password, permanent=permanent)
    path = goes_on_to(request, form)
    if login.principal.must_change_password:
        path = page_with_return(OWN_ACCOUNT, path)
    return see_other(path, signed_in_cookies(request, service, token, permanent=permanent))


async def do_sign_out(request: Request, service: Service) -> Reply:
    """`POST /logout`. Raises StaleForm."""
    if tokens(request):
        refuse_forged(request, fields(request))
        await sign_out(request, service)
    return see_other("/", no_cookies(request))


async def show_password(request: Request, service: Service) -> Reply:
    """`GET /password?continue=…`: the form to change one's password."""
    found = await session(request, service)
    if found is None:
        return see_other(page_with_return(SIGN_IN, OWN_ACCOUNT))
    return _password_page(request, {}, found[1].principal)


async def do_change_password(request: Request, service: Service) -> Reply:
    """`POST /password`: a new password; all other sign-ins and all tokens end.

    Raises StaleForm, BadInput, UnfitPassword, Unauthenticated, Throttled.
    """
    found = await session(request, service)
    if found is None:
        return see_other(page_with_return(SIGN_IN, OWN_ACCOUNT))
    principal, form = found[1].principal, fields(request)
    refuse_forged(request, form)
    present, new = form.get("password", ""), form.get("newPassword", "")
    if not present or not new:
        raise BadInput("Give your present password, and the new one twice")
    if new != form.get("again"):
        raise BadInput("The two new passwords differ")
    if new == present:
        raise BadInput("This is the present password")
    verified = await service.principals.by_password(principal.name, present, request.client)
    await service.people.change_password(
        principal.name,
        new,
        Act(principal.name, request.call().facts),
        generation=verified.generation,
    )
    changed = attempt_of(request, Happening.USER_CHANGED, principal)
    service.attempts.report(changed)
    token, login = await sign_in(
        request, service, principal.name, new, permanent=found[1].permanent
    )
    cookies = signed_in_cookies(request, service, token, permanent=login.permanent)
    return see_other(goes_on_to(request, form), cookies)


def refused_form(refused: Refusal, request: Request) -> Reply | None:
    """The form again, with the reason of a refusal; None: the request sent none."""
    form: Mapping[str, str] = {}
    with suppress(BadInput):
        form = fields(request)
    match request.operation:
        case "SignIn":
            return _sign_in_page(request, form, refused)
        case "ChangeOwnPassword":
            return _password_page(request, form, Principal("", (), auth="cookie"), refused)
        case _:
            return None


def _sign_in_page(
    request: Request, form: Mapping[str, str], refused: Refusal | None = None
) -> Reply:
    key, headers = new_key(request)
    return page(
        request,
        "console/sign_in.html.jinja",
        200 if refused is None else refused.status,
        (*headers, *_kept(refused)),
        form=form,
        xsrf=key,
        goes_on_to=goes_on_to(request, form),
        refused="" if refused is None else refused.message,
    )


def _password_page(
    request: Request,
    form: Mapping[str, str],
    principal: Principal,
    refused: Refusal | None = None,
) -> Reply:
    sent = tokens(request)
    return page(
        request,
        "console/password.html.jinja",
        200 if refused is None else refused.status,
        _kept(refused),
        principal=principal,
        must=principal.must_change_password,
        name=principal.name or form.get("userName", ""),
        xsrf=xsrf_token(sent[0]) if sent else "",
        goes_on_to=goes_on_to(request, form),
        refused="" if refused is None else refused.message,
    )


def _kept(refused: Refusal | None) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of a refusal that a browser gets."""
    headers = () if refused is None else refused.headers
    return tuple(header for header in headers if header[0] not in _NOT_SHOWN_TO_BROWSERS)


async def caller(request: Request, service: Service) -> Principal | None:
    """Who looks at a page that is open to anybody. Raises Unauthenticated for wrong credentials."""
    if b"authorization" in request.headers:
        return await identify(request, POLICY, service, is_safe=True)
    found = await session(request, service)
    return None if found is None else found[1].principal
