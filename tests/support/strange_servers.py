"""Servers of which nobody should depend: one that never answers, one that answers garbage."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_GARBAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n\xff\x00no cosignature\xe2\x80\x94 x\n"


@contextmanager
def strange(*, answers: bool) -> Iterator[str]:
    """Its URL; without `answers`, it takes what is sent and stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):  # it was closed
                while True:
                    line, _ = listening.accept()
                    held.append(line)
                    if answers:
                        line.recv(65_536)
                        line.sendall(_GARBAGE)
                        line.close()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for line in held:
                line.close()
