"""The users who may call, for operators: their actor is the operator's account on the machine."""

import getpass
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
from msgspec import UNSET, Struct

from app.auth.lifetimes import end_of
from app.auth.people import People, Person
from app.auth.register import Act, Register
from app.auth.roles import SYSTEM_ADMINISTRATOR
from app.auth.tokens import IssuedToken, TokenInfo, Tokens
from app.log.facts import Facts
from app.log.read import heads
from app.maintenance.password_file import FIRST_FILE
from app.maintenance.store import Connection
from app.settings import CallerLimits
from domain.errors import AlreadyExists, InvalidField, NotFound
from domain.ids import partition_of
from domain.principal.state import PrincipalState, lasting


class UserError(Exception):
    """A user cannot be added or changed, or does not exist; the message is for humans."""


def by_operator(operation: str) -> Act:
    """An operator's change of a user."""
    metadata = msgspec.json.encode({"face": "cli", "operation": operation}).decode()
    return Act(f"cli:{_account()}", Facts(metadata))


async def people(store: Connection) -> People:
    """All principals, over a command's own connection."""
    return People(await _register(store))


async def _tokens(store: Connection) -> Tokens:
    register = await _register(store)
    return Tokens(register, People(register), CallerLimits())


async def _register(store: Connection) -> Register:
    return Register(store, partial(partition_of, partitions=len(await heads(store))))


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn the domain's refusals into sentences about users."""
    try:
        yield
    except NotFound:
        # (A terminal obeys what a name may hold.)
        shown_name = name if name.isprintable() else ascii(name)
        raise UserError(f"There is no user {shown_name}") from None
    except InvalidField as error:
        raise UserError(str(error)) from error


async def add(
    store: Connection,
    name: str,
    roles: Sequence[str],
    password: str | None,
    *,
    must_change_password: bool = False,
) -> None:
    """Add a user; without a password it calls with tokens only. Raises UserError."""
    known = await people(store)
    try:
        await known.add(
            name,
            roles,
            password,
            by_operator("AddUser"),
            must_change_password=must_change_password,
        )
    except AlreadyExists:
        if (await known.find(name)).info.state is PrincipalState.REMOVED:
            raise UserError(
                f"There was a user {name}, who was removed: a name is given only once, so that "
                "the log tells who acted"
            ) from None
        raise UserError(f"There is a user {name} already") from None
    except InvalidField as error:
        raise UserError(str(error)) from error


async def everybody(store: Connection) -> list[Person]:
    """All users, removed ones included."""
    return await (await people(store)).everybody()


async def all_shown(store: Connection) -> "list[UserInfo]":
    """All users as commands show them."""
    return [shown(person) for person in await everybody(store)]


async def change_password(store: Connection, name: str, password: str) -> None:
    """Give a user another password. Raises UserError."""
    with _told(name):
        await (await people(store)).change_password(name, password, by_operator("ChangePassword"))


async def change_roles(store: Connection, name: str, roles: Sequence[str]) -> None:
    """Give a user these roles only. Raises UserError."""
    with _told(name):
        await (await people(store)).change_roles(name, roles, by_operator("ChangeRoles"))


async def disable(store: Connection, name: str) -> None:
    """Shut a user out. Raises UserError."""
    with _told(name):
        await (await people(store)).disable(name, by_operator("DisableUser"))


async def enable(store: Connection, name: str) -> None:
    """Let a disabled user in again. Raises UserError."""
    with _told(name):
        await (await people(store)).enable(name, by_operator("EnableUser"))


async def remove(store: Connection, name: str) -> None:
    """Shut a user out for good. Raises UserError."""
    with _told(name):
        await (await people(store)).remove(name, by_operator("RemoveUser"))


async def sign_out(store: Connection, name: str) -> None:
    """End all sign-ins and tokens of a user. Raises UserError."""
    with _told(name):
        await (await people(store)).sign_out(name, by_operator("SignOutUser"))


async def issue_token(
    store: Connection,
    name: str,
    label: str = "",
    expires: str = "",
) -> IssuedToken:
    """A new bearer token for a user; only its hash is stored. Raises UserError.

    `expires`: as people write it; empty for the default.
    """
    with _told(name):
        known = await _tokens(store)
        issued = await known.issue(
            name,
            by_operator("IssueToken"),
            label=label,
            expires_at=end_of(expires, datetime.now(UTC)) if expires else UNSET,
        )
        return issued.token


async def give_token(store: Connection, name: str) -> str:
    """The text of a new bearer token for a user, which lasts as long as by default."""
    return (await issue_token(store, name)).token


async def tokens(store: Connection, name: str | None = None) -> list[TokenInfo]:
    """The tokens that have not ended, of one user or all. Raises UserError."""
    with _told(name or ""):
        return await (await _tokens(store)).all(name)


async def revoke_token(store: Connection, token_id: str) -> str:
    """End a token; the name of its user. Raises UserError."""
    try:
        done = await (await _tokens(store)).revoke(token_id, by_operator("RevokeToken"))
        return done.state.name
    except NotFound:
        shown_id = token_id if token_id.isprintable() else ascii(token_id)
        raise UserError(f"There is no token {shown_id} that has not ended") from None


class UserInfo(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user as commands show it."""

    name: str
    roles: Sequence[str]
    state: PrincipalState
    associate_id: int
    has_password: bool
    must_change_password: bool
    tokens: int
    created_by: str
    created_at: datetime
    modified_by: str
    modified_at: datetime


def shown(person: Person) -> UserInfo:
    """A user as commands show it."""
    info = person.info
    return UserInfo(
        name=info.name,
        roles=info.roles,
        state=info.state,
        associate_id=info.associate_id,
        has_password=info.has_password,
        must_change_password=info.must_change_password,
        tokens=len(lasting(info.tokens, datetime.now(UTC))),
        created_by=person.created_by,
        created_at=person.created_at,
        modified_by=person.modified_by,
        modified_at=person.modified_at,
    )


async def ensure_administrator(
    store: Connection,
    name: str,
    password: str | None,
    keep: Callable[[str], None] = lambda _: None,
) -> str | None:
    """Add the first administrator if there are no users yet.

    Without a password, or with an empty one, a password is generated, which the administrator has
    to change: `keep` is called with it before it counts, and it is returned. Raises UserError, or
    what `keep` raises.
    """
    if await everybody(store):
        return None
    chosen = password or secrets.token_urlsafe(18)
    if not password:
        keep(chosen)
    try:
        await add(store, name, [SYSTEM_ADMINISTRATOR], chosen, must_change_password=not password)
    except UserError as error:
        # Of several services that start at once, one adds it.
        if await everybody(store):
            return None
        raise UserError(f"The first administrator cannot be added: {error}") from error
    return None if password else chosen


async def forget_first_password(store: Connection, data_dir: Path) -> None:
    """Remove the file with the generated password once nobody has to change it any more."""
    file = data_dir / FIRST_FILE
    if file.exists() and not any(
        person.info.must_change_password and person.info.state is PrincipalState.ACTIVE
        for person in await everybody(store)
    ):
        file.unlink()


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have
        return "operator"
