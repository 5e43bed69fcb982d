"""One running stack: its processes, the means to hit them, and whether it counts again."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from cinepulse.errors import CinepulseError
from cinepulse.local.claim import claim
from cinepulse.local.state import read_record
from cinepulse.settings import PREFIX, Settings, load_settings
from clickhouse.client import connect
from producers.database import FOLDER as PRODUCERS_FOLDER
from schemas.partitioning import film_partition, post_partition
from tests.chaos.failpoints import FOLDER, Failpoints
from tests.fixtures.loopback import loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clickhouse.client import Client

ROOT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 180.0
POLL_SECONDS: Final = 0.2
REQUEST_SECONDS: Final = 30.0
# Beyond any bar: what does not count again by then does not.
PATIENCE_SECONDS: Final = 120.0
# While the world is frozen for a reckoning, or dead, its time stands still: what happens to a post happens later by the
# wall clock, and must still be looked for.
RECHECKS: Final = "1.5,4,7,11,15,20,25,30,40,50,60,80,100,130,160"

# While somebody waits for counts, these films are named by so many posts each, so that every partition of posts and of
# films gets some: at first each half second, then ever more seldom. A listing holds a thousand posts, and what scrolls
# off it while no producer can look is a gap in the coverage and no loss.
PROBED_FILMS: Final = (
    "The Godfather (1972)",
    "The Dark Knight (2008)",
    "Interstellar (2014)",
    "The Shawshank Redemption (1994)",
    "Fight Club (1999)",
    "Pulp Fiction (1994)",
)
PROBE_POSTS: Final = 2
PROBE_SECONDS: Final = 0.5
SELDOM_SECONDS: Final = 8.0


COUNTED: Final = """
SELECT
    (SELECT groupUniqArray(tmdb_id) FROM mention_counts
     WHERE newest_observed_at > fromUnixTimestamp64Milli({then_ms:Int64})),
    (SELECT groupUniqArray(post_id) FROM mentions WHERE observed_at > fromUnixTimestamp64Milli({then_ms:Int64}))
"""


class ChaosFailed(Exception):
    """The suite cannot go on: a part does not come up, or nothing is counted for minutes."""


def until(true: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> float:
    """Wait until something holds and return the seconds it took; raises ChaosFailed when it does not in time."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise ChaosFailed(f"not within {seconds:.0f} s: {what}")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


@dataclass
class Rig:
    """A stack on a data directory.

    `rate`: generated posts a second; None runs `cinepulse up` itself, without failpoints and at its own rate.
    `is_silent`: the world is, since nobody takes posts from it (`silence.py`).
    """

    home: Path
    seed: int
    rate: float | None
    injected: set[str] = field(default_factory=set)
    is_silent: bool = False
    kills: int = 0
    _up: subprocess.Popen[bytes] | None = None
    _extra: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _client: Client | None = None

    @property
    def points(self) -> Failpoints:
        """Return the stack's failpoints."""
        return Failpoints(self.home / FOLDER)

    @property
    def log(self) -> Path:
        """Return the file with what `up` prints, beside the data directory."""
        return self.home.with_name(f"{self.home.name}.up.log")

    @property
    def settings(self) -> Settings:
        """Return the settings of the running stack."""
        return load_settings(data_dir=self.home)

    # --- the stack

    def start(self) -> None:
        """Run `up` and return when everything works."""
        self.launch()
        self.await_up()

    def launch(self) -> None:
        """Run `up` and return at once."""
        self.home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "cinepulse", "up"]
        if self.rate is not None:
            command = [sys.executable, "-m", "tests.chaos.up", str(self.rate)]
        with self.log.open("ab") as output:
            self._up = subprocess.Popen(
                [*command, "--data-dir", str(self.home), "--seed", str(self.seed)],
                cwd=ROOT,
                env=self.environment() | {f"{PREFIX}REDDIT_RECHECK_SECONDS": RECHECKS},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def await_claim(self) -> None:
        """Return when this `up` owns the data directory, and what the one before left running has ended."""
        until(self._owns, "the stack is owned", START_SECONDS)

    def _owns(self) -> bool:
        record = read_record(self.home)
        return record is not None and self._up is not None and record.up.pid == self._up.pid

    def await_up(self) -> None:
        """Return when this `up` has all its parts healthy; raises ChaosFailed when it ends before."""
        until(self._works, "the stack works", START_SECONDS)

    def _works(self) -> bool:
        if self._up is None or self._up.poll() is not None:
            raise ChaosFailed(f"`up` ended: see {self.log.name} and {self.home / 'logs'}")
        record = read_record(self.home)
        return (
            record is not None
            and record.up.pid == self._up.pid
            and any(part.name == "verify" for part in record.parts)
            and all(part.health == "healthy" for part in record.parts)
            and not self.world("GET", "state").get("paused", True)
        )

    def stop(self) -> None:
        """Stop everything; nothing is left running."""
        self._drop_client()
        for worker in self._extra:
            _end(worker)
        self._extra.clear()
        if self._up is not None:
            for pid in self.pids().values():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            self._up.terminate()
            try:
                self._up.wait(30)
            except subprocess.TimeoutExpired:
                self._up.kill()
                self._up.wait()
            self._up = None
        if self.home.exists():
            with claim(self.home):
                """Ends what a killed `up` has left."""

    def kill_up(self) -> None:
        """Kill `up` itself; its parts go on without it."""
        if self._up is not None:
            self._up.kill()
            self._up.wait()
            self.kills += 1

    def ended(self) -> int | None:
        """Return the exit code of `up`, None while it runs."""
        return None if self._up is None else self._up.poll()

    def environment(self) -> dict[str, str]:
        """Return an environment in which no setting is made."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return kept | {"PYTHONPATH": str(ROOT)}

    # --- its processes

    def pids(self) -> dict[str, int]:
        """Return the parts' processes by name, those that run."""
        record = read_record(self.home)
        parts = () if record is None else record.parts
        return {part.name: part.process.pid for part in parts if part.process and part.process.alive()}

    def pid(self, name: str) -> int:
        """Return a part's process, waiting for one."""
        until(lambda: name in self.pids(), f"{name} runs")
        return self.pids()[name]

    def kill(self, name: str) -> None:
        """Kill a part now."""
        with suppress(ProcessLookupError):
            os.kill(self.pid(name), signal.SIGKILL)
            self.kills += 1

    def hit(
        self,
        point: str,
        *,
        passes: int = 0,
        number: signal.Signals = signal.SIGKILL,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> int:
        """Hit whoever next comes by a point and return its process; raises ChaosFailed when nobody comes.

        `meanwhile`: called once armed, to bring somebody there.
        """
        points = self.points
        points.arm(point, number, passes=passes)
        try:
            meanwhile()
            until(lambda: points.struck(point), f"somebody comes by {point}")
        finally:
            points.disarm(point)
        self.kills += number == signal.SIGKILL
        return points.struck(point) or 0

    def add_worker(self, role: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Run one more worker of a role beside the supervised one."""
        with (self.home / "logs" / f"{role}-extra{len(self._extra)}.log").open("ab") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.part", role, *arguments],
                cwd=ROOT,
                env=self.environment() | {f"{PREFIX}DATA_DIR": str(self.home)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._extra.append(worker)
        return worker

    def drop_workers(self) -> None:
        """Tell the added workers to stop."""
        for worker in self._extra:
            _end(worker)
        self._extra.clear()

    # --- the world

    def world(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Ask the loopback world; returns nothing when it does not answer."""
        try:
            answer = loopback().request(
                method, f"{self.settings.reddit_url}/_world/{path}", json=body, timeout=REQUEST_SECONDS
            )
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError, CinepulseError):
            return {}
        return found

    def burst(self, count: int, title: str, **fields: Any) -> None:
        """Let posts with a title appear at once."""
        told = self.world("POST", "faults", {"kind": "burst", "count": count, "title": f"{title} #{{n}}", **fields})
        self.injected.update(told.get("names", ()))

    def post(self, **data: Any) -> None:
        """Let one post appear, with these fields of Reddit's."""
        told = self.world("POST", "faults", {"kind": "post", "data": data})
        self.injected.update(told.get("names", ()))

    def load(self) -> None:
        """Let some posts appear that name films of every partition, unless nobody takes any."""
        if self.is_silent:
            return
        for title in PROBED_FILMS:
            self.burst(PROBE_POSTS, f"Just watched {title}")

    def read_up_to(self) -> list[tuple[str, int | None]]:
        """Return up to which event time, milliseconds, listings are read and confirmed; nothing where it is unknown."""
        path = (self.home / PRODUCERS_FOLDER / "reddit.sqlite").resolve()
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as memory:
            return memory.execute("SELECT id, newest_at FROM listings ORDER BY id").fetchall()
        return []

    # --- is it counting?

    def counting_since(self, then: float) -> float:
        """Return how long after `then` (seconds since 1970) the pipeline counted posts observed after it.

        Posts of every partition of `reddit.posts` and films of every partition of `movie.mentions` must be counted and
        stored; at its own rate, where nothing is injected, any post will do.
        """
        began = due = time.monotonic()
        pause = PROBE_SECONDS
        while True:
            if self.rate is not None and not self.is_silent and time.monotonic() >= due:
                self.load()
                due, pause = time.monotonic() + pause, min(2 * pause, SELDOM_SECONDS)
            with suppress(CinepulseError), self.client() as client:
                if self._counted(client, round(then * 1_000)):
                    return time.time() - then
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise ChaosFailed(f"nothing counted for {PATIENCE_SECONDS:.0f} s: see {self.home / 'logs'}")
            time.sleep(POLL_SECONDS)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Yield a client of the stack's ClickHouse: the same until one fails, since to make one takes many queries."""
        if self._client is None:
            self._client = connect(self.settings, connect_timeout=2, send_receive_timeout=5)
        try:
            yield self._client
        except BaseException:
            self._drop_client()
            raise

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _counted(self, client: Client, then_ms: int) -> bool:
        ((films, posts),) = client.query(COUNTED, parameters={"then_ms": then_ms}).result_rows
        if self.rate is None:
            return bool(films)
        partitions = self.settings.partitions
        return (
            len({film_partition(film, partitions) for film in films}) == partitions
            and len({post_partition(post, partitions) for post in posts}) == partitions
        )


def _end(worker: subprocess.Popen[bytes]) -> None:
    if worker.poll() is None:
        worker.send_signal(signal.SIGCONT)
        worker.terminate()
        try:
            worker.wait(20)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
