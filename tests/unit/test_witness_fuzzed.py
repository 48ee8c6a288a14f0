"""Requests to a witness that were changed at random: refused by a sentence, never a fault."""

import os
from contextlib import suppress
from pathlib import Path
from random import Random

from support.signed_log import SignedLog

from app.proof.cosigner import cosigners
from app.proof.witness import Witness, followed
from app.proof.witness_request import WitnessRefusal
from app.proof.witness_state import WitnessState

FUZZED = int(os.environ.get("TEST_WITNESS_FUZZED", "300"))
LOG = SignedLog([str(number) for number in range(20)])
INSERTED = (b"\n", b"\n\n", b"0", b"\xe2\x80\x94 ", b"=", b" ", b"\xff")


def changed(random: Random, request: bytes) -> bytes:
    body = bytearray(request)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(body))
        match random.randrange(4):
            case 0:
                body[at] ^= 1 << random.randrange(8)
            case 1:
                del body[at : at + random.randrange(40)]
            case 2:
                body[at:at] = random.choice(INSERTED)
            case _:
                body[at:at] = body[random.randrange(len(body)) :][:50]
    return bytes(body)


def test_none_is_a_fault_and_none_is_cosigned(tmp_path: Path) -> None:
    random, state = Random(3), WitnessState(tmp_path)
    keys = cosigners(state, None, ml_dsa=False)
    witness = Witness(state, keys, followed([str(LOG.key)]))
    witness.add_checkpoint(LOG.request(0, 7))
    right = LOG.request(7, 20)
    for _ in range(FUZZED):
        if (body := changed(random, right)) != right:
            with suppress(WitnessRefusal):
                witness.add_checkpoint(body)
                raise AssertionError(body)
    witness.add_checkpoint(right)
    state.close()
