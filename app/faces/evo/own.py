"""A user's own sign-ins and tokens in the ServiceStack-style face: seen and ended without others.

To end one by cookie takes the password again, as all changes do here that a stranger at the
browser could make.
"""

from collections.abc import Mapping

from app.codecs.dto import Dto
from app.faces.evo.operations import Asked, Read, Result, required
from app.faces.evo.proof import act, is_proven, refuse_secrets_in_address, report
from app.faces.evo.users import done_headers, shown_token
from app.faces.evo.wire import user_requests as u
from app.faces.evo.wire.user_dto import SignInDetails, SignInList, TokenList
from app.http.request import Headers
from app.http.sign_in import no_cookies
from app.telemetry.security import Happening


async def _list_sign_ins(asked: Asked, _: u.ListSignIns) -> Result:
    principal = asked.http.principal
    return Result(
        SignInList(
            sign_ins=[
                SignInDetails(
                    id=found.id,
                    is_current=_is_current(asked, found.id),
                    signed_in_at=found.opened_at,
                    address=found.address,
                    auth_provider=found.means,
                    remember_me=found.permanent,
                    last_used_at=found.seen_at,
                    expires_at=found.expires_at,
                )
                for found in await asked.service.logins.open_of(principal.name)
            ]
        )
    )


async def _end_sign_in(asked: Asked, request: u.EndSignIn) -> Result:
    sign_in = required("signInId", request.sign_in_id).lower()
    await _prove(asked, request.your_password)
    principal = asked.http.principal
    done = await asked.service.logins.end(principal.name, sign_in, act(asked, request))
    if not done.replayed:
        report(asked, Happening.SIGNED_OUT, principal, subject=principal.name, sign_in=sign_in)
    gone: Headers = no_cookies(asked.http) if _is_current(asked, sign_in) else ()
    return Result(None, (*done_headers(done), *gone))


async def _end_sign_ins(asked: Asked, request: u.EndSignIns) -> Result:
    await _prove(asked, request.your_password)
    principal = asked.http.principal
    done = await asked.service.people.sign_out(principal.name, act(asked, request))
    if not done.replayed:
        report(asked, Happening.USER_CHANGED, principal, subject=principal.name)
    return Result(None, (*done_headers(done), *no_cookies(asked.http)))


async def _list_tokens(asked: Asked, _: u.ListOwnTokens) -> Result:
    found = await asked.service.tokens.all(asked.http.principal.name)
    return Result(TokenList(tokens=list(map(shown_token, found))))


async def _revoke_token(asked: Asked, request: u.RevokeOwnToken) -> Result:
    token_id = required("tokenId", request.token_id)
    await _prove(asked, request.your_password)
    principal = asked.http.principal
    done = await asked.service.tokens.revoke_own(principal, token_id, act(asked, request))
    if not done.replayed:
        report(
            asked, Happening.REVOKED, principal, subject=principal.name, token_id=token_id.lower()
        )
    return Result(None, done_headers(done))


async def _prove(asked: Asked, password: str | None) -> None:
    refuse_secrets_in_address(asked)
    await is_proven(asked, password, "yourPassword")


def _is_current(asked: Asked, sign_in: str) -> bool:
    principal = asked.http.principal
    # (A token may end with a sign-in, and is another credential.)
    return principal.auth == "cookie" and principal.sign_in == sign_in


HANDLERS: Mapping[type[Dto], Read] = {
    u.ListSignIns: Read(_list_sign_ins),
    u.EndSignIn: Read(_end_sign_in),
    u.EndSignIns: Read(_end_sign_ins),
    u.ListOwnTokens: Read(_list_tokens),
    u.RevokeOwnToken: Read(_revoke_token),
}
