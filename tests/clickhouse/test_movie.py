"""One film: found by id or any title, its days, communities, methods, and addresses built from ids alone."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from cinepulse.closing import MILLISECONDS_PER_HOUR, ClosingRule
from cinepulse.commands.movie import movie as command
from cinepulse.errors import FilmUnknown
from clickhouse.closed import Closer
from clickhouse.films import find_film
from clickhouse.movie import find_movie, read_movie
from clickhouse.movie_posts import permalink
from clickhouse.movie_view import movie_rows, render_movie
from tests.clickhouse.tables import PARTITIONS, Filled, filled
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cinepulse.settings import Settings

__all__ = ["filled"]

CLOSER = Closer(ClosingRule(48 * MILLISECONDS_PER_HOUR, 0, 0), PARTITIONS)

pytestmark = pytest.mark.real

NASTY = "\x1b]0;owned\x07[bold]Film[/bold]"


def catalogue(filled: Filled) -> None:
    """Two films called Dune, one with another title, one named by digits."""
    filled.film(438_631, "Dune", release_date="2021-09-15", popularity=90.0, alternative_titles=["Dune: Part One"])
    filled.film(841, "Dune", release_date="1984-12-14", popularity=40.0)
    filled.film(530_915, "1917", release_date="2019-12-25")
    filled.film(13, "Forrest Gump", original_title="Forrest Gump", release_date="1994-06-23")


@pytest.mark.parametrize(
    ("wanted", "tmdb_id"),
    [
        ("841", 841),
        ("1917", 530_915),
        ("forrest GUMP", 13),
        ("dune: part one", 438_631),
        (" Forrest Gump ", 13),
        ("gump", 13),
    ],
    ids=["id", "digits that are a title", "any case", "another title", "spaces", "a part of it"],
)
def test_film_is_found(filled: Filled, wanted: str, tmdb_id: int) -> None:
    """An id is an id when there is a film with it, else a title; titles match in any case, and in part."""
    catalogue(filled)

    assert find_film(filled.client, wanted).tmdb_id == tmdb_id


@pytest.mark.parametrize("wanted", ["841", "1917", "forrest GUMP"], ids=["id", "digits that are a title", "title"])
def test_a_film_is_read_by_what_it_is_called(filled: Filled, wanted: str) -> None:
    """Found while it is read or before, the report is the same, and of the film that answers."""
    catalogue(filled)
    for tmdb_id in (841, 530_915, 13, 1917):
        filled.mention(tmdb_id, f"t3_{tmdb_id}", "2026-11-20T10:00")
    filled.count_all(watermark="2026-11-20T12:00")

    report = find_movie(filled.client, wanted, closer=CLOSER)

    film = find_film(filled.client, wanted)
    assert report == read_movie(filled.client, film, closer=CLOSER)
    assert [post.post_id for post in report.evidence] == [f"t3_{film.tmdb_id}"]


@pytest.mark.parametrize("wanted", ["7777", "no such film"])
def test_an_unknown_film_is_an_error(filled: Filled, wanted: str) -> None:
    """Neither an id nor a title that nothing answers to has a report."""
    catalogue(filled)

    with pytest.raises(FilmUnknown, match=wanted):
        find_movie(filled.client, wanted, closer=CLOSER)


def test_ambiguous_title_lists_its_candidates(filled: Filled) -> None:
    """Films that share a title are listed with id and year, the most popular first."""
    catalogue(filled)

    with pytest.raises(FilmUnknown) as caught:
        find_film(filled.client, "dune")

    listed = str(caught.value).splitlines()
    assert [line.split() for line in listed[1:]] == [["438631", "Dune", "(2021)"], ["841", "Dune", "(1984)"]]


@pytest.mark.parametrize("wanted", ["", "  ", "no such film", "999999999", "%", "'; DROP TABLE films; --", "9" * 40])
def test_unknown_film_is_told(filled: Filled, wanted: str) -> None:
    """What names no film ends in an error that repeats it; nothing in it is SQL."""
    catalogue(filled)

    with pytest.raises(FilmUnknown, match="no film answers"):
        find_film(filled.client, wanted)
    assert filled.client.command("SELECT count() FROM films") == 4


def test_film_that_left_the_catalogue_is_unknown(filled: Filled) -> None:
    """A tombstone takes a film out of the answers."""
    filled.film(1, "Gone")
    filled.client.command("INSERT INTO films (tmdb_id, observed_at, revision, is_deleted) VALUES (1, now64(), 2, 1)")

    with pytest.raises(FilmUnknown):
        find_film(filled.client, "Gone")


def test_report_shows_days_communities_methods_and_evidence(filled: Filled) -> None:
    """Everything known of a film, the newest first, without what was retracted."""
    catalogue(filled)
    filled.mention(841, "t3_abc", "2026-11-20T10:00", kind="submission", community="scifi", location="title")
    filled.mention(841, "t1_def", "2026-11-21T10:00", thread_id="t3_abc", score=7)
    filled.mention(841, "t1_gone", "2026-11-21T11:00")
    filled.mention(841, "t1_gone", "2026-11-21T11:00", gone=True)
    filled.count_all(watermark="2026-11-23T12:00")

    report = read_movie(filled.client, find_film(filled.client, "841"), closer=CLOSER)

    assert [(str(day.day), day.mentions, day.submissions, day.state) for day in report.days] == [
        ("2026-11-21", 1, 0, "provisional"),
        ("2026-11-20", 1, 1, "final"),
    ]
    assert {(one.community, one.mentions) for one in report.communities} == {("movies", 1), ("scifi", 1)}
    assert {(one.location, one.mentions, one.mean_confidence) for one in report.methods} == {
        ("title", 1, 0.9),
        ("body", 1, 0.9),
    }
    assert [one.permalink for one in report.evidence] == [
        "https://www.reddit.com/comments/abc/_/def/",
        "https://www.reddit.com/comments/abc/",
    ]


def test_a_day_revised_after_closing_says_so(filled: Filled) -> None:
    """A count above the revision that closed its day is final and revised, in every form; the closing itself is not."""
    catalogue(filled)
    for day, revision in (("2026-11-18", 40), ("2026-11-19", 41)):
        filled.count(841, day, 3, revision=40, state="final", closed_revision=40)
        filled.count(841, day, 3 + revision - 40, revision=revision, state="final", closed_revision=40)
    filled.count(841, "2026-11-20", 1, revision=42, state="provisional")

    report = read_movie(filled.client, find_film(filled.client, "841"), closer=CLOSER)

    assert [(str(day.day), day.mentions, day.state, day.revised) for day in report.days] == [
        ("2026-11-20", 1, "provisional", False),
        ("2026-11-19", 4, "final", True),
        ("2026-11-18", 3, "final", False),
    ]
    assert render_text(render_movie(report)).count("final, revised after closing") == 1
    assert [row["revised"] for row in movie_rows(report)] == [False, True, False]


def test_days_that_lost_their_mentions_make_room_for_earlier_ones(filled: Filled) -> None:
    """Of three days the newest was retracted whole: the latest day with a mention is the one before it."""
    catalogue(filled)
    for number, day in enumerate(("2026-11-18", "2026-11-19", "2026-11-20"), 1):
        filled.count(841, day, number, revision=number)
    filled.count(841, "2026-11-20", 0, revision=4)

    report = read_movie(filled.client, find_film(filled.client, "841"), closer=CLOSER, limit=1)

    assert [(str(day.day), day.mentions) for day in report.days] == [("2026-11-19", 2)]


@pytest.mark.parametrize(
    ("platform", "post_id", "thread_id", "address"),
    [
        ("reddit", "t3_1abc9", None, "https://www.reddit.com/comments/1abc9/"),
        ("reddit", "t1_x", "t3_y", "https://www.reddit.com/comments/y/_/x/"),
        ("reddit", "t1_x", None, None),
        ("reddit", "t1_x", "t1_y", None),
        ("reddit", "t3_../../evil", None, None),
        ("reddit", "t3_a\nb", None, None),
        ("reddit", "t1_x", "t3_y/?q=", None),
        ("mastodon", "t3_a", None, None),
        ("reddit", "", "", None),
    ],
)
def test_permalink_is_built_from_proper_ids_only(
    platform: str, post_id: str, thread_id: str | None, address: str | None
) -> None:
    """An id that is none of Reddit's makes no address, however close it comes."""
    assert permalink(platform, post_id, thread_id) == address


def test_names_from_outside_cannot_steer_the_terminal(filled: Filled) -> None:
    """Control characters and markup in titles, communities and ids are shown, not obeyed."""
    filled.film(1, NASTY)
    filled.mention(1, NASTY, "2026-11-20T10:00", community=NASTY, method=NASTY)
    filled.count_all(watermark="2026-11-20T12:00")
    report = read_movie(filled.client, find_film(filled.client, "1"), closer=CLOSER)

    text = render_text(render_movie(report))

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]Film[/bold]" in text


def render_text(renderable: RenderableType) -> str:
    """Return what a wide terminal without colours shows."""
    console = Console(width=200, file=StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def run(settings: Settings, *arguments: str) -> tuple[int, str, BaseException | None]:
    """Run the command and return its exit code, output and error."""
    environment = {
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
    }
    result = CliRunner().invoke(command, arguments, env=environment)
    return result.exit_code, result.output, result.exception


def test_command_prints_each_format(filled: Filled, migrated_settings: Settings) -> None:
    """Table with TMDB's attribution, JSON of everything, CSV of the days."""
    catalogue(filled)
    filled.mention(13, "t3_abc", "2026-11-20T10:00")
    filled.count_all(watermark="2026-11-20T12:00")

    table, document, rows = (run(migrated_settings, "13", "--format", form) for form in ("table", "json", "csv"))

    assert [code for code, _, _ in (table, document, rows)] == [0, 0, 0]
    assert "Forrest Gump (1994)" in table[1]
    assert "not endorsed or certified by TMDB" in " ".join(table[1].split())
    assert json.loads(document[1])["evidence"][0]["permalink"] == "https://www.reddit.com/comments/abc/"
    assert rows[1].splitlines()[1].startswith("2026-11-20,1,")


def test_command_on_an_ambiguous_title_fails_with_the_list(filled: Filled, migrated_settings: Settings) -> None:
    """The command raises what the command line turns into exit code 1 and the list of candidates."""
    catalogue(filled)

    code, _, error = run(migrated_settings, "Dune")

    assert code == 1
    assert isinstance(error, FilmUnknown)
    assert error.exit_code == 1


def test_each_day_says_how_much_of_it_is_known(filled: Filled) -> None:
    """A day with a gap is marked, a whole one is not, one that nobody polled is unknown; in each form."""
    catalogue(filled)
    for day in (10, 20, 21):
        filled.mention(13, f"t1_{day}", f"2026-11-{day}T10:00")
    for day in (20, 21, 22):
        filled.poll(f"2026-11-{day}T00:00")
    filled.poll("2026-11-22T00:05", "overflowed", gap_from="2026-11-21T06:00", gap_to="2026-11-21T12:00")
    filled.count_all(watermark="2026-11-23T12:00")

    report = read_movie(filled.client, find_film(filled.client, "13"), closer=CLOSER)

    assert [(day.coverage_share, day.complete) for day in report.days] == [(0.75, False), (1.0, True), (None, None)]
    assert [row["coverage_share"] for row in movie_rows(report)] == [0.75, 1.0, None]
    console = Console(width=200, file=StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(render_movie(report))
    assert all(text in captured.get() for text in ("75.0% !", "100.0%", "unknown"))


def test_film_without_mentions_is_shown(filled: Filled) -> None:
    """A film nobody mentioned has a report that says so."""
    catalogue(filled)

    report = read_movie(filled.client, find_film(filled.client, "13"), closer=CLOSER)

    assert (report.as_of, report.days, report.evidence) == (None, (), ())
    assert "No mentions yet" in render_text(render_movie(report))
    assert movie_rows(report) == []
