"""What a request holds once it is bound."""

from typing import Any

import msgspec


def members(request: msgspec.Struct) -> dict[str, Any]:
    return {
        name: value
        for name in request.__struct_fields__
        if (value := getattr(request, name)) is not None
    }
