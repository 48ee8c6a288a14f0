"""`sessionary witness` as its operator and strangers meet it."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from support.patience import patient
from support.service_process import sessionary
from support.signed_log import SignedLog
from support.witness_process import WitnessProcess, witness

from app.proof.notes import parse_note
from app.proof.witness_request import MAX_BODY_BYTES

LOG = SignedLog([str(number) for number in range(40)])
FORK = SignedLog([str(number) if number < 5 else f"-{number}" for number in range(40)])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WitnessProcess]:
    """A witness of LOG."""
    with witness(tmp_path_factory.mktemp("witness") / "state", str(LOG.key)) as process:
        yield process


def test_it_cosigns_by_the_key_that_it_prints_and_refuses_another_log(
    running: WitnessProcess,
) -> None:
    given = running.post(LOG.request(0, 7))
    assert given.status_code == 200, given.text
    note = parse_note(f"{LOG.note(7)}{given.text}".encode())
    assert set(note.verified_by([LOG.key, *running.keys])) == {LOG.key, *running.keys}
    assert running.post(FORK.request(7, 7)).status_code == 422  # a split view
    assert running.post(FORK.request(7, 20)).status_code == 422  # a fork
    back = running.post(LOG.request(0, 6))  # a rollback
    assert (back.status_code, back.text) == (409, "7\n")
    assert "does not go on from the one that was cosigned" in running.log
    assert running.post(LOG.request(7, 40)).status_code == 200


HOSTILE = {
    "no HTTP": (b"\x16\x03\x01\x02\x00", b"400"),
    "two lengths": (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1\r\n"
                    b"Content-Length: 2\r\n\r\nab", b"400"),
    "a huge head": (b"GET / HTTP/1.1\r\nHost: w\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n", b"4"),
    "an announced body": (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: %d\r\n\r\n"
                          % 2**40 + b"a" * (MAX_BODY_BYTES + 1), b"413"),
    "a body of chunks": (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", b"400"),
    "an odd path": (b"GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: w\r\n\r\n", b"404"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_bytes_get_a_4xx_and_it_lives_on(running: WitnessProcess, what: str) -> None:
    sent, status = HOSTILE[what]
    with socket.create_connection(("127.0.0.1", running.port), patient(10.0)) as line:
        with suppress(ConnectionError):  # it has answered before all was sent
            line.sendall(sent)
        try:
            said = line.recv(4096)
        except ConnectionResetError:
            said = b""
    # The server itself may close the line on what is no HTTP.
    assert not said or said.partition(b" ")[2].startswith(status), said
    assert running.is_ready()
    assert "Traceback" not in running.log


def test_a_caller_that_goes_away_harms_nothing(running: WitnessProcess) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", running.port), patient(10.0)) as line:
            line.sendall(
                b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 9\r\n\r\nold"
            )
    assert running.is_ready()
    assert "Traceback" not in running.log


def test_it_ends_in_order_and_remembers(tmp_path: Path) -> None:
    process = WitnessProcess(tmp_path / "state", str(LOG.key))
    keys = process.keys
    try:
        process.start()
        assert process.post(LOG.request(0, 7)).status_code == 200
        assert process.stop() == 0, process.log
        process.start()
        assert process.keys == keys
        assert process.post(FORK.request(0, 9)).text == "7\n"
        assert process.stop() == 0, process.log
    finally:
        process.kill()
    assert "Following 1 logs" in process.log
    assert "Traceback" not in process.log


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--log VKEY"),
        (["--log=nonsense"], "--log: A key has the form"),
        ([f"--log={LOG.key}", "--listen=8000"], "HOST:PORT"),
        ([f"--log={LOG.key}", "--key-name=a+b"], "is no name for a key"),
    ],
)
def test_wrong_use_ends_it_with_a_sentence(
    tmp_path: Path, options: Sequence[str], words: str
) -> None:
    ended = sessionary("witness", f"--state={tmp_path}", *options)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
