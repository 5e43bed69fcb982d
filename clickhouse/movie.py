"""One film: its days, where it is mentioned, how that was recognised, and the posts that show it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from clickhouse.ask import together
from clickhouse.closed import read_reached
from clickhouse.coverage import REDDIT, Polls, is_enough, read_polls
from clickhouse.film_talk import FilmTalk, film_talk, question_of, read_film_days
from clickhouse.films import UNNAMED, Film, find_film, id_of
from clickhouse.history import FilmDay, days_of, last_days, read_numbers
from clickhouse.lead import lead
from clickhouse.mention_hours import Hourly
from clickhouse.mention_numbers import BASELINE_DAYS
from clickhouse.mention_trends import elapsed_of, kept_days, stand_of
from clickhouse.movie_posts import Posts
from clickhouse.sentiment import UNKNOWN, Sentiment
from clickhouse.trends import ATTRIBUTION, DAY_ZONE, Period, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from clickhouse.client import Client
    from clickhouse.closed import Closer, Reached, State
    from clickhouse.lead import Lead
    from clickhouse.mention_hours import HoursTold
    from clickhouse.mention_trends import MentionQuestion, Stand
    from clickhouse.movie_posts import Evidence, Spread

HISTORY_DAYS: Final = 30
LEAD_DAYS: Final = 90
UNSHARED: Final = 0
"""In place of how often all films are mentioned: no share is told then."""


@dataclass(frozen=True, slots=True)
class Day:
    """A film's counts on one UTC day.

    `revised`: they changed after the day was closed. `coverage_share`: how much of the day is known, 0 to 1, None where
    nobody looked; `complete`: whether that is enough, None when unknown.
    """

    day: date
    mentions: int
    submissions: int
    comments: int
    state: State
    revised: bool
    coverage_share: float | None
    complete: bool | None
    sentiment: Sentiment = UNKNOWN


@dataclass(frozen=True, slots=True)
class Community:
    """A community and the live mentions in it."""

    community: str
    mentions: int


@dataclass(frozen=True, slots=True)
class Method:
    """A way of recognising the film, and how often it did."""

    method: str
    location: str
    mentions: int
    mean_confidence: float


@dataclass(frozen=True, slots=True)
class MovieReport:
    """All about one film.

    `as_of`: highest event time counted; None without data. `sentiment`: of the mentions of all `days`. `history`: the
    last days in order, one for every day, for sparklines. `talk`: what is said on the latest day of `days`, with its
    burst. `known_at`: the instant as of which all this was known, None for now. `lead`: whether talk leads popularity.
    """

    film: Film
    as_of: datetime | None
    days: tuple[Day, ...]
    communities: tuple[Community, ...]
    methods: tuple[Method, ...]
    evidence: tuple[Evidence, ...]
    lead: Lead
    sentiment: Sentiment = UNKNOWN
    history: tuple[FilmDay, ...] = ()
    talk: FilmTalk | None = None
    known_at: datetime | None = None
    day_zone: str = DAY_ZONE
    attribution: str = ATTRIBUTION


def find_movie(  # noqa: PLR0913 - a film and how to read it
    client: Client, wanted: str, *, closer: Closer, limit: int = 20, now_ms: int = 0, at_ms: int = 0
) -> MovieReport:
    """As `read_movie`, of the film that `find_film` finds; raises FilmUnknown as that does."""
    likely = id_of(wanted)
    if likely is None:
        reached, film = together(lambda: read_reached(client, at_ms), lambda: find_film(client, wanted))
        counted = _counted(client, film.tmdb_id, at_ms)
        return _report(client, film, reached, counted, closer=closer, limit=limit, now_ms=now_ms, at_ms=at_ms)
    read = partial(read_movie, client, closer=closer, limit=limit, now_ms=now_ms, at_ms=at_ms)
    # What is asked of a film is asked by its id alone, while its name is still on its way.
    film, report = together(lambda: find_film(client, wanted), lambda: read(replace(UNNAMED, tmdb_id=likely)))
    return replace(report, film=film) if film.tmdb_id == likely else read(film)


def read_movie(  # noqa: PLR0913 - a film and how to read it
    client: Client, film: Film, *, closer: Closer, limit: int = 20, now_ms: int = 0, at_ms: int = 0
) -> MovieReport:
    """Return a film's latest `limit` days and posts, and on those days its `limit` communities with most mentions.

    `now_ms`: the wall time, which only decides which day today is. `at_ms`: as it was known at that instant,
    milliseconds; 0 is now.
    """
    reached, counted = together(lambda: read_reached(client, at_ms), lambda: _counted(client, film.tmdb_id, at_ms))
    return _report(client, film, reached, counted, closer=closer, limit=limit, now_ms=now_ms, at_ms=at_ms)


def _report(  # noqa: PLR0913 - a film and how to read it
    client: Client,
    film: Film,
    reached: Reached | None,
    counted: Sequence[dict[str, Any]],
    *,
    closer: Closer,
    limit: int,
    now_ms: int,
    at_ms: int,
) -> MovieReport:
    """As `read_movie`, of which it is known how far the counts have come, and the film's days."""
    days = [row for row in counted if row["mentions"] > 0][:limit]
    period = last_days(LEAD_DAYS, reached=reached, now_ms=at_ms or now_ms or (reached.furthest if reached else 0))
    shares_from = period.last - timedelta(days=HISTORY_DAYS - 1)
    with ThreadPoolExecutor(2) as beside:
        # They take longest, and nothing is asked by them.
        asked = beside.submit(
            read_numbers, client, [film.tmdb_id], period, at_ms=at_ms, counted=counted, shares_from=shares_from
        )
        posted = beside.submit(
            Posts.read,
            client,
            film.tmdb_id,
            days,
            limit,
            at_ms=at_ms,
            kept=kept_days(reached, at_ms),
            hourly=_hourly(days, reached),
        )
        polls = _polls(client, period, [row["day"] for row in days], at_ms)
        stand = stand_of(days[0]["day"], 0, reached, polls) if days else None
        question = question_of(film.tmdb_id, closer, at_ms)
        talk = _talk(client, question, stand, counted, shares_from, lambda: posted.result().hours)
        posts, numbers = posted.result(), asked.result()
    history = days_of([film.tmdb_id], period, numbers, polls, reached=reached, closer=closer)[film.tmdb_id]
    covered = _covered(polls, [row["day"] for row in days], reached)
    return MovieReport(
        film=film,
        as_of=None if reached is None else instant(reached.furthest),
        days=tuple(_day(row, reached, closer, covered[row["day"]], posts.felt.of(row["day"])) for row in days),
        communities=_communities(posts.spread)[:limit],
        methods=_methods(posts.spread),
        evidence=posts.evidence,
        lead=_lead(history, reached),
        sentiment=posts.felt.together,
        history=history[-HISTORY_DAYS:],
        talk=_shared(talk, history),
        known_at=instant(at_ms) if at_ms else None,
    )


def _communities(spread: Spread) -> tuple[Community, ...]:
    """Return the communities, most mentions first."""
    found = [Community(community, mentions) for community, mentions in spread.communities.items()]
    return tuple(sorted(found, key=lambda one: (-one.mentions, one.community)))


def _methods(spread: Spread) -> tuple[Method, ...]:
    """Return how the linker decided, most mentions first."""
    found = [
        Method(method, location, mentions, round(spread.confidences[location, method] / mentions, 3))
        for (location, method), mentions in spread.methods.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.mentions, one.method, one.location)))


def _counted(client: Client, tmdb_id: int, at_ms: int) -> list[dict[str, Any]]:
    """Return the film's days, newest first, also as `history.Numbers` has them."""
    rows = read_film_days(client, tmdb_id, at_ms)
    return [{"film": tmdb_id, "is_final": row["state"] == "final", **row} for row in rows]


def _talk(  # noqa: PLR0913, PLR0917 - what a day's talk rests on
    client: Client,
    question: MentionQuestion,
    stand: Stand | None,
    counted: Sequence[Mapping[str, Any]],
    shares_from: date,
    hours: Callable[[], HoursTold],
) -> FilmTalk | None:
    """Return what is said of the film on its latest day, without the share where `_shared` tells it."""
    if stand is None:
        return None
    all_mentions = UNSHARED if stand.day >= shares_from else None
    return film_talk(client, question, stand, counted, hours, all_mentions=all_mentions)


def _hourly(days: Sequence[Mapping[str, Any]], reached: Reached | None) -> Hourly:
    """Return the days that are read by the hour for what is said of the film on its latest day."""
    if not days:
        return Hourly()
    day = days[0]["day"]
    return Hourly.of(day, elapsed_of(Period(day, day), reached))


def _shared(talk: FilmTalk | None, history: Sequence[FilmDay]) -> FilmTalk | None:
    """Return the talk with the share of voice that the day has in the history, so that all films are summed up once."""
    share = next((day.share_of_voice for day in history if talk and day.day == talk.day), None)
    return talk if talk is None or share is None else replace(talk, metrics={**talk.metrics, "share": share})


def _lead(history: Sequence[FilmDay], reached: Reached | None) -> Lead:
    # The day that the stream has reached is not over, and of a day that is not known well no count is the whole.
    over = [day for day in history if reached is not None and day.day < instant(reached.furthest).date()]
    return lead([day.mentions if day.complete else None for day in over], [day.popularity for day in over])


def _polls(client: Client, period: Period, days: Sequence[date], at_ms: int) -> Polls:
    """Return how far the polls of Reddit reached in the period, on all of the days, and before the latest of them."""
    compared = [days[0] - timedelta(days=BASELINE_DAYS)] if days else []
    whole = Period(min([period.first, *days, *compared]), max([period.last, *days]))
    return read_polls(client, REDDIT, whole.start_ms, whole.end_ms, until=at_ms or None, counted=False)


def _covered(polls: Polls, days: Sequence[date], reached: Reached | None) -> dict[date, float | None]:
    """Return which share of each of the days is known."""
    as_of = reached.furthest if reached else 0
    return {day: polls.share(Period(day, day).start_ms, Period(day, day).end_ms, as_of) for day in days}


def _day(
    row: dict[str, Any], reached: Reached | None, closer: Closer, known: float | None, sentiment: Sentiment
) -> Day:
    # All mentions of a film share a partition, so the day is closed for it once that partition has closed it.
    closed = row["state"] == "final" or (reached is not None and reached.state_of(row["day"], closer) == "final")
    return Day(
        row["day"],
        row["mentions"],
        row["submissions"],
        row["comments"],
        "final" if closed else "provisional",
        bool(row["is_revised"]),
        known,
        is_enough(known),
        sentiment,
    )
