"""The posts that mention a film: how they are spread, how they speak of it, and the latest of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Self

from clickhouse.ask import ask, together
from clickhouse.sentiment import UNKNOWN, Felt, Sentiments, sentiments_of
from clickhouse.trends import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from clickhouse.client import Client

FEW: Final = 500
"""So many posts are read one by one: to find them takes longer than to group them, and is done once then."""

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

    def add_posts(self, posts: Iterable[tuple[date, Mapping[str, Any]]]) -> None:
        """Add mentions, each with its day, as rows of `queries/movie_posts.sql` tell them."""
        compounds: dict[date, list[float]] = defaultdict(list)
        for day, post in posts:
            key = post["location"], post["method"]
            self.communities[post["community"]] += 1
            self.methods[key] += 1
            self.confidences[key] += post["confidence"]
            if post["sentiment"] is not None:
                compounds[day].append(post["sentiment"])
        self.felt.update((day, Felt.of(told)) for day, told in compounds.items())

    def add_groups(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add mentions as rows of `queries/movie_mentions.sql` tell them."""
        for row in rows:
            if row["told"] == "community":
                self.communities[row["community"]] += row["mentions"]
            elif row["told"] == "method":
                key = row["location"], row["method"]
                self.methods[key] += row["mentions"]
                self.confidences[key] += row["confidence_sum"]
            else:
                self.felt[row["day"]] = Felt.from_row(row)

    def add_days(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add mentions as rows of `queries/movie_mentions_kept.sql` tell them."""
        for row in rows:
            self.communities.update(row["communities"])
            for name, mentions in row["methods"].items():
                location, _, method = name.partition(" ")
                self.methods[location, method] += mentions
                self.confidences[location, method] += row["confidences"].get(name, 0.0)
            self.felt[row["day"]] = Felt.from_row(row)


@dataclass(frozen=True, slots=True)
class Posts:
    """What the posts of a film's latest days say; `evidence` the newest of them."""

    evidence: tuple[Evidence, ...] = ()
    felt: Sentiments = field(default_factory=partial(Sentiments, {}, UNKNOWN))
    spread: Spread = field(default_factory=Spread)

    @classmethod
    def read(  # noqa: PLR0913, PLR0917 - a film's days, and how to read them
        cls,
        client: Client,
        tmdb_id: int,
        days: Sequence[Mapping[str, Any]],
        limit: int,
        at_ms: int,
        kept: frozenset[date] = frozenset(),
    ) -> Self:
        """Return what the posts of days say, of those written by an instant unless it is 0.

        `days`: the film's, newest first, with their mentions. `limit`: posts at most in `evidence`. `kept`: the days
        that are told by their rows. Raises DatabaseUnavailable when ClickHouse does not answer.
        """
        if not days:
            return cls()
        if 2 * len(_newest(days, limit)) >= len(days) and sum(day["mentions"] for day in days) <= FEW:
            # The posts of most days are read as it is: those of all of them take less than another question.
            kept = frozenset()
        told = [day["day"] for day in days if day["day"] in kept]
        (spread, latest), rows = together(
            lambda: _read_posts(client, tmdb_id, days, limit, at_ms, kept),
            lambda: ask(client, "movie_mentions_kept", tmdb_id=tmdb_id, days=told) if told else [],
        )
        spread.add_days(rows)
        # What posts said later was not known then, and of sentences no history is kept.
        felt = sentiments_of({} if at_ms else spread.felt)
        return cls(tuple(evidence_of(row) for row in latest[:limit]), felt, spread)


def _read_posts(  # noqa: PLR0913, PLR0917 - a film's days, and how to read them
    client: Client,
    tmdb_id: int,
    days: Sequence[Mapping[str, Any]],
    limit: int,
    at_ms: int,
    kept: frozenset[date],
) -> tuple[Spread, list[dict[str, Any]]]:
    """Return how the posts of the days are spread that are not kept, and the latest posts of all days."""
    spread = Spread()
    newest = _newest(days, limit)
    others = [day["day"] for day in days if day["day"] not in kept]
    asked: dict[str, Any] = {"tmdb_id": tmdb_id, "at_ms": at_ms}
    both = [day for day in days if day["day"] in newest or day["day"] in others]
    if sum(day["mentions"] for day in both) <= FEW:
        posts = ask(client, "movie_posts", **asked, days=[day["day"] for day in both], limit=FEW + 1)
        if len(posts) <= FEW:
            dated = [(instant(post["created_at_ms"]).date(), post) for post in posts]
            spread.add_posts((day, post) for day, post in dated if day not in kept)
            if len(both) == len(days) or sum(day in newest for day, _ in dated) >= limit:
                return spread, posts
            # What is counted of the newest days is gone, or not yet known at that instant.
            return spread, ask(client, "movie_posts", **asked, days=[day["day"] for day in days], limit=limit)
    # Many, or more than the counts, which may be behind, know of.
    groups, latest = together(
        lambda: ask(client, "movie_mentions", **asked, days=others) if others else [],
        lambda: _latest(client, tmdb_id, days, limit, at_ms),
    )
    spread.add_groups(groups)
    return spread, latest


def _newest(days: Sequence[Mapping[str, Any]], limit: int) -> list[date]:
    """Return the latest days, as many of them as have so many mentions together: the latest posts lie on them."""
    together_on = accumulate(day["mentions"] for day in days)
    enough = next((place for place, mentions in enumerate(together_on, start=1) if mentions >= limit), len(days))
    return [day["day"] for day in days[:enough]]


def _latest(
    client: Client, tmdb_id: int, days: Sequence[Mapping[str, Any]], limit: int, at_ms: int
) -> list[dict[str, Any]]:
    """Return the latest posts."""
    found: list[dict[str, Any]] = []
    for on in (_newest(days, limit), [day["day"] for day in days]):
        found = ask(client, "movie_posts", tmdb_id=tmdb_id, days=on, limit=limit, at_ms=at_ms)
        # What is counted may be gone, or not yet known at that instant.
        if len(found) == limit or len(on) == len(days):
            break
    return found


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
