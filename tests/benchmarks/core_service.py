"""Our core without a face: `POST /ai/sessions` in JSON for everybody, nothing negotiated.

It has the same server, store and limits as the service, so that what a face costs stands alone.
"""

import os
from types import MappingProxyType

import msgspec
from litestar.types import ASGIApp
from msgspec.structs import replace

from app.auth.principals import Principal
from app.auth.roles import SYSTEM_ADMINISTRATOR
from app.codecs.answer_budget import AnswerBudget
from app.codecs.json_text import decode
from app.faces.evo.operations import HANDLERS, Asked, carry_out_one
from app.faces.evo.wire.requests import NewAISession
from app.http.errors import Refusal, Responses
from app.http.identify import AuthPolicy
from app.http.operation import Operation, Routes
from app.http.request import Reply, Request
from app.main import create_server
from app.service import Service
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
    refuses_alike = False
    policy = AuthPolicy()
    responses: Responses = MappingProxyType({})

    def __init__(self) -> None:
        """One route."""
        operation = Operation(name="NewAISession", handler=_create, is_anonymous=True)
        self.routes: Routes = {"/ai/sessions": {"POST": operation}}

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """The sentence alone."""
        return Reply(refused.status, refused.message.encode(), refused.headers)


async def _create(request: Request, service: Service) -> Reply:
    asked = Asked(replace(request, principal=_CALLER), service, AnswerBudget())
    dto = decode(_DECODER, request.body)
    result = await carry_out_one(HANDLERS[NewAISession], dto, asked)
    return Reply(200, _ENCODER.encode(result.value), result.headers)


def create_app() -> ASGIApp:
    """The service with that face alone, on a database that is there."""
    key = bytes.fromhex(os.environ[MASTER_KEY])
    settings = Settings(database_url=os.environ[DATABASE_URL], master_key=key)
    return create_server(settings, (CoreFace(),))
