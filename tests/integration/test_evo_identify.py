"""Who calls: what is believed of a request's cookies and its authorization, and from which page."""

import base64

import pytest
from support.evo_requests import FOREIGN, identified, sent, token

from app.auth.principals import Forbidden, Principal, Unauthenticated
from app.auth.register import Act
from app.service import Service

pytestmark = pytest.mark.usefixtures("people")

KIM = ("kim", ("SystemAdministrator",), 1)


def who(principal: Principal) -> tuple[str, tuple[str, ...], int]:
    """The principal, by whichever means it calls."""
    return principal.name, principal.roles, principal.associate_id


@pytest.mark.parametrize(
    "cookie",
    [
        "ss-id={}",
        "ss-pid={}",
        "ss-id={0}; ss-pid={0}",
        "ss-id=stale; ss-pid={}; 21 Nov 2046 09:00:00 GMT=null",
        "ss-id={}; ss-pid=undefined; ss-opt=perm",
    ],
    ids=["session", "permanent", "both", "junk", "half"],
)
async def test_either_cookie_tells_who_calls(service: Service, cookie: str) -> None:
    asked = sent(service, "PATCH", "PatchAISession", cookie=cookie.format(await token(service)))
    assert who(await identified(asked)) == KIM


@pytest.mark.parametrize("cookie", ["", "ss-id=", "ss-id=x; ss-pid=y", "other=z"])
async def test_other_cookies_do_not(service: Service, cookie: str) -> None:
    with pytest.raises(Unauthenticated):
        await identified(sent(service, cookie=cookie))


async def test_an_authorization_goes_before_cookies(service: Service) -> None:
    cookie = f"ss-id={await token(service)}"
    basic = "Basic " + base64.b64encode(b"pat:right as rain").decode()
    assert (await identified(sent(service, cookie=cookie, authorization=basic))).name == "pat"
    with pytest.raises(Unauthenticated):
        await identified(sent(service, cookie=cookie, authorization="Bearer x"))


@pytest.mark.parametrize(
    ("method", "operation", "refused"),
    [
        ("GET", "GetAISession", False),
        ("HEAD", "GetAISession", False),
        ("POST", "GetAISession", True),
        ("PATCH", "PatchAISession", True),
        ("DELETE", "DeleteAISession", True),
        ("GET", "DeleteAISession", True),
        ("GET", "RequestAuthToken", True),
        ("GET", "OfALaterRelease", True),
    ],
)
async def test_a_strangers_page_changes_nothing_by_what_a_browser_adds(
    service: Service, method: str, operation: str, refused: bool
) -> None:
    basic = "Basic " + base64.b64encode(b"kim:right as rain").decode()
    for added in ({"cookie": f"ss-id={await token(service)}"}, {"authorization": basic}):
        assert who(await identified(sent(service, method, operation, **added))) == KIM
        asked = sent(service, method, operation, **added, **FOREIGN)
        if refused:
            with pytest.raises(Forbidden):
                await identified(asked)
        else:
            assert who(await identified(asked)) == KIM


async def test_a_token_is_added_by_no_browser(service: Service) -> None:
    made = (await service.tokens.issue("kim", Act("kim"))).token
    asked = sent(service, "DELETE", "X", authorization=f"Bearer {made.token}", **FOREIGN)
    assert who(await identified(asked)) == KIM


async def test_pages_of_allowed_origins_may_act(behind_proxy: Service) -> None:
    cookie = f"ss-id={await token(behind_proxy)}"
    allowed = sent(behind_proxy, "DELETE", "X", cookie=cookie, origin="https://app.example")
    assert who(await identified(allowed)) == KIM
    own = {"origin": "https://s.example", "x_forwarded_proto": "https"}
    assert who(await identified(sent(behind_proxy, "DELETE", "X", cookie=cookie, **own))) == KIM
