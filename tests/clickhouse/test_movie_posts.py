"""The posts of a film: told as by hand, whether their days are kept or not."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import astuple
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.authors import distinct_authors
from clickhouse.film_talk import read_film_days
from clickhouse.mention_days import keep_days
from clickhouse.mention_hours import Hourly, HoursTold
from clickhouse.mention_numbers import Reach
from clickhouse.movie_posts import FEW, Posts, Spread, evidence_of
from clickhouse.sentiment import UNKNOWN, Felt, sentiments_of
from clickhouse.tables import MENTIONS
from tests.clickhouse.tables import Filled, filled, ms
from tests.clickhouse.talk import put

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["filled"]

pytestmark = pytest.mark.real

FILM = 841
DAYS = ("2023-12-31", "2024-01-01", "2024-02-29", "2024-03-01")


def say(filled: Filled, posts: int) -> None:
    """Mention the film in posts of any kind on days of three months, and another film too."""
    rng = random.Random(11)  # noqa: S311 - the same posts each time, no secret
    put(
        filled,
        MENTIONS,
        (
            {
                "tmdb_id": FILM if number % 7 else 13,
                "platform": "reddit",
                "post_id": f"t3_{number}",
                "created_at": ms(f"{rng.choice(DAYS)}T{rng.randrange(24):02}:{rng.randrange(60):02}:59.999"),
                "community": rng.choice(["movies", "Movies", "dune"]),
                "kind": "submission",
                "location": rng.choice(["title", "body"]),
                "method": rng.choice(["exact", "link"]),
                "confidence": rng.uniform(0, 1),
                "sentiment": rng.choice([None, 0.05, -0.05, rng.uniform(-1, 1)]),
                "score": number,
                "num_comments": number if number % 5 else None,
                "author_sketch": number % 50 << 6 | 3 if number % 4 else None,
                "revision": 1,
            }
            for number in range(posts)
        ),
    )
    filled.count_all("2024-03-02T00:00")


def told(posts: Posts) -> dict[Any, float]:
    """Return how posts are spread, without their sentiments."""
    spread = posts.spread
    return {**spread.communities, **spread.methods, **{("sum", *key): one for key, one in spread.confidences.items()}}


def numbers(posts: Posts) -> Sequence[Any]:
    """Return every number of the sentiments, of each day and of all together."""
    return [
        *astuple(posts.felt.together),
        *(n for day in DAYS for n in astuple(posts.felt.of(date.fromisoformat(day)))),
    ]


def agree(one: Posts, other: Posts) -> None:
    """Check that two readings say the same, sums to 1e-9."""
    assert one.evidence == other.evidence
    assert told(one) == pytest.approx(told(other), abs=1e-9)
    assert numbers(one) == pytest.approx(numbers(other), abs=1e-9)


def written(filled: Filled, at_ms: int) -> list[dict[str, Any]]:
    """Return the film's posts, written by an instant unless it is 0, the newest first."""
    query = """
        SELECT *, toDate(created_at) AS day, toUnixTimestamp64Milli(created_at) AS created_at_ms
        FROM mentions FINAL WHERE tmdb_id = {film:Int64} ORDER BY created_at DESC, post_id
    """
    rows = [dict(row) for row in filled.client.query(query, parameters={"film": FILM}).named_results()]
    return [row for row in rows if not at_ms or row["created_at_ms"] <= at_ms]


def hours_by_hand(filled: Filled, hourly: Hourly, kept: frozenset[date], at_ms: int) -> HoursTold:
    """Return what plain Python says of the film's hours, and of how far the mentions of days not kept reach."""
    posts = [post for post in written(filled, at_ms) if post["day"] in hourly.days]
    seconds = hourly.cut_ms / 1_000
    cut = [post for post in posts if (post["created_at_ms"] / 1_000) % 86_400 < seconds]
    counts = Counter((post["day"], post["created_at"].hour) for post in cut)
    reaches = {}
    for day in hourly.days - kept:
        told = [post for post in posts if post["day"] == day]
        weights = [math.log(1 + max(post["score"], 0) + max(post["num_comments"] or 0, 0)) for post in told]
        seen = [post["author_sketch"] for post in told if post["author_sketch"] is not None]
        if told:
            authors = distinct_authors(seen) if seen else None
            reaches[day] = Reach(len({post["community"] for post in told}), math.fsum(weights), authors)
    return HoursTold(counts, reaches)


def by_hand(filled: Filled, limit: int, at_ms: int = 0) -> Posts:
    """Return what plain Python says of the film's posts, written by an instant unless it is 0."""
    posts = written(filled, at_ms)
    spread = Spread()
    compounds: dict[date, list[float]] = {}
    for post in posts:
        key = post["location"], post["method"]
        spread.communities[post["community"]] += 1
        spread.methods[key] += 1
        spread.confidences[key] += post["confidence"]
        if post["sentiment"] is not None and not at_ms:
            compounds.setdefault(post["day"], []).append(post["sentiment"])
    felt = {
        day: Felt(
            len(told),
            math.fsum(told),
            math.fsum(one * one for one in told),
            sum(one >= 0.05 for one in told),
            sum(one <= -0.05 for one in told),
        )
        for day, told in compounds.items()
    }
    return Posts(tuple(evidence_of(post) for post in posts[:limit]), sentiments_of(felt), spread)


@pytest.mark.parametrize("posts", [1, 2, 60, 300])
@pytest.mark.parametrize("limit", [1, 20, 400])
@pytest.mark.parametrize("at", ["", "2024-02-29T12:00"], ids=["now", "then"])
def test_posts_are_told_as_by_hand(filled: Filled, posts: int, limit: int, at: str) -> None:
    """However many posts there are and are shown, they say to 1e-9 what plain Python says of them."""
    say(filled, 1 + posts)
    days, at_ms = read_film_days(filled.client, FILM), ms(at) if at else 0

    found = Posts.read(filled.client, FILM, days, limit, at_ms=at_ms)

    agree(found, by_hand(filled, limit, at_ms))
    assert (found.felt.together.mean is not None) == (posts >= 60 and not at)


@pytest.mark.parametrize("few", [0, FEW], ids=["many", "few"])
@pytest.mark.parametrize("at", ["", "2024-02-29T12:00"], ids=["now", "then"])
def test_days_that_are_kept_are_told_as_their_posts_are(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, few: int, at: str
) -> None:
    """By the rows of films and days, whichever days have one, a film says to 1e-9 what its posts say of those days."""
    say(filled, 200)
    filled.mention(FILM, "t3_3", f"{DAYS[1]}T00:00", gone=True)
    while keep_days(filled.client):
        pass
    days, at_ms = read_film_days(filled.client, FILM), ms(at) if at else 0
    over = [date.fromisoformat(day) for day in DAYS if not at or day < at[:10]]
    monkeypatch.setattr("clickhouse.movie_posts.FEW", few)

    for limit in (1, 20, 400):
        by_posts = by_hand(filled, limit, at_ms)
        assert len(by_posts.evidence) >= min(limit, 40)
        agree(Posts.read(filled.client, FILM, days, limit, at_ms=at_ms), by_posts)
        for several in range(1, len(over) + 1):
            for kept in combinations(over, several):
                agree(Posts.read(filled.client, FILM, days, limit, at_ms=at_ms, kept=frozenset(kept)), by_posts)


@pytest.mark.parametrize("few", [10, FEW], ids=["many", "few"])
def test_counts_that_are_behind_change_nothing(filled: Filled, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """Where there are more posts than the counts know of, all of them are told, though they be more than a few."""
    say(filled, 60)
    monkeypatch.setattr("clickhouse.movie_posts.FEW", few)
    days = [{**day, "mentions": 1} for day in read_film_days(filled.client, FILM)]

    agree(Posts.read(filled.client, FILM, days, 20), by_hand(filled, 20))


@pytest.mark.parametrize("few", [0, FEW], ids=["many", "few"])
def test_posts_that_are_gone_make_room_for_older_ones(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Where the newest days have fewer posts than their counts say, those before are looked at as well."""
    say(filled, 60)
    newest, *before = read_film_days(filled.client, FILM)
    days = [{**newest, "mentions": 40}, *before]
    kept = frozenset(day["day"] for day in before)
    while keep_days(filled.client):
        pass
    monkeypatch.setattr("clickhouse.movie_posts.FEW", few)

    found = Posts.read(filled.client, FILM, days, 40, kept=kept)

    assert newest["mentions"] < 40
    assert found.evidence == by_hand(filled, 40).evidence


def test_a_film_without_days_has_no_posts(filled: Filled) -> None:
    """Nothing is asked, and nothing is said."""
    posts = Posts.read(filled.client, FILM, [], 20)

    assert (posts.evidence, posts.felt.together, posts.spread) == ((), UNKNOWN, Spread())


@pytest.mark.parametrize("few", [0, FEW], ids=["many", "few"])
@pytest.mark.parametrize("at", ["", "2024-02-29T12:00"], ids=["now", "then"])
def test_hours_are_told_as_by_hand(filled: Filled, monkeypatch: pytest.MonkeyPatch, few: int, at: str) -> None:
    """Hours that are asked for with the posts are what plain Python says, on days of the posts and on others.

    How far the mentions of a day reach is told of the days that are told by their mentions, the others' being kept.
    """
    say(filled, 200)
    while keep_days(filled.client):
        pass
    days, at_ms = read_film_days(filled.client, FILM), ms(at) if at else 0
    over = [date.fromisoformat(day) for day in DAYS if not at or day < at[:10]]
    hourly = Hourly(frozenset(date.fromisoformat(day) for day in (*DAYS[1:], "2024-02-28")), 12 * 3_600_000)
    monkeypatch.setattr("clickhouse.movie_posts.FEW", few)

    for several in range(len(over) + 1):
        for kept in map(frozenset, combinations(over, several)):
            by_posts = hours_by_hand(filled, hourly, kept, at_ms)
            for shown in (days, days[:2]):
                found = Posts.read(filled.client, FILM, shown, 20, at_ms=at_ms, kept=kept, hourly=hourly).hours
                assert found.counts == by_posts.counts
                for day, reach in by_posts.reaches.items():
                    assert astuple(found.reaches[day]) == pytest.approx(astuple(reach), abs=1e-9)
    assert sum(by_posts.counts.values()) > 20
