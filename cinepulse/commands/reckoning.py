"""The reckoning of a demo run: what was served against what was counted, film-day by film-day."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cinepulse.clock import day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cinepulse.commands.story import Told

FilmDay = tuple[int, int]
"""A film's tmdb_id and a UTC day, days since 1970-01-01."""


@dataclass(frozen=True, slots=True)
class MentionId:
    """Identity of a mention, with the instant that decides its day (milliseconds since 1970-01-01 UTC)."""

    tmdb_id: int
    post_id: str
    created_at: int

    @property
    def film_day(self) -> FilmDay:
        """The count that this mention belongs to."""
        return self.tmdb_id, day_of(self.created_at)


@dataclass(frozen=True, slots=True)
class Reckoning:
    """How many mentions should be there, are stored and are counted.

    `lost`: expected mentions that ClickHouse lacks, or that the counts fall short of, whichever is more.
    `double_counted`: stored rows or counts beyond the expected ones, whichever is more.
    """

    mentions_expected: int
    mentions_in_clickhouse: int
    mentions_counted: int
    lost: int
    double_counted: int


def reckon(expected: set[MentionId], stored: Sequence[MentionId], counts: Mapping[FilmDay, int]) -> Reckoning:
    """Compare the expected mentions with the stored rows and with the counts of the stream processors."""
    due = Counter(mention.film_day for mention in expected)
    shortfall = sum(max(0, due[key] - counts.get(key, 0)) for key in due)
    surplus = sum(max(0, counts[key] - due[key]) for key in counts)
    missing = len(expected.difference(stored))
    extra = len(stored) - len(expected.intersection(stored))
    return Reckoning(
        mentions_expected=len(expected),
        mentions_in_clickhouse=len(stored),
        mentions_counted=sum(counts.values()),
        lost=max(missing, shortfall),
        double_counted=max(extra, surplus),
    )


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What `cinepulse demo --report` writes.

    `freshness_seconds`: p50 and p99 from the poller's observation of a post to its count being stored, None where no
    count was stored. `elapsed_seconds`: from the first post's release to the end of the flow, without start-up.
    `story`: what happened in a generated world, and under which name and how soon it was told.
    """

    seed: int | None
    posts_served: int
    posts_in_kafka: int
    posts_deleted: int
    reckoning: Reckoning
    freshness_seconds: Mapping[str, float | None]
    elapsed_seconds: float
    story: tuple[Told, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report flat, as it is written to the file."""
        report = asdict(self)
        reckoning = report.pop("reckoning")
        return {**report, **reckoning, "story": [one.as_dict() for one in self.story]}


def quantile(buckets: Iterable[tuple[float, float]], share: float) -> float | None:
    """Return the `share` quantile of a cumulative histogram, linear within a bucket, None when it is empty.

    `buckets`: (upper bound, cumulative count), rising, the last bound infinite. The same reading as Prometheus'
    `histogram_quantile` (https://prometheus.io/docs/prometheus/latest/querying/functions/).
    """
    ladder = sorted(buckets)
    if not ladder or ladder[-1][1] == 0:
        return None
    rank = share * ladder[-1][1]
    below_bound, below_count = 0.0, 0.0
    for bound, count in ladder:
        if count >= rank:
            if bound == float("inf"):
                return below_bound
            within = (rank - below_count) / (count - below_count) if count > below_count else 1.0
            return below_bound + (bound - below_bound) * within
        below_bound, below_count = bound, count
    return below_bound
