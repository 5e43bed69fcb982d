"""The posts of a film: told the same whether the engine groups them, they are read one by one, or days are kept."""

from __future__ import annotations

import random
from dataclasses import astuple
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from clickhouse.film_talk import read_film_days
from clickhouse.mention_days import keep_days
from clickhouse.movie_posts import FEW, Posts, Spread
from clickhouse.sentiment import UNKNOWN
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


@pytest.mark.parametrize("posts", [1, 2, 60, 300])
@pytest.mark.parametrize("at", ["", "2024-02-29T12:00"], ids=["now", "then"])
def test_few_posts_are_told_as_many_are(filled: Filled, monkeypatch: pytest.MonkeyPatch, posts: int, at: str) -> None:
    """Read one by one and grouped in Python they say to 1e-9 what the engine's groups say, and show the same posts."""
    say(filled, 1 + posts)
    days = read_film_days(filled.client, FILM)
    at_ms = ms(at) if at else 0

    one_by_one = Posts.read(filled.client, FILM, days, 20, at_ms)
    monkeypatch.setattr("clickhouse.movie_posts.FEW", 0)
    grouped = Posts.read(filled.client, FILM, days, 20, at_ms)

    assert sum(day["mentions"] for day in days) <= FEW
    agree(one_by_one, grouped)
    assert (one_by_one.felt.together.mean is not None) == (posts >= 60 and not at)


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
        by_posts = Posts.read(filled.client, FILM, days, limit, at_ms)
        assert len(by_posts.evidence) >= min(limit, 40)
        for several in range(1, len(over) + 1):
            for kept in combinations(over, several):
                agree(Posts.read(filled.client, FILM, days, limit, at_ms, frozenset(kept)), by_posts)


def test_counts_that_are_behind_do_not_make_many_posts_few(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are more posts than the counts know of, the engine groups them all the same."""
    say(filled, 60)
    days = [{**day, "mentions": 1} for day in read_film_days(filled.client, FILM)]

    whole = Posts.read(filled.client, FILM, days, 20, 0)
    monkeypatch.setattr("clickhouse.movie_posts.FEW", 10)
    behind = Posts.read(filled.client, FILM, days, 20, 0)

    agree(behind, whole)


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

    found = Posts.read(filled.client, FILM, days, 40, 0, kept)

    assert newest["mentions"] < 40
    assert found.evidence == Posts.read(filled.client, FILM, days, 60, 0).evidence[:40]


def test_a_film_without_days_has_no_posts(filled: Filled) -> None:
    """Nothing is asked, and nothing is said."""
    posts = Posts.read(filled.client, FILM, [], 20, 0)

    assert (posts.evidence, posts.felt.together, posts.spread) == ((), UNKNOWN, Spread())
