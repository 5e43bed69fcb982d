"""Why a film's popularity moved: what TMDB's own numbers of the day show beside it, in words."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A release further away than this explains little.
RELEASE_DAYS: Final = 14
QUIET: Final = frozenset({None, "Minimal"})


def reasons(film: Mapping[str, Any], day: date) -> tuple[str, ...]:
    """Return what goes along with a film's change on a day, the strongest first; empty where nothing does.

    `film`: its release date, ISO 8601 or None, and its metrics as `measures.POPULARITY` names them. They go along with
    the change; that they are its cause nobody knows.
    """
    return (*_release(film["release_date"], day), *_votes(film), *_places(film), *_classes(film, day))


def _release(released: str | None, day: date) -> Iterator[str]:
    try:
        days = (date.fromisoformat(released or "") - day).days
    except ValueError:
        return
    if days == 0:
        yield "released today"
    elif abs(days) <= RELEASE_DAYS:
        yield f"released {_days(-days)} ago" if days < 0 else f"released in {_days(days)}"


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"


def _votes(film: Mapping[str, Any]) -> Iterator[str]:
    if film["engagement"] not in QUIET:
        faster = film["vote_acceleration"] is not None and film["vote_acceleration"] > 0
        more = ", more than the week before" if faster else ""
        yield f"{film['vote_velocity']:,.0f} votes a day ({film['engagement']}){more}"


def _places(film: Mapping[str, Any]) -> Iterator[str]:
    if film["joined"]:
        yield f"joined the top at {film['rank']}"
    elif film["departed"]:
        yield "left the top"
    elif film["rank_change"]:
        way = "up" if film["rank_change"] > 0 else "down"
        yield f"{way} {abs(film['rank_change'])} to place {film['rank']}"


def _classes(film: Mapping[str, Any], day: date) -> Iterator[str]:
    if film["momentum"] == "New":
        yield "new on TMDB's lists"
    elif film["peak_day"] == day and film["first_day"] != day:
        yield "its highest so far"
    if film["breakout"]:
        yield f"{film['breakout']} breakout"
    elif film["trend"] not in {None, "Stable"}:
        yield f"trend {film['trend']}"
