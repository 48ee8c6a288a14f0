"""Users, passwords and tokens in the ServiceStack-style face: what administrators do, and oneself.

Each change by cookie asks for the caller's password again: a browser that was left alone, or a
page that got hold of the cookie, gives nobody a lasting way in.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import UNSET

from app.auth.lifetimes import end_of
from app.auth.people import Person
from app.auth.register import Act, Registered
from app.auth.roles import ROLES
from app.auth.tokens import Issued, TokenInfo
from app.codecs.dto import Dto
from app.codecs.json_text import BadInput
from app.faces.evo.operations import Asked, Read, Result, required
from app.faces.evo.proof import act, is_proven, refuse_secrets_in_address, report, verified
from app.faces.evo.wire import user_requests as u
from app.faces.evo.wire.dto import AuthTokenInfo
from app.faces.evo.wire.user_dto import NewTokenInfo, TokenDetails, TokenList, UserDetails, UserList
from app.http.request import Headers, etag
from app.http.sign_in import no_cookies
from app.telemetry.security import Happening
from domain.principal.state import lasting

_ROLES = {role.lower(): role for role in ROLES}


async def _list_users(asked: Asked, _: u.ListUsers) -> Result:
    return Result(UserList(users=list(map(_details, await asked.service.people.everybody()))))


async def _get_user(asked: Asked, request: u.GetUser) -> Result:
    person = await asked.service.people.find(required("name", request.name))
    return Result(_details(person), (etag(person.version),))


async def _new_user(asked: Asked, request: u.NewUser) -> Result:
    name, roles = required("name", request.name), _known(request.roles)
    refuse_secrets_in_address(asked)
    await is_proven(asked, request.your_password, "yourPassword")
    asked.http.principal.require_power_over(roles)
    done = await asked.service.people.add(
        name, roles, request.password or None, act(asked, request), must_change_password=True
    )
    return await _changed(asked, name, done)


async def _set_roles(asked: Asked, request: u.SetUserRoles) -> Result:
    roles = _known(request.roles)

    def change(name: str, by: Act) -> Awaitable[Registered]:
        return asked.service.people.change_roles(name, roles, by)

    return await _change(asked, request, change, roles)


async def _set_password(asked: Asked, request: u.SetUserPassword) -> Result:
    new = required("newPassword", request.new_password)

    def change(name: str, by: Act) -> Awaitable[Registered]:
        return asked.service.people.change_password(name, new, by, must_change_password=True)

    return await _change(asked, request, change)


async def _disable(asked: Asked, request: u.DisableUser) -> Result:
    return await _change(asked, request, asked.service.people.disable)


async def _enable(asked: Asked, request: u.EnableUser) -> Result:
    return await _change(asked, request, asked.service.people.enable)


async def _remove(asked: Asked, request: u.RemoveUser) -> Result:
    return await _change(asked, request, asked.service.people.remove)


async def _sign_out(asked: Asked, request: u.SignOutUser) -> Result:
    return await _change(asked, request, asked.service.people.sign_out)


async def _change(
    asked: Asked,
    request: u.UserChange,
    change: Callable[[str, Act], Awaitable[Registered]],
    roles: Collection[str] = (),
) -> Result:
    """Change a user over whom the caller has power; `roles`: that the user would get."""
    name = required("name", request.name)
    refuse_secrets_in_address(asked)
    await is_proven(asked, request.your_password, "yourPassword")
    person = await asked.service.people.find(name)
    asked.http.principal.require_power_over({*person.info.roles, *roles})
    return await _changed(asked, name, await change(name, act(asked, request)))


async def _changed(asked: Asked, name: str, done: Registered) -> Result:
    report(asked, Happening.USER_CHANGED, asked.http.principal, subject=name)
    person = await asked.service.people.find(name)
    return Result(_details(person), done_headers(done, person.position))


def done_headers(done: Registered, before: int = 0) -> Headers:
    """Headers of the answer to a change; `before`: the position of the last one, if any."""
    position = b"%d:%d" % (done.partition, done.position or before)
    headers = (etag(done.version), (b"x-log-position", position))
    return (*headers, (b"idempotent-replayed", b"true")) if done.replayed else headers


async def _list_tokens(asked: Asked, request: u.ListTokens) -> Result:
    found = await asked.service.tokens.all(request.user_name or None)
    return Result(TokenList(tokens=list(map(shown_token, found))))


async def _new_token(asked: Asked, request: u.NewToken) -> Result:
    issued = await _issue(asked, required("userName", request.user_name), request)
    token = issued.token
    info = NewTokenInfo(
        id=token.id,
        token=token.token,
        principal=token.principal,
        label=token.label,
        expires_at=token.expires_at,
    )
    return Result(info, done_headers(issued.done))


async def _revoke_token(asked: Asked, request: u.RevokeToken) -> Result:
    token_id = required("tokenId", request.token_id)
    await is_proven(asked, request.your_password, "yourPassword")
    principal = asked.http.principal
    done = await asked.service.tokens.revoke(token_id, act(asked, request), principal)
    report(asked, Happening.REVOKED, principal, subject=done.state.name, token_id=token_id)
    return Result(None, done_headers(done))


async def _request_auth_token(asked: Asked, request: u.RequestAuthToken) -> Result:
    """`/auth/token`: a user's name is the id, and also the e-mail address if it looks like one."""
    name = required("userId", request.user_id or request.user_email_address)
    if request.user_email_address not in (None, "", name):
        raise BadInput("userId and userEmailAddress name two users", field="userEmailAddress")
    return Result(AuthTokenInfo(auth_token=(await _issue(asked, name, request)).token.token))


async def _issue(asked: Asked, name: str, wish: u.NewToken | u.RequestAuthToken) -> Issued:
    """A token, which ends with the cookie or the token by which it was asked for.

    It is independent of these if that is wished by who gives the password.
    """
    proven = await is_proven(asked, wish.password, "password")
    if wish.is_independent and not proven:
        message = "A token that does not end with the one it was asked with takes the password"
        raise BadInput(message, field="password", code="NotEmpty")
    principal = asked.http.principal
    issued = await asked.service.tokens.issue_by(
        principal,
        name,
        act(asked, wish),
        label=wish.label or "",
        expires_at=end_of(wish.expires, datetime.now(UTC)) if wish.expires else UNSET,
        is_independent=wish.is_independent is True,
    )
    report(asked, Happening.ISSUED, principal, subject=name, token_id=issued.token.id)
    return issued


async def _change_password(asked: Asked, request: u.ChangePassword) -> Result:
    """`/auth/password`: a user's own; all sign-ins and tokens of the user end."""
    new = required("newPassword", request.new_password)
    principal = asked.http.principal
    known = await verified(asked, required("password", request.password))
    if new == request.password:
        raise BadInput("This is the present password", field="newPassword")
    done = await asked.service.people.change_password(
        principal.name, new, act(asked, request), generation=known.generation
    )
    report(asked, Happening.USER_CHANGED, principal, subject=principal.name)
    return Result(None, (*done_headers(done), *no_cookies(asked.http)))


HANDLERS: Mapping[type[Dto], Read] = {
    u.ListUsers: Read(_list_users),
    u.GetUser: Read(_get_user),
    u.NewUser: Read(_new_user),
    u.SetUserRoles: Read(_set_roles),
    u.SetUserPassword: Read(_set_password),
    u.DisableUser: Read(_disable),
    u.EnableUser: Read(_enable),
    u.RemoveUser: Read(_remove),
    u.SignOutUser: Read(_sign_out),
    u.ListTokens: Read(_list_tokens),
    u.NewToken: Read(_new_token),
    u.RevokeToken: Read(_revoke_token),
    u.RequestAuthToken: Read(_request_auth_token),
    u.ChangePassword: Read(_change_password),
}


def _known(given: Sequence[str] | None) -> list[str]:
    """The roles of a request, as they are spelt. Raises BadInput for none, or an unknown one."""
    roles = list(given or ())
    unknown = [role for role in roles if role.lower() not in _ROLES]
    if unknown or not roles:
        what = f"There is no role {unknown[0]}" if unknown else "Name at least one role"
        raise BadInput(f"{what}: roles are {', '.join(ROLES)}", field="roles")
    return [_ROLES[role.lower()] for role in roles]


def _details(person: Person) -> UserDetails:
    info = person.info
    return UserDetails(
        name=info.name,
        roles=list(info.roles),
        state=info.state.value,
        associate_id=info.associate_id,
        has_password=info.has_password,
        must_change_password=info.must_change_password,
        tokens=len(lasting(info.tokens, datetime.now(UTC))),
        created_by=person.created_by,
        created_at=person.created_at,
        modified_by=person.modified_by,
        modified_at=person.modified_at,
    )


def shown_token(found: TokenInfo) -> TokenDetails:
    """A token without its secret."""
    return TokenDetails(
        id=found.id,
        principal=found.principal,
        label=found.label,
        issued_by=found.issued_by,
        issued_at=found.issued_at,
        expires_at=found.expires_at,
        last_used_at=found.last_used_at,
    )
