-- Metadata only: the bytes may hold text, which lives in the topic alone, for 48 hours.
CREATE TABLE IF NOT EXISTS dead_letters
(
    stage LowCardinality(String) COMMENT 'Stage that gave up: producer, link, count or sink',
    source String COMMENT 'Topic the record came from; for a producer the API and listing',
    partition Nullable(Int32) COMMENT 'Partition of the record that failed; null for a producer',
    offset Nullable(Int64) COMMENT 'Offset of the record that failed; null for a producer',
    reason LowCardinality(String) COMMENT 'Class of the failure',
    error String COMMENT 'Message of the failure, cut short',
    value_size Int64 COMMENT 'Length of the original value in bytes',
    code_version LowCardinality(String) COMMENT 'Version of cinepulse that gave up',
    failed_at DateTime64(3, 'UTC') COMMENT 'When it gave up, UTC',
    source_topic LowCardinality(String) DEFAULT 'pipeline.dead_letters' COMMENT 'Kafka topic of the dead letter',
    source_partition Int32 COMMENT 'Kafka partition of the dead letter',
    source_offset UInt64 COMMENT 'Kafka offset of the dead letter',
    kafka_timestamp DateTime64(3, 'UTC') COMMENT 'Kafka timestamp of the dead letter, UTC',
    revision UInt64 COMMENT 'Epoch times 2^48 plus the offset plus one; the highest wins',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was inserted, UTC'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (failed_at, source_partition, revision)
TTL toDateTime(ingested_at) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Records that could not be processed, and why; their bytes are in the topic pipeline.dead_letters.'
