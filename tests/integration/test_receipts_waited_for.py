"""Commands wait for a tree that does not grow only so long, however many receipts there are."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
from support.erasures import erased, opened
from support.patience import patient

from app.cli import receipts as command
from app.cli.exit_codes import Refused
from app.erasure import receipts
from app.service import Service


@pytest.fixture
async def drafts(service: Service) -> list[str]:
    """The ids of receipts of which the tree, that another process grows, has nothing."""
    await service.pool.ask(
        "INSERT INTO lease (name, holder, until, token)"
        " VALUES ('follow_tree', gen_random_uuid(), now() + interval '1 hour', 1) RETURNING 1",
        writes=True,
    )
    return [(await erased(service, await opened(service))).erasure_id for _ in range(3)]


async def test_all_together_wait_once_and_it_is_said_which_do_not_show_it_yet(
    service: Service,
    drafts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "_WAIT_S", 0.2)
    monkeypatch.setattr(command, "_NAMED", 2)
    waited, signed = list[float](), receipts.signed

    async def noted(*given: object) -> str:
        waited.append(float(str(given[-1])))
        return await signed(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(receipts, "signed", noted)
    done = await command.signed_receipts(service, drafts, 35)
    assert waited[0] > 0
    assert waited[1:] == [0, 0]
    assert set(done.waiting) == set(map(UUID, drafts))
    assert not command.give_receipts(done, None)
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 3
    assert "do not show their erasures yet" in told.err
    assert "and 1 more. Get them again" in told.err


async def test_a_tree_that_hangs_is_left_alone(
    service: Service, drafts: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun = list[asyncio.Task[object] | None]()

    async def hangs(*_: object) -> None:
        begun.append(asyncio.current_task())
        while True:  # whatever it is told
            try:
                await asyncio.sleep(patient(60))
            except asyncio.CancelledError:
                if len(begun) > 1:
                    raise
                begun.append(None)

    monkeypatch.setattr(command, "_grow", hangs)
    monkeypatch.setattr(command, "_WAIT_S", 0.1)
    monkeypatch.setattr(command, "_ENDS_S", 0.05)
    async with asyncio.timeout(patient(30)):
        done = await command.signed_receipts(service, drafts[:1], 35)
    hanging, again = begun
    assert again is None
    assert hanging is not None
    hanging.cancel()
    with pytest.raises(Refused, match="cannot be written"):
        command.give_receipts(done, tmp_path)


async def test_whole_ones_are_given_without_a_word(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [(await erased(service, await opened(service))).erasure_id for _ in range(2)]
    done = await command.signed_receipts(service, ids, 35)
    assert command.give_receipts(done, None)
    assert capsys.readouterr().err == ""
