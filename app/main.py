"""From settings to an ASGI application."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, cast

from litestar import Litestar
from litestar.datastructures import State
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin

from app.chat.sweeper import ChatSweeper
from app.database.embedded import EmbeddedUnavailable, ensure_running
from app.database.errors import StoreDown
from app.database.pool import Pool
from app.faces.audit.face import AuditFace
from app.faces.console.face import ConsoleFace
from app.faces.docs.face import PagesFace
from app.faces.evo.face import EvoFace
from app.faces.ops.face import OpsFace
from app.faces.superoffice.face import SuperOfficeFace
from app.faces.system import SystemFace
from app.followers import activity, history, people, tree
from app.http.admission import Admission
from app.http.door import BehindDoor, Door
from app.http.operation import Face
from app.http.path_normaliser import PathNormaliser, by_prefix
from app.http.route_handler import handlers, refuse_unrouted
from app.service import Service, open_service
from app.settings import Settings
from app.telemetry import tracing
from app.telemetry.process import ProcessUse
from projections.catalog import VIEWS

if TYPE_CHECKING:
    from app.proof.sharing import Sharing

_LOG = logging.getLogger("sessionary")
_KEEPER_PAUSE_S = 1.0
_OUTAGE_S = 10.0
_SAMPLE_S = 2.0
"""Seconds between two looks at what metrics show of the moment."""
_LATER = ("app.faces.evo.list_query", "app.faces.superoffice.lists.chat_list")
"""Imported once the worker serves: they need SQLAlchemy, whose import takes a third of a start."""


def all_faces() -> tuple[Face, ...]:
    """All faces of the service."""
    others = (EvoFace(), SuperOfficeFace(), SystemFace(), OpsFace(), PagesFace(), ConsoleFace())
    return (*others, AuditFace(others))


def create_app(settings: Settings | None = None, faces: Sequence[Face] | None = None) -> Litestar:
    """The application; it connects when it starts and drains when it stops.

    Its routes are case-sensitive: clients need the application of `create_server`. Without
    settings it can list its routes (`litestar --app app.main:create_app routes`), but not serve.
    """
    served, admission = all_faces() if faces is None else faces, Admission()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        if settings is None:
            raise ValueError("the application cannot serve without settings")
        service, watches = await _opened(settings), list[asyncio.Task[None]]()
        tracing.begin(service.requests.worker)
        cast("_Application", app).take_up(service, Door(service, admission, served))
        try:
            await service.log.clock.look()
            _spare_the_collector()
            watches += [asyncio.create_task(watch) for watch in _watches(settings, service)]
            yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
            await service.close()
            await asyncio.to_thread(tracing.end)

    return _Application(
        list(handlers(served, admission)),
        lifespan=[lifespan],
        exception_handlers={Exception: refuse_unrouted},
        state=State({"faces": by_prefix(served)}),
        openapi_config=None,
        logging_config=None,
    )


async def _opened(settings: Settings) -> Service:
    """A worker's resources; it waits for a database that is away for a while.

    Workers that ended at once would end the service: their server takes that for a crash loop.
    Raises as `open_service` does.
    """
    deadline = monotonic() + _OUTAGE_S
    while True:
        try:
            return await open_service(settings)
        except StoreDown:
            if monotonic() >= deadline:
                raise
            await asyncio.sleep(_KEEPER_PAUSE_S)


class _Application(BehindDoor):
    """Litestar without its plugins for pydantic and attrs: no model here needs them.

    Where some tool has installed these two, their import takes a fifth of a worker's start.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


class Server(PathNormaliser):
    """The application behind the path normaliser."""

    def __init__(self, settings: Settings, faces: Sequence[Face]) -> None:
        """Makes the application."""
        self._application = cast("_Application", create_app(settings, faces))
        super().__init__(self._application, faces)

    def drain(self) -> None:
        """Make readiness red; all requests are served as before."""
        with suppress(AttributeError):  # it has not started
            self._application.service.draining = True


def create_server(settings: Settings, faces: Sequence[Face] | None = None) -> Server:
    """The application as clients need it."""
    return Server(settings, all_faces() if faces is None else faces)


def _watches(settings: Settings, service: Service) -> Iterator[Coroutine[None, None, None]]:
    """A worker's background tasks."""
    yield asyncio.to_thread(import_later)
    yield service.versions.keep_looking()
    yield service.in_step.keep()
    yield service.versions.when_live(service.attempts.keep_writing)
    yield service.log.incarnation.keep_looking(service.pool.ask)
    yield service.pool.hosts.keep_looking()
    if service.standby is not None:
        yield service.standby.keep_looking()
    sharing = (history, activity, people)
    for kind in sharing:
        share = settings.follower_share / len(sharing)
        yield service.versions.when_live(kind.follower(service.log, share).keep_following)
    for view in VIEWS:
        own = history.follower(service.log, share, view)
        yield service.versions.when_apart(view, own.keep_following)
    yield service.versions.when_live(tree.follower(service.log, settings).keep_following)
    if settings.witnesses or settings.checkpoint_to:
        yield service.versions.when_live(_sharing(service).keep_sharing)
    yield _keep_sampling(service)
    if settings.embedded_data_dir is not None:
        yield _keep_running(settings.embedded_data_dir, service.pool)
    if settings.customer_timeout_s > 0:
        sweeper = ChatSweeper(service.pool, service.chat, settings)
        yield service.versions.when_live(sweeper.keep_sweeping)


def _sharing(service: Service) -> "Sharing":
    from app.proof.sharing import Sharing  # most services need none of what it imports

    settings = service.settings
    return Sharing(service.pool, settings.witnesses, settings.checkpoint_to)


def import_later() -> None:
    """Import the modules that lists need, in parallel to the first requests.

    Otherwise the first list would wait for the import.
    """
    for name in _LATER:
        import_module(name)


def _spare_the_collector() -> None:
    """Make Python's cyclic collector visit long-lived objects only rarely.

    Folded aggregates live as long as their cache, and requests leave no cycles. With the default
    thresholds, the collector took 15 % of a worker's time and caused most of its slowest answers.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


async def _keep_sampling(service: Service) -> None:
    """Bring the metrics of the moment up to date, from time to time."""
    use = ProcessUse()
    while True:
        service.sample()
        use.sample()
        await asyncio.sleep(_SAMPLE_S)


async def _keep_running(data_dir: Path, pool: Pool) -> None:
    """Restart the embedded PostgreSQL when it has died; nothing else would do so."""
    while True:
        await pool.failed.wait()
        pool.failed.clear()
        try:
            await asyncio.to_thread(ensure_running, data_dir)
        except Exception as error:
            # Any error at all: giving up would leave the service without a database for good.
            fault = not isinstance(error, EmbeddedUnavailable)
            _LOG.error("The embedded PostgreSQL cannot be brought back: %s", error, exc_info=fault)
            await asyncio.sleep(_KEEPER_PAUSE_S)
            pool.failed.set()
