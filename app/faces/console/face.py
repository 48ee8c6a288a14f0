"""The face of people with a browser: the start page, signing in and out, what pages load."""

from functools import partial
from types import MappingProxyType

from app.faces.console import signing
from app.faces.console.start import start
from app.http.errors import Refusal, Responses
from app.http.operation import Handler, Operation, Routes
from app.http.request import Reply, Request
from app.pages.answer import HTML
from app.pages.assets import FOLDER, Asset, assets
from app.pages.errors import error_page
from app.service import Service

NAME = "console"


class ConsoleFace:
    """Answers errors as pages, those of a form with the form."""

    name = NAME
    prefix = f"{FOLDER}/"
    suffixes: frozenset[str] = frozenset()
    overridable = False
    refuses_alike = False
    policy = signing.POLICY
    responses: Responses = MappingProxyType({})

    def __init__(self) -> None:
        """Takes all pages and files into its routes."""
        self.routes: Routes = _routes()

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """The page with the reason."""
        if request is None:  # its head cannot be read, so nothing is known to fill a page with
            return Reply(refused.status, b"<p>Bad request</p>\n", refused.headers, HTML)
        return signing.refused_form(refused, request) or error_page(request, refused)


async def file(asset: Asset, _: Request, __: Service) -> Reply:
    """`GET /assets/{file}`: a file that pages load."""
    return Reply(200, asset.body, content_type=asset.content_type, immutable=True)


def _open(name: str, handler: Handler, *, is_safe: bool = True) -> Operation:
    return Operation(name=name, handler=handler, is_anonymous=True, is_safe=is_safe)


def _routes() -> Routes:
    # (The forms find out for themselves who sends them: the secret in each is the proof.)
    files = {
        f"{FOLDER}/{name}": {"GET": _open("Asset", partial(file, asset))}
        for name, asset in assets().items()
    }
    return {
        "/": {"GET": _open("Start", start)},
        "/login": {
            "GET": _open("ShowSignIn", signing.show_sign_in),
            "POST": _open("SignIn", signing.do_sign_in, is_safe=False),
        },
        "/logout": {"POST": _open("SignOut", signing.do_sign_out, is_safe=False)},
        "/password": {
            "GET": _open("ShowOwnPassword", signing.show_password),
            "POST": _open("ChangeOwnPassword", signing.do_change_password, is_safe=False),
        },
        **files,
    }
