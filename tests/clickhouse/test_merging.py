"""Merging what days of popularity are compared by: fewer rows, the same numbers, and no month anew for little."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import pytest

from clickhouse.ask import ask
from clickhouse.client import connect
from clickhouse.merging import APART_PERCENT, merge_days
from clickhouse.migrate import load_migrations, migrate
from clickhouse.tables import POPULARITY
from tests.clickhouse.tables import Filled, filled, ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cinepulse.settings import Settings

__all__ = ["filled"]

pytestmark = pytest.mark.real


@contextmanager
def parts_as_inserted(tables: Filled) -> Iterator[None]:
    """Have the engine merge nothing by itself meanwhile."""
    tables.client.command("SYSTEM STOP MERGES popularity_days")
    try:
        yield
    finally:
        tables.client.command("SYSTEM START MERGES popularity_days")


def numbers(tables: Filled) -> list[tuple[object, ...]]:
    """Return all numbers of `popularity_days`, whatever parts they lie in."""
    found = tables.client.query("SELECT * FROM popularity_days FINAL ORDER BY day, tmdb_id").result_rows
    return [tuple(row) for row in found]


def rows_of(tables: Filled, day: str) -> int:
    """Return how many rows the table has of a day."""
    (row,) = tables.client.query(
        "SELECT count() FROM popularity_days WHERE day = {day:Date}", parameters={"day": day}
    ).result_rows
    return int(row[0])


def see(tables: Filled, day: str, *films: int) -> None:
    """Store a snapshot of each film."""
    for film in films:
        tables.popularity(film, f"{day}T12:00", 10.0 * film)


def test_merged_days_have_a_row_a_film_and_the_same_numbers(filled: Filled) -> None:
    """Two films seen on days 1, 8, 14 and 15: day 15 has rows of all four days of both, 8, and 2 once merged."""
    with parts_as_inserted(filled):
        for day in ("2026-09-01", "2026-09-08", "2026-09-14", "2026-09-15"):
            see(filled, day, 1, 2)
        before = numbers(filled)
        assert rows_of(filled, "2026-09-15") == 8

    merge_days(filled.client, apart_percent=0)

    assert rows_of(filled, "2026-09-15") == 2
    assert numbers(filled) == before
    assert merge_days(filled.client, apart_percent=0) == 0


def test_each_month_is_merged_by_itself(filled: Filled) -> None:
    """A snapshot near a month's end is compared on days of the next one too, and each month ends as one part."""
    with parts_as_inserted(filled):
        see(filled, "2026-08-28", 1, 2)
        see(filled, "2026-08-29", 1, 2)
        before = numbers(filled)

    merge_days(filled.client, apart_percent=0)

    parts = filled.client.query(
        "SELECT partition, count() FROM system.parts WHERE active AND database = currentDatabase() "
        "AND table = 'popularity_days' GROUP BY partition ORDER BY partition"
    ).result_rows
    assert [tuple(row) for row in parts] == [("202608", 1), ("202609", 1)]
    assert numbers(filled) == before


def test_a_month_waits_for_a_tenth_of_its_rows(filled: Filled) -> None:
    """A 21st film after 20 leaves 1 row in 21 apart, 4.8 %, which waits; a 22nd and a 23rd 3 in 23, 13 %: due."""
    with parts_as_inserted(filled):
        see(filled, "2026-09-01", *range(1, 21))
    merge_days(filled.client, apart_percent=0)

    with parts_as_inserted(filled):
        see(filled, "2026-09-01", 21)
        (waits,) = ask(filled.client, "merge_days_due", apart_percent=APART_PERCENT)
        see(filled, "2026-09-01", 22, 23)
        (due,) = ask(filled.client, "merge_days_due", apart_percent=APART_PERCENT)

    assert (waits["due"], due["due"]) == (0, 1)
    assert rows_of(filled, "2026-09-01") == 23


def test_without_snapshots_nothing_is_merged(filled: Filled) -> None:
    """A new database has no month, so none is due."""
    assert merge_days(filled.client) == 0


def test_days_are_the_same_in_months_as_in_years(clickhouse_settings: Settings) -> None:
    """The migration to months fills the table from histories: each number is there again, also over a year's end."""
    own = load_migrations()
    (by_month,) = (migration for migration in own if migration.name == "popularity_days_by_month")
    migrate(clickhouse_settings, [migration for migration in own if migration.version < by_month.version])
    tables = Filled(connect(clickhouse_settings))
    for day in ("2025-12-20", "2025-12-24", "2025-12-31", "2026-01-07"):
        see(tables, day, 1, 2, 3)
    tables.popularity(2, "2025-12-31T12:00", None)
    before = numbers(tables)

    migrate(clickhouse_settings, [migration for migration in own if migration.version <= by_month.version])

    assert numbers(tables) == before
    see(tables, "2026-01-08", 1)
    assert len(numbers(tables)) > len(before)


def test_the_migration_to_months_takes_little_memory(clickhouse_settings: Settings) -> None:
    """A million film-days fit into the memory of an embedded server, where one block of them all would not."""
    own = load_migrations()
    (by_month,) = (migration for migration in own if migration.name == "popularity_days_by_month")
    migrate(clickhouse_settings, [migration for migration in own if migration.version < by_month.version])
    client = connect(clickhouse_settings)
    client.command("DROP VIEW popularity_into_days")
    client.command(
        "INSERT INTO popularity_histories (tmdb_id, day, popularity, vote_count, vote_average, ingested_at) "
        "SELECT number % 20000, toDate('2026-01-01') + intDiv(number, 20000), 1, 2, 3, now64(3) FROM numbers(1000000) "
        "SETTINGS min_insert_block_size_rows = 65536"
    )

    done = [migration for migration in own if migration.version <= by_month.version]
    assert migrate(clickhouse_settings, done) == [by_month]

    assert client.query("SELECT uniqExact(tmdb_id, day) FROM popularity_days").result_rows == [(1_300_000,)]


def test_votes_last_known_are_of_the_day_or_the_day_before(clickhouse_settings: Settings) -> None:
    """Of a last day of a year 7 votes were known in the end, of the next one 9, and nothing of the day after that.

    The three days then have 7, 9 and 9. The migration fills that in as the view keeps it up: film 1 was seen before
    it, film 2 after it, film 3 before and after.
    """
    own = load_migrations()
    (last_known,) = (migration for migration in own if migration.name == "votes_last_known")
    seen = [("2025-12-31T18:00", 7), ("2025-12-31T08:00", 5), ("2026-01-01T06:00", 9), ("2026-01-01T09:00", None)]
    migrate(clickhouse_settings, [migration for migration in own if migration.version < last_known.version])
    tables = Filled(connect(clickhouse_settings))
    vote(tables, 1, seen)
    vote(tables, 3, seen[:2])

    migrate(clickhouse_settings, [migration for migration in own if migration.version <= last_known.version])
    vote(tables, 2, seen)
    vote(tables, 3, seen[2:])

    days = [(date(2025, 12, 31), 7, 3.5), (date(2026, 1, 1), 9, 4.5), (date(2026, 1, 2), 9, 4.5)]
    assert {film: last_known_votes(tables, film) for film in (1, 2, 3)} == {1: days, 2: days, 3: days}


def vote(tables: Filled, film: int, seen: list[tuple[str, int | None]]) -> None:
    """Store snapshots of a film, each with votes and half as much as their mean."""
    for at, votes in seen:
        mean = None if votes is None else votes / 2
        tables.insert(POPULARITY, tmdb_id=film, observed_at=ms(at), popularity=1.0, vote_count=votes, vote_average=mean)


def last_known_votes(tables: Filled, film: int) -> list[tuple[object, ...]]:
    """Return the days of a film with the votes and the mean vote last known on each."""
    found = tables.client.query(
        "SELECT day, toInt64(v01), reinterpretAsFloat64(toUInt64(s01)) FROM popularity_days FINAL "
        "WHERE tmdb_id = {film:Int64} AND v01 > 0 ORDER BY day",
        parameters={"film": film},
    )
    return [tuple(row) for row in found.result_rows]
