"""Films side by side, and the days of one film: numbers by hand, null rules, sparklines, each format."""

from __future__ import annotations

import csv
import json
from datetime import date
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from pyarrow import parquet
from rich.console import Console

from cinepulse.closing import MILLISECONDS_PER_HOUR, ClosingRule
from cinepulse.commands.compare import compare as command
from cinepulse.errors import FilmUnknown
from clickhouse.closed import Closer, read_reached
from clickhouse.compare import CompareQuestion, read_comparison
from clickhouse.compare_view import comparison_rows, render_comparison
from clickhouse.films import find_film
from clickhouse.history import last_days, read_history
from clickhouse.movie import read_movie
from clickhouse.movie_view import render_movie
from clickhouse.tables import POPULARITY
from clickhouse.trends import Period
from tests.clickhouse.tables import PARTITIONS, Filled, filled, ms
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cinepulse.settings import Settings
    from clickhouse.compare import CompareReport

__all__ = ["filled"]

pytestmark = pytest.mark.real

CLOSER = Closer(ClosingRule(48 * MILLISECONDS_PER_HOUR, 0, 0), PARTITIONS)
DAYS = Period(date(2026, 11, 19), date(2026, 11, 22))
NOW = ms("2026-11-22T12:00")


def story(filled: Filled) -> None:
    """Four days, the 19th unpolled, the 20th and 21st whole, the 22nd half over.

    Dune: 1, 3, 0 and 1 mentions; Alien: 0, 1, 0 and 0; Up: 2 on the 20th. TMDB saw Dune on the 20th, 50 with 100 votes,
    and on the 22nd, first 60 with 130, then 55 with 140.
    """
    for tmdb_id, title in ((1, "Dune"), (2, "Alien"), (3, "Up")):
        filled.film(tmdb_id, title, release_date=f"202{tmdb_id}-05-01")
    for number, (film, at) in enumerate(
        [(1, "19T10"), (1, "20T10"), (1, "20T11"), (1, "20T12"), (2, "20T13"), (3, "20T14"), (3, "20T15"), (1, "22T11")]
    ):
        filled.mention(film, f"t1_{number}", f"2026-11-{at}:00")
    filled.count_all(watermark="2026-11-22T11:30")
    for started in ("20T00:00", "21T00:00", "22T00:00", "22T11:30"):
        filled.poll(f"2026-11-{started}")
    for at, value, votes in (("20T08:00", 50.0, 100), ("22T08:00", 60.0, 130), ("22T09:00", 55.0, 140)):
        filled.insert(
            POPULARITY,
            tmdb_id=1,
            observed_at=ms(f"2026-11-{at}"),
            source="details",
            popularity=value,
            vote_count=votes,
        )


def compared(filled: Filled, *wanted: str, **options: Any) -> CompareReport:
    """Return the films side by side."""
    films = [find_film(filled.client, one) for one in wanted]
    question = CompareQuestion(**{"now_ms": NOW, "closer": CLOSER, "period": DAYS, **options})
    return read_comparison(filled.client, films, question)


def text_of(renderable: RenderableType) -> str:
    """Return what a wide terminal without colours shows."""
    console = Console(width=200, file=StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_days_by_hand(filled: Filled) -> None:
    """On the 20th Dune has 3 of 3 + 1 + 2 = 6 mentions, a half, Alien 1/6.

    On the 21st, which is whole, both have a true zero, and no share, since nobody has any. On the 19th nobody looked:
    Dune's one mention is told, Alien's is unknown and not zero. Dune's last popularity of the 22nd is 55, its votes
    rose from 100 to 140; a day without a snapshot is unknown.
    """
    story(filled)

    dune, alien = compared(filled, "Dune", "Alien").films

    assert [day.mentions for day in dune.days] == [1, 3, 0, 1]
    assert [day.mentions for day in alien.days] == [None, 1, 0, 0]
    assert [day.share_of_voice for day in dune.days] == [1.0, 0.5, None, 1.0]
    assert [day.share_of_voice for day in alien.days] == [None, pytest.approx(1 / 6), None, 0.0]
    assert [day.popularity for day in dune.days] == [None, 50.0, None, 55.0]
    assert [day.votes for day in dune.days] == [None, 100, None, 140]
    assert [day.complete for day in dune.days] == [False, True, True, True]
    assert [day.state for day in dune.days] == ["final", "provisional", "provisional", "provisional"]
    assert (dune.mentions, dune.popularity, dune.votes_gained) == (5, 55.0, 40)
    assert (alien.mentions, alien.popularity, alien.votes_gained) == (1, None, None)


@pytest.mark.parametrize(("left", "told"), [("2026-11-20T12:00", None), ("2026-11-20T23:30", 0)])
def test_coverage_decides_what_no_mention_means(filled: Filled, left: str, told: int | None) -> None:
    """Where half of a day may be missing, no mention is unknown; where 98 % is known it is zero."""
    story(filled)
    filled.mention(4, "t1_other", "2026-11-20T10:00")
    filled.poll("2026-11-22T11:31", "overflowed", gap_from=left, gap_to="2026-11-21T00:00")
    filled.film(9, "Nobody")

    nobody, _ = compared(filled, "9", "1").films

    assert nobody.days[1].mentions == told


def test_days_are_calendar_days(filled: Filled) -> None:
    """A period has every day in it, over the end of February in a leap year and over a year's end, counted or not."""
    filled.film(1, "Dune")

    for first, last, count in (("2028-02-27", "2028-03-02", 5), ("2026-12-30", "2027-01-02", 4)):
        period = Period(date.fromisoformat(first), date.fromisoformat(last))
        found = read_history(filled.client, [1], period, reached=None, closer=CLOSER)
        assert [str(day.day) for day in found[1]][:: count - 1] == [first, last]
        assert len(found[1]) == count
        assert {day.mentions for day in found[1]} == {None}


def test_the_last_days_end_where_the_data_ends(filled: Filled) -> None:
    """The last days are those up to today, or up to the last mention where recorded posts end earlier."""
    story(filled)
    reached = read_reached(filled.client)

    assert last_days(3, reached=reached, now_ms=NOW) == Period(date(2026, 11, 20), date(2026, 11, 22))
    assert last_days(1, reached=reached, now_ms=ms("2027-05-05")) == Period(date(2026, 11, 22), date(2026, 11, 22))
    assert last_days(2, reached=None, now_ms=NOW) == Period(date(2026, 11, 21), date(2026, 11, 22))


def test_lines_have_one_scale_and_gaps(filled: Filled) -> None:
    """Dune's 3 is the highest bar of both; Alien's 1 of 3 is two steps of seven; the unknown day is a gap."""
    story(filled)

    text = text_of(render_comparison(compared(filled, "Dune", "Alien")))

    assert "▃█▁▃" in text
    assert " ▃▁▁" in text
    assert "▇ █" in text
    assert "a gap in a line is unknown, never zero" in text
    assert "not endorsed or certified by TMDB" in text


def test_movie_has_its_lines(filled: Filled) -> None:
    """One film's page shows its last 30 days of mentions and popularity as lines, each with its scale."""
    story(filled)

    report = read_movie(filled.client, find_film(filled.client, "Dune"), closer=CLOSER, now_ms=NOW)
    text = text_of(render_movie(report))

    assert len(report.history) == 30
    assert [day.mentions for day in report.history[-4:]] == [1, 3, 0, 1]
    assert "2026-10-24 to 2026-11-22" in text
    assert "▃█▁▃ 0 to 3" in text
    assert "▇ █ 0 to 55.0" in text


def run(settings: Settings, *arguments: str) -> Any:
    """Run the command."""
    environment = {
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
    }
    return CliRunner().invoke(command, arguments, env=environment)


def test_command_prints_each_format(filled: Filled, migrated_settings: Settings) -> None:
    """Table, JSON, CSV and Parquet tell the same days, side by side."""
    story(filled)
    asked = ("Dune", "2", "--from", "2026-11-19", "--to", "2026-11-22", "--format")

    table, document, rows, file = (run(migrated_settings, *asked, form) for form in ("table", "json", "csv", "parquet"))

    assert [result.exit_code for result in (table, document, rows, file)] == [0, 0, 0, 0]
    assert "Dune (2021)" in table.output
    told = [[day["mentions"] for day in film["days"]] for film in json.loads(document.output)["films"]]
    assert told == [[1, 3, 0, 1], [None, 1, 0, 0]]
    lines = list(csv.DictReader(StringIO(rows.output)))
    assert [(line["day"], line["title"], line["mentions"]) for line in lines[:3]] == [
        ("2026-11-19", "Dune", "1"),
        ("2026-11-19", "Alien", ""),
        ("2026-11-20", "Dune", "3"),
    ]
    read = parquet.read_table(BytesIO(file.stdout_bytes))
    assert [row["mentions"] for row in read.to_pylist()] == [1, None, 3, 1, 0, 0, 1, 0]
    assert str(read.schema.field("day").type) == "date32[day]"
    assert str(read.schema.field("votes").type) == "int64"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("Dune",), "name 2 to 5 films"),
        (("1", "2", "3", "4", "5", "6"), "name 2 to 5 films"),
        (("Dune", "1"), "the same film"),
        (("Dune", "2", "--from", "2020-01-01", "--to", "2026-01-01"), "366 days at most"),
        (("Dune", "2", "--at", "2999-01-01"), "must lie in the past"),
        (("Dune", "2", "--at", "yesterday"), "no instant"),
    ],
)
def test_what_makes_no_sense_is_refused(
    filled: Filled, migrated_settings: Settings, arguments: tuple[str, ...], told: str
) -> None:
    """Too few or too many films, one of them twice, too long a period, or a time to come end with exit code 2."""
    story(filled)

    result = run(migrated_settings, *arguments)

    assert (result.exit_code, told in result.output) == (2, True)


def test_a_film_that_is_unknown_is_told(filled: Filled, migrated_settings: Settings) -> None:
    """An unknown title ends in the error that names it."""
    story(filled)

    result = run(migrated_settings, "Dune", "no such film")

    assert isinstance(result.exception, FilmUnknown)


def test_rows_stand_beside_each_other(filled: Filled) -> None:
    """Rows go day by day, films within, each with what they rest on."""
    story(filled)

    rows = comparison_rows(compared(filled, "Dune", "Alien", "Up"))

    assert [(row["day"].day, row["tmdb_id"]) for row in rows[:4]] == [(19, 1), (19, 2), (19, 3), (20, 1)]
    assert {row["day_zone"] for row in rows} == {"UTC"}
