"""What changed between two whole rankings of one list: who joined, who left, who reached a milestone. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cinepulse.clock import MILLISECONDS_PER_DAY, day_of, day_start
from schemas.events import Alert, AlertKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.events import Ranking

JOINED: Final = "joined"
LEFT: Final = "left"
MILESTONE: Final = "milestone"
ONCE: Final = "once"
VERSION: Final = "ranks-1"
"""Changes whenever the same rankings may give other alerts."""

MILESTONES: Final = (1, 10, 50, 100)
"""Ranks whose reaching is told, best first; of several at once the best."""
OLDEST_MS: Final = 2 * MILLISECONDS_PER_DAY
"""A ranking this much older is compared with nothing: who came and went in between is unknown."""


def changes(listing: str, before: Ranking, after: Ranking) -> Iterator[tuple[AlertKey, Alert]]:
    """Return the alerts that a ranking leads to, none where the one before is too old or not older.

    Joiners come in the order of their new ranks, then leavers in that of their old ones, then milestones. The sizes
    balance: the new one's is the old one's plus the joiners less the leavers.
    """
    if not 0 < after.observed_at - before.observed_at <= OLDEST_MS:
        return
    ranks_before, ranks_after = _ranks(before), _ranks(after)
    for tmdb_id, rank in ranks_after.items():
        if tmdb_id not in ranks_before:
            yield _alert(JOINED, listing, tmdb_id, after.observed_at, None, rank, before, after)
    for tmdb_id, rank in ranks_before.items():
        if tmdb_id not in ranks_after:
            yield _alert(LEFT, listing, tmdb_id, after.observed_at, rank, None, before, after)
    day = day_start(day_of(after.observed_at))
    for tmdb_id, rank in ranks_after.items():
        old = ranks_before.get(tmdb_id)
        reached = milestone(old, rank)
        if reached is not None:
            yield _alert(MILESTONE, f"{listing} top {reached}", tmdb_id, day, old, rank, before, after)


def milestone(before: int | None, after: int) -> int | None:
    """Return the best milestone that a film has reached between two ranks, None for none."""
    for reached in MILESTONES:
        if after <= reached:
            return reached if before is None or before > reached else None
    return None


def _ranks(ranking: Ranking) -> dict[int, int]:
    """Return ranks by film; a film that comes twice has its better one."""
    ranks: dict[int, int] = {}
    for rank, tmdb_id in enumerate(ranking.tmdb_ids, 1):
        ranks.setdefault(tmdb_id, rank)
    return ranks


def _alert(  # noqa: PLR0913, PLR0917 - one argument a field
    kind: str,
    detail: str,
    tmdb_id: int,
    at: int,
    rank_before: int | None,
    rank_after: int | None,
    before: Ranking,
    after: Ranking,
) -> tuple[AlertKey, Alert]:
    key = AlertKey(kind=kind, detail=detail, tmdb_id=tmdb_id, at=at)
    alert = Alert(
        happened_at=after.observed_at,
        state=ONCE,
        version=VERSION,
        rank_before=rank_before,
        rank_after=rank_after,
        since=before.observed_at,
    )
    return key, alert
