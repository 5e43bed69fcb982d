"""How much of a period the polls reached: unknown is not zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse.client import Client

SOURCE: Final = "reddit"

# A poll covers what was written since the one before, as long as their items overlap. Polls further away than this
# say nothing about a period.
MARGIN_MS: Final = 2 * MILLISECONDS_PER_DAY

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Listing:
    """What the polls of one feed reached; instants in milliseconds.

    `first_success` and `last_success` are None when no poll succeeded; `gaps` are the stretches of event time that a
    listing may have lost.
    """

    name: str
    first_success: int | None
    last_success: int | None
    last_poll: int
    polls: int
    failed: int
    gaps: tuple[Interval, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a period was polled.

    `share`: of the period up to now, the mean over the listings, 0 to 1; None when nobody polled then, as with
    recorded posts. `gaps`: stretches that may be missing. `failed`: polls that failed.
    """

    share: float | None
    gaps: int
    gap_seconds: float
    failed: int


def coverage_of(listings: Sequence[Listing], start: int, end: int, as_of: int) -> Coverage:
    """Return the coverage of [start, end), of which the part up to `as_of` or the last poll has passed."""
    lost = [part for listing in listings for gap in listing.gaps if (part := _within(gap, start, end)) is not None]
    polled = [listing for listing in listings if listing.polls]
    passed = min(end, max([as_of, *(listing.last_poll for listing in polled)]))
    shares = [_share(listing, start, passed) for listing in polled] if passed > start else []
    return Coverage(
        share=sum(shares) / len(shares) if shares else None,
        gaps=len(set(lost)),
        gap_seconds=_length(lost) / 1_000,
        failed=sum(listing.failed for listing in listings),
    )


def read_coverage(client: Client, start: int, end: int, as_of: int) -> Coverage:
    """Return the coverage of [start, end), instants in milliseconds, from what the polls reported."""
    rows = ask(
        client,
        "coverage",
        source=SOURCE,
        start_ms=start,
        end_ms=end,
        window_start_ms=max(0, start - MARGIN_MS),
        window_end_ms=end + MARGIN_MS,
    )
    listings = [
        Listing(
            row["feed"],
            row["first_success_ms"] if row["successes"] else None,
            row["last_success_ms"] if row["successes"] else None,
            row["last_poll_ms"],
            row["polls"],
            row["failures"],
            tuple((first, last) for first, last in row["gaps"]),
        )
        for row in rows
    ]
    return coverage_of(listings, start, end, as_of)


def _share(listing: Listing, start: int, end: int) -> float:
    if listing.first_success is None or listing.last_success is None:
        return 0.0
    reached = _within((listing.first_success, listing.last_success), start, end)
    if reached is None:
        return 0.0
    lost = [part for gap in listing.gaps if (part := _within(gap, *reached)) is not None]
    return (reached[1] - reached[0] - _length(lost)) / (end - start)


def _within(interval: Interval, start: int, end: int) -> Interval | None:
    """Return the part of the interval inside [start, end), None when there is none."""
    first, last = max(interval[0], start), min(interval[1], end)
    return (first, last) if first < last else None


def _length(intervals: Iterable[Interval]) -> int:
    """Return how much time the intervals cover together; where they overlap it counts once."""
    covered, reached = 0, -1
    for first, last in sorted(intervals):
        covered += max(0, last - max(first, reached))
        reached = max(reached, last)
    return covered
