"""The ServiceStack-style face's part of the OpenAPI document, built from its operations table."""

import re
from typing import Any

import msgspec
from msgspec.structs import FieldInfo, fields

from app.codecs.dto import TypeForm, secrets
from app.codecs.formats import CSV, FORMATS, JSON, JSON_LINES, JSV, XML, Format
from app.codecs.openapi import Part, Schema
from app.codecs.openapi_shared import (
    ANSWER_HEADERS,
    MOMENT,
    OF_BODIES,
    REQUEST_HEADERS,
    SECURITY_SCHEMES,
    portable,
    ref,
    refusal_name,
    refusals,
)
from app.faces.evo.wire.api import API, EvoDescription
from app.faces.evo.wire.description import classes
from app.faces.evo.wire.dto import (
    AccountInfo,
    AISessionInfo,
    AuthenticateResponse,
    ErrorResponse,
    ListResponse,
)
from app.faces.evo.wire.requests import Authenticate
from app.faces.evo.wire.samples import answer_sample, request_sample
from app.faces.evo.wire.user_requests import ListTokens, NewToken, RequestAuthToken

_FACE = "evo"
_TAGS = {
    "ai": ("AI sessions", "AI sessions and the actions that are proposed for them"),
    "accounts": ("Accounts", "The accounts that sessions belong to"),
    "auth": ("Sign-in", "Who calls"),
    "authenticate": ("Sign-in", "Who calls"),
    "users": ("Users", "Who may call, and in which roles"),
    "tokens": ("Tokens", "Bearer tokens of users"),
}
_TEXTS = (XML, JSV, CSV)
"""Formats whose messages JSON Schema cannot describe."""
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_PARAMETER = re.compile(r"\{(\w+)\}")
_COMMAND_HEADERS = ("ETag", "X-Log-Position", "Idempotent-Replayed")
_HEADERS = {
    AISessionInfo: ("ETag",),
    AccountInfo: ("ETag",),
    AuthenticateResponse: ("Set-Cookie",),
}
"""Headers of the answers to other operations than commands, by the answer's class."""
_AS_OF: Schema = {
    "name": "asOf",
    "in": "query",
    "required": False,
    "schema": MOMENT[0],
    "description": MOMENT[1],
}
_LOOKED_UP = (Authenticate, RequestAuthToken, ListTokens, NewToken)
"""Requests that may name something unknown elsewhere than in their path."""
_COMMANDS = ("POST", "PUT", "PATCH", "DELETE")
_WITH_BODY = ("POST", "PUT", "PATCH")


def part() -> Part:
    """All operations at their REST routes."""
    kinds = [
        *(api.request for api in API),
        *(api.response for api in API if api.response),
        ErrorResponse,
    ]
    _, schemas = _components(kinds)
    for name in classes():
        if required := _required(name):
            _require(schemas[name], required)
    paths: Schema = {}
    for api in API:
        for count, path in enumerate(api.paths):
            for verb in (api.verb, *api.also):
                paths.setdefault(path, {})[verb.lower()] = _operation(api, verb, path, count)
    return Part(
        tags=tuple(dict.fromkeys(_TAGS.values())),
        paths=paths,
        components={
            "schemas": portable(schemas),
            "responses": refusals(_FACE, _error_content()),
            "parameters": REQUEST_HEADERS,
            "headers": ANSWER_HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        },
    )


def _require(schema: Schema, names: list[str]) -> None:
    """Make members of a request required, and not null."""
    schema["required"] = names
    for name in names:
        member = schema["properties"][name]
        schema["properties"][name] = {"description": member["description"], **_present(member)}


def _operation(api: EvoDescription, verb: str, path: str, count: int) -> Schema:
    own = verb == api.verb
    operation: Schema = {
        # An operation has a different id for each of its paths and verbs: ids must be unique.
        "operationId": f"{api.name}{'' if own else verb.title()}{count + 1 if count else ''}",
        "summary": api.summary.replace("`", ""),  # of plain text, unlike descriptions
        "tags": [_TAGS[path.split("/")[1]][0]],
        "parameters": [
            *_parameters(api, path, own=own),
            *([_AS_OF] if api.past else []),
            *_conditions(api, path),
        ],
        "responses": {_status(api): _success(api), **_refusals(api, verb, path)},
        "security": [{}] if api.anonymous else [{name: []} for name in SECURITY_SCHEMES],
    }
    if api.roles:
        operation["description"] = f"Requires the role {' or '.join((*api.roles, *api.readers))}."
    if verb in _WITH_BODY:
        operation["requestBody"] = _request_body(api, path)
    elif verb == "DELETE" and secrets(api.request):
        operation["requestBody"] = _secrets_alone(api)
    return operation


def _parameters(api: EvoDescription, path: str, *, own: bool) -> list[Schema]:
    """Parameters; with a verb that is not its own, only those of the path: it has a body.

    No secret is one: addresses are kept in histories and logs.
    """
    in_path = _PARAMETER.findall(path)
    secret = [field.name for field in secrets(api.request)]
    return [
        {
            "name": field.encode_name,
            "in": "path" if field.encode_name in in_path else "query",
            "required": field.encode_name in in_path,
            **_described(field),
        }
        for field in fields(api.request)
        if field.encode_name in in_path
        or (own and api.verb not in _WITH_BODY and field.name not in secret)
    ]


def _described(field: FieldInfo) -> Schema:
    """A parameter's schema and description. A URL has no null."""
    (schema,), _ = _components([field.type])
    text = schema.pop("description", "")
    kind = _present(schema)
    described: Schema = {"schema": portable(kind), "description": text}
    if kind.get("type") == "array":
        described |= {"style": "form", "explode": False}
    return described


def _present(schema: Schema) -> Schema:
    """A nullable schema without its null."""
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    kinds = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    (kind,) = kinds or [{}]
    return {**kind, **rest}


def _conditions(api: EvoDescription, path: str) -> list[Schema]:
    if not _is_command(api):
        return []
    conditions = ["If-Match", "If-None-Match"] if _PARAMETER.search(path) else []
    names = ["Idempotency-Key", *conditions]
    return [ref("parameters", name) for name in names]


def _is_command(api: EvoDescription) -> bool:
    return api.verb in _COMMANDS and not api.anonymous


def _status(api: EvoDescription) -> str:
    return "204" if api.response is None else "200"


def _success(api: EvoDescription) -> Schema:
    answer: Schema = {"description": "Found" if api.verb == "GET" else "Done"}
    names = _COMMAND_HEADERS if _is_command(api) else _HEADERS.get(api.response, ())
    names = (*names, "X-As-Of") if api.past else names
    if names:
        answer["headers"] = {name: ref("headers", name) for name in names}
    if api.response is not None:
        answer["content"] = _answer_content(api)
    return answer


def _answer_content(api: EvoDescription) -> dict[str, Schema]:
    content: dict[str, Schema] = {_media_type(JSON): {"schema": _schema_of(api.response)}}
    content |= {
        _media_type(format_): _text(answer_sample(api.name, format_.name) or "")
        for format_ in _TEXTS
    }
    if getattr(api.response, "__origin__", None) is ListResponse:
        content[_media_type(JSON_LINES)] = _text(answer_sample(api.name, JSON_LINES.name) or "")
    return content


def _request_body(api: EvoDescription, path: str) -> Schema:
    members = msgspec.json.decode(request_sample(api.name, JSON.name))
    # The body need not repeat the path's members: another value would be refused.
    in_path = _PARAMETER.findall(path)
    example = {name: value for name, value in members.items() if name not in in_path}
    shown = {"schema": _schema_of(api.request), "example": example}
    content: dict[str, Schema] = {_media_type(JSON): shown}
    content |= {
        _media_type(format_): _text(request_sample(api.name, format_.name)) for format_ in _TEXTS
    }
    form = {"schema": _unnamed(api, in_path), "example": example}
    forms: dict[str, Schema] = dict.fromkeys(_FORMS, form)
    # Viewers begin with the first one, and mask a form's fields, but no text of JSON.
    return {"content": forms | content if secrets(api.request) else content | forms}


def _secrets_alone(api: EvoDescription) -> Schema:
    """The body of a DELETE: what is deleted is in the path, so it has the secrets alone."""
    names = [field.encode_name for field in secrets(api.request)]
    properties = _unnamed(api, [])["properties"]
    schema = {"type": "object", "properties": {name: properties[name] for name in names}}
    return {"content": {name: {"schema": schema} for name in (*_FORMS, _media_type(JSON))}}


def _unnamed(api: EvoDescription, in_path: list[str]) -> Schema:
    """The members of a request in a form, which has no null.

    The schema is anonymous: generators would otherwise take one class for JSON and for forms, and
    send it as both.
    """
    _, schemas = _components([api.request])
    required = _required(api.request.__name__)
    members: Schema = portable(schemas[api.request.__name__]["properties"])
    schema: Schema = {
        "type": "object",
        "properties": {
            name: _present(member) for name, member in members.items() if name not in in_path
        },
    }
    return schema | ({"required": required} if required else {})


def _required(name: str) -> list[str]:
    return [member.name for member in classes()[name].members if member.required]


def _components(kinds: list[Any]) -> tuple[tuple[Schema, ...], Schema]:
    return msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")


def _refusals(api: EvoDescription, verb: str, path: str) -> dict[str, Schema]:
    # Every operation refuses wrong credentials and other origins' pages.
    statuses = ["400", "401", "403", "405", "414", "429", "431", "503"]
    statuses += ["404"] if _PARAMETER.search(path) or api.request in _LOOKED_UP else []
    statuses += [] if verb == "GET" else OF_BODIES
    statuses += ["409", "412", "422"] if _is_command(api) else []
    return {status: ref("responses", refusal_name(_FACE, status)) for status in sorted(statuses)}


def _error_content() -> dict[str, Schema]:
    schema = ref("schemas", ErrorResponse.__name__)
    texts = {_media_type(format_): {"schema": {"type": "string"}} for format_ in _TEXTS}
    return {_media_type(JSON): {"schema": schema}} | texts


def _schema_of(kind: TypeForm) -> Schema:
    (schema,), _ = _components([kind])
    return schema


def _text(example: str) -> Schema:
    return {"schema": {"type": "string"}, "example": example}


def _media_type(format_: Format) -> str:
    return FORMATS[format_.name].media_types[0]
