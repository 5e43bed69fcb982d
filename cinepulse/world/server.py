"""The world's server: Reddit at the root, TMDB below /tmdb, the admin API below /_world, on loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from cinepulse.clock import SystemClock
from cinepulse.deadlines import CONNECTIONS, PromptHttp
from cinepulse.errors import ConfigurationInvalid, StackUnavailable
from cinepulse.hosts import HostGuard, HostRule
from cinepulse.world.admin import Admin
from cinepulse.world.budget import Budget
from cinepulse.world.catalog import SHIPPED, load_films
from cinepulse.world.charts import Charts
from cinepulse.world.exports import Exports
from cinepulse.world.faults import Faults
from cinepulse.world.generator import ADDED_COMMUNITIES, Generator
from cinepulse.world.happenings import Story
from cinepulse.world.journal import Run
from cinepulse.world.meddling import Meddler
from cinepulse.world.popularity import Popularity
from cinepulse.world.recorded import RecordedFeed, read_lines
from cinepulse.world.reddit import Reddit
from cinepulse.world.sabotage import Sabotage
from cinepulse.world.state import World
from cinepulse.world.story import FEWEST_FILMS, cast_of, unambiguous
from cinepulse.world.tmdb import Tmdb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from cinepulse.clock import Clock
    from cinepulse.settings import Settings
    from cinepulse.world.catalog import Film, Films
    from cinepulse.world.feed import Feed
    from cinepulse.world.timeline import Timeline

HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8090
# Reddit's own budget is 1,000 in ten minutes; here a replay of years in a minute must fit in.
DEFAULT_BUDGET: Final = 60_000
TICK_SECONDS: Final = 0.2
STARTING_SECONDS: Final = 0.01
KEPT_CASTS: Final = 8


@dataclass(frozen=True, slots=True)
class WorldOptions:
    """How a world is made.

    `seed` and `rate` (posts a second) drive the generator; `posts` replays a recorded file instead, at `speed` event
    seconds a second and at most `max_rate` posts a second. `catalog`: TMDB's films, the shipped ones by default.
    `budget`: Reddit requests allowed in ten minutes. `tmdb_rate`: TMDB requests allowed in a second.
    """

    seed: int = 1
    rate: float = 10.0
    posts: Path | None = None
    catalog: Path = SHIPPED
    speed: float = 1.0
    max_rate: float = 500.0
    paused: bool = False
    budget: int = DEFAULT_BUDGET
    tmdb_rate: float = 50.0


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a world, wired: the application to serve, and what tests reach for."""

    app: ASGIApp
    world: World
    faults: Faults
    films: Films


def build(options: WorldOptions, settings: Settings, clock: Clock | None = None, run: Run | None = None) -> Parts:
    """Wire a world; with a `run` it goes on where that one was.

    Raises ConfigurationInvalid when a given file cannot be read or the catalogue knows too few films for a story.
    """
    clock = clock or SystemClock()
    run = run or Run(source_of(options, settings), 0, began_ms=clock.now_ms())
    timeline = run.timeline()
    shipped = load_films()
    films = shipped if options.catalog == SHIPPED else load_films(options.catalog)
    story = () if options.posts is not None else story_films(shipped, films)
    feed = _feed(options, settings, timeline, story, run.number)
    world = World(feed, timeline, clock, wait_for_reader=options.posts is not None)
    if options.posts is not None:
        world.catch_up(run.served)
    if not options.paused:
        world.start()
    cast = lru_cache(KEPT_CASTS)(partial(cast_of, options.seed, films=story)) if story else None
    popularity = Popularity(options.seed, cast, timeline.story_position)
    faults = Faults(clock.monotonic)
    reddit = Reddit(
        world,
        clock,
        Budget(options.budget, clock),
        settings.reddit_client_secret.get_secret_value(),
        {name.lower(): name for name in (*settings.subreddits, *feed.subreddits)},
        faults,
    )
    charts = Charts(films.by_id, popularity, clock)
    tmdb = Tmdb(
        charts,
        Exports(films.by_id, popularity, clock),
        clock,
        settings.tmdb_read_token.get_secret_value(),
        options.tmdb_rate,
    )
    meddler = Meddler(world, clock, tmdb.null_films)
    admin = Admin(world, faults, meddler, len(films), Story(cast, charts, timeline), clock)
    routes = [*admin.routes(), Mount("/tmdb", routes=tmdb.routes()), *reddit.routes(), Route("/{rest:path}", _unknown)]
    app = Sabotage(TrailingSlashes(Starlette(routes=routes)), faults, clock)
    return Parts(HostGuard(app, HostRule(HOST, settings.allowed_hosts)), world, faults, films)


def source_of(options: WorldOptions, settings: Settings) -> str:
    """Return what decides a world's content, as a text: worlds of the same source are the same world."""
    if options.posts is not None:
        return f"posts={options.posts.name} speed={options.speed:g} max_rate={options.max_rate:g}"
    # The communities that a world adds by itself do not make it another one.
    communities = dict.fromkeys(name for name in settings.subreddits if name not in ADDED_COMMUNITIES)
    return f"seed={options.seed} rate={options.rate:g} in {' '.join(communities)}"


def story_films(shipped: Films, films: Films) -> tuple[Film, ...]:
    """Return the films that people talk about: the shipped ones that TMDB's side knows too.

    Raises ConfigurationInvalid when they are too few.
    """
    told = tuple(film for film in shipped.by_id.values() if film.tmdb_id in films.by_id)
    usable = len(unambiguous(told))
    if usable < FEWEST_FILMS:
        raise ConfigurationInvalid(
            f"--catalog: it shares {usable} unambiguous films with the generated story, which needs {FEWEST_FILMS}"
        )
    return told


def _feed(options: WorldOptions, settings: Settings, timeline: Timeline, films: Sequence[Film], run: int) -> Feed:
    if options.posts is not None:
        return RecordedFeed(read_lines(options.posts), speed=options.speed, max_rate=options.max_rate)
    return Generator(options.seed, films, settings.subreddits, rate=options.rate, stamp=timeline.wall_seconds, run=run)


class TrailingSlashes:
    """An ASGI layer that takes `/api/info/` for `/api/info`, as Reddit does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request at its path without slashes at the end."""
        path = scope.get("path", "").rstrip("/")
        await self._app({**scope, "path": path or "/"}, receive, send)


async def _unknown(_request: Request) -> JSONResponse:
    return JSONResponse({"message": "Not Found", "error": 404}, status_code=404)


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller: uvicorn's own would end the process by the signal it caught."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def listen(port: int) -> socket.socket:
    """Return a socket bound to a port of 127.0.0.1, any free one for 0.

    Raises StackUnavailable when the port is taken.
    """
    # asyncio sends small answers without delay only on sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise StackUnavailable(f"port {port} is taken: choose another with --port ({error.strerror})") from error
    return listener


def server_of(app: ASGIApp) -> uvicorn.Server:
    """Return a server of the world; it ends when its `should_exit` is set."""
    config = uvicorn.Config(
        app,
        http=PromptHttp,
        ws="none",
        limit_concurrency=CONNECTIONS,
        log_level="warning",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        lifespan="off",
    )
    return _Server(config)


async def serve(
    parts: Parts, server: uvicorn.Server, listener: socket.socket, on_tick: Callable[[], None] = lambda: None
) -> None:
    """Serve until told to stop; the world goes on by itself when nobody asks, and `on_tick` is called as it does."""

    async def tick() -> None:
        while True:
            if server.started:
                parts.world.now()
                on_tick()
            await asyncio.sleep(TICK_SECONDS if server.started else STARTING_SECONDS)

    ticking = asyncio.create_task(tick())
    # A world that cannot go on must not look alive.
    ticking.add_done_callback(lambda _task: setattr(server, "should_exit", True))
    try:
        await server.serve([listener])
    finally:
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking


async def serve_until_signalled(parts: Parts, listener: socket.socket, on_tick: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; only in a process's main thread."""
    server = server_of(parts.app)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
    await serve(parts, server, listener, on_tick)
