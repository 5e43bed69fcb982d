"""The posts that mention a film: how they are spread, how they speak of it, and the latest of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Self

from clickhouse.ask import ask, ask_both, together
from clickhouse.sentiment import UNKNOWN, Felt, Sentiments, sentiments_of
from clickhouse.trends import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from clickhouse.client import Client

FEW: Final = 500
"""So many posts are added up in less time than the rows of their days are read."""

REDDIT_POST: Final = "https://www.reddit.com/comments/{thread}/"
REDDIT_COMMENT: Final = "https://www.reddit.com/comments/{thread}/_/{comment}/"

_POST: Final = (
    *("post_id", "platform", "thread_id", "community", "kind", "location", "method", "confidence"),
    "score",
)
"""What is told of each of the newest posts behind its time, which is negative so that the newest come first."""

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
        newest = _newest(days, limit)
        # The posts of the newest days are looked at as it is, and few are added up in less time than rows are read.
        if sum(day["mentions"] for day in days) <= FEW and 2 * len(newest) >= len(days):
            kept = frozenset()
        elif sum(day["mentions"] for day in days if day["day"] in newest) <= FEW:
            kept -= set(newest)
        rows = [day["day"] for day in days if day["day"] not in kept]
        asked: dict[str, Any] = {"tmdb_id": tmdb_id, "at_ms": at_ms, "limit": limit}
        told = {**asked, "rows": rows, "kept": [day["day"] for day in days if day["day"] in kept]}
        if set(newest) <= set(rows):
            found = _mentions(client, told)
            latest = sorted((_post(post) for row in found for post in row["newest"]), key=_order)
            if told["kept"] and sum(len(row["newest"]) for row in found if row["day"] in newest) < limit:
                # What is counted of the newest days is gone, or not yet known at that instant.
                latest = ask(client, "movie_posts", **asked, days=[day["day"] for day in days])
        else:
            found, latest = together(lambda: _mentions(client, told), lambda: _latest(client, asked, newest, days))
        spread = Spread()
        spread.add_days(found)
        # What posts said later was not known then, and of sentences no history is kept.
        felt = sentiments_of({} if at_ms else spread.felt)
        return cls(tuple(evidence_of(row) for row in latest[:limit]), felt, spread)


def _mentions(client: Client, told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the film's mentions on the days `rows` and `kept` are like."""
    if told["rows"] and told["kept"]:
        return ask_both(client, "movie_mentions_kept", "movie_mentions", **told)
    name = "movie_mentions_kept" if told["kept"] else "movie_mentions"
    return ask(client, name, **told)


def _post(told: Sequence[Any]) -> dict[str, Any]:
    """Return one of the newest posts that `queries/movie_mentions.sql` tells, as `queries/movie_posts.sql` tells it."""
    before_ms, *values = told
    return dict(zip(_POST, values, strict=True), created_at_ms=-before_ms)


def _order(post: Mapping[str, Any]) -> tuple[int, str]:
    return -post["created_at_ms"], post["post_id"]


def _newest(days: Sequence[Mapping[str, Any]], limit: int) -> list[date]:
    """Return the latest days, as many of them as have so many mentions together: the latest posts lie on them."""
    together_on = accumulate(day["mentions"] for day in days)
    enough = next((place for place, mentions in enumerate(together_on, start=1) if mentions >= limit), len(days))
    return [day["day"] for day in days[:enough]]


def _latest(
    client: Client, asked: dict[str, Any], newest: Sequence[date], days: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the latest posts."""
    found = ask(client, "movie_posts", **asked, days=newest)
    if len(found) == asked["limit"] or len(newest) == len(days):
        return found
    # What is counted of the newest days is gone, or not yet known at that instant.
    return ask(client, "movie_posts", **asked, days=[day["day"] for day in days])


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
