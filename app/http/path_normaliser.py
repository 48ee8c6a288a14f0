"""Normalises requests before Litestar's router: case of paths, extensions, overridden verbs."""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from litestar.enums import ScopeType

from app.codecs.form import MAX_URL_BYTES, pairs
from app.codecs.json_text import BadInput
from app.http.operation import Face

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

_OVERRIDES = frozenset({"PUT", "PATCH", "DELETE"})


class PathNormaliser:
    """Rewrites paths to the spelling of their templates.

    It keeps the client's own spelling in the scope: `segments` for the parameters, which are
    case-sensitive, `location` for links, and `suffix`.
    """

    def __init__(self, app: "ASGIApp", faces: Sequence[Face]) -> None:
        """`app` must have a route for each template of the faces."""
        self._app = app
        self._faces = by_prefix(faces)
        templates = [template for face in faces for template in face.routes]
        self._without_formats = {
            template.lower() for face in faces if not face.suffixes for template in face.routes
        }
        self._plain = {each.lower(): each for each in templates if "{" not in each}
        self._spelt = _spellings(each for each in templates if "{" in each)

    def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> Awaitable[None]:
        """Normalise a request; other kinds of scopes pass unchanged."""
        if scope["type"] == ScopeType.HTTP:
            request: Any = scope
            self._normalise(request)
        return self._app(scope, receive, send)

    def _normalise(self, scope: dict[str, Any]) -> None:
        path = scope["path"].strip("/")
        suffix = ""
        if "." in path:
            stem, _, extension = path.rpartition(".")
            if extension.lower() in face_at(self._faces, path).suffixes:
                suffix = extension.lower()
                path = path if f"/{stem.lower()}" in self._without_formats else stem
        segments = path.split("/")
        if "" in segments:
            segments = [segment for segment in segments if segment]
        scope["path"] = self._plain.get(f"/{path.lower()}") or self._with_parameters(segments)
        scope["segments"], scope["location"], scope["suffix"] = segments, path, suffix
        if scope["method"] == "POST":
            verb = _overridden(scope)
            if verb is not None and face_at(self._faces, path).overridable:
                scope["method"] = verb

    def _with_parameters(self, segments: Sequence[str]) -> str:
        spelt = self._spelt
        return "/" + "/".join([spelt.get(each.lower(), each) for each in segments])


def by_prefix(faces: Sequence[Face]) -> Sequence[Face]:
    """Faces in the order for matching their prefixes, the longest first."""
    return sorted(faces, key=lambda face: len(face.prefix), reverse=True)


def face_at(faces: Sequence[Face], path: str) -> Face:
    """The face that answers for a path, even if it has no route there."""
    at = f"/{path}/".lower()
    return next(face for face in faces if at.startswith(face.prefix))


def _spellings(templates: Iterable[str]) -> dict[str, str]:
    """The templates' spelling of their literal segments, by these in lower case."""
    spellings: dict[str, str] = {}
    for template in templates:
        for segment in template.strip("/").split("/"):
            if not segment.startswith("{") and spellings.setdefault(segment.lower(), segment) != (
                segment
            ):
                raise ValueError(f"{segment} is spelt in two ways, also in {template}")
    return spellings


def _overridden(scope: Mapping[str, Any]) -> str | None:
    """The verb that `X-HTTP-Method-Override` gives a POST; None for GET and POST."""
    asked = None
    for header, value in scope["headers"]:
        if header == b"x-http-method-override":
            asked = value
    query: bytes = scope["query_string"]
    if asked is None and b"verride=" in query.lower() and len(query) <= MAX_URL_BYTES:
        try:
            given = {name.lower(): value for name, value in pairs(query)}
        except BadInput:
            return None  # the request is refused when its head is read
        asked = given.get("x-http-method-override", "").encode()
    verb = (asked or b"").decode("latin-1").strip().upper()
    return verb if verb in _OVERRIDES else None
