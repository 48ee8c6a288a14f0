"""The OpenAPI document of all faces, and its self-hosted viewer, Swagger UI."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from app.codecs.openapi import document, json_only
from app.faces.evo.wire import openapi as openapi_evo
from app.faces.superoffice.wire import openapi as openapi_superoffice
from app.pages.templates import product_version, render

PARTS = (openapi_evo.part, openapi_superoffice.part)
"""The functions that build each face's part of the document."""

_FOLDER = Path(__file__).parent
_JAVASCRIPT = b"text/javascript; charset=utf-8"
_CSS = b"text/css; charset=utf-8"
_OURS = {"start.js": _JAVASCRIPT, "viewer.css": _CSS}
_SWAGGER_UI = {"swagger-ui.css": _CSS, "swagger-ui-bundle.js": _JAVASCRIPT}


@cache
def openapi_json(*, only_json: bool = False) -> bytes:
    """The document as JSON; `only_json` restricts it to bodies in JSON, for generators."""
    return msgspec.json.encode(_document(only_json=only_json))


@cache
def openapi_yaml(*, only_json: bool = False) -> bytes:
    """The document as YAML; see `openapi_json`."""
    return msgspec.yaml.encode(_document(only_json=only_json))


@cache
def viewer_page() -> str:
    """The page that shows the document."""
    return render("docs/viewer.html.jinja")


@cache
def viewer_file(name: str) -> tuple[bytes, bytes] | None:
    """The bytes and media type of a file that the viewer's page loads; None for other names."""
    if name in _OURS:
        return (_FOLDER / name).read_bytes(), _OURS[name]
    if name in _SWAGGER_UI:
        return (_swagger_ui() / name).read_bytes(), _SWAGGER_UI[name]
    return None


def _document(*, only_json: bool) -> dict[str, Any]:
    whole = document([part() for part in PARTS], version=product_version())
    return json_only(whole) if only_json else whole


def _swagger_ui() -> Path:
    # Only the package's files are needed: an import would load its adapters for web frameworks.
    found = find_spec("swagger_ui")
    if found is None or found.origin is None:
        raise RuntimeError("The package swagger-ui-py is not installed")
    return Path(found.origin).parent / "static"
