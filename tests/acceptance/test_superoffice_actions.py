"""What agents and customers do with chats over HTTP, from the queue to the end."""

from typing import Any

import httpx
import pytest
from support.chat_service import ERROR, PATH, Chats

UNSET = "0001-01-01T00:00:00"


def shown(answer: httpx.Response) -> dict[str, Any]:
    """The entity in an answer."""
    assert answer.status_code == 200, answer.text
    entity: dict[str, Any] = answer.json()
    return entity


def say(chats: Chats, number: int, by: str, text: str, kind: str = "ToCustomer") -> dict[str, Any]:
    """A message as it was posted."""
    message = {"Type": kind, "Message": text, "Author": by}
    return shown(chats[by].post(f"{PATH}/{number}/Messages", json=message))


def test_a_new_session_has_defaults_and_no_links(chats: Chats) -> None:
    entity = shown(chats["kim"].get(f"{PATH}/default"))
    assert "_Links" not in entity
    assert (entity["ChatSessionId"], entity["Status"], entity["WhenEnded"]) == (0, "Invalid", UNSET)
    assert entity["TableRight"]["Mask"] == "URI"


def test_a_chat_goes_from_the_queue_to_its_end(chats: Chats) -> None:
    number = chats.queued()
    picked = shown(chats["kim"].post(f"{PATH}/{number}/Pickup"))
    assert picked["User"]["UserName"] == "kim"
    assert picked["Rank"] >= 1
    assert picked["WhenStarted"] != UNSET
    assert "_Links" not in picked
    say(chats, number, "sam", "Hello?", "ToUser")
    assert shown(chats["kim"].get(f"{PATH}/{number}"))["Status"] == "CustomerLast"
    say(chats, number, "kim", "Good morning")
    told = shown(chats["kim"].get(f"{PATH}/{number}"))
    assert (told["Status"], told["FirstMessage"], told["LastMessage"]) == (
        "UserLast", "Hello?", "Good morning",
    )  # fmt: skip
    ended = shown(chats["kim"].patch(f"{PATH}/{number}", json={"Status": "Finished", "Rating": 5}))
    assert ended["WhenEnded"] != UNSET
    events = chats.served.command("replay", str(number), "--output", "ndjson").stdout
    for kind in ("created", "picked_up", "message_added", "rated", "closed"):
        assert f'"type":"chat_session.{kind}.v1"' in events


def test_a_session_is_picked_up_once(chats: Chats) -> None:
    number = chats.picked_up("kim")
    for client in (chats["pat"], chats["kim"]):
        again = client.post(f"{PATH}/{number}/Pickup")
        assert (again.status_code, again.content) == (200, b"null")
        assert again.headers["ETag"] == chats["kim"].get(f"{PATH}/{number}").headers["ETag"]
        assert again.headers["X-Log-Position"]
    in_xml = chats["pat"].post(f"{PATH}/{number}/Pickup", headers={"Accept": "application/xml"})
    assert 'i:nil="true"' in in_xml.text


@pytest.mark.parametrize(("answer", "user"), [("AcceptTransfer", "pat"), ("RejectTransfer", "kim")])
def test_an_agent_takes_a_session_over_or_not(chats: Chats, answer: str, user: str) -> None:
    number = chats.offered("kim", "pat")
    entity = shown(chats["pat"].post(f"{PATH}/{number}/{answer}"))
    assert entity["User"]["Name"] == user
    assert entity["TransferTo"] is None
    again = chats["pat"].post(f"{PATH}/{number}/{answer}")
    assert shown(again) == entity, "nothing happens"


def test_who_does_not_have_a_session_transfers_nothing(chats: Chats) -> None:
    number = chats.picked_up("kim")
    answer = chats["pat"].post(f"{PATH}/{number}/TransferTo/pat")
    assert shown(answer)["TransferTo"] is None
    assert shown(chats["max"].post(f"{PATH}/{number}/TransferTo/pat"))["TransferTo"] is not None


def test_an_agent_is_named_by_number_too(chats: Chats) -> None:
    number = chats.offered("kim", "pat")
    pat = shown(chats["kim"].get(f"{PATH}/{number}"))["TransferTo"]["AssociateId"]
    other = chats.picked_up("kim")
    answer = chats["kim"].post(f"{PATH}/{other}/TransferTo/{pat}")
    assert shown(answer)["TransferTo"]["Name"] == "pat"


@pytest.mark.parametrize("name", ["nobody", "audrey", "sam"], ids=["nobody", "auditor", "customer"])
def test_who_is_no_agent_is_not_found(chats: Chats, name: str) -> None:
    path = f"{PATH}/{chats.picked_up('kim')}"
    answer = chats["kim"].post(f"{path}/TransferTo/{name}")
    assert (answer.status_code, list(answer.json())) == (404, ERROR)
    assert name in answer.json()["ErrorMessage"]
    assert shown(chats["kim"].get(path))["TransferTo"] is None


def test_a_session_that_ends_is_offered_to_nobody_any_more(chats: Chats) -> None:
    path = f"{PATH}/{chats.offered('kim', 'pat')}"
    ended = shown(chats["kim"].patch(path, json={"Status": "Closed"}))
    assert (ended["Status"], ended["TransferTo"]) == ("Closed", None)


def test_a_reset_session_waits_again(chats: Chats) -> None:
    number = chats.picked_up("kim")
    entity = shown(chats["kim"].post(f"{PATH}/{number}/Reset"))
    assert (entity["Status"], entity["User"]) == ("InQueue", None)
    assert shown(chats["pat"].post(f"{PATH}/{number}/Pickup"))["User"]["Name"] == "pat"


def test_messages_are_read_from_where_one_stopped(chats: Chats) -> None:
    number = chats.picked_up("kim")
    posted = [say(chats, number, "kim", text) for text in ("one", "two", "three")]
    path = f"{PATH}/{number}/Messages"
    assert chats["pat"].get(path).json() == posted
    for name in ("after", "AFTER"):
        rest = chats["pat"].get(path, params={name: posted[0]["ChatMessageId"]})
        assert rest.json() == posted[1:]
    last = {"after": posted[-1]["ChatMessageId"]}
    assert chats["pat"].get(path, params=last).json() == []
    assert chats["pat"].get(path, params={"after": "x"}).status_code == 400


def test_a_posted_message_says_where_it_went(chats: Chats) -> None:
    number = chats.picked_up("kim")
    answer = chats["kim"].post(f"{PATH}/{number}/Messages", json={"Message": "a"})
    assert answer.headers["ETag"] == '"3"'
    assert answer.headers["X-Log-Position"].startswith("0:")


def test_a_message_for_another_session_than_the_path_s_is_refused(chats: Chats) -> None:
    number = chats.picked_up("kim")
    message = {"Message": "a", "ChatSessionId": number + 1}
    answer = chats["kim"].post(f"{PATH}/{number}/Messages", json=message)
    assert answer.status_code == 400
    assert "ChatSessionId" in answer.json()["ErrorMessage"]


def test_a_transcript_is_plain_or_html(chats: Chats) -> None:
    number = chats.picked_up("kim")
    say(chats, number, "kim", "a < b\nand <script>")
    plain = chats["kim"].post(f"{PATH}/{number}/Transcript")
    assert shown_text(plain).endswith(" kim: a < b\nand <script>")
    html = shown_text(chats["kim"].post(f"{PATH}/{number}/Transcript?html=true"))
    assert "<b>kim:</b> a &lt; b<br>and &lt;script&gt;</p>" in html
    assert "<script>" not in html
    in_xml = chats["kim"].post(f"{PATH}/{number}/Transcript", headers={"Accept": "text/xml"})
    assert in_xml.text.startswith("<string>")


def shown_text(answer: httpx.Response) -> str:
    """The text in an answer."""
    assert answer.status_code == 200, answer.text
    text: str = answer.json()
    return text


def test_a_customer_s_fetching_is_noted_and_an_agent_s_is_not(chats: Chats) -> None:
    number = chats.picked_up("kim")
    path = f"{PATH}/{number}"
    chats["kim"].get(f"{path}/Messages")
    assert shown(chats["kim"].get(path))["WhenFetched"] == UNSET
    chats["sam"].get(f"{path}/Messages")
    assert shown(chats["kim"].get(path))["WhenFetched"] != UNSET


def test_a_session_that_a_patch_opens_again_ends_anew(chats: Chats) -> None:
    path = f"{PATH}/{chats.picked_up('kim')}"
    ends = [
        shown(chats["kim"].patch(path, json={"Status": status}))["WhenEnded"]
        for status in ("Closed", "UserLast", "Closed")
    ]
    assert ends[1] == UNSET
    assert UNSET < ends[0] < ends[2]


def test_the_caller_s_sessions_are_those_to_work_on(chats: Chats) -> None:
    has, waits = chats.picked_up("pat"), chats.queued()
    asked, other = chats.offered("kim", "pat"), chats.picked_up("kim")
    ended = chats.picked_up("pat")
    chats["pat"].patch(f"{PATH}/{ended}", json={"Status": "Closed"})
    found = {each["ChatSessionId"] for each in chats["pat"].get(f"{PATH}/ForCurrentUser").json()}
    assert {has, waits, asked} <= found
    assert not {other, ended} & found


def test_an_agent_saves_new_sessions_and_old_ones(chats: Chats) -> None:
    path = "/api/v1/Agents/Chat/SaveChatSessionEntity"
    made = shown(chats["kim"].post(path, json={"chatSessionId": 0, "customerName": "Sam"}))
    number = made["ChatSessionId"]
    assert number > 0
    saved = shown(chats["kim"].post(path, json={"chatSessionId": number, "topicId": 3}))
    assert (saved["ChatSessionId"], saved["TopicId"], saved["CustomerName"]) == (number, 3, None)


def test_a_session_on_a_topic_waits_in_its_queue(chats: Chats) -> None:
    path = "/api/v1/Agents/Chat/CreateChatSessionForTopic"
    made = shown(chats["kim"].post(path, json={"chatTopicId": 9}))
    assert (made["TopicId"], made["Status"]) == (9, "InQueue")
    assert made["WhenRequested"] != UNSET
    assert chats["kim"].post(path, json={}).status_code == 400
