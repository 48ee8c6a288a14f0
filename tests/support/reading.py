"""Readers of bodies, and what they cost in CPU time on the machine of the limit."""

import re
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from app.faces.evo.face import EvoFace
from app.faces.evo.wire.binding import RequestParts, bind, bind_all
from app.faces.superoffice.face import SuperOfficeFace
from app.http.errors import refusal
from support.costly import KINDS

Read = Callable[[bytes], object]

LIMIT_S = 0.050
PROBE_S = 0.006
"""What `probe` takes on the machine of the limit."""
TRIES = 4


def probe() -> None:
    """Work of the kinds that readers do."""
    text = "a,bc,,d" * 1_500
    found: dict[str, int] = {}
    for word in re.findall("[^,]*", text):
        found[word] = found.get(word, 0) + len(word)
    for _ in range(30):
        msgspec.json.decode(msgspec.json.encode(list(range(2_000))))
    sum(number * number for number in range(50_000))


def cpu_s(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def cost_s(work: Callable[[], object]) -> float:
    """The CPU time of some work on the machine of the limit: the least of a few tries."""
    cost = cpu_s(work)
    for _ in range(TRIES):
        if cost < LIMIT_S / 2:
            break
        slowness = max(cpu_s(probe) / PROBE_S, 1.0)
        cost = min(cost, cpu_s(work) / slowness)
    return cost


def answered(read: Read, body: bytes, face: EvoFace | SuperOfficeFace) -> str:
    """Read a body, and write what is told of it; the code of a refusal."""
    try:
        read(body)
    except Exception as error:
        refused = refusal(error, 1, face.responses)
        reply = face.refuse(refused, None)
        if not 400 <= reply.status < 500 or len(reply.body) > 5_000:
            raise
        return refused.code
    return ""


def evo(kind: type[Any], format_: str, *, batch: bool = False) -> Read:
    sent = RequestParts(content_type=KINDS[format_])
    binder: Callable[[type[Any], RequestParts], object] = bind_all if batch else bind
    return lambda body: binder(kind, replace(sent, body=body))


EVO, SUPEROFFICE = EvoFace(), SuperOfficeFace()


def told(capsys: pytest.CaptureFixture[str], reader: str, costs: dict[str, float]) -> None:
    """Print the slowest, and see that it is not too slow."""
    slowest = max(costs, key=costs.__getitem__)
    with capsys.disabled():
        sys.stdout.write(f"\n{reader}: {costs[slowest] * 1000:.1f} ms for {slowest}")
    assert {what: cost for what, cost in costs.items() if cost > LIMIT_S} == {}
