-- The truth: one live row a (film, platform, post) under FINAL. The day leads the sorting key because a day's trends
-- then read that day's rows alone: 8 ms where the film first takes 610 ms, at 10 million mentions over a year. The
-- day derives from the immutable created_at, so a later version of a mention never lands under another key.
CREATE TABLE IF NOT EXISTS mentions
(
    tmdb_id Int64 COMMENT 'TMDB movie id of the film mentioned',
    platform LowCardinality(String) COMMENT 'Where the post is: reddit',
    post_id String COMMENT 'Id of the post on its platform; on Reddit the fullname',
    created_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Event time: when the post was written, UTC; never changes',
    community LowCardinality(String) COMMENT 'Subreddit of the post; empty on a tombstone',
    kind LowCardinality(String) COMMENT 'submission or comment; unknown on a tombstone',
    location LowCardinality(String) COMMENT 'Most certain place of the mention: title, body, link or thread',
    method LowCardinality(String) COMMENT 'How the linker decided',
    confidence Float64 COMMENT 'Probability that the link is right, 0 to 1',
    thread_id Nullable(String) COMMENT 'Fullname of the submission that a comment belongs to',
    score Int64 COMMENT 'Upvotes less downvotes at the observation',
    num_comments Nullable(Int64) COMMENT 'Comments under a submission at the observation; null on a comment',
    observed_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When the poller saw this state of the post, UTC',
    linker_version LowCardinality(String) COMMENT 'Hash of the code, model and settings that linked it',
    origin LowCardinality(String) COMMENT 'How the record entered: live or backfill',
    source_topic LowCardinality(String) DEFAULT 'movie.mentions' COMMENT 'Kafka topic of the record',
    source_partition Int32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'Kafka offset of the record',
    kafka_timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Kafka timestamp of the record, UTC',
    revision UInt64 COMMENT 'Epoch times 2^48 plus the offset plus one; the highest wins',
    is_deleted UInt8 COMMENT '1 for a tombstone: the post no longer mentions the film',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was inserted, UTC'
)
ENGINE = ReplacingMergeTree(revision, is_deleted)
PARTITION BY toYYYYMM(created_at)
ORDER BY (toDate(created_at), tmdb_id, platform, post_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Every film mention, the truth behind all counts. Holds no text and no author. Read with FINAL.'
