-- Words near a film are as good as text, so they live as long: the sink deletes them after 46 hours, and the TTL would if
-- it did not run. A hidden row is older than the tombstone that hides it and ends first, and nobody reads what is older.
CREATE TABLE IF NOT EXISTS mention_terms
(
    tmdb_id Int64 COMMENT 'TMDB movie id of the film mentioned',
    platform LowCardinality(String) COMMENT 'Where the post is: reddit',
    post_id String COMMENT 'Id of the post on its platform; on Reddit the fullname',
    created_at DateTime64(3, 'UTC') COMMENT 'Event time: when the post was written, UTC; never changes',
    terms Array(String) COMMENT 'Distinct folded words and pairs of words near the film',
    observed_at DateTime64(3, 'UTC') COMMENT 'When the poller saw this state of the post, UTC',
    source_topic LowCardinality(String) DEFAULT 'movie.terms' COMMENT 'Kafka topic of the record',
    source_partition Int32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    kafka_timestamp DateTime64(3, 'UTC') COMMENT 'Kafka timestamp of the record, UTC: the time of the observation',
    revision UInt64 COMMENT 'Epoch times 2^48 plus the offset plus one; the highest wins',
    is_deleted UInt8 COMMENT '1 for a tombstone: the post no longer mentions the film',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was inserted, UTC'
)
ENGINE = ReplacingMergeTree(revision, is_deleted)
ORDER BY (tmdb_id, toDate(created_at), platform, post_id)
TTL toDateTime(kafka_timestamp) + INTERVAL 46 HOUR
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Words near the films in posts, for 48 hours: what term_counts is counted from. Read with FINAL.';
CREATE TABLE IF NOT EXISTS term_counts
(
    tmdb_id Int64 COMMENT 'TMDB movie id; 0 for all films together, where a post counts for each of its films',
    day Date COMMENT 'UTC day of the posts, half-open [00:00, 24:00)',
    term String COMMENT 'Folded word or pair of words; empty in the row that has the sum over all terms, those of one post included',
    posts UInt32 COMMENT 'Distinct posts of the day that have the term near the film, 2 at least; 0 where they are gone',
    oldest_at DateTime64(3, 'UTC') COMMENT 'Earliest observation that the counts of the day were made from, UTC: 46 hours later they are settled',
    counted_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was counted, UTC; the highest wins'
)
ENGINE = ReplacingMergeTree(counted_at)
ORDER BY (day, tmdb_id, term)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Posts of a film and day by term, without text: the baseline of what is said about a film. Read with FINAL, posts > 0.'
