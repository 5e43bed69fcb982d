"""Talk and popularity together: the trend index, talk against rating, and films where talk and popularity go apart.

`film_measures.TOGETHER` says what each number is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import ask_columns, together
from clickhouse.closed import read_reached
from clickhouse.film_authors import distinct_authors_of
from clickhouse.film_names import read_names
from clickhouse.film_ranks import real
from clickhouse.listing import Listing, basis_of, read_latest
from clickhouse.mention_numbers import LEAST_BASELINE_DAYS
from clickhouse.mention_trends import known_days, read_stand
from clickhouse.trend_parts import LISTED_BY, Films, Rule, Together, Weights, heading, measure
from clickhouse.trend_popularity import shown_films
from clickhouse.trends import instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from clickhouse.ask import Columns
    from clickhouse.client import Client
    from clickhouse.mention_trends import Stand
    from clickhouse.trend_popularity import Shown
    from clickhouse.trend_rating import Rating

__all__ = ["COLUMNS", "SHOWN", "WEIGHTS", "Together", "TogetherQuestion", "read_together"]

WEIGHTS: Final = Weights(version=1, mentions=0.45, popularity=0.25, votes=0.20, authors=0.10)

RANKS: Final = ("burst_rank", "popularity_growth_rank", "votes_growth_rank", "authors_rank")
COLUMNS: Final = (
    *(
        "tmdb_id",
        "title",
        "release_date",
        "trend_index",
        *RANKS,
        "burst",
        "popularity_growth",
        "votes_growth",
        "authors",
    ),
    *("mentions", "mentions_rank", "popularity", "popularity_rank", "divergence", "votes", "score"),
    *("weighted_rating", "quadrant"),
)
HEADLINES: Final[Mapping[Together, str]] = {
    "index": "Films by trend index",
    "quadrants": "Talk against rating",
    "talked": "Much talk, little popularity",
    "untalked": "Much popularity, little talk",
}
_APART: Final = ("title", "divergence", "mentions", "mentions_rank", "popularity", "popularity_rank")
SHOWN: Final[Mapping[Together, tuple[str, ...]]] = {
    "index": ("title", "trend_index", *RANKS),
    "quadrants": ("quadrant", "title", "mentions", "weighted_rating", "score", "votes"),
    "talked": _APART,
    "untalked": _APART,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TogetherQuestion:
    """What is asked.

    `day` None for the latest that both sources have reached; `limit`: films, a quadrant each. `at_ms`: talk as it was
    known at that instant, milliseconds, at which the day was over; 0 is now.
    """

    by: Together
    today: date
    day: date | None = None
    limit: int = 20
    at_ms: int = 0


def read_together(client: Client, question: TogetherQuestion) -> Listing:
    """Return the films that TMDB showed on a day by what talk and popularity say of them together.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    day = question.day or _latest(client, question.today)
    # What is asked of talk depends on this, and takes longest: nothing else is to hold it up.
    stand = read_stand(client, day, at_ms=question.at_ms)
    known = _known(stand)
    rule = Rule(known[0], sum(known[1:]), LEAST_BASELINE_DAYS, WEIGHTS)
    with ThreadPoolExecutor(3) as beside:
        # The two long questions run beside each other, and the others behind them: more at once take longer in all.
        talking = beside.submit(_talk, client, stand, known, question.at_ms)
        showing = beside.submit(_shown, client, day, question.by)
        last_shown = beside.submit(read_latest, client)
        talk = talking.result()
        authors = beside.submit(_authors, client, stand)
        shown, latest = showing.result(), last_shown.result()
        films = measure(shown, talk, rule, question.by).with_authors(authors.result())
    places, qualified = heading(films, question.by, question.limit)
    names, rows = together(lambda: read_names(client, films.ids[places].tolist()), lambda: films.rows(places))
    return Listing(
        name=question.by,
        headline=HEADLINES[question.by],
        basis=basis_of(day, shown.seen_ms, latest),
        columns=COLUMNS,
        shown=SHOWN[question.by],
        rows=tuple(names.titled(row) for row in rows),
        parameters={
            "qualified": qualified,
            "usual_days": rule.month_days,
            **_parameters(question.by, films, shown.rated),
        },
        note=None if rule.is_known else "Talk of the day is not known well enough: its mentions are no whole number.",
    )


def _parameters(by: Together, films: Films, rated: Rating) -> dict[str, object]:
    """Return what the numbers of a list were computed with."""
    if by == "index":
        weights = (
            f"v{WEIGHTS.version}: {WEIGHTS.mentions:g} burst, {WEIGHTS.popularity:g} popularity, "
            f"{WEIGHTS.votes:g} votes, {WEIGHTS.authors:g} authors"
        )
        return {"weights": weights}
    if by == "quadrants":
        medians = {"median_mentions": real(films.median_mentions), "median_rating": real(films.median_rating)}
        return {**medians, "m": rated.m, "c": rated.c}
    return {}


def _latest(client: Client, today: date) -> date:
    """Return the latest day that both sources have reached, today without any snapshot."""
    reached, latest = together(lambda: read_reached(client), lambda: read_latest(client))
    shown: date = latest or today
    return shown if reached is None else min(shown, instant(reached.furthest).date())


def _known(stand: Stand) -> list[bool]:
    """Return which of the day and the 28 before it are known."""
    # What the stream has not reached is not known, whatever was polled.
    return [bool(flag and stand.elapsed > 0) for flag in known_days(stand).flags]


def _shown(client: Client, day: date, by: Together) -> Shown:
    """Return what TMDB says of films, with all that follows from it alone: talk is asked for meanwhile."""
    columns = ask_columns(client, "together_popularity", day=day)
    return shown_films(columns, ask_columns(client, "film_ratings"), LISTED_BY[by])


def _authors(client: Client, stand: Stand) -> Columns:
    """Return how many distinct authors mention each film on a day."""
    if stand.day in _kept(stand):
        return ask_columns(client, "authors_of_kept_day", day=stand.day)
    return distinct_authors_of(ask_columns(client, "author_observations", day=stand.day))


def _kept(stand: Stand) -> frozenset[date]:
    return stand.reached.kept if stand.reached else frozenset()


def _talk(client: Client, stand: Stand, known: Sequence[bool], at_ms: int) -> Columns:
    """Return the mentions of all films on a day and on those known of the 28 before it.

    Of a day that is not over the days before count up to the same time.
    """
    kept = _kept(stand)
    days: dict[str, Any]
    before = [stand.day - timedelta(days=ago) for ago, flag in enumerate(known) if flag and ago > 0]
    if stand.elapsed < MILLISECONDS_PER_DAY:
        # Counts of then are of whole days: what of the day had come by then is told by the posts.
        rows = [day for day in before if day not in kept] + ([stand.day] if at_ms else [])
        # What is not asked for need not be planned.
        counts = "counts_of_day_so_far" if rows else "counts_of_kept"
        days = {"whole": [] if at_ms else [stand.day], "kept": [day for day in before if day in kept], "rows": rows}
    elif at_ms:
        counts = "counts_within_then"
        days = {"first_day": min([stand.day, *before]), "last_day": stand.day, "at_ms": at_ms}
    else:
        counts, days = "counts_of_days", {"whole": [stand.day, *before]}
    asked = {"day": stand.day, "before": before, "cut_ms": stand.elapsed}
    return ask_columns(client, "together_talk", counts, **asked, **days)
