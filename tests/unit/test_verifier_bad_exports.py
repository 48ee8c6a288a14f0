"""Exports that were altered: the verifier refuses them, and names what is wrong."""

import json
import os
import threading
from pathlib import Path

import pytest
from backports import zstd
from support.verified import (
    FIFTH,
    LEAVES,
    LINES,
    OTHER_KEY,
    OTHER_LOG,
    WHOLE,
    Asking,
    ending,
    fifth,
    note,
    put,
    with_notes,
)

_ZSTD = zstd.compress(WHOLE)
EXPORT = ("export", "given", "--key", "key", "--checkpoint", "kept")
EXPORTS = {
    "empty": (b"", "cut off after line 0"),
    "NUL": (bytes(100), "Line 1 is not one of an export"),
    "of noise": (bytes(range(128, 228)), "Line 1 is not UTF-8 at its byte 0"),
    "cut in an event": (WHOLE[: len(WHOLE) // 2], "first bad position: 0:31"),
    "cut behind an event": (b"".join(LINES[:30]), "cut off after line 30"),
    "without events": (LINES[0] + LINES[-1], "only 0 of the 60 events"),
    "an event twice": (put(FIFTH, FIFTH), "There are several events 0:5"),
    "an event less": (put(), "Event 0:5 is missing: 0:6 stands in its place"),
    "in another order": (put(LINES[6], FIFTH, until=7), "Event 0:5 is missing"),
    "an event of no partition": (fifth(b'n":0', b'n":3'), "Event 3:1 is missing: 3:5"),
    "no UTF-8": (fifth(b'"actor":"', b'"actor":"\xff'), "Line 6 is not UTF-8 at its byte 2"),
    "no UTF-8 in a key": (put(b'{"key":\xff}\n'), "Line 6 is not UTF-8 at its byte 7"),
    "NUL in an actor": (fifth(b'"actor":"', b'"actor":"\0'), "Line 6 is not one of an export"),
    "half a surrogate": (fifth(b'"actor":"', b'"actor":"\\ud800'), "Line 6 is not as exports"),
    "no escape": (fifth(b'"actor":"', b'"actor":"\\q'), "its type or its actor is no text"),
    "a huge position": (fifth(b'"position":5', b'"position":' + b"9" * 19), "0:5 is missing"),
    "an endless position": (fifth(b'"position":5', b'"position":' + b"9" * 5_000), "Line 6 is not"),
    "a huge version": (fifth(b'"version":', b'"version":99999'), "Event 0:5 has version 99999"),
    "no such month": (fifth(b"2026-11-", b"2026-13-"), "there is no time 2026-13-21T10:"),
    "no such year": (fifth(b"2026-11-", b"0000-11-"), "Line 6 is not as exports have it"),
    "another zone": (fifth(FIFTH[FIFTH.index(b"dAt") + 6 :][16:19], b"-01"), "there is no time"),
    "an id of dashes": (fifth(b'"stream":"', b'"stream":"-'), "Line 6 is not"),
    "a moved dash": (fifth(FIFTH[FIFTH.index(b'"stream":"') + 17 :][:2], b"--"), "an id has"),
    "no data": (fifth(b'"data":{', b'"dota":{'), "it has no data"),
    "no chain": (fifth(b'"chain":"', b'"choin":"'), "it has no chain"),
    "two chains": (fifth(b'"}\n', b'","chain":""}x\n'), "something behind its chain"),
    "deep nesting": (put(b'{"a":' + b"[" * 100_000 + b"\n"), "Line 6 is not one of an export"),
    "a key of noise": (put(b'{"key":[[[\n'), "Line 6 is not one of an export"),
    "a foreign line": (put(b'{"x":1}\n'), "Line 6 is not one of an export"),
    "lines behind the end": (WHOLE + b'{"x"', "Line 63 follows the checkpoint"),
    "an end that is cut": (WHOLE[:-4], "Line 62, the checkpoint, cannot be read"),
    "an end that is deep": (ending("[" * 100_000), "Line 62, the checkpoint, cannot be read"),
    "an end of a list": (ending("[]"), "Line 62, the checkpoint, cannot be read"),
    "an end of nothing": (ending("{}"), "Line 62, the checkpoint, cannot be read"),
    "an endless end": (ending('{"positions":{"0":%s}}' % ("9" * 5_000)), "cannot be read"),
    "an infinite end": (ending('{"positions":{"0":1e999}}'), "cannot be read"),
    "an end elsewhere": (ending('{"positions":{"0":70}}'), "says that it ends at 0:70"),
    "an end below zero": (ending('{"positions":{"0":-7}}'), "first bad position: 0:1"),
    "another partition's end": (ending('{"positions":{"1":7}}'), "first bad position: 1:1"),
    "notes that are none": (ending('{"positions":{},"notes":"x"}'), "cannot be read"),
    "a note of noise": (with_notes("x"), "checkpoint of partition 0 that the export ends with"),
    "a note that is no text": (with_notes("\ud800"), "The note is not UTF-8 at byte 0"),
    "a note of another place": (with_notes(note(60), "1"), "It is of log/0"),
    "a note of other events": (with_notes(note(60, leaves=LEAVES[::-1])), "are not those of"),
    "a note of more events": (with_notes(note(99, leaves=LEAVES * 2)), "are not those of"),
    "a changed note": (with_notes(note(60).replace("\n60\n", "\n59\n")), "was altered"),
    "zstd cut in half": (_ZSTD[: len(_ZSTD) // 2], "The export is cut off"),
    "zstd cut at its start": (_ZSTD[:5], "The export is cut off"),
    "zstd and noise": (_ZSTD + b"noise", "what is compressed was altered"),
    "zstd twice": (_ZSTD * 2, "Line 63 follows the checkpoint"),
}  # fmt: skip


@pytest.fixture
def ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Asking:
    monkeypatch.chdir(tmp_path)
    return Asking(tmp_path, capsys)


@pytest.mark.parametrize(("data", "words"), EXPORTS.values(), ids=EXPORTS)
def test_an_export_that_was_altered_is_refused_by_name(
    ask: Asking, data: bytes, words: str
) -> None:
    ask.put("given", data)
    code, text = ask(*EXPORT)
    assert (code, words in text) == (1, True), text


UNSIGNED = {
    "of another key": with_notes(note(60, OTHER_KEY)),
    "of another log": with_notes(note(60, OTHER_LOG)),
    "of none": WHOLE,
}


@pytest.mark.parametrize("data", UNSIGNED.values(), ids=UNSIGNED)
def test_a_checkpoint_inside_that_no_given_key_signed_is_said_not_to_be_checked(
    ask: Asking, data: bytes
) -> None:
    ask.put("given", data)
    code, text = ask(*EXPORT, "--json")
    answer = json.loads(text)
    assert (code, answer["ok"]) == (0, True)
    assert any("that the export ends with" in each for each in answer["notChecked"]), answer
    ask.put("given", with_notes(note(50)))
    code, text = ask(*EXPORT, "--json")
    assert code == 0
    assert "are those of the checkpoint of 50 events of log/0" in json.loads(text)["checked"][1]


@pytest.mark.parametrize(("data", "code"), [(WHOLE, 0), (WHOLE[:999], 1), (b"", 1)])
def test_an_export_may_come_through_a_pipe(ask: Asking, data: bytes, code: int) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(data))
    writer.start()
    ended, text = ask("export", "pipe", "--key", "key", "--checkpoint", "kept")
    writer.join()
    assert ended == code, text


def mirror(folder: Path, hashes: list[bytes]) -> None:
    (folder / "tile/0/000.p").mkdir(parents=True)
    (folder / f"tile/0/000.p/{len(hashes)}").write_bytes(b"".join(hashes))


def test_a_mirror_of_tiles_names_the_event_that_was_altered(ask: Asking, tmp_path: Path) -> None:
    mirror(tmp_path / "m", LEAVES)
    asked = (*EXPORT, "--tiles", "m")
    ask.put("given", WHOLE)
    code, text = ask(*asked)
    assert (code, "the mirror's tiles of partition 0, against the" in text) == (0, True), text
    ask.put("given", fifth(b'"actor":"', b'"actor":"x'))
    code, text = ask(*asked)
    assert (code, "first bad position: 0:5\n" in text) == (1, True), text


def test_tiles_that_were_altered_are_told(ask: Asking, tmp_path: Path) -> None:
    ask.put("given", WHOLE)
    mirror(tmp_path / "other" / "0", LEAVES[::-1])
    mirror(tmp_path / "fewer", LEAVES[:40])
    mirror(tmp_path / "none", [])
    ask.put("fewer/tile/0/000.p/50", b"x")
    cases = {
        "other": "tiles of partition 0 are not those of 60 events",
        "fewer": "50 is no tile of 50 hashes",
        "nothing": "has no tiles of partition 0",
    }
    for folder, words in cases.items():
        code, text = ask(*EXPORT, "--tiles", folder)
        assert (code, words in text) == (1, True), text
    ask.put("none/tile/0/000.p/0", b"")
    code, text = ask(*EXPORT, "--tiles", "none")
    assert (code, "they have 0 of the 60 hashes" in text) == (0, True), text
