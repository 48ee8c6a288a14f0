"""Arguments that no service sends to the append of principals: no secret without its event."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from support.place import Place

from domain.ids import principal_stream

SECRET = sha256(b"mallory").digest()
ISSUED = (
    '{"token_id":"0190a000-0000-7000-8000-0000000000b1","label":"","issued_by":"mallory",'
    '"issued_at":"2026-11-29T12:00:00Z","expires_at":null,"sign_in":null,"parent":null}'
)
KIM = principal_stream("kim")


async def append(connection: asyncpg.Connection, **given: Any) -> asyncpg.Record:
    """What the append of principals answers to a token for kim, as changed by `given`."""
    arguments: dict[str, Any] = {
        "partition": 0, "actor": "mallory", "metadata": "{}", "stream": KIM, "expected": 2,
        "last": None, "doc": '{"name": "kim"}', "key": None, "fingerprint": None,
        "topics": ["principal.token_issued.v1"], "states": [ISSUED.encode()], "ids": [uuid4()],
        "check_value": None, "secret": SECRET, "generation": None, "idle": None, "sign_ins": None,
        "sealing_key": None, "address": None,
    } | given  # fmt: skip
    binds = ", ".join(f"${number}" for number in range(1, len(arguments) + 1))
    (row,) = await connection.fetch(
        f"SELECT * FROM append_principal_1({binds})", *arguments.values()
    )
    return row


CRAFTED: dict[str, dict[str, Any]] = {
    "an event of another kind": {"topics": ["account.created.v1"]},
    "no topic": {"topics": [None]},
    "the name of another": {"doc": '{"name": "admin"}'},
    "no name": {"doc": "{}"},
    "a stream of nobody": {"stream": UUID(int=5 << 76), "expected": 0},
    "an AI session": {"stream": uuid4(), "expected": 0},
    "no secret": {"secret": None},
    "a short secret": {"secret": b"x"},
    "no JSON": {"states": [b"{"]},
    "no members": {"states": [b"{}"]},
    "an event more": {"topics": ["principal.token_issued.v1"] * 2},
    "no event": {"topics": [], "states": [], "ids": []},
    "another generation": {"generation": 7},
    "another partition": {"partition": 1},
    "a taken name": {
        "stream": principal_stream("mallory"),
        "expected": 0,
        "topics": ["principal.added.v1"],
        "states": [b'{"name":"kim"}'],
    },
}


@pytest.fixture
async def mallory(there: Place) -> AsyncIterator[asyncpg.Connection]:
    async with there.mallory() as connection:
        yield connection


@pytest.mark.parametrize("given", CRAFTED.values(), ids=CRAFTED)
async def test_a_crafted_append_keeps_no_secret(
    there: Place, mallory: asyncpg.Connection, given: dict[str, Any]
) -> None:
    with pytest.raises(asyncpg.PostgresError):
        await append(mallory, **given)
    await there.assert_untouched()


async def test_a_forged_version_keeps_no_secret(there: Place, mallory: asyncpg.Connection) -> None:
    for version in (0, 1, 3, 2**63 - 1):
        row = await append(mallory, expected=version)
        assert row["outcome"] == "conflict"
    await there.assert_untouched()
