"""Exports that somebody altered: each way takes the lines, and the place of one of them."""

import json
from collections.abc import Callable, Sequence


def _other(line: bytes, **changed: object) -> bytes:
    return json.dumps(json.loads(line) | changed, separators=(",", ":")).encode() + b"\n"


def event_at(lines: Sequence[bytes], position: int) -> int:
    return next(
        place for place, line in enumerate(lines) if json.loads(line).get("position") == position
    )


def _without(lines: list[bytes], place: int) -> list[bytes]:
    return lines[:place] + lines[place + 1 :]


def _changed(lines: list[bytes], place: int, **changed: object) -> list[bytes]:
    return [*lines[:place], _other(lines[place], **changed), *lines[place + 1 :]]


ALTERED: dict[str, Callable[[list[bytes], int], list[bytes]]] = {
    "actor": lambda lines, at: _changed(lines, at, actor="somebody"),
    "time": lambda lines, at: _changed(lines, at, recordedAt="2026-01-01T00:00:00.000000Z"),
    "data": lambda lines, at: _changed(lines, at, data={"name": "Another"}),
    "session's id": lambda lines, at: _changed(lines, at, sessionId="account:other"),
    "member more": lambda lines, at: _changed(lines, at, more=1),
    "metadata": lambda lines, at: _changed(lines, at, metadata={"face": "cli"}),
    "missing": _without,
    "twice": lambda lines, at: [*lines[: at + 1], *lines[at:]],
    "reordered": lambda lines, at: [
        *lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]
    ],
    "cut off": lambda lines, at: lines[:at],
    "cut in a line": lambda lines, at: [*lines[:at], lines[at][:20]],
    "no checkpoint": lambda lines, at: lines[:-1],
    "more behind": lambda lines, at: [*lines, lines[-1]],
    "checkpoint": lambda lines, at: _changed(
        lines, -1, checkpoint={"positions": {"0": 1}, "recordedAt": {}}
    )[: len(lines)],
    "no JSON": lambda lines, at: [*lines[:at], b"{]\n", *lines[at + 1 :]],
}  # fmt: skip
