"""`--at`: what was known at an instant, after merges, corrections, late posts and deletions."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cinepulse.closing import MILLISECONDS_PER_HOUR, ClosingRule
from cinepulse.commands.film_groups import cohorts as cohorts_command
from cinepulse.commands.film_groups import viral as viral_command
from cinepulse.commands.forecast import forecast as forecast_command
from cinepulse.commands.kpi import kpi as kpi_command
from cinepulse.commands.movie import movie as movie_command
from cinepulse.commands.together import divergence as divergence_command
from cinepulse.commands.together import quadrants as quadrants_command
from cinepulse.commands.trends import trends as trends_command
from clickhouse.ask import ask
from clickhouse.closed import Closer, read_reached
from clickhouse.compare import CompareQuestion, read_comparison
from clickhouse.film_talk import read_film_days
from clickhouse.films import find_film
from clickhouse.history import read_sums
from clickhouse.movie import read_movie
from clickhouse.trends import Period, TrendsQuestion, TrendsReport, read_trends
from tests.clickhouse.tables import PARTITIONS, Filled, filled, ms
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from cinepulse.settings import Settings

__all__ = ["filled"]

pytestmark = pytest.mark.real

CLOSER = Closer(ClosingRule(48 * MILLISECONDS_PER_HOUR, 0, 0), PARTITIONS)
DAY = date(2026, 11, 20)
COLUMNS = ["tmdb_id", "day", "mentions", "state", "watermark", "closed_revision", "revision", "ingested_at"]
TYPES = ["Int64", "Date", "Int64", "String", "DateTime64(3, 'UTC')", "UInt64", "UInt64", "DateTime64(3, 'UTC')"]


def stored(filled: Filled, *counts: tuple[int, int, str, int], day: date = DAY, **values: Any) -> None:
    """Store counts of films as the sink would have at an instant: film, mentions, stored at, revision."""
    rows = [
        (film, day, mentions, values.get("state", "provisional"), ms(at), values.get("closed", 0), revision, ms(at))
        for film, mentions, at, revision in counts
    ]
    filled.client.insert("mention_counts", rows, column_names=COLUMNS, column_type_names=TYPES)


def merged(filled: Filled) -> None:
    """Let the engine throw away every revision that it may."""
    for table in ("mention_counts", "mention_count_history", "mentions"):
        filled.client.command("OPTIMIZE TABLE {table:Identifier} FINAL", parameters={"table": table})


def trends_at(filled: Filled, at: str, **options: Any) -> TrendsReport:
    """Return the day's trends as they were known."""
    question = {"now_ms": ms(at), "at_ms": ms(at), "closer": CLOSER, "period": Period(DAY, DAY), **options}
    return read_trends(filled.client, TrendsQuestion(**question))


def told(report: TrendsReport) -> list[tuple[int, int]]:
    """Return the films with their mentions."""
    return [(film.tmdb_id, film.mentions) for film in report.films]


def test_a_films_days_by_hand(filled: Filled) -> None:
    """On the 20th at noon film 1 had 5 mentions on the 20th, 4 on the 19th, 3 on the 10th and 2 on the 9th.

    Since then all but the 19th and the 9th have changed, and the 21st and the 22nd have come: those are not told.
    """
    days = {day: date(2026, 11, day) for day in (9, 10, 19, 20, 21, 22)}
    for day, mentions in ((9, 2), (10, 3), (19, 4), (20, 5)):
        stored(filled, (1, mentions, f"2026-11-{day:02}T11:00", 1), day=days[day])
    for day in (10, 20, 21, 22):
        stored(filled, (1, 50 + day, "2026-11-22T11:00", 2), day=days[day])
    merged(filled)

    found = read_film_days(filled.client, 1, ms("2026-11-20T12:00"))

    assert [(row["day"], row["mentions"]) for row in found] == [
        (days[20], 5),
        (days[19], 4),
        (days[10], 3),
        (days[9], 2),
    ]
    assert [row["mentions"] for row in read_film_days(filled.client, 1)] == [72, 71, 70, 4, 60, 2]


def test_counts_by_hand(filled: Filled) -> None:
    """Film 1 had 3 mentions at 10:00:30 and 5 at 11:00:10, film 2 had 4 at 10:59: the order turns within the minute.

    Counts are kept to the minute: what was stored at 11:00:10 is known once 11:00 is over.
    """
    stored(filled, (1, 3, "2026-11-20T10:00:30", 1), (1, 5, "2026-11-20T11:00:10", 2), (2, 4, "2026-11-20T10:59:00", 1))
    merged(filled)

    assert told(trends_at(filled, "2026-11-20T10:00:59")) == []
    assert told(trends_at(filled, "2026-11-20T10:01:00")) == [(1, 3)]
    assert told(trends_at(filled, "2026-11-20T11:00:30")) == [(2, 4), (1, 3)]
    assert told(trends_at(filled, "2026-11-20T11:01:00")) == [(1, 5), (2, 4)]
    assert told(trends_at(filled, "2026-11-20T11:01:00", limit=1)) == [(1, 5)]
    assert trends_at(filled, "2026-11-20T11:01:00", limit=1).mentions == 9


def test_a_count_that_fell_since_is_told_as_it_was(filled: Filled) -> None:
    """Mentions retracted later were counted then; an old revision that arrives again later changes nothing."""
    stored(filled, (1, 3, "2026-11-20T10:00", 1), (1, 0, "2026-11-20T12:00", 2), (1, 3, "2026-11-20T14:00", 1))
    merged(filled)

    assert told(trends_at(filled, "2026-11-20T11:00")) == [(1, 3)]
    assert told(trends_at(filled, "2026-11-20T13:00")) == []
    assert told(trends_at(filled, "2026-11-20T15:00")) == []


def test_state_and_as_of_are_those_of_then(filled: Filled) -> None:
    """A day that was closed later was open then, and the counts reached as far as they had then."""
    stored(filled, (1, 3, "2026-11-20T10:00", 1))
    stored(filled, (1, 3, "2026-11-23T00:00", 2), state="final", closed=2)
    stored(filled, (1, 4, "2026-11-24T00:00", 3), state="final", closed=2)
    merged(filled)

    early, closed, revised = (trends_at(filled, f"2026-11-{at}") for at in ("20T11:00", "23T11:00", "24T11:00"))

    assert (early.state, early.as_of) == ("provisional", datetime(2026, 11, 20, 10, tzinfo=UTC))
    assert (closed.revised, closed.films[0].revised) == (0, False)
    assert (revised.revised, revised.films[0].revised) == (1, True)
    assert early.known_at == datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert read_reached(filled.client, ms("2026-11-20T09:00")) is None


def test_without_a_period_it_is_the_day_of_then(filled: Filled) -> None:
    """Today is the day of the instant, and the latest day with data the latest that had any then."""
    stored(filled, (1, 3, "2026-11-20T10:00", 1))
    stored(filled, (1, 9, "2026-11-25T10:00", 2), day=date(2026, 11, 25))

    assert trends_at(filled, "2026-11-20T11:00", period=None).period == Period(DAY, DAY)
    assert trends_at(filled, "2026-11-22T11:00", period=None).period == Period(DAY, DAY)


def test_snapshots_are_those_seen_by_then(filled: Filled) -> None:
    """A film's popularity is the last seen by the instant; one that was first seen later had none."""
    filled.film(1, "Dune")
    stored(filled, (1, 3, "2026-11-20T10:00", 1), (2, 1, "2026-11-20T10:00", 1))
    filled.popularity(1, "2026-11-20T09:00", 40.0)
    filled.popularity(1, "2026-11-20T12:00", 50.0)
    filled.popularity(2, "2026-11-20T12:00", 7.0)

    assert [film.popularity for film in trends_at(filled, "2026-11-20T11:00").films] == [40.0, None]
    assert [film.popularity for film in trends_at(filled, "2026-11-20T13:00").films] == [50.0, 7.0]
    question = CompareQuestion(now_ms=0, closer=CLOSER, period=Period(DAY, DAY), at_ms=ms("2026-11-20T11:00"))
    (dune,) = read_comparison(filled.client, [find_film(filled.client, "Dune")], question).films
    assert [(day.mentions, day.popularity) for day in dune.days] == [(3, 40.0)]


def test_a_film_as_it_was_known(filled: Filled) -> None:
    """Days are counts of then; communities and evidence are of the posts that are still there and were written by then.

    Of two posts one was deleted since: it is gone by policy, and counted all the same.
    """
    filled.film(1, "Dune")
    filled.mention(1, "t3_kept", "2026-11-20T09:00", community="scifi")
    filled.mention(1, "t3_gone", "2026-11-20T09:30")
    filled.mention(1, "t3_later", "2026-11-20T12:00", community="later")
    filled.mention(1, "t3_gone", "2026-11-20T09:30", gone=True)
    stored(filled, (1, 2, "2026-11-20T10:00", 2), (1, 3, "2026-11-20T12:01", 3), (1, 2, "2026-11-20T13:00", 4))
    merged(filled)

    film = find_film(filled.client, "1")
    report = read_movie(filled.client, film, closer=CLOSER, at_ms=ms("2026-11-20T11:00"))

    assert [(day.day, day.mentions) for day in report.days] == [(DAY, 2)]
    assert [one.community for one in report.communities] == ["scifi"]
    assert [one.post_id for one in report.evidence] == ["t3_kept"]
    assert report.history[-1].mentions == 2
    assert report.known_at == datetime(2026, 11, 20, 11, tzinfo=UTC)


def test_coverage_is_what_was_reported_by_then(filled: Filled) -> None:
    """A gap that a poll told of later did not make the day incomplete yet."""
    filled.film(1, "Dune")
    for started in ("20T00:00", "21T00:00", "22T00:00"):
        filled.poll(f"2026-11-{started}")
    filled.poll("2026-11-23T00:00", "overflowed", gap_from="2026-11-20T00:00", gap_to="2026-11-20T12:00")
    stored(filled, (1, 3, "2026-11-20T23:00", 1))

    assert trends_at(filled, "2026-11-22T12:00").coverage.share == 1.0
    assert trends_at(filled, "2026-11-23T12:00").coverage.share == pytest.approx(0.5, abs=0.01)


def test_counts_of_then_agree_with_plain_python(filled: Filled) -> None:
    """Of 3,000 random revisions, some delivered twice and late, each instant tells the highest revision stored by then.

    The reference is a dictionary; the engine has merged all that it may.
    """
    source = random.Random(11)  # noqa: S311 - test data
    begin, told_rows = datetime(2026, 2, 27, tzinfo=UTC), []
    revisions: dict[tuple[int, date], int] = {}
    for _ in range(3_000):
        film, day = source.randrange(1, 40), date(2026, 2, 26) + timedelta(days=source.randrange(5))
        revisions[film, day] = revisions.get((film, day), 0) + 1
        at = begin + timedelta(seconds=source.randrange(5 * 86_400))
        told_rows.append((film, day, source.randrange(0, 9), revisions[film, day], at))
    told_rows += [(*row[:4], row[4] + timedelta(hours=2)) for row in source.sample(told_rows, 200)]
    lines = [(film, day, n, "provisional", at, 0, revision, at) for film, day, n, revision, at in told_rows]
    for part in range(0, len(lines), 500):
        filled.client.insert("mention_counts", lines[part : part + 500], column_names=COLUMNS, column_type_names=TYPES)
    merged(filled)

    for seconds in (0, 59, 60, 86_399, 200_000, 250_001, 400_000, 500_000):
        at = begin + timedelta(seconds=seconds)
        known: dict[tuple[int, date], tuple[int, int]] = {}
        for film, day, n, revision, when in told_rows:
            if when < at.replace(second=0):
                known[film, day] = max(known.get((film, day), (0, 0)), (revision, n))
        first, last = date(2026, 2, 26), date(2026, 3, 2)
        asked = {"films": list(range(40)), "first_day": first, "last_day": last}
        found = ask(filled.client, "history_counts", at_ms=round(at.timestamp() * 1_000), **asked)
        assert {(row["film"], row["day"]): row["mentions"] for row in found} == {
            key: n for key, (_, n) in known.items()
        }
        at_ms = round(at.timestamp() * 1_000)
        days = [(film, row) for film in (1, 2, 39, 40) for row in read_film_days(filled.client, film, at_ms)]
        told = {(film, row["day"]): row["mentions"] for film, row in days}
        assert told == {key: n for key, (_, n) in known.items() if key[0] in {1, 2, 39, 40}}
        assert [row["day"] for film, row in days if film == 1] == sorted({d for f, d in told if f == 1}, reverse=True)
        sums = Counter[date]()
        for (_, day), (_, n) in known.items():
            sums[day] += n
        read = read_sums(filled.client, first, last, at_ms)
        assert +Counter(read) == +sums


def run(command: Any, settings: Settings, *arguments: str) -> Any:
    """Run a command against the database."""
    environment = {
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
    }
    return CliRunner().invoke(command, arguments, env=environment)


def test_commands_take_it(filled: Filled, migrated_settings: Settings) -> None:
    """Both commands say that they speak of then, in each zone the same instant; TMDB's orders take the day before."""
    filled.film(1, "Dune")
    stored(filled, (1, 3, "2026-11-20T10:00", 1), (1, 5, "2026-11-20T12:00", 2))
    filled.popularity(1, "2026-11-19T12:00", 40.0)
    filled.popularity(1, "2026-11-20T08:00", 50.0)

    day = ("--day", "2026-11-20", "--at")
    shown = [
        run(trends_command, migrated_settings, *day, at).output
        for at in ("2026-11-20T11:00", "2026-11-20T11:00Z", "2026-11-20T13:00+02:00")
    ]
    film = run(movie_command, migrated_settings, "Dune", "--at", "2026-11-20T11:00", "--format", "csv")
    tmdb = run(trends_command, migrated_settings, "--by", "popularity", "--at", "2026-11-20T11:00", "--format", "csv")

    assert len(set(shown)) == 1
    assert "As known at 2026-11-20 11:00:00 UTC" in shown[0]
    assert film.output.splitlines()[1].startswith("2026-11-20,3,")
    assert ",40.0," in tmdb.output


@pytest.mark.parametrize(
    "command",
    [cohorts_command, viral_command, kpi_command, quadrants_command, divergence_command, trends_command],
    ids=lambda one: str(one.name),
)
def test_figures_of_a_day_take_the_last_that_was_over(
    filled: Filled, migrated_settings: Settings, command: Any
) -> None:
    """What TMDB showed on the day of the instant itself was not all known then; a day asked for must have been over."""
    filled.film(1, "Dune")
    for day in ("18", "19", "20"):
        filled.popularity(1, f"2026-11-{day}T08:00", 50.0)
    name = {kpi_command: ("weighted-rating",), trends_command: ("--by", "index")}.get(command, ())

    then = run(command, migrated_settings, *name, "--at", "2026-11-20T11:00", "--format", "json")
    late = run(command, migrated_settings, *name, "--at", "2026-11-20T11:00", "--day", "2026-11-20")

    assert json.loads(then.output)["day"] == "2026-11-19"
    assert (late.exit_code, "was not over at --at" in late.output) == (2, True)


def test_forecast_rests_on_what_was_known(filled: Filled, migrated_settings: Settings) -> None:
    """A correction, a poll and a snapshot that came after the instant change nothing of the past that it is made of."""
    filled.film(1, "Dune")
    for hour in ("11T00:00", "12T01:00", "12T12:00"):
        for listing in ("new:movies", "comments:movies"):
            filled.poll(f"2026-11-{hour}", listing=listing)
    stored(filled, (1, 3, "2026-11-12T10:00", 1), day=date(2026, 11, 11))
    stored(filled, (1, 1, "2026-11-12T10:00", 1), day=date(2026, 11, 12))
    stored(filled, (1, 5, "2026-11-13T10:00", 2), day=date(2026, 11, 11))
    filled.popularity(1, "2026-11-11T12:00", 40.0)
    filled.popularity(1, "2026-11-12T12:00", 50.0)

    then, now = (
        json.loads(run(forecast_command, migrated_settings, "Dune", *at, "--format", "json").output)["metrics"]
        for at in (("--at", "2026-11-12T12:30"), ())
    )

    assert [(one["last"], mean_ahead(one)) for one in then] == [("2026-11-11", 3.0), ("2026-11-11", 40.0)]
    assert [(one["last"], mean_ahead(one)) for one in now] != [(one["last"], mean_ahead(one)) for one in then]
    assert [one["last"] for one in now] == ["2026-11-12", "2026-11-12"]


def mean_ahead(metric: dict[str, Any]) -> float | None:
    """Return the first forecast of a metric by the weighted mean."""
    (value,) = (one["values"][0] for one in metric["forecasts"] if one["method"] == "ewma")
    return None if value is None else float(value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--at", "2999-01-01"), "must lie in the past"),
        (("--at", "soon"), "no instant"),
        (("--at", "2026-11-20", "--watch"), "leave --at out"),
        (("--by", "index", "--at", "2026-11-20", "--watch"), "leave --at out"),
        (("--by", "viral", "--at", "2026-11-20T11:00", "--day", "2026-11-20"), "was not over at --at"),
    ],
)
def test_what_cannot_be_known_is_refused(migrated_settings: Settings, arguments: tuple[str, ...], message: str) -> None:
    """The future, no instant at all, and a day that was not over end with exit code 2."""
    result = run(trends_command, migrated_settings, *arguments)

    assert (result.exit_code, message in result.output) == (2, True)
