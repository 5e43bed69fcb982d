CREATE TABLE IF NOT EXISTS mention_counts
(
    tmdb_id Int64 COMMENT 'TMDB movie id',
    day Date COMMENT 'UTC day of the posts, half-open [00:00, 24:00)',
    mentions Int64 COMMENT 'Distinct posts that mention the film on the day',
    submissions Int64 COMMENT 'Those of them that are submissions',
    comments Int64 COMMENT 'Those of them that are comments',
    state LowCardinality(String) COMMENT 'provisional or final when the count was made',
    watermark DateTime64(3, 'UTC') COMMENT 'Highest event time seen in the partition when the count was made, UTC',
    oldest_observed_at DateTime64(3, 'UTC') COMMENT 'Earliest observation among the changes since the previous revision, UTC',
    newest_observed_at DateTime64(3, 'UTC') COMMENT 'Latest observation among the changes counted, UTC',
    source_topic LowCardinality(String) DEFAULT 'movie.mention_counts' COMMENT 'Kafka topic of the record',
    source_partition Int32 COMMENT 'Kafka partition of the record, the same as of the mentions of the film',
    source_offset UInt64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'Kafka offset of the record',
    kafka_timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Kafka timestamp of the record, UTC',
    revision UInt64 COMMENT 'Epoch times 2^48 plus the offset in movie.mentions of the last change counted, plus one; the highest wins',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was inserted, UTC'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYear(day)
ORDER BY (day, tmdb_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Mentions per film and UTC day as the stream processor counted them: absolute, never increments. Read with FINAL.'
