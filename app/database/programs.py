"""PostgreSQL's own programs: those of the embedded server's wheel, or those of the machine."""

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from app.database.embedded import EmbeddedUnavailable, programs
from app.database.environment import for_postgres

_PIPE_BYTES = 1 << 18
_INSTALLED = Path("/usr/lib/postgresql")  # Debian's; other systems have them in the PATH


class ProgramFailed(Exception):
    """A program of PostgreSQL is not there, or failed; the message says which, and what it said."""


async def run(name: str, major: int, url: str, arguments: Sequence[str]) -> None:
    """Run a program on a database: the one of the server's version, or of the next one there is.

    The password goes through the environment, since everybody sees arguments. Raises ProgramFailed.
    """
    path = await _find(name, major)
    bare, password = apart(url)
    secret = {} if password is None else {"PGPASSWORD": password}
    code, said = await _ended(path, [*arguments, f"--dbname={bare}"], secret)
    if code:
        raise ProgramFailed(f"{name} failed: {said}")


async def run_out(
    name: str, major: int, url: str, arguments: Sequence[str], take: Callable[[bytes], None]
) -> None:
    """As `run`, with what the program writes given to `take`. Raises what `take` raises, too."""

    async def output(process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # it is a pipe
        while some := await process.stdout.read(_PIPE_BYTES):
            take(some)

    await _piped(name, major, url, arguments, output)


async def run_in(
    name: str, major: int, url: str, arguments: Sequence[str], give: Iterable[bytes]
) -> None:
    """As `run`, with something for the program to read. Raises what `give` raises, too."""

    async def input_(process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # it is a pipe
        with suppress(BrokenPipeError, ConnectionResetError):  # it failed, and says so
            for some in give:
                process.stdin.write(some)
                await process.stdin.drain()
        process.stdin.close()

    await _piped(name, major, url, arguments, input_)


async def _piped(
    name: str,
    major: int,
    url: str,
    arguments: Sequence[str],
    carry: Callable[[asyncio.subprocess.Process], Awaitable[None]],
) -> None:
    path = await _find(name, major)
    bare, password = apart(url)
    secret = {} if password is None else {"PGPASSWORD": password}
    process = await asyncio.create_subprocess_exec(
        path,
        *arguments,
        f"--dbname={bare}",
        env=for_postgres() | secret,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None  # it is a pipe
    said = asyncio.ensure_future(process.stderr.read())
    try:
        await carry(process)
        code, text = await process.wait(), (await said).decode(errors="replace").strip()
    except BaseException:
        await _end(process)
        raise
    finally:
        said.cancel()
    if code:
        raise ProgramFailed(f"{name} failed: {text}")


async def _find(name: str, major: int) -> Path:
    found: dict[int, Path] = {}
    for path in _candidates(name):
        _, said = await _ended(path, ["--version"], {})
        if version := re.search(r"\) (\d+)", said):
            found.setdefault(int(version[1]), path)
    fitting = [each for each in sorted(found) if each >= major]
    if not fitting:
        there = f"only those of {', '.join(map(str, sorted(found)))}" if found else "none"
        raise ProgramFailed(
            f"This needs the {name} of PostgreSQL {major} or newer: there is {there}"
        )
    return found[fitting[0]]


def _candidates(name: str) -> Iterator[Path]:
    if (there := shutil.which(name)) is not None:
        yield Path(there)
    yield from sorted(_INSTALLED.glob(f"*/bin/{name}"))
    try:
        yield programs() / name
    except EmbeddedUnavailable:  # an installation without it
        return


async def _ended(path: Path, arguments: Sequence[str], secret: dict[str, str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        path,
        *arguments,
        env=for_postgres() | secret,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    except BaseException:
        await _end(process)
        raise
    return await process.wait(), said.decode(errors="replace").strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # it has ended by itself
        process.kill()
    if process.stdout is not None:
        # (asyncio also waits for the end of a pipe, and stops reading one that nobody reads from.)
        while await process.stdout.read(_PIPE_BYTES):
            pass
    await process.wait()


def apart(url: str) -> tuple[str, str | None]:
    """A URL without its password, which everybody would see in an argument, and the password."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name, has_one, password = user.partition(":")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    named = [value for key, value in pairs if key == "password"]
    query = urlencode([(key, value) for key, value in pairs if key != "password"])
    bare = parts._replace(netloc=f"{name}@{host}" if name else host, query=query)
    return urlunsplit(bare), unquote(password) if has_one else next(iter(named), None)
