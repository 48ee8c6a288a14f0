"""Keys, checkpoints, proofs and receipts that are wrong: the verifier names what is."""

from pathlib import Path

import pytest
from support.exported import line
from support.receipted import LOG as ERASED_LOG
from support.receipted import receipt
from support.signed import Signer
from support.verified import (
    EVENTS,
    LEAVES,
    LOG,
    OTHER_KEY,
    OTHER_LOG,
    WHOLE,
    Asking,
    note,
    proof,
    without,
)


@pytest.fixture
def ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Asking:
    monkeypatch.chdir(tmp_path)
    return Asking(tmp_path, capsys)


KEYS = {
    "empty": ("", "is no key"),
    "a word": ("rubbish", "is no key"),
    "a plus": ("+", "has the form name+id+Base64"),
    "no Base64": ("log/0+00000000+!!", "is not canonical Base64"),
    "too short": (str(LOG.key)[:-4], "The key that was given cannot be read"),
    "an unknown type": ("log/0+00000000+CQAA", "has a type or a length that is not known"),
    "another name": (str(LOG.key).replace("log", "lag"), "The key of lag/0 has the id"),
    "a private key": (f"PRIVATE+KEY+{LOG.key}", "This is a private key"),
    "a private key of PEM": ("-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n", "This is a private key"),
    "a folder": (".", "Is a directory"),
}


@pytest.mark.parametrize(("key", "words"), KEYS.values(), ids=KEYS)
def test_a_key_that_is_none_is_wrong_use(ask: Asking, key: str, words: str) -> None:
    code, text = ask("export", "clean", "--checkpoint", "kept", "--key", key)
    assert (code, words in text) == (2, True), text
    assert "MC4CAQ" not in text
    if "\n" in key or key == "empty":
        ask.put("keys", f"{LOG.key}\n{key}")
        code, text = ask("export", "clean", "--checkpoint", "kept", "--key", "keys")
        assert (code, "keys, line 2 cannot be read: " in text) == (2, True), text


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe", b"\0"])
def test_a_file_of_keys_that_has_none_is_wrong_use(ask: Asking, content: bytes) -> None:
    ask.put("keys", content)
    code, text = ask("export", "clean", "--checkpoint", "kept", "--key", "keys")
    assert (code, "keys" in text) == (2, True), text


CHECKPOINTS = {
    "empty": ("", "A note has a text, an empty line"),
    "NUL": (note(60).replace("6", "\0", 1), "has a control character at byte 6"),
    "no UTF-8": (b"\xff\n", "is not UTF-8 at byte 0"),
    "ends of lines": (note(60).replace("\n", "\r\n"), "has a control character at byte 5"),
    "of another log": (note(60, OTHER_LOG), "is of other/0, of which no key was given"),
    "of another partition": (note(60, Signer("log/1")), "is of log/1, of which no key was given"),
    "of another key": (note(60, OTHER_KEY), "not signed by a key that was given (log/0)"),
    "of other events": (note(60, leaves=LEAVES[::-1]), "of the events 1 to 60 at least one"),
    "of no partition": (note(60, Signer("log")), "is of log, of which no key was given"),
    "of no events": (note(0), "cover no event"),
    "below zero": (note(60).replace("\n60\n", "\n-1\n"), "The size is not a decimal number"),
    "endless": (note(60).replace("\n60\n", f"\n{'9' * 5_000}\n"), "The size is not a decimal"),
    "another size": (note(60).replace("\n60\n", "\n59\n"), "was altered"),
    "unsigned": (note(60).partition("—")[0], "lines of signatures up to its end"),
    "a second one that is wrong": (note(60) + note(50, OTHER_KEY), "kept, checkpoint 2: "),
    "two of one size": (note(50) + note(50, leaves=LEAVES[::-1]), "replaced or forked"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "words"), CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_a_foreign_or_altered_checkpoint_shows_nothing(
    ask: Asking, data: bytes | str, words: str
) -> None:
    ask.put("kept", data)
    code, text = ask("export", "clean", "--key", "key", "--checkpoint", "kept")
    assert (code, words in text) == (1, True), text


PROOFS = {
    "empty": ("", "A proof begins with the line"),
    "NUL": (proof().replace("index", "in\0dex"), "has a control character at byte"),
    "no UTF-8": (b"\xff", "is not UTF-8 at byte 0"),
    "a changed event": (proof().replace("extra c2", "extra c3"), "The data is not the leaf"),
    "half": (proof()[:300], "A proof begins with the line"),
    "a hash less": (without(4), "The inclusion proof has only 5 hashes"),
    "no event": (without(1), "give the event's line with --event"),
    "no index": (without(2), "no line with the index"),
    "another index": (proof().replace("index 16", "index 17"), "is of 0:18, but its event is 0:17"),
    "a huge index": (proof().replace("index 16", f"index {'9' * 18}"), "but its event is 0:17"),
    "an index below zero": (proof().replace("index 16", "index -1"), "The index is not a decimal"),
    "another size": (proof().replace("\n60\n", "\n61\n"), "was altered"),
    "unsigned": (proof().partition("—")[0], "lines of signatures up to its end"),
    "another hash": (proof().replace("\n\n", f"\n{'A' * 43}=\n\n", 1), "has 7 hashes, not 6"),
    "a short hash": (proof().replace("\n\n", "\nAAAA\n\n", 1), "Hash 7 of the proof has 3 bytes"),
    "a second one that is wrong": (proof() + proof(18)[:300], "Proof 2: A proof begins with"),
    "an export": (WHOLE, "A proof begins with the line"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "words"), PROOFS.values(), ids=PROOFS)
def test_a_proof_that_was_altered_shows_nothing(ask: Asking, data: bytes | str, words: str) -> None:
    ask.put("given", data)
    code, text = ask("proof", "given", "--key", "key")
    assert (code, words in text) == (1, True), text


RECEIPTS = {
    "empty": (b"", "the file is empty, or was cut off"),
    "cut": (str(receipt()).encode()[:-9], "the file is empty, or was cut off"),
    "noise": (b"\xff\0\n", "Line 1 is not a receipt"),
    "deep": (b"[" * 100_000 + b"\n", "Line 1 is not a receipt"),
    "null": (b"null\n", "Line 1 is not a receipt"),
    "endless": (b'{"signatures":[],"x":%b}\n' % (b"9" * 9_999), "Line 1 is not a receipt"),
    "no signature": (b'{"signatures":["x"]}\n', "Line 1 is not a receipt: A line of signature"),
    "a second one": (str(receipt()).encode() + b"{}\n", "Line 2 is not a receipt"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "words"), RECEIPTS.values(), ids=RECEIPTS)
def test_a_receipt_that_was_altered_shows_nothing(ask: Asking, data: bytes, words: str) -> None:
    ask.put("given", data)
    code, text = ask("receipt", "given", "--key", str(ERASED_LOG.key))
    assert (code, words in text) == (1, True), text
    assert "Python" not in text


FILES = {
    "a folder as an export": ("export", ".", "--checkpoint", "kept"),
    "no export": ("export", "none", "--checkpoint", "kept"),
    "a folder as a checkpoint": ("export", "clean", "--checkpoint", "."),
    "an endless checkpoint": ("export", "clean", "--checkpoint", "/dev/zero"),
    "a folder as a proof": ("proof", "."),
    "an endless proof": ("checkpoint", "/dev/zero"),
    "a folder as an event": ("proof", "p", "--event", "."),
    "no command": (),
    "no such command": ("verify",),
    "a database that is none": ("database", "x\ny", "--checkpoint", "kept"),
}


@pytest.mark.parametrize("arguments", FILES.values(), ids=FILES)
def test_what_cannot_be_read_is_wrong_use(ask: Asking, arguments: tuple[str, ...]) -> None:
    code, text = ask(*arguments, *(("--key", "key") if arguments else ()))
    assert code == 2, text
    assert "Traceback" not in text


def test_an_event_that_is_none_is_no_proof(ask: Asking) -> None:
    for event in (b"", b"\xff", b"{}", line(EVENTS[3]), WHOLE):
        ask.put("e", event)
        code, text = ask("proof", "p", "--key", "key", "--event", "e")
        assert (code, "NOT SHOWN" in text) == (1, True), text
