"""A log of 60 events that people bring to the verifier: its exports, checkpoints and proofs."""

import json
from pathlib import Path

import pytest

from app.proof.verifier import TlogProof, main
from support.exported import events, export, hashes, leaf
from support.rfc9162 import inclusion
from support.signed import Signer, checkpoint_of, signed

EVENTS = events(60)
LEAVES = hashes(EVENTS)
LOG, OTHER_LOG, OTHER_KEY = Signer("log/0"), Signer("other/0"), Signer("log/0")
WHOLE = export(EVENTS)
LINES = WHOLE.splitlines(keepends=True)
FIFTH = LINES[5]


def note(size: int, by: Signer = LOG, leaves: list[bytes] = LEAVES) -> str:
    return str(signed(str(checkpoint_of(by.name, leaves[:size])), by))


def fifth(old: bytes, new: bytes) -> bytes:
    """The export with another fifth event."""
    assert old in FIFTH
    return b"".join([*LINES[:5], FIFTH.replace(old, new, 1), *LINES[6:]])


def put(*lines: bytes, at: int = 5, until: int = 6) -> bytes:
    """The export with other lines in the place of some."""
    return b"".join([*LINES[:at], *lines, *LINES[until:]])


def ending(text: str) -> bytes:
    return put(b'{"checkpoint":%b}\n' % text.encode(), at=61, until=62)


def with_notes(text: str, partition: str = "0") -> bytes:
    return ending(json.dumps({"positions": {"0": 60}, "notes": {partition: text}}))


def proof(position: int = 17) -> str:
    path = tuple(inclusion(position - 1, LEAVES))
    checkpoint = signed(str(checkpoint_of("log/0", LEAVES)), LOG)
    return str(TlogProof(position - 1, path, checkpoint, leaf(EVENTS[position - 1])))


def without(number: int) -> str:
    """The proof without one of its lines."""
    lines = proof().split("\n")
    return "\n".join([*lines[:number], *lines[number + 1 :]])


class Asking:
    """Asks the verifier in a folder with a key, a checkpoint, an export and a proof."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        given: dict[str, bytes | str] = {
            "key": f"{LOG.key}\n",
            "kept": note(60),
            "clean": WHOLE,
            "p": proof(),
        }
        for name, data in given.items():
            self.put(name, data)

    def put(self, name: str, data: bytes | str) -> None:
        (self._folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """The code it ends with, and all that it says."""
        try:
            code = main(arguments)
        except SystemExit as ended:  # argparse's own
            code = int(str(ended.code))
        shown = self._capsys.readouterr()
        return code, shown.out + shown.err
