"""The posts that mention a film: how they are spread, how they speak of it, and the latest of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Self

from clickhouse.ask import ask, ask_both, together
from clickhouse.mention_hours import Hourly, HoursTold
from clickhouse.sentiment import UNKNOWN, Felt, Sentiments, sentiments_of
from clickhouse.trends import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from clickhouse.client import Client

FEW: Final = 500
FEW_DAYS: Final = 3
"""So many posts of so many days are added up in less time than they and the rows of their days are read."""
NO_HOURS: Final = Hourly()

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
        own = {day["day"] for day in days}
        newest = _newest(days, limit)
        by_rows = kept & (own - _added_up(days, newest) | hourly.days - own)
        rows = (own | hourly.days) - by_rows
        asked: dict[str, Any] = {"tmdb_id": tmdb_id, "at_ms": at_ms, "limit": limit}
        told = {**asked, "rows": sorted(rows), "kept": sorted(by_rows), "cut_ms": hourly.cut_ms}
        if rows >= set(newest):
            found = _mentions(client, told)
            latest = sorted((_post(post) for row in found for post in row["newest"] if row["day"] in own), key=_order)
            if by_rows & own and sum(len(row["newest"]) for row in found if row["day"] in newest) < limit:
                # What is counted of the newest days is gone, or not yet known at that instant.
                latest = ask(client, "movie_posts", **asked, days=[day["day"] for day in days])
        else:
            found, latest = together(lambda: _mentions(client, told), lambda: _latest(client, asked, newest, days))
        spread = Spread()
        spread.add_days(row for row in found if row["day"] in own)
        # What posts said later was not known then, and of sentences no history is kept.
        felt = sentiments_of({} if at_ms else spread.felt)
        evidence = tuple(evidence_of(row) for row in latest[:limit])
        return cls(evidence, felt, spread, _hours(found, hourly, by_rows))


def _hours(rows: Iterable[Mapping[str, Any]], hourly: Hourly, kept: frozenset[date]) -> HoursTold:
    """Return what the rows of days tell by the hour; of communities it is told how many there are."""
    told = ({**row, "communities": len(row["communities"])} for row in rows if row["day"] in hourly.days)
    return HoursTold.by(told, kept)


def _added_up(days: Sequence[Mapping[str, Any]], newest: Sequence[date]) -> set[date]:
    """Return the newest days if their posts, which are looked at as it is, are to be added up instead of their rows."""
    few = len(newest) <= FEW_DAYS and sum(day["mentions"] for day in days if day["day"] in newest) <= FEW
    return set(newest) if few else set()


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
