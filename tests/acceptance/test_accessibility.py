"""Pages in a real browser: no barriers, nothing beside a phone's screen, nothing on the console."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from support.browser import barriers, driven, sideways
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess

PAGES = {
    "operations": "/metadata",
    "operation": "/xml/metadata?op=PatchAISession",
    "types": "/types",
    "missing": "/json/metadata?op=Nothing",
    "start": "/",
    "sign-in": "/login?continue=/audit/events",
    "sign-in, of a protected page": "/ai/sessions",
    "nothing there": "/nowhere/at/all",
}
SIGNED_IN = {
    "start": "/",
    "password": "/password",
    "AI sessions": "/ai/sessions",
    "AI session": "/ai/sessions/{session}",
    "chat sessions": "/api/v1/ChatSession",
    "chat session": "/api/v1/ChatSession/{chat}",
    "accounts": "/accounts",
    "not there": "/ai/sessions/none",
    "events": "/audit/events",
    "events, narrowed": "/audit/events?unfold=true&actor=admin&since=today&tz=Asia/Tokyo",
    "no events": "/audit/events?actor=nobody",
    "event": "/audit/events/0:3",
    "state": "/audit/sessions/{chat}",
    "state then": "/audit/sessions/{session}?asOf=1&compare=2",
    "history": "/audit/sessions/{chat}/history?unfold=true",
    "personal data": "/audit/sessions/{chat}/history?personal=true&reason=a+test",
    "who looked": "/audit/sessions/{chat}/views",
    "who set it": "/audit/sessions/{session}/provenance?field=purpose",
    "who set what": "/audit/sessions/{chat}/provenance",
    "difference": "/audit/sessions/{session}/diff?from=1",
    "access": "/audit/access",
    "proof": "/audit/proof",
    "people": "/audit/people",
    "a person": "/audit/people?email=kim@example.com",
    "a person, unmasked": "/audit/people?name=Kim&personal=true&reason=a+test",
    "to be erased": "/audit/people/erase?email=kim@example.com",
    "erasures": "/audit/people/erasures",
    "nobody": "/audit/people?phone=%2B4711111111",
    "refused": "/audit/events?since=gibberish",
    "operations": "/ops",
    "views": "/ops/views",
    "stuck": "/ops/stuck",
    "partitions": "/ops/partitions",
    "rebuilds": "/ops/rebuilds",
    "rebuild to be confirmed": "/ops/ask?what=rebuild&name=account_info&dryRun=true",
    "activity": "/ops/activity",
}
PHONE = {"width": 320, "height": 640}
EYES = ("axel", "all eyes and no ears")
"""Whom all pages are open to."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with driven() as made:
        yield made


@pytest.fixture(scope="module")
def values(served: ServiceProcess) -> dict[str, str]:
    """An AI session that was changed, and a chat session with a message; and who sees all pages."""
    roles = ("--role=SystemAdministrator", "--role=DataProtection")
    added = served.command("users", "add", EYES[0], *roles, "--password-stdin", stdin=EYES[1])
    assert added.returncode == 0, added.stderr
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(60.0)) as client:
        session = client.post("/ai/sessions", json={"purpose": "first"}).json()["id"]
        assert client.patch(f"/ai/sessions/{session}", json={"purpose": "second"}).is_success
        new = {
            "CustomerName": "Kim", "CustomerEmail": "kim@example.com", "Status": "InQueue",
        }  # fmt: skip
        chat = client.post("/api/v1/ChatSession", json=new).json()["ChatSessionId"]
        said = {"Type": "ToUser", "Message": "Where is my parcel?", "Author": "Kim"}
        assert client.post(f"/api/v1/ChatSession/{chat}/Messages", json=said).is_success
    return {"session": session, "chat": str(chat)}


@pytest.fixture(scope="module", params=[True, False], ids=["scripts", "no scripts"])
def window(
    browser: Browser,
    served: ServiceProcess,
    values: dict[str, str],
    request: pytest.FixtureRequest,
) -> Iterator[BrowserContext]:
    """A window in which somebody has signed in by the form to whom all pages are open."""
    context = browser.new_context(java_script_enabled=request.param)
    page = context.new_page()
    page.goto(f"{served.base_url}/login", timeout=patient(30_000))
    page.get_by_label("Name").fill(EYES[0])
    page.get_by_label("Password").fill(EYES[1])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{served.base_url}/", timeout=patient(30_000))
    page.close()
    yield context
    context.close()


def looked_over(page: Page, url: str, *, scripts: bool = True) -> None:
    """Open a page, and look at it for barriers, in width, and at what the browser says."""
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.emulate_media(color_scheme="light")
    page.goto(url, timeout=patient(30_000))
    # (Where the browser runs no scripts, it does not run axe either.)
    if scripts:
        assert barriers(page) == []
        page.emulate_media(color_scheme="dark")
        assert barriers(page, colours_only=True) == []
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        assert sideways(page) == 0
    assert [line for line in said if "status of 40" not in line] == []
    page.close()


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_has_no_barriers(browser: Browser, served: ServiceProcess, path: str) -> None:
    looked_over(browser.new_page(), f"{served.base_url}{path}")


@pytest.mark.parametrize("path", SIGNED_IN.values(), ids=SIGNED_IN)
def test_what_is_seen_after_a_sign_in_has_no_barriers(
    window: BrowserContext,
    served: ServiceProcess,
    values: dict[str, str],
    path: str,
    request: pytest.FixtureRequest,
) -> None:
    scripts = "no scripts" not in request.node.name
    looked_over(window.new_page(), f"{served.base_url}{path.format(**values)}", scripts=scripts)


def test_forms_work_under_the_policy_with_scripts_and_without(
    window: BrowserContext, served: ServiceProcess, values: dict[str, str]
) -> None:
    page = window.new_page()
    page.goto(f"{served.base_url}/audit/events", timeout=patient(30_000))
    page.get_by_label("Actor", exact=True).fill(ADMIN[0])
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**/audit/events?*actor=admin*", timeout=patient(30_000))
    page.get_by_label("Go to a session").fill(values["session"])
    page.get_by_role("button", name="Go", exact=True).click()
    page.wait_for_url("**/history", timeout=patient(30_000))
    page.get_by_text("Personal data is masked").click()
    page.get_by_label("Reason, which").fill("a test")
    page.get_by_role("button", name="Show personal data").click()
    page.wait_for_url("**personal=true**", timeout=patient(30_000))
    assert "second" in page.content()
    page.close()


def test_what_operators_ask_for_is_sent_by_a_browser(
    window: BrowserContext, served: ServiceProcess
) -> None:
    page = window.new_page()
    page.goto(f"{served.base_url}/ops/views", timeout=patient(30_000))
    page.get_by_label("account_info", exact=True).check()
    page.get_by_label("only compare").check()
    page.get_by_role("button", name="Rebuild …").click()
    page.wait_for_url("**/ops/ask?*", timeout=patient(30_000))
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/ops/rebuilds/*", timeout=patient(30_000))
    assert "account_info (only compared)" in page.content()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel it").click()
    page.wait_for_url("**/ops/rebuilds/*", timeout=patient(30_000))
    assert "cancelled" in page.content()
    page.close()


def test_the_script_copies_tells_local_times_and_finds_the_filter(
    browser: Browser, served: ServiceProcess, values: dict[str, str]
) -> None:
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-GB")
    page = context.new_page()
    page.goto(f"{served.base_url}/login?continue=/audit/events", timeout=patient(30_000))
    page.get_by_label("Name").fill(ADMIN[0])
    page.get_by_label("Password").fill(ADMIN[1])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/audit/events", timeout=patient(30_000))
    assert (page.locator("time").first.get_attribute("title") or "").startswith("Here: ")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "f-actor"
    page.goto(f"{served.base_url}/audit/sessions/{values['session']}", timeout=patient(30_000))
    assert page.locator("button[data-copy]").first.is_visible()
    page.goto(f"{served.base_url}/", timeout=patient(30_000))
    page.get_by_role("button", name="Pause the refresh").click()
    assert page.get_by_role("button", name="Go on with the refresh").is_visible()
    context.close()
