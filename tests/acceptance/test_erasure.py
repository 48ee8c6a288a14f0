"""Some of many people are erased while the others are served; nothing of theirs is left anywhere.

`TEST_ERASED_PEOPLE=1000` for the full number, of whom each tenth is erased; by default each fifth.
"""

import asyncio
import json
import os
import threading
from collections.abc import Iterator, Sequence

import asyncpg
import httpx
import pytest
from msgspec import Struct
from support.erasures import everything
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, service

PEOPLE = int(os.environ.get("TEST_ERASED_PEOPLE", "20"))
ERASED = PEOPLE // 10 if PEOPLE >= 100 else PEOPLE // 5
PASSWORD = "right as rain"
REASON = "asked for it on the phone"
PERSONAL = {"personal": "true", "reason": "a test"}


class Held(Struct, frozen=True):
    """A person, and the sessions that hold something on that person."""

    canary: str
    """In each value of that person, and nowhere else."""
    chat: int
    session: str

    @property
    def email(self) -> str:
        return f"{self.canary}@people.example"


@pytest.fixture(scope="module")
def served() -> Iterator[ServiceProcess]:
    with service("--workers=2") as served:
        for name, role in (("dee", "DataProtection"), ("ann", "Auditor")):
            added = served.command(
                "users", "add", name, "--role", role, "--password-stdin", stdin=PASSWORD
            )
            assert added.returncode == 0, added.stderr
        yield served
        assert served.stop() == 0, served.log


def caller(served: ServiceProcess, who: tuple[str, str] = ADMIN) -> httpx.Client:
    return httpx.Client(base_url=served.base_url, auth=who, timeout=patient(60.0))


def person(client: httpx.Client, number: int) -> Held:
    """A chat of a customer, with what both said, and an AI session about it."""
    canary = f"qzx{number:05}v"
    client.headers.update({"X-Correlation-Id": f"c {canary}", "X-Causation-Id": f"m {canary}"})
    email = f"{canary}@people.example"
    new = {
        "Status": "InQueue", "CustomerName": f"Kim {canary}", "CustomerEmail": email,
        "CustomerPhone": f"+47 {canary}", "CustomerHost": f"{canary}.host", "SessionKey": canary,
        "Person": {"FullName": canary, "Email": email},
    }  # fmt: skip
    chat = client.post("/api/v1/ChatSession", json=new)
    assert chat.is_success, chat.text
    number = chat.json()["ChatSessionId"]
    for kind, author in (("ToUser", f"Kim {canary}"), ("ToCustomer", "Ada")):
        said = {"Type": kind, "Message": f"It is {canary}", "Author": author}
        assert client.post(f"/api/v1/ChatSession/{number}/Messages", json=said).is_success
    key = {"Idempotency-Key": f"key {number}"}
    session = client.post("/ai/sessions", json={"purpose": f"Answer {email}"}, headers=key).json()[
        "id"
    ]
    assert client.patch(f"/ai/sessions/{session}", json={"purpose": f"Call {email}"}).is_success
    return Held(canary, number, session)


def erase(served: ServiceProcess, dee: httpx.Client, held: Held, way: int) -> dict[str, object]:
    match way % 3:
        case 0:
            done = dee.post("/audit/people/erase", json={"email": held.email, "reason": REASON})
        case 1:
            told = served.command("erase", "--person", held.email, "--reason", REASON, "--yes")
            assert told.returncode == 0, told.stderr
            return dict(json.loads(told.stdout))
        case _:
            for name in (held.chat, held.session):
                path = f"/audit/sessions/{name}/personal-data"
                done = dee.request("DELETE", path, json={"reason": REASON})
                assert done.status_code == 200, done.text
            return dict(done.json())
    assert done.status_code == 200, done.text
    return dict(done.json())


def shown(served: ServiceProcess, held: Held) -> list[str]:
    """The URLs that still show something of a person, of all that show the sessions."""
    found = []
    paths = [f"/ai/sessions/{held.session}", f"/api/v1/ChatSession/{held.chat}"]
    paths += [f"/api/v1/ChatSession/{held.chat}/Messages", "/api/v1/ChatSession?$top=1000"]
    audits = [f"/audit/sessions/{name}" for name in (held.session, held.chat)]
    audits += [f"{path}/{what}" for path in audits for what in ("history", "provenance")]
    audits += [f"/audit/sessions/{held.session}?as=evo", f"/audit/sessions/{held.chat}?asOf=1"]
    for _ in range(3):
        with caller(served) as client:
            found += [client.get(path) for path in paths]
        with caller(served, ("ann", PASSWORD)) as ann:
            found += [ann.get(path, params=PERSONAL) for path in audits]
            found += [ann.get(f"{path}.html", params=PERSONAL) for path in audits[:4]]
    assert {each.status_code for each in found} == {200}, [each.text[:300] for each in found]
    return [str(each.url) for each in found if held.canary in each.text]


async def stored(served: ServiceProcess) -> str:
    owner = await asyncpg.connect(served.database_url)
    try:
        return await everything(owner)
    finally:
        await owner.close()


def exported(served: ServiceProcess) -> str:
    whole = served.command("export", "-", "--clear", "--reason", "a test")
    sealed = served.command("export", "-")
    assert (whole.returncode, sealed.returncode) == (0, 0), whole.stderr + sealed.stderr
    return whole.stdout + sealed.stdout


def left_of(those: Sequence[Held], text: str) -> list[str]:
    return [each.canary for each in those if each.canary in text]


@pytest.fixture
def dee(served: ServiceProcess) -> Iterator[httpx.Client]:
    """Who protects data."""
    with caller(served, ("dee", PASSWORD)) as client:
        yield client


def test_nothing_is_left_of_the_erased_and_all_of_the_others(
    served: ServiceProcess, dee: httpx.Client
) -> None:
    stop, failed = threading.Event(), list[str]()
    with caller(served) as client:
        people = [person(client, number) for number in range(PEOPLE)]
    gone, living = people[:ERASED], people[ERASED:]

    def load() -> None:
        with caller(served) as client:
            while not stop.is_set():
                for each in living:
                    answer = client.patch(
                        f"/ai/sessions/{each.session}", json={"purpose": f"Ask {each.email}"}
                    )
                    if answer.status_code != 200:
                        failed.append(answer.text)

    loading = threading.Thread(target=load)
    loading.start()
    try:
        for way, each in enumerate(gone):
            done = erase(served, dee, each, way)
            assert each.canary not in json.dumps(done)
            assert REASON in json.dumps(done)
            assert shown(served, each) == []
    finally:
        stop.set()
        loading.join()
    assert failed == []
    for each in gone:
        found = dee.get("/audit/people", params={"email": each.email})
        assert found.json()["sessions"] == []
    verified = served.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    for where in (asyncio.run(stored(served)), exported(served), served.log, served.database_log):
        assert left_of(gone, where) == []
    with caller(served, ("ann", PASSWORD)) as ann:
        for each in gone:
            known = ann.get(f"/audit/sessions/{each.chat}/history").text
            assert '"correlationId":"(erased)"' in known
        assert left_of(gone, ann.get("/audit/feed?limit=1000", params=PERSONAL).text) == []
    with caller(served) as client:
        assert left_of(gone, client.get("/metrics").text) == []
    assert left_of(living, exported(served)) == [each.canary for each in living]


def test_a_retry_after_the_erasure_is_answered_without_it(served: ServiceProcess) -> None:
    with caller(served) as client, caller(served, ("dee", PASSWORD)) as dee:
        held = person(client, 90_001)
        path, key = f"/ai/sessions/{held.session}", {"Idempotency-Key": "once"}
        changed = {"purpose": held.canary}
        assert client.patch(path, json=changed, headers=key).json()["purpose"] == held.canary
        erase(served, dee, held, 0)
        again = client.patch(path, json=changed, headers=key)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert held.canary not in again.text
        refused = client.patch(path, json={"purpose": "other"})
        assert (refused.status_code, "PersonalDataErased" in refused.text) == (409, True)
        said = {"Type": "ToUser", "Message": "x"}
        refused = client.post(f"/api/v1/ChatSession/{held.chat}/Messages", json=said)
        assert refused.status_code == 409, refused.text


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("DELETE", "/audit/sessions/{session}/personal-data", None),
        ("DELETE", "/audit/sessions/{session}/personal-data", {"reason": ""}),
        ("DELETE", "/audit/sessions/{session}/personal-data", {"reason": "x@example.com"}),
        ("DELETE", "/audit/sessions/{session}/personal-data", {"reason": "x", "subjects": []}),
        ("DELETE", "/audit/sessions/account:String/personal-data", {"reason": "x"}),
        ("POST", "/audit/people/erase", {"email": "kim@example.com"}),
        ("POST", "/audit/people/erase", {"email": "nobody", "reason": "x"}),
        ("POST", "/audit/people/erase", {"reason": "x"}),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    served: ServiceProcess, verb: str, path: str, body: object
) -> None:
    with caller(served) as client, caller(served, ("dee", PASSWORD)) as dee:
        client.post("/accounts", json={"id": "String", "name": "String"})
        session = client.post("/ai/sessions", json={"purpose": "stays"}).json()["id"]
        refused = dee.request(verb, path.format(session=session), json=body)
        assert refused.status_code == 400, refused.text
        assert client.get(f"/ai/sessions/{session}").json()["purpose"] == "stays"
        assert client.request(verb, path.format(session=session), json=body).status_code == 403
