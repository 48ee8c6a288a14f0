"""The verifier is given what was changed at random: it refuses, or shows what it showed before."""

import os
import random
from pathlib import Path

import pytest
from support.exported import events, export
from support.receipted import LOG as ERASED_LOG
from support.receipted import receipt
from support.signed import Signer
from support.verified import LOG, Asking, note, proof, with_notes

CHANGED = int(os.environ.get("TEST_VERIFIER_FUZZED", "60"))
PIECES = (
    b"", b"\0", b"\n", b"\n\n", b"\xff", "\u2014 ".encode(), b'"', b"\\", b"\\ud800", b"{", b"}",
    b"[" * 9_999, b"0", b"-1", b"9" * 19, b"9" * 5_000, b"=", b"+", b"/", b",",
    b":", b"null", b"1e999",
)  # fmt: skip
KEPT = ("--checkpoint", "kept")
WHAT: dict[str, tuple[str, str | bytes, Signer, tuple[str, ...]]] = {
    "checkpoints": ("checkpoint", note(50) + note(60), LOG, ()),
    "a checkpoint": ("export", note(60), LOG, KEPT),
    "proofs": ("proof", proof(17) + proof(60), LOG, ()),
    "an export": ("export", export(events(60)), LOG, KEPT),
    "an export that was signed": ("export", with_notes(note(60)), LOG, KEPT),
    "a receipt": ("receipt", str(receipt()), ERASED_LOG, ()),
    "a key": ("checkpoint", str(LOG.key), LOG, ()),
}


def changed(rng: random.Random, data: bytes) -> bytes:
    """Some bytes with another one, a piece more, less or twice, or without their end."""
    at, until = sorted((rng.randrange(len(data)), rng.randrange(len(data) + 1)))
    match rng.randrange(6):
        case 0:
            return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]
        case 1:
            return data[:at] + rng.choice(PIECES) + data[at + rng.randrange(3) :]
        case 2:
            return data[:at] + data[until:]
        case 3:
            return data[:until] + data[at:]
        case 4:
            return data[:at]
        case _:
            lines = data.split(b"\n")
            one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[one], lines[other] = lines[other], lines[one]
            return b"\n".join(lines)


@pytest.mark.parametrize("what", WHAT)
def test_what_was_changed_shows_nothing_new(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ask, rng = Asking(tmp_path, capsys), random.Random(what)
    command, text, key, options = WHAT[what]
    data = text if isinstance(text, bytes) else text.encode()
    ask.put("key", f"{key.key}\n")
    place = {"a checkpoint": "kept", "a key": "key"}.get(what, "given")
    read = {"a checkpoint": "clean", "a key": "kept"}.get(what, "given")
    ask.put(place, data)
    asked = (command, read, "--key", "key", *options)
    code, clean = ask(*asked)
    assert code == 0, clean
    for _ in range(CHANGED):
        other = data
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            other = changed(rng, other) or b"\n"
        ask.put(place, other)
        code, said = ask(*asked)
        assert code in (0, 1, 2), (other, said)
        if code == 0:
            shown = {each for each in said.splitlines() if each.startswith("shown: ")}
            assert shown <= set(clean.splitlines()), (other, said)
        else:
            assert "NOT SHOWN: " in said or said.startswith("verifier: "), (other, said)
