"""Talk about films, told to the tables as counts, posts and coverage."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from cinepulse.authors import observation_of
from clickhouse.tables import COVERAGE, MENTION_COUNTS, MENTIONS
from tests.clickhouse.mention_reference import Talk
from tests.clickhouse.tables import PARTITIONS, Filled, ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse.tables import Table

DAY = date(2026, 3, 4)
"""A Wednesday, so that its week holds three days; the four weeks before it cross the end of February."""
LATER = ms("2026-03-09T00:00")
FEEDS = ("new:movies", "comments:movies")


def ago(days: int, day: date = DAY) -> date:
    """Return the day so many days before."""
    return day - timedelta(days=days)


def start_of(day: date) -> int:
    """Return a day's first instant, milliseconds."""
    return round(datetime.combine(day, time(), UTC).timestamp() * 1_000)


def put(filled: Filled, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows that name the same columns."""
    lines = list(rows)
    kinds = dict(table.columns)
    names = list(lines[0])
    values = [[line[name] for name in names] for line in lines]
    filled.client.insert(table.name, values, column_names=names, column_type_names=[kinds[name] for name in names])


def know(filled: Filled, days: Iterable[date], told: int = 0) -> None:
    """Say of each of the days that all of it was read; `told`: when that was said, ten days later where not given."""
    ordered = sorted(days)
    told = told or start_of(ago(-10, ordered[-1]))
    put(
        filled,
        COVERAGE,
        (
            {
                "source": "reddit",
                "listing": feed,
                "started_at": told + place,
                "finished_at": told + place,
                "outcome": "ok",
                "covered_from": start_of(day),
                "covered_to": start_of(ago(-1, day)),
                "revision": 1,
            }
            for place, day in enumerate(ordered)
            for feed in FEEDS
        ),
    )


def count(filled: Filled, counts: dict[int, dict[date, tuple[int, int]]], watermark: int = LATER) -> None:
    """Insert counts of films by day, submissions and comments, as of the watermark."""
    put(
        filled,
        MENTION_COUNTS,
        (
            {
                "tmdb_id": film,
                "day": day,
                "mentions": sum(numbers),
                "submissions": numbers[0],
                "comments": numbers[1],
                "state": "provisional",
                "watermark": watermark,
                "source_partition": film % PARTITIONS,
                "revision": 1,
            }
            for film, days in counts.items()
            for day, numbers in days.items()
        ),
    )


def talk_of(seed: int, day: date, films: int, days: int) -> Talk:
    """Return random talk: quiet and loud films, days without a mention, days that are not known, posts of the day."""
    source = random.Random(seed)  # noqa: S311 - no secret
    talk = Talk(known={ago(back, day) for back in range(days) if back in (0, 8) or source.random() < 0.8})
    for film in range(1, films + 1):
        rate = source.choice([0.4, 2, 10, 300]) if film > 1 else 300
        talk.counts[film] = {}
        for back in range(-3, days):
            if source.random() < 0.8 and (number := round(source.expovariate(1 / rate))):
                submissions = source.randint(0, number)
                talk.add(film, ago(back, day), submissions, number - submissions)
        # The first film has more authors than registers can be empty for.
        observed = source.choice([0.0, 0.9, 1.0]) if film > 1 else 1.0
        told = min(6, talk.counted(film, day))
        talk.posts[film] = [
            (
                source.choice("abcde"),
                source.randint(-5, 400),
                source.choice([None, 0, source.randrange(90)]),
                observation_of(source.getrandbits(64)) if source.random() < observed else None,
            )
            for _ in range(told if film > 1 else 1_000 * told)
        ]
    return talk


def tell(filled: Filled, talk: Talk, day: date) -> None:
    """Insert talk; counts as of five days after the day."""
    know(filled, talk.known)
    count(filled, {film: days for film, days in talk.counts.items() if days}, start_of(ago(-5, day)))
    put(
        filled,
        MENTIONS,
        (
            {
                "tmdb_id": film,
                "platform": "reddit",
                "post_id": f"t1_{place}",
                "created_at": start_of(day) + place,
                "community": community,
                "kind": "comment",
                "confidence": 0.9,
                "score": score,
                "num_comments": comments,
                "author_sketch": observation,
                "revision": 1,
            }
            for film, posts in talk.posts.items()
            for place, (community, score, comments, observation) in enumerate(posts)
        ),
    )
