"""Trends of TMDB's numbers: each formula by hand, and the query against plain Python on random histories with gaps."""

from __future__ import annotations

import json
import math
import random
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest
from click.testing import CliRunner

from cinepulse.commands.trends import BY
from cinepulse.commands.trends import trends as command
from clickhouse.client import connect
from clickhouse.measures import POPULARITY as MEASURES
from clickhouse.migrate import load_migrations, migrate
from clickhouse.popularity import PopularityQuestion, Ranking, read_popularity
from clickhouse.tables import POPULARITY
from tests.clickhouse.popularity_reference import History, metrics_of_day
from tests.clickhouse.tables import Filled, filled, ms
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cinepulse.settings import Settings
    from clickhouse.popularity import PopularityReport
    from tests.clickhouse.popularity_reference import Seen

__all__ = ["filled"]

pytestmark = pytest.mark.real

DAY = date(2026, 3, 4)
"""A Wednesday, so that its week holds three days; the two weeks before it cross the end of February."""
DAYS_SINCE = (12, 20)
"""The migrations that made the table of days, and made it anew."""
NAMES = {measure.name for measure in MEASURES}


def put(filled: Filled, rows: Iterable[tuple[int, date, Seen]]) -> History:
    """Insert a snapshot at noon for each, and return them as the reference wants them."""
    history, lines = History(), []
    for revision, (tmdb_id, day, numbers) in enumerate(rows, 1):
        history.add(tmdb_id, day, numbers)
        lines.append((tmdb_id, ms(f"{day}T12:00"), *numbers, "details", "live", 0, 0, 0, revision))
    names = ["tmdb_id", "observed_at", "popularity", "vote_count", "vote_average", "source", "origin"]
    names += ["source_partition", "source_offset", "kafka_timestamp", "revision"]
    kinds = dict(POPULARITY.columns)
    filled.client.insert(POPULARITY.name, lines, column_names=names, column_type_names=[kinds[name] for name in names])
    return history


def ago(days: int) -> date:
    """Return the day so many days before."""
    return DAY - timedelta(days=days)


def asked(filled: Filled, by: Ranking = "popularity", **options: Any) -> PopularityReport:
    """Return the report of the day."""
    question = PopularityQuestion(**{"by": by, "day": DAY, "limit": 100_000, **options})
    return read_popularity(filled.client, question)


def only(filled: Filled, values: dict[int, Seen], **options: Any) -> dict[str, Any]:
    """Return the metrics of one film that was seen so many days ago with these numbers."""
    put(filled, [(1, ago(days), numbers) for days, numbers in values.items()])
    (film,) = asked(filled, **options).films
    return film


def test_changes_by_hand(filled: Filled) -> None:
    """Seen at 40, 50, 50, 60 on 7, 2, 1 and 0 days ago, votes 1,000, -, 1,058 and 1,070.

    dod 60 - 50 = 10, 20 %. wow 60 - 40 = 20, 50 %. Three of seven days are seen, so there is no mean. The week from
    Monday holds 50, 50, 60: mean 53.33, peak 60, low 50; the week before holds Wednesday's 40: (53.33 - 40) / 40 =
    33.33 %. Velocity 70 / 7 = 10. Coefficient 60 · 70 / 1000 + 40 · 20 / 40 = 24.2. dod 20 % is Surging.
    """
    film = only(filled, {7: (40.0, 1000, 7.0), 2: (50.0, None, 7.0), 1: (50.0, 1058, 7.0), 0: (60.0, 1070, 7.1)})

    assert (film["dod"], film["dod_percent"], film["wow"], film["wow_percent"]) == (10, 20, 20, 50)
    assert (film["mean_7d"], film["volatility_7d"], film["deviation_7d"]) == (None, None, None)
    assert (film["week_mean"], film["week_peak"], film["week_low"]) == (pytest.approx(160 / 3), 60, 50)
    assert film["week_percent"] == pytest.approx(100 / 3)
    assert (film["vote_velocity"], film["votes_dod"], film["vote_acceleration"]) == (10, 12, None)
    assert (film["viral_coefficient"], film["viral_category"]) == (pytest.approx(24.2), "Slightly Viral")
    assert (film["momentum"], film["engagement"], film["trend"], film["score"]) == ("Surging", "Low", "Rising", 7.1)


def test_mean_and_volatility_by_hand(filled: Filled) -> None:
    """Of 40, 50, 60 and 50 the mean is 50 and the squares of the deviations sum to 200: √(200 / 3)."""
    film = only(filled, {6: (40.0, 1, 7.0), 4: (50.0, 1, 7.0), 2: (60.0, 1, 7.0), 0: (50.0, 1, 7.0)})

    assert (film["mean_7d"], film["deviation_7d"]) == (50, 0)
    assert film["volatility_7d"] == pytest.approx(math.sqrt(200 / 3))


def test_acceleration_breakout_and_engagement_trend_by_hand(filled: Filled) -> None:
    """Votes 1,000, 1,028, 1,448 at popularity 40, 40, 76, fourteen days apart in two steps.

    Velocity (1448 - 1028) / 7 = 60, before it 28 / 7 = 4: acceleration 56. Coefficient 60 · 420 / 1028 + 40 · 36 / 40
    = 60.51, before it 60 · 28 / 1000 = 1.68: a Major breakout. wow 36 at velocity 60 is Viral. Yesterday 1,440 votes:
    8 came, where 5 and 3 a day came 13 to 14 and 7 to 8 days ago, 4 on average: Rising.
    """
    film = only(
        filled,
        {
            14: (40.0, 1000, 7.0),
            13: (40.0, 1005, 7.0),
            8: (40.0, 1025, 7.0),
            7: (40.0, 1028, 7.0),
            1: (70.0, 1440, 7.0),
            0: (76.0, 1448, 7.0),
        },
    )

    assert (film["vote_velocity"], film["vote_acceleration"]) == (60, 56)
    assert film["viral_coefficient"] == pytest.approx(60 * 420 / 1028 + 36)
    assert film["viral_coefficient_before"] == pytest.approx(1.68)
    assert (film["breakout"], film["emerging"], film["trend"], film["engagement"]) == ("Major", True, "Viral", "High")
    assert (film["votes_dod"], film["votes_dod_before"], film["engagement_trend"]) == (8, 4, "Rising")


def test_days_are_calendar_days(filled: Filled) -> None:
    """A film seen on every third day has no day before it, and a week ago may be eight days ago but not nine."""
    film = only(filled, {9: (10.0, 1, 7.0), 3: (20.0, 1, 7.0), 0: (30.0, 1, 7.0)})
    other = only(filled, {8: (10.0, 1, 7.0)}, by="rank")

    assert (film["dod"], film["wow"], film["momentum"]) == (None, None, "Insufficient")
    assert other["wow"] == 20


def test_first_day_is_new_and_compared_with_nothing(filled: Filled) -> None:
    """On the very first day everything is unknown and nobody joins."""
    film = only(filled, {0: (30.0, 5, None)})

    unknown = {name for name in NAMES if film[name] is None}
    assert {"dod", "wow", "vote_velocity", "viral_score", "rank_before", "rank_change", "breakout"} <= unknown
    assert (film["momentum"], film["rank"], film["joined"], film["departed"]) == ("New", 1, False, False)
    assert asked(filled).compared_days is None


def test_division_by_zero_is_unknown(filled: Filled) -> None:
    """A percentage of nothing is unknown, and the coefficient's floor of one stands in for it."""
    film = only(filled, {7: (0.0, 0, None), 1: (0.0, 0, None), 0: (0.5, 1, 8.0)})

    assert (film["dod_percent"], film["wow_percent"]) == (None, None)
    assert film["viral_coefficient"] == 80


def test_votes_that_fall_are_negative(filled: Filled) -> None:
    """TMDB removes votes: velocity is then negative, the coefficient stays at zero and the class is the lowest."""
    film = only(filled, {7: (40.0, 1070, 7.0), 0: (40.0, 1000, 7.0)})

    assert (film["vote_velocity"], film["viral_coefficient"], film["engagement"]) == (-10, 0, "Minimal")


def test_ranks_ties_joiners_and_leavers(filled: Filled) -> None:
    """Among equals the lower id ranks first; who enters or leaves the top is told once and has no change."""
    yesterday = {1: 50.0, 2: 40.0, 3: 30.0, 4: 20.0}
    today = {2: 60.0, 1: 60.0, 4: 55.0, 3: 10.0}
    put(filled, [(film, ago(1), (value, 1, None)) for film, value in yesterday.items()])
    put(filled, [(film, ago(0), (value, 1, None)) for film, value in today.items()])

    films = {film["tmdb_id"]: film for film in asked(filled, top=3).films}

    assert {key: (film["rank"], film["rank_change"]) for key, film in films.items()} == {
        1: (1, 0),
        2: (2, 0),
        4: (3, None),
        3: (4, None),
    }
    assert [film["tmdb_id"] for film in asked(filled, "joiners", top=3).films] == [4]
    assert [film["tmdb_id"] for film in asked(filled, "leavers", top=3).films] == [3]


def test_a_day_that_was_hardly_seen_is_not_compared_with(filled: Filled) -> None:
    """One film of four seen yesterday makes no joiners of the others: the day before it counts."""
    put(filled, [(film, ago(2), (float(film), 1, None)) for film in range(1, 5)])
    put(filled, [(4, ago(1), (4.0, 1, None))])
    put(filled, [(film, ago(0), (float(film), 1, None)) for film in range(1, 5)])

    report = asked(filled, top=2)

    assert report.compared_days == 2
    assert not any(film["joined"] or film["departed"] for film in report.films)


def histories(seed: int, films: int, days: int) -> list[tuple[int, date, Seen]]:
    """Return random histories with days missing, values missing, votes that fall, ties and zeros."""
    source = random.Random(seed)  # noqa: S311 - no secret
    rows: list[tuple[int, date, Seen]] = []
    for film in range(1, films + 1):
        value, votes = source.choice([0.0, 5.0, source.uniform(0, 300)]), source.randrange(0, 3_000)
        first = source.choice([days, days, source.randrange(1, days)])
        for back in range(first, -20, -1):
            value = max(0.0, value * source.choice([1.0, 1.0, source.uniform(0.7, 1.5)]))
            votes = max(0, votes + source.choice([0, source.randrange(-5, 40), source.randrange(0, 400)]))
            if source.random() < 0.75:
                seen = (
                    None if source.random() < 0.05 else round(value, source.choice([0, 3])),
                    None if source.random() < 0.05 else votes,
                    None if source.random() < 0.2 else round(source.uniform(0, 10), 2),
                )
                rows.append((film, ago(back), seen))
    return rows


@pytest.mark.parametrize("day", [DAY, date(2026, 3, 1), date(2026, 3, 9)], ids=["Wednesday", "Sunday", "Monday"])
def test_query_agrees_with_plain_python(filled: Filled, day: date) -> None:
    """On 1,000 random films over 60 days with gaps, every metric of every film is the reference's to 1e-9."""
    history = put(filled, histories(7, 1_000, 40))
    expected = metrics_of_day(history, day, 100)

    found: dict[int, dict[str, Any]] = {}
    for by in get_args(Ranking):
        found |= {film["tmdb_id"]: film for film in asked(filled, by, day=day, top=100).films}

    listed = {film for film, row in expected.items() if row["popularity"] is not None or row["departed"]}
    assert listed <= set(found) <= set(expected)
    for film, row in found.items():
        for name, value in expected[film].items():
            told = row[name]
            same = told == pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else told == value
            assert same, (film, name, told, value)


KEYS: Mapping[Ranking, Callable[[dict[str, Any]], float | None]] = {
    "popularity": lambda film: film["popularity"],
    "rank": lambda film: film["popularity"],
    "gainers": lambda film: film["wow_percent"] if (film["wow_percent"] or 0) > 0 and film["known_before"] else None,
    "decliners": lambda film: -film["wow_percent"] if (film["wow_percent"] or 0) < 0 else None,
    "velocity": lambda film: film["vote_velocity"],
    "acceleration": lambda film: film["vote_acceleration"],
    "viral": lambda film: film["viral_score"],
    "coefficient": lambda film: film["viral_coefficient"] if (film["viral_coefficient"] or 0) >= 20 else None,
    "emerging": lambda film: film["vote_acceleration"] if film["emerging"] else None,
    "breakout": lambda film: film["viral_coefficient"] if film["breakout"] else None,
    "joiners": lambda film: -film["rank"] if film["joined"] else None,
    "leavers": lambda film: -film["rank_before"] if film["departed"] else None,
    "risers": lambda film: film["rank_change"] if (film["rank_change"] or 0) > 0 else None,
}
"""What each order lists films by, of the reference's metrics; None for those that it does not list."""


@pytest.mark.parametrize("by", get_args(Ranking))
def test_each_order_lists_the_films_that_its_metric_names(filled: Filled, by: Ranking) -> None:
    """On random films with gaps, each order lists the reference's, the lower id first among equals."""
    history = put(filled, histories(5, 300, 40))
    films = metrics_of_day(history, DAY, 100)
    for film, row in films.items():
        row["known_before"] = (history.popularity(film, ago(1)) or 0) >= 5
    keys = {film: KEYS[by](row) for film, row in films.items()}
    expected = sorted((-key, film) for film, key in keys.items() if key is not None)

    report = asked(filled, by, top=100, limit=20)

    assert len(expected) > 3
    assert [film["tmdb_id"] for film in report.films] == [film for _, film in expected[:20]]
    assert report.qualified == len(expected)


def test_view_agrees_with_plain_python(filled: Filled) -> None:
    """On random films with gaps, every metric that `popularity_on` has of a film is the reference's to 1e-9."""
    history = put(filled, histories(11, 300, 40))
    expected = metrics_of_day(history, DAY, 100)

    query = "SELECT * FROM popularity_on(day = {day:Date})"
    rows = list(filled.client.query(query, parameters={"day": DAY}).named_results())

    assert {row["tmdb_id"] for row in rows} == set(expected)
    shared = rows[0].keys() & expected[rows[0]["tmdb_id"]].keys()
    assert len(shared) > 15
    for row in rows:
        for name in shared:
            value = expected[row["tmdb_id"]][name]
            same = row[name] == pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else None
            assert row[name] == value if same is None else same, (row["tmdb_id"], name)


def test_last_day_of_the_calendar_is_stored(filled: Filled) -> None:
    """A snapshot of the last day that a date can be is compared on no day after it, least of all on the first one."""
    filled.popularity(1, "2149-06-06T12:00", 5.0)

    days = filled.client.query("SELECT day, tmdb_id FROM popularity_days").result_rows

    assert days == [(date(2149, 6, 6), 1)]


def test_joiners_and_leavers_balance(filled: Filled) -> None:
    """From one day to the next, as many films join the top as leave it, while both days fill it."""
    put(filled, histories(3, 200, 30))

    for back in range(10):
        joined = asked(filled, "joiners", day=ago(back), top=50).films
        departed = asked(filled, "leavers", day=ago(back), top=50).films
        assert len(joined) == len(departed)


def test_the_last_snapshot_of_a_day_counts_however_often_it_comes(filled: Filled) -> None:
    """Delivered twice, late, or twice at the same instant: a day's numbers are those of its last snapshot, by revision.

    At noon 30 and, of a higher revision, 32; at nine 90; all of it twice. The day's popularity is 32, its peak 90. The
    votes of nine stand, since noon has none.
    """
    rows = [("12:00", 30.0, None, 5), ("12:00", 32.0, None, 6), ("09:00", 90.0, 7, 9)]
    for time, value, votes, revision in [*rows, *reversed(rows)]:
        filled.insert(
            POPULARITY,
            tmdb_id=1,
            observed_at=ms(f"{DAY}T{time}"),
            source=f"list {revision}",
            popularity=value,
            vote_count=votes,
            revision=revision,
        )

    (film,) = asked(filled).films

    assert (film["popularity"], film["votes"], film["peak"]) == (32, 7, 90)
    assert film["seen_at"] == datetime.fromisoformat(f"{DAY}T12:00:00+00:00")


@pytest.mark.parametrize("since", DAYS_SINCE)
def test_snapshots_of_before_the_migration_are_in_the_days(clickhouse_settings: Settings, since: int) -> None:
    """The migration fills the days from what is stored, and what arrives while it runs counts once."""
    migrations = load_migrations()
    migrate(clickhouse_settings, [one for one in migrations if one.version < since])
    early = Filled(connect(clickhouse_settings))
    history = put(early, histories(5, 50, 20))

    migrate(clickhouse_settings, migrations)
    put(early, [(film, day, numbers) for film, seen in history.seen.items() for day, numbers in seen.items()])

    expected = metrics_of_day(history, DAY, 100)
    films = {film["tmdb_id"]: film["wow"] for film in asked(early).films}
    assert films == {film: pytest.approx(expected[film]["wow"]) for film in films}
    assert len(films) > 20


def test_one_vote_more_is_no_wave(filled: Filled) -> None:
    """From 1 vote to 2, 10 to 11, the coefficient is 60 · 1 / 1 + 40 · 1 / 10 = 64, Highly Viral; the score says less.

    Its growth of votes, 1 / 51, is the highest of three, and so is its score: 60 + 40 = 100. But with a seventh of a
    vote a day it is Moderately Viral at most.
    """
    put(filled, [(1, ago(7), (10.0, 1, 7.0)), (1, DAY, (11.0, 2, 7.0))])
    put(filled, [(film, ago(days), (10.0, 1_000, 7.0)) for film in (2, 3) for days in (7, 0)])

    film = asked(filled, "viral").films[0]

    assert (film["tmdb_id"], film["viral_coefficient"], film["viral_category"]) == (1, 64, "Highly Viral")
    assert (film["viral_score"], film["viral_score_category"]) == (pytest.approx(100), "Moderately Viral")


def test_a_leaver_is_told_once(filled: Filled) -> None:
    """Who left the top yesterday is no leaver today, although still out of it."""
    places = {2: (1, 2, 3), 1: (2, 3, 1), 0: (2, 3, 1)}
    put(
        filled,
        [
            (film, ago(days), (9.0 - place, 1, None))
            for days, films in places.items()
            for place, film in enumerate(films)
        ],
    )

    assert [film["tmdb_id"] for film in asked(filled, "leavers", day=ago(1), top=2).films] == [1]
    assert asked(filled, "leavers", day=ago(0), top=2).films == ()
    assert asked(filled, "joiners", day=ago(0), top=2).films == ()


def test_gainers_need_to_be_seen(filled: Filled) -> None:
    """A film that hardly anybody looked at yesterday is no gainer; decliners are listed by their loss."""
    put(filled, [(1, ago(7), (1.0, 1, None)), (1, ago(1), (4.9, 1, None)), (1, ago(0), (90.0, 1, None))])
    put(filled, [(2, ago(7), (10.0, 1, None)), (2, ago(1), (5.0, 1, None)), (2, ago(0), (20.0, 1, None))])
    put(filled, [(3, ago(7), (10.0, 1, None)), (3, ago(1), (5.0, 1, None)), (3, ago(0), (5.0, 1, None))])

    assert [film["tmdb_id"] for film in asked(filled, "gainers").films] == [2]
    assert [film["tmdb_id"] for film in asked(filled, "decliners").films] == [3]


def test_every_column_is_documented(filled: Filled) -> None:
    """The registry names exactly the metrics that the query returns."""
    film = only(filled, {0: (1.0, 1, None)})

    assert set(film) - {"tmdb_id", "title", "release_date"} == NAMES


def test_report_says_what_it_rests_on(filled: Filled) -> None:
    """Without a day it is the latest one seen, provisional until another follows; titles come from the catalogue."""
    filled.film(1, "Dune", release_date="2021-09-15")
    put(filled, [(1, ago(1), (1.0, 1, None)), (1, ago(0), (2.0, 1, None)), (2, ago(0), (1.0, 1, None))])

    latest, earlier = asked(filled, day=None), asked(filled, day=ago(1))

    assert (latest.day, latest.state, latest.seen, latest.seen_before) == (DAY, "provisional", 2, 1)
    assert latest.as_of == datetime.fromisoformat(f"{DAY}T12:00:00+00:00")
    assert [(film["title"], film["release_date"]) for film in latest.films] == [
        ("Dune", "2021-09-15"),
        ("film 2", None),
    ]
    assert (earlier.state, earlier.day) == ("final", ago(1))


def test_nothing_seen_is_no_error(filled: Filled) -> None:
    """Before the first snapshot there is a report without a day, or of the day asked for."""
    report, of_day = asked(filled, day=None), asked(filled, day=DAY)

    assert (report.day, report.as_of, report.films, report.state) == (None, None, (), "provisional")
    assert (of_day.day, of_day.as_of, of_day.films) == (DAY, None, ())


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Run the command against the database and return its exit code and output."""
    environment = {
        "CINEPULSE_CLICKHOUSE_HOST": settings.clickhouse_host,
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
    }
    result = CliRunner().invoke(command, arguments, env=environment)
    return result.exit_code, result.output


@pytest.mark.parametrize("by", get_args(Ranking))
def test_command_prints_each_order(filled: Filled, migrated_settings: Settings, by: Ranking) -> None:
    """Each order has a table of its own columns, and JSON and CSV with every metric; its choices are all rankings."""
    put(filled, [(1, ago(7), (10.0, 1, None)), (1, ago(1), (12.0, 10, None)), (1, ago(0), (60.0, 900, 7.5))])

    table, document, rows = (
        run(migrated_settings, "--by", by, "--day", str(DAY), "--format", form) for form in ("table", "json", "csv")
    )

    assert [code for code, _ in (table, document, rows)] == [0, 0, 0]
    films = json.loads(document[1])["films"]
    assert ("film 1" in table[1]) == bool(films)
    assert len(rows[1].splitlines()) == len(films) + bool(films)
    assert set(BY) >= {"mentions", *get_args(Ranking)}


def test_options_of_mentions_do_not_fit(migrated_settings: Settings) -> None:
    """A range or a community says nothing about TMDB's numbers of a day."""
    code, output = run(migrated_settings, "--by", "viral", "--community", "movies")

    assert (code, "takes --day, --at, --limit, --top and --format alone" in output) == (2, True)
