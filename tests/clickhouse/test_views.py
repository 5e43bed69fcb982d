"""The SQL views: they explain themselves, agree with the commands, and the documented queries run."""

from __future__ import annotations

import random
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import pytest

from cinepulse.closing import MILLISECONDS_PER_HOUR, ClosingRule
from clickhouse.closed import Closer
from clickhouse.films import find_film
from clickhouse.measures import POPULARITY
from clickhouse.movie import read_movie
from clickhouse.popularity import PopularityQuestion, Ranking, read_popularity
from clickhouse.tables import DERIVED
from clickhouse.trends import TrendsQuestion, read_trends
from tests.clickhouse.tables import PARTITIONS, Filled, filled, ms

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["filled"]

pytestmark = pytest.mark.real

CLOSER = Closer(ClosingRule(48 * MILLISECONDS_PER_HOUR, 0, 0), PARTITIONS)
# What each view with parameters is asked for.
DAY_ALONE: Final = "day = '2026-11-20'"
METRICS: Final = {measure.name for measure in POPULARITY}
PARAMETERS: Final[Mapping[str, str]] = {"top_changes": "day = '2026-11-20', top = 10"}
PAGE: Final = (Path(__file__).parents[2] / "docs" / "sql.md").read_text("utf-8")
QUERIES: Final = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def asked(filled: Filled, query: str) -> list[dict[str, Any]]:
    """Return a query's rows."""
    return list(filled.client.query(query).named_results())


def story(filled: Filled) -> None:
    """Two films over two days up to today, one post of them deleted, one with ids that make no address."""
    today = datetime.now(UTC).date()
    filled.film(1, "Dune")
    for number, (film, back) in enumerate([(1, 1), (1, 0), (1, 0), (2, 0), (1, 0)]):
        at = f"{today - timedelta(days=back)}T00:00:00.{number:03}"
        filled.mention(
            film, f"t1_{number}", at, thread_id="t3_abc", community="scifi" if number else "movies", score=number
        )
    filled.mention(1, "t1_4", f"{today}T00:00:00.004", gone=True)
    filled.mention(2, "t1_../evil", f"{today}T00:00:00.009", thread_id="t3_abc")
    filled.count_all(watermark=f"{today}T00:00:01")


def test_describe_explains_every_view_and_table(filled: Filled) -> None:
    """DESCRIBE gives each column of each view and table a comment; of a view with parameters its own names each.

    The engine keeps no comments on the columns of a view with parameters, and describes it only with them. A metric is
    explained on its page.
    """
    kinds = asked(
        filled, "SELECT name, engine, comment, as_select FROM system.tables WHERE database = currentDatabase()"
    )

    assert {one["name"] for one in kinds} >= set(DERIVED)
    for one in kinds:
        assert one["comment"], one["name"]
        with_parameters = one["engine"] == "View" and re.search(r"\{\w+:", one["as_select"])
        if with_parameters:
            parameters = PARAMETERS.get(one["name"], DAY_ALONE)
            names = {row["name"] for row in asked(filled, f"DESCRIBE {one['name']}({parameters})")}
            assert names - set(re.findall(r"\w+", one["comment"])) - METRICS == set(), one["name"]
        else:
            columns = asked(filled, f"DESCRIBE TABLE {one['name']}")
            assert [row["name"] for row in columns if not row["comment"]] == [], one["name"]


def test_every_view_is_documented(filled: Filled) -> None:
    """The page lists each view with its columns and parameters."""
    views = asked(filled, "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'")

    headings = re.findall(r"^### (\w+)", PAGE, re.MULTILINE)
    assert {one["name"] for one in views} == set(headings)
    assert "### top_changes(day = Date, top = UInt32)" in PAGE


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_documented_queries_run(filled: Filled, query: str) -> None:
    """What the page shows can be pasted; on films that were talked about today all but those of other films answer."""
    story(filled)

    rows = asked(filled, query.replace("438631", "1"))

    assert rows or "popularity" in query or "top_changes" in query


def test_trending_today_is_what_trends_shows(filled: Filled) -> None:
    """The same films in the same order with the same numbers and shares; Dune has 2 of 4 mentions, the deleted none."""
    story(filled)
    now = ms(datetime.now(UTC).isoformat())

    rows = asked(filled, "SELECT * FROM trending_today")
    films = read_trends(filled.client, TrendsQuestion(now_ms=now, closer=CLOSER)).films

    shared = ("tmdb_id", "mentions", "submissions", "comments", "share_of_voice")
    assert [[row[name] for name in shared] for row in rows] == [
        [getattr(film, name) for name in shared] for film in films
    ]
    assert [(row["place"], row["title"], row["mentions"]) for row in rows] == [(1, "Dune", 2), (2, "", 2)]
    assert [row["share_of_voice"] for row in rows] == [0.5, 0.5]


def test_days_and_mentions_are_what_movie_shows(filled: Filled) -> None:
    """A film's days, and its posts with their addresses, are those of its page; bad ids make no address."""
    story(filled)
    report = read_movie(filled.client, find_film(filled.client, "1"), closer=CLOSER)

    days = asked(filled, "SELECT * FROM film_days WHERE tmdb_id = 1 ORDER BY day DESC")
    posts = asked(filled, "SELECT * FROM film_mentions WHERE tmdb_id = 1 ORDER BY created_at DESC")
    totals = asked(filled, "SELECT * FROM day_totals ORDER BY day")
    evil = asked(filled, "SELECT permalink FROM film_mentions WHERE post_id LIKE '%evil'")

    assert [(row["day"], row["mentions"]) for row in days] == [(day.day, day.mentions) for day in report.days]
    assert [(row["post_id"], row["permalink"]) for row in posts] == [
        (one.post_id, one.permalink) for one in report.evidence
    ]
    assert [(row["mentions"], row["films"], row["open_films"]) for row in totals] == [(1, 1, 1), (4, 2, 2)]
    assert [row["permalink"] for row in evil] == [None]


def test_conditions_reach_the_tables(filled: Filled) -> None:
    """What is asked of a view is looked up by the key of the table below it: the plan names the condition there."""
    story(filled)
    filled.popularity(1, "2026-11-20T10:00", 5.0)
    for view, condition, key in (
        ("film_days", "day = today()", r"\(day in \["),
        ("film_days", "tmdb_id = 1", r"\(tmdb_id in \["),
        ("film_mentions", "day = today()", r"\(toDate\(created_at\) in \["),
        ("film_mentions", "tmdb_id = 1", r"\(tmdb_id in \["),
        ("film_popularity_days", "tmdb_id = 1", r"\(tmdb_id in \["),
    ):
        plan = filled.client.query(f"EXPLAIN indexes = 1 SELECT * FROM {view} WHERE {condition}")  # noqa: S608 - above
        lines = "\n".join(row[0] for row in plan.result_rows)
        assert re.search(key, lines.partition("ReadFromMergeTree")[2]), (view, condition, lines)


def test_top_changes_are_the_joiners_and_leavers(filled: Filled) -> None:
    """On random days with ties and gaps the view says what `trends --by joiners` and `leavers` say."""
    source = random.Random(5)  # noqa: S311 - test data
    first = date(2026, 2, 25)
    rows = [
        (film, ms(f"{first + timedelta(days=number)}T12:00"), float(source.randrange(30)), "details", 1)
        for film in range(60)
        for number in range(8)
        if source.random() < 0.8 and not (number == 5 and source.random() < 0.6)
    ]
    filled.client.insert(
        "popularity",
        rows,
        column_names=["tmdb_id", "observed_at", "popularity", "source", "revision"],
        column_type_names=["Int64", "DateTime64(3, 'UTC')", "Nullable(Float64)", "LowCardinality(String)", "UInt64"],
    )

    changed = 0
    for number in range(8):
        day = first + timedelta(days=number)
        found = asked(filled, f"SELECT * FROM top_changes(day = '{day}', top = 10)")  # noqa: S608 - own days
        for by, change in (("joiners", "joined"), ("leavers", "left")):
            report = read_popularity(filled.client, PopularityQuestion(by=_ranking(by), day=day, top=10, limit=100))
            told = [(row["tmdb_id"], row["rank"], row["rank_before"]) for row in found if row["change"] == change]
            assert told == [(film["tmdb_id"], film["rank"], film["rank_before"]) for film in report.films], (day, by)
            changed += len(told)
    assert changed > 10


def _ranking(name: str) -> Ranking:
    (found,) = (ranking for ranking in get_args(Ranking) if ranking == name)
    ranking: Ranking = found
    return ranking
