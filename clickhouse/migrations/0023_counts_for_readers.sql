-- How far the counts have come, a row a partition and day or minute, so that every reader need not look at two weeks of
-- counts to know it. Only greatest values: a count that is delivered twice changes nothing.
CREATE TABLE IF NOT EXISTS counted_days
(
    day Date COMMENT 'UTC day of the counts',
    source_partition Int32 COMMENT 'Kafka partition of the counts',
    reached_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Highest event time seen when any of them was made, UTC',
    is_mentioned SimpleAggregateFunction(max, UInt8) COMMENT 'Whether a film was mentioned',
    is_final SimpleAggregateFunction(max, UInt8) COMMENT 'Whether the partition has closed the day'
)
ENGINE = AggregatingMergeTree
ORDER BY (day, source_partition)
COMMENT 'How far the counts of each partition and UTC day have come, made from mention_counts.';

CREATE MATERIALIZED VIEW IF NOT EXISTS mention_counts_into_counted_days TO counted_days
(
    day Date COMMENT 'UTC day of the counts',
    source_partition Int32 COMMENT 'Kafka partition of the counts',
    reached_at DateTime64(3, 'UTC') COMMENT 'Highest event time seen, UTC',
    is_mentioned UInt8 COMMENT 'Whether a film was mentioned',
    is_final UInt8 COMMENT 'Whether the partition has closed the day'
)
AS SELECT
    c.day AS day,
    c.source_partition AS source_partition,
    max(c.watermark) AS reached_at,
    max(c.mentions > 0) AS is_mentioned,
    max(c.state = 'final') AS is_final
FROM mention_counts AS c
GROUP BY c.day, c.source_partition
COMMENT 'Keeps counted_days up to date';

INSERT INTO counted_days
SELECT
    c.day AS day,
    c.source_partition AS source_partition,
    max(c.watermark) AS reached_at,
    max(c.mentions > 0) AS is_mentioned,
    max(c.state = 'final') AS is_final
FROM mention_counts AS c
GROUP BY c.day, c.source_partition;

CREATE TABLE IF NOT EXISTS counted_minutes
(
    stored_in DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Minute in which counts were stored, UTC',
    source_partition Int32 COMMENT 'Kafka partition of the counts',
    reached_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Highest event time seen when any of them was made, UTC',
    last_day SimpleAggregateFunction(max, Date) COMMENT 'Last day among them',
    latest_day SimpleAggregateFunction(max, Date) COMMENT 'Last day with a mention among them; 1970-01-01 without one',
    final_day SimpleAggregateFunction(max, Date) COMMENT 'Last day among them that the partition had closed; 1970-01-01 without one'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYear(stored_in)
ORDER BY (stored_in, source_partition)
TTL stored_in + INTERVAL 400 DAY
COMMENT 'How far the counts of each partition had come, minute by minute, made from mention_counts.';

CREATE MATERIALIZED VIEW IF NOT EXISTS mention_counts_into_counted_minutes TO counted_minutes
(
    stored_in DateTime('UTC') COMMENT 'Minute in which counts were stored, UTC',
    source_partition Int32 COMMENT 'Kafka partition of the counts',
    reached_at DateTime64(3, 'UTC') COMMENT 'Highest event time seen, UTC',
    last_day Date COMMENT 'Last day among them',
    latest_day Date COMMENT 'Last day with a mention among them',
    final_day Date COMMENT 'Last day among them that the partition had closed'
)
AS SELECT
    toStartOfMinute(c.ingested_at) AS stored_in,
    c.source_partition AS source_partition,
    max(c.watermark) AS reached_at,
    max(c.day) AS last_day,
    maxIf(c.day, c.mentions > 0) AS latest_day,
    maxIf(c.day, c.state = 'final') AS final_day
FROM mention_counts AS c
GROUP BY stored_in, c.source_partition
COMMENT 'Keeps counted_minutes up to date';

INSERT INTO counted_minutes
SELECT
    h.stored_in AS stored_in,
    h.source_partition AS source_partition,
    max(h.watermark) AS reached_at,
    max(h.day) AS last_day,
    maxIf(h.day, h.mentions > 0) AS latest_day,
    maxIf(h.day, h.state = 'final') AS final_day
FROM mention_count_history AS h
GROUP BY h.stored_in, h.source_partition;

-- The counts film by film: what is asked of a few films over weeks reads these films' rows and not every film's of each
-- day. Granules are small, since a film's days are few.
CREATE TABLE IF NOT EXISTS film_counts
(
    tmdb_id Int64 COMMENT 'TMDB movie id',
    day Date COMMENT 'UTC day of the posts, half-open [00:00, 24:00)',
    mentions Int64 COMMENT 'Distinct posts that mention the film on the day',
    submissions Int64 COMMENT 'Those of them that are submissions',
    comments Int64 COMMENT 'Those of them that are comments',
    state LowCardinality(String) COMMENT 'provisional or final when the count was made',
    closed_revision UInt64 COMMENT 'Revision that closed the day, 0 while it is open',
    revision UInt64 COMMENT 'Revision of the count; the highest wins',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the count was stored, UTC'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYear(day)
ORDER BY (tmdb_id, day)
SETTINGS index_granularity = 256
COMMENT 'mention_counts, ordered by film. Read with FINAL.';

CREATE MATERIALIZED VIEW IF NOT EXISTS mention_counts_into_film_counts TO film_counts
(
    tmdb_id Int64 COMMENT 'TMDB movie id',
    day Date COMMENT 'UTC day of the posts',
    mentions Int64 COMMENT 'Distinct posts that mention the film on the day',
    submissions Int64 COMMENT 'Those of them that are submissions',
    comments Int64 COMMENT 'Those of them that are comments',
    state LowCardinality(String) COMMENT 'provisional or final',
    closed_revision UInt64 COMMENT 'Revision that closed the day, 0 while it is open',
    revision UInt64 COMMENT 'Revision of the count',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the count was stored, UTC'
)
AS SELECT tmdb_id, day, mentions, submissions, comments, state, closed_revision, revision, ingested_at
FROM mention_counts
COMMENT 'Keeps film_counts up to date';

INSERT INTO film_counts
SELECT tmdb_id, day, mentions, submissions, comments, state, closed_revision, revision, ingested_at
FROM mention_counts FINAL
