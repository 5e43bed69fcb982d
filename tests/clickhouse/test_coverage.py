"""Coverage: how much of a period is known, gaps and failures taken off, backfills put back."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cinepulse.cli import cli
from cinepulse.clock import MILLISECONDS_PER_DAY as DAY
from clickhouse.coverage import MILLISECONDS_PER_HOUR, Coverage, Hour, Polls, Stretch, read_polls
from clickhouse.coverage_view import marked, share_text
from clickhouse.tables import COVERAGE
from tests.clickhouse.tables import Filled, filled, ms
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from cinepulse.settings import Settings

__all__ = ["filled"]

MOVIES = frozenset({"movies"})
BOTH = frozenset({"movies", "scifi"})


def hour(first: int | None, last: int | None, *, feed: str = "new", last_poll: int = 0) -> Hour:
    """Return a feed that was read from `first` to `last`."""
    end = last_poll or last or 0
    succeeded = None if first is None or last is None else (first, last)
    return Hour(feed, first or 0, 1, 1, 0, 2, 3, succeeded, end, MOVIES)


def lost(first: int, end: int, communities: frozenset[str] = MOVIES, feed: str = "new") -> Stretch:
    """Return a stretch of event time."""
    return Stretch(feed, communities, (first, end))


def share(hours: list[Hour], gaps: tuple[Stretch, ...] = (), whole: tuple[Stretch, ...] = ()) -> float | None:
    """Return the share of the first second that is known."""
    return Polls("reddit", sorted(hours, key=lambda one: one.start), gaps, whole).of(0, 1_000, 1_000).share


@pytest.mark.parametrize(
    ("hours", "gaps", "known"),
    [
        ([], (), None),
        ([hour(0, 1_000)], (), 1.0),
        ([hour(-500, 2_000)], (), 1.0),
        ([hour(250, 1_000)], (), 0.75),
        ([hour(0, 500, last_poll=1_000)], (), 0.5),
        ([hour(None, None, last_poll=900)], (), 0.0),
        ([hour(0, 1_000)], (lost(100, 200), lost(150, 300)), 0.8),
        ([hour(0, 1_000)], (lost(-100, 100), lost(900, 5_000)), 0.8),
        ([hour(0, 1_000), hour(500, 1_000, feed="comments")], (), 0.75),
        ([hour(0, 1_000), hour(0, 1_000, feed="comments")], (lost(0, 500),), 0.75),
        ([hour(1_500, 2_000)], (), 0.0),
        ([hour(-3 * DAY, -3 * DAY)], (), None),
        ([hour(0, 1_000), hour(0, 1_000, feed="else")], (), 1.0),
    ],
    ids=[
        "no polls",
        "whole",
        "longer",
        "late start",
        "early end",
        "only failures",
        "overlapping gaps",
        "gaps at the edges",
        "mean of feeds",
        "a gap is its feed's",
        "after it",
        "days away",
        "not on a cadence",
    ],
)
def test_share_of_polls(hours: list[Hour], gaps: tuple[Stretch, ...], known: float | None) -> None:
    """The share of the period between the first and last poll that succeeded, less its gaps."""
    assert share(hours, gaps) == (None if known is None else pytest.approx(known))


@pytest.mark.parametrize(
    ("gaps", "whole", "known"),
    [
        ((lost(100, 600),), (lost(0, 1_000),), 1.0),
        ((lost(100, 600),), (lost(0, 350),), 0.75),
        ((lost(100, 600),), (lost(100, 300), lost(250, 600)), 1.0),
        ((lost(100, 600),), (lost(0, 1_000, feed="comments"),), 0.5),
        ((lost(100, 600, BOTH),), (lost(0, 1_000),), 0.5),
        ((lost(100, 600, BOTH),), (lost(0, 1_000), lost(0, 350, frozenset({"scifi"}))), 0.75),
        ((lost(100, 600, BOTH),), (lost(0, 1_000, BOTH | {"horror"}),), 1.0),
    ],
    ids=[
        "mended",
        "in part",
        "by two files",
        "the other feed",
        "one of two communities",
        "one community in part",
        "more than needed",
    ],
)
def test_a_backfill_mends_gaps(gaps: tuple[Stretch, ...], whole: tuple[Stretch, ...], known: float) -> None:
    """A gap closes where files hold all of its communities."""
    found = Polls("reddit", [hour(0, 1_000)], gaps, whole).of(0, 1_000, 1_000)

    assert found.share == pytest.approx(known)
    assert found.gap_seconds == pytest.approx(1 - known)
    assert found.gaps == (0 if known == 1.0 else 1)


def test_a_backfill_covers_what_was_never_polled() -> None:
    """Before the first poll a file of the polled communities counts; a day of dumps alone is known by both kinds."""
    comments = lost(0, 1_000, feed="comments")

    assert share([hour(600, 1_000)], whole=(lost(0, 500),)) == pytest.approx(0.9)
    assert share([], whole=(lost(0, 1_000),)) == pytest.approx(0.5)
    assert share([], whole=(lost(0, 1_000), comments)) == 1.0


def test_only_what_has_passed_counts() -> None:
    """Of a day that is not over, the part up to now is looked at."""
    assert Polls("reddit", [hour(0, 400)]).of(0, 1_000, 400).share == 1.0


def test_failing_polls_move_time_on() -> None:
    """When every poll fails, the covered share falls, though no new event moves the as-of."""
    assert Polls("reddit", [hour(0, 400, last_poll=800)]).of(0, 1_000, 400).share == pytest.approx(0.5)


def test_period_that_has_not_begun_has_no_share() -> None:
    """Nothing of it has passed, so nothing can be said."""
    assert Polls("reddit", [hour(0, 400)]).of(5_000, 6_000, 400).share is None


def test_gap_without_polls_is_still_told() -> None:
    """A gap that a later poll found in a day nobody polled otherwise."""
    found = Polls("reddit", [], [lost(100, 200)]).of(0, 1_000, 1_000)

    assert (found.share, found.gaps, found.gap_seconds) == (None, 1, 0.1)


def test_numbers_are_those_of_the_period() -> None:
    """Polls, failures, requests and items beside it are left out."""
    polls = Polls("reddit", [hour(-2_000, -1_500), hour(0, 500), hour(600, 900), hour(1_000, 1_500)])

    assert polls.of(0, 1_000, 5_000) == Coverage(
        share=1.0, gaps=0, gap_seconds=0.0, polls=2, failed=2, overflowed=0, requests=4, items=6
    )


def test_a_tmdb_list_stands_until_the_next_poll() -> None:
    """Lists show the moment: without a poll nothing is known, whatever comes later."""
    hours = [hour(0, 100, feed="popular"), hour(800, 800, feed="popular")]

    assert Polls("tmdb", hours, hold_ms=150).of(0, 1_000, 1_000).share == pytest.approx(0.4)
    assert Polls("tmdb", [], (), (lost(0, 250, feed="export"),)).of(0, 1_000, 1_000).share == pytest.approx(0.25)


def test_a_range_is_the_mean_of_its_days() -> None:
    """A day nobody looked at within a range is not known, and says so; a range of such days has no share."""
    polls = Polls("reddit", [hour(0, DAY)])

    whole, days = polls.over_days(0, 5 * DAY, 5 * DAY)

    assert [one.share for _, one in days] == [1.0, 0.0, 0.0, None, None]
    assert whole.share == pytest.approx(0.2)
    assert Polls("reddit", []).over_days(0, 2 * DAY, 2 * DAY)[0].share is None


@pytest.mark.parametrize(
    ("known", "complete", "text"),
    [
        (None, None, "unknown"),
        (1.0, True, "100.0%"),
        (0.95, True, "95.0%"),
        (0.9499, False, "94.9% !"),
        (0.0, False, "0.0% !"),
    ],
)
def test_below_95_percent_is_marked(known: float | None, complete: object, text: str) -> None:
    """The bound is within; a share is never rounded up to it."""
    found = Coverage(known, 0, 0.0, 1, 0, 0, 1, 1)

    assert (found.complete, marked(found)) == (complete, text)
    assert share_text(0.99999) == "99.9%"


def mend(filled: Filled, listing: str, first: str, end: str) -> None:
    """Add a backfill's report."""
    filled.insert(
        COVERAGE,
        source="reddit",
        listing=listing,
        started_at=ms("2026-11-25"),
        outcome="ok",
        items=9,
        covered_from=ms(first),
        covered_to=ms(end),
    )


def a_day_with_a_gap(filled: Filled) -> None:
    """Polls from 00:00 to 12:00 each half hour, one of them failed; 03:00 to 05:00 lost."""
    for half in range(25):
        filled.poll(f"2026-11-21T{half // 2:02}:{half % 2 * 30:02}", "failed" if half == 5 else "ok")
    filled.poll(
        "2026-11-21T05:15",
        "overflowed",
        gap_from="2026-11-21T03:00",
        gap_to="2026-11-21T05:00",
        listing="new:movies+scifi",
    )
    # The same report delivered again is one poll.
    filled.poll("2026-11-21T05:30")
    filled.poll("2026-11-21T05:31", listing="info")


@pytest.mark.real
def test_hours_are_read_from_the_polls(filled: Filled) -> None:
    """Each hour has its own numbers; a redelivered report counts once, looks at single posts and backfills not."""
    a_day_with_a_gap(filled)
    mend(filled, "new:other", "2026-11-21T03:00", "2026-11-21T05:00")
    start = ms("2026-11-21")

    polls = read_polls(filled.client, "reddit", start, start + DAY)
    hours = dict(polls.by(MILLISECONDS_PER_HOUR, start, start + DAY, start + DAY // 2))

    assert [hours[start + number * MILLISECONDS_PER_HOUR].polls for number in range(6)] == [2, 2, 2, 2, 2, 3]
    assert [hours[start + number * MILLISECONDS_PER_HOUR].failed for number in range(4)] == [0, 0, 1, 0]
    assert [hours[start + number * MILLISECONDS_PER_HOUR].share for number in range(2, 6)] == [1.0, 0.0, 0.0, 1.0]
    assert hours[start + 5 * MILLISECONDS_PER_HOUR].overflowed == 1
    assert len(hours) == 12


@pytest.mark.real
def test_shares_need_no_count_of_polls(filled: Filled) -> None:
    """Read without counting, reports that came twice and listings that changed give the same shares and gaps."""
    for _ in range(2):
        filled.poll("2026-11-20T01:00", listing="new:movies")
        filled.poll("2026-11-20T05:00", "failed", listing="new:movies+scifi")
        filled.poll("2026-11-20T09:00", listing="new:movies+scifi")
        filled.poll(
            "2026-11-20T03:30",
            "overflowed",
            listing="comments:movies",
            gap_from="2026-11-20T03:00",
            gap_to="2026-11-20T03:20",
        )
        filled.poll("2026-11-20T11:00", "info", listing="info")
    begin, end = ms("2026-11-20T00:00"), ms("2026-11-21T00:00")

    counted = read_polls(filled.client, "reddit", begin, end)
    reach = read_polls(filled.client, "reddit", begin, end, counted=False)

    for at in range(begin, end, 7 * MILLISECONDS_PER_HOUR):
        one, other = (polls.of(at, at + 6 * MILLISECONDS_PER_HOUR, end) for polls in (counted, reach))
        assert (one.share, one.gaps, one.gap_seconds) == (other.share, other.gaps, other.gap_seconds)
    whole = counted.of(begin, end, end)
    assert (whole.polls, whole.share) == (4, reach.of(begin, end, end).share)
    assert reach.of(begin, end, end).polls == 0


@pytest.mark.real
def test_a_mended_gap_is_no_gap(filled: Filled) -> None:
    """Once files of both communities are read, the day is whole, though they were read days later and in two runs."""
    a_day_with_a_gap(filled)
    start, noon = ms("2026-11-21"), ms("2026-11-21T12:00")
    before = read_polls(filled.client, "reddit", start, start + DAY).of(start, start + DAY, noon)
    mend(filled, "new:Movies", "2026-11-01", "2026-12-01")
    half = read_polls(filled.client, "reddit", start, start + DAY).of(start, start + DAY, noon)
    mend(filled, "new:scifi+horror", "2026-11-21T04:00", "2026-12-01")
    after = read_polls(filled.client, "reddit", start, start + DAY).of(start, start + DAY, noon)

    assert [one.share for one in (before, half, after)] == pytest.approx([10 / 12, 10 / 12, 11 / 12])
    assert [one.gap_seconds for one in (before, half, after)] == [7_200.0, 7_200.0, 3_600.0]


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Run the command against the database and return its exit code and output."""
    environment = {
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
        "COLUMNS": "200",
    }
    result = CliRunner().invoke(cli, ["coverage", *arguments], env=environment)
    return result.exit_code, result.output


@pytest.mark.real
def test_command_prints_each_format(filled: Filled, migrated_settings: Settings) -> None:
    """Hours of a day, days of a range, of one source or both; the table marks what is known too little."""
    a_day_with_a_gap(filled)
    day = ("--day", "2026-11-21", "--source", "reddit")

    table, document, rows, both = (
        run(migrated_settings, *arguments)
        for arguments in (
            day,
            (*day, "--by", "day", "--format", "json"),
            ("--from", "2026-11-20", "--to", "2026-11-22", "--format", "csv"),
            ("--day", "2026-11-21", "--format", "json"),
        )
    )

    assert [code for code, _ in (table, document, rows, both)] == [0, 0, 0, 0]
    assert "2026-11-21T03:00Z" in table[1]
    assert "0.0% !" in table[1]
    (whole,) = json.loads(document[1])
    assert (whole["from"], whole["polls"], whole["failed"], whole["overflowed"]) == ("2026-11-21T00:00Z", 26, 1, 1)
    assert whole["complete"] is False
    assert {row["source"] for row in json.loads(both[1])} == {"reddit", "tmdb"}
    assert [row["from"][:10] for row in csv.DictReader(rows[1].splitlines())][:1] == ["2026-11-20"]
