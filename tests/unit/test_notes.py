"""Signed notes, checkpoints and cosignatures: the published vectors, and what is none."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signed import NOW_S, Signer, checkpoint_of, signed, signers

from app.proof.notes import MAX_NOTE_BYTES, MAX_SIGNATURES
from app.proof.verifier import (
    EMPTY_ROOT,
    Checkpoint,
    Note,
    Signature,
    Unproven,
    VerifierKey,
    parse_note,
    parse_notes,
    verify_consistency,
)

ORIGIN = "log/0"
PROVERB = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgK"
    "vqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01"
    "oOTGwnWLox33WWd1RvMc+QQ=\n"
)
BY_FOO = (
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXs"
    "YjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
SIGSUM = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
SIGSUM_KEY = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
SIGSUM_NOTES = {
    1: (
        "KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=",
    ),
    3: (
        "RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=",
        "UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=",
    ),
    5: (
        "QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=",
        "UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=",
    ),
}
"""Of torchwood's tests of a witness."""
SIGSUM_PROOFS = {
    (1, 3): (
        "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ),
    (3, 5): (
        "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "KgMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "wgiIFdZfYNv6WU1OllBKsWnLYIS/DBMqt8Uh/S4OukE=",
        "KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ),
}


def keys(*texts: str) -> list[VerifierKey]:
    return [VerifierKey.parse(text) for text in texts]


def note(text: str) -> Note:
    return parse_note(text.encode())


def test_the_notes_of_the_format_and_of_its_first_library_are_verified() -> None:
    foo, peter, enoch = keys(FOO, PETER, ENOCH)
    example = note(f"This is an example message.\n\n{BY_FOO}")
    assert list(example.verified_by([foo, peter])) == [foo]
    both = note(f"{PROVERB}\n{BY_PETER}{BY_ENOCH}")
    assert list(both.verified_by([enoch, peter])) == [peter, enoch]
    assert list(both.verified_by([enoch])) == [enoch]
    assert str(both) == f"{PROVERB}\n{BY_PETER}{BY_ENOCH}"
    assert [str(key) for key in (foo, peter, enoch)] == [FOO, PETER, ENOCH]


def test_checkpoints_and_proofs_of_another_implementation_are_taken() -> None:
    key = VerifierKey(SIGSUM, 1, SIGSUM_KEY)
    found = {}
    for size, (root, signature) in SIGSUM_NOTES.items():
        of_size = note(f"{SIGSUM}\n{size}\n{root}\n\n— {SIGSUM} {signature}\n")
        assert list(of_size.verified_by([key])) == [key]
        found[size] = Checkpoint.parse(of_size.text)
    for (old, new), hashes in SIGSUM_PROOFS.items():
        proof = [base64.b64decode(each) for each in hashes]
        verify_consistency(old, found[old].root, new, found[new].root, proof)


def test_keys_of_other_implementations_are_read() -> None:
    texts = (
        "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    )
    assert [key.type for key in keys(*texts)] == [1, 4]
    assert [str(key) for key in keys(*texts)] == list(texts)


def test_a_cosignature_is_of_the_bytes_that_the_format_gives() -> None:
    text = str(Checkpoint(ORIGIN, 3, bytes(32)))
    plain, ed25519, ml_dsa = (signer.key for signer in signers("w/1"))
    assert plain.message(text, None) == text.encode()
    assert ed25519.message(text, 5) == f"cosignature/v1\ntime 5\n{text}".encode()
    assert ml_dsa.message(text, 5) == (
        b"subtree/v1\n\x00" + b"\x03w/1" + bytes(7) + b"\x05" + b"\x05log/0" + bytes(8)
        + bytes(7) + b"\x03" + bytes(32)
    )  # fmt: skip


@pytest.mark.parametrize("signer", signers(ORIGIN), ids=lambda signer: f"type {signer.type}")
def test_every_changed_bit_of_a_signature_or_a_text_fails(signer: Signer) -> None:
    whole = signed(str(checkpoint_of(ORIGIN, [EMPTY_ROOT])), signer)
    time_s = None if signer.type == 1 else NOW_S
    assert parse_note(str(whole).encode()).verified_by([signer.key]) == {signer.key: time_s}
    (signature,) = whole.signatures
    step = 1 if len(signature.value) < 100 else 97
    for bit in range(0, len(signature.value) * 8, step):
        value = bytearray(signature.value)
        value[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unproven):
            signer.key.verify(whole.text, signature._replace(value=bytes(value)))
    for place in range(len(whole.text)):
        other = whole.text[:place] + chr(ord(whole.text[place]) ^ 1) + whole.text[place + 1 :]
        with pytest.raises(Unproven):
            signer.key.verify(other, signature)


def test_a_signature_of_another_length_or_time_fails() -> None:
    for signer in signers(ORIGIN):
        whole = signed(str(checkpoint_of(ORIGIN, [EMPTY_ROOT])), signer)
        (signature,) = whole.signatures
        for value in (signature.value[:-1], signature.value + b"\0", b"", b"\xff" * 72):
            with pytest.raises(Unproven):
                signer.key.verify(whole.text, signature._replace(value=value))


def test_names_that_ml_dsa_cannot_sign_are_refused() -> None:
    _, _, ml_dsa = signers("w" * 256)
    with pytest.raises(Unproven, match="255 bytes"):
        ml_dsa.key.message(str(Checkpoint(ORIGIN, 1, bytes(32))), 1)


def test_unknown_keys_are_passed_over_and_a_wrong_signature_of_a_known_one_is_not() -> None:
    log, stranger = Signer(ORIGIN), Signer(ORIGIN)
    text = str(checkpoint_of(ORIGIN, []))
    assert list(signed(text, stranger, log).verified_by([log.key])) == [log.key]
    with pytest.raises(Unproven, match="not signed by a key that was given"):
        signed(text, stranger).verified_by([log.key])
    wrong = Note(text, (*signed(text, stranger).signatures, log.sign("log/0\n1\n" + text[8:])))
    with pytest.raises(Unproven, match="was altered"):
        wrong.verified_by([log.key, stranger.key])
    with pytest.raises(Unproven, match="two signatures of one key"):
        signed(text, log, log).verified_by([log.key])


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "\n\n", "text", "text\n", "text\n\n", f"text\n{BY_FOO}", f"text\n\n{BY_FOO}\n",
        f"text\n\n{BY_FOO}"[:-1], f"text\n\n{BY_FOO}more", f"text\n\n{BY_FOO}more\n",
        f"te\txt\n\n{BY_FOO}", f"te\0xt\n\n{BY_FOO}", f"text\r\n\r\n{BY_FOO}",
        f"text\n\n-{BY_FOO[1:]}", f"text\n\n—{BY_FOO[2:]}", "text\n\n— name\n",
        "text\n\n—  AAAAAAA=\n", "text\n\n— na+me AAAAAAA=\n", "text\n\n— na\u00a0me AAAAAAA=\n",
        "text\n\n— name AAAAAA==\n", "text\n\n— name AAAAAAB=\n", "text\n\n— name AAAAAAA\n",
        "text\n\n— name AAAA AAA=\n",
        "text\n\n— name AAAAAAA= \n", "text\n\n— name AAAA-AA=\n",
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(Unproven):
        note(text)


def test_a_note_is_neither_long_nor_does_it_have_many_signatures() -> None:
    with pytest.raises(Unproven, match="bytes"):
        note("a" * MAX_NOTE_BYTES + f"\n\n{BY_FOO}")
    with pytest.raises(Unproven, match="signatures"):
        note("text\n\n" + "— name AAAAAAA=\n" * (MAX_SIGNATURES + 1))
    with pytest.raises(Unproven, match="not UTF-8 at byte 2"):
        parse_note(b"te\xff\n\n" + BY_FOO.encode())
    assert len(note("text\n\n" + "— name AAAAAAA=\n" * MAX_SIGNATURES).signatures) == 100


@pytest.mark.parametrize(
    "text",
    [
        "", "log/0\n", "log/0\n1\n", "\n1\nROOT\n", "log/0\n01\nROOT\n", "log/0\n-1\nROOT\n",
        "log/0\n+1\nROOT\n", "log/0\n1 \nROOT\n", "log/0\n\u0661\nROOT\n",
        "log/0\n9223372036854775808\nROOT\n",
        "log/0\n1\nROOT", "log/0\n1\nAAAA\n", "log/0\n1\nROOT\n\n", "log/0\n0\nROOT\n",
        "log/0\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n", "log/0\n1\n\nROOT\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Unproven):
        Checkpoint.parse(text.replace("ROOT", base64.b64encode(bytes(32)).decode()))


def test_a_checkpoint_may_have_more_lines() -> None:
    found = Checkpoint("log/0", 1, bytes(32), ("more", "and more"))
    assert Checkpoint.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "name", "name+c74f20a3", "+c74f20a3+ARpc", PETER[:-1], PETER + "A", PETER.upper(),
        PETER.replace("c74f20a3", "c74f20a4"), PETER.replace("c74f20a3", "C74F20A3"),
        PETER.replace("+AR", "+BR"), PETER.replace("+AR", "+/R"), PETER.replace("Peter", "Peter "),
        PETER + "\n", "\n" + PETER,
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(Unproven):
        VerifierKey.parse(text)


def test_several_notes_are_read_one_behind_the_other() -> None:
    log, witness = Signer(ORIGIN), Signer("w", 4)
    notes = [signed(str(checkpoint_of(ORIGIN, [EMPTY_ROOT] * n)), log, witness) for n in (1, 2, 3)]
    whole = "".join(map(str, notes)).encode()
    assert parse_notes(whole) == notes
    for wrong in (b"", whole[:-1], whole + b"log/0\n", whole.replace(b"\n\n", b"\n", 1)):
        with pytest.raises(Unproven):
            parse_notes(wrong)


lines = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
names = lines.filter(lambda name: name and "+" not in name and not any(map(str.isspace, name)))


@given(st.lists(lines), st.lists(st.tuples(names, st.binary(min_size=5, max_size=80)), min_size=1))
def test_what_is_written_is_read(text: list[str], signatures: list[tuple[str, bytes]]) -> None:
    made = Note(
        "".join(f"{line}\n" for line in [*text, "end"]),
        tuple(Signature(name, value[:4], value[4:]) for name, value in signatures[:20]),
    )
    assert parse_note(str(made).encode()) == made


@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 5))
def test_no_bytes_are_a_traceback(inserted: bytes, place: int, cut: int) -> None:
    good = f"log/0\n1\n{'A' * 43}=\n\n{BY_PETER}".encode()
    for data in (inserted, good[:place] + inserted + good[place + cut :]):
        try:
            found = parse_note(data)
            assert str(found).encode() == data
            Checkpoint.parse(found.text)
            found.verified_by(keys(PETER))
        except Unproven:
            pass
        else:
            raise AssertionError("nobody signed it")
