CREATE TABLE IF NOT EXISTS alerts
(
    kind LowCardinality(String) COMMENT 'What happened: burst, joined, left or milestone',
    detail LowCardinality(String) COMMENT 'Of a burst began or ended; else the list, for a milestone with the rank reached',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Names the happening: the UTC day of a burst or milestone, the ranking that shows a joiner or leaver',
    happened_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When it happened, event time, UTC',
    state LowCardinality(String) COMMENT 'began or ended; once for what has no length',
    version LowCardinality(String) COMMENT 'Version of the code that decided',
    began_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the burst began, UTC; null on what has no length',
    score Nullable(Float64) COMMENT 'Score of a burst, in standard deviations; of an end its highest',
    mentions Nullable(Int64) COMMENT 'Distinct mentions within the span that the score is of',
    expected Nullable(Float64) COMMENT 'Mentions expected of that span',
    hours Nullable(Int32) COMMENT 'Length of that span, hours',
    authors Nullable(Int64) COMMENT 'Authors of the mentions, at least so many; null where none is known',
    rank_before Nullable(Int32) COMMENT 'Rank in the ranking before; null for a film that was not in it',
    rank_after Nullable(Int32) COMMENT 'Rank in the new ranking; null for a film that is not in it',
    since Nullable(DateTime64(3, 'UTC')) COMMENT 'Moment of the ranking compared with, UTC',
    source_topic LowCardinality(String) DEFAULT 'trend.alerts' COMMENT 'Kafka topic of the record',
    source_partition Int32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'Kafka offset of the record',
    kafka_timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Kafka timestamp of the record, UTC',
    revision UInt64 COMMENT 'Epoch times 2^48 plus the offset plus one; the highest wins',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was inserted, UTC'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (toDate(at), kind, detail, tmdb_id, at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What happened to films: bursts, joiners, leavers and milestones, each once. Read with FINAL.'
