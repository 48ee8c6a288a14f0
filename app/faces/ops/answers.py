"""Answers of the face of operators: JSON, whatever was asked."""

import msgspec

from app.http.request import Headers, Reply

_ENCODER = msgspec.json.Encoder()


def reply(value: object, status: int = 200, headers: Headers = ()) -> Reply:
    """An answer."""
    return Reply(status, _ENCODER.encode(value), headers)
