"""Readings of mentions: 10,000,000 of 20,000 films over a year, a twentieth of them seen again and stored twice.

Films are as unequal as real ones: the first has a thousand mentions a day, half of them less than one. The last day has
come to noon. Popularity, polls and the history of counts are there as well, since the readings join them.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, get_args

from benchmarks.queries_popularity import load as load_popularity
from cinepulse.closing import MILLISECONDS_PER_HOUR, ClosingRule
from clickhouse.closed import Closer
from clickhouse.compare import CompareQuestion, read_comparison
from clickhouse.film_forecast import read_forecast
from clickhouse.films import find_film, find_films
from clickhouse.mention_days import WINDOW_DAYS, keep_days
from clickhouse.mention_trends import MentionQuestion, MentionRanking, read_mention_trends
from clickhouse.movie import find_movie
from clickhouse.rising import RisingQuestion, read_rising
from clickhouse.trend_index import Together, TogetherQuestion, read_together
from clickhouse.trends import CERTAIN, Period, TrendsQuestion, read_trends
from clickhouse.why import read_why

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clickhouse.client import Client

MENTIONS: Final = 10_000_000
DAYS: Final = 365
TODAY: Final = date(2026, 10, 20)
NOON_MS: Final = ((TODAY - date(1970, 1, 1)).days * 24 + 12) * MILLISECONDS_PER_HOUR
YESTERDAY: Final = TODAY - timedelta(days=1)
# So many days are stored with one insert, so that a month has a few parts, as it has while merges go on.
STRIDE: Final = 9
CLOSER: Final = Closer(ClosingRule(48 * MILLISECONDS_PER_HOUR, MILLISECONDS_PER_HOUR, 6 * MILLISECONDS_PER_HOUR), 4)
HOT: Final = 1
QUIET: Final = 19_000

# Mention `number` lies on day `number % days`; a film's share falls with the cube root of its place.
_MENTIONS: Final = """
INSERT INTO mentions (tmdb_id, platform, post_id, created_at, community, kind, location, method, confidence, thread_id,
    score, num_comments, observed_at, linker_version, origin, sentiment, author_sketch, source_partition, source_offset,
    kafka_timestamp, revision, is_deleted)
WITH
    toUInt64(number % {stride:UInt64} + {first:UInt64}) AS day,
    intDiv(number, {stride:UInt64}) AS place,
    1 + toInt64(floor(20000 * pow(cityHash64(day, place, 'film') % 1000000 / 1000000, 3))) AS film,
    cityHash64(day, place, 'time') % if(day = {days:UInt64} - 1, 43200000, 86400000) AS at,
    toDateTime64({today:Date} - {days:UInt64} + 1 + day, 3, 'UTC') + at / 1000 AS created
SELECT film, 'reddit', concat('t1_', lower(hex(day * 1000000 + place))), created,
    concat('community', toString(toUInt8(pow(cityHash64(day, place, 'where') % 1000 / 1000, 2) * 40))),
    if(cityHash64(day, place, 'kind') % 5 = 0, 'submission', 'comment'), 'body', 'alias',
    0.5 + cityHash64(day, place, 'sure') % 500 / 1000, concat('t3_', lower(hex(place))), cityHash64(day, place) % 300,
    if(cityHash64(day, place, 'kind') % 5 = 0, cityHash64(place) % 90, NULL), created + 60, 'benchmark', 'live',
    if(place % 3 = 0, NULL, sin(place)), cityHash64(day, place, 'author') % 65536, film % 4, place, created + 60,
    day * 1000000 + place + {again:UInt64}, 0
FROM numbers({count:UInt64})
WHERE {again:UInt64} = 0 OR cityHash64(day, place, 'again') % 20 = 0
"""
_COUNTS: Final = """
INSERT INTO mention_counts (tmdb_id, day, mentions, submissions, comments, state, watermark, oldest_observed_at,
    newest_observed_at, closed_revision, source_partition, source_offset, kafka_timestamp, revision, ingested_at)
SELECT tmdb_id, toDate(created_at) AS day, count(), countIf(kind = 'submission'), countIf(kind = 'comment'),
    if(day < {today:Date} - 2, 'final', 'provisional'), max(created_at), min(observed_at), max(observed_at), 0,
    tmdb_id % 4, 0, max(observed_at), max(revision), max(created_at) + 61
FROM mentions FINAL
WHERE day BETWEEN {first:Date} AND {last:Date}
GROUP BY tmdb_id, day
"""
# Of each of the last days what its counts were in each hour of it.
_HISTORY: Final = """
INSERT INTO mention_count_history (tmdb_id, day, stored_in, mentions, submissions, comments, state, watermark,
    closed_revision, source_partition, revision)
SELECT tmdb_id, day, toDateTime(day, 'UTC') + 3600 * hour, ceil(mentions * hour / 24), 0, 0, 'provisional',
    toDateTime64(day, 3, 'UTC') + 3600 * hour, 0, source_partition, hour
FROM mention_counts FINAL
ARRAY JOIN range(1, 24) AS hour
WHERE day BETWEEN {today:Date} - 35 AND {today:Date} AND hour <= mentions
"""
_POLLS: Final = """
INSERT INTO coverage (source, listing, started_at, finished_at, outcome, requests, items, known, source_partition,
    source_offset, kafka_timestamp, revision)
SELECT 'reddit', ['new:movies', 'comments:movies'][1 + number % 2],
    toDateTime64({today:Date}, 3, 'UTC') + 43200 - 30 * number AS at, at, 'ok', 1, 5, 5, 0, number, at, number + 1
FROM numbers({count:UInt64})
"""
# Of each film-day of the last weeks that has so many mentions 40 terms, and those of all films together.
_TERMS: Final = """
INSERT INTO term_counts (tmdb_id, day, term, posts, oldest_at)
SELECT tmdb_id, day, concat('term', toString(cityHash64(tmdb_id, day, number) % 5000)) AS term,
    2 + cityHash64(day, number) % mentions AS posts, toDateTime64(day, 3, 'UTC')
FROM (SELECT tmdb_id, day, mentions FROM mention_counts FINAL WHERE day > {today:Date} - 40 AND mentions >= 5)
ARRAY JOIN range(40) AS number
"""
_ALL_TERMS: Final = """
INSERT INTO term_counts (tmdb_id, day, term, posts, oldest_at)
SELECT tmdb_id, day, '', sum(posts), min(oldest_at) FROM term_counts GROUP BY tmdb_id, day
UNION ALL
SELECT 0, day, term, sum(posts), min(oldest_at) FROM term_counts GROUP BY day, term
UNION ALL
SELECT 0, day, '', sum(posts), min(oldest_at) FROM term_counts GROUP BY day
"""


def load(client: Client, mentions: int = MENTIONS) -> str:
    """Make the films, their snapshots, mentions, counts and polls, and say how many."""
    snapshots = load_popularity(client)
    for first in range(0, DAYS, STRIDE):
        stride = min(STRIDE, DAYS - first)
        asked = {"first": first, "stride": stride, "days": DAYS, "today": TODAY, "count": mentions * stride // DAYS}
        for again in (0, 500_000):
            client.command(_MENTIONS, parameters={**asked, "again": again})
    for first in range(0, DAYS, STRIDE):
        begin = TODAY - timedelta(days=DAYS - 1 - first)
        days = {"first": begin, "last": begin + timedelta(days=STRIDE - 1), "today": TODAY}
        client.command(_COUNTS, parameters=days)
    client.command(_HISTORY, parameters={"today": TODAY})
    client.command(_POLLS, parameters={"today": TODAY, "count": 45 * 2_880})
    for statement in (_TERMS, _ALL_TERMS):
        client.command(statement, parameters={"today": TODAY})
    # As the sink does it up to the day that is not over; here no day that is never asked for.
    while keep_days(client, TODAY - timedelta(days=WINDOW_DAYS), TODAY):
        pass
    stored = client.query("SELECT count() FROM mentions").result_rows[0][0]
    counted = client.query("SELECT count() FROM mention_counts").result_rows[0][0]
    terms = client.query("SELECT count() FROM term_counts").result_rows[0][0]
    return f"{stored:,} rows of {mentions:,} mentions, {counted:,} counts, {terms:,} counts of terms, {snapshots}"


def _trends(client: Client, first: date, last: date, **options: object) -> object:
    question = {"now_ms": NOON_MS, "closer": CLOSER, "period": Period(first, last), **options}
    return read_trends(client, TrendsQuestion(**question))  # type: ignore[arg-type]  # options by name


def _ordered(client: Client, by: MentionRanking, day: date, **options: object) -> object:
    question = {"by": by, "now_ms": NOON_MS, "closer": CLOSER, "day": day, **options}
    return read_mention_trends(client, MentionQuestion(**question))  # type: ignore[arg-type]  # options by name


def _movie(client: Client, wanted: str, at_ms: int = 0) -> object:
    return find_movie(client, wanted, closer=CLOSER, now_ms=NOON_MS, at_ms=at_ms)


def _compare(client: Client, at_ms: int = 0) -> object:
    films = find_films(client, [str(number) for number in (HOT, 2, 30, 400, QUIET)])
    return read_comparison(client, films, CompareQuestion(now_ms=NOON_MS, closer=CLOSER, at_ms=at_ms))


def _why(client: Client, wanted: int) -> object:
    return read_why(client, find_film(client, str(wanted)), day=YESTERDAY)


def _together(client: Client, by: Together, day: date) -> object:
    return read_together(client, TogetherQuestion(by=by, today=TODAY, day=day))


def _view(client: Client, query: str) -> object:
    return client.query(query).result_rows


def _views() -> Mapping[str, str]:
    return {
        "SQL trending_today": "SELECT * FROM trending_today LIMIT 20",
        "SQL film_days, a film": "SELECT * FROM film_days WHERE tmdb_id = 1 AND day > '2026-09-20'",
        "SQL film_mentions, a day": "SELECT * FROM film_mentions WHERE day = '2026-10-19' ORDER BY score DESC LIMIT 10",
        "SQL day_totals, a month": "SELECT * FROM day_totals WHERE day > '2026-09-20'",
        "SQL film_popularity_days": "SELECT * FROM film_popularity_days WHERE tmdb_id = 1 AND day > '2026-09-20'",
        "SQL top_changes": "SELECT * FROM top_changes(day = '2026-10-19', top = 50)",
    }


THEN_MS: Final = NOON_MS - 30 * MILLISECONDS_PER_HOUR

READINGS: Final[Mapping[str, Callable[[Client], object]]] = {
    "trends, today": partial(_trends, first=TODAY, last=TODAY),
    "trends, a day": partial(_trends, first=YESTERDAY, last=YESTERDAY),
    "trends, a week": partial(_trends, first=TODAY - timedelta(days=7), last=YESTERDAY),
    "trends, 30 days": partial(_trends, first=TODAY - timedelta(days=30), last=YESTERDAY),
    "trends --community": partial(_trends, first=YESTERDAY, last=YESTERDAY, community="community3"),
    "trends --certain": partial(_trends, first=YESTERDAY, last=YESTERDAY, least_confidence=CERTAIN),
    "trends --at": partial(_trends, first=YESTERDAY, last=YESTERDAY, at_ms=THEN_MS),
    **{f"trends --by {by}": partial(_ordered, by=by, day=YESTERDAY) for by in get_args(MentionRanking)},
    "trends --by burst, today": partial(_ordered, by="burst", day=TODAY),
    "trends --by burst --certain": partial(_ordered, by="burst", day=YESTERDAY, least_confidence=CERTAIN),
    "rising": lambda client: read_rising(client, RisingQuestion()),
    "movie, much talked about": partial(_movie, wanted=str(HOT)),
    "movie, hardly": partial(_movie, wanted=str(QUIET)),
    "movie by title": partial(_movie, wanted="film 777"),
    "movie --at": partial(_movie, wanted=str(HOT), at_ms=THEN_MS),
    "compare, 5 films": _compare,
    "compare --at": partial(_compare, at_ms=THEN_MS),
    "why, much talked about": partial(_why, wanted=HOT),
    "why, hardly": partial(_why, wanted=QUIET),
    **{f"{by}": partial(_together, by=by, day=YESTERDAY) for by in get_args(Together)},
    "index, today": partial(_together, by="index", day=TODAY),
    "forecast": lambda client: read_forecast(client, find_film(client, str(HOT)), 7),
    **{name: partial(_view, query=query) for name, query in _views().items()},
}
