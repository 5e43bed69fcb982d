"""The posts that mention a film: how they are spread, how they speak of it, and the latest of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from clickhouse.ask import ask, ask_both, together
from clickhouse.mention_hours import Hourly, HoursTold
from clickhouse.post_sums import posts_by_day, sums_of_days
from clickhouse.sentiment import UNKNOWN, Felt, Sentiments, sentiments_of
from clickhouse.trends import instant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from clickhouse.client import Client

FEW: Final = 2_000
"""So many posts are added up in less time than it takes to plan the query that adds them up."""
NO_HOURS: Final = Hourly()

REDDIT_POST: Final = "https://www.reddit.com/comments/{thread}/"
REDDIT_COMMENT: Final = "https://www.reddit.com/comments/{thread}/_/{comment}/"

# Ids come from outside: only what Reddit's ids are made of goes into an address.
SUBMISSION_ID: Final = re.compile(r"t3_([0-9a-z]{1,13})")
COMMENT_ID: Final = re.compile(r"t1_([0-9a-z]{1,13})")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A post that mentions the film; `permalink` is None where its ids make no address."""

    post_id: str
    permalink: str | None
    community: str
    kind: str
    location: str
    method: str
    confidence: float
    score: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Spread:
    """How mentions are spread: by community; by location and method, with the sum of their confidences; and by day.

    A day is added whole, and once.
    """

    communities: Counter[str] = field(default_factory=Counter)
    methods: Counter[tuple[str, str]] = field(default_factory=Counter)
    confidences: dict[tuple[str, str], float] = field(default_factory=partial(defaultdict, float))
    felt: dict[date, Felt] = field(default_factory=dict)

    def add_days(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add mentions as rows of `queries/movie_mentions.sql` tell them."""
        for row in rows:
            self.communities.update(row["communities"])
            for name, mentions in row["methods"].items():
                location, _, method = name.partition(" ")
                self.methods[location, method] += mentions
                self.confidences[location, method] += row["confidences"].get(name, 0.0)
            self.felt[row["day"]] = Felt.from_row(row)


@dataclass(frozen=True, slots=True)
class Posts:
    """What the posts of a film's latest days say.

    `evidence`: the newest of them. `hours`: what is told by the hour, of the days for which that is asked.
    """

    evidence: tuple[Evidence, ...] = ()
    felt: Sentiments = field(default_factory=partial(Sentiments, {}, UNKNOWN))
    spread: Spread = field(default_factory=Spread)
    hours: HoursTold = field(default_factory=HoursTold)

    @classmethod
    def read(  # noqa: PLR0913 - a film's days, and how to read them
        cls,
        client: Client,
        tmdb_id: int,
        days: Sequence[Mapping[str, Any]],
        limit: int,
        *,
        at_ms: int = 0,
        kept: frozenset[date] = frozenset(),
        hourly: Hourly = NO_HOURS,
    ) -> Self:
        """Return what the posts of days say, of those written by an instant unless it is 0.

        `days`: the film's, newest first, with their mentions. `limit`: posts at most in `evidence`. `kept`: the days
        that are told by their rows. `hourly`: which days are told by the hour, be they of `days` or others. Raises
        DatabaseUnavailable when ClickHouse does not answer.
        """
        if not days:
            return cls()
        film = _Film(client, tmdb_id, days, limit, at_ms, kept, hourly)
        told = film.by_posts() or film.by_days()
        own = film.own
        spread = Spread()
        spread.add_days(row for row in told.days if row["day"] in own)
        # What posts said later was not known then, and of sentences no history is kept.
        felt = sentiments_of({} if at_ms else spread.felt)
        evidence = tuple(evidence_of(row) for row in told.newest)
        hours = HoursTold.by((row for row in told.days if row["day"] in hourly.days), told.kept)
        return cls(evidence, felt, spread, hours)


class _Told(NamedTuple):
    """A row a day, those of `kept` made when it was over; and the newest posts."""

    days: list[dict[str, Any]]
    kept: frozenset[date]
    newest: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Film:
    """A film's days, as `Posts.read` has them, and what can be asked of them."""

    client: Client
    tmdb_id: int
    days: Sequence[Mapping[str, Any]]
    limit: int
    at_ms: int
    kept: frozenset[date]
    hourly: Hourly

    @property
    def own(self) -> frozenset[date]:
        """The days that are shown."""
        return frozenset(day["day"] for day in self.days)

    def by_posts(self) -> _Told | None:
        """Return what is told by the posts of the newest days, and of those that are not kept; None of too many."""
        own, newest = self.own, self._newest()
        kept = self._all & self.kept - newest
        days = self._all - kept
        if sum(day["mentions"] for day in self.days if day["day"] in days) > FEW:
            return None
        kept_days, posts = together(lambda: self._sums(kept=kept), lambda: self._posts(days, FEW + 1))
        if len(posts) > FEW:
            return None
        told = posts_by_day(posts)
        latest = [post for day, posts_of_day in told.items() if day in own for post in posts_of_day]
        if kept & own and sum(len(told[day]) for day in newest & told.keys()) < self.limit:
            latest = self._posts(own, self.limit)
        return _Told(kept_days + sums_of_days(told, self.hourly.cut_ms), kept, latest[: self.limit])

    def by_days(self) -> _Told:
        """Return what is told by the sums of each day, and by no more posts than are shown."""
        own, newest, kept = self.own, self._newest(), self._all & self.kept
        found, latest = together(lambda: self._sums(self._all - kept, kept), lambda: self._posts(newest, self.limit))
        if len(latest) < self.limit and newest < own:
            latest = self._posts(own, self.limit)
        return _Told(found, kept, latest)

    @property
    def _all(self) -> frozenset[date]:
        """The days that are shown, and those that are told by the hour."""
        return self.own | self.hourly.days

    def _newest(self) -> frozenset[date]:
        """Return the latest days, as many of them as have so many mentions together: the latest posts lie on them.

        What is counted of them may be gone, or not yet known at that instant; then others are looked at as well.
        """
        together_on = accumulate(day["mentions"] for day in self.days)
        enough = (place for place, mentions in enumerate(together_on, start=1) if mentions >= self.limit)
        return frozenset(day["day"] for day in self.days[: next(enough, len(self.days))])

    def _sums(self, rows: Collection[date] = (), kept: Collection[date] = ()) -> list[dict[str, Any]]:
        """Return what the film's mentions on days are like, of those `kept` by the rows of films and days."""
        told = {"rows": sorted(rows), "kept": sorted(kept), "cut_ms": self.hourly.cut_ms}
        asked = {"tmdb_id": self.tmdb_id, "at_ms": self.at_ms, **told}
        if rows and kept:
            return ask_both(self.client, "movie_mentions_kept", "movie_mentions", **asked)
        if not rows and not kept:
            return []
        return ask(self.client, "movie_mentions_kept" if kept else "movie_mentions", **asked)

    def _posts(self, days: Collection[date], limit: int) -> list[dict[str, Any]]:
        """Return the newest posts of days."""
        asked = {"tmdb_id": self.tmdb_id, "at_ms": self.at_ms, "limit": limit}
        return ask(self.client, "movie_posts", days=sorted(days), **asked)


def permalink(platform: str, post_id: str, thread_id: str | None) -> str | None:
    """Return the address of a post, built from its ids alone; None where they make none."""
    if platform != "reddit":
        return None
    if submission := SUBMISSION_ID.fullmatch(post_id):
        return REDDIT_POST.format(thread=submission[1])
    comment, thread = COMMENT_ID.fullmatch(post_id), SUBMISSION_ID.fullmatch(thread_id or "")
    if comment and thread:
        return REDDIT_COMMENT.format(thread=thread[1], comment=comment[1])
    return None


def evidence_of(row: dict[str, Any]) -> Evidence:
    """Return a post that mentions a film, from a row of a query for such posts."""
    return Evidence(
        post_id=row["post_id"],
        permalink=permalink(row["platform"], row["post_id"], row["thread_id"]),
        community=row["community"],
        kind=row["kind"],
        location=row["location"],
        method=row["method"],
        confidence=row["confidence"],
        score=row["score"],
        created_at=instant(row["created_at_ms"]),
    )
