"""Receipts: each shows its erasures in the log, and one that was changed anywhere shows nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.receipted import (
    BEFORE,
    EVENTS,
    ID,
    LEAVES,
    LOG,
    base64s,
    body,
    note,
    partition,
    receipt,
    session,
)
from support.rfc9162 import consistency
from support.signed import Signer, checkpoint_of

from app.proof.receipt import Receipt, parse_receipts, show_receipt
from app.proof.verifier import Unproven


def shown(data: bytes) -> list[str]:
    return [line for each in parse_receipts(data) for line in show_receipt(each, [LOG.key])[0]]


def test_a_receipt_is_a_line_whatever_ends_lines() -> None:
    reason = "asked\u2028for\u2029by\u0085letter"
    text = str(receipt(body(reason=reason)))
    assert len(text.splitlines()) == 1
    assert parse_receipts(text.encode())[0].body["reason"] == reason


def told(of: Receipt) -> list[str]:
    return shown(str(of).encode())


def with_session(**other: Any) -> dict[str, Any]:
    return body(sessions=[session(EVENTS[44]) | other])


def with_positions(*places: str) -> dict[str, Any]:
    (scope,) = session(EVENTS[44])["scopes"]
    return with_session(scopes=[scope | {"positions": list(places)}])


def test_each_erasure_is_shown() -> None:
    first, *erasures = told(receipt())
    assert first == f"the receipt {ID}, asked for by dee, with 2 sessions"
    assert erasures[0].startswith("personal data (customer) of s45 was erased by event 0:45 at ")
    assert "personal data (customer and agent) of s52 was erased by event 0:52" in erasures[1]
    assert erasures[1].endswith("in the log from its checkpoint of 60 on")
    assert len(shown(f"{receipt()}{receipt()}".encode())) == 6
    assert told(receipt(body(sessions=[]))) == [first.replace("2 sessions", "0 sessions")]


def test_every_changed_byte_fails() -> None:
    whole = str(receipt(body(sessions=[session(EVENTS[44])]))).encode()
    assert shown(whole)
    for place in range(len(whole)):
        for bit in (0, 5):
            other = whole[:place] + bytes((whole[place] ^ 1 << bit,)) + whole[place + 1 :]
            with pytest.raises(Unproven):
                shown(other)
        for other in (whole[:place], whole[:place] + whole[place + 1 :]):
            with pytest.raises(Unproven):
                shown(other)
        with pytest.raises(Unproven):
            shown(whole[:place] + b" " + whole[place:])


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (body(log="other"), "of the log other, of which no key was given"),
        (body(form="x"), "not of the form"),
        (body(reason="another"), "another reason, actor, approver or subject"),
        (body(askedBy="eve"), "another reason, actor, approver or subject"),
        (body(approvedBy=None), "another reason, actor, approver or subject"),
        (with_positions("0:3", "0:40"), "its positions are not those of 3 events"),
        (with_positions("0:3", "0:39-45"), "its positions are not those of 3 events"),
        (with_positions("0:39-40", "0:3"), "its positions are not those of 3 events"),
        (with_positions("1:3", "0:39-40"), "its positions are not those of 3 events"),
        (with_positions("0:3", "0:x"), "lacks something"),
        (body(partitions=[]), "lacks something"),
        (body(partitions=[partition(consistency=[])]), "not shown that the tree of 44"),
        (body(partitions=[partition(after=note(50), consistency=base64s(
            consistency(BEFORE, LEAVES[:50])))]), "does not lead from leaf 44"),
        (body(partitions=[partition(before=note(45), consistency=base64s(
            consistency(45, LEAVES)))]), "the checkpoint before it covers it already"),
        (body(partitions=[partition(after=None)]), f"get the receipt {ID} again"),
        (with_session(proof=None), f"get the receipt {ID} again"),
        (with_session(proof=session(EVENTS[51])["proof"]), "another event than the one at its"),
        (with_session(fence="0:44"), "another event than the one at its fence"),
        (with_session(fence="1:45"), "lacks something"),
        (with_session(version=99), "says something else"),
        (with_session(kind="chat_session"), "says something else"),
        (with_session(stream=session(EVENTS[51])["stream"]), "says something else"),
        (with_session(recordedAt="2026-11-21T10:00:00.000000Z"), "says something else"),
        (with_session(erasureId="another"), "says something else"),
        (with_session(scopes=[]), "another reason, actor, approver or subject"),
        (with_session(scopes=[{}]), "lacks something"),
        ({"form": "sessionary/receipt/v1"}, "lacks something"),
    ],
)  # fmt: skip
def test_what_the_log_does_not_say_is_not_shown_though_it_is_signed(
    members: dict[str, Any], words: str
) -> None:
    with pytest.raises(Unproven, match=words):
        told(receipt(members))


def test_an_erasure_of_before_has_its_own_reason_and_actor() -> None:
    members = body(id="a later one", askedBy="ann", reason="again")
    assert len(told(receipt(members))) == 3
    later = partition(before=note(60), consistency=[])
    assert len(told(receipt(members | {"partitions": [later]}))) == 3
    first_of_all = partition(before=None, consistency=[])
    assert len(told(receipt(body(partitions=[first_of_all])))) == 3


def test_only_the_log_signs() -> None:
    other = Signer("log/0")
    with pytest.raises(Unproven, match="not signed by a key that was given"):
        told(receipt(body(), other))
    with pytest.raises(Unproven, match="a key that was not given"):
        told(receipt(body(), LOG, other))
    with pytest.raises(Unproven, match="not signed by a key that was given"):
        told(receipt(body(partitions=[partition(after=note(60, other))])))
    with pytest.raises(Unproven, match="is of log/1, of which no key"):
        told(receipt(body(partitions=[partition(after=note(60, Signer("log/1")))])))
    witness = Signer("witness.example/w1", 4)
    with pytest.raises(Unproven, match=r"given \(witness\.example/w1\)"):
        show_receipt(receipt(), [LOG.key], [witness.key])


def test_a_kept_checkpoint_is_compared() -> None:
    for size in (BEFORE, 60):
        kept = {0: [checkpoint_of("log/0", LEAVES[:size])]}
        assert f"checkpoint of {size} events is the one" in show_receipt(
            receipt(), [LOG.key], kept=kept
        )[0][-1]  # fmt: skip
    kept = {0: [checkpoint_of("log/0", LEAVES[:50])]}
    assert "none of that size" in show_receipt(receipt(), [LOG.key], kept=kept)[1][0]
    other = checkpoint_of("log/0", LEAVES)._replace(root=bytes(32))
    with pytest.raises(Unproven, match="there are two logs"):
        show_receipt(receipt(), [LOG.key], kept={0: [other]})
    with pytest.raises(Unproven, match="another log"):
        show_receipt(receipt(), [LOG.key], kept={0: [checkpoint_of("x/0", LEAVES)]})


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"{}\n", b"[]\n", b"7\n", b"null\n", b"\xff\n", b"x", b"[" * 100_000 + b"\n",
        b'{"signatures":[]}\n', b'{"signatures":["x"]}\n', b'{"a":NaN,"signatures":[]}\n',
        b'{"a":"\\ud800","signatures":[]}\n', b"9" * 5_000 + b"\n", str(receipt()).encode() + b"\n",
        json.dumps({**body(), "signatures": []}).encode() + b"\n",
    ],
)  # fmt: skip
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(Unproven):
        shown(data)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with pytest.raises(Unproven):
        shown(data)
