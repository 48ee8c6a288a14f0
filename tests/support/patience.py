"""How long tests wait: limits of time grow with what the machine takes for a piece of work now."""

import threading
import time
import zlib
from functools import cache

CORES = 2
"""What a service and its database keep busy at the same time."""
_WORK = b"".join(b"%d %x;" % (number, number * number) for number in range(15_000))
_REFERENCE_S = 0.025
"""What the work takes on both cores when nobody else wants them, where limits were chosen."""
_FRESH_S = 5.0
"""For so long a measurement counts: a machine becomes busy, and idle, while tests run."""


def patient(limit_s: float) -> float:
    """A limit for a quiet machine, as long as this one deserves at this moment.

    For what must happen *in the end*, such as an answer or a start. The limit is never shorter
    than the one given.
    """
    return limit_s * _slowness(int(time.monotonic() / _FRESH_S))


def slowness() -> float:
    """How many times longer than a quiet machine this one takes at the moment; at least 1."""
    began = time.perf_counter()
    # Compression lets go of the interpreter's lock: the threads run at the same time, as the
    # service and its database do, and one that waits for a core takes as long as they would.
    threads = [threading.Thread(target=zlib.compress, args=(_WORK,)) for _ in range(CORES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(1.0, (time.perf_counter() - began) / _REFERENCE_S)


@cache
def _slowness(_: int) -> float:
    # The worst of three: a busy machine has quiet moments.
    return max(slowness() for _ in range(3))
