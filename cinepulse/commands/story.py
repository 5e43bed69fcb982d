"""The story of the generated world against what was told of it: which film was shown under which name, and how soon."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from dataclasses import asdict, dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from cinepulse.errors import CinepulseError, StackUnavailable
from clickhouse.ask import ask
from clickhouse.client import connect
from clickhouse.rising import RisingQuestion, read_rising
from producers.tmdb.polls import LIST_FILMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from cinepulse.clock import Clock
    from cinepulse.settings import Settings
    from clickhouse.client import Client

LOOK_SECONDS: Final = 1.0
REQUEST_SECONDS: Final = 30.0
# The generated story moves within minutes, and has two days of talk before it.
WINDOW_SECONDS: Final = 60.0
BEFORE_SECONDS: Final = 2 * 86_400.0
FILMS: Final = 100

NAMES: Final[Mapping[str, str]] = {
    "burst": "Bursting",
    "sleeper": "Rising",
    "fade": "Fading",
    "join": "joined",
    "leave": "left",
}
SOON_MS: Final = 10_000
# A film that grows is rising before it has grown fourfold: that it was told so early is no mistake.
EARLY_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened, and when the film was shown under the name of it.

    `seconds`: from the one to the other, negative where it was shown before; None where it never was.
    """

    what: str
    tmdb_id: int
    title: str
    name: str
    happened_ms: int
    shown_ms: int | None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.shown_ms is None else round((self.shown_ms - self.happened_ms) / 1_000, 1)

    @property
    def in_time(self) -> bool:
        """Whether it was told within ten seconds."""
        return self.shown_ms is not None and self.shown_ms - self.happened_ms <= SOON_MS

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "seconds": self.seconds, "in_time": self.in_time}


@dataclass(slots=True)
class Sightings:
    """When which film was shown under which name, milliseconds, in order."""

    seen: dict[tuple[str, int], list[int]] = field(default_factory=lambda: defaultdict(list))

    def note(self, name: str, tmdb_id: int, at_ms: int) -> None:
        """Note that a film is shown under a name."""
        self.seen[name, tmdb_id].append(at_ms)

    def of(self, happenings: Iterable[Mapping[str, Any]], until_ms: int) -> list[Told]:
        """Return what was told of each happening; one that has no ten seconds left until the end is left out."""
        return [self._told(one) for one in happenings if one["at_ms"] + SOON_MS <= until_ms]

    def _told(self, one: Mapping[str, Any]) -> Told:
        name, happened = NAMES[one["what"]], one["at_ms"]
        shown = next((at for at in self.seen.get((name, one["tmdb_id"]), ()) if at >= happened - EARLY_MS), None)
        return Told(one["what"], one["tmdb_id"], one["title"], name, happened, shown)


class StoryWatch:
    """Looks each second at what is told, from a thread of its own, while it is entered."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._began_ms = clock.now_ms()
        self._alerts: set[tuple[str, int, int]] = set()
        self._sightings = Sightings()
        self._ended = Event()
        self._thread = Thread(target=self._watch, name="story", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def told(self, until_ms: int) -> tuple[Told, ...]:
        """Return what was told of everything that happened in the world; raises StackUnavailable without the world."""
        return tuple(self._sightings.of(_happenings(str(self._settings.reddit_url)), until_ms))

    def _watch(self) -> None:
        with closing(connect(self._settings)) as client:
            while not self._ended.wait(LOOK_SECONDS):
                try:
                    self._look(client)
                except CinepulseError:
                    # A part that is away for a moment tells nothing meanwhile: that is what is measured.
                    continue

    def _look(self, client: Client) -> None:
        for direction in ("rising", "fading"):
            question = RisingQuestion(by=direction, window=WINDOW_SECONDS, before=BEFORE_SECONDS, limit=FILMS)
            for film in read_rising(client, question).films:
                self._sightings.note(film.state, film.tmdb_id, self._clock.now_ms())
        for row in ask(client, "story_alerts", since_ms=self._began_ms):
            alert = (row["kind"], row["tmdb_id"], row["at_ms"])
            if alert not in self._alerts:
                self._alerts.add(alert)
                self._sightings.note(row["kind"], row["tmdb_id"], self._clock.now_ms())


def _happenings(world: str) -> Sequence[Mapping[str, Any]]:
    try:
        answer = httpx.get(
            f"{world}/_world/story", params={"top": LIST_FILMS}, timeout=REQUEST_SECONDS, trust_env=False
        )
        answer.raise_for_status()
        found: Sequence[Mapping[str, Any]] = answer.json()["happenings"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise StackUnavailable(f"the loopback world does not answer: {error}") from error
    return found
