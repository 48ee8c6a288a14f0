"""SessionKey lets its bearer in on the customer's side: it is shown to few, and nowhere else."""

from typing import Any

import httpx
import pytest
from support.chat_service import AGENT, PATH, Chats

KEY = "sesame-opens-the-mountain"


def key_of(answer: httpx.Response) -> object:
    """What an answer shows."""
    assert answer.status_code == 200, answer.text
    return answer.json()["SessionKey"]


@pytest.fixture
def number(chats: Chats) -> int:
    """A session with a key that an agent has picked up."""
    found = chats.new(Status="InQueue", SessionKey=KEY, CustomerName="Sam")
    assert key_of(chats["kim"].post(f"{PATH}/{found}/Pickup")) == KEY
    return found


@pytest.mark.parametrize(
    ("caller", "shown"),
    [("admin", KEY), ("kim", KEY), ("pat", None), ("max", None), ("audrey", None), ("sam", None)],
    ids=["administrator", "agent of the session", "agent", "manager", "auditor", "customer"],
)
def test_the_key_is_shown_to_administrators_and_the_session_s_agent(
    chats: Chats, number: int, caller: str, shown: str | None
) -> None:
    client = chats[caller]
    assert key_of(client.get(f"{PATH}/{number}")) == shown
    query = f"chatSessionEntityId={number}&$select=SessionKey"
    assert key_of(client.post(f"{AGENT}/GetChatSessionEntity?{query}")) == shown
    in_xml = client.get(f"{PATH}/{number}", headers={"Accept": "text/xml"})
    assert (KEY in in_xml.text) == (shown is not None)


def test_who_creates_a_session_keeps_seeing_its_key(chats: Chats) -> None:
    made = chats["sam"].post(PATH, json={"SessionKey": KEY})
    assert key_of(made) == KEY
    path = f"{PATH}/{made.json()['ChatSessionId']}"
    assert key_of(chats["sam"].get(path)) == KEY
    assert key_of(chats["pat"].get(path)) is None


def user_of(chats: Chats, caller: str) -> dict[str, Any]:
    """An agent as an associate."""
    picked = chats[caller].post(f"{PATH}/{chats.queued()}/Pickup").json()
    associate: dict[str, Any] = picked["User"]
    return associate


@pytest.mark.parametrize("member", ["User", "TransferTo"])
@pytest.mark.parametrize("caller", ["pat", "sam"], ids=["agent", "customer"])
def test_nobody_becomes_the_user_of_a_session_by_writing_it(
    chats: Chats, number: int, caller: str, member: str
) -> None:
    path, client = f"{PATH}/{number}", chats[caller]
    pat = user_of(chats, "pat")
    seen = client.get(path).json()
    refused = [
        client.patch(path, json=[{"op": "replace", "path": member, "value": pat}]),
        client.put(path, json={**seen, member: pat}),
        client.post(f"{AGENT}/SaveChatSessionEntity", json={**seen, member: pat}),
    ]
    if member == "User":
        refused.append(client.patch(path, json={"User": {"AssociateId": pat["AssociateId"]}}))
    assert {answer.status_code for answer in refused} == {403}
    assert all(member in answer.json()["ErrorMessage"] for answer in refused)
    assert client.post(f"{PATH}/{number}/AcceptTransfer").status_code in (200, 403)
    assert key_of(client.get(path)) is None


def test_a_session_is_not_made_for_another_agent(chats: Chats) -> None:
    kim, pat = user_of(chats, "kim"), user_of(chats, "pat")
    assert chats["kim"].post(PATH, json={"User": kim}).status_code == 200
    for given in ({"User": pat}, {"TransferTo": pat}):
        assert chats["kim"].post(PATH, json=given).status_code == 403
    assert chats["kim"].post(PATH, json={"User": kim, "TransferTo": pat}).status_code == 200


@pytest.mark.parametrize("caller", ["admin", "max"], ids=["administrator", "manager"])
def test_who_manages_gives_sessions_to_agents(chats: Chats, number: int, caller: str) -> None:
    pat = user_of(chats, "pat")
    given = chats[caller].patch(f"{PATH}/{number}", json={"User": pat})
    assert given.status_code == 200, given.text
    assert key_of(chats["pat"].get(f"{PATH}/{number}")) == KEY
    assert key_of(chats["kim"].get(f"{PATH}/{number}")) is None


def test_a_customer_picks_nothing_up(chats: Chats) -> None:
    waiting = chats.queued()
    for path in (f"{PATH}/{waiting}/Pickup", f"{PATH}/Pickup"):
        assert chats["sam"].post(path).status_code == 403


@pytest.mark.parametrize("key", [{}, {"SessionKey": None}], ids=["left out", "null"])
def test_who_does_not_see_the_key_does_not_remove_it(
    chats: Chats, number: int, key: dict[str, None]
) -> None:
    path = f"{PATH}/{number}"
    seen = chats["pat"].get(path).json()
    del seen["SessionKey"]
    answer = chats["pat"].put(path, json={**seen, **key, "Rating": 5})
    assert key_of(answer) is None
    assert answer.json()["Rating"] == 5
    for patch in ([{"op": "remove", "path": "SessionKey"}], {"SessionKey": None, "Rating": 4}):
        assert key_of(chats["pat"].patch(path, json=patch)) is None
    assert key_of(chats["admin"].get(path)) == KEY


def test_who_sees_the_key_can_remove_it(chats: Chats, number: int) -> None:
    path = f"{PATH}/{number}"
    assert key_of(chats["kim"].patch(path, json={"SessionKey": None})) is None
    assert key_of(chats["admin"].put(path, json={"SessionKey": "other"})) == "other"
    assert key_of(chats["admin"].put(path, json={})) is None


@pytest.mark.parametrize(
    ("caller", "table", "rating", "key"),
    [
        ("admin", "FULL", "Update", "Update"),
        ("kim", "FULL", "Update", "Update"),
        ("pat", "FULL", "Update", "None"),
        ("audrey", "Select", "Read", "None"),
    ],
)
def test_everybody_is_told_his_rights(
    chats: Chats, number: int, caller: str, table: str, rating: str, key: str
) -> None:
    entity = chats[caller].get(f"{PATH}/{number}").json()
    assert entity["TableRight"]["Mask"] == table
    masks = {name: told["FieldRight"]["Mask"] for name, told in entity["FieldProperties"].items()}
    assert (masks["Rating"], masks["SessionKey"], masks["ChatSessionId"]) == (rating, key, "Read")
    query = {"$filter": f"chatSessionId eq {number}", "$mode": "Full"}
    (row,) = chats[caller].get(PATH, params=query).json()["value"]
    assert row["TableRight"]["Mask"] == table


def test_who_looks_on_is_told_which_roles_would_do(chats: Chats, number: int) -> None:
    refused = chats["audrey"].patch(f"{PATH}/{number}", json={"Rating": 1})
    assert refused.status_code == 403
    for role in ("Agent", "Manager", "Customer", "SystemAdministrator"):
        assert role in refused.json()["ErrorMessage"]


@pytest.mark.parametrize("key", [KEY, "another"], ids=["the right one", "another"])
def test_who_does_not_see_the_key_can_neither_choose_nor_guess_it(
    chats: Chats, number: int, key: str
) -> None:
    path, pat = f"{PATH}/{number}", chats["pat"]
    put = pat.put(path, json={"SessionKey": key})
    replaced = pat.patch(path, json=[{"op": "replace", "path": "/SessionKey", "value": key}])
    assert (put.status_code, replaced.status_code) == (403, 403)
    assert "SessionKey" in put.json()["ErrorMessage"]
    tested = pat.patch(path, json=[{"op": "test", "path": "/SessionKey", "value": key}])
    assert tested.status_code == 409
    assert key_of(chats["admin"].get(path)) == KEY


def test_no_list_shows_or_filters_by_a_key(chats: Chats, number: int) -> None:
    kim = chats["kim"]
    for path in (f"{PATH}/ForCurrentUser", PATH, f"{PATH}?$mode=Full&$top=1000"):
        answer = kim.get(path)
        assert answer.status_code == 200
        assert KEY not in answer.text
    assert any(found["ChatSessionId"] == number for found in mine(kim))
    assert KEY not in kim.post(f"{AGENT}/ChatSessionsForUser").text
    for query in ("$select=sessionKey", "$filter=sessionKey eq 'x'", "$orderby=sessionKey"):
        assert kim.get(f"{PATH}?{query}").status_code == 400


def mine(client: httpx.Client) -> list[dict[str, Any]]:
    """The caller's sessions."""
    found: list[dict[str, Any]] = client.get(f"{PATH}/ForCurrentUser").json()
    return found


def test_no_history_log_or_database_shows_a_key(chats: Chats, number: int) -> None:
    chats["admin"].patch(f"{PATH}/{number}", json={"SessionKey": f"{KEY}-2"})
    for output in ("table", "json", "ndjson"):
        told = chats.served.command("replay", str(number), "--output", output)
        assert told.returncode == 0, told.stderr
        assert KEY not in told.stdout
        assert "SessionKey" in told.stdout, "that it changed is no secret"
    assert KEY not in chats.served.log
    refused = chats["admin"].put(f"{PATH}/{number}", json={"SessionKey": f"{KEY}{'x' * 255}"})
    assert refused.status_code == 400
    assert KEY not in refused.text
