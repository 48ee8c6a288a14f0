"""SIGTERM: first readiness turns red, and only then the port closes; nothing accepted is lost."""

import signal
import time
from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, STOPS_S, ServiceProcess, service

DELAY_S = 3.0


@pytest.fixture
def pair() -> Iterator[ServiceProcess]:
    """Two workers that wait before they close; either has answered."""
    with service("--workers=2", f"--drain-delay={DELAY_S}") as served:
        served.wait_for_all(2)
        yield served


def post(pair: ServiceProcess) -> int:
    body = {"purpose": "the last"}
    return httpx.post(f"{pair.base_url}/ai/sessions", json=body, auth=ADMIN).status_code


def test_readiness_is_red_while_requests_are_still_served(pair: ServiceProcess) -> None:
    pair.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    while pair.is_ready():
        assert time.monotonic() - began < patient(1.0)
    red, served = 0, 0
    while pair.process.poll() is None:
        try:
            ready = httpx.get(f"{pair.base_url}/health/ready")
            served += post(pair) == HTTPStatus.OK
        except httpx.TransportError:
            break
        # (Each request has a connection of its own, and so either worker.)
        assert (ready.status_code, ready.text) == (503, "not ready: draining\n")
        red += 1
    closed = time.monotonic() - began
    assert min(red, served) > 5
    assert closed >= DELAY_S - 0.5
    assert pair.process.wait(patient(STOPS_S)) == 0


def test_a_second_signal_ends_the_wait(pair: ServiceProcess) -> None:
    began = time.monotonic()
    pair.process.send_signal(signal.SIGTERM)
    while pair.is_ready():
        time.sleep(0.01)
    pair.process.send_signal(signal.SIGTERM)
    assert pair.process.wait(patient(STOPS_S)) == 0
    assert time.monotonic() - began < patient(DELAY_S)


def test_a_person_at_the_keyboard_does_not_wait(pair: ServiceProcess) -> None:
    began = time.monotonic()
    pair.process.send_signal(signal.SIGINT)
    assert pair.process.wait(patient(STOPS_S)) == 0
    assert time.monotonic() - began < patient(DELAY_S)
