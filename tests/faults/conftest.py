"""A failed fault test shows what the service had said."""

from support.reporting import pytest_runtest_makereport as pytest_runtest_makereport
