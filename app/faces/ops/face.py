"""The face of operators, over HTTP: what runs, how far behind it is, and what is in its way."""

from types import MappingProxyType

import msgspec

from app.auth.principals import Principal
from app.auth.roles import OPERATOR, SYSTEM_ADMINISTRATOR
from app.faces.ops.activity import get_activity
from app.http.errors import Refusal, Responses
from app.http.identify import AuthPolicy
from app.http.operation import Handler, Operation, Routes
from app.http.request import Reply, Request
from app.operations import projections, status, stuck
from app.service import Service

_ENCODER = msgspec.json.Encoder()


class OpsFace:
    """Answers in JSON, errors too."""

    name = "ops"
    prefix = "/ops/"
    suffixes: frozenset[str] = frozenset({"json"})
    overridable = False
    policy = AuthPolicy()
    responses: Responses = MappingProxyType({})

    def __init__(self) -> None:
        """Takes all operations into its routes."""
        self.routes: Routes = ROUTES

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """The error: a stable word, a sentence, the parameter at fault, the request's id."""
        told = {
            "code": refused.code,
            "message": refused.message,
            "field": refused.field,
            "requestId": None if request is None else request.request_id,
        }
        return Reply(refused.status, _ENCODER.encode({"error": told}) + b"\n", refused.headers)


async def get_status(_: Request, service: Service) -> Reply:
    """`GET /ops/status`: one sentence, and what it rests on."""
    return _reply(await status.status(service.pool))


async def list_projections(_: Request, service: Service) -> Reply:
    """`GET /ops/projections`: each view and follower."""
    return _reply({"projections": await projections.projections(service.pool)})


async def list_stuck(_: Request, service: Service) -> Reply:
    """`GET /ops/stuck`: what does not go on, and what is in its way."""
    return _reply({"stuck": await stuck.stuck(service.pool)})


def _reply(value: object) -> Reply:
    return Reply(200, _ENCODER.encode(value))


def _may_operate(principal: Principal) -> None:
    principal.require(OPERATOR, SYSTEM_ADMINISTRATOR)


def _get(name: str, handler: Handler) -> dict[str, Operation]:
    return {"GET": Operation(name=name, handler=handler, admit=_may_operate, is_safe=True)}


ROUTES: Routes = {
    "/ops/status": _get("GetStatus", get_status),
    "/ops/projections": _get("ListProjections", list_projections),
    "/ops/stuck": _get("ListStuck", list_stuck),
    "/ops/activity": _get("GetActivity", get_activity),
}
