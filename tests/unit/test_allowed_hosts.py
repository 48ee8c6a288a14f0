"""Which Host headers a service answers for."""

import pytest

from app.codecs.hosts import ANY_HOST, AllowedHosts, Misdirected
from app.codecs.json_text import BadInput

OWN = [b"localhost", b"LOCALHOST:8000", b"localhost.", b"127.0.0.1", b"127.0.0.2:80", b"[::1]:8000",
       b"[0:0:0:0:0:0:0:1]"]  # fmt: skip


def allowed(hosts: AllowedHosts, header: bytes) -> bool:
    for _ in range(2):  # the second time, it may be remembered
        try:
            hosts[header]
        except Misdirected:
            return False
    return True


@pytest.mark.parametrize("header", OWN)
@pytest.mark.parametrize("named", [(), ("example.com",)], ids=["none named", "another named"])
def test_the_machines_names_for_itself_are_always_allowed(
    header: bytes, named: tuple[str, ...]
) -> None:
    assert allowed(AllowedHosts(named), header)


@pytest.mark.parametrize(
    ("named", "header", "taken"),
    [
        ("example.com", b"example.com", True),
        ("Example.COM", b"eXample.com.:8443", True),
        ("example.com", b"www.example.com", False),
        ("example.com", b"example.com.evil.example", False),
        ("example.com", b"evil-example.com", False),
        ("example.com", b"localhost.evil.example", False),
        ("example.com", b"127.0.0.1.evil.example", False),
        ("example.com", b"192.0.2.1", False),
        ("*.example.com", b"www.example.com", True),
        ("*.example.com", b"a.b.example.com:80", True),
        ("*.example.com", b"example.com", False),
        ("*.example.com", b"evilexample.com", False),
        ("*.example.com", b"*.example.com", True),
        ("192.0.2.1", b"192.0.2.1:8000", True),
        ("[2001:db8::1]", b"[2001:DB8:0::1]:8000", True),
        ("2001:db8::1", b"[2001:db8::1]", True),
        ("2001:db8::1", b"[2001:db8::2]", False),
        ("*", b"anything.example", True),
    ],
)
def test_other_hosts_have_to_be_named(named: str, header: bytes, taken: bool) -> None:
    assert allowed(AllowedHosts([named]), header) == taken


@pytest.mark.parametrize("header", [b"a/b", b"a b", b"user@localhost", b"localhost:x", b"::1"])
def test_what_is_no_host_is_bad_input_even_where_all_are_allowed(header: bytes) -> None:
    with pytest.raises(BadInput):
        ANY_HOST[header]


def test_what_is_remembered_is_bounded() -> None:
    hosts = AllowedHosts(["*.example.com"])
    for number in range(5_000):
        hosts[b"%d.example.com" % number]
    assert len(hosts) <= 1_024


def test_what_is_refused_is_not_remembered() -> None:
    hosts = AllowedHosts([])
    assert not allowed(hosts, b"evil.example")
    assert len(hosts) == 0
