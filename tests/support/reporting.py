"""A failed test shows what the services that it used had said."""

from collections.abc import Generator

import pytest

from support.service_process import ServiceProcess

SHOWN_CHARACTERS = 4_000


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for name, used in getattr(item, "funcargs", {}).items():
            if isinstance(used, ServiceProcess):
                report.sections.append((f"What {name} said", used.log[-SHOWN_CHARACTERS:]))
    return report
