"""Readings of TMDB's numbers: 1,000,000 snapshots of 20,000 films on 50 days, each day in parts of its own."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, get_args

from clickhouse.film_groups import Grouping, read_groups
from clickhouse.kpis import KPIS, KpiQuestion, read_kpi
from clickhouse.merging import merge_days
from clickhouse.popularity import PopularityQuestion, Ranking, read_popularity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clickhouse.client import Client

FILMS: Final = 20_000
DAYS: Final = 50
FIRST: Final = date(2026, 9, 1)
# The last days arrive poll by poll, so that what was not merged yet when they are asked for is not merged here either.
_DAYS_OF_POLLS: Final = 3
_POLLS_A_DAY: Final = 8
LAST: Final = FIRST + timedelta(days=DAYS - 1)

_FILMS: Final = """
INSERT INTO films (tmdb_id, title, release_date, genres, runtime_minutes, budget_usd, revenue_usd, popularity,
    vote_count, vote_average, observed_at, source, source_partition, source_offset, kafka_timestamp, revision,
    is_deleted)
SELECT number + 1, concat('Film ', toString(number + 1)), toString({last:Date} - cityHash64(number, 'age') % 20000),
    arrayDistinct([concat('Genre ', toString(number % 19)), concat('Genre ', toString(intDiv(number, 7) % 19))]),
    60 + number % 120, number % 3 * 1000000, number % 5 * 3000000, 1, number % 9000, number % 100 / 10, now64(3),
    'details', number % 4, number, now64(3), number + 1, 0
FROM numbers({films:UInt64})
"""
# A film's popularity is a step of chance around its own level; its votes grow at a speed of its own.
_SNAPSHOTS: Final = """
INSERT INTO popularity (tmdb_id, observed_at, source, popularity, vote_count, vote_average, origin, source_partition,
    source_offset, kafka_timestamp, revision)
SELECT number + 1, toDateTime64({day:Date}, 3, 'UTC') + cityHash64(number, {day:Date}) % 86400, 'details',
    exp(cityHash64(number) % 600 / 100) * (0.8 + cityHash64(number, {day:Date}, 'level') % 400 / 1000),
    cityHash64(number, 'votes') % 9000 + toUInt16({day:Date}) % 100 * (cityHash64(number, 'speed') % 70),
    cityHash64(number, 'mean') % 100 / 10, 'live', number % 4, number, now64(3),
    number + toUInt64(toUInt16({day:Date})) * {films:UInt64}
FROM numbers({films:UInt64})
WHERE number % {polls:UInt8} = {poll:UInt8}
"""


def load(client: Client) -> str:
    """Make the films and their snapshots, and say how many."""
    client.command(_FILMS, parameters={"films": FILMS, "last": LAST})
    for number in range(DAYS):
        polls = _POLLS_A_DAY if number >= DAYS - _DAYS_OF_POLLS else 1
        for poll in range(polls):
            asked = {"films": FILMS, "day": FIRST + timedelta(days=number), "polls": polls, "poll": poll}
            client.command(_SNAPSHOTS, parameters=asked)
            # As the sink does it each hour.
            merge_days(client)
    return f"{FILMS * DAYS:,} snapshots of {FILMS:,} films"


def _ordered(client: Client, by: Ranking) -> object:
    return read_popularity(client, PopularityQuestion(by=by, day=LAST))


def _figure(client: Client, name: str) -> object:
    return read_kpi(client, KpiQuestion(name=name, day=LAST, today=LAST))


def _grouped(client: Client, by: Grouping) -> object:
    return read_groups(client, by, day=LAST, today=LAST)


READINGS: Final[Mapping[str, Callable[[Client], object]]] = {
    **{f"trends --by {by}": partial(_ordered, by=by) for by in get_args(Ranking)},
    **{f"kpi {name}": partial(_figure, name=name) for name in KPIS},
    **{f"groups by {by}": partial(_grouped, by=by) for by in get_args(Grouping)},
}
