"""The tables as the sink writes them; `migrations/` creates them and a test holds the two together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cinepulse.authors import HIGHEST
from cinepulse.clock import MILLISECONDS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTANT: Final = "DateTime64(3, 'UTC')"
TEXT: Final = "LowCardinality(String)"

MONTH_MS: Final = 28 * MILLISECONDS_PER_DAY
YEAR_DAYS: Final = 365


# ClickHouse's Date ends on 2149-06-06: days, and the instants that days derive from, stay within.
LAST_DAY: Final = (1 << 16) - 1
LAST_INSTANT: Final = (LAST_DAY + 1) * MILLISECONDS_PER_DAY - 1
MOST: Final = (1 << 63) - 1

BOUNDS_OF_TYPES: Final[dict[str, tuple[float, float]]] = {
    INSTANT: (0, LAST_INSTANT),
    f"Nullable({INSTANT})": (0, LAST_INSTANT),
    "Date": (0, LAST_DAY),
    "UInt64": (0, MOST),
}


@dataclass(frozen=True, slots=True)
class PartitionedBy:
    """A table's partition key, for bounding how many partitions one insert touches.

    `width` is the length of the shortest partition in the column's unit, so a stretch of values that long touches
    two partitions at most.
    """

    column: str
    width: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns, in the order of the rows that `clickhouse.rows` builds.

    `columns`: name and type of what the sink sends. `filled`: the columns that ClickHouse fills by their default.
    `bounded`: least and greatest value of columns that hold less than their type does.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    filled: tuple[tuple[str, str], ...] = ()
    partitioned_by: PartitionedBy | None = None
    bounded: Mapping[str, tuple[float, float]] = field(default_factory=dict, hash=False)

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """Least and greatest value of the columns that have any, both within."""
        by_type = {name: BOUNDS_OF_TYPES[kind] for name, kind in self.columns if kind in BOUNDS_OF_TYPES}
        return {**by_type, **self.bounded}

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns sent."""
        return tuple(name for name, _ in self.columns)

    @property
    def column_types(self) -> tuple[str, ...]:
        """Types of the columns sent."""
        return tuple(type_name for _, type_name in self.columns)


_POSITION: Final = (
    ("source_partition", "Int32"),
    ("source_offset", "UInt64"),
    ("kafka_timestamp", INSTANT),
    ("revision", "UInt64"),
)
_FILLED: Final = (("source_topic", TEXT), ("ingested_at", INSTANT))

FILMS: Final = Table(
    "films",
    (
        ("tmdb_id", "Int64"),
        ("title", "String"),
        ("original_title", "Nullable(String)"),
        ("original_language", "LowCardinality(Nullable(String))"),
        ("alternative_titles", "Array(String)"),
        ("release_date", "Nullable(String)"),
        ("genres", "Array(LowCardinality(String))"),
        ("companies", "Array(String)"),
        ("directors", "Array(String)"),
        ("cast", "Array(String)"),
        ("collection", "Nullable(String)"),
        ("runtime_minutes", "Nullable(Int32)"),
        ("budget_usd", "Nullable(Int64)"),
        ("revenue_usd", "Nullable(Int64)"),
        ("imdb_id", "Nullable(String)"),
        ("status", "LowCardinality(Nullable(String))"),
        ("popularity", "Nullable(Float64)"),
        ("vote_count", "Nullable(Int64)"),
        ("vote_average", "Nullable(Float64)"),
        ("poster_path", "Nullable(String)"),
        ("observed_at", INSTANT),
        ("source", TEXT),
        *_POSITION,
        ("is_deleted", "UInt8"),
    ),
    _FILLED,
)

POPULARITY: Final = Table(
    "popularity",
    (
        ("tmdb_id", "Int64"),
        ("observed_at", INSTANT),
        ("source", TEXT),
        ("rank", "Nullable(Int32)"),
        ("popularity", "Nullable(Float64)"),
        ("vote_count", "Nullable(Int64)"),
        ("vote_average", "Nullable(Float64)"),
        ("origin", TEXT),
        *_POSITION,
    ),
    _FILLED,
    PartitionedBy("observed_at", MONTH_MS),
)

MENTIONS: Final = Table(
    "mentions",
    (
        ("tmdb_id", "Int64"),
        ("platform", TEXT),
        ("post_id", "String"),
        ("created_at", INSTANT),
        ("community", TEXT),
        ("kind", TEXT),
        ("location", TEXT),
        ("method", TEXT),
        ("confidence", "Float64"),
        ("thread_id", "Nullable(String)"),
        ("score", "Int64"),
        ("num_comments", "Nullable(Int64)"),
        ("observed_at", INSTANT),
        ("linker_version", TEXT),
        ("origin", TEXT),
        ("sentiment", "Nullable(Float64)"),
        ("author_sketch", "Nullable(Int32)"),
        *_POSITION,
        ("is_deleted", "UInt8"),
    ),
    _FILLED,
    PartitionedBy("created_at", MONTH_MS),
    {"confidence": (0, 1), "sentiment": (-1, 1), "author_sketch": (0, HIGHEST)},
)

MENTION_TERMS: Final = Table(
    "mention_terms",
    (
        ("tmdb_id", "Int64"),
        ("platform", TEXT),
        ("post_id", "String"),
        ("created_at", INSTANT),
        ("terms", "Array(String)"),
        ("observed_at", INSTANT),
        *_POSITION,
        ("is_deleted", "UInt8"),
    ),
    _FILLED,
)

TERM_COUNTS: Final = Table(
    "term_counts",
    (
        ("tmdb_id", "Int64"),
        ("day", "Date"),
        ("term", "String"),
        ("posts", "UInt32"),
        ("oldest_at", INSTANT),
    ),
    (("counted_at", INSTANT),),
)
"""Filled from `mention_terms` by `clickhouse.terms`, not from a topic."""

MENTION_COUNTS: Final = Table(
    "mention_counts",
    (
        ("tmdb_id", "Int64"),
        ("day", "Date"),
        ("mentions", "Int64"),
        ("submissions", "Int64"),
        ("comments", "Int64"),
        ("state", TEXT),
        ("watermark", INSTANT),
        ("oldest_observed_at", INSTANT),
        ("newest_observed_at", INSTANT),
        ("closed_revision", "UInt64"),
        *_POSITION,
    ),
    _FILLED,
    PartitionedBy("day", YEAR_DAYS),
    {"mentions": (0, MOST), "submissions": (0, MOST), "comments": (0, MOST)},
)

COVERAGE: Final = Table(
    "coverage",
    (
        ("source", TEXT),
        ("listing", "String"),
        ("started_at", INSTANT),
        ("finished_at", INSTANT),
        ("outcome", TEXT),
        ("requests", "Int32"),
        ("items", "Int32"),
        ("known", "Int32"),
        ("gap_from", f"Nullable({INSTANT})"),
        ("gap_to", f"Nullable({INSTANT})"),
        ("error", "Nullable(String)"),
        ("rate_limit_remaining", "Nullable(Float64)"),
        ("rate_limit_reset_seconds", "Nullable(Float64)"),
        ("covered_from", f"Nullable({INSTANT})"),
        ("covered_to", f"Nullable({INSTANT})"),
        *_POSITION,
    ),
    _FILLED,
    PartitionedBy("started_at", MONTH_MS),
)

DEAD_LETTERS: Final = Table(
    "dead_letters",
    (
        ("stage", TEXT),
        ("source", "String"),
        ("partition", "Nullable(Int32)"),
        ("offset", "Nullable(Int64)"),
        ("reason", TEXT),
        ("error", "String"),
        ("value_size", "Int64"),
        ("code_version", TEXT),
        ("failed_at", INSTANT),
        *_POSITION,
    ),
    _FILLED,
)

ALERTS: Final = Table(
    "alerts",
    (
        ("kind", TEXT),
        ("detail", TEXT),
        ("tmdb_id", "Int64"),
        ("at", INSTANT),
        ("happened_at", INSTANT),
        ("state", TEXT),
        ("version", TEXT),
        ("began_at", f"Nullable({INSTANT})"),
        ("score", "Nullable(Float64)"),
        ("mentions", "Nullable(Int64)"),
        ("expected", "Nullable(Float64)"),
        ("hours", "Nullable(Int32)"),
        ("authors", "Nullable(Int64)"),
        ("rank_before", "Nullable(Int32)"),
        ("rank_after", "Nullable(Int32)"),
        ("since", f"Nullable({INSTANT})"),
        *_POSITION,
    ),
    _FILLED,
)

SINK_BATCHES: Final = Table(
    "sink_batches",
    (
        ("topic", TEXT),
        ("topic_id", TEXT),
        ("epoch", "UInt16"),
        ("partition", "Int32"),
        ("first_offset", "UInt64"),
        ("last_offset", "UInt64"),
        ("rows", "UInt64"),
        ("dead_letters", "UInt64"),
        ("batches", "UInt64"),
    ),
    (("confirmed_at", INSTANT),),
)

TABLES: Final = (
    FILMS,
    POPULARITY,
    MENTIONS,
    MENTION_TERMS,
    TERM_COUNTS,
    MENTION_COUNTS,
    COVERAGE,
    DEAD_LETTERS,
    ALERTS,
    SINK_BATCHES,
)

# What migrations derive from these tables, for queries: the sink writes none of it.
DERIVED: Final = (
    *("popularity_histories", "popularity_into_histories"),
    *("popularity_days", "popularity_into_days", "popularity_on"),
    *("mention_count_history", "mention_counts_into_history"),
    *("mention_days", "film_mention_days", "mention_days_kept"),
    *("coverage_days", "coverage_into_days", "coverage_stretches", "coverage_into_stretches"),
    *("counted_days", "mention_counts_into_counted_days", "counted_minutes", "mention_counts_into_counted_minutes"),
    *("film_counts", "mention_counts_into_film_counts"),
    *("film_days", "day_totals", "trending_today", "film_mentions", "film_popularity_days", "top_changes"),
)
