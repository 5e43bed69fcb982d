-- What the counts were when: mention_counts keeps the last revision alone. Of a minute only the last word is kept, so a
-- film and day has 1,440 rows a day at most however often it is counted. A row that is delivered twice changes nothing.
CREATE TABLE IF NOT EXISTS mention_count_history
(
    tmdb_id Int64 COMMENT 'TMDB movie id',
    day Date COMMENT 'UTC day of the posts, half-open [00:00, 24:00)',
    stored_in DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Minute in which the count was stored, UTC',
    mentions Int64 CODEC(Delta, ZSTD(1)) COMMENT 'Distinct posts that mentioned the film on the day, as known then',
    submissions Int64 CODEC(Delta, ZSTD(1)) COMMENT 'Those of them that were submissions',
    comments Int64 CODEC(Delta, ZSTD(1)) COMMENT 'Those of them that were comments',
    state LowCardinality(String) COMMENT 'provisional or final when the count was made',
    watermark DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Highest event time seen in the partition when the count was made, UTC',
    closed_revision UInt64 COMMENT 'Revision that closed the day, 0 while it was open',
    source_partition Int32 COMMENT 'Kafka partition of the count',
    revision UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Revision of the count; the highest of those stored by an instant was the count then'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYear(day)
ORDER BY (day, tmdb_id, stored_in)
TTL stored_in + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Every count as it was known, to the minute. Holds numbers only: of a deleted post nothing but that it was counted.';

CREATE MATERIALIZED VIEW IF NOT EXISTS mention_counts_into_history TO mention_count_history
(
    tmdb_id Int64 COMMENT 'TMDB movie id',
    day Date COMMENT 'UTC day of the posts',
    stored_in DateTime('UTC') COMMENT 'Minute in which the count was stored, UTC',
    mentions Int64 COMMENT 'Distinct posts that mentioned the film on the day',
    submissions Int64 COMMENT 'Those of them that were submissions',
    comments Int64 COMMENT 'Those of them that were comments',
    state LowCardinality(String) COMMENT 'provisional or final',
    watermark DateTime64(3, 'UTC') COMMENT 'Highest event time seen in the partition, UTC',
    closed_revision UInt64 COMMENT 'Revision that closed the day, 0 while it was open',
    source_partition Int32 COMMENT 'Kafka partition of the count',
    revision UInt64 COMMENT 'Revision of the count'
)
AS SELECT
    tmdb_id, day, toStartOfMinute(ingested_at) AS stored_in, mentions, submissions, comments, state, watermark,
    closed_revision, source_partition, revision
FROM mention_counts
COMMENT 'Keeps mention_count_history up to date';

-- Of what was stored before, only the last revision is left.
INSERT INTO mention_count_history
SELECT
    tmdb_id, day, toStartOfMinute(ingested_at) AS stored_in, mentions, submissions, comments, state, watermark,
    closed_revision, source_partition, revision
FROM mention_counts
