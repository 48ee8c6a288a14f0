"""Asks a running service over HTTP, and says in words what went wrong."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import NoReturn, TypeVar

import httpx
import msgspec
from msgspec import Struct

from app.cli.exit_codes import Refused
from app.cli.output import plain
from app.maintenance.store import NotReachable
from domain.errors import NotFound

T = TypeVar("T")
_ADVICE = {
    HTTPStatus.UNAUTHORIZED: "the token is unknown or has ended",
    HTTPStatus.FORBIDDEN: "the token's user has no role for this",
}
_SHOWN = 4_000


class _Told(Struct, frozen=True):
    message: str = ""


class _Error(Struct, frozen=True, rename="camel"):
    """An error of any face."""

    error: _Told = _Told()
    response_status: _Told = _Told()
    message: str = ""


class Http:
    """A service; all raise Refused, NotFound, or NotReachable for what is no answer with 200."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """`client`: knows the address and the token."""
        self._client = client

    async def get(self, path: str, query: Mapping[str, str | None]) -> httpx.Response:
        """The answer, of all parameters that are given."""
        asked = {name: value for name, value in query.items() if value is not None}
        with self._told():
            answer = await self._client.get(path, params=asked)
        if answer.status_code != HTTPStatus.OK:
            _refuse(answer)
        return answer

    @asynccontextmanager
    async def streamed(
        self, path: str, query: Mapping[str, str | None], headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """The answer while it comes."""
        asked = {name: value for name, value in query.items() if value is not None}
        with self._told():
            async with self._client.stream("GET", path, params=asked, headers=headers) as answer:
                if answer.status_code != HTTPStatus.OK:
                    await answer.aread()
                    _refuse(answer)
                yield answer

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raises the errors of a call in words: NotReachable, or Refused."""
        try:
            yield
        except httpx.TransportError as error:
            why = plain(str(error)) or type(error).__name__
            raise NotReachable(f"{self._client.base_url} is not reachable: {why}") from error
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise Refused(f"{self._client.base_url} cannot be asked: {plain(str(error))}") from None


async def lines(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The lines of a long answer, as they come; httpx would end them at U+2028, too."""
    rest = b""
    async for part in answer.aiter_bytes():
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line


def decoded(text: bytes, form: type[T], answer: httpx.Response) -> T:
    """A part of an answer. Raises NotReachable for what is none of this service's."""
    try:
        return msgspec.json.decode(text, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotReachable(
            f"{place(answer)} gives an answer of another program, or of another version: {error}"
        ) from error


def _refuse(answer: httpx.Response) -> NoReturn:
    """Raise NotFound, Refused, or NotReachable for an answer with another status than 200."""
    status = answer.status_code
    said = _sentence(answer)
    if status == HTTPStatus.NOT_FOUND and said:
        raise NotFound("Session", said)
    if status in _ADVICE:
        raise Refused(f"{place(answer)} refuses this: {_ADVICE[HTTPStatus(status)]}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise NotReachable(f"{place(answer)} cannot answer now ({status}): {said or 'no reason'}")
    if said:
        raise Refused(said)
    raise Refused(f"{place(answer)} answers {status}: is it a Sessionary service?")


def _sentence(answer: httpx.Response) -> str:
    """What the service says about an error; empty if it is none of ours."""
    try:
        told = msgspec.json.decode(answer.content, type=_Error)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    said = told.error.message or told.response_status.message or told.message
    return plain(said[:_SHOWN])


def place(answer: httpx.Response) -> str:
    """The address of the service; the query may name persons."""
    url = answer.request.url
    return f"{url.scheme}://{url.netloc.decode()}"
