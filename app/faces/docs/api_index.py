"""`/api`, which both faces document: an index for programs, with the entries of both."""

from functools import lru_cache
from typing import Any

import msgspec

from app.faces.evo.wire.api import API
from app.faces.evo.wire.description import OperationDescription, operation
from app.faces.superoffice.wire.about import version


@lru_cache(64)
def api_index(base_url: str) -> bytes:
    """Versions and ServiceStack-style operations, as JSON; `base_url` begins their links."""
    found = [known for api in API if (known := operation(api.name)) is not None]
    apis = [_entry(known, base_url) for known in found]
    return msgspec.json.encode({**version(base_url), "apis": apis})


def _entry(found: OperationDescription, base_url: str) -> dict[str, Any]:
    entry = {
        "name": found.name,
        "description": found.summary,
        "links": {
            "api": f"{base_url}/api/{found.name}",
            "ui": f"{base_url}/json/metadata?op={found.name}",
        },
    }
    return entry if found.response is None else entry | {"returns": str(found.response)}
