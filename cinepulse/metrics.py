"""Every metric, by name, with its meaning and what an operator does about it.

The names and docs below are the reference; `docs/operations.md` lists them and a test compares the two.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

POLLS: Final = Counter(
    "cinepulse_polls", "Polls of a listing by outcome: ok, overflowed, failed.", ["source", "outcome"]
)
ITEMS: Final = Counter("cinepulse_items", "New items that polls found.", ["source"])
SOURCE_ERRORS: Final = Counter(
    "cinepulse_source_errors",
    "Failed requests by class; a steady rise means the source or the keys.",
    ["source", "kind"],
)
FIELD_ERRORS: Final = Counter(
    "cinepulse_field_errors", "Fields of another type than the API documents, read as unknown.", ["source", "field"]
)
RATE_LIMIT_REMAINING: Final = Gauge(
    "cinepulse_rate_limit_remaining", "Requests left in the source's window.", ["source"]
)
RECORDS_DELIVERED: Final = Counter("cinepulse_records_delivered", "Records that Kafka confirmed.", ["topic"])

RECORDS_PROCESSED: Final = Counter("cinepulse_records_processed", "Records a stage has handled.", ["stage"])
DEAD_LETTERS: Final = Counter("cinepulse_dead_letters", "Records sent to dead letters, by reason.", ["stage", "reason"])
MENTIONS_EMITTED: Final = Counter("cinepulse_mentions_emitted", "Mentions and retractions sent.", ["kind"])
FUTURE_STAMPED: Final = Counter(
    "cinepulse_future_stamped", "Posts dated after their observation; not counted.", ["stage"]
)
LATE: Final = Counter("cinepulse_late", "Mentions whose day was already final when they came.", ["stage"])
DUPLICATES: Final = Counter("cinepulse_duplicates", "Mentions that were already counted.", ["stage"])
STALE_EPOCHS: Final = Counter(
    "cinepulse_stale_epochs", "Batches of a past assignment, dropped to come again.", ["stage"]
)
CATALOG_FILMS: Final = Gauge("cinepulse_catalog_films", "Films in the worker's catalogue.")
COUNTS_EMITTED: Final = Counter("cinepulse_counts_emitted", "Absolute counts sent.")

SINK_ROWS: Final = Counter("cinepulse_sink_rows", "Rows that ClickHouse confirmed.", ["table"])
SINK_RETRIES: Final = Counter("cinepulse_sink_retries", "Inserts tried again, by class of the error.", ["kind"])
INSERT_SECONDS: Final = Histogram("cinepulse_insert_seconds", "Time of one insert.", ["table"])
FRESHNESS_SECONDS: Final = Histogram(
    "cinepulse_freshness_seconds",
    "From a post's observation to its count being stored in ClickHouse.",
    buckets=[step / 20 for step in range(1, 201)] + [15, 20, 30, 60, 120, 300, 600, 3600],
)
LAG: Final = Gauge("cinepulse_lag", "Records a consumer is behind the end of a topic.", ["stage", "topic"])

READY: Final = Gauge("cinepulse_ready", "1 once the part does its work, 0 while it starts or recovers.")
HEARTBEAT: Final = Gauge(
    "cinepulse_heartbeat_timestamp_seconds", "When the part last made progress or saw none was due."
)
