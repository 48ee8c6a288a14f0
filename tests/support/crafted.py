"""Appends by hand, as somebody with the service's login may send them."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid5

import asyncpg
from uuid_utils.compat import uuid4, uuid7

Arguments = dict[str, object]
"""The arguments of `append_1`, by their names."""
TYPES: Mapping[str, str] = {
    "p_partition": "integer", "x_actor": "text[]", "x_metadata": "jsonb[]", "x_view": "text[]",
    "x_account": "text[]", "c_context": "integer[]", "c_stream": "uuid[]",
    "c_expected": "bigint[]", "c_last": "uuid[]", "c_events": "integer[]", "c_doc": "jsonb[]",
    "c_search": "jsonb[]", "c_sealing_key": "bytea[]", "c_key": "text[]",
    "c_fingerprint": "bytea[]", "r_command": "integer[]", "r_view": "text[]", "r_doc": "jsonb[]",
    "r_search": "jsonb[]", "e_topic": "text[]", "e_state": "bytea[]", "e_id": "uuid[]",
    "p_atomic": "boolean", "p_check_value": "text",
}  # fmt: skip
"""The parameters of `append_1`, in their order."""
CREATED, PATCHED = "ai_session.created.v1", "ai_session.patched.v1"


def honest(*, streams: Sequence[UUID] = (), expected: int = 0, topic: str = CREATED) -> Arguments:
    """The arguments for an event in each of some streams, as the service would send them."""
    streams = streams or [UUID(str(uuid7()))]
    each = range(len(streams))
    given: Arguments = dict.fromkeys(TYPES)
    return given | {
        "p_partition": 0,
        "x_actor": ["mallory"],
        "x_metadata": ["{}"],
        "x_view": ["ai_session_info"],
        "c_context": [1 for _ in each],
        "c_stream": list(streams),
        "c_expected": [expected for _ in each],
        "c_doc": ["{}" for _ in each],
        "e_topic": [topic for _ in each],
        "e_state": [b"{}" for _ in each],
        "e_id": [UUID(str(uuid4())) for _ in each],
        "p_atomic": False,
    }


def derived() -> UUID:
    """An id that no drawn one is: of a stream that is no AI session's."""
    return uuid5(UUID(int=0), str(uuid4()))


async def append(connection: asyncpg.Connection, arguments: Arguments) -> asyncpg.Record:
    """What the append answers. Raises the error by which it refuses."""
    binds = ", ".join(f"${number}::{kind}" for number, kind in enumerate(TYPES.values(), 1))
    statement = f"SELECT * FROM append_1({binds})"  # numbers and types from above
    (answer,) = await connection.fetch(statement, *(arguments[name] for name in TYPES))
    return answer
