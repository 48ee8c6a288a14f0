"""The body of a PATCH: a JSON Patch or an object to merge, distinguished by its shape."""

from typing import Any

from app.codecs.formats import JSON, UnknownType
from app.codecs.json_text import BadInput
from app.codecs.limits import MAX_OPERATIONS
from app.faces.superoffice.wire import bodies
from app.faces.superoffice.wire.negotiation import request_format

NO_CHANGES = "Bad request. Changes to the entity are not in request body."
"""For a body without a patch; modelled on the documented sentence for one without an entity."""

Patch = list[Any] | dict[str, Any]
"""A JSON Patch, or an object to merge."""


def read_patch(body: bytes, content_type: bytes | None = None) -> Patch:
    """The patch in a body, not yet checked.

    Raises BadInput, or UnknownType for any media type but those of JSON.
    """
    if bodies.is_empty(body):
        raise BadInput(NO_CHANGES)
    if request_format(content_type, body) is not JSON:
        raise UnknownType("A patch is a list or an object in JSON")
    patch = bodies.read_tree(body)
    if not isinstance(patch, list | dict):
        raise BadInput("Expected a list of operations, or an object to merge")
    if isinstance(patch, list) and len(patch) > MAX_OPERATIONS:
        raise BadInput(f"A patch of more than {MAX_OPERATIONS} operations")
    return patch


def may_touch(patch: Patch, member: str) -> bool:
    """Whether a patch may affect a member of the entity; True if that is not obvious."""
    wanted = member.lower()
    if isinstance(patch, dict):
        return any(name.lower() == wanted for name in patch)
    for operation in patch:
        given = operation if isinstance(operation, dict) else {}
        path = next((value for name, value in given.items() if name.lower() == "path"), "")
        first = str(path).removeprefix("/").partition("/")[0]
        if first.lower() in (wanted, ""):
            return True
    return False
