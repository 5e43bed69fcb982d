"""Every metric, by name, with its meaning and what an operator does about it.

The names and docs below are the reference; `docs/operations.md` lists them and a test compares the two.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

POLLS: Final = Counter(
    "cinepulse_polls",
    "Polls of a listing by outcome. overflowed: posts were missed between two polls, poll more often or fewer "
    "communities. failed: see cinepulse_source_errors.",
    ["source", "outcome"],
)
ITEMS: Final = Counter(
    "cinepulse_items",
    "New items that polls found. None for long while polls are ok: check the communities.",
    ["source"],
)
SOURCE_ERRORS: Final = Counter(
    "cinepulse_source_errors",
    "Failed requests by class. 401 or 403 rising: the keys. 429: lower the rate. 5xx and transport pass by themselves.",
    ["source", "kind"],
)
FIELD_ERRORS: Final = Counter(
    "cinepulse_field_errors",
    "Fields of another type than the API documents, read as unknown. A rise: the API has changed.",
    ["source", "field"],
)
RATE_LIMIT_REMAINING: Final = Gauge(
    "cinepulse_rate_limit_remaining",
    "Requests left in the source's window. Near 0: another program uses the keys, or polls are too many.",
    ["source"],
)
RECORDS_DELIVERED: Final = Counter(
    "cinepulse_records_delivered", "Records that Kafka confirmed. No rise while items come: Kafka is away.", ["topic"]
)

RECORDS_PROCESSED: Final = Counter(
    "cinepulse_records_processed",
    "Records a stage has handled. No rise while lag grows: see the part's log.",
    ["stage"],
)
DEAD_LETTERS: Final = Counter(
    "cinepulse_dead_letters",
    "Records sent to dead letters, by reason. Any rise: read the table dead_letters for the error.",
    ["stage", "reason"],
)
MENTIONS_EMITTED: Final = Counter(
    "cinepulse_mentions_emitted", "Mentions and retractions sent. Many retractions at once: a linker change.", ["kind"]
)
FUTURE_STAMPED: Final = Counter(
    "cinepulse_future_stamped",
    "Posts dated after their observation: the linker refuses them, and none closes a day early. A rise: this "
    "machine's clock is behind.",
    ["stage"],
)
LATE: Final = Counter(
    "cinepulse_late",
    "Mentions whose day was already final when they came; counted all the same. A rise: lengthen the grace.",
    ["stage"],
)
DUPLICATES: Final = Counter(
    "cinepulse_duplicates", "Mentions that were already counted. Harmless; a burst follows a restart.", ["stage"]
)
FORGOTTEN_RETURNS: Final = Counter(
    "cinepulse_forgotten_returns",
    "Observations of posts that `cinepulse forget` has removed: left out. A few are usual.",
    ["stage"],
)
STALE_EPOCHS: Final = Counter(
    "cinepulse_stale_epochs",
    "Batches of a past assignment, dropped to come again. Steady: workers join and leave too often.",
    ["stage"],
)
CATALOG_FILMS: Final = Gauge(
    "cinepulse_catalog_films", "Films in the worker's catalogue. 0: the TMDB producer has not finished its first pass."
)
COUNTS_EMITTED: Final = Counter("cinepulse_counts_emitted", "Absolute counts sent, one for each film-day that changed.")
ALERTS_EMITTED: Final = Counter(
    "cinepulse_alerts_emitted",
    "Alerts sent, by kind and whether they began, ended or happened once. Dozens of bursts a day: `cinepulse alerts`.",
    ["kind", "state"],
)
ALERTS_DELIVERED: Final = Counter(
    "cinepulse_alerts_delivered",
    "Alerts by destination and outcome. failed rising: the destination is away, its alerts wait. refused: it will not "
    "take an alert, see the log. unwanted: too old or of a kind that is left out. repeated: taken before.",
    ["destination", "outcome"],
)

SINK_ROWS: Final = Counter("cinepulse_sink_rows", "Rows that ClickHouse confirmed, by table.", ["table"])
SINK_RETRIES: Final = Counter(
    "cinepulse_sink_retries", "Inserts tried again, by class of the error. A rise: look at ClickHouse.", ["kind"]
)
INSERT_SECONDS: Final = Histogram(
    "cinepulse_insert_seconds", "Time of one insert. Above a second: too many parts or a slow disk.", ["table"]
)
FRESHNESS_SECONDS: Final = Histogram(
    "cinepulse_freshness_seconds",
    "From a post's observation to its count being stored in ClickHouse. Rising: find the stage whose lag grows.",
    buckets=[step / 20 for step in range(1, 201)] + [15, 20, 30, 60, 120, 300, 600, 3600],
)
LAG: Final = Gauge(
    "cinepulse_lag",
    "Records a consumer is behind the end of a topic. Growing for minutes: start another worker.",
    ["stage", "topic"],
)

VERIFICATIONS: Final = Counter(
    "cinepulse_verifications",
    "Verifications by outcome: right, wrong, or unfinished, when a part did not answer or was behind. No rise for "
    "hours: see the log of verify.",
    ["outcome"],
)
VERIFY_PROBLEMS: Final = Gauge(
    "cinepulse_verify_problems",
    "Places at which the last verification found Kafka, counts and tables to disagree. Not 0: `cinepulse verify` names "
    "them.",
)
VERIFY_TIMESTAMP: Final = Gauge(
    "cinepulse_verify_timestamp_seconds", "When a verification last came to an end; 0 before the first."
)

READY: Final = Gauge(
    "cinepulse_ready", "1 once the part does its work, 0 while it starts or recovers: for minutes, see its log."
)
HEARTBEAT: Final = Gauge(
    "cinepulse_heartbeat_timestamp_seconds",
    "When the part last made progress or saw that none was due. Older than 30 s: it is stuck, restart it.",
)
