"""Key figures of films: what is worth watching, what earned, what comes; `film_measures.KPIS` says what each number is.

The catalogue holds films alone: TMDB's series are not polled, so that of series nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from clickhouse.ask import ask
from clickhouse.listing import Basis, Listing, read_with_basis
from clickhouse.popularity import PopularityQuestion, read_popularity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from clickhouse.client import Client

# The fewest votes that a hidden gem has. They are its weight too: the usual one, which nine films in ten do not reach,
# pulls every film with few votes to the mean, so that none could be told from it.
GEM_VOTES: Final = 50.0
NO_SERIES: Final = "No series in the catalogue: cinepulse polls only TMDB's films, not its series."

COLUMNS: Final = (
    *("tmdb_id", "title", "release_date", "popularity", "votes", "score", "weighted_rating", "runtime_minutes"),
    *("budget_usd", "revenue_usd", "profit_usd", "roi", "days_left"),
)
RISERS: Final = ("tmdb_id", "title", "release_date", "rank", "rank_before", "rank_change", "popularity", "wow_percent")
SERIES: Final = ("tmdb_id", "title", "release_date", "score", "mean_episode_minutes", "runtime_minutes")


@dataclass(frozen=True, slots=True)
class Kpi:
    """A key figure: its headline, the columns of its table, and its own weight of the weighted rating, if any."""

    headline: str
    shown: tuple[str, ...]
    m: float | None = None


KPIS: Final[Mapping[str, Kpi]] = {
    "hidden-gems": Kpi("Hidden gems", ("title", "votes", "score", "weighted_rating", "release_date"), GEM_VOTES),
    "quick-watch": Kpi("Quick watches", ("title", "runtime_minutes", "score", "votes", "weighted_rating")),
    "binge-worthy": Kpi("Binge-worthy series", SERIES[1:]),
    "global-reach": Kpi("Films of global reach", ("title", "revenue_usd", "budget_usd", "release_date", "score")),
    "oncoming": Kpi("Oncoming films", ("title", "days_left", "release_date", "popularity")),
    "contents-raise": Kpi("Films whose rank rose", ("title", "rank", "rank_before", "rank_change", "popularity")),
    "roi": Kpi("Return on investment", ("title", "roi", "profit_usd", "budget_usd", "revenue_usd")),
    "weighted-rating": Kpi("Weighted rating", ("title", "weighted_rating", "score", "votes", "release_date")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiQuestion:
    """What is asked: `day` None for the latest with a snapshot, `m` and `c` None for what the films themselves say."""

    name: str
    today: date
    day: date | None = None
    limit: int = 20
    m: float | None = None
    c: float | None = None


def read_kpi(client: Client, question: KpiQuestion) -> Listing:
    """Return the films of a key figure.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    if question.name == "contents-raise":
        return _risers(client, question)
    kpi = KPIS[question.name]
    asked = {"kpi": question.name, "limit": question.limit, "m": kpi.m if question.m is None else question.m}

    def read(day: date) -> list[dict[str, Any]]:
        none = question.name == "binge-worthy"
        return [] if none else ask(client, "kpi_films", day=day, c=question.c, **asked)

    basis, rows = read_with_basis(client, question.day, question.today, read)
    empty = Listing(name=question.name, headline=kpi.headline, basis=basis, columns=COLUMNS, shown=kpi.shown, rows=())
    if question.name == "binge-worthy":
        return replace(empty, columns=SERIES, note=NO_SERIES)
    # A film that is not listed still tells the parameters.
    found = {name: rows[0][name] if rows else None for name in ("qualified", "rated", "m", "c", "median_votes")}
    return replace(empty, rows=tuple(row for row in rows if row["key"] is not None), parameters=found)


def _risers(client: Client, question: KpiQuestion) -> Listing:
    report = read_popularity(client, PopularityQuestion(by="risers", day=question.day, limit=question.limit))
    kpi = KPIS[question.name]
    return Listing(
        name=question.name,
        headline=kpi.headline,
        basis=Basis(report.day or question.today, report.as_of, report.state, report.seen),
        columns=RISERS,
        shown=kpi.shown,
        rows=report.films,
        parameters={"risen": report.qualified, "compared_days": report.compared_days},
    )
