"""A film's days in a row and its forecasts, from the tables."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cinepulse.commands.forecast import COLUMNS
from cinepulse.commands.forecast import forecast as command
from cinepulse.commands.movie import movie
from clickhouse.series import HISTORY_DAYS, read_mention_series, read_popularity_series
from tests.clickhouse.tables import Filled, filled
from tests.clickhouse.test_popularity import put
from tests.fixtures.clickhouse import environment_of

if TYPE_CHECKING:
    from cinepulse.settings import Settings

__all__ = ["filled"]

pytestmark = pytest.mark.real

LAST = date(2024, 3, 10)
"""A Sunday, with a leap day ten days before."""


def ago(days: int) -> date:
    """Return the day so many days before the last."""
    return LAST - timedelta(days=days)


def polled(filled: Filled, first: date, last: date) -> None:
    """Poll at the begin of each day and at the end of the last: all between is known."""
    day = first
    while day <= last:
        filled.poll(f"{day}T00:00:00")
        day += timedelta(days=1)
    filled.poll(f"{last}T23:59:59.999")


def test_mentions_of_a_day_are_a_number_zero_or_unknown(filled: Filled) -> None:
    """Of the days before the one that is not over: 3 mentions, a known day without any, and a day in a gap.

    What was counted on a day that is not known well is not its number.
    """
    polled(filled, ago(20), ago(-1))
    filled.poll(f"{ago(2)}T12:00:00", "overflowed", gap_from=f"{ago(2)}T00:00:00", gap_to=f"{ago(2)}T12:00:00")
    filled.count(1, str(LAST), 3, revision=1)
    filled.count(1, str(LAST), 4, revision=2)
    filled.count(1, str(ago(2)), 5, revision=1)
    filled.count(1, str(ago(-1)), 7, revision=3, watermark=f"{ago(-1)}T12:00:00")

    series = read_mention_series(filled.client, 1)

    assert (series.last, len(series.values)) == (LAST, HISTORY_DAYS)
    assert series.values[-4:] == (0, None, 0, 4)
    assert series.values[:60] == (None,) * 60


def test_popularity_of_a_day_is_the_last_seen(filled: Filled) -> None:
    """Days without a snapshot are unknown, up to the last day on which any film was seen, over the leap day."""
    put(filled, [(1, ago(1), (5.0, 1, None)), (1, ago(10), (6.0, 1, None)), (2, LAST, (9.0, 1, None))])
    filled.popularity(1, f"{ago(1)}T18:00", 7.0)

    series = read_popularity_series(filled.client, 1)

    assert (series.last, series.known) == (LAST, 2)
    assert (series.values[-1], series.values[-2], series.values[-11]) == (None, 7, 6)
    assert ago(10) == date(2024, 2, 29)


def test_nothing_known_is_no_error(filled: Filled) -> None:
    """Of an empty database there are no days."""
    assert read_mention_series(filled.client, 1).values == ()
    assert read_popularity_series(filled.client, 1).values == ()


def waves(filled: Filled) -> None:
    """Let a film's popularity repeat its talk two days later, over 60 days; the poll reaches the day after the last."""
    filled.film(1, "Dune")
    polled(filled, ago(59), ago(-1))
    level = [round(100 * math.exp(math.sin(day * day))) for day in range(64)]
    for day in range(60):
        filled.count(1, str(ago(day)), level[63 - day], revision=day + 1)
    filled.count(2, str(ago(-1)), 1, revision=99, watermark=f"{ago(-1)}T12:00:00")
    put(filled, [(1, ago(day), (level[61 - day] + 1.0, 1, None)) for day in range(60)])


def test_lead_is_read_from_the_tables(filled: Filled, migrated_settings: Settings) -> None:
    """Popularity that repeats talk two days later is told as a lead of two days, by the command too."""
    waves(filled)

    told = CliRunner().invoke(movie, ["1"], env=environment_of(migrated_settings))
    then = CliRunner().invoke(movie, ["1", "--at", "2024-01-20T00:00:00Z"], env=environment_of(migrated_settings))

    assert "talk leads popularity by 2 d (r +1.00" in told.stdout
    assert (then.exit_code, "too few days known" in then.stdout) == (0, True)


def test_command_forecasts_both(filled: Filled, migrated_settings: Settings) -> None:
    """Each metric has both baselines for each day, with error and origins; one is best of each metric."""
    waves(filled)

    table, document, rows = (
        CliRunner().invoke(command, ["Dune", "--days", "3", "--format", form], env=environment_of(migrated_settings))
        for form in ("table", "json", "csv")
    )

    assert [table.exit_code, document.exit_code, rows.exit_code] == [0, 0, 0]
    assert table.stdout.count("(best)") == 2
    metrics = json.loads(document.stdout)["metrics"]
    assert [(one["metric"], one["last"], one["known"]) for one in metrics] == [
        ("mentions", str(LAST), 60),
        ("popularity", str(LAST), 60),
    ]
    listed = list(csv.DictReader(io.StringIO(rows.stdout)))
    assert tuple(listed[0]) == COLUMNS
    assert {row["day"] for row in listed} == {"2024-03-11", "2024-03-12", "2024-03-13"}
    assert all(float(row["mae"]) > 0 and int(row["origins"]) > 30 for row in listed)


def test_command_of_a_film_that_nobody_knows(filled: Filled, migrated_settings: Settings) -> None:
    """A film without a known day has no forecast, and the command says so."""
    filled.film(1, "Dune")

    result = CliRunner().invoke(command, ["1"], env=environment_of(migrated_settings))

    assert result.exit_code == 0
    assert result.stdout.count("no day is known") == 2
