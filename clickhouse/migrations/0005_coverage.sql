CREATE TABLE IF NOT EXISTS coverage
(
    source LowCardinality(String) COMMENT 'Where was polled: reddit or tmdb',
    listing String COMMENT 'What was polled',
    started_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When the poll began, UTC',
    finished_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When the poll ended, UTC',
    outcome LowCardinality(String) COMMENT 'ok, overflowed (the listing ended before known items: a gap) or failed',
    requests Int32 COMMENT 'HTTP requests made',
    items Int32 COMMENT 'Items that were new',
    known Int32 COMMENT 'Items seen before',
    gap_from Nullable(DateTime64(3, 'UTC')) COMMENT 'Begin of the event time that may be missing, UTC; null without a gap',
    gap_to Nullable(DateTime64(3, 'UTC')) COMMENT 'End of the event time that may be missing, UTC; null without a gap',
    error Nullable(String) COMMENT 'Class and message of the failure; null on success',
    rate_limit_remaining Nullable(Float64) COMMENT 'Requests left in the window of the source; null when not told',
    rate_limit_reset_seconds Nullable(Float64) COMMENT 'Seconds until the window of the source starts anew; null when not told',
    source_topic LowCardinality(String) DEFAULT 'pipeline.coverage' COMMENT 'Kafka topic of the record',
    source_partition Int32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'Kafka offset of the record',
    kafka_timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Kafka timestamp of the record, UTC',
    revision UInt64 COMMENT 'Epoch times 2^48 plus the offset plus one; the highest wins',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was inserted, UTC'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(started_at)
ORDER BY (source, listing, started_at)
-- As long as the topic keeps them, counted from their arrival.
TTL toDateTime(ingested_at) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What each poll did: the record that tells unknown from zero.'
