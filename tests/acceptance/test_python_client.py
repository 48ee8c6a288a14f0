"""ServiceStack's own client for Python, as PyPI has it, with the types that the service gives it.

Nothing in here knows a path unless a test is about paths: the client makes them from the types.
"""

import json
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import httpx
import pytest
from servicestack import JsonServiceClient, WebServiceException
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess
from support.users import token_of

from acceptance.conftest import AUDITOR

ACCOUNT = "String"
NOWHERE = "01a1f000-0000-7000-8000-000000000000"
STRANGER = ("nobody by this name", "python client")
HARD = 'p, "q"\né 😀 \\ \t {[:]}'

Connect = Callable[[], JsonServiceClient]


@pytest.fixture(scope="module")
def dtos(served: ServiceProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """What `/types/python` gives, imported as it comes."""
    file = tmp_path_factory.mktemp("python") / "dtos.py"
    file.write_text(httpx.get(f"{served.base_url}/types/python", timeout=patient(60.0)).text)
    spec = spec_from_file_location("sessionary_dtos", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # the client looks up names in the module of a type
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def connect(served: ServiceProcess) -> Iterator[Connect]:
    """Makes clients that nobody has signed in."""
    made: list[JsonServiceClient] = []

    def make() -> JsonServiceClient:
        made.append(JsonServiceClient(served.base_url))
        return made[-1]

    yield make
    for client in made:
        client._session.close()  # it has no way to be closed itself


@pytest.fixture(params=["api", ""], ids=["api", "json-reply"])
def client(connect: Connect, request: pytest.FixtureRequest) -> JsonServiceClient:
    """The administrator, by the path that newer and that older services have."""
    return connect().set_base_path(request.param).set_credentials(*ADMIN)


@pytest.fixture
def admin(connect: Connect) -> JsonServiceClient:
    """The administrator."""
    return connect().set_credentials(*ADMIN)


def refused(call: Callable[[], object]) -> WebServiceException:
    """What a call is refused with, once it says why."""
    with pytest.raises(WebServiceException) as caught:
        call()
    status = caught.value.response_status
    assert status is not None
    assert status.error_code
    assert status.message
    return caught.value


def test_a_new_session_comes_back_whole(client: JsonServiceClient, dtos: ModuleType) -> None:
    session = client.post(dtos.NewAISession(account_id=ACCOUNT, purpose=HARD))
    assert type(session) is dtos.AISessionInfo
    assert (session.account_name, session.purpose) == ("String", HARD)
    assert session.created_by == session.last_modified_by == ADMIN[0]
    assert session.id
    assert session.date_created.endswith("Z")
    assert client.get(dtos.GetAISession(session_id=session.id)) == session


def test_a_session_is_changed_and_left_alone_by_a_patch(
    client: JsonServiceClient, dtos: ModuleType
) -> None:
    session = client.post(dtos.NewAISession(purpose="before")).id
    assert client.patch(dtos.PatchAISession(session_id=session, purpose="x")).purpose == "x"
    changed = client.patch(dtos.PatchAISession(session_id=session))
    assert changed.purpose == "x"
    assert changed == client.get(dtos.GetAISession(session_id=session))
    assert client.patch(dtos.PatchAISession(session_id=session, purpose="")).purpose == ""


def test_a_deletion_answers_with_nothing(client: JsonServiceClient, dtos: ModuleType) -> None:
    session = client.post(dtos.NewAISession()).id
    assert client.delete(dtos.DeleteAISession(session_id=session)) is None
    error = refused(lambda: client.get(dtos.GetAISession(session_id=session)))
    assert (error.status_code, error.response_status.error_code) == (404, "NotFound")


def test_a_list_is_a_page_of_what_it_lists(client: JsonServiceClient, dtos: ModuleType) -> None:
    account = client.post(dtos.NewAccount(name="Python")).id
    mine = [
        client.post(dtos.NewAISession(account_id=account, purpose=str(number))).id
        for number in range(3)
    ]
    page = client.get(
        dtos.ListAISessions(
            account_ids=[account, ACCOUNT + "?"],
            page=0,
            count_per_page=2,
            sort_field="purpose",
            sort_order=dtos.SortOrder.DESCEND,
            all=False,
        )
    )
    assert type(page) is dtos.ListResponse
    assert {type(item) for item in page.items} == {dtos.AISessionInfo}
    assert [item.id for item in page.items] == [mine[2], mine[1]]
    assert (page.total_count, page.total_pages) == (3, 2)
    accounts = client.send(dtos.ListAccounts(specific_ids=[account]))
    assert [(type(item), item.name) for item in accounts.items] == [(dtos.AccountInfo, "Python")]


@pytest.mark.parametrize("name", ["ListAISessions", "ListAccounts"])
def test_a_typed_client_sends_zero_for_no_page_size(
    client: JsonServiceClient, dtos: ModuleType, name: str
) -> None:
    # As published elsewhere: members that cannot be null are sent whether they were set or not.
    unset = {"page": 0, "count_per_page": 0, "all": False, "simplified_paging": False}
    wanted = getattr(dtos, name)(**unset, sort_order=dtos.SortOrder.ASCEND)
    default = client.get(getattr(dtos, name)())
    assert client.get(wanted) == default
    assert 0 < len(default.items) <= 25


def test_several_requests_go_in_one_call(client: JsonServiceClient, dtos: ModuleType) -> None:
    made = client.send_all([dtos.NewAISession(purpose="1"), dtos.NewAISession(purpose="2")])
    assert [(type(one), one.purpose) for one in made] == [
        (dtos.AISessionInfo, "1"),
        (dtos.AISessionInfo, "2"),
    ]
    deletions = [dtos.DeleteAISession(session_id=one.id) for one in made]
    client.send_all(deletions)
    error = refused(lambda: client.get(dtos.GetAISession(session_id=made[0].id)))
    assert error.status_code == 404


def test_a_call_of_several_says_which_one_was_refused(
    client: JsonServiceClient, dtos: ModuleType
) -> None:
    requests = [dtos.NewAISession(), dtos.NewAISession(account_id="nowhere")]
    error = refused(lambda: client.send_all(requests))
    assert error.response_status.error_code == "AccountNotFound"
    assert error.response_status.meta == {"AutoBatchIndex": "1"}


def test_actions_are_proposed_deleted_cleared_and_applied(
    client: JsonServiceClient, dtos: ModuleType
) -> None:
    session = client.post(dtos.NewAISession()).id
    proposed = client.send(
        dtos.NewAISessionAction(
            session_id=session, function_name="f", arguments='{"a":[1]}', can_be_applied=True
        )
    )
    (action,) = proposed.actions
    assert type(action) is dtos.AISessionActionInfo
    assert (action.function_name, action.arguments, action.can_be_applied) == (
        "f",
        '{"a":[1]}',
        True,
    )
    client.send(dtos.DeleteAISessionAction(session_id=session, action_id=action.id))
    client.send(dtos.NewAISessionAction(session_id=session, function_name="g"))
    assert not client.send(dtos.ClearAISessionActions(session_id=session)).actions
    client.send(dtos.NewAISessionAction(session_id=session, function_name="h"))
    assert client.send(dtos.ApplyAISession(session_id=session)).id == session


def test_documented_routes_serve_it_too(admin: JsonServiceClient, dtos: ModuleType) -> None:
    info = dtos.AISessionInfo
    session = admin.post_url("/ai/sessions", dtos.NewAISession(account_id=ACCOUNT), info)
    path = f"/ai/sessions/{session.id}"
    assert admin.patch_url(path, dtos.PatchAISession(purpose="y"), info).purpose == "y"
    assert admin.get_url(path, info) == admin.get(dtos.GetAISession(session_id=session.id))
    assert admin.post_url(f"{path}/apply", None, info).id == session.id
    listed = admin.get_url("/ai/sessions", str, {"specificIds": [session.id]})
    assert json.loads(listed)["totalCount"] == 1


def test_a_type_that_names_no_answer_works_on_the_documented_route(
    admin: JsonServiceClient, dtos: ModuleType
) -> None:
    class NewAISession:
        """As published elsewhere: without `IReturn`."""

        def __init__(self, purpose: str) -> None:
            self.purpose = purpose

    made = admin.post_url("/ai/sessions", vars(NewAISession("published")), dtos.AISessionInfo)
    assert made.purpose == "published"


@pytest.mark.parametrize("by", ["a cookie", "a token of the command line", "a token of the API"])
def test_there_are_other_ways_to_sign_in(
    connect: Connect, served: ServiceProcess, admin: JsonServiceClient, dtos: ModuleType, by: str
) -> None:
    client = connect()
    match by:
        case "a cookie":
            signed_in = client.post(
                dtos.Authenticate(
                    provider="credentials",
                    user_name=ADMIN[0],
                    password=ADMIN[1],
                    remember_me=True,
                )
            )
            assert type(signed_in) is dtos.AuthenticateResponse
            assert (signed_in.user_id, signed_in.user_name) == (ADMIN[0], ADMIN[0])
            assert (signed_in.display_name, signed_in.roles) == (ADMIN[0], ["SystemAdministrator"])
            assert signed_in.session_id == client.get(dtos.Authenticate()).session_id
            assert signed_in.session_id
            assert {"ss-id", "ss-pid"} <= set(client._session.cookies.keys())
        case "a token of the command line":
            client.set_bearer_token(token_of(served, ADMIN[0]))
        case _:
            token = admin.get(dtos.RequestAuthToken(user_id=ADMIN[0])).auth_token
            client.set_bearer_token(token)
    assert client.post(dtos.NewAISession(purpose=by)).purpose == by
    assert client.patch(dtos.PatchAccount(account_id=ACCOUNT)).id == ACCOUNT
    status = client.get(dtos.GetAuthStatus())
    assert (status.is_authenticated, status.id) == (True, ADMIN[0])


def test_who_has_signed_out_is_nobody(connect: Connect, dtos: ModuleType) -> None:
    client = connect()
    client.post(dtos.Authenticate(user_name=ADMIN[0], password=ADMIN[1]))
    assert client.get(dtos.GetAuthStatus()).is_authenticated
    client.post(dtos.Authenticate(provider="logout"))
    assert client.get(dtos.GetAuthStatus()).is_authenticated is False
    assert refused(lambda: client.post(dtos.NewAISession())).status_code == 401


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        (None, 401, "Unauthorized"),
        (STRANGER, 401, "Unauthorized"),
        (AUDITOR, 403, "Forbidden"),
    ],
    ids=["nobody", "a stranger", "somebody without the role"],
)
def test_who_may_not_is_told_why(
    connect: Connect,
    dtos: ModuleType,
    who: tuple[str, str] | None,
    status: int,
    code: str,
) -> None:
    client = connect() if who is None else connect().set_credentials(*who)
    error = refused(lambda: client.post(dtos.NewAISession()))
    assert (error.status_code, error.response_status.error_code) == (status, code)


def test_what_is_wrong_is_told_by_its_field(client: JsonServiceClient, dtos: ModuleType) -> None:
    session = client.post(dtos.NewAISession()).id
    error = refused(lambda: client.send(dtos.NewAISessionAction(session_id=session)))
    assert error.status_code == 400
    (field,) = error.response_status.errors
    assert (field.error_code, field.field_name) == ("NotEmpty", "FunctionName")
    unknown = refused(lambda: client.post(dtos.NewAISession(account_id="nowhere")))
    assert (unknown.status_code, unknown.response_status.error_code) == (400, "AccountNotFound")
    assert unknown.response_status.errors[0].field_name == "AccountId"
    nowhere = dtos.PatchAISession(session_id=NOWHERE, purpose="x")
    assert refused(lambda: client.patch(nowhere)).status_code == 404
