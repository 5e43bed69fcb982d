"""What the posts of a film are like, added up by day as `queries/movie_mentions.sql` adds them up. Pure.

Of a few posts this takes less time than the planning of that query.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from cinepulse.authors import highest_ranks
from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.coverage import MILLISECONDS_PER_HOUR
from clickhouse.sentiment import Felt
from clickhouse.trends import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date


def posts_by_day(posts: Iterable[dict[str, Any]]) -> dict[date, list[dict[str, Any]]]:
    """Return posts by the UTC day on which they were written.

    `posts`: what `queries/movie_posts.sql` answers, in its order.
    """
    return {day: list(told) for day, told in groupby(posts, lambda post: instant(post["created_at_ms"]).date())}


def sums_of_days(told: Mapping[date, Sequence[Mapping[str, Any]]], cut_ms: int) -> list[dict[str, Any]]:
    """Return a row a day, as `queries/movie_mentions.sql` answers.

    `told`: the posts of each day. `cut_ms`: so many milliseconds of each day are told by the hour.
    """
    return [_sums(day, posts, cut_ms) for day, posts in told.items()]


def _sums(day: date, posts: Sequence[Mapping[str, Any]], cut_ms: int) -> dict[str, Any]:
    methods = Counter[str]()
    confidences: dict[str, float] = defaultdict(float)
    for post in posts:
        name = f"{post['location']} {post['method']}"
        methods[name] += 1
        confidences[name] += post["confidence"]
    times = (post["created_at_ms"] % MILLISECONDS_PER_DAY for post in posts)
    observed = (post["author_sketch"] for post in posts)
    return {
        "day": day,
        "communities": Counter(post["community"] for post in posts),
        "methods": methods,
        "confidences": confidences,
        **Felt.of(post["sentiment"] for post in posts if post["sentiment"] is not None).row(),
        "hours": Counter(time // MILLISECONDS_PER_HOUR for time in times if time < cut_ms),
        "engagement_weight": math.fsum(map(_engagement, posts)),
        "ranks": highest_ranks(one for one in observed if one is not None),
    }


def _engagement(post: Mapping[str, Any]) -> float:
    return math.log(1 + max(post["score"], 0) + max(post["num_comments"] or 0, 0))
