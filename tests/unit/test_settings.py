import pytest

from app.settings import Settings


@pytest.mark.parametrize(
    ("timeout_s", "mark_s"), [(300.0, 15.0), (45.0, 15.0), (3.0, 1.0), (0.0, 15.0)]
)
def test_fetches_are_marked_several_times_before_a_customer_counts_as_gone(
    timeout_s: float, mark_s: float
) -> None:
    settings = Settings(database_url="", master_key=b"", customer_timeout_s=timeout_s)
    assert settings.fetch_mark_s == mark_s
