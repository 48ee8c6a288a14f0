"""HTTPS by the service itself: what it refuses before it starts, and what it then speaks."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from support.certificates import make_certificate
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, free_port, sessionary
from support.service_process import service as running_service

HEAD_S = 5


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(files: tuple[Path, Path]) -> Iterator[ServiceProcess]:
    """A service with two workers that speaks TLS."""
    cert, key = files
    with running_service("--workers=2", f"--tls-cert={cert}", f"--tls-key={key}") as served:
        yield served


@pytest.fixture(scope="module")
def client(secure: ServiceProcess, files: tuple[Path, Path]) -> Iterator[httpx.Client]:
    """A client that trusts the certificate, and no other."""
    trust = ssl.create_default_context(cafile=str(files[0]))
    with httpx.Client(
        base_url=secure.base_url, verify=trust, auth=ADMIN, timeout=patient(60.0)
    ) as made:
        yield made


def test_commands_and_links_go_by_https(client: httpx.Client, secure: ServiceProcess) -> None:
    made = client.post("/api/v1/ChatSession", json={"CustomerName": "Kim"})
    assert made.status_code == 200
    listed = client.get("/api/v1/ChatSession", params={"$top": 1})
    assert f"{secure.base_url}/api/v1/" in listed.text
    assert "http://" not in listed.text
    assert listed.headers["strict-transport-security"] == "max-age=31536000"
    assert f"Serving on {secure.base_url}" in secure.log


def test_cookies_are_for_https_alone(client: httpx.Client) -> None:
    name, password = ADMIN
    signed_in = client.post("/auth/credentials", json={"userName": name, "password": password})
    cookies = signed_in.headers.get_list("set-cookie")
    assert cookies
    assert all("Secure" in cookie.split("; ") for cookie in cookies)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(("version", "taken"), [("TLSv1_1", False), ("TLSv1_2", True)])
def test_old_versions_of_tls_are_refused(
    version: str, taken: bool, secure: ServiceProcess, files: tuple[Path, Path]
) -> None:
    trust = ssl.create_default_context(cafile=str(files[0]))
    trust.set_ciphers("ALL:@SECLEVEL=0")
    trust.minimum_version = ssl.TLSVersion.TLSv1
    trust.maximum_version = ssl.TLSVersion[version]
    with socket.create_connection(("127.0.0.1", secure.port), patient(10.0)) as plain:
        if taken:
            with trust.wrap_socket(plain, server_hostname="localhost") as spoken:
                assert spoken.version() == "TLSv1.2"
        else:
            with pytest.raises(ssl.SSLError):
                trust.wrap_socket(plain, server_hostname="localhost")


def test_plain_http_is_not_answered(secure: ServiceProcess) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{secure.port}/health/live", timeout=patient(10.0))


TO_BREAK: dict[str, tuple[Callable[[Path, Path, Path], list[str]], str]] = {
    "no key": (lambda cert, key, _: [f"--tls-cert={cert}"], "--tls-key is missing"),
    "no certificate": (lambda cert, key, _: [f"--tls-key={key}"], "--tls-cert is missing"),
    "nothing there": (
        lambda cert, key, _: [f"--tls-cert={cert}.none", f"--tls-key={key}"], "cannot be read"
    ),
    "a folder": (
        lambda cert, key, _: [f"--tls-cert={cert}", f"--tls-key={key.parent}"], "is a directory"
    ),
    "no PEM": (lambda cert, key, other: broken(cert, key), "no certificate and its key in PEM"),
    "empty": (lambda cert, key, other: broken(cert, key, ""), "no certificate and its key in PEM"),
    "swapped": (
        lambda cert, key, _: [f"--tls-cert={key}", f"--tls-key={cert}"], "its mode is 0644"
    ),
    "another's key": (
        lambda cert, _, other: [f"--tls-cert={cert}", f"--tls-key={other}"],
        "is not the one of the certificate",
    ),
    "a key that all may read": (
        lambda cert, key, _: [f"--tls-cert={cert}", f"--tls-key={opened(key)}"], "chmod 600"
    ),
    "a key with a password": (
        lambda cert, key, _: [f"--tls-cert={cert}", f"--tls-key={sealed(key)}"],
        "has a password",
    ),
}  # fmt: skip


def broken(cert: Path, key: Path, text: str = "nothing of the kind") -> list[str]:
    cert.write_text(text)
    return [f"--tls-cert={cert}", f"--tls-key={key}"]


def opened(key: Path) -> Path:
    key.chmod(0o644)
    return key


def sealed(key: Path) -> Path:
    return make_certificate(key.parent, "sealed", b"a password")[1]


@pytest.mark.parametrize("case", TO_BREAK)
def test_files_that_do_not_fit_are_refused_before_anything_starts(
    case: str, tmp_path: Path
) -> None:
    cert, key = make_certificate(tmp_path)
    _, other = make_certificate(tmp_path, "other")
    options, sentence = TO_BREAK[case]
    data = tmp_path / "data"
    ended = sessionary(
        "serve", f"--data-dir={data}", f"--port={free_port()}", *options(cert, key, other)
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not data.exists()


@pytest.mark.parametrize("host", ["0", "::"])
def test_other_machines_are_not_served_in_the_clear_unasked(host: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    ended = sessionary("serve", f"--data-dir={data}", f"--port={free_port()}", f"--host={host}")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "in the clear. Give --tls-cert and --tls-key; or --behind-proxy" in ended.stderr
    assert not data.exists()


@pytest.mark.parametrize("option", ["--behind-proxy", "--allow-plain-http"])
def test_other_machines_are_served_in_the_clear_when_it_is_said(option: str) -> None:
    with running_service("--host=0", option) as served:
        assert served.is_ready()


def test_a_connection_that_begins_no_handshake_is_closed(secure: ServiceProcess) -> None:
    with socket.create_connection(("127.0.0.1", secure.port), patient(HEAD_S * 6)) as silent:
        begun = time.monotonic()
        assert silent.recv(1) == b""
        assert time.monotonic() - begun < patient(HEAD_S * 3)
