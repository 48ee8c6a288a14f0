"""What tests share: services, callers, inputs, and what they look at."""

import pkgutil

import pytest

# An assertion in here shows what it compared, as one in a test does.
pytest.register_assert_rewrite(
    *(f"{__name__}.{each.name}" for each in pkgutil.iter_modules(__path__))
)
