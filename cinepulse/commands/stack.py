"""The embedded pipeline: which parts it has, in what order they start and with which settings."""

from __future__ import annotations

import signal
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cinepulse.commands.demo_home import keep
from cinepulse.errors import ConfigurationInvalid, StackUnavailable
from cinepulse.local.claim import claim
from cinepulse.local.kafka import client_port
from cinepulse.local.parts import Part, Stage, cinepulse_command
from cinepulse.local.ports import LOOPBACK, PortPicker
from cinepulse.local.stack import Stack
from cinepulse.local.state import explicit_values, stable_secret, write_endpoints
from cinepulse.settings import Settings, load_settings, variable_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import Self

    from cinepulse.local.stack import StackEvent

CONTROLLER_PORT: Final = 9093
WORLD_PORT: Final = 8090
WORLD_CLIENT_ID: Final = "cinepulse"
REQUEST_SECONDS: Final = 10.0

# The world is on the same machine and its posts live for minutes: ask often, follow up soon. What a flag or a variable
# sets stays as set.
QUICK_REDDIT: Final[Mapping[str, Any]] = {"reddit_poll_seconds": 1.0, "reddit_recheck_seconds": (4.0, 10.0, 20.0)}
QUICK_TMDB: Final[Mapping[str, Any]] = {"tmdb_requests_per_second": 200.0, "tmdb_poll_seconds": 30.0}
# A demo's story moves within seconds, and a demo does not run for days.
QUICKER_TMDB: Final[Mapping[str, Any]] = {"tmdb_poll_seconds": 3.0}
# What the world's TMDB lets through a second, above what QUICK_TMDB asks of it.
WORLD_TMDB_RATE: Final = 1000

# The first full pass over the catalogue, and a worker's recovery of its state, may take minutes on a slow machine.
LONG_START_SECONDS: Final = 300.0

VERIFY_EVERY: Final = "1h"


@dataclass(frozen=True, slots=True)
class WorldChoice:
    """What the loopback world plays: generated posts of a seed, or recorded ones at a speed of event time.

    `always`: the world stands in for Reddit and TMDB even where keys or addresses are set.
    """

    seed: int | None = None
    posts: Path | None = None
    catalog: Path | None = None
    speed: float | None = None
    max_rate: float | None = None
    always: bool = False

    def arguments(self) -> tuple[str, ...]:
        """Return the options for `cinepulse world`; paths absolute, since parts run in another directory."""
        named = {
            "--seed": self.seed,
            "--posts": self.posts and self.posts.absolute(),
            "--catalog": self.catalog and self.catalog.absolute(),
            "--speed": self.speed,
            "--max-rate": self.max_rate,
        }
        return tuple(text for name, value in named.items() if value is not None for text in (name, str(value)))


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports of one stack; `metrics` by the part's name."""

    kafka: int
    controller: int
    clickhouse: int
    world: int
    metrics: Mapping[str, int]


@contextmanager
def embedded_stack(
    settings: Settings,
    world: WorldChoice,
    notify: Callable[[StackEvent], None] = lambda _event: None,
    *,
    at_home: Callable[[Path], None] = keep,
) -> Iterator[Stack]:
    """Own the data directory of `settings` and yield its stack, entered but not started; stop everything at the end.

    `settings` must be detached: addresses and generated secrets are decided here and written for every command on the
    same data directory. `at_home` is called with the directory once it is owned. Signals cancel the stack: `start`
    then raises KeyboardInterrupt, `supervise` and `wait` return. To be called from the main thread.

    Raises DataDirectoryBusy when another `up` owns the directory, StackUnavailable when parts cannot run.
    """
    picker = PortPicker()
    with _Signals() as signals, claim(settings.data_dir) as home, ExitStack() as at_end:
        at_home(home)
        at_end.callback(picker.release)
        ports = pick_ports(settings, picker)
        values = endpoint_values(settings, ports, home, always_world=world.always)
        write_endpoints(home, values)
        with Stack(home, pipeline(home, ports, values, world), notify=notify) as stack:
            signals.stack = stack
            yield stack


class _Signals:
    """Ctrl-C, `kill` and a closed terminal cancel the stack, which then stops in order; once more changes nothing."""

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.stack: Stack | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._handle) for number in self.NUMBERS}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, _number: int, _frame: object) -> None:
        if self.stack is None:
            raise KeyboardInterrupt
        self.stack.cancel()


def uses_world(settings: Settings) -> tuple[bool, bool]:
    """Return whether the world stands in for Reddit and whether for TMDB: where neither key nor address is set."""
    reddit = settings.reddit_url or (settings.reddit_client_id and settings.reddit_client_secret.get_secret_value())
    tmdb = "tmdb_url" in settings.model_fields_set or settings.tmdb_read_token.get_secret_value()
    return not reddit, not tmdb


def pick_ports(settings: Settings, picker: PortPicker) -> Ports:
    """Return ports that are free, the usual ones where they are, and stay so until the picker releases them.

    Raises StackUnavailable when a port that was set is taken.
    """

    def pick(field: str, port: int) -> int:
        if field not in settings.model_fields_set:
            return picker.pick(port)
        if not picker.take(port):
            raise StackUnavailable(f"port {port}, which {variable_of(field)} asks for, is taken: free it or unset that")
        return port

    kafka = pick("kafka_bootstrap", client_port(settings.kafka_bootstrap))
    return Ports(
        kafka=kafka,
        controller=picker.pick(CONTROLLER_PORT),
        clickhouse=pick("clickhouse_port", settings.clickhouse_port),
        world=picker.pick(WORLD_PORT),
        # Spread at random: these parts start late, and a second stack that starts meanwhile must not take their ports.
        metrics={
            name: picker.pick() for name in ("tmdb", "count", "alerts", "sink", "deliver", "link", "reddit", "verify")
        },
    )


def endpoint_values(settings: Settings, ports: Ports, home: Path, *, always_world: bool = False) -> dict[str, Any]:
    """Return the settings that all parts and commands of this stack share, by field name, secrets in plain.

    Raises ConfigurationInvalid for TLS or a login at the embedded broker, which has neither.
    """
    if settings.kafka_security_protocol != "PLAINTEXT":
        raise ConfigurationInvalid("CINEPULSE_KAFKA_SECURITY_PROTOCOL: the embedded broker speaks PLAINTEXT: unset it")
    given = explicit_values(settings)
    values: dict[str, Any] = {
        "clickhouse_password": stable_secret(home, "clickhouse_password"),
        **given,
        "kafka_bootstrap": f"{LOOPBACK}:{ports.kafka}",
        "replication_factor": 1,
        "clickhouse_host": LOOPBACK,
        "clickhouse_port": ports.clickhouse,
        "clickhouse_secure": False,
    }
    # Each part serves its own metrics on a port of its own.
    values.pop("metrics_port", None)
    world = f"http://{LOOPBACK}:{ports.world}"
    world_reddit, world_tmdb = (True, True) if always_world else uses_world(settings)
    if world_reddit:
        values = {**QUICK_REDDIT, **values, "reddit_url": world, "reddit_client_id": WORLD_CLIENT_ID}
        values["reddit_client_secret"] = stable_secret(home, "reddit_client_secret")
    if world_tmdb:
        quick = {**QUICK_TMDB, **(QUICKER_TMDB if always_world else {})}
        values = {**quick, **values, "tmdb_url": f"{world}/tmdb/3", "tmdb_files_url": f"{world}/tmdb/files"}
        values["tmdb_read_token"] = stable_secret(home, "tmdb_read_token")
    return values


def pipeline(home: Path, ports: Ports, values: Mapping[str, Any], world: WorldChoice) -> tuple[Stage, ...]:
    """Return the stages in the order of their dependencies: stores and world, then what works on them, then the posts.

    The linker waits by itself until the catalogue is read, and the world's posts begin once it is. What verifies comes
    last: after a crash, nothing that counts waits for it.
    """

    def worker(name: str, *arguments: str, start_seconds: float = LONG_START_SECONDS, **own: str) -> Part:
        port = ports.metrics[name]
        environment = {"CINEPULSE_METRICS_PORT": str(port), **own}
        return Part(name, cinepulse_command(*arguments), port, "/healthz", environment, start_seconds)

    kafka = Part("kafka", cinepulse_command("kafka", "run", "--controller-port", str(ports.controller)), ports.kafka)
    clickhouse = Part("clickhouse", cinepulse_command("clickhouse"), ports.clickhouse, "/ping")
    base = [kafka, clickhouse]
    base += [_world_part(ports, world)] if _has_world(ports, values) else []

    def prepare() -> None:
        _prepare(load_settings(data_dir=home))
        if _has_world(ports, values):
            _take_communities(home, ports, values)

    def begin() -> None:
        if _has_world(ports, values):
            _ask_world(ports, "POST", "start")

    last = [worker("verify", "verify", "--every", VERIFY_EVERY)]
    last += [worker("deliver", "deliver")] if values.get("alert_destinations") else []
    return (
        Stage(tuple(base), "topics and tables", prepare),
        Stage(
            (
                worker("tmdb", "produce", "tmdb"),
                worker("count", "process", "count"),
                worker("alerts", "process", "alerts"),
                worker("sink", "sink", CINEPULSE_SINK_INSTANCE_ID="sink"),
                worker("link", "process", "link"),
                worker("reddit", "produce", "reddit"),
            ),
            "posts",
            begin,
        ),
        Stage(tuple(last)),
    )


def _world_part(ports: Ports, world: WorldChoice) -> Part:
    options = ("--paused", "--port", str(ports.world), "--tmdb-rate", str(WORLD_TMDB_RATE), *world.arguments())
    return Part("world", cinepulse_command("world", *options), ports.world, "/_world/state")


def _has_world(ports: Ports, values: Mapping[str, Any]) -> bool:
    world = f"http://{LOOPBACK}:{ports.world}"
    return any(str(values.get(name, "")).startswith(world) for name in ("reddit_url", "tmdb_url"))


def _prepare(settings: Settings) -> None:
    """Create the topics and the tables."""
    from clickhouse.migrate import load_migrations, migrate
    from schemas.provision import admin_client, create_topics
    from schemas.topics import TOPICS

    create_topics(admin_client(settings), TOPICS, partitions=settings.partitions, replication_factor=1)
    migrate(settings, load_migrations())


def _take_communities(home: Path, ports: Ports, values: Mapping[str, Any]) -> None:
    """Let the poller follow the communities that the world has, unless others were asked for."""
    if "subreddits" not in values and values.get("reddit_url") == f"http://{LOOPBACK}:{ports.world}":
        communities = _ask_world(ports, "GET", "state")["subreddits"]
        write_endpoints(home, {**values, "subreddits": communities} if communities else values)


def _ask_world(ports: Ports, method: str, path: str) -> dict[str, Any]:
    import httpx

    try:
        answer = httpx.request(
            method, f"http://{LOOPBACK}:{ports.world}/_world/{path}", timeout=REQUEST_SECONDS, trust_env=False
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json() if answer.content else {}
    except (httpx.HTTPError, ValueError) as error:
        raise StackUnavailable(f"the loopback world does not answer: {error}") from error
    return found
