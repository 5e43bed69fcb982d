"""Film-days in a row each: made from the mentions, told as the mentions are, proven against them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest

from cinepulse.closing import ClosingRule
from clickhouse.client import connect
from clickhouse.closed import Closer, read_reached
from clickhouse.erasure import erase_posts
from clickhouse.films import UNNAMED
from clickhouse.mention_days import DayKeeper, check_days, keep_days
from clickhouse.mention_trends import MentionQuestion, MentionRanking, read_mention_trends
from clickhouse.migrate import load_migrations, migrate
from clickhouse.movie import read_movie
from clickhouse.rising import RisingQuestion, read_rising
from clickhouse.trends import CERTAIN, Period, TrendsQuestion, read_trends
from clickhouse.why import read_why
from tests.clickhouse.tables import PARTITIONS, Filled, filled, ms
from tests.clickhouse.talk import DAY, ago, know

if TYPE_CHECKING:
    from collections.abc import Callable

    from cinepulse.settings import Settings
    from clickhouse.client import Client

__all__ = ["filled"]

pytestmark = pytest.mark.real

CLOSER = Closer(ClosingRule(grace_ms=3_600_000, disorder_ms=0, idle_ms=3_600_000), PARTITIONS)
NOON = f"{DAY}T11:59:59.999"
CERTAIN_SINCE, BY_FILM_SINCE = 25, 27
"""The migrations that count certain mentions, and that keep days by film as well."""


def talked(filled: Filled) -> None:
    """Insert talk about eight films over nine days up to noon of the day, some of it twice, seen again or retracted.

    Of a ninth film all is of the days before.
    """
    source = random.Random(5)  # noqa: S311 - test data
    know(filled, [ago(days) for days in range(29)])
    for place in range(400):
        film, back, hour = source.randrange(1, 9), source.randrange(9), source.randrange(12 if place % 3 else 24)
        if back == 0 and hour >= 12:
            continue
        written = f"{ago(back)}T{hour:02}:{source.randrange(60):02}"
        values: dict[str, Any] = {
            "community": source.choice(["movies", "Film", "horror"]),
            "score": source.randrange(99),
            "confidence": source.choice([0.5, 0.79, CERTAIN, 0.9]),
            "author_sketch": source.choice([None, source.randrange(1_024) << 6 | 3]),
        }
        filled.mention(film, f"t1_{place}", written, **values)
        if place % 7 == 0:
            filled.mention(film, f"t1_{place}", written, **{**values, "score": 1_000})
        if place % 11 == 0:
            filled.mention(film, f"t1_{place}", written, gone=True)
    for place in range(30):
        filled.mention(9, f"t1_nine_{place}", f"{ago(1 + place % 9)}T{place % 24:02}:30", score=place)
    filled.count_all(NOON)


def kept(filled: Filled) -> None:
    """Keep all days but the day itself, which is not over."""
    while keep_days(filled.client, before=DAY):
        pass


def ordered(by: MentionRanking, **options: Any) -> Callable[[Client], Any]:
    """Return the reading of all films of the day in an order."""
    usual = {"by": by, "day": DAY, "now_ms": ms(NOON), "closer": CLOSER, "limit": 100}
    asked = MentionQuestion(**{**usual, **options})
    return lambda client: read_mention_trends(client, asked)


READINGS: dict[str, Callable[[Client], Any]] = {
    **{f"today by {by}": ordered(by) for by in get_args(MentionRanking)},
    **{f"a day by {by}": ordered(by, day=ago(1)) for by in get_args(MentionRanking)},
    "in a community": ordered("burst", community="FILM"),
    **{f"certain, by {by}": ordered(by, day=ago(1), least_confidence=CERTAIN) for by in get_args(MentionRanking)},
    "certain, today": ordered("burst", least_confidence=CERTAIN),
    "certain, in a community": ordered("burst", day=ago(1), least_confidence=CERTAIN, community="film"),
    "more than certain": ordered("burst", day=ago(1), least_confidence=0.85),
    "then": ordered("share", at_ms=ms(f"{ago(1)}T10:30")),
    "trends of today": lambda client: read_trends(client, TrendsQuestion(now_ms=ms(NOON), closer=CLOSER)),
    "trends of days": lambda client: read_trends(
        client, TrendsQuestion(now_ms=ms(NOON), closer=CLOSER, period=Period(ago(3), ago(1)))
    ),
    "rising": lambda client: read_rising(client, RisingQuestion(window=6 * 3_600, before=6 * 86_400)),
    "all of a film": lambda client: read_movie(client, replace(UNNAMED, tmdb_id=3), closer=CLOSER, now_ms=ms(NOON)),
    "all of a film of yesterday": lambda client: read_movie(
        client, replace(UNNAMED, tmdb_id=9), closer=CLOSER, now_ms=ms(NOON)
    ),
    "all of a film then": lambda client: read_movie(
        client, replace(UNNAMED, tmdb_id=3), closer=CLOSER, now_ms=ms(NOON), at_ms=ms(f"{ago(1)}T10:30")
    ),
    "why": lambda client: read_why(client, replace(UNNAMED, tmdb_id=3), day=ago(1)),
    "why, today": lambda client: read_why(client, replace(UNNAMED, tmdb_id=3), day=DAY),
}


def test_days_in_rows_are_told_as_mentions_are(filled: Filled) -> None:
    """Each reading gives the same with days that are kept and without: edits, retractions and repetitions included."""
    talked(filled)
    before = {name: read(filled.client) for name, read in READINGS.items()}
    kept(filled)
    reached = read_reached(filled.client)

    assert reached is not None
    assert reached.kept == {ago(days) for days in range(1, 10)}
    assert before["today by burst"].films
    for name, read in READINGS.items():
        assert alike(read(filled.client), before[name]), name


def alike(one: Any, other: Any) -> bool:
    """Return whether two reports say the same; sums of logarithms may differ in their last digits."""
    if not hasattr(one, "films") or not one.films or not isinstance(one.films[0], dict):
        return bool(one == other)
    rows = [{**row, "engagement_weight": None} for row in one.films]
    weights = [row["engagement_weight"] for row in one.films]
    return rows == [{**row, "engagement_weight": None} for row in other.films] and weights == pytest.approx(
        [row["engagement_weight"] for row in other.films]
    )


def test_what_changes_is_kept_anew(filled: Filled) -> None:
    """A late post, a retraction and an erasure each make their day due, and it is kept as it then is.

    Merges are made to end before each look: one that drops superseded rows makes its day due as well.
    """
    talked(filled)
    merged(filled)
    kept(filled)
    assert keep_days(filled.client, before=DAY) == 0
    assert check_days(filled.client).ok

    for change in (
        lambda: filled.mention(3, "t1_late", f"{ago(5)}T03:00"),
        lambda: filled.mention(3, "t1_late", f"{ago(5)}T03:00", gone=True),
        lambda: filled.mention(30, "t1_alone", f"{ago(40)}T03:00"),
        lambda: erase_posts(filled.client, ["t1_alone"]),
    ):
        change()
        merged(filled)
        assert keep_days(filled.client, before=DAY) == 1
        assert keep_days(filled.client, before=DAY) == 0
        assert check_days(filled.client).ok
    counted = "SELECT tmdb_id, sum(length(at_ms)) FROM mention_days FINAL GROUP BY ALL ORDER BY ALL"
    stored = (
        "SELECT tmdb_id, count() FROM mentions FINAL WHERE toDate(created_at) < {day:Date} GROUP BY ALL ORDER BY ALL"
    )
    rows = filled.client.query(stored, parameters={"day": DAY}).result_rows
    assert filled.client.query(counted).result_rows == [*rows, (30, 0)]


def test_days_of_before_the_migration_know_what_is_certain(clickhouse_settings: Settings) -> None:
    """A film-day of before knows how many of its mentions are certain, those at the bound among them."""
    migrations = load_migrations()
    migrate(clickhouse_settings, [one for one in migrations if one.version < CERTAIN_SINCE])
    early = Filled(connect(clickhouse_settings))
    early.client.insert(
        "mention_days",
        [(ago(3), 1, [3, 4, 5], [CERTAIN, CERTAIN - 0.01, 1.0])],
        column_names=["day", "tmdb_id", "at_ms", "confidences"],
        column_type_names=["Date", "Int64", "Array(UInt32)", "Array(Float64)"],
    )

    migrate(clickhouse_settings, migrations)

    told = "SELECT certain, length(at_ms) FROM mention_days FINAL"
    assert early.client.query(told).result_rows == [(2, 3)]


def test_days_of_before_the_migration_are_kept_by_film_too(clickhouse_settings: Settings) -> None:
    """A day that only mention_days has is not said to be kept until it is made anew, and is then in both tables."""
    migrations = load_migrations()
    migrate(clickhouse_settings, [one for one in migrations if one.version < BY_FILM_SINCE])
    early = Filled(connect(clickhouse_settings))
    early.mention(1, "t1_a", f"{ago(3)}T03:00")
    early.count_all(NOON)
    names = ["day", "fingerprint", "kept_at"]
    early.client.insert("mention_days_kept", [[ago(3), 1, ms(NOON)]], column_names=names)

    migrate(clickhouse_settings, migrations)

    reached = read_reached(early.client)
    assert reached is not None
    assert reached.kept == frozenset()
    kept(early)
    told = "SELECT communities, methods, length(at_ms) FROM film_mention_days FINAL"
    ((communities, methods, posts),) = early.client.query(told).result_rows
    assert (sum(communities.values()), sum(methods.values()), posts) == (1, 1, 1)
    assert check_days(early.client).ok


def merged(filled: Filled) -> None:
    """Leave the engine nothing to merge."""
    filled.client.command("OPTIMIZE TABLE mentions FINAL")


@pytest.mark.parametrize("table", ["mention_days", "film_mention_days"])
def test_an_older_reading_never_wins(filled: Filled, table: str) -> None:
    """A process that read first and writes last loses against one that read after it."""
    filled.mention(1, "t1_a", f"{DAY}T01:00")
    filled.count_all(NOON)
    kept(filled)
    stale: tuple[Any, ...] = (DAY, 1, [], 0, ms("2026-03-05T00:00"))
    filled.client.insert(
        table,
        [stale],
        column_names=["day", "tmdb_id", "at_ms", "digest", "kept_at"],
        column_type_names=["Date", "Int64", "Array(UInt32)", "UInt64", "DateTime64(3, 'UTC')"],
    )

    assert check_days(filled.client).ok


@pytest.mark.parametrize("table", ["mention_days", "film_mention_days"])
def test_a_wrong_row_is_found(filled: Filled, table: str) -> None:
    """A film-day that says something else than its mentions fails the check by name."""
    filled.mention(1, "t1_a", f"{ago(1)}T01:00")
    filled.count_all(NOON)
    kept(filled)
    later = datetime.now(UTC) + timedelta(hours=1)
    filled.client.insert(
        table,
        [(ago(1), 1, [5, 6], 9, round(later.timestamp() * 1_000))],
        column_names=["day", "tmdb_id", "at_ms", "digest", "kept_at"],
        column_type_names=["Date", "Int64", "Array(UInt32)", "UInt64", "DateTime64(3, 'UTC')"],
    )

    check = check_days(filled.client)

    assert (check.ok, check.problems) == (False, (f"film 1 on {ago(1)}: 1 stored, 2 in its row",))


def test_a_day_that_is_not_over_is_left(filled: Filled) -> None:
    """Today's mentions are read as they are: what is kept are days before the server's own."""
    now = datetime.now(UTC)
    today, yesterday = (moment.strftime("%Y-%m-%dT00:00") for moment in (now, now - timedelta(days=1)))
    filled.mention(1, "t1_a", today)
    filled.mention(1, "t1_b", yesterday)
    filled.count_all(now.isoformat())

    DayKeeper()(filled.client)

    days = {row[0] for row in filled.client.query("SELECT DISTINCT day FROM mention_days").result_rows}
    assert days <= {date.fromisoformat(yesterday[:10]), now.date()}
    assert date.fromisoformat(yesterday[:10]) in days
