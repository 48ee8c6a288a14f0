import pytest

from app.database.hosts import each_host


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://u:p@a/d", ["postgresql://u:p@a/d"]),
        ("postgresql://u@a:1,b:2/d?x=y", ["postgresql://u@a:1/d?x=y", "postgresql://u@b:2/d?x=y"]),
        ("postgresql://a,b/d", ["postgresql://a/d", "postgresql://b/d"]),
        (
            "postgresql://u@/d?host=/run/a,/run/b&port=1,2",
            [f"postgresql://u@/d?host=%2Frun%2F{name}&port={port}" for name, port in ("a1", "b2")],
        ),
        ("postgresql:///d?host=a,b&port=1", [f"postgresql:///d?host={x}&port=1" for x in "ab"]),
        ("postgresql:///d?host=a,b", [f"postgresql:///d?host={x}" for x in "ab"]),
        ("postgresql:///d?host=a", ["postgresql:///d?host=a"]),
        ("postgresql://[::1]:1/d", ["postgresql://[::1]:1/d"]),
        ("postgresql://[::1/d", ["postgresql://[::1/d"]),
        ("", [""]),
    ],
)
def test_a_url_names_its_hosts(url: str, hosts: list[str]) -> None:
    assert each_host(url) == hosts
