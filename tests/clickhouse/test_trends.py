"""Trends: counts, changes at the same elapsed share, share of voice, coverage, and how they look."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from cinepulse.closing import MILLISECONDS_PER_HOUR as HOUR
from cinepulse.closing import ClosingRule
from cinepulse.commands.trends import trends as command
from clickhouse.closed import Closer
from clickhouse.trends import CERTAIN, Period, TrendsQuestion, TrendsReport, read_trends, year_of
from clickhouse.trends_view import render_trends, trends_document, trends_rows
from tests.clickhouse.tables import PARTITIONS, Filled, filled, ms
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from cinepulse.settings import Settings

__all__ = ["filled"]

pytestmark = pytest.mark.real

CLOSER = Closer(ClosingRule(48 * HOUR, HOUR, 6 * HOUR), PARTITIONS)
TODAY = Period(date(2026, 11, 21), date(2026, 11, 21))


def asked(period: Period | None = TODAY, *, now: str = "2026-11-21T12:00", **options: object) -> TrendsQuestion:
    """Return a question asked at a moment."""
    return TrendsQuestion(now_ms=ms(now), closer=CLOSER, period=period, **options)  # type: ignore[arg-type]  # options


def shown(report: TrendsReport) -> str:
    """Return the report as a wide terminal shows it."""
    console = Console(width=200, file=StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(render_trends(report))
    return captured.get()


def two_days(filled: Filled) -> None:
    """Film 1: 2 mentions yesterday by noon, 3 later, 4 today by noon; film 2: 1 today; film 3: 1 yesterday."""
    filled.film(1, "Dune: Part Two", release_date="2024-02-27")
    filled.film(2, "Up")
    for number, hour in enumerate((8, 9, 20, 21, 22)):
        filled.mention(1, f"t1_y{number}", f"2026-11-20T{hour:02}:00")
    for number, community in enumerate(("movies", "movies", "scifi", "Letterboxd")):
        filled.mention(1, f"t3_t{number}", f"2026-11-21T{number + 8:02}:00", community=community, kind="submission")
    filled.mention(2, "t1_up", "2026-11-21T11:59:59.999")
    filled.mention(3, "t1_z", "2026-11-20T09:00")
    filled.count_all(watermark="2026-11-21T11:59:59.999")


def test_counts_change_and_share(filled: Filled) -> None:
    """Half a day is set against the first half of the day before; the share of voice is of all films' mentions."""
    two_days(filled)

    report = read_trends(filled.client, asked())

    dune, up = report.films
    assert (dune.title, dune.year, dune.mentions, dune.submissions, dune.communities) == (
        "Dune: Part Two",
        2024,
        4,
        4,
        3,
    )
    assert (dune.previous, dune.change, dune.change_share) == (2, 2, 1.0)
    assert (up.title, up.year, up.mentions, up.previous, up.change, up.change_share) == ("Up", None, 1, 0, 1, None)
    assert (report.mentions, dune.share_of_voice, up.share_of_voice) == (5, 0.8, 0.2)
    assert (report.elapsed_share, report.state) == (0.5, "provisional")
    assert report.as_of == datetime(2026, 11, 21, 11, 59, 59, 999_000, UTC)


def test_whole_day_is_set_against_the_whole_day_before(filled: Filled) -> None:
    """Once a day is over, nothing of the day before is cut off."""
    two_days(filled)
    filled.count(4, "2026-11-23", 1)

    report = read_trends(filled.client, asked())

    assert report.elapsed_share == 1.0
    assert [film.previous for film in report.films] == [5, 0]


def test_change_is_unknown_without_a_day_before(filled: Filled) -> None:
    """A first day has no change: unknown is not zero."""
    filled.mention(1, "t1_a", "2026-11-21T08:00")
    filled.count_all(watermark="2026-11-21T12:00")

    (film,) = read_trends(filled.client, asked()).films

    assert (film.previous, film.change, film.change_share) == (None, None, None)
    assert film.title == "film 1"


def test_range_adds_days_up(filled: Filled) -> None:
    """A range sums its days and compares with as many days before it."""
    two_days(filled)
    for number in range(3):
        filled.mention(1, f"t1_old{number}", f"2026-11-1{number + 7}T10:00")
    filled.count_all(watermark="2026-11-22T00:00")

    report = read_trends(filled.client, asked(Period(date(2026, 11, 20), date(2026, 11, 21))))

    assert [(film.tmdb_id, film.mentions, film.previous) for film in report.films] == [(1, 9, 2), (2, 1, 0), (3, 1, 0)]


def test_community_counts_only_what_was_said_there(filled: Filled) -> None:
    """Within a community, in whatever case its name is given, counts, change and share are its own."""
    two_days(filled)

    report = read_trends(filled.client, asked(community="MOVIES"))

    assert [(film.tmdb_id, film.mentions, film.previous, film.communities) for film in report.films] == [
        (1, 2, 2, 1),
        (2, 1, 0, 1),
    ]
    assert report.mentions == 3


def test_certain_mentions_alone(filled: Filled) -> None:
    """A least confidence takes the less sure mentions out of counts, shares and comparison; the bound is within."""
    two_days(filled)
    filled.mention(2, "t1_sure", "2026-11-21T09:00", confidence=CERTAIN)
    for number in range(9):
        filled.mention(2, f"t1_guess{number}", "2026-11-21T09:00", confidence=0.79)
        filled.mention(1, f"t1_guess{number}", "2026-11-20T09:00", confidence=0.79)
    filled.count_all(watermark="2026-11-21T11:59:59.999")

    report = read_trends(filled.client, asked(least_confidence=CERTAIN))

    assert [(film.tmdb_id, film.mentions, film.previous) for film in report.films] == [(1, 4, 2), (2, 2, 0)]
    assert (report.mentions, trends_document(report)["least_confidence"]) == (6, CERTAIN)
    assert "mentions of confidence 0.8 and more" in shown(report)
    assert "confidence" not in shown(read_trends(filled.client, asked()))


def test_certain_is_asked_for_on_the_command_line(filled: Filled, migrated_settings: Settings) -> None:
    """`trends --certain` leaves out what the linker was not sure of."""
    filled.mention(1, "t1_guess", "2026-11-21T09:00", confidence=0.5)
    filled.mention(1, "t1_sure", "2026-11-21T09:00")
    filled.count_all(watermark="2026-11-21T12:00")

    counts = []
    for options in ((), ("--certain",)):
        _, document = run(migrated_settings, "--day", "2026-11-21", "--format", "json", *options)
        counts.append(json.loads(document)["mentions"])

    assert counts == [2, 1]


def test_retracted_mentions_do_not_show(filled: Filled) -> None:
    """A deleted post leaves communities and comparison too."""
    two_days(filled)
    filled.mention(1, "t3_t2", "2026-11-21T10:00", gone=True)
    filled.mention(1, "t1_y0", "2026-11-20T08:00", gone=True)
    filled.count_all(watermark="2026-11-21T11:59:59.999")

    dune = read_trends(filled.client, asked()).films[0]

    assert (dune.mentions, dune.communities, dune.previous) == (3, 2, 1)


def test_limit_keeps_the_share_of_all(filled: Filled) -> None:
    """Fewer films are listed; the share of voice still counts the others."""
    two_days(filled)

    report = read_trends(filled.client, asked(limit=1))

    assert [(film.tmdb_id, film.share_of_voice) for film in report.films] == [(1, 0.8)]


def test_popularity_is_the_last_known_then(filled: Filled) -> None:
    """The snapshot before the period's end counts, one after it only where there is none, null never."""
    two_days(filled)
    for observed, value in (("2026-11-19T00:00", 10.0), ("2026-11-21T05:00", 20.0), ("2026-11-21T06:00", None)):
        filled.popularity(1, observed, value)
    filled.popularity(1, "2026-11-25T00:00", 30.0)
    filled.popularity(2, "2026-11-25T00:00", 5.0)
    filled.popularity(2, "2026-11-26T00:00", 6.0)

    dune, up = read_trends(filled.client, asked()).films

    assert (dune.popularity, dune.popularity_at) == (20.0, datetime(2026, 11, 21, 5, tzinfo=UTC))
    assert (up.popularity, up.popularity_at) == (5.0, datetime(2026, 11, 25, tzinfo=UTC))


@pytest.mark.parametrize(
    ("now", "day", "chosen"),
    [
        ("2026-11-21T23:00", "2026-11-21", "today"),
        ("2026-11-22T00:01", "2026-11-21", "latest"),
        ("2031-01-01", "2026-11-21", "latest"),
    ],
)
def test_without_a_day_it_is_today_or_the_latest_with_data(filled: Filled, now: str, day: str, chosen: str) -> None:
    """Recorded posts of years ago show their last day, and the report says so."""
    two_days(filled)

    report = read_trends(filled.client, asked(None, now=now))

    assert (str(report.period.first), report.chosen) == (day, chosen)
    assert ("latest day with data" in shown(report)) == (chosen == "latest")


def test_empty_database_is_no_error(filled: Filled) -> None:
    """Before the first count there is a report, without films."""
    report = read_trends(filled.client, asked(None))

    assert (report.films, report.as_of, report.state, report.mentions) == ((), None, "provisional", 0)
    assert "No mentions yet" in shown(report)


def test_counts_revised_after_closing_are_told(filled: Filled) -> None:
    """How many counts of the period changed after their day was closed, and which of the films have one."""
    two_days(filled)
    for tmdb_id, day, revision in ((1, "2026-11-21", 91), (2, "2026-11-21", 90), (9, "2026-11-20", 95)):
        filled.count(tmdb_id, day, 5, revision=revision, state="final", closed_revision=90)

    report = read_trends(filled.client, asked())

    assert [(film.tmdb_id, film.revised) for film in report.films] == [(1, True), (2, False)]
    assert (report.revised, trends_document(report)["revised"]) == (1, 1)
    assert "1 counts revised after closing" in shown(report)
    assert [row["revised"] for row in trends_rows(report)] == [True, False]


def test_a_count_that_fell_to_zero_is_revised_and_no_film(filled: Filled) -> None:
    """A film whose posts of the day are all gone since is not listed, and its count still told as revised."""
    two_days(filled)
    filled.count(1, "2026-11-21", 5, revision=90, state="final", closed_revision=90)
    filled.count(2, "2026-11-21", 0, revision=91, state="final", closed_revision=90)

    report = read_trends(filled.client, asked())

    assert [(film.tmdb_id, film.share_of_voice) for film in report.films] == [(1, 1.0)]
    assert report.revised == 1


def test_coverage_is_shown_beside_the_numbers(filled: Filled) -> None:
    """Polls from six in the morning on, with half an hour lost, cover less than half of the day's twelve hours."""
    two_days(filled)
    filled.poll("2026-11-21T06:00")
    filled.poll("2026-11-21T09:00", "overflowed", gap_from="2026-11-21T08:00", gap_to="2026-11-21T08:30")
    filled.poll("2026-11-21T12:00")
    filled.poll("2026-11-21T11:00", "failed")
    filled.poll("2026-11-21T11:00", listing="info")

    coverage = read_trends(filled.client, asked()).coverage

    assert coverage.share == pytest.approx(5.5 / 12)
    assert (coverage.gaps, coverage.gap_seconds, coverage.failed) == (1, 1_800.0, 1)


def test_days_below_95_percent_are_marked(filled: Filled) -> None:
    """A range names the days of which too little is known, in each form; a comparison with such a day says so too."""
    two_days(filled)
    for hour in range(0, 37, 6):
        filled.poll(f"2026-11-{20 + hour // 24}T{hour % 24:02}:00")
    filled.poll("2026-11-21T12:00", "overflowed", gap_from="2026-11-20T22:00", gap_to="2026-11-20T23:59")

    both = read_trends(filled.client, asked(Period(date(2026, 11, 20), date(2026, 11, 21))))
    today = read_trends(filled.client, asked())
    filled.poll("2026-11-21T12:01", "overflowed", gap_from="2026-11-20T06:00", gap_to="2026-11-20T11:00")
    against = read_trends(filled.client, asked())

    assert [(str(one.day), one.coverage.complete) for one in both.days] == [("2026-11-20", False), ("2026-11-21", True)]
    assert "! Counts may be too low, less than 95% is known of: 2026-11-20 (91.7%)" in shown(both)
    assert [day["complete"] for day in trends_document(both)["days"]] == [False, True]
    assert trends_rows(both)[0]["incomplete_days"] == "2026-11-20"
    assert "!" not in shown(today)
    assert (today.coverage.share, today.previous_coverage.share) == (1.0, 1.0)
    assert "! Changes may be too high: 58.3% is known of what they compare with" in shown(against)
    assert trends_rows(against)[0]["previous_coverage_share"] == pytest.approx(7 / 12)


def test_days_that_nobody_polled_are_unknown(filled: Filled) -> None:
    """Recorded posts of a time without polls: no share, and no false alarm a day."""
    two_days(filled)

    report = read_trends(filled.client, asked())

    assert (report.coverage.share, report.days[0].coverage.complete) == (None, None)
    assert "no polls fell into it" in shown(report)
    assert "!" not in shown(report)


def test_every_form_says_what_the_numbers_rest_on(filled: Filled) -> None:
    """Table, JSON and CSV rows carry day zone, as-of, state and coverage; TMDB is named where its data shows."""
    two_days(filled)

    report = read_trends(filled.client, asked())

    text, document, (row, _) = shown(report), trends_document(report), trends_rows(report)
    for part in (
        "UTC",
        "2026-11-21 11:59:59",
        "provisional",
        "Coverage",
        "not endorsed or certified by TMDB",
        "+2 (+100%)",
    ):
        assert part in text
    assert json.loads(json.dumps(document)) == document
    assert (document["day_zone"], document["state"], document["films"][0]["change"]) == ("UTC", "provisional", 2)
    assert document["attribution"].startswith("This product uses the TMDB API")
    assert {"day_zone", "as_of", "state", "coverage_share", "from", "to"} <= row.keys()


def test_titles_cannot_steer_the_terminal(filled: Filled) -> None:
    """Control characters and markup in a title from outside are shown, not obeyed."""
    filled.film(1, "\x1b[2J[red]Evil[/red]")
    filled.mention(1, "t1_a", "2026-11-21T08:00")
    filled.count_all(watermark="2026-11-21T12:00")

    text = shown(read_trends(filled.client, asked()))

    assert "\x1b" not in text
    assert "[red]Evil[/red]" in text


@pytest.mark.parametrize(
    ("given", "year"), [("2024-02-27", 2024), ("", None), (None, None), ("soon", None), ("2024", None)]
)
def test_year_of_what_tmdb_gives(given: str | None, year: int | None) -> None:
    """Only a whole date has a year."""
    assert year_of(given) == year


def test_period_before_has_the_same_length() -> None:
    """A week is compared with the week before it."""
    week = Period(date(2026, 11, 9), date(2026, 11, 15))

    assert week.before == Period(date(2026, 11, 2), date(2026, 11, 8))
    assert week.end_ms - week.start_ms == timedelta(days=7) / timedelta(milliseconds=1)


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Run the command against the database and return its exit code and output."""
    environment = {
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
    }
    result = CliRunner().invoke(command, arguments, env=environment)
    return result.exit_code, result.output


def test_command_prints_each_format(filled: Filled, migrated_settings: Settings) -> None:
    """The command answers as a table, as JSON and as CSV, all with the same numbers."""
    two_days(filled)
    day = ("--day", "2026-11-21")

    table, document, rows = (run(migrated_settings, *day, "--format", form) for form in ("table", "json", "csv"))

    assert [code for code, _ in (table, document, rows)] == [0, 0, 0]
    assert "Dune" in table[1]
    assert json.loads(document[1])["films"][0]["mentions"] == 4
    assert rows[1].splitlines()[0].startswith("rank,tmdb_id,title")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--day", "2026-11-21", "--from", "2026-11-20"), "either --day or --from"),
        (("--to", "2026-11-20"), "--to needs --from"),
        (("--from", "2026-11-20", "--to", "2026-11-19"), "--to lies before --from"),
        (("--watch", "--format", "json"), "leave --format out"),
        (("--day", "yesterday"), "yesterday"),
    ],
)
def test_command_refuses_what_makes_no_sense(
    migrated_settings: Settings, arguments: tuple[str, ...], told: str
) -> None:
    """Contradictory options end with exit code 2 and say why."""
    code, output = run(migrated_settings, *arguments)

    assert code == 2
    assert told in output
