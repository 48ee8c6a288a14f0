"""What operators cannot ask for, who may not ask, and forms that are not ours."""

from collections.abc import Iterator

import httpx
import pytest
from support.patience import patient
from support.person import ACCEPT, Person
from support.service_process import ADMIN, ServiceProcess

PASSWORD = "right as rain"
ASK = "/ops/ask"
NONE = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def client(served: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(60.0)) as made:
        yield made


@pytest.fixture
def person(served: ServiceProcess) -> Iterator[Person]:
    with httpx.Client(base_url=served.base_url, timeout=patient(60.0)) as made:
        yield signed_in(made, *ADMIN)


def signed_in(client: httpx.Client, name: str, password: str) -> Person:
    return Person(client).open("/login").send("/login", userName=name, password=password)


def test_only_a_form_of_the_session_counts(served: ServiceProcess, person: Person) -> None:
    person.open(f"{ASK}?what=rebuild&name=account_info")
    fields = person.form(ASK).fields
    before = person.open("/ops/rebuilds.json").answer.json()
    browser = person._client
    for given, headers in (
        ({**fields, "xsrf": "x"}, {}),
        ({name: fields[name] for name in fields if name != "xsrf"}, {}),
        (fields, {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}),
    ):
        refused = browser.post(ASK, data=given, headers={"Accept": ACCEPT, **headers})
        assert refused.status_code == 403
        assert "please send it once more" in refused.text
    by_name = httpx.post(f"{served.base_url}{ASK}", data=fields, auth=ADMIN)
    assert by_name.status_code == 403
    assert person.open("/ops/rebuilds.json").answer.json() == before


def test_others_may_neither_ask_nor_look(served: ServiceProcess) -> None:
    named = ("users", "add", "a-manager", "--role", "Manager", "--password-stdin")
    assert served.command(*named, stdin=PASSWORD).returncode == 0
    with httpx.Client(base_url=served.base_url, timeout=patient(60.0)) as made:
        someone = signed_in(made, "a-manager", PASSWORD)
        for path in (f"{ASK}?what=rebuild", "/ops/rebuilds"):
            assert someone.open(path).answer.status_code == 403
        for path in (ASK, "/ops/rebuilds", "/ops/rebuilds/1/pause", "/ops/rebuilds/1/resume"):
            assert made.post(path).status_code == 403
    assert httpx.post(f"{served.base_url}{ASK}").status_code == 401


def test_without_a_session_the_page_says_how_to_get_one(served: ServiceProcess) -> None:
    page = httpx.get(
        f"{served.base_url}{ASK}?what=back&name=principal",
        auth=ADMIN, headers={"Accept": ACCEPT},
    )  # fmt: skip
    assert page.status_code == 200
    assert 'href="/login?continue=' in page.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400), ("what=drop", 400), ("what=rebuild&name=nonsense", 400), ("what=back", 400),
        ("what=back&name=history", 400), ("what=redrive&name=account_info", 400),
        ("what=redrive&name=history&stream=x", 400), ("what=rebuild&name=history&dryRun=1", 400),
        ("what=rebuild&name=history&name=principal", 400),
        ("what=back&name=principal&dryRun=1", 400),
        ("what=pause&id=nonsense", 404), ("what=cancel", 404),
        (f"what=resume&id={NONE}", 404),
    ],
)  # fmt: skip
def test_what_nobody_can_ask_for_is_refused(person: Person, query: str, status: int) -> None:
    assert person.open(f"{ASK}?{query}").answer.status_code == status


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"kind": "drop"}, "kind"),
        ({"kind": "back"}, "Name the views"),
        ({"kind": "back", "projections": ["history"]}, "ai_session_info"),
        ({"kind": "redrive", "projections": ["principal"]}, "history, activity"),
        ({"projections": ["nonsense"]}, "history, activity"),
        (
            {"projections": ["principal"], "stream": "01890a5d-ac96-774b-bcce-b302099a8057"},
            "stream",
        ),
        ({"kind": "redrive", "projections": ["history"], "stream": "x"}, "stream"),
        ({"kind": "redrive", "dryRun": True}, "dryRun"),
    ],
)
def test_the_same_is_refused_to_programs(
    client: httpx.Client, body: dict[str, object], told: str
) -> None:
    refused = client.post("/ops/rebuilds", json=body)
    assert refused.status_code == 400
    assert told in refused.text


def test_names_that_cannot_be_rebuilt_are_answered_with_those_that_can(
    served: ServiceProcess,
) -> None:
    told = served.command("rebuild", "history", "nonsense")
    assert told.returncode == 2
    assert "There is no projection 'nonsense'" in told.stderr
    for name in ("ai_session_info", "audit_trail", "history", "activity"):
        assert name in told.stderr
