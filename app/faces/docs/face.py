"""The API's self-description: metadata pages, generated types, OpenAPI. Open to anybody."""

import re
from functools import partial
from types import MappingProxyType

import msgspec

from app.codecs.formats import FORMATS
from app.codecs.json_text import BadInput
from app.faces.docs import metadata, openapi
from app.faces.docs.api_index import api_index
from app.faces.docs.dtos import dtos
from app.faces.docs.metadata_types import metadata_types
from app.faces.evo.wire.description import classes, operation
from app.faces.evo.wire.languages import LANGUAGES
from app.http.browser import wants_page
from app.http.errors import Refusal, Responses
from app.http.identify import AuthPolicy
from app.http.operation import Handler, Operation, Routes
from app.http.request import Headers, Reply, Request
from app.pages.answer import Link
from app.pages.shown import entity_page, with_parameter
from app.service import Service

NAME = "pages"

_HTML = b"text/html; charset=utf-8"
_TEXT = b"text/plain; charset=utf-8"
_YAML = b"application/yaml"

_NOTHING_ELSE = b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_POLICY = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; img-src 'self'; " + _NOTHING_ELSE,
    ),
)
_VIEWER_POLICY = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        b"connect-src 'self'; " + _NOTHING_ELSE,
    ),
)

# The base URL goes into comments of generated files, and must not be able to end them.
_AUTHORITY = r"https?://[A-Za-z0-9.\-_:\[\]]{1,255}"
_BASE_URL = re.compile(_AUTHORITY + r"(?:/[A-Za-z0-9.\-_~%]*)*")
_UNKNOWN_HOST = "http://localhost"


class PagesFace:
    """Answers errors as pages."""

    name = NAME
    prefix = "/schema/"
    suffixes: frozenset[str] = frozenset()
    overridable = False
    refuses_alike = False
    policy = AuthPolicy()
    responses: Responses = MappingProxyType({})

    def __init__(self) -> None:
        """Takes all pages into its routes."""
        self.routes: Routes = ROUTES

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """A page with the sentence."""
        title = "Not found" if refused.status == 404 else "Not possible"
        page = metadata.missing_page(refused.message, title)
        return _page(page, refused.status, refused.headers)


async def list_operations(_: Request, __: Service) -> Reply:
    """`GET /metadata`."""
    return _page(metadata.index_page())


async def show_operation(format_name: str, request: Request, service: Service) -> Reply:
    """`GET /{format}/metadata?op=…&lang=…`; without `op`, as `GET /metadata`."""
    asked = _options(request)
    if "op" not in asked:
        return await list_operations(request, service)
    found = operation(asked["op"])
    if found is None:
        return _page(metadata.missing_page(f"There is no operation {asked['op']!r}"), 404)
    wanted = asked.get("lang", "").lower()
    if wanted and wanted not in LANGUAGES:
        return _page(metadata.missing_page(_no_language(wanted)), 404)
    language = LANGUAGES.get(wanted)
    page = metadata.operation_page(found, format_name, _base_url(request, {}), language)
    return _page(page)


async def list_types(request: Request, _: Service) -> Reply:
    """`GET /types`."""
    return _page(metadata.types_page(_base_url(request, {})))


async def show_types(request: Request, _: Service) -> Reply:
    """`GET /types/{language}?IncludeTypes=…&BaseUrl=…`; other options are ignored."""
    asked = _options(request)
    language = LANGUAGES.get(request.path["language"].lower())
    if language is None:
        message = _no_language(request.path["language"])
        return Reply(404, f"{message}\n".encode(), content_type=_TEXT)
    text = dtos(language, _base_url(request, asked), _included(asked.get("includetypes", "")))
    return Reply(200, text.encode(), content_type=_TEXT)


async def show_metadata_types(request: Request, _: Service) -> Reply:
    """`GET /types/metadata?BaseUrl=…`."""
    body = metadata_types(_base_url(request, _options(request)))
    return Reply(200, body)


async def show_index(request: Request, _: Service) -> Reply:
    """`GET /api`."""
    body = api_index(_base_url(request, {}))
    if not wants_page(request) or request.pairs:
        return Reply(200, body)
    formats = [Link(with_parameter(request, "format", "json"), "JSON")]
    ways = [Link("/", "Start"), Link("/metadata", "All operations")]
    return entity_page(request, "APIs", msgspec.json.decode(body), ways=ways, formats=formats)


async def viewer(_: Request, __: Service) -> Reply:
    """`GET /schema`."""
    return Reply(200, openapi.viewer_page().encode(), _VIEWER_POLICY, _HTML)


async def viewer_file(request: Request, _: Service) -> Reply:
    """`GET /schema/{file}`: a file that the viewer loads."""
    name = request.path["file"]
    found = openapi.viewer_file(name)
    if found is None:
        return _page(metadata.missing_page(f"There is no file {name!r}"), 404)
    return Reply(200, found[0], content_type=found[1])


async def openapi_json(request: Request, _: Service) -> Reply:
    """`GET /schema/openapi.json?formats=json`; without `formats`, all formats."""
    return Reply(200, openapi.openapi_json(only_json=_only_json(request)))


async def openapi_yaml(request: Request, _: Service) -> Reply:
    """`GET /schema/openapi.yaml`, with the same option."""
    body = openapi.openapi_yaml(only_json=_only_json(request))
    return Reply(200, body, content_type=_YAML)


def _only_json(request: Request) -> bool:
    """Whether the client asks for the JSON messages only. Raises BadInput for other formats."""
    asked = _options(request).get("formats", "").strip().lower()
    if asked not in ("", "json"):
        raise BadInput("formats takes json, or is left out", field="formats")
    return asked == "json"


def _open(name: str, handler: Handler) -> Operation:
    return Operation(name=name, handler=handler, is_anonymous=True, is_safe=True)


ROUTES: Routes = {
    "/api": {"GET": _open("ApiIndex", show_index)},
    "/metadata": {"GET": _open("Metadata", list_operations)},
    **{
        f"/{name}/metadata": {"GET": _open("OperationMetadata", partial(show_operation, name))}
        for name in FORMATS
    },
    "/types": {"GET": _open("Types", list_types)},
    "/types/metadata": {"GET": _open("MetadataTypes", show_metadata_types)},
    "/types/{language}": {"GET": _open("TypesOfLanguage", show_types)},
    "/schema": {"GET": _open("Viewer", viewer)},
    "/schema/openapi.json": {"GET": _open("OpenApiJson", openapi_json)},
    "/schema/openapi.yaml": {"GET": _open("OpenApiYaml", openapi_yaml)},
    "/schema/{file}": {"GET": _open("ViewerFile", viewer_file)},
}


def _page(text: str, status: int = 200, headers: Headers = ()) -> Reply:
    return Reply(status, text.encode(), (*_POLICY, *headers), _HTML)


def _options(request: Request) -> dict[str, str]:
    """The query's values by lower-case name."""
    return {name.lower(): value for name, value in request.pairs}


def _base_url(request: Request, asked: dict[str, str]) -> str:
    """The service's address for generated files. Raises BadInput."""
    given = asked.get("baseurl")
    if given is None:
        seen = request.base_url
        return seen if _BASE_URL.fullmatch(seen) else _UNKNOWN_HOST
    if not _BASE_URL.fullmatch(given):
        raise BadInput("BaseUrl takes an address such as https://example.com", field="BaseUrl")
    return given


def _included(option: str) -> tuple[str, ...]:
    """The names in the option IncludeTypes. Raises BadInput for the name of no type."""
    names = tuple(name for part in option.split(",") if (name := part.strip()))
    for name in names:
        if name.removesuffix(".*") not in classes():
            raise BadInput(f"There is no type {name!r}", field="IncludeTypes")
    return names


def _no_language(name: str) -> str:
    return f"There are no types for {name!r}, but for {', '.join(LANGUAGES)}"
