"""What is said of one film: the metrics of a day's mentions, and the day's hours."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import ask
from clickhouse.mention_hours import HourTalk, hour_talks
from clickhouse.mention_numbers import NOTHING, NOWHERE, Counts, metrics_of
from clickhouse.mention_reading import Reading
from clickhouse.mention_trends import MentionQuestion, kept_days, known_days
from clickhouse.then import ask_then, days_near

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from clickhouse.client import Client
    from clickhouse.closed import Closer
    from clickhouse.mention_hours import HourCounts, HoursTold
    from clickhouse.mention_numbers import KnownDays
    from clickhouse.mention_trends import Stand


@dataclass(frozen=True, slots=True)
class FilmTalk:
    """The mentions of a film on a day.

    `elapsed_share`: how much of the day had passed at the highest event time counted; where that is not all of it, the
    days before count up to the same time of day. `coverage_share`: how much of the day so far is known, None where
    nobody looked. `baseline_days`: how many of the 28 days before are known. `metrics`: by the names of
    `mention_measures.MENTIONS`. `hours`: those that have begun.
    """

    day: date
    elapsed_share: float
    coverage_share: float | None
    baseline_days: int
    metrics: dict[str, Any]
    hours: tuple[HourTalk, ...]


def read_film_days(client: Client, tmdb_id: int, at_ms: int = 0) -> list[dict[str, Any]]:
    """Return a film's days with a count, newest first: see queries/movie_days.sql.

    `at_ms`: as they were known at that instant, milliseconds; 0 is now. Raises DatabaseUnavailable when ClickHouse does
    not answer.
    """
    if not at_ms:
        return ask(client, "movie_days", tmdb_id=tmdb_id, at_ms=at_ms)
    found = ask_then(client, "movie_days_then", "movie_days", days_near(at_ms), tmdb_id=tmdb_id, at_ms=at_ms)
    changed = {row["day"] for row in found if row["is_changed"]}
    told = (row for row in found if (row["day"] in changed if row["is_then"] else not row["is_changed"]))
    return sorted(told, key=itemgetter("day"), reverse=True)


def question_of(tmdb_id: int, closer: Closer, at_ms: int) -> MentionQuestion:
    """Return the question for one film."""
    return MentionQuestion(by="share", now_ms=0, closer=closer, film=tmdb_id, limit=1, at_ms=at_ms)


def film_talk(  # noqa: PLR0913 - what a day's talk rests on
    client: Client,
    question: MentionQuestion,
    stand: Stand,
    counted: Sequence[Mapping[str, Any]],
    hours: Callable[[], HoursTold],
    *,
    all_mentions: int | None = None,
) -> FilmTalk | None:
    """Return what is said of a film on a day on which it is mentioned; None when it is not.

    `stand`: how the day stands. `counted`: the film's days as `read_film_days` has them. `hours`: returns what is told
    of the days of `Hourly.of` the day. `all_mentions`: of all films on the day, None where that is to be read. Raises
    DatabaseUnavailable when ClickHouse does not answer.
    """
    if not stand.elapsed:
        return None
    known = known_days(stand)
    reading = Reading(client, question, stand.day, stand.elapsed, kept_days(stand.reached, question.at_ms))
    if all_mentions is None:
        all_mentions = reading.listed(known).all_mentions
    told = hours()
    counts = _counts(stand, known, counted, told.counts)
    reach = told.reaches.get(stand.day)
    if reach is None:
        # A day that is told by its mentions has told this too.
        reach = reading.reach([question.film]).get(question.film, NOWHERE) if stand.day in reading.kept else NOWHERE
    metrics = metrics_of(counts, known, all_mentions, reach)
    if not metrics["mentions"]:
        return None
    coverage, _ = stand.polls.over_days(stand.period.start_ms, stand.period.end_ms, stand.furthest)
    return FilmTalk(
        day=stand.day,
        elapsed_share=stand.elapsed / MILLISECONDS_PER_DAY,
        coverage_share=coverage.share,
        baseline_days=known.baseline,
        metrics=metrics,
        hours=hour_talks(stand, told.counts),
    )


def _counts(
    stand: Stand, known: KnownDays, counted: Sequence[Mapping[str, Any]], hours: HourCounts
) -> dict[int, Counts]:
    """Return the film's mentions by how many days ago, of days before up to the same time of day."""
    days = {row["day"]: Counts(row["mentions"], row["submissions"], row["comments"]) for row in counted}
    found = {ago: days.get(stand.day - timedelta(days=ago), NOTHING) for ago in known.told}
    if stand.elapsed == MILLISECONDS_PER_DAY:
        return found
    cut = Counter[int]()
    for (day, _), mentions in hours.items():
        cut[(stand.day - day).days] += mentions
    return {ago: Counts(cut[ago]) if ago else whole for ago, whole in found.items()}
