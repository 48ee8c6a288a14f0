import pytest

from app.integrity.server import standbys_in_words


@pytest.mark.parametrize(
    ("names", "level", "hosts", "well"),
    [
        ('"node1"', "on", 3, True),
        ("*", "remote_apply", 3, True),
        ("", "on", 1, True),
        ("", "on", 3, False),
        ('"node1"', "local", 3, False),
        ('"node1"', "off", 2, False),
    ],
)
def test_several_hosts_without_a_standby_to_wait_for_are_a_warning(
    names: str, level: str, hosts: int, well: bool
) -> None:
    found, told = standbys_in_words(names, level, hosts=hosts)
    assert found is well
    assert (names in told and "may lack" not in told) if well else "may lack" in told
