"""A client that openapi-python-client makes of our description: of all of it, and of its JSON.

Generators model a body once a media type and send it as each whose model it is: a model that two
of them share is sent twice.
"""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from support.chat_service import Chats
from support.patience import patient
from support.service_process import ADMIN

GENERATOR = str(Path(sys.executable).with_name("openapi-python-client"))
PATIENCE_S = 300.0
VARIANTS = {"whole": "", "in_json": "?formats=json"}


class Generated(Struct, frozen=True):
    """A package that was generated, and what the generator said."""

    name: str
    base_url: str
    said: str

    def client(self, **options: Any) -> AbstractContextManager[Any]:  # generated
        """Its client; an error in the description is an error here."""
        kind = importlib.import_module(f"{self.name}.client").AuthenticatedClient
        made: AbstractContextManager[Any] = kind(
            base_url=self.base_url,
            raise_on_unexpected_status=True,
            timeout=patient(20.0),
            **options,
        )
        return made

    def call(self, path: str, client: Any, **given: Any) -> Any:  # generated
        """What an operation answers, parsed; its status must be one of success."""
        module = importlib.import_module(f"{self.name}.api.{path}")
        answer = module.sync_detailed(client=client, **given)
        assert answer.status_code in (200, 204), answer.content
        return answer.parsed

    def model(self, name: str, /, **members: Any) -> Any:  # generated
        """A model with members by their Python names."""
        return getattr(importlib.import_module(f"{self.name}.models"), name)(**members)


@pytest.fixture(scope="module", params=VARIANTS)
def generated(
    request: pytest.FixtureRequest, chats: Chats, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Generated]:
    """The client of a variant of the description."""
    folder = tmp_path_factory.mktemp("generated")
    name = f"sessions_{request.param}"
    (folder / "config.yaml").write_text("post_hooks: []\n")
    url = f"{chats.served.base_url}/schema/openapi.json{VARIANTS[request.param]}"
    run = subprocess.run(  # a tool of ours
        [GENERATOR, "generate", "--url", url, "--config", "config.yaml", "--meta", "none",
         "--output-path", name],
        cwd=folder, capture_output=True, text=True, check=False, timeout=patient(PATIENCE_S),
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    sys.path.insert(0, str(folder))
    yield Generated(name, chats.served.base_url, run.stdout + run.stderr)
    sys.path.remove(str(folder))


@pytest.fixture
def client(generated: Generated, chats: Chats) -> Iterator[Any]:
    """Calls as the administrator, by a token."""
    with generated.client(token=chats.tokens["admin"]) as client:
        yield client


def test_the_generator_finds_nothing_to_warn_of_in_json(generated: Generated) -> None:
    if generated.name == "sessions_in_json":
        assert "warning" not in generated.said.lower()
    assert "error" not in generated.said.lower()


def test_it_works_with_an_ai_session(generated: Generated, client: Any) -> None:
    wanted = generated.model("NewAISession", purpose="generated")
    made = generated.call("ai_sessions.new_ai_session", client, body=wanted)
    assert made.purpose == "generated"
    change = generated.model("PatchAISession", purpose="changed")
    changed = generated.call(
        "ai_sessions.patch_ai_session", client, session_id=made.id, body=change
    )
    assert changed.purpose == "changed"
    action = generated.model("NewAISessionAction", function_name="f", can_be_applied=True)
    acted = generated.call(
        "ai_sessions.new_ai_session_action", client, session_id=made.id, body=action
    )
    assert [each.function_name for each in acted.actions] == ["f"]
    generated.call("ai_sessions.apply_ai_session", client, session_id=made.id)
    listed = generated.call("ai_sessions.list_ai_sessions", client, specific_ids=[made.id])
    assert [each.purpose for each in listed.items] == ["changed"]
    generated.call("ai_sessions.delete_ai_session", client, session_id=made.id)
    gone = generated.call("ai_sessions.list_ai_sessions", client, specific_ids=[made.id])
    assert gone.items == []


def test_it_works_with_accounts(generated: Generated, client: Any) -> None:
    wanted = generated.model("NewAccount", id=generated.name, name="A & B")
    made = generated.call("accounts.new_account", client, body=wanted)
    assert (made.id, made.name) == (generated.name, "A & B")
    listed = generated.call("accounts.list_accounts", client, name_filter="A & B")
    assert generated.name in [each.id for each in listed.items]


def test_it_signs_in(generated: Generated) -> None:
    who = {"user_name": ADMIN[0], "password": ADMIN[1]}
    wanted = generated.model("Authenticate", provider="credentials", **who)
    with generated.client(token="none") as client:
        client.get_httpx_client().headers.pop("Authorization")
        answer = generated.call("sign_in.authenticate", client, body=wanted)
        assert answer.user_name == ADMIN[0]
        status = generated.call("sign_in.get_auth_status", client)
        assert status.is_authenticated is True


def test_it_works_with_a_chat(generated: Generated, client: Any) -> None:
    wanted = generated.model("ChatSessionEntity", customer_name="Kim", topic_id=3)
    made = generated.call("chat_sessions.post_chat_session_entity", client, body=wanted)
    number = made.chat_session_id
    assert (made.customer_name, made.topic_id) == ("Kim", 3)
    message = generated.model("ChatMessage", message="Hello", author="Kim")
    said = generated.call(
        "chat_sessions.add_chat_message", client, chat_session_id=number, body=message
    )
    assert said.message == "Hello"
    messages = generated.call("chat_sessions.get_chat_messages", client, chat_session_id=number)
    assert [each.message for each in messages] == ["Hello"]
    read = generated.call("chat_sessions.get_chat_session_entity", client, id=number)
    read.customer_name = "Lou"
    wanted = type(wanted).from_dict(read.to_dict())  # as documented: PUT takes it without links
    put = generated.call("chat_sessions.put_chat_session_entity", client, id=number, body=wanted)
    assert (put.customer_name, put.topic_id) == ("Lou", 3)
    generated.call("chat_sessions.delete_chat_session_entity", client, id=number)


def test_forms_are_sent_as_forms(
    generated: Generated,
    client: Any,
) -> None:
    if generated.name == "sessions_in_json":
        pytest.skip("there are no forms in this variant")
    for name in ("NewAiSessionDataBody", "NewAiSessionFilesBody"):
        wanted = generated.model(name, purpose=name)
        made = generated.call("ai_sessions.new_ai_session", client, body=wanted)
        assert made.purpose == name
