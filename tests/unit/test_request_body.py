"""Bodies are read whole, within bounds, or refused."""

import re
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

from app.codecs.json_text import BadInput
from app.http.arrival import DRAINED
from app.http.body import MAX_PIECES, TooLarge, UnknownCoding, drop, read_body

BODY_BYTES = 100


async def body_of(parts: Sequence[bytes], *headers: tuple[bytes, bytes]) -> bytes:
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]

    async def receive() -> Any:  # any ASGI message
        return messages.pop(0)

    return await read_body(receive, dict(headers), BODY_BYTES)


@pytest.mark.parametrize("parts", [[b""], [b"body"], [b"bo", b"", b"dy"], [b"x" * BODY_BYTES]])
async def test_a_body_is_read_whole(parts: list[bytes]) -> None:
    assert await body_of(parts) == b"".join(parts)


@pytest.mark.parametrize("length", [b"4", b"04", b"0004"])
async def test_a_length_is_a_number_however_it_is_written(length: bytes) -> None:
    assert await body_of([b"body"], (b"content-length", length)) == b"body"


@pytest.mark.parametrize("length", [b"5", b"3", b"+4", b"", b"4, 4", b"\xd9\xa4"])
async def test_another_length_than_the_bodys_is_refused(length: bytes) -> None:
    with pytest.raises(BadInput):
        await body_of([b"body"], (b"content-length", length))


@pytest.mark.parametrize(
    "parts",
    [[b"x" * (BODY_BYTES + 1)], [b"x" * BODY_BYTES, b"x"], [b"x"] * (BODY_BYTES + 1),
     [b"x" * BODY_BYTES] * 100],
    ids=["at once", "at the end", "by the byte", "far too long"],
)  # fmt: skip
async def test_a_body_has_a_size_at_most(parts: list[bytes]) -> None:
    with pytest.raises(TooLarge) as refused:
        await body_of(parts)
    assert refused.value.status == 413
    assert str(refused.value) == f"The body has more than {BODY_BYTES} bytes"


async def nothing_is_read() -> Any:  # any ASGI message
    raise AssertionError("it was to be refused unread")


@pytest.mark.parametrize("length", [b"101", b"0101", b"9" * 17, b"9" * 5_000])
async def test_a_body_that_is_announced_too_long_is_refused_unread(length: bytes) -> None:
    with pytest.raises(TooLarge, match=f"more than {BODY_BYTES} bytes") as refused:
        await read_body(nothing_is_read, {b"content-length": length}, BODY_BYTES)
    assert refused.value.status == 413


async def test_a_body_comes_in_a_number_of_pieces_at_most() -> None:
    assert await body_of([b""] * MAX_PIECES) == b""
    with pytest.raises(TooLarge, match=f"more than {MAX_PIECES} pieces") as refused:
        await body_of([b""] * (MAX_PIECES + 1))
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("parts", "left"),
    [([b"", b""], 0), ([b"x" * BODY_BYTES] * 20, 3), ([b""] * (MAX_PIECES + 1), 1)],
    ids=["all of it", "as many bytes as that", "as many pieces as that"],
)
async def test_what_comes_after_the_answer_is_dropped_within_bounds(
    parts: list[bytes], left: int
) -> None:
    messages = deque({"type": "http.request", "body": part, "more_body": True} for part in parts)
    messages.append({"type": "http.disconnect"})

    async def receive() -> Any:  # any ASGI message
        return messages.popleft()

    await drop(receive, DRAINED * BODY_BYTES)
    assert len(messages) == left + (left > 0)


@pytest.mark.parametrize("coding", [b"", b"identity", b" Identity "])
async def test_a_plain_body_may_be_said_to_be_plain(coding: bytes) -> None:
    assert await body_of([b"body"], (b"content-encoding", coding)) == b"body"


@pytest.mark.parametrize("coding", [b"gzip", b"identity, br", b"aws-chunked", b"\xff"])
async def test_a_coded_body_is_refused_by_the_name_of_its_coding(coding: bytes) -> None:
    with pytest.raises(UnknownCoding, match=re.escape(repr(coding.decode("latin-1")))):
        await body_of([b"\x1f\x8b"], (b"content-encoding", coding))


async def test_the_coding_of_no_body_does_not_matter() -> None:
    assert await body_of([b""], (b"content-encoding", b"gzip")) == b""
