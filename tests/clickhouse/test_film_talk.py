"""What is said of one film: its hours by hand and against plain Python, and what `cinepulse movie` shows of it."""

from __future__ import annotations

import json
import math
import random
from dataclasses import astuple, replace
from statistics import fmean, variance
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cinepulse.closing import ClosingRule
from cinepulse.commands.movie import movie as command
from clickhouse.closed import Closer
from clickhouse.films import UNNAMED
from clickhouse.mention_hours import HourTalk
from clickhouse.mention_measures import HOURS
from clickhouse.mention_measures import MENTIONS as MEASURES
from clickhouse.movie import read_movie
from clickhouse.tables import COVERAGE, MENTIONS
from tests.clickhouse.tables import PARTITIONS, Filled, filled
from tests.clickhouse.talk import DAY, FEEDS, LATER, ago, know, put, start_of
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from clickhouse.film_talk import FilmTalk
    from clickhouse.movie import MovieReport

__all__ = ["filled"]

pytestmark = pytest.mark.real

CLOSER = Closer(ClosingRule(grace_ms=3_600_000, disorder_ms=0, idle_ms=3_600_000), PARTITIONS)
HOUR_MS = 3_600_000


def say(filled: Filled, times: dict[int, list[float]]) -> None:
    """Insert mentions of film 1 by days ago and hours into the day."""
    put(
        filled,
        MENTIONS,
        (
            {
                "tmdb_id": 1,
                "platform": "reddit",
                "post_id": f"t1_{days}_{place}",
                "created_at": start_of(ago(days)) + round(hour * HOUR_MS),
                "community": "movies",
                "kind": "comment",
                "confidence": 0.9,
                "revision": 1,
            }
            for days, hours in times.items()
            for place, hour in enumerate(hours)
        ),
    )


def told(filled: Filled) -> MovieReport:
    """Return all about film 1."""
    return read_movie(filled.client, replace(UNNAMED, tmdb_id=1), closer=CLOSER)


def talk_at(filled: Filled, watermark: str = "2026-03-09T00:00") -> FilmTalk:
    """Return what is said of film 1 on the day, counted as of the watermark."""
    filled.count_all(watermark)
    talk = told(filled).talk
    assert talk is not None
    assert talk.day == DAY
    return talk


def test_hour_by_hand(filled: Filled) -> None:
    """Between five and six o'clock there were 1, 3, 1 and 3 mentions in the four weeks before: μ = 2, σ² = 4 / 3.

    Eight now are (8 - 2) / √(4 / 3 + 2 + 1) = 6 / √(13 / 3) = 2.88. Other hours and other weekdays do not matter.
    """
    know(filled, [ago(days) for days in range(29)])
    say(filled, {0: [5.5] * 8 + [6.0], 7: [5.0], 14: [5.1] * 3, 21: [5.999], 28: [5.2] * 3, 1: [5.5] * 99, 8: [5.5]})

    hours = talk_at(filled).hours

    assert [one.hour for one in hours] == list(range(24))
    assert astuple(hours[5]) == pytest.approx((5, 8, 2, 4, 6 / math.sqrt(13 / 3)))
    assert hours[6] == HourTalk(6, 1, 0, 4, 1)
    assert hours[7] == HourTalk(7, 0, 0, 4, 0)


def test_an_hour_is_compared_up_to_the_same_minute(filled: Filled) -> None:
    """At 05:30 the hour from five has two mentions, and the same half hour a week ago had one."""
    know(filled, [ago(days) for days in range(29)])
    say(filled, {0: [5.1, 5.2], 7: [5.1, 5.7, 5.8]})

    hours = talk_at(filled, f"{DAY}T05:29:59.999").hours

    assert [one.hour for one in hours] == [0, 1, 2, 3, 4, 5]
    # Weeks of 1, 0, 0 and 0: μ = 1 / 4 and σ² = 1 / 4.
    assert astuple(hours[5]) == pytest.approx((5, 2, 0.25, 4, 1.75 / math.sqrt(1.5)))


def test_unknown_hours_are_null(filled: Filled) -> None:
    """Weeks that are not known are left out, with fewer than three there is no burst, and a day in doubt has none."""
    know(filled, [DAY, ago(7), ago(21)])
    for feed in FEEDS:
        stretch = {"covered_from": start_of(ago(28)), "covered_to": start_of(ago(28)) + 6 * HOUR_MS}
        filled.insert(COVERAGE, source="reddit", listing=feed, started_at=LATER, outcome="ok", revision=1, **stretch)
    say(filled, {0: [5.5], 7: [5.5], 14: [5.5] * 9, 28: [5.5] * 4})

    hours = talk_at(filled).hours

    assert hours[5].usual == pytest.approx(5 / 3)
    assert hours[5].usual_weeks == 3
    assert hours[5].burst is not None
    assert (hours[6].usual, hours[6].usual_weeks, hours[6].burst) == (0, 2, None)


def test_an_hour_in_doubt_is_told_and_not_compared(filled: Filled) -> None:
    """What was counted in an hour that is not known is shown; where nothing was, nothing is known."""
    know(filled, [ago(days) for days in range(1, 29)])
    say(filled, {0: [5.5]})

    hours = talk_at(filled).hours

    assert hours[5] == HourTalk(5, 1, 0, 4, None)
    assert hours[6] == HourTalk(6, None, 0, 4, None)


def test_hours_agree_with_plain_python(filled: Filled) -> None:
    """Of random talk with unknown weeks, every hour is what its formulas say to 1e-9."""
    source = random.Random(5)  # noqa: S311 - no secret
    known = {0, 7, 21, 28, *(days for days in range(29) if source.random() < 0.5)} - {14}
    know(filled, [ago(days) for days in known])
    times = {days: [source.uniform(0, 24) for _ in range(source.randrange(20, 200))] for days in (0, 7, 14, 21, 28)}
    say(filled, times)

    hours = talk_at(filled).hours

    for one in hours:
        counts = {days: sum(int(at) == one.hour for at in times[days]) for days in times}
        before = [counts[days] for days in (7, 14, 21, 28) if days in known]
        burst = (counts[0] - fmean(before)) / math.sqrt(variance(before) + fmean(before) + 1)
        assert (one.mentions, one.usual_weeks) == (counts[0], 3)
        assert (one.usual, one.burst) == pytest.approx((fmean(before), burst), rel=1e-9, abs=1e-9)


def test_metrics_are_documented(filled: Filled) -> None:
    """The registry names exactly what a film's talk and its hours hold."""
    know(filled, [DAY])
    say(filled, {0: [1.0]})

    talk = talk_at(filled)

    assert set(talk.metrics) == {measure.name for measure in MEASURES}
    assert {measure.name for measure in HOURS} == set(HourTalk.__slots__)


def test_nobody_speaks(filled: Filled) -> None:
    """A film without a mention has no talk."""
    assert told(filled).talk is None


def run(settings: Settings, *arguments: str) -> Any:
    """Run the command against the database and return its output."""
    environment = {
        "CINEPULSE_CLICKHOUSE_HOST": settings.clickhouse_host,
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
        "COLUMNS": "160",
    }
    result = CliRunner().invoke(command, arguments, env=environment)
    assert result.exit_code == 0, result.output
    return result.output


def test_movie_shows_the_burst(filled: Filled, migrated_settings: Settings) -> None:
    """The film's latest day with its burst, its changes and its loudest hour; JSON has every metric and hour."""
    know(filled, [ago(days) for days in range(29)])
    filled.film(1, "Dune")
    say(filled, {0: [5.5] * 5 + [7.5], 1: [1.0] * 4})
    filled.count_all("2026-03-09T00:00")

    table, talk = run(migrated_settings, "1"), json.loads(run(migrated_settings, "1", "--format", "json"))["talk"]

    # μ = 1 / 7 and σ² = (16 - 28 / 49) / 27 = 4 / 7: (6 - 1 / 7) / √(12 / 7) = 4.47.
    assert f"{DAY}: 6 mentions, burst 4.5, usually 0.1 (28 of 28 days known)" in table
    assert "Surging · +50% in a day · velocity +0.9 a day" in table
    assert "most at 05:00, 5, usually 0.0: burst 5.0" in table
    assert talk["metrics"]["burst"] == pytest.approx((6 - 1 / 7) / math.sqrt(12 / 7))
    assert (talk["day"], len(talk["hours"]), talk["hours"][5]["mentions"]) == (str(DAY), 24, 5)


def test_movie_says_why_no_burst_is_known(filled: Filled, migrated_settings: Settings) -> None:
    """Without enough known days the line says how many there are, and of a day in doubt how much is known."""
    filled.film(1, "Dune")
    say(filled, {0: [5.5]})
    filled.count_all("2026-03-09T00:00")
    nothing = run(migrated_settings, "1")
    know(filled, [ago(days) for days in range(1, 29)])
    doubt = run(migrated_settings, "1")

    assert "burst unknown: 0 of the 28 days before are known" in nothing
    assert "burst unknown: 0.0% of the day is known" in doubt or "burst unknown: unknown of the day" in doubt
