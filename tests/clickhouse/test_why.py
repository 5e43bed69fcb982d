"""Why a film is talked about: terms against an independent reckoning, numbers by hand, what is told without data."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cinepulse.commands.why import why as command
from clickhouse.ask import ask
from clickhouse.films import find_film
from clickhouse.measures import WHY
from clickhouse.why import (
    LEAST_Z,
    PRIOR,
    Event,
    Place,
    Term,
    before,
    burst_day,
    jumps_of,
    places,
    places_of,
    read_why,
    release_of,
    without_parts,
)
from clickhouse.why_view import render_why, why_rows
from tests.clickhouse.tables import filled
from tests.clickhouse.test_movie import render_text
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from tests.clickhouse.tables import Filled

__all__ = ["filled"]

DAY = date(2026, 11, 20)
Counts = dict[tuple[int, date, str], int]


def count(tables: Filled, counts: Counts) -> None:
    """Store counts of terms and those of all films; a film's day has the sum of its terms unless it is given."""
    sums: Counter[tuple[int, date, str]] = Counter()
    for (film, day, term), posts in counts.items():
        if term:
            sums[film, day, ""] += posts
    counts = {**sums, **counts}
    together: Counter[tuple[int, date, str]] = Counter()
    for (_, day, term), posts in counts.items():
        together[0, day, term] += posts
    rows = [[film, day, term, posts, datetime(2026, 11, 1, tzinfo=UTC)] for (film, day, term), posts in
            {**counts, **together}.items()]  # fmt: skip
    names = ["tmdb_id", "day", "term", "posts", "oldest_at"]
    kinds = ["Int64", "Date", "String", "UInt32", "DateTime64(3, 'UTC')"]
    tables.client.insert("term_counts", rows, column_names=names, column_type_names=kinds)


def asked(tables: Filled, film: int = 7, least: float = LEAST_Z, day: date = DAY) -> list[dict[str, Any]]:
    """Return the terms of a film's day."""
    return ask(tables.client, "why_terms", tmdb_id=film, day=day, days=28, prior=PRIOR, least=least, limit=10_000)


@pytest.mark.real
def test_a_z_score_by_hand(filled: Filled) -> None:
    """`leak` in 10 of 40 terms of the day and in 2 of 100 before; all films' posts have it in 12 of 140 terms.

    a = 100 · 13 / 142 = 9.15493. The day's odds are (10 + a) / (40 + 100 - 10 - a) = 19.15493 / 120.84507, those before
    (2 + a) / (100 + 100 - 2 - a) = 11.15493 / 188.84507. The difference of their logarithms is -1.84195 + 2.82904 =
    0.98709, its deviation √(1 / 19.15493 + 1 / 11.15493) = 0.37663, and z = 2.62083.
    """
    count(filled, {(7, DAY, "leak"): 10, (7, DAY, ""): 40})
    count(filled, {(7, DAY - timedelta(days=3), "leak"): 2, (7, DAY - timedelta(days=3), ""): 100})

    (found,) = asked(filled)

    assert (found["term"], found["posts"], found["posts_before"]) == ("leak", 10, 2)
    assert found["log_odds"] == pytest.approx(0.98709, abs=1e-4)
    assert found["z"] == pytest.approx(2.62083, abs=1e-3)


def reference(counts: Counts, film: int, day: date) -> dict[str, tuple[int, int, float]]:
    """Return posts, posts before and z of each term of a film's day: the published formulas, reckoned term by term."""
    window = {key: posts for key, posts in counts.items() if 0 <= (day - key[1]).days <= 28}
    now, earlier, usual = Counter[str](), Counter[str](), Counter[str]()
    for (of, on, term), posts in window.items():
        usual[term] += posts
        if of == film:
            (now if on == day else earlier)[term] += posts
    found = {}
    for term, y in now.items():
        if term and y:
            a = PRIOR * (usual[term] + 1) / (usual[""] + 2)
            odds = [math.log((one[term] + a) / (one[""] + PRIOR - one[term] - a)) for one in (now, earlier)]
            z = (odds[0] - odds[1]) / math.sqrt(1 / (y + a) + 1 / (earlier[term] + a))
            found[term] = y, earlier[term], z
    return found


@pytest.mark.real
def test_terms_agree_with_plain_python(filled: Filled) -> None:
    """1,000 films over 60 days with gaps, a leap day and ends of months within: posts equal, z to 1e-9."""
    rng = random.Random(5)  # noqa: S311 - the same numbers each time, no secret
    first = date(2028, 1, 20)
    counts: Counts = {}
    for _ in range(6_000):
        film, day = rng.randrange(1, 1_001), first + timedelta(days=rng.randrange(60))
        for term in rng.sample([f"term{number}" for number in range(40)], 4):
            counts[film, day, term] = rng.choice([2, 2, 3, 5, 40])
        counts[film, day, ""] = sum(
            posts for (of, on, term), posts in counts.items() if (of, on) == (film, day) and term
        ) + rng.randrange(9) if rng.random() < 0.02 else 400  # fmt: skip
    count(filled, counts)
    days = sorted(day for _, day, _ in counts)
    chosen = {(film, day) for film, day, _ in rng.sample(sorted(counts), 40)} | {(2, days[0]), (1, date(2028, 2, 29))}

    for film, day in sorted(chosen):
        told = {row["term"]: (row["posts"], row["posts_before"], row["z"]) for row in asked(filled, film, -1e9, day)}
        wanted = reference(counts, film, day)
        assert {term: one[:2] for term, one in told.items()} == {term: one[:2] for term, one in wanted.items()}
        for term, (_, _, z) in wanted.items():
            assert told[term][2] == pytest.approx(z, abs=1e-9)


@pytest.mark.real
def test_a_day_without_a_past_is_held_against_all_films(filled: Filled) -> None:
    """A new film's terms stand out against what is said of films at large; a day without terms has none."""
    count(filled, {(7, DAY, "leak"): 30, (7, DAY, "ending"): 30})
    count(filled, {(film, DAY, "ending"): 30 for film in range(100, 140)})

    assert [row["term"] for row in asked(filled)] == ["leak"]
    assert asked(filled, film=8) == []
    assert asked(filled, day=DAY + timedelta(days=60)) == []


@pytest.mark.real
def test_the_registry_names_what_the_queries_return(filled: Filled) -> None:
    """Each metric in the docs is a column, and each column but the names is in the docs."""
    count(filled, {(7, DAY, "leak"): 2})

    (term,) = asked(filled, least=-1e9)

    assert {*term, *(field.name for field in fields(Place))} - {"term", "community", "mentions"} == {
        one.name for one in WHY
    }


def test_places_by_hand() -> None:
    """Of 10 mentions 6 are in `dune`, which had 10 of 40 before: 6 - 10 · 10 / 40 = 3.5 above its share, share 0.6.

    4 are in `movies`, which had the other 30: 4 - 10 · 30 / 40 = -3.5. What is mentioned no more is not told, and
    without a mention before there is no share before, of which all of the day's are above.
    """
    earlier = {DAY - timedelta(days=1): Counter(dune=10, movies=10), DAY - timedelta(days=28): Counter(movies=20)}
    now = {DAY: Counter(movies=4, dune=6)}

    assert places({**earlier, **now}, DAY) == (Place("dune", 6, 0.6, 0.25, 3.5), Place("movies", 4, 0.4, 0.75, -3.5))
    assert places(now, DAY) == (Place("dune", 6, 0.6, None, 6.0), Place("movies", 4, 0.4, None, 4.0))
    assert places(earlier, DAY) == ()


@pytest.mark.real
def test_the_only_term_there_is_has_a_finite_score(filled: Filled) -> None:
    """Every post of every film says the same: no division by zero, no infinite odds."""
    count(filled, {(7, DAY, "leak"): 2})

    (found,) = asked(filled, least=-1e9)

    assert math.isfinite(found["z"])


@pytest.mark.real
def test_a_report_tells_what_where_posts_and_events(filled: Filled) -> None:
    """Terms, communities above their share, the posts with most votes, release and popularity of the days around."""
    filled.film(7, "Dune", release_date="2026-11-22")
    for number, score in enumerate((3, 90, 5)):
        filled.mention(7, f"t3_{number}", "2026-11-20T10:00", community="scifi", score=score, kind="submission")
    filled.mention(7, "t3_movies", "2026-11-20T11:00")
    filled.mention(7, "t3_earlier", "2026-11-10T11:00")
    filled.mention(7, "t3_gone", "2026-11-20T12:00", score=999)
    filled.mention(7, "t3_gone", "2026-11-20T12:00", gone=True)
    filled.count_all(watermark="2026-11-21T00:00")
    count(filled, {(7, DAY, "leak"): 20, (7, DAY, "script leak"): 20, (7, DAY, "script"): 21, (7, DAY, ""): 90})
    count(filled, {(7, DAY - timedelta(days=9), "ending"): 80})
    names, kinds = ("tmdb_id", "observed_at", "source", "rank", "popularity"), None
    for day, place, popularity in ((18, 9, 10.0), (19, 8, 10.0), (20, 2, 14.0)):
        row = [7, datetime(2026, 11, day, 9, tzinfo=UTC), "trending_day", place, popularity]
        filled.client.insert("popularity", [row], column_names=names, column_type_names=kinds)

    report = read_why(filled.client, find_film(filled.client, "7"))

    assert (report.day, report.mentions) == (DAY, 4)
    assert report.usual == pytest.approx(1 / 28)
    assert [one.term for one in report.terms] == ["script", "script leak"]
    assert [(one.community, one.mentions, one.share, one.share_before) for one in report.communities] == [
        ("scifi", 3, 0.75, 0.0),
        ("movies", 1, 0.25, 1.0),
    ]
    assert [one.excess for one in report.communities] == [3, -3]
    assert [one.post_id for one in report.evidence][:2] == ["t3_1", "t3_2"]
    assert "t3_gone" not in {one.post_id for one in report.evidence}
    assert [(one.kind, one.what) for one in report.events] == [
        ("release", "first release, 2 days later"),
        ("popularity", "popularity 10.0 to 14.0, up 40 %"),
        ("rank", "place 8 to 2 in trending_day"),
    ]
    text = render_text(render_why(report))
    assert "script leak" in text
    assert "first release, 2 days later" in text
    assert {row["reason"] for row in why_rows(report)} == {
        "term", "community", "evidence", "release", "popularity", "rank"
    }  # fmt: skip


@pytest.mark.real
def test_the_command_prints_every_format(filled: Filled, migrated_settings: Settings) -> None:
    """Table, JSON and CSV of a film and day; a film without mentions says so."""
    filled.film(7, "Dune")
    filled.film(8, "Nobody")
    filled.mention(7, "t3_a", "2026-11-20T10:00")
    filled.count_all(watermark="2026-11-21T00:00")
    where = [
        *("--clickhouse-port", str(migrated_settings.clickhouse_port)),
        *("--clickhouse-database", migrated_settings.clickhouse_database),
    ]

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(
            command, [*where, *arguments], env={"CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD}, catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "2026-11-20: 1 mentions" in run("Dune")
    assert json.loads(run("7", "--day", "2026-11-19", "--format", "json"))["mentions"] == 0
    assert run("7", "--format", "csv").splitlines()[0] == "tmdb_id,title,on,reason,name,posts,before,value"
    assert "No mentions yet" in run("Nobody")


def test_the_burst_is_the_day_that_stands_out() -> None:
    """Usual 2 a day, variance 0: 9 has (9 - 2) / √3 = 4.04; 4 has (4 - 2.25) / √(1.75 + 3.25) = 0.78."""
    counts = {DAY - timedelta(days=back): 2 for back in range(60)}
    counts[DAY - timedelta(days=3)] = 9
    counts[DAY] = 4

    assert burst_day(counts) == DAY - timedelta(days=3)
    assert burst_day({}) is None
    assert burst_day({DAY: 1}) == DAY


def test_days_before_are_calendar_days() -> None:
    """28 days whatever rows there are; a day without mentions is 0; over a leap day and the end of a year."""
    assert before({}, date(2028, 3, 1)) == [0] * 28
    assert before({date(2028, 2, 29): 5, date(2028, 3, 1): 7}, date(2028, 3, 1))[0] == 5
    assert before({date(2027, 12, 31): 5}, date(2028, 1, 28))[-1] == 5


def test_a_word_that_only_its_pair_has_is_left_out() -> None:
    """`leak` is in the 20 posts with `script leak`; `script` is in one more, and stays."""
    terms = [Term(name, posts, 0, 1.0, 3.0) for name, posts in (("leak", 20), ("script leak", 20), ("script", 21))]

    assert [one.term for one in without_parts(terms)] == ["script leak", "script"]


@pytest.mark.parametrize(
    ("released", "what"),
    [
        ("2026-11-20", "first release, on the day"),
        ("2026-11-21", "first release, 1 day later"),
        ("2026-11-06", "first release, 14 days before"),
        ("2026-12-04", "first release, 14 days later"),
        ("2026-11-05", None),
        ("2026-12-05", None),
        (None, None),
        ("", None),
        ("soon", None),
    ],
)
def test_a_release_within_two_weeks_is_told(released: str | None, what: str | None) -> None:
    """14 days on either side, both within; what is no date is no event."""
    assert [one.what for one in release_of(released, DAY)] == ([] if what is None else [what])


def snapshot(back: int, popularity: float | None, place: int | None = None, of: str = "") -> dict[str, Any]:
    """Return a row of snapshots, so many days before the day."""
    return {"seen_on": DAY - timedelta(days=back), "list": of, "place": place, "popularity": popularity}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([snapshot(1, 10.0), snapshot(0, 12.0)], ["popularity 10.0 to 12.0, up 20 %"]),
        ([snapshot(1, 10.0), snapshot(0, 11.9)], []),
        ([snapshot(2, 10.0), snapshot(0, 90.0)], []),
        ([snapshot(1, 4.9), snapshot(0, 90.0)], []),
        ([snapshot(1, 0.0), snapshot(0, 90.0)], []),
        ([snapshot(1, None), snapshot(0, 90.0)], []),
        ([], []),
    ],
)
def test_a_jump_is_against_the_calendar_day_before(rows: list[dict[str, Any]], told: list[str]) -> None:
    """20 % and more over a popularity of 5 and more; a missing day is unknown and no jump, nor is one from zero."""
    assert [one.what for one in jumps_of(rows)] == told


def test_a_better_place_is_told_a_worse_one_is_not() -> None:
    """Each list by itself; places on the day and last before it are needed."""
    rows = [snapshot(2, 1.0, 9, "popular"), snapshot(0, 1.0, 3, "popular"), snapshot(0, 1.0, 1, "trending_day")]

    assert places_of(rows, DAY) == (Event(DAY, "rank", "place 9 to 3 in popular"),)
    assert places_of([snapshot(1, 1.0, 3, "popular"), snapshot(0, 1.0, 3, "popular")], DAY) == ()
