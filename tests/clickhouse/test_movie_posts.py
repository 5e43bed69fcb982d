"""The posts of a film: told the same whether the engine groups them or they are read one by one."""

from __future__ import annotations

import random
from dataclasses import astuple
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from clickhouse.film_talk import read_film_days
from clickhouse.movie_posts import FEW, Posts
from clickhouse.sentiment import UNKNOWN
from clickhouse.tables import MENTIONS
from tests.clickhouse.tables import Filled, filled, ms
from tests.clickhouse.talk import put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["filled"]

pytestmark = pytest.mark.real

FILM = 841
DAYS = ("2027-12-31", "2028-01-01", "2028-02-29", "2028-03-01")


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
    filled.count_all("2028-03-02T00:00")


def told(posts: Posts) -> list[Mapping[str, Any]]:
    """Return how posts are spread, without their sentiments."""
    names = ("community", "method", "location", "mentions", "mean_confidence")
    return [{name: row[name] for name in names} for of in ("community", "method") for row in posts.spread(of)]


def numbers(posts: Posts) -> Sequence[Any]:
    """Return every number of the sentiments, of each day and of all together."""
    return [
        *astuple(posts.felt.together),
        *(n for day in DAYS for n in astuple(posts.felt.of(date.fromisoformat(day)))),
    ]


@pytest.mark.parametrize("posts", [1, 2, 60, 300])
@pytest.mark.parametrize("at", ["", "2028-02-29T12:00"], ids=["now", "then"])
def test_few_posts_are_told_as_many_are(filled: Filled, monkeypatch: pytest.MonkeyPatch, posts: int, at: str) -> None:
    """Read one by one and grouped in Python they say to 1e-9 what the engine's groups say, and show the same posts."""
    say(filled, 1 + posts)
    days = read_film_days(filled.client, FILM)
    at_ms = ms(at) if at else 0

    one_by_one = Posts.read(filled.client, FILM, days, 20, at_ms)
    monkeypatch.setattr("clickhouse.movie_posts.FEW", 0)
    grouped = Posts.read(filled.client, FILM, days, 20, at_ms)

    assert sum(day["mentions"] for day in days) <= FEW
    assert one_by_one.evidence == grouped.evidence
    assert [row["mentions"] for row in told(one_by_one)] == [row["mentions"] for row in told(grouped)]
    for one, other in zip(told(one_by_one), told(grouped), strict=True):
        assert one == pytest.approx(other, abs=1e-9)
    assert numbers(one_by_one) == pytest.approx(numbers(grouped), abs=1e-9)
    assert (one_by_one.felt.together.mean is not None) == (posts >= 60 and not at)


def test_counts_that_are_behind_do_not_make_many_posts_few(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are more posts than the counts know of, the engine groups them all the same."""
    say(filled, 60)
    days = [{**day, "mentions": 1} for day in read_film_days(filled.client, FILM)]

    whole = Posts.read(filled.client, FILM, days, 20, 0)
    monkeypatch.setattr("clickhouse.movie_posts.FEW", 10)
    behind = Posts.read(filled.client, FILM, days, 20, 0)

    assert behind.evidence == whole.evidence
    assert [row["mentions"] for row in told(behind)] == [row["mentions"] for row in told(whole)]
    assert numbers(behind) == pytest.approx(numbers(whole), abs=1e-9)


def test_a_film_without_days_has_no_posts(filled: Filled) -> None:
    """Nothing is asked, and nothing is said."""
    posts = Posts.read(filled.client, FILM, [], 20, 0)

    assert (posts.evidence, posts.felt.together, posts.spread("community")) == ((), UNKNOWN, [])
