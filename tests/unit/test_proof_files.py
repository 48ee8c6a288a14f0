"""Proof files: what is written is read, and nothing that was changed shows anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.exported import events, hashes, leaf
from support.rfc9162 import inclusion
from support.signed import Signer, checkpoint_of, signed

from app.proof.signed import show_proof
from app.proof.verifier import Note, Signature, TlogProof, Unproven, parse_proofs

EVENTS = events(60)
LEAVES = hashes(EVENTS)
LOG = Signer("log/0")
NOTE = signed(str(checkpoint_of("log/0", LEAVES)), LOG)
EMPTY_NOTE = Note("text\n", (Signature("name", bytes(4), b"value"),))


def proof(position: int, extra: bytes | None = None, note: Note = NOTE) -> TlogProof:
    return TlogProof(position - 1, tuple(inclusion(position - 1, LEAVES)), note, extra)


def shown(data: bytes) -> str:
    return "".join(show_proof(each, None, [LOG.key], ()) for each in parse_proofs(data))


def test_every_event_is_shown() -> None:
    for event in EVENTS:
        said = shown(str(proof(event.position, leaf(event))).encode())
        assert said.startswith(f"event 0:{event.position}, {event.topic}, version {event.version}")
        assert said.endswith("in log/0 from its checkpoint of 60 on")


def test_every_changed_bit_fails() -> None:
    whole = str(proof(17, leaf(EVENTS[16]))).encode()
    assert shown(whole)
    for place in range(len(whole)):
        for bit in range(8):
            other = whole[:place] + bytes((whole[place] ^ 1 << bit,)) + whole[place + 1 :]
            with pytest.raises(Unproven):
                shown(other)


def test_a_proof_of_another_event_index_partition_or_log_fails() -> None:
    good, other = EVENTS[16], EVENTS[17]
    cases = [
        (proof(17, leaf(other)), "The proof is of 0:17, but its event is 0:18"),
        (proof(17, leaf(good._replace(partition=1))), "but its event is 1:17"),
        (proof(17, leaf(good._replace(actor="eve"))), "does not lead from leaf 16 to the root"),
        (proof(17, b"sessionary/event/v1"), "not the leaf of an event"),
        (proof(17, leaf(good) + b"\0"), "not the leaf of an event"),
        (proof(17), "give the event's line with --event"),
        (proof(17, leaf(good), signed("log/x\n1\n" + str(NOTE.text)[9:], LOG)), "no key was given"),
    ]
    for case, words in cases:
        with pytest.raises(Unproven, match=words):
            shown(str(case).encode())
    with pytest.raises(Unproven, match="a column differs"):
        show_proof(proof(17, leaf(good)), leaf(other), [LOG.key], ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begins with"),
        ("FORM\n", "begins with"),
        ("form\nindex 0\n\nNOTE", "begins with"),
        ("FORM\nindex 0\nNOTE", "Hash 1 of the proof has 3 bytes"),
        ("FORM\n\nNOTE", "no line with the index"),
        ("FORM\nextra AA==\n\nNOTE", "no line with the index"),
        ("FORM\nindex 0\nextra AA==\n\nNOTE", "not canonical"),
        ("FORM\nextra AA=\nindex 0\n\nNOTE", "extra line is not canonical"),
        ("FORM\nextra AB==\nindex 0\n\nNOTE", "extra line is not canonical"),
        ("FORM\nextra AA==\nextra AA==\nindex 0\n\nNOTE", "no line with the index"),
        ("FORM\nindex 00\n\nNOTE", "decimal"),
        ("FORM\nindex -1\n\nNOTE", "decimal"),
        ("FORM\nindex 9223372036854775808\n\nNOTE", "decimal"),
        ("FORM\nindex  1\n\nNOTE", "decimal"),
        ("FORM\nindex 1\nAAAA\n\nNOTE", "Hash 1 of the proof has 3 bytes"),
        ("FORM\nindex 1\n" + ("A" * 43 + "=\n") * 65 + "\nNOTE", "more than 64 hashes"),
        ("FORM\nindex 1\n" + "A" * 42 + "B=\n\nNOTE", "not canonical"),
        ("FORM\r\nindex 1\r\n\nNOTE", "control character at byte 22"),
        ("FORM\nindex 1\n\n", "note"),
        ("FORM\nindex 1\n\nNOTENOT", "signature"),
    ],
)
def test_what_is_no_proof_is_refused(text: str, words: str) -> None:
    whole = text.replace("FORM", "c2sp.org/tlog-proof@v1").replace("NOTE", str(EMPTY_NOTE))
    with pytest.raises(Unproven, match=words):
        TlogProof.parse(whole.encode())


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=64),
    st.none() | st.binary(max_size=100),
)
def test_what_is_written_is_read(index: int, path: list[bytes], extra: bytes | None) -> None:
    made = TlogProof(index, tuple(path), EMPTY_NOTE, extra)
    assert TlogProof.parse(str(made).encode()) == made
    assert parse_proofs(str(made).encode() * 3) == [made] * 3


@given(st.binary(max_size=100), st.integers(0, 1_500), st.integers(0, 40))
def test_no_bytes_are_a_traceback(inserted: bytes, place: int, cut: int) -> None:
    good = str(proof(17, leaf(EVENTS[16]))).encode()
    for data in (inserted, good[:place] + inserted + good[place + cut :]):
        try:
            assert shown(data)
            assert data == good
        except Unproven:
            pass
