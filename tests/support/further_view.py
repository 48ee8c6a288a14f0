"""A view that a release has beside those of ours."""

import pytest

from projections import catalog
from projections.view import View


def add(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a view into the catalog for the rest of the test."""
    of_its_kind = [*catalog.of_kind(view.kind), view]
    monkeypatch.setattr(catalog, "VIEWS", (*catalog.VIEWS, view))
    monkeypatch.setitem(catalog._BY_KIND, view.kind, of_its_kind)
