"""Reads the mentions of a day: which films head an order, and what their metrics are made of.

Each day's mentions are told where that is cheapest: by the counts of the stream processor where they are the whole
day's, by `mention_days` where they are a part of a day that it has, and else by the mentions themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import ask, ask_over, together
from clickhouse.film_names import read_names
from clickhouse.mention_numbers import (
    BASELINE_DAYS,
    LEAST_BASELINE_DAYS,
    NEVER,
    NOWHERE,
    WEEK,
    Counts,
    Reach,
    metrics_of,
)
from clickhouse.trends import CERTAIN, selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from clickhouse.client import Client
    from clickhouse.mention_numbers import KnownDays
    from clickhouse.mention_trends import MentionQuestion, MentionRanking

# A film with a few mentions a week ago doubles by chance.
GAINER_FLOOR: Final = 5
RISEN: Final = 1
"""The least change of what has risen."""
NO_FILMS: Final[Sequence[int]] = []
"""Stands for all films in the query."""
ANY: Final = -(1 << 40)
"""Below every change."""

KEYS: Final[Mapping[MentionRanking, tuple[str, int]]] = {
    "burst": ("burst", 1),
    "share": ("mentions", 1),
    "spread": ("communities", 1),
    "engagement": ("engagement_weight", 1),
    "authors": ("authors", 1),
    "mention-velocity": ("velocity", 1),
    "mention-acceleration": ("acceleration", 1),
    "mention-gainers": ("wow_percent", 1),
    "mention-decliners": ("wow_percent", -1),
}
"""By which metric each order is, and in which direction."""
REACHING: Final = frozenset({"spread", "engagement", "authors"})
TALKED_ABOUT: Final = REACHING | {"burst", "share"}
"""Orders of what is mentioned on the day."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Films in an order, and the mentions of all films on the day."""

    films: tuple[int, ...] = ()
    all_mentions: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a question reads of a day.

    `elapsed`: milliseconds of it that have passed. `kept`: the days that `mention_days` has.
    """

    client: Client
    question: MentionQuestion
    day: date
    elapsed: int
    kept: frozenset[date]

    def listed(self, known: KnownDays) -> Listed:
        """Return the films that head the order asked for, or the film asked for."""
        by, limit = self.question.by, self.question.limit
        if self.question.film:
            return Listed((self.question.film,), self._shares(1).all_mentions)
        if by in REACHING:
            return self._reaching()
        if by == "share":
            return self._shares(limit)
        if not known.flags[0]:
            return Listed()
        return self._bursts(known) if by == "burst" else self._changes(known)

    def measured(self, listed: Listed, known: KnownDays) -> list[dict[str, Any]]:
        """Return the films with their names and metrics, those that have the order's in its order."""
        if not listed.films:
            return []
        films = list(listed.films)
        rows, reach, names = together(
            lambda: self._counted("mention_counts_by_day", self._days(known.told), films=films),
            lambda: self.reach(films),
            lambda: read_names(self.client, films),
        )
        counted: dict[int, dict[int, Counts]] = {film: {} for film in films}
        for row in rows:
            ago = (self.day - row["day"]).days
            counted[row["tmdb_id"]][ago] = Counts(row["mentions"], row["submissions"], row["comments"])
        name, sign = KEYS[self.question.by]
        found = []
        for film in films:
            metrics = metrics_of(counted[film], known, listed.all_mentions, reach.get(film, NOWHERE))
            if metrics[name] is not None and (metrics["mentions"] or self.question.by not in TALKED_ABOUT):
                found.append(names.titled({"tmdb_id": film, **metrics}))
        return sorted(found, key=lambda row: (-sign * row[name], row["tmdb_id"]))

    def reach(self, films: Sequence[int]) -> dict[int, Reach]:
        """Return how far the mentions of films reach, of those that have any."""
        asked = {"day": self.day, "films": films}
        if self._is_kept():
            rows = ask(self.client, "kept_reach", **asked)
            return {row["tmdb_id"]: Reach(row["communities"], row["engagement_weight"], row["authors"]) for row in rows}
        if self._is_selected() or self.question.at_ms:
            rows = ask(self.client, "mention_reach_selected", **asked, **self._selection())
        else:
            rows = ask(self.client, "mention_reach", **asked)
        return {row["tmdb_id"]: Reach.of(row) for row in rows}

    def _shares(self, limit: int) -> Listed:
        return self._by_change([self.day], [1], limit)

    def _bursts(self, known: KnownDays) -> Listed:
        if known.baseline < LEAST_BASELINE_DAYS:
            return Listed()
        days = self._days(ago for ago, flag in enumerate(known.flags) if flag)
        asked: dict[str, Any] = {"day": self.day, "baseline": known.baseline, "limit": self.question.limit}
        return _listed(self._counted("mention_bursts", days, **asked))

    def _changes(self, known: KnownDays) -> Listed:
        by, limit = self.question.by, self.question.limit
        weights = [1, -2, 1] if by == "mention-acceleration" else [-1, 1] if by == "mention-decliners" else [1, -1]
        back = [0, known.back(WEEK), known.back(2 * WEEK)][: len(weights)]
        if NEVER in back:
            return Listed()
        days = self._days(back)
        if by in {"mention-gainers", "mention-decliners"}:
            return self._by_change(days, weights, limit, relative=True, floor=GAINER_FLOOR)
        risen = self._by_change(days, weights, limit)
        if len(risen.films) == limit:
            return risen
        # Behind those that rise come those that change by nothing, mentioned on some other day, and those that fall.
        others = [day for day in self._days(range(BASELINE_DAYS + 1)) if day not in days]
        return self._by_change([*days, *others], [*weights, *(0 for _ in others)], limit, least=ANY)

    def _by_change(  # noqa: PLR0913 - an order's parts
        self,
        days: Sequence[date],
        weights: Sequence[int],
        limit: int,
        *,
        relative: bool = False,
        floor: int = 0,
        least: int = RISEN,
    ) -> Listed:
        asked: dict[str, Any] = {
            "weights": weights,
            "relative": relative,
            "floor": floor,
            "least": least,
            "limit": limit,
        }
        return _listed(self._counted("mention_changes", days, days=days, **asked))

    def _reaching(self) -> Listed:
        """Return the films that reach furthest; those of which no mention is left come last."""
        by, limit = self.question.by, self.question.limit
        name = "mention_authors_order" if by == "authors" else "mention_reach_order"
        if self._is_kept():
            name = "kept_reach_order"
        asked = {"day": self.day, "by": by, "limit": limit}
        rows, shares = together(
            lambda: ask(self.client, name, **asked, **self._selection()), lambda: self._shares(limit)
        )
        films = dict.fromkeys(row["tmdb_id"] for row in rows)
        if len(films) < limit:
            films |= dict.fromkeys(shares.films)
        return Listed(tuple(films), shares.all_mentions)

    def _days(self, back: Iterable[int]) -> list[date]:
        return [self.day - timedelta(days=ago) for ago in back]

    def _is_selected(self) -> bool:
        return bool(self.question.community) or self.question.least_confidence > 0

    def _is_certain(self) -> bool:
        """Return whether certain mentions of whole days are asked for, and nothing else: those are counted already."""
        question = self.question
        is_plain = not question.community and not question.at_ms and self.elapsed == MILLISECONDS_PER_DAY
        return is_plain and question.least_confidence == CERTAIN

    def _is_kept(self) -> bool:
        return self.day in self.kept and not self._is_selected()

    def _selection(self) -> dict[str, Any]:
        question = self.question
        return selection(question.community, question.least_confidence, question.at_ms)

    def _counted(
        self, name: str, on: Sequence[date], /, films: Sequence[int] = NO_FILMS, **asked: Any
    ) -> list[dict[str, Any]]:
        """Ask a query over the mentions of films on days, each day's told where that is cheapest."""
        places: dict[str, list[date]] = {"whole": [], "then": [], "kept": [], "rows": []}
        for day in on:
            places[self._place(day)].append(day)
        if len(places["whole"]) == len(on):
            source = "counts_of_films" if films else "counts_of_days"
            return ask_over(self.client, name, source, whole=on, films=films, **asked)
        if films and len(places["then"]) == len(on):
            then = {"then": on, "films": films, "at_ms": self.question.at_ms}
            return ask_over(self.client, name, "counts_of_films_then", **then, **asked)
        if not places["rows"] and not places["then"] and not self._is_selected():
            source = "counts_of_films_kept" if films else "counts_of_kept"
            own = {"whole": places["whole"], "kept": places["kept"], "cut_ms": self.elapsed, "films": films}
            return ask_over(self.client, name, source, **own, **asked)
        if not (places["whole"] or places["then"]) and self._is_certain():
            source = "counts_of_films_certain" if films else "counts_of_certain"
            sure = {"kept": places["kept"], "rows": places["rows"], "films": films, "least_confidence": CERTAIN}
            return ask_over(self.client, name, source, **sure, **asked)
        parts = {**places, "cut_ms": self.elapsed, "films": films, **self._selection()}
        return ask_over(self.client, name, "counts_of_parts", **parts, **asked)

    def _place(self, day: date) -> str:
        """Return by what a day's mentions are told."""
        is_whole = self.elapsed == MILLISECONDS_PER_DAY or day == self.day
        if is_whole and not self._is_selected():
            return "then" if self.question.at_ms else "whole"
        # Of the day itself it is told which are submissions.
        return "kept" if day in self.kept and day != self.day else "rows"


def _listed(rows: Sequence[dict[str, Any]]) -> Listed:
    return Listed(tuple(row["tmdb_id"] for row in rows), rows[0]["all_mentions"] if rows else 0)
