"""Why a film is talked about on a day: what is said, where, the posts that show it, and what TMDB showed around it.

Terms are told from counts alone (`clickhouse.terms`): texts are gone after 48 hours, and the counts stay.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, Literal

from clickhouse.ask import ask, together
from clickhouse.film_talk import read_film_days
from clickhouse.mention_numbers import shrunk_z
from clickhouse.movie_posts import Evidence, evidence_of
from clickhouse.trends import ATTRIBUTION, DAY_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from clickhouse.client import Client
    from clickhouse.films import Film

BASELINE_DAYS: Final = 28
# Days back from the latest in which the burst is looked for when no day is named.
RECENT_DAYS: Final = 14
PRIOR: Final = 100.0
"""Terms that the prior is worth: about what a few posts say."""
LEAST_Z: Final = 1.96
"""Below this a difference is not told: 1 in 40 terms reaches it by chance."""

RELEASE_DAYS: Final = 14
JUMP_PERCENT: Final = 20.0
JUMP_FLOOR: Final = 5.0
BACK: Final = 4
AHEAD: Final = 1
"""Days before and after a day whose snapshots are near it."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word or pair of words: posts of the day that have it, of the days before, its log-odds and z-score."""

    term: str
    posts: int
    posts_before: int
    log_odds: float
    z: float


@dataclass(frozen=True, slots=True)
class Place:
    """A community: mentions of the day, its share then and before (None without any), and what exceeds the latter."""

    community: str
    mentions: int
    share: float
    share_before: float | None
    excess: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something that TMDB's numbers tell of: on which day, and in words."""

    day: date
    kind: Literal["release", "popularity", "rank"]
    what: str


@dataclass(frozen=True, slots=True)
class WhyReport:
    """Why a film is talked about on a UTC day.

    `mentions` of the day, `usual` a day on average of the `baseline_days` before, days without any included.
    """

    film: Film
    day: date | None
    mentions: int
    usual: float
    terms: tuple[Term, ...]
    communities: tuple[Place, ...]
    evidence: tuple[Evidence, ...]
    events: tuple[Event, ...]
    baseline_days: int = BASELINE_DAYS
    day_zone: str = DAY_ZONE
    attribution: str = ATTRIBUTION


def read_why(client: Client, film: Film, *, day: date | None = None, limit: int = 10) -> WhyReport:
    """Return up to `limit` terms, communities and posts of a film's day, its burst of late when no day is named.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    rows, kept = together(lambda: read_film_days(client, film.tmdb_id), lambda: ask(client, "days_kept"))
    counts = {row["day"]: row["mentions"] for row in rows if row["mentions"]}
    day = day or burst_day(counts)
    if day is None:
        return WhyReport(film, None, 0, 0.0, (), (), (), ())
    asked = {"tmdb_id": film.tmdb_id, "day": day}
    around = {**asked, "days": BASELINE_DAYS}
    told, communities, evidence, snapshots = together(
        lambda: ask(client, "why_terms", **around, prior=PRIOR, least=LEAST_Z, limit=3 * limit),
        lambda: _mentioned(client, film.tmdb_id, day, {row["day"] for row in kept}),
        lambda: ask(client, "why_evidence", **asked, limit=limit),
        lambda: ask(client, "why_snapshots", **asked, back=BACK, ahead=AHEAD),
    )
    return WhyReport(
        film=film,
        day=day,
        mentions=counts.get(day, 0),
        usual=fmean(before(counts, day)),
        terms=without_parts([Term(**row) for row in told])[:limit],
        communities=places(communities, day)[:limit],
        evidence=tuple(evidence_of(row) for row in evidence),
        events=(*release_of(film.release_date, day), *jumps_of(snapshots), *places_of(snapshots, day)),
    )


def _mentioned(client: Client, tmdb_id: int, day: date, kept: Collection[date]) -> dict[date, Counter[str]]:
    """Return the film's mentions by community on a day and those before it, by film-days where they are kept."""
    days = [day - timedelta(days=back) for back in range(BASELINE_DAYS + 1)]
    told, others = [day for day in days if day in kept], [day for day in days if day not in kept]
    rows, groups = together(
        lambda: ask(client, "movie_mentions_kept", tmdb_id=tmdb_id, kept=told, cut_ms=0) if told else [],
        lambda: ask(client, "why_communities", tmdb_id=tmdb_id, days=others) if others else [],
    )
    found = {row["day"]: Counter[str](row["communities"]) for row in rows}
    for row in groups:
        found.setdefault(row["day"], Counter())[row["community"]] += row["mentions"]
    return found


def places(mentions: Mapping[date, Counter[str]], day: date) -> tuple[Place, ...]:
    """Return where a film is mentioned on a day, first what is furthest above its share of the days before.

    `mentions`: by community, of the day and those before it.
    """
    now, earlier = mentions.get(day, Counter[str]()), Counter[str]()
    for on, communities in mentions.items():
        if on < day:
            earlier.update(communities)
    found = []
    for community, count in now.items():
        share_before = earlier[community] / earlier.total() if earlier else None
        excess = count - (share_before or 0.0) * now.total()
        found.append(Place(community, count, count / now.total(), share_before, excess))
    return tuple(sorted(found, key=lambda place: (-place.excess, place.community)))


def before(counts: Mapping[date, int], day: date) -> list[int]:
    """Return the mentions of each of the `BASELINE_DAYS` calendar days before one; a day without any has 0."""
    return [counts.get(day - timedelta(days=back), 0) for back in range(1, BASELINE_DAYS + 1)]


def burst_day(counts: Mapping[date, int]) -> date | None:
    """Return the day that stands out most of the last `RECENT_DAYS` up to the latest mention, None without one.

    By the shrunk z of its mentions against the 28 days before; of equals the later one.
    """
    if not counts:
        return None

    def stands_out(day: date) -> tuple[float, date]:
        return shrunk_z(counts[day], before(counts, day)), day

    latest = max(counts)
    return max((day for day in counts if day > latest - timedelta(days=RECENT_DAYS)), key=stands_out)


def without_parts(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Return the terms without the words of which a pair among them says all: it has as many posts as they have."""
    pairs = [term for term in terms if " " in term.term]
    return tuple(
        term
        for term in terms
        if " " in term.term or not any(term.term in pair.term.split() and pair.posts >= term.posts for pair in pairs)
    )


def release_of(released: str | None, day: date) -> tuple[Event, ...]:
    """Return the release if it is within `RELEASE_DAYS` of the day; `released`: what TMDB gives for a date."""
    try:
        on = date.fromisoformat(released or "")
    except ValueError:
        return ()
    away = (on - day).days
    if abs(away) > RELEASE_DAYS:
        return ()
    days = f"{abs(away)} {'day' if abs(away) == 1 else 'days'}"
    when = "on the day" if away == 0 else f"{days} later" if away > 0 else f"{days} before"
    return (Event(on, "release", f"first release, {when}"),)


def jumps_of(snapshots: Sequence[Mapping[str, Any]]) -> tuple[Event, ...]:
    """Return the days on which popularity rose by `JUMP_PERCENT` and more over the calendar day before.

    Below a popularity of `JUMP_FLOOR` a film doubles by chance.
    """
    seen: dict[date, float] = {}
    for row in snapshots:
        if row["popularity"] is not None and (row["list"] == "" or row["seen_on"] not in seen):
            seen[row["seen_on"]] = row["popularity"]
    events = []
    for day, popularity in sorted(seen.items()):
        earlier = seen.get(day - timedelta(days=1))
        if earlier is not None and earlier >= JUMP_FLOOR and 100 * (popularity - earlier) / earlier >= JUMP_PERCENT:
            percent = 100 * (popularity - earlier) / earlier
            events.append(Event(day, "popularity", f"popularity {earlier:.1f} to {popularity:.1f}, up {percent:.0f} %"))
    return tuple(events)


def places_of(snapshots: Sequence[Mapping[str, Any]], day: date) -> tuple[Event, ...]:
    """Return in which of TMDB's lists the film stands higher on the day than when it was last seen before."""
    lists: dict[str, dict[date, int]] = {}
    for row in snapshots:
        if row["place"] is not None:
            lists.setdefault(row["list"], {})[row["seen_on"]] = row["place"]
    events = []
    for name, places in sorted(lists.items()):
        earlier = [seen for seen in places if seen < day]
        if day in places and earlier and places[day] < places[max(earlier)]:
            events.append(Event(day, "rank", f"place {places[max(earlier)]} to {places[day]} in {name}"))
    return tuple(events)
