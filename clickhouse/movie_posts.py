"""The posts that mention a film: how they are spread, how they speak of it, and the latest of them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Final, Self

from clickhouse.ask import ask, together
from clickhouse.sentiment import UNKNOWN, Sentiments, is_negative, is_positive, sentiments_of
from clickhouse.trends import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

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
class Posts:
    """What the posts of a film's latest days say; `evidence` the newest of them."""

    evidence: tuple[Evidence, ...] = ()
    felt: Sentiments = field(default_factory=partial(Sentiments, {}, UNKNOWN))
    _spread: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def read(cls, client: Client, tmdb_id: int, days: Sequence[Mapping[str, Any]], limit: int, at_ms: int) -> Self:
        """Return what the posts of days say, of those written by an instant unless it is 0.

        `days`: the film's, newest first, with their mentions. `limit`: posts at most in `evidence`. Raises
        DatabaseUnavailable when ClickHouse does not answer.
        """
        if not days:
            return cls()
        asked: dict[str, Any] = {"tmdb_id": tmdb_id, "days": [day["day"] for day in days], "at_ms": at_ms}
        are_few = sum(day["mentions"] for day in days) <= FEW
        latest = ask(client, "movie_posts", **asked, limit=FEW + 1) if are_few else []
        if are_few and len(latest) <= FEW:
            spread = spread_of(latest)
        else:
            # Many, or more than the counts, which may be behind, know of.
            spread, latest = together(
                lambda: ask(client, "movie_mentions", **asked),
                lambda: _latest(client, tmdb_id, days, limit, at_ms),
            )
        # What posts said later was not known then, and of sentences no history is kept.
        felt = sentiments_of(() if at_ms else spread)
        return cls(tuple(evidence_of(row) for row in latest[:limit]), felt, spread)

    def spread(self, told: str) -> Sequence[Mapping[str, Any]]:
        """Return the rows that tell of each 'community', or of each 'method' and location, most mentions first."""
        rows = [row for row in self._spread if row["told"] == told]
        return sorted(rows, key=lambda row: (-row["mentions"], row["community"], row["method"], row["location"]))


def _latest(
    client: Client, tmdb_id: int, days: Sequence[Mapping[str, Any]], limit: int, at_ms: int
) -> list[dict[str, Any]]:
    """Return the latest posts: they lie on the latest days, as many of them as have so many mentions together."""
    together_on = accumulate(day["mentions"] for day in days)
    enough = next((place for place, mentions in enumerate(together_on, start=1) if mentions >= limit), len(days))
    for latest in dict.fromkeys((enough, len(days))):
        on = [day["day"] for day in days[:latest]]
        found = ask(client, "movie_posts", tmdb_id=tmdb_id, days=on, limit=limit, at_ms=at_ms)
        # What is counted may be gone, or not yet known at that instant.
        if len(found) == limit:
            break
    return found


def spread_of(posts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what queries/movie_mentions.sql tells of posts, by the rows of queries/movie_posts.sql."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for post in posts:
        method, location, day = post["method"], post["location"], instant(post["created_at_ms"]).date()
        for key in (
            ("community", post["community"], "", "", None),
            ("method", "", method, location, None),
            ("day", "", "", "", day),
            ("all", "", "", "", None),
        ):
            groups[key].append(post)
    return [_spread(key, group) for key, group in groups.items()]


def _spread(key: tuple[Any, ...], posts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    compounds = [post["sentiment"] for post in posts if post["sentiment"] is not None]
    return {
        **dict(zip(("told", "community", "method", "location", "day"), key, strict=True)),
        "mentions": len(posts),
        "mean_confidence": fmean(post["confidence"] for post in posts),
        "sentiment_n": len(compounds),
        "sentiment_mean": fmean(compounds) if compounds else None,
        "sentiment_deviation": stdev(compounds) if len(compounds) > 1 else None,
        "positive": sum(map(is_positive, compounds)),
        "negative": sum(map(is_negative, compounds)),
    }


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
