"""What is remembered of aggregates takes no more memory than is counted for it."""

import os
from datetime import UTC, datetime
from uuid import uuid4

import psutil
import pytest

from app.commands.snapshots import Snapshot, SnapshotCache, snapshot_of
from app.log.keyring import Keyring
from app.log.stream_keys import KEY_BYTES, StreamCipher, StreamKeys
from domain.ai_session import AISession
from domain.ids import StreamId
from projections.ai_session_info import VIEW
from projections.fold import Audit, Folded

KEYRING = Keyring(b"m" * 32)
MANY = 24_000


def remembered(number: int, purpose: str) -> Snapshot:
    at = datetime.now(UTC)
    audit = Audit(created_by="kim", created_at=at, modified_by=f"kim {number}", modified_at=at)
    folded = Folded(
        stream=StreamId(uuid4()),
        partition=0,
        version=number,
        position=number,
        audit=audit,
        state=AISession(account_id=f"a{number}", purpose=f"{purpose} {number}"),
    )
    cipher = StreamCipher(os.urandom(KEY_BYTES))
    cipher.seal(b"a text", b"what it is bound to")
    return snapshot_of(
        folded,
        uuid4(),
        StreamKeys(cipher),
        VIEW.doc(folded.stream, folded.state, KEYRING.seal_in_view),
    )


@pytest.mark.parametrize("purpose", ["Follow up", "x" * 2_000, "Напоминание " * 200])
def test_a_full_cache_takes_no_more_than_it_may(purpose: str) -> None:
    process = psutil.Process()
    for number in range(2_000):  # what ciphers take is kept for some, whatever is remembered
        remembered(number, purpose)
    limit = 16 * 1024 * 1024
    cache = SnapshotCache(limit)
    before = process.memory_info().rss
    for number in range(MANY):
        known = remembered(number, purpose)
        assert known.folded is not None
        cache.remember("ai_session", known.folded.stream, known)
    assert process.memory_info().rss - before <= limit * 1.1
