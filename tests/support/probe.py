"""Somebody else, who wants to know whether the service is alive."""

import time

from support.raw_http import request, send
from support.service_process import ServiceProcess


def live_s(served: ServiceProcess) -> float:
    """How long he waits for an answer."""
    began = time.monotonic()
    assert send(served.port, request("GET", b"/health/live"), "GET").status == 200
    return time.monotonic() - began
