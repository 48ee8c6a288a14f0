"""The OpenAPI document is what is served: schemathesis tries to find where it is not.

It calls every operation with examples, edge cases, random values and chains of calls, as the
administrator, and looks at status codes, content types, headers and bodies. For a long run against
a service of your own:

    SCHEMATHESIS_HOOKS=support.schema_hooks PYTHONPATH=tests uv run schemathesis run \\
        http://127.0.0.1:8000/schema/openapi.json -H "Authorization: Bearer $TOKEN" \\
        --max-time 3600 \\
        --exclude-checks positive_data_acceptance,negative_data_rejection,ignored_auth
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess
from support.service_process import service as running_service
from support.users import token_of

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
)
"""Left out are those that ask for more strictness than the documents have (`page=null` is no page,
a text is taken for a number), and wrong credentials, which are answered 429 after a while."""
EXAMPLES_AN_OPERATION = 20
LONGEST_S = 120.0
OPTIONS = {
    "evo": ["--exclude-path-regex=^/api/v1/"],
    # The edge cases of each member of each carrier would be 40,000 requests.
    "superoffice": ["--include-path-regex=^/api/v1/", "--phases=examples,fuzzing,stateful"],
}


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[ServiceProcess]:
    """A service of its own: what is tried on it is in nobody's way."""
    with running_service() as served:
        yield served


@pytest.fixture(scope="module")
def runs(
    fuzzed: ServiceProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, "Future[subprocess.CompletedProcess[str]]"]]:
    """All runs at once: most of what one takes is its own work, on one core."""
    token = token_of(fuzzed, ADMIN[0])
    with ThreadPoolExecutor(len(OPTIONS)) as threads:
        yield {
            name: threads.submit(run, fuzzed, token, tmp_path_factory.mktemp(name), options)
            for name, options in OPTIONS.items()
        }


@pytest.mark.parametrize("name", OPTIONS)
def test_no_answer_is_outside_of_the_document(
    fuzzed: ServiceProcess,
    runs: Mapping[str, "Future[subprocess.CompletedProcess[str]]"],
    name: str,
) -> None:
    ended = runs[name].result()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ERROR" not in fuzzed.log


def run(
    fuzzed: ServiceProcess, token: str, folder: Path, options: list[str]
) -> subprocess.CompletedProcess[str]:
    """Run the tool in a folder of its own."""
    return subprocess.run(  # a tool of ours
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{fuzzed.base_url}/schema/openapi.json",
            f"--header=Authorization: Bearer {token}",
            f"--checks={','.join(CHECKS)}",
            f"--max-examples={EXAMPLES_AN_OPERATION}",
            "--generation-deterministic",
            "--continue-on-failure",
            "--warnings=off",
            "--no-color",
            *options,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ
        | {
            "SCHEMATHESIS_HOOKS": "support.schema_hooks",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        },
        timeout=patient(LONGEST_S),
    )
