"""Trends of mentions: each formula by hand, and the query against plain Python on random talk with unknown days."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, get_args

import pytest
from click.testing import CliRunner

from cinepulse.authors import author_sketch
from cinepulse.closing import ClosingRule
from cinepulse.commands.trends import trends as command
from clickhouse.closed import Closer
from clickhouse.mention_measures import MENTIONS as MEASURES
from clickhouse.mention_trends import MentionQuestion, MentionRanking, read_mention_trends
from clickhouse.tables import COVERAGE, MENTION_COUNTS
from tests.clickhouse.mention_reference import metrics_of_day
from tests.clickhouse.tables import PARTITIONS, Filled, filled, ms
from tests.clickhouse.talk import DAY, FEEDS, LATER, ago, count, know, start_of, talk_of, tell
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cinepulse.settings import Settings
    from clickhouse.mention_trends import MentionReport

__all__ = ["filled"]

pytestmark = pytest.mark.real

CLOSER = Closer(ClosingRule(grace_ms=3_600_000, disorder_ms=0, idle_ms=3_600_000), PARTITIONS)
NAMES = {measure.name for measure in MEASURES}


def asked(filled: Filled, by: MentionRanking = "share", **options: Any) -> MentionReport:
    """Return the report of the day."""
    usual = {"by": by, "day": DAY, "now_ms": LATER, "closer": CLOSER, "limit": 100_000}
    return read_mention_trends(filled.client, MentionQuestion(**{**usual, **options}))


def only(filled: Filled, values: dict[int, int], *, known: Iterable[int] = range(29), **options: Any) -> dict[str, Any]:
    """Return the metrics of a film that was mentioned so often so many days ago; `known`: days ago that are known."""
    know(filled, [ago(days) for days in known])
    count(filled, {1: {ago(days): (0, number) for days, number in values.items()}})
    (film,) = asked(filled, **options).films
    return film


def test_changes_by_hand(filled: Filled) -> None:
    """Mentioned 5, 8 and 12 times on 7, 1 and 0 days ago, on known days without a gap.

    dod 12 - 8 = 4, 50 %: Surging. wow 12 - 5 = 7, 140 %; velocity 7 / 7 = 1, a week before (5 - 0) / 7: acceleration
    1 - 5 / 7 = 2 / 7. Of 12, 8, 0, 0, 0, 0, 0 the mean is 20 / 7 and the deviation 64 / 7; the squares sum to 208, less
    20² / 7 is 1056 / 7, a sixth of it 176 / 7: volatility 5.014. The week from Monday holds 0, 8, 12: mean 20 / 3, peak
    12, low 0; the week before holds Wednesday's 5: mean 5 / 7, and (20 / 3 - 5 / 7) / (5 / 7) = 833.3 %.
    """
    film = only(filled, {7: 5, 1: 8, 0: 12})

    assert (film["mentions"], film["dod"], film["dod_percent"], film["momentum"]) == (12, 4, 50, "Surging")
    assert (film["wow"], film["wow_percent"], film["velocity"]) == (7, 140, 1)
    assert film["acceleration"] == pytest.approx(2 / 7)
    assert (film["mean_7d"], film["deviation_7d"]) == (pytest.approx(20 / 7), pytest.approx(64 / 7))
    assert film["volatility_7d"] == pytest.approx(math.sqrt(176 / 7))
    assert (film["week_mean"], film["week_peak"], film["week_low"]) == (pytest.approx(20 / 3), 12, 0)
    assert (film["week_mean_before"], film["week_percent"]) == (pytest.approx(5 / 7), pytest.approx(2500 / 3))


def test_burst_by_hand(filled: Filled) -> None:
    """Once on 14 of 28 days and three times on the others: μ = 2 and σ² = 28 / 27.

    Twelve mentions are (12 - 2) / √(28 / 27 + 2 + 1) = 10 / √(109 / 27) = 4.977.
    """
    film = only(filled, {0: 12} | {days: 1 + 2 * (days % 2) for days in range(1, 29)}, by="burst")

    assert (film["usual"], film["usual_days"]) == (2, 28)
    assert film["burst"] == pytest.approx(10 / math.sqrt(109 / 27))


def test_burst_of_a_new_title_is_finite(filled: Filled) -> None:
    """A film that nobody mentioned on 28 known days has μ = σ² = 0: five mentions score 5 / √1 = 5, and it is New."""
    film = only(filled, {0: 5}, by="burst")

    assert (film["burst"], film["usual"], film["momentum"], film["dod_percent"]) == (5, 0, "New", None)


def test_unknown_days_are_null_and_never_zero(filled: Filled) -> None:
    """Yesterday, a week ago and the day before that are not known: nothing is compared with them, whatever was counted.

    Six days ago and today alone are known in the week: no mean. The burst leaves unknown days out: of 21 known ones one
    has 2 mentions, so μ = 2 / 21 and σ² = (4 - 4 / 21) / 20.
    """
    known = [0, 6, *range(9, 29)]
    film = only(filled, {0: 10, 1: 8, 2: 3, 6: 2, 7: 4}, known=known)

    assert (film["dod"], film["dod_percent"], film["wow"], film["velocity"], film["momentum"]) == (
        None,
        None,
        None,
        None,
        "Insufficient",
    )
    assert (film["mean_7d"], film["volatility_7d"], film["week_mean"], film["week_low"]) == (None, None, 10, 10)
    assert film["usual_days"] == 21
    assert film["burst"] == pytest.approx((10 - 2 / 21) / math.sqrt((4 - 4 / 21) / 20 + 2 / 21 + 1))


def test_a_week_ago_may_be_eight_days_ago(filled: Filled) -> None:
    """Where that very day is unknown the day before it stands in, but no earlier one."""
    film = only(filled, {0: 10, 8: 4, 16: 9}, known=[0, 8, 16])

    assert (film["wow"], film["acceleration"]) == (6, None)


def test_a_day_in_doubt_is_told_and_not_compared(filled: Filled) -> None:
    """What was counted on a day that is not known is shown, with its share; whatever compares it is unknown."""
    film = only(filled, {0: 10, 1: 5}, known=range(1, 29))

    assert (film["mentions"], film["share"]) == (10, 1)
    assert {name for name in NAMES if film[name] is None} >= {"dod", "wow", "deviation_7d", "momentum", "burst"}
    assert film["mean_7d"] == pytest.approx(5 / 6)


def test_too_few_known_days_make_no_burst(filled: Filled) -> None:
    """Six known days do not tell what is usual; seven do."""
    film = only(filled, {0: 10}, known=range(7))
    know(filled, [ago(7)])
    (other,) = asked(filled).films

    assert (film["usual_days"], film["burst"], film["momentum"]) == (6, None, "Insufficient")
    assert (other["usual_days"], other["burst"], other["momentum"]) == (7, 10, "New")


def test_first_day_is_compared_with_nothing(filled: Filled) -> None:
    """On the first known day every change is unknown."""
    film = only(filled, {0: 10}, known=[0])

    assert {"dod", "mean_7d", "wow", "velocity", "usual", "burst"} <= {name for name in NAMES if film[name] is None}
    assert (film["usual_days"], film["week_mean"]) == (0, 10)


def test_bounds_of_momentum(filled: Filled) -> None:
    """A bound belongs to the lower class: a gain of 10 % is Rising, one of 5 % Stable, a loss of 5 % Declining."""
    know(filled, [ago(days) for days in range(29)])
    after = {111: "Surging", 110: "Rising", 105: "Stable", 95: "Declining", 90: "Falling"}
    count(filled, {now: {ago(1): (0, 100), DAY: (0, now)} for now in after})

    assert {film["mentions"]: film["momentum"] for film in asked(filled).films} == after


def test_reach_by_hand(filled: Filled) -> None:
    """Two communities; scores 9, -3 and 0 with 10, no and 5 comments weigh ln 20 + ln 1 + ln 6 = 4.787.

    Another film has one of the day's four mentions: shares of three quarters and one.
    """
    know(filled, [DAY])
    filled.mention(1, "t3_a", f"{DAY}T01:00", score=9, num_comments=10, community="movies", kind="submission")
    filled.mention(1, "t1_b", f"{DAY}T02:00", score=-3, community="film")
    filled.mention(1, "t3_c", f"{DAY}T03:00", score=0, num_comments=5, community="film", kind="submission")
    filled.mention(2, "t1_d", f"{DAY}T03:00")
    filled.mention(1, "t1_e", f"{DAY}T04:00")
    filled.mention(1, "t1_e", f"{DAY}T04:00", gone=True)
    filled.mention(1, "t1_f", f"{ago(1)}T04:00", community="yesterday")
    filled.count_all("2026-03-09T00:00")

    film, other = asked(filled, by="spread").films

    assert (film["communities"], film["share"], other["share"]) == (2, 0.75, 0.25)
    assert film["engagement_weight"] == pytest.approx(math.log(20) + math.log(6))
    assert (film["mentions"], film["submissions"], film["comments"]) == (3, 2, 1)


def test_authors_by_hand(filled: Filled) -> None:
    """Three posts of two authors fill two of 1,024 registers: 1,024 ln(1,024 / 1,022) = 2.002.

    A deleted author makes no observation. Where no post of a film tells of an author, their number is unknown.
    """
    know(filled, [DAY])
    for place, author in enumerate(("ann", "bob", "ann", "[deleted]")):
        filled.mention(1, f"t1_{place}", f"{DAY}T01:00", author_sketch=author_sketch(1, author))
    filled.mention(2, "t1_0", f"{DAY}T01:00")
    filled.count_all("2026-03-09T00:00")

    film, other = asked(filled).films

    assert [one["tmdb_id"] for one in asked(filled, by="authors").films] == [1]
    assert film["authors"] == pytest.approx(1_024 * math.log(1_024 / 1_022))
    assert other["authors"] is None


def test_community_and_confidence_select(filled: Filled) -> None:
    """Within one community, or of certain mentions, all days count these alone."""
    know(filled, [ago(days) for days in range(29)])
    for days, number in ((7, 5), (1, 2), (0, 4)):
        for place in range(number):
            filled.mention(1, f"t1_a{days}{place}", f"{ago(days)}T05:00", community="Movies", confidence=0.9)
            filled.mention(1, f"t1_b{days}{place}", f"{ago(days)}T05:00", community="film", confidence=0.5)
    filled.count_all("2026-03-09T00:00")

    (whole,) = asked(filled).films
    (there,) = asked(filled, community="movies").films
    (certain,) = asked(filled, least_confidence=0.8).films

    assert (whole["mentions"], whole["wow"], whole["communities"]) == (8, -2, 2)
    assert (there["mentions"], there["wow"], there["dod"], there["communities"]) == (4, -1, 2, 1)
    assert {name: certain[name] for name in NAMES} == {name: there[name] for name in NAMES}


def test_today_is_compared_up_to_the_same_time(filled: Filled) -> None:
    """At 06:00 a morning stands against mornings: yesterday's evening and that of a week ago do not count.

    Two mentions this morning against one yesterday morning and none a week ago: dod 1, wow 2, and a burst of
    (2 - 1 / 28) / √(σ² + 1 / 28 + 1) with σ² = (1 - 1 / 28) / 27 = 1 / 28.
    """
    know(filled, [ago(days) for days in range(29)])
    filled.mention(1, "t1_a", f"{DAY}T02:00")
    filled.mention(1, "t1_b", f"{DAY}T05:59:59.999")
    filled.mention(1, "t1_c", f"{ago(1)}T05:59:59.998")
    for place in range(9):
        filled.mention(1, f"t1_d{place}", f"{ago(1)}T06:00")
        filled.mention(1, f"t1_e{place}", f"{ago(7)}T18:00")
    filled.count_all(f"{DAY}T05:59:59.999")

    report = asked(filled, day=None, now_ms=ms(f"{DAY}T06:00"))

    (film,) = report.films
    assert (report.chosen, report.day, report.elapsed_share, report.state) == ("today", DAY, 0.25, "provisional")
    assert (film["mentions"], film["dod"], film["wow"]) == (2, 1, 2)
    assert film["burst"] == pytest.approx((2 - 1 / 28) / math.sqrt(1 / 28 + 1 / 28 + 1))


def test_as_it_was_known_then(filled: Filled) -> None:
    """At noon two days had counts of 5, after 3, and of 4: nothing stored later is told, and merges lose nothing."""
    know(filled, [ago(days) for days in range(29)], told=ms(f"{DAY}T00:00"))
    kinds = dict(MENTION_COUNTS.columns) | {"ingested_at": "DateTime64(3, 'UTC')"}
    names = ["tmdb_id", "day", "mentions", "watermark", "revision", "ingested_at"]
    for day, number, at, revision in (
        (ago(1), 3, f"{ago(1)}T12:00", 1),
        (ago(1), 5, f"{DAY}T01:00", 2),
        (ago(1), 6, f"{ago(-2)}T13:00", 3),
        (DAY, 4, f"{ago(-1)}T11:00", 2),
        (DAY, 9, f"{ago(-1)}T13:00", 4),
        (ago(-1), 0, f"{ago(-1)}T11:00", 1),
    ):
        row = [1, day, number, LATER, revision, ms(at)]
        filled.client.insert("mention_counts", [row], column_names=names, column_type_names=[kinds[n] for n in names])
    filled.client.command("OPTIMIZE TABLE mention_counts FINAL")

    then = asked(filled, at_ms=ms(f"{ago(-1)}T12:00"))
    now = asked(filled)

    assert [(film["mentions"], film["dod"]) for film in (*then.films, *now.films)] == [(4, -1), (9, 3)]
    assert (then.known_at, now.known_at) == (datetime(2026, 3, 5, 12, tzinfo=UTC), None)


def test_only_that_part_of_a_day_must_be_known(filled: Filled) -> None:
    """Yesterday was read until 06:00 alone: a morning may be compared with it, a whole day not."""
    know(filled, [DAY])
    for feed in FEEDS:
        stretch = {"covered_from": start_of(ago(1)), "covered_to": start_of(ago(1)) + 6 * 3_600_000}
        filled.insert(
            COVERAGE, source="reddit", listing=feed, started_at=LATER + 9, outcome="ok", revision=1, **stretch
        )
    filled.mention(1, "t1_a", f"{DAY}T02:00")
    filled.count_all(f"{DAY}T05:59:59.999")

    morning = asked(filled).films[0]
    filled.count(1, str(ago(-1)), 0, watermark="2026-03-09T00:00")
    whole = asked(filled).films[0]

    assert (morning["dod"], whole["dod"]) == (1, None)


@pytest.mark.parametrize(
    "day",
    [DAY, date(2028, 3, 1), date(2026, 1, 4), date(2026, 3, 9)],
    ids=["Wednesday", "after a leap day", "Sunday after a year's end", "Monday"],
)
def test_query_agrees_with_plain_python(filled: Filled, day: date) -> None:
    """On 1,000 random films over 60 days with unknown days, every metric of every film is the reference's to 1e-9."""
    talk = talk_of(day.toordinal(), day, 1_000, 60)
    tell(filled, talk, day)
    expected = metrics_of_day(talk, day)

    found: dict[int, dict[str, Any]] = {}
    for by in ("share", "mention-velocity"):
        found |= {film["tmdb_id"]: film for film in asked(filled, by, day=day).films}

    assert {film for film, row in expected.items() if row["mentions"]} <= set(found)
    assert len(found) > 900
    for film, row in found.items():
        for name, value in expected[film].items():
            told = row[name]
            same = told == pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else told == value
            assert same, (film, name, told, value)


def test_orders(filled: Filled) -> None:
    """Each order lists the films that have its metric, the highest first and the lower id among equals."""
    tell(filled, talk_of(3, DAY, 200, 60), DAY)
    names = {
        "spread": "communities",
        "engagement": "engagement_weight",
        "mention-velocity": "velocity",
        "mention-acceleration": "acceleration",
        "mention-gainers": "wow_percent",
        "mention-decliners": "wow_percent",
    }

    for by in get_args(MentionRanking):
        sign = -1 if by == "mention-decliners" else 1
        films = asked(filled, by, limit=20).films
        keys = [(-sign * film[names.get(by, by)], film["tmdb_id"]) for film in films]
        assert len(keys) == 20
        assert keys == sorted(keys)
        if by in {"mention-gainers", "mention-decliners"}:
            assert all(sign * film["wow_percent"] > 0 and film["mentions"] - film["wow"] >= 5 for film in films)


def test_every_column_is_documented(filled: Filled) -> None:
    """The registry names exactly the metrics that the query returns."""
    film = only(filled, {0: 1})

    assert set(film) - {"tmdb_id", "title", "release_date"} == NAMES


def test_report_says_what_it_rests_on(filled: Filled) -> None:
    """Day, why it was chosen, state, coverage, how many days before are known, and titles from the catalogue."""
    know(filled, [ago(days) for days in range(11)])
    filled.film(1, "Dune", release_date="2021-09-15")
    count(filled, {1: {DAY: (1, 0)}, 2: {DAY: (1, 0)}})

    report = asked(filled, day=None)

    assert (report.day, report.chosen, report.state, report.elapsed_share) == (DAY, "latest", "final", 1)
    assert (report.coverage.share, report.baseline_days) == (1, 10)
    assert report.as_of == datetime(2026, 3, 9, tzinfo=UTC)
    assert [(film["title"], film["release_date"]) for film in report.films] == [
        ("Dune", "2021-09-15"),
        ("film 2", None),
    ]


def test_nothing_counted_is_no_error(filled: Filled) -> None:
    """Before the first count, and on a day that the stream has not reached, there is a report without films."""
    empty = asked(filled, day=None)
    filled.count(1, str(DAY), 1, watermark=f"{DAY}T12:00")
    ahead = asked(filled, day=ago(-1))

    assert (empty.as_of, empty.films, empty.state, empty.baseline_days) == (None, (), "provisional", 0)
    assert (ahead.elapsed_share, ahead.films) == (0, ())


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Run the command against the database and return its exit code and output."""
    environment = {
        "CINEPULSE_CLICKHOUSE_HOST": settings.clickhouse_host,
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
        "COLUMNS": "120",
    }
    result = CliRunner().invoke(command, arguments, env=environment)
    return result.exit_code, result.output


def test_command_prints_each_order(filled: Filled, migrated_settings: Settings) -> None:
    """Each order has a table of its own columns; JSON and CSV have every metric, whatever the order."""
    know(filled, [ago(days) for days in range(29)])
    for film, past, now in ((1, 5, 8), (2, 8, 5)):
        for days, number in ((7, past), (0, now)):
            for place in range(number):
                filled.mention(film, f"t1_{days}{place}", f"{ago(days)}T05:00", author_sketch=place << 6 | 1)
    filled.count_all("2026-03-09T00:00")

    for by in get_args(MentionRanking):
        code, table = run(migrated_settings, "--by", by, "--day", str(DAY))
        assert (code, "days in UTC" in table, "film 1" in table or "film 2" in table) == (0, True, True)
        assert "100.0% known; of the 28 days before, 28 are known" in table
    document, rows = (
        run(migrated_settings, "--by", "burst", "--day", str(DAY), "--format", form)[1] for form in ("json", "csv")
    )

    told = json.loads(document)
    assert told["coverage"] == {"share": 1, "complete": True, "gaps": 0, "gap_seconds": 0}
    assert [set(film) >= NAMES for film in told["films"]] == [True, True]
    assert (len(rows.splitlines()), set(rows.splitlines()[0].split(",")) >= NAMES) == (3, True)


def test_command_warns_of_what_is_not_known(filled: Filled, migrated_settings: Settings) -> None:
    """A day without coverage, or with too few known days before it, says why numbers are missing."""
    count(filled, {1: {DAY: (1, 0)}})
    _, unknown = run(migrated_settings, "--by", "share", "--day", str(DAY))
    know(filled, [DAY, ago(1)])
    _, early = run(migrated_settings, "--by", "share", "--day", str(DAY))

    assert "Less than 95% of the day is known" in unknown
    assert "Fewer than 7 days before are known" in early
    assert "see cinepulse rising" in run(migrated_settings, "--by", "burst", "--day", str(DAY))[1]


def test_ranges_do_not_fit(migrated_settings: Settings) -> None:
    """Metrics of a day are not those of a range."""
    code, output = run(migrated_settings, "--by", "burst", "--from", "2026-03-01")

    assert (code, "takes --day" in output) == (2, True)
