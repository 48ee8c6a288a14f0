"""Renders the templates of this folder (`base.html.jinja`) and of the faces (`docs/…`, `audit/…`).

`*.html.jinja` escape their values, others do not.
"""

import json
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.assets import url_of

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
_FOLDERS = (FOLDER, FOLDER.parent / "faces")
_CODE = re.compile("`([^`]+)`")


def render(template: str, **values: object) -> str:
    """The text of a template. Raises UndefinedError for a missing value.

    A page without `frame` is the same for all callers.
    """
    known = {"frame": None, "version": product_version(), **values}
    return _environment().get_template(template).render(known)


@cache
def product_version() -> str:
    """The version of the installed package."""
    return version("sessionary")


@cache
def _environment() -> "Environment":
    # Imported for the first page only: serving the APIs does not need it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup, escape

    def marked(text: str) -> Markup:
        """A docstring with its words in backticks marked as code."""
        return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  # escaped before

    environment = Environment(
        loader=FileSystemLoader(_FOLDERS),
        undefined=StrictUndefined,
        autoescape=select_autoescape(("html.jinja",), default_for_string=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["quoted"] = json.dumps
    environment.filters["marked"] = marked
    environment.globals["asset"] = url_of
    return environment
