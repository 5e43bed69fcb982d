"""What is said of one film: the metrics of a day's mentions, and the day's hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import together
from clickhouse.mention_hours import HourTalk, read_mention_hours
from clickhouse.mention_trends import MentionQuestion, film_metrics, known_days, read_stand

if TYPE_CHECKING:
    from datetime import date

    from clickhouse.client import Client
    from clickhouse.closed import Closer
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


def read_film_talk(client: Client, tmdb_id: int, day: date, *, closer: Closer, at_ms: int = 0) -> FilmTalk | None:
    """Return what is said of a film on a day on which it is mentioned; None when it is not.

    `at_ms`: as it was known at that instant, milliseconds; 0 is now. Raises DatabaseUnavailable when ClickHouse does
    not answer.
    """
    question = question_of(tmdb_id, closer, at_ms)
    return film_talk(client, question, read_stand(client, day, at_ms=at_ms))


def question_of(tmdb_id: int, closer: Closer, at_ms: int) -> MentionQuestion:
    """Return the question for one film."""
    return MentionQuestion(by="share", now_ms=0, closer=closer, film=tmdb_id, limit=1, at_ms=at_ms)


def film_talk(
    client: Client, question: MentionQuestion, stand: Stand, all_mentions: int | None = None
) -> FilmTalk | None:
    """As `read_film_talk`, of a day of which it is known how it stands and maybe how often all films are mentioned."""
    known = known_days(stand)
    metrics, hours = together(
        lambda: film_metrics(client, question, stand, known, all_mentions),
        lambda: read_mention_hours(client, question.film, stand),
    )
    if metrics is None:
        return None
    coverage, _ = stand.polls.over_days(stand.period.start_ms, stand.period.end_ms, stand.furthest)
    return FilmTalk(
        day=stand.day,
        elapsed_share=stand.elapsed / MILLISECONDS_PER_DAY,
        coverage_share=coverage.share,
        baseline_days=known.baseline,
        metrics={name: value for name, value in metrics.items() if name != "tmdb_id"},
        hours=hours,
    )
