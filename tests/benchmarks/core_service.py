"""Our core without a face: `POST /ai/sessions` in JSON for everybody, nothing negotiated.

It has the same server, store and limits as the service, so that what a face costs stands alone.
"""

import os
from types import MappingProxyType

import msgspec
from litestar import Litestar

from app.auth.principals import Principal
from app.auth.roles import SYSTEM_ADMINISTRATOR
from app.codecs.json_text import decode
from app.faces.evo.operations import OPERATIONS, carry_out_one
from app.faces.evo.wire.requests import NewAISession
from app.http.errors import Refusal, Responses
from app.http.request import Exchange, Reply
from app.http.route_handler import Operation, Routes
from app.main import create_app as create_service
from app.settings import Settings

from .credentials import USER

DATABASE_URL, MASTER_KEY = "BENCHMARK_DATABASE_URL", "BENCHMARK_MASTER_KEY"
_CALLER = Principal(name=USER, roles=(SYSTEM_ADMINISTRATOR,))
_DECODER = msgspec.json.Decoder(NewAISession)
_ENCODER = msgspec.json.Encoder()


class CoreFace:
    """Knows one caller and one format."""

    name = "core"
    prefix = "/"
    suffixes: frozenset[str] = frozenset()
    overridable = False
    responses: Responses = MappingProxyType({})

    def __init__(self) -> None:
        """One route."""
        operation = Operation("NewAISession", _create, anonymous=True)
        self.routes: Routes = {"/ai/sessions": {"POST": operation}}

    async def identify(self, exchange: Exchange) -> Principal:
        """Nobody has to say who he is."""
        return exchange.principal

    def refuse(self, refused: Refusal, exchange: Exchange | None) -> Reply:
        """The sentence alone."""
        return Reply(refused.status, refused.message.encode(), refused.headers)


async def _create(exchange: Exchange) -> Reply:
    exchange.principal = _CALLER
    request = decode(_DECODER, exchange.body)
    result = await carry_out_one(OPERATIONS[NewAISession], request, exchange)
    return Reply(200, _ENCODER.encode(result.value), result.headers)


def create_app() -> Litestar:
    """The service with that face alone, on a database that is there."""
    key = bytes.fromhex(os.environ[MASTER_KEY])
    settings = Settings(database_url=os.environ[DATABASE_URL], master_key=key)
    return create_service(settings, (CoreFace(),))
