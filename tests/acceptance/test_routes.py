"""Every documented route is one of Litestar's: its router answers, and nothing else does."""

from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner
from litestar.cli.main import litestar_group
from litestar.routes import HTTPRoute
from support.official import operations
from support.service_process import ServiceProcess

from app.codecs.formats import FORMATS
from app.faces.evo.wire.api import API
from app.faces.superoffice.wire.agents import AGENTS
from app.faces.superoffice.wire.rest import REST
from app.main import create_app


def of_evo() -> Iterator[tuple[str, str]]:
    """Verbs and paths of the ServiceStack-style API, as its documents have them."""
    for api in API:
        for path in api.paths:
            yield from ((verb, path) for verb in (api.verb, *api.also))
        yield api.verb, f"/api/{api.name}"
        for format_ in FORMATS:
            yield from (("POST", f"/{format_}/{way}/{api.name}") for way in ("reply", "oneway"))


def names(operation_id: str) -> set[str]:
    """What the operation may be called in our tables."""
    return {operation_id, operation_id.rpartition("_")[2]}


@pytest.fixture(scope="module")
def routes() -> dict[str, HTTPRoute]:
    """The routes of the application, by what they look like with their parameters."""
    found = create_app().routes
    return {route.path_format: route for route in found if isinstance(route, HTTPRoute)}


def at(path: str, routes: dict[str, HTTPRoute]) -> HTTPRoute | None:
    """The route of a documented path, whatever its parameters are called there; None: no route."""
    wanted = shape(path)
    found = (route for template, route in routes.items() if shape(template) == wanted)
    return next(found, None)


def shape(path: str) -> str:
    segments = path.strip("/").split("/")
    return "/".join("{}" if segment.startswith("{") else segment for segment in segments)


def test_each_documented_route_is_one_of_the_application(routes: dict[str, HTTPRoute]) -> None:
    ours = {api.name for api in (*REST, *AGENTS)}
    wanted = [
        *of_evo(),
        *((each.verb, each.path) for name, each in operations().items() if ours & names(name)),
    ]
    assert len(wanted) > 200
    for verb, path in wanted:
        route = at(path, routes)
        assert route is not None, path
        assert verb in route.methods


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_the_router_says_what_each_documented_path_serves(
    served: ServiceProcess, routes: dict[str, HTTPRoute], verb: str
) -> None:
    official = {each.path for each in operations().values()}
    with httpx.Client(base_url=served.base_url) as nobody:
        for path in sorted(official | {path for _, path in of_evo()}):
            sent = path.replace("{provider}", "logout").replace("{", "").replace("}", "")
            answer = nobody.request(verb, sent)
            route = at(path, routes)
            if route is None:
                assert answer.status_code == 404, path
            elif verb in route.methods:
                assert answer.status_code not in (404, 405), (path, answer.text)
            else:
                assert answer.status_code == 405, path
                assert set(answer.headers["Allow"].split(", ")) == route.methods - {"OPTIONS"}


def test_litestar_lists_the_routes() -> None:
    listed = CliRunner().invoke(
        litestar_group, ["--app", "app.main:create_app", "routes"], env={"COLUMNS": "200"}
    )
    assert listed.exit_code == 0, listed.output
    for name in ("evo.PatchAISession", "superoffice.PutChatSessionEntity", "system.Ready"):
        assert name in listed.output
