CREATE TABLE IF NOT EXISTS popularity
(
    tmdb_id Int64 COMMENT 'TMDB movie id',
    observed_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When TMDB answered, UTC; for an export file the day it describes',
    source LowCardinality(String) COMMENT 'List or call the snapshot came from',
    rank Nullable(Int32) COMMENT 'Position in the list, 1 is the top; null for sources without an order',
    popularity Nullable(Float64) COMMENT 'TMDB popularity, no unit',
    vote_count Nullable(Int64) COMMENT 'Votes cast so far; may fall when TMDB removes votes',
    vote_average Nullable(Float64) COMMENT 'Mean vote, 0 to 10; null while there are no votes',
    origin LowCardinality(String) COMMENT 'How the record entered: live or backfill',
    source_topic LowCardinality(String) DEFAULT 'tmdb.popularity' COMMENT 'Kafka topic of the record',
    source_partition Int32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'Kafka offset of the record',
    kafka_timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Kafka timestamp of the record, UTC',
    revision UInt64 COMMENT 'Epoch times 2^48 plus the offset plus one; the highest wins',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was inserted, UTC'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(observed_at)
ORDER BY (tmdb_id, source, observed_at)
-- As long as the topic keeps them, counted from their arrival: a backfill of old snapshots is welcome.
TTL toDateTime(ingested_at) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Popularity and votes as TMDB showed them. This product uses the TMDB API but is not endorsed or certified by TMDB.'
