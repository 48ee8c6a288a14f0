"""Connections on which no whole request comes: they are closed in time, and keep out nobody."""

import resource
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from support.patience import patient
from support.raw_http import request, send
from support.service_process import ServiceProcess

MANY = 1_100
CLOSED_S = 60.0
"""The service closes them after 5 s; a busy machine may look at them later."""
LIVE = request("GET", b"/health/live")
BEGUN = {
    "nothing": b"",
    "a part of the first line": b"GET /hea",
    "a part of a header": b"GET /health/live HTTP/1.1\r\nHo",
    "headers without an end": b"GET /health/live HTTP/1.1\r\nHost: a\r\n",
    "a request before, nothing after": LIVE,
    "a request before, a part after": LIVE + b"GET /hea",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
}
DRIPPED = {"first": b"", "second": LIVE}
"""What comes before a request of which one byte comes now and then."""


@pytest.fixture(scope="module")
def begun(served: ServiceProcess) -> Iterator[dict[str, socket.socket]]:
    """Connections that do not go on; their time runs beside that of the others."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(opened(served.port, sent)) for name, sent in BEGUN.items()}


@pytest.fixture(scope="module")
def dripping(served: ServiceProcess) -> Iterator[dict[str, "Future[bool]"]]:
    """Whether connections are closed in time on which a byte comes now and then."""
    with ThreadPoolExecutor(len(DRIPPED)) as threads:
        yield {
            name: threads.submit(closed_under_bytes, served.port, before)
            for name, before in DRIPPED.items()
        }


@pytest.fixture
def _many_files() -> Iterator[None]:
    """This process may open as many connections as it is to."""
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY + 200
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            pytest.skip(f"a process may open {hard} files here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def opened(port: int, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=patient(CLOSED_S))
    connection.sendall(sent)
    return connection


def all_closed(connections: Sequence[socket.socket]) -> bool:
    """Read each to its end; False if one is not closed in time."""
    for connection in connections:
        try:
            while connection.recv(4_096):
                pass
        except ConnectionResetError:
            pass
        except TimeoutError:
            return False
    return True


def closed_under_bytes(port: int, before: bytes) -> bool:
    """Send a byte now and then; False if the connection is not closed in time."""
    deadline = time.monotonic() + patient(CLOSED_S)
    with opened(port, before + b"GET /health/live HTTP/1.1\r\nX: ") as connection:
        connection.settimeout(0.2)
        while time.monotonic() < deadline:
            try:
                if not connection.recv(4_096):
                    return True
            except TimeoutError:
                connection.sendall(b"a")
            except (ConnectionResetError, BrokenPipeError):
                return True
    return False


@pytest.mark.usefixtures("_many_files", "begun", "dripping")
def test_many_that_say_nothing_keep_out_nobody_and_are_closed(served: ServiceProcess) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(opened(served.port, b"")) for _ in range(MANY)]
        silent[0].setblocking(False)
        assert send(served.port, LIVE, "GET").body == b"live\n"
        with pytest.raises(BlockingIOError):
            silent[0].recv(1)  # it was there all the while
        silent[0].settimeout(patient(CLOSED_S))
        assert all_closed(silent)
    assert send(served.port, LIVE, "GET").body == b"live\n"


def test_what_was_begun_and_does_not_go_on_is_closed(begun: dict[str, socket.socket]) -> None:
    assert [name for name, each in begun.items() if not all_closed([each])] == []


@pytest.mark.parametrize("name", DRIPPED)
def test_a_byte_now_and_then_buys_no_more_time(
    dripping: dict[str, "Future[bool]"], name: str
) -> None:
    assert dripping[name].result(), "the connection is open, though its request does not come"
