"""The SuperOffice-style face's part of the OpenAPI document, built from its operations tables."""

import re
from typing import Any

import msgspec

from app.codecs.formats import XML
from app.codecs.openapi import Part, Schema
from app.codecs.openapi_shared import (
    ANSWER_HEADERS,
    MOMENT,
    NULL,
    OF_BODIES,
    REQUEST_HEADERS,
    SECURITY_SCHEMES,
    masked,
    portable,
    ref,
    refusal_name,
    refusals,
)
from app.faces.superoffice.wire.agents import AGENTS
from app.faces.superoffice.wire.api import MAX_ROWS_PER_PAGE, TOP, Shows, SuperOfficeDescription
from app.faces.superoffice.wire.entity import PLAIN
from app.faces.superoffice.wire.members import pascal
from app.faces.superoffice.wire.message import MESSAGE
from app.faces.superoffice.wire.negotiation import FORM, JSON_TYPES
from app.faces.superoffice.wire.rest import REST
from domain.chat.fields import ChatSessionFields
from domain.chat.session import ChatSession

_FACE = "superoffice"
_TAG = ("Chat sessions", "Chat sessions: as resources, and on the chat agent")
_ENTITY, _LINKED = "ChatSessionEntity", "ChatSessionEntityWithLinks"
_PAGE, _ERROR = "ODataSlimResponse", "Error"
_TEXT: Schema = {"type": "string"}
_INT32: Schema = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
_PARAMETER = re.compile(r"\{(\w+)\}")

_ASKED = {
    "X-XSRF-TOKEN": "What the cookie XSRF-TOKEN holds; needed where cookies tell who calls",
    "SO-Language": "Of multi-language texts; goes before Accept-Language",
    "SO-Culture": "Of numbers and dates in texts; there are none",
    "SO-TimeZone": "A code, number or IANA name: of date-times in request and answer",
    "SO-AppToken": "Of a partner's application; not looked at",
}
_CONDITIONS = {
    "If-Modified-Since": "Answer 304 if the session did not change since then",
    "If-Unmodified-Since": "Do nothing if the session changed since then",
}
_QUERY = {
    "$select": (_TEXT, "Names of properties, with commas; all others are null in the answer"),
    "$filter": (_TEXT, "Conditions in OData's notation"),
    "$orderby": (_TEXT, "Columns, each with asc or desc"),
    "$entities": (_TEXT, "`chat`, the only one"),
    TOP: (
        {"type": "integer", "minimum": 0},
        f"Rows, sessions or messages of a page; {MAX_ROWS_PER_PAGE:,} at the most",
    ),
    "$skip": ({"type": "integer", "minimum": 0}, "Rows to leave out before them"),
    "$mode": ({"enum": ["Slim", "Wide", "Full"]}, "How much a row says"),
    **dict.fromkeys(("$options", "$context", "$output"), (_TEXT, "Not looked at")),
    "$format": ({"enum": ["XML", "JSON"]}, "Goes before Accept"),
    "$jsonSafe": ({"type": "boolean"}, "Whether names of columns have letters and digits only"),
    "html": ({"type": "boolean"}, "HTML rather than plain text"),
    "asOf": MOMENT,
    "after": (_INT32, "The id of the last message that is known already"),
    "chatSessionEntityId": (_INT32, "The session"),
}
_SECURITY_SCHEMES = SECURITY_SCHEMES | {
    "soTicket": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`SoTicket` and a token",
    },
    "xsrf": {"type": "apiKey", "in": "header", "name": "X-XSRF-TOKEN"},
}
_WAYS_IN: list[dict[str, list[str]]] = [
    {"basic": []}, {"bearer": []}, {"soTicket": []}, {"cookie": [], "xsrf": []},
]  # fmt: skip


def part() -> Part:
    """All operations."""
    paths: Schema = {}
    for api in (*REST, *AGENTS):
        paths.setdefault(api.path, {})[api.verb.lower()] = _operation(api)
    return Part(
        tags=(_TAG,),
        paths=paths,
        components={
            "schemas": _schemas(),
            "responses": refusals(_FACE, _content(_error_schema(), XML.media_types)),
            "parameters": REQUEST_HEADERS | _parameters(),
            "headers": ANSWER_HEADERS | {"Last-Modified": _last_modified()},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    )


def _schemas() -> dict[str, Schema]:
    # Preencoded members (Raw) have no type from which a schema could follow.
    fields = pascal(ChatSessionFields, _ENTITY)
    bodies = [api.body for api in (*REST, *AGENTS) if api.body not in (None, PLAIN)]
    kinds = list(dict.fromkeys([fields, MESSAGE, *bodies]))
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    schemas = {name: _lenient(schema) for name, schema in schemas.items()}
    entity = schemas[_ENTITY]["properties"]
    entity |= masked(entity, fields, ChatSession.secret)
    entity["TableRight"] = _or_null(ref("schemas", "TableRight"))
    entity["FieldProperties"] = _or_null(
        {"type": "object", "additionalProperties": ref("schemas", "FieldProperty")}
    )
    links = _or_null({"type": "object", "additionalProperties": _TEXT})
    described: Schema = portable(schemas)
    return described | {
        _LINKED: {"allOf": [ref("schemas", _ENTITY), _object({"_Links": links})]},
        _PAGE: _page(),
        _ERROR: _object(
            {"Error": {"const": True}}
            | dict.fromkeys(("ErrorType", "ErrorMessage", "ErrorSource"), _TEXT)
        ),
        "InvalidRequest": _object(dict.fromkeys(("Message", "MessageDetail"), _TEXT)),
        "TableRight": _right(),
        "FieldProperty": _object(
            {"FieldRight": _right(), "FieldType": _TEXT, "FieldLength": {"type": "integer"}}
        ),
    }


def _lenient(schema: Schema) -> Schema:
    """A carrier's schema for requests and answers: members are nullable, unknown ones allowed."""
    described = {name: value for name, value in schema.items() if name != "additionalProperties"}
    if "properties" in described:
        described["properties"] = {
            name: _or_null(member) for name, member in described["properties"].items()
        }
    return described


def _or_null(schema: Schema) -> Schema:
    kinds = schema.get("anyOf", [schema])
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if NULL in kinds:
        return schema
    return {"anyOf": [*kinds, NULL], **(rest if "anyOf" in schema else {})}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _right() -> Schema:
    return _object({"Mask": _TEXT, "Reason": _TEXT})


def _page() -> Schema:
    row = {
        "type": "object",
        "properties": {"PrimaryKey": _TEXT, "EntityName": _TEXT},
        "required": ["PrimaryKey", "EntityName"],
    }
    return _object(
        {
            "odata.metadata": _TEXT,
            "odata.nextLink": {"type": ["string", "null"]},
            "value": {"type": "array", "items": row},
        }
    )


def _is_conditional(api: SuperOfficeDescription) -> bool:
    return api.is_command and api.is_conditional


def _operation(api: SuperOfficeDescription) -> Schema:
    names = [] if api.shows is Shows.NOTHING else list(_ASKED)[1:]
    names += ["If-None-Match"] if _is_reading_one(api) or _is_conditional(api) else []
    names += ["If-Modified-Since"] if _is_reading_one(api) else []
    names += ["Idempotency-Key"] if api.is_command else []
    names += ["If-Match", "If-Unmodified-Since"] if _is_conditional(api) else []
    names += ["X-XSRF-TOKEN"]
    operation: Schema = {
        "operationId": api.name,
        "summary": api.summary,
        "tags": [_TAG[0]],
        "parameters": [*_own_parameters(api), *(ref("parameters", name) for name in names)],
        "responses": {**_success(api), **_refused(api)},
        "security": _WAYS_IN,
    }
    if api.is_patch:
        operation["requestBody"] = {"required": True, "content": _patches()}
    elif api.body is not None:
        schema = ref("schemas", api.body.__name__)
        content = _content(schema, XML.media_types)
        content |= {name: {"schema": {"type": "object"}} for name in FORM.media_types}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _is_reading_one(api: SuperOfficeDescription) -> bool:
    return api.is_conditional and not api.is_command


def _own_parameters(api: SuperOfficeDescription) -> list[Schema]:
    in_path: list[Schema] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _TEXT if name == "toAssociate" else _INT32,
        }
        for name in _PARAMETER.findall(api.path)
    ]
    in_query = [
        {
            "name": name,
            "in": "query",
            "required": name == "chatSessionEntityId",
            "schema": _QUERY[name][0],
            "description": _QUERY[name][1],
        }
        for name in api.query
    ]
    return [*in_path, *in_query]


def _patches() -> dict[str, Schema]:
    ops = {"enum": ["add", "replace", "remove", "test"]}
    operation = _object({"op": ops, "path": _TEXT, "value": {}}) | {"required": ["op", "path"]}
    schema = {"oneOf": [{"type": "array", "items": operation}, {"type": "object"}]}
    return {name: {"schema": schema} for name in JSON_TYPES}


def _success(api: SuperOfficeDescription) -> dict[str, Schema]:
    names = ["ETag", "Last-Modified"] if _is_reading_one(api) else []
    names += ["X-As-Of"] if "asOf" in api.query else []
    if api.is_command:
        names = ["ETag", "X-Log-Position", "Idempotent-Replayed"]
        names += ["Last-Modified"] if api.shows in (Shows.LINKED, Shows.ENTITY) else []
    answer: Schema = {
        "description": "Done" if api.is_command else "Found",
        "headers": {name: ref("headers", name) for name in names},
    }
    if api.shows is Shows.NOTHING:
        return {"204": answer}
    found = {"200": answer | {"content": _content(_shown(api), XML.media_types)}}
    return found | {"304": {"description": "As it was"}} if _is_reading_one(api) else found


def _shown(api: SuperOfficeDescription) -> Schema:
    schemas: dict[Shows, Schema] = {
        Shows.LINKED: ref("schemas", _LINKED),
        Shows.ENTITY: _or_null(ref("schemas", _ENTITY)),
        Shows.ENTITIES: {"type": "array", "items": ref("schemas", _ENTITY)},
        Shows.MESSAGE: ref("schemas", MESSAGE.__name__),
        Shows.MESSAGES: {"type": "array", "items": ref("schemas", MESSAGE.__name__)},
        Shows.TEXT: _TEXT,
        Shows.PAGE: ref("schemas", _PAGE),
    }
    return _or_null(schemas[api.shows]) if api.is_agent else schemas[api.shows]


def _refused(api: SuperOfficeDescription) -> dict[str, Schema]:
    statuses = ["400", "401", "403", "405", "414", "429", "431", "503"]
    statuses += ["404"] if _PARAMETER.search(api.path) else []
    statuses += ["406"] if api.shows is not Shows.NOTHING else []
    statuses += [] if api.verb == "GET" else OF_BODIES
    statuses += ["409", "412", "422"] if api.is_command else []
    return {status: ref("responses", refusal_name(_FACE, status)) for status in sorted(statuses)}


def _error_schema() -> Schema:
    return {"anyOf": [ref("schemas", _ERROR), ref("schemas", "InvalidRequest")]}


def _content(schema: Schema, texts: tuple[str, ...]) -> dict[str, Schema]:
    """Schemas by media type; JSON Schema cannot describe XML's documents."""
    content = {name: {"schema": schema} for name in JSON_TYPES}
    return content | {name: {"schema": _TEXT} for name in texts}


def _parameters() -> dict[str, Schema]:
    return {
        name: {"name": name, "in": "header", "description": text, "schema": _TEXT}
        for name, text in {**_ASKED, **_CONDITIONS}.items()
    }


def _last_modified() -> dict[str, Any]:
    text = "When the session changed last, to the next second; not there until that is past"
    return {"description": text, "schema": _TEXT}
