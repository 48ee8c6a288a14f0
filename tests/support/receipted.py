"""Receipts of erasures in logs that never were in a database."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.proof.receipt import Receipt, receipt_line, signed_receipt
from app.proof.signed import event_time
from app.proof.verifier import Event
from support.exported import events, hashes, leaf
from support.rfc9162 import consistency, inclusion
from support.signed import Signer, checkpoint_of, signed

LOG = Signer("log/0")
ID = "0190a000-0000-7000-8000-00000000e4a5"
REASON = "asked for it on the phone"
ERASED_AT = (45, 52)
BEFORE = 44


def erasing_log() -> list[Event]:
    """60 events, two of which erase."""
    found = events(60)
    for place, (kind, subjects) in zip(
        ERASED_AT,
        (("ai_session", ["customer"]), ("chat_session", ["customer", "agent"])),
        strict=True,
    ):
        state = {"subjects": subjects, "erasure_id": ID, "reason": REASON, "approved_by": "ada"}
        found[place - 1] = found[place - 1]._replace(
            topic=f"{kind}.personal_data_erased.v1", state=json.dumps(state).encode(), actor="dee"
        )
    return found


EVENTS = erasing_log()
LEAVES = hashes(EVENTS)


def note(size: int, log: Signer = LOG, leaves: Sequence[bytes] = LEAVES) -> str:
    return str(signed(str(checkpoint_of(log.name, leaves[:size])), log))


def session(event: Event) -> dict[str, Any]:
    """What a receipt says of the session that an event erased."""
    state = json.loads(event.state)
    return {
        "sessionId": f"s{event.position}",
        "kind": event.topic.partition(".")[0],
        "stream": str(event.stream),
        "scopes": [
            {
                "subject": subject, "keyId": "00" * 8, "fields": ["purpose"], "events": 3,
                "positions": ["0:3", "0:39-40"],
            }
            for subject in state["subjects"]
        ],
        "fence": f"0:{event.position}",
        "version": event.version,
        "eventId": str(event.event_id),
        "recordedAt": event_time(event),
        "erasureId": state["erasure_id"],
        "views": ["ai_session_info"],
        "proof": {
            "leaf": base64.b64encode(leaf(event)).decode(),
            "hashes": base64s(inclusion(event.position - 1, LEAVES)),
        },
    }  # fmt: skip


def body(**other: Any) -> dict[str, Any]:
    """The members of a receipt without its signatures; `other`: instead of what it would have."""
    return {
        "form": "sessionary/receipt/v1",
        "id": ID,
        "log": "log",
        "issuedAt": "2026-11-21T11:00:00.000000Z",
        "askedBy": "dee",
        "approvedBy": "ada",
        "reason": REASON,
        "sessions": [session(EVENTS[place - 1]) for place in ERASED_AT],
        "kept": ["what dée did \u2028"],
        "partitions": [partition()],
        **other,
    }


def partition(**other: Any) -> dict[str, Any]:
    return {
        "partition": 0,
        "before": note(BEFORE),
        "after": note(60),
        "consistency": base64s(consistency(BEFORE, LEAVES)),
        **other,
    }


def receipt(members: Mapping[str, Any] | None = None, *by: Signer) -> Receipt:
    """Signed by the log unless by others."""
    members = body() if members is None else members
    text = receipt_line(members)
    return signed_receipt(members, [each.sign(text) for each in by or (LOG,)])


def base64s(hashed: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(each).decode() for each in hashed]
