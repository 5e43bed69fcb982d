"""What must be in ClickHouse: the linker run directly over everything the world has served."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from clickhouse_connect.driver.exceptions import DatabaseError

from cinepulse.clock import SystemClock
from cinepulse.commands.ground_truth import PostsInKafka, ServedPost, expected_mentions, read_catalog, served_posts
from cinepulse.commands.lag import lags
from cinepulse.commands.reckoning import MentionId, Reckoning, reckon
from cinepulse.errors import CinepulseError
from clickhouse.ask import ask
from tests.chaos.rig import ROOT, ChaosFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cinepulse.settings import Settings
    from clickhouse.client import Client
    from stream_processors.linking import Catalog
    from tests.chaos.rig import Rig

SETTLE_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.5
STEADY_SECONDS: Final = 1.5
VERIFY_SECONDS: Final = 180
TOLD: Final = 5
TOLD_LINES: Final = 15


@dataclass
class Truth:
    """Follows one stack: what it must hold, reckoned anew after each fault."""

    rig: Rig
    _served: dict[str, ServedPost] = field(default_factory=dict)
    _linked: dict[tuple[object, ...], frozenset[MentionId]] = field(default_factory=dict)
    _catalog: Catalog | None = None
    wrong: str = ""
    """What differs, in words, where the last reckoning found anything."""

    def reckon(self) -> tuple[int, Reckoning]:
        """Stop the flow, wait until everything served is counted, and return how many posts that was and the outcome.

        What has not arrived after SETTLE_SECONDS counts as lost. The world is frozen afterwards.
        """
        self.rig.world("POST", "freeze")
        settings = self.rig.settings
        fresh = {one.fullname: one for one in served_posts(str(settings.reddit_url), SystemClock().now_ms())}
        # A world that was started anew has forgotten what was put into it, which the pipeline must not.
        self._served = {name: one for name, one in self._served.items() if name in self.rig.injected} | fresh
        served = list(self._served.values())
        self._catalog = self._catalog or read_catalog(settings)
        expected = self._expected(served, self._catalog, settings.link_threshold)
        return len(served), self._settled(settings, served, expected)

    def _expected(self, served: Iterable[ServedPost], catalog: Catalog, threshold: float) -> set[MentionId]:
        found: set[MentionId] = set()
        for one in served:
            text = (one.fullname, one.live, one.post and (one.post.title, one.post.body))
            known = self._linked.get(text)
            if known is None:
                known = self._linked[text] = frozenset(expected_mentions([one], catalog, threshold))
            found |= known
        return found

    def _settled(self, settings: Settings, served: list[ServedPost], expected: set[MentionId]) -> Reckoning:
        posts = PostsInKafka(settings)
        # What came and went while nobody could look has never been seen, and is not missed.
        live = {one.fullname: one.live for one in served}
        deadline = time.monotonic() + SETTLE_SECONDS
        behind = [*live]
        try:
            while True:
                # A broker that has come back answers a little before it leads its partitions.
                with suppress(CinepulseError, DatabaseError):
                    posts.refresh()
                    behind = [name for name in posts.behind(served) if live[name] or name in posts.latest]
                    if not behind and (done := self._steady(settings, expected)) is not None:
                        return done
                if time.monotonic() > deadline:
                    try:
                        outcome = self._now(expected)
                        self.wrong = self._tell(behind, expected)
                    except (CinepulseError, DatabaseError) as error:
                        raise ChaosFailed(f"what is stored cannot be read: {error}") from error
                    return Reckoning(
                        outcome.mentions_expected,
                        outcome.mentions_in_clickhouse,
                        outcome.mentions_counted,
                        # A post that never reached Kafka is lost, whether or not it names a film.
                        max(outcome.lost, len(behind)),
                        outcome.double_counted,
                    )
                time.sleep(LOOK_SECONDS)
        finally:
            posts.close()

    def _steady(self, settings: Settings, expected: set[MentionId]) -> Reckoning | None:
        first = self._now(expected)
        if first.lost or first.double_counted or any(lags(settings).values()):
            return None
        time.sleep(STEADY_SECONDS)
        second = self._now(expected)
        return second if second == first else None

    def _tell(self, behind: list[str], expected: set[MentionId]) -> str:
        with self.rig.client() as client:
            stored = set(_stored(client))
        missing = [f"film {one.tmdb_id} in {one.post_id} of {one.created_at}" for one in expected - stored]
        extra = [f"film {one.tmdb_id} in {one.post_id} of {one.created_at}" for one in stored - expected]
        found = (("posts behind", behind), ("mentions missing", missing), ("mentions too many", extra))
        return "; ".join(f"{what}: {', '.join(names[:TOLD])}" for what, names in found if names)

    def _now(self, expected: set[MentionId]) -> Reckoning:
        with self.rig.client() as client:
            counts = {(row["tmdb_id"], row["day_number"]): row["mentions"] for row in ask(client, "reckoning_counts")}
            return reckon(expected, _stored(client), counts)


def _stored(client: Client) -> list[MentionId]:
    return [
        MentionId(row["tmdb_id"], row["post_id"], row["created_at_ms"]) for row in ask(client, "reckoning_mentions")
    ]


def verify(rig: Rig) -> None:
    """Run `cinepulse verify` on the stack; raises ChaosFailed with what it said unless it exits with 0."""
    done = subprocess.run(
        [sys.executable, "-m", "cinepulse", "verify", "--data-dir", str(rig.home)],
        cwd=ROOT,
        env=rig.environment(),
        capture_output=True,
        text=True,
        timeout=VERIFY_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        said = "\n".join(f"{done.stdout}{done.stderr}".splitlines()[:TOLD_LINES])
        raise ChaosFailed(f"verify exits with {done.returncode}: {said}")
