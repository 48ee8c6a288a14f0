"""Questions for checkpoints, proofs and tiles without an answer: a 4xx that names what is wrong."""

import asyncpg
from support.database import ONE_PARTITION

from app.settings import Settings
from integration.test_proof_routes import sealing

_HUGE, _ARABIC = "9" * 400, "%D9%A1"
"""More digits than any number has, and a digit that is not ASCII."""
WRONG = (
    "checkpoint?partition=-1", "checkpoint?partition=1e9",
    f"checkpoint?partition={_HUGE}", f"checkpoint?partition={_ARABIC}", "checkpoint?partition=%00",
    "checkpoint?partition=0&partition=0", "checkpoint?size=x",
    "checkpoint?size=-1", f"checkpoint?size={_HUGE}", f"checkpoint?size={_ARABIC}",
    "checkpoint?size=1.5", "checkpoint?size=%00", "checkpoint?size=%ff", "checkpoint?size=1&size=2",
    "checkpoint?now=1", "checkpoint/key?partition=99", "checkpoint/key?former=2",
    "checkpoint/key?size=1", "proof/inclusion?position=", "proof/inclusion?position=0:-1",
    f"proof/inclusion?position=0:{_HUGE}", f"proof/inclusion?position={_HUGE}:1",
    f"proof/inclusion?position=0:{_ARABIC}", "proof/inclusion?position=0:1:2",
    "proof/inclusion?position=0:%00", "proof/inclusion?position=0:1&size=0",
    "proof/inclusion?position=0:1&size=-1", f"proof/inclusion?position=0:1&size={_HUGE}",
    "proof/inclusion?position=0:1&index=0", "proof/inclusion.tlog-proof?position=7:1",
    "proof/inclusion.tlog-proof?position=0:1&size=x", "proof/inclusion.tlog-proof",
    "proof/consistency", "proof/consistency?from=-1", "proof/consistency?from=",
    f"proof/consistency?from={_HUGE}", f"proof/consistency?from=1&to={_HUGE}",
    "proof/consistency?from=1&to=-1", "proof/consistency?from=2&to=1",
    "proof/consistency?partition=99&from=1", "proof/consistency?from=%ff",
    "proof?partition=-1", f"proof?partition={_HUGE}", "proof?note=%00",
    "proof?note=x&note=y", "proof?nonsense=1", "proof/verifier.py?x=1",
    "tiles/-1/checkpoint", f"tiles/{_HUGE}/checkpoint", f"tiles/{_ARABIC}/checkpoint",
    "tiles/9/tile/0/000", "tiles/%00/tile/0/000",
)  # fmt: skip
ABSENT = (
    "tiles/0/tile/-1/000", "tiles/0/tile/8/000", f"tiles/0/tile/{_HUGE}/000",
    f"tiles/0/tile/0/{_HUGE}", "tiles/0/tile/0/-01", f"tiles/0/tile/0/00{_ARABIC}",
    "tiles/0/tile/0/999", "tiles/0/tile/0/x999/x999/999", "tiles/0/tile/0/000.p/300",
    f"tiles/0/tile/0/000.p/{_HUGE}", "tiles/0/tile/0/000.p/-1", "tiles/0/tile/0/000.p/01",
    "tiles/0/tile/0/%00", "tiles/0/tile/0/%ff", "tiles/0/tile/0/", "tiles/0/tile", "tiles/0",
    "tiles", "tiles/0/tile/0/x000/x000/x000/x000/000", "tiles/0/tile/0/..%2f..%2fcheckpoint",
)  # fmt: skip


@ONE_PARTITION
async def test_what_has_no_answer_is_refused_in_words(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, _):
        for status, paths in ((400, WRONG), (404, ABSENT)):
            for path in paths:
                answer = await client.get(f"/audit/{path}")
                about = (path, answer.status_code, answer.text[:300])
                assert answer.status_code == status, about
                error = answer.json()["error"]
                assert len(error["message"]) > 15, about
                assert _HUGE not in error["message"], about
        for path in ("checkpoint", "proof/inclusion?position=0:1", "tiles/0/checkpoint"):
            for method in ("POST", "PUT", "DELETE"):
                answer = await client.request(method, f"/audit/{path}")
                assert answer.status_code == 405, (method, path, answer.text)
