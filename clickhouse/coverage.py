"""How much of a period is known: unknown is not zero.

A poll of Reddit reads a listing back to what it knows, so everything between the first and the last poll that succeeded
is covered, less the gaps that polls report; a backfill of all communities of a gap closes it. A TMDB list shows the
moment alone: it is known from a poll until the next one is due.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import ask, ask_both
from clickhouse.intervals import Interval, common, length, union, without

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse.client import Client

SourceName = Literal["reddit", "tmdb"]
REDDIT: Final = "reddit"
TMDB: Final = "tmdb"

# What is polled on a cadence: others are looked at once a day or on demand, and say nothing about an hour.
FEEDS: Final[dict[str, tuple[str, ...]]] = {
    REDDIT: ("new", "comments"),
    TMDB: ("trending_day", "trending_week", "popular", "now_playing", "top_rated"),
}

# Polls further away than this say nothing about a period.
MARGIN_MS: Final = 2 * MILLISECONDS_PER_DAY

MILLISECONDS_PER_HOUR: Final = 3_600_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.date()
_ZONELESS_EPOCH: Final = _EPOCH.replace(tzinfo=None)
_MILLISECOND: Final = timedelta(milliseconds=1)
# The last that ClickHouse's type can tell.
_LAST: Final = "2299-12-31 23:59:59.999"

_STRETCHES: Final = frozenset({"gap", "whole"})
_SUCCESSES: Final = frozenset({"ok", "overflowed"})

# Below this share a count may well be too low, and is marked.
COMPLETE_SHARE: Final = 0.95


class Hour(NamedTuple):
    """What one feed's polls did within an hour; instants in milliseconds.

    `succeeded`: when the first and the last began that succeeded, None where none did. A tuple, since hundreds are made
    for one question.
    """

    feed: str
    start: int
    polls: int
    failed: int = 0
    overflowed: int = 0
    requests: int = 0
    items: int = 0
    succeeded: Interval | None = None
    last_poll: int = 0
    communities: frozenset[str] = frozenset()

    def with_more(self, other: Hour) -> Hour:
        """Return what these and other polls of the feed and hour did together."""
        return Hour(
            self.feed,
            self.start,
            self.polls + other.polls,
            self.failed + other.failed,
            self.overflowed + other.overflowed,
            self.requests + other.requests,
            self.items + other.items,
            _around(self.succeeded, other.succeeded),
            max(self.last_poll, other.last_poll),
            self.communities | other.communities,
        )


def is_enough(share: float | None) -> bool | None:
    """Return whether counts can be taken as they are where this share is known; None when nothing is."""
    return None if share is None else share >= COMPLETE_SHARE


@dataclass(frozen=True, slots=True)
class Stretch:
    """Event time of a feed and some communities: lost, or read whole."""

    feed: str
    communities: frozenset[str]
    interval: Interval


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a period is known.

    `share`: of the period up to now, the mean over the feeds, 0 to 1; None when nobody looked then, as with recorded
    posts. `gaps`: stretches that may be missing, `gap_seconds` together; what a backfill has mended is none. `polls`
    of the period, how many of them `failed` or `overflowed`, their `requests` and new `items`.
    """

    share: float | None
    gaps: int
    gap_seconds: float
    polls: int
    failed: int
    overflowed: int
    requests: int
    items: int

    @property
    def complete(self) -> bool | None:
        """Whether the counts can be taken as they are; None when nothing is known."""
        return is_enough(self.share)


@dataclass(frozen=True, slots=True)
class Polls:
    """What is recorded of a source around a period.

    `hold_ms`: how long a poll's answer stands, None where polls reach back to what is known. `hours` by time.
    """

    source: SourceName
    hours: Sequence[Hour]
    gaps: Sequence[Stretch] = ()
    whole: Sequence[Stretch] = ()
    hold_ms: int | None = None
    _starts: list[int] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._starts.extend(hour.start for hour in self.hours)

    def of(self, start: int, end: int, as_of: int) -> Coverage:
        """Return the coverage of [start, end), of which the part up to `as_of` or the last poll has passed."""
        within = self._between(start, end)
        lost = [part for gap in self.gaps for part in common(self._left(gap), [(start, end)])]
        return Coverage(
            share=self.share(start, end, as_of),
            gaps=len(set(lost)),
            gap_seconds=length(union(lost)) / 1_000,
            polls=sum(hour.polls for hour in within),
            failed=sum(hour.failed for hour in within),
            overflowed=sum(hour.overflowed for hour in within),
            requests=sum(hour.requests for hour in within),
            items=sum(hour.items for hour in within),
        )

    def share(self, start: int, end: int, as_of: int) -> float | None:
        """Return the share alone of `of`."""
        near = self._between(start - MARGIN_MS, end + MARGIN_MS)
        passed = end if as_of >= end else min(end, max([as_of, *(hour.last_poll for hour in near)]))
        if passed <= start:
            return None
        span = (start, passed)
        shares = [self._known(feed, near, span) / (passed - start) for feed in self._feeds(near, span)]
        return sum(shares) / len(shares) if shares else None

    def is_complete(self, start: int, end: int, as_of: int) -> bool:
        """Return whether the counts of [start, end) can be taken as they are; not where nothing is known."""
        return bool(is_enough(self.share(start, end, as_of)))

    def by(self, step: int, start: int, end: int, as_of: int) -> list[tuple[int, Coverage]]:
        """Return the coverage of each `step` milliseconds of [start, end) that has begun, with its first instant."""
        return [
            (at, self.of(at, min(at + step, end), as_of)) for at in range(start, end, step) if at < as_of or at == start
        ]

    def over_days(self, start: int, end: int, as_of: int) -> tuple[Coverage, list[tuple[int, Coverage]]]:
        """Return the coverage of whole days together and of each; of days that nobody looked at nothing is known.

        The share of all is that of the time that has passed.
        """
        days = self.by(MILLISECONDS_PER_DAY, start, end, as_of)
        whole = self.of(start, end, as_of)
        told = [(at, day.share) for at, day in days]
        if len(days) == 1 or all(share is None for _, share in told):
            return replace(whole, share=told[0][1] if len(days) == 1 else None), days
        lengths = [min(MILLISECONDS_PER_DAY, max(1, as_of - at)) for at, _ in told]
        known = sum((share or 0.0) * passed for (_, share), passed in zip(told, lengths, strict=True))
        return replace(whole, share=known / sum(lengths)), days

    def _between(self, start: int, end: int) -> Sequence[Hour]:
        return self.hours[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def _feeds(self, near: Sequence[Hour], span: Interval) -> Sequence[str]:
        """Return the feeds whose shares count: those polled; else all that should be, if any of them is known."""
        polled = {hour.feed for hour in near}
        usual = FEEDS[self.source]
        if found := [feed for feed in usual if feed in polled]:
            return found
        told = {one.feed for one in self.whole if common([one.interval], [span])}
        if not told:
            return ()
        # A day of dumps without its comments is half known; a day of one TMDB list is known by that list.
        return usual if self.source == REDDIT else sorted(told)

    def _known(self, feed: str, near: Sequence[Hour], span: Interval) -> int:
        """Return how many milliseconds of a span are known of a feed."""
        hours = [hour for hour in near if hour.feed == feed]
        reached = self._reached(hours)
        # Nearly always, and this is asked hundreds of times.
        if len(reached) <= 1 and not (self.gaps or self.whole):
            return max(0, min(reached[0][1], span[1]) - max(reached[0][0], span[0])) if reached else 0
        communities = frozenset[str]().union(*(hour.communities for hour in hours))
        if not communities:
            communities = frozenset[str]().union(*(one.communities for one in self.whole if one.feed == feed))
        lost = union(part for gap in self.gaps if gap.feed == feed for part in self._left(gap))
        return length(common(without([*reached, *self._mended(feed, communities)], lost), [span]))

    def _reached(self, hours: Sequence[Hour]) -> list[Interval]:
        succeeded = [hour.succeeded for hour in hours if hour.succeeded]
        if self.hold_ms is None:
            # They are in order.
            return [(succeeded[0][0], succeeded[-1][1])] if succeeded else []
        return union((first, last + self.hold_ms) for first, last in succeeded)

    def _left(self, gap: Stretch) -> list[Interval]:
        return without([gap.interval], self._mended(gap.feed, gap.communities))

    def _mended(self, feed: str, communities: Iterable[str]) -> list[Interval]:
        """Return the time that backfills have read whole for all of the communities."""
        found: list[Interval] | None = None
        for community in communities:
            its = union(one.interval for one in self.whole if one.feed == feed and community in one.communities)
            found = its if found is None else common(found, its)
        return found or []


def read_polls(  # noqa: PLR0913 - a stretch and how to read it
    client: Client,
    source: SourceName,
    start: int,
    end: int,
    *,
    hold_seconds: float | None = None,
    until: int | None = None,
    counted: bool = True,
) -> Polls:
    """Return what is recorded of a source around [start, end), instants in milliseconds.

    `hold_seconds`: how long a poll's answer stands, None where polls reach back to what is known. `until`: only what
    was reported by then, None for all. `counted`: False where shares alone matter and not how many polls there were,
    which over weeks is read in half the time.
    """
    if not counted:
        return _reach(client, source, start, end, until, hold_seconds)
    known = end + MARGIN_MS if until is None else until + 1
    window = _window(start - MARGIN_MS, min(end + MARGIN_MS, known))
    rows = ask(client, "coverage_hours", source=source, **_met(start, end, until), **window)
    return _told(source, _hours(row for row in rows if row["kind"] not in _STRETCHES), rows, hold_seconds)


def _reach(  # noqa: PLR0913, PLR0917 - a stretch and how to read it
    client: Client, source: SourceName, start: int, end: int, until: int | None, hold_seconds: float | None
) -> Polls:
    """Return how far the polls reached, day by day and not hour by hour, which changes no share.

    Of the day of `until` the polls alone tell what was reported by then.
    """
    begin, close = start - MARGIN_MS, end + MARGIN_MS
    known = close if until is None else min(close, until + 1)
    whole_days = close if until is None else min(close, until // MILLISECONDS_PER_DAY * MILLISECONDS_PER_DAY)
    turn = max(begin, whole_days)
    days = {
        "window_first": (_EPOCH + timedelta(milliseconds=max(0, begin))).date(),
        "window_last": (_EPOCH + timedelta(milliseconds=max(0, turn - 1))).date(),
    }
    asked = {"source": source, **_met(start, end, until), **days}
    if turn < known:
        rows = ask_both(client, "coverage_then", "coverage_known", **asked, **_window(turn, known))
    else:
        rows = ask(client, "coverage_known", **asked)
    return _told(source, _days(row for row in rows if row["kind"] not in _STRETCHES), rows, hold_seconds)


def _met(start: int, end: int, until: int | None) -> dict[str, str]:
    """Return which stretches are asked for: what meets [start, end), as it was told by `until`."""
    return {"start": _text(start), "end": _text(end), "until": _LAST if until is None else _text(until)}


def _window(start: int, end: int) -> dict[str, str]:
    """Return which polls are asked for: those that began within [start, end)."""
    return {"window_start": _text(start), "window_end": _text(end)}


def _told(
    source: SourceName, hours: Iterable[Hour], rows: Iterable[dict[str, Any]], hold_seconds: float | None
) -> Polls:
    """Return what is told of a source, with the stretches among the rows, each once: reports may be redelivered."""
    told: dict[str, dict[Stretch, None]] = {"gap": {}, "whole": {}}
    for row in rows:
        if row["kind"] in told:
            interval = (_milliseconds(row["first_at"]), _milliseconds(row["last_at"]))
            told[row["kind"]][Stretch(*_parts(row["listing"]), interval)] = None
    hold_ms = None if hold_seconds is None else round(hold_seconds * 1_000)
    return Polls(source, sorted(hours, key=attrgetter("start")), list(told["gap"]), list(told["whole"]), hold_ms)


def _hours(rows: Iterable[dict[str, Any]]) -> list[Hour]:
    """Return what each feed's polls did by the hour, by rows of listings, hours and how the polls ended."""
    return _merged(map(_hour, rows))


def _hour(row: dict[str, Any]) -> Hour:
    feed, communities = _parts(row["listing"])
    kind, polls, last = row["kind"], row["polls"], _milliseconds(row["last_at"])
    succeeded = kind in _SUCCESSES
    return Hour(
        feed,
        _milliseconds(row["hour"]),
        polls,
        polls if kind == "failed" else 0,
        polls if kind == "overflowed" else 0,
        row["requests"],
        row["items"],
        (_milliseconds(row["first_at"]), last) if succeeded else None,
        last,
        communities,
    )


def _days(rows: Iterable[dict[str, Any]]) -> list[Hour]:
    """Return how far each feed's polls reached by the day, by rows of which several may be of one day."""
    return _merged(map(_day, rows))


def _day(row: dict[str, Any]) -> Hour:
    feed, communities = _parts(row["listing"])
    return Hour(
        feed,
        (row["day"] - _EPOCH_DAY).days * MILLISECONDS_PER_DAY,
        polls=0,
        succeeded=(_milliseconds(row["first_at"]), _milliseconds(row["last_at"])) if row["first_at"] else None,
        last_poll=_milliseconds(row["last_poll_at"]),
        communities=communities,
    )


def _merged(parts: Iterable[Hour]) -> list[Hour]:
    found: dict[tuple[str, int], Hour] = {}
    for part in parts:
        key = (part.feed, part.start)
        found[key] = found[key].with_more(part) if key in found else part
    return list(found.values())


def _around(one: Interval | None, other: Interval | None) -> Interval | None:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


def _milliseconds(at: datetime) -> int:
    """Return an instant as milliseconds since 1970; the type names UTC, and the client leaves the zone out."""
    return (at - _ZONELESS_EPOCH) // _MILLISECOND


def _text(at_ms: int) -> str:
    """Return an instant as the text of a DateTime64(3, 'UTC'); none lies before 1970."""
    at = _EPOCH + timedelta(milliseconds=max(0, at_ms))
    return at.replace(tzinfo=None).isoformat(" ", "milliseconds")


@cache
def _parts(listing: str) -> tuple[str, frozenset[str]]:
    """Return a listing's feed and communities; one without communities is its own."""
    feed, _, communities = listing.partition(":")
    return feed, frozenset(communities.lower().split("+"))
