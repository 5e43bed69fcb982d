CREATE TABLE IF NOT EXISTS films
(
    tmdb_id Int64 COMMENT 'TMDB movie id',
    title String COMMENT 'English title; the original title where TMDB gave no other',
    original_title Nullable(String) COMMENT 'Title in the original language',
    original_language LowCardinality(Nullable(String)) COMMENT 'ISO 639-1 code of the original language',
    alternative_titles Array(String) COMMENT 'Other titles under which the film is known',
    release_date Nullable(String) COMMENT 'First release, ISO 8601 date; null when unknown',
    genres Array(LowCardinality(String)) COMMENT 'Genre names in English',
    companies Array(String) COMMENT 'Production companies',
    directors Array(String) COMMENT 'Directors',
    cast Array(String) COMMENT 'Top-billed cast, in billing order',
    collection Nullable(String) COMMENT 'Collection (franchise) the film belongs to',
    runtime_minutes Nullable(Int32) COMMENT 'Running time in minutes; null when unknown',
    budget_usd Nullable(Int64) COMMENT 'Budget in US dollars; null when unknown',
    revenue_usd Nullable(Int64) COMMENT 'Revenue in US dollars; null when unknown',
    imdb_id Nullable(String) COMMENT 'IMDb id, tt and digits',
    status LowCardinality(Nullable(String)) COMMENT 'Production status, for example Released',
    popularity Nullable(Float64) COMMENT 'TMDB popularity when the record was made, no unit',
    vote_count Nullable(Int64) COMMENT 'Votes cast when the record was made',
    vote_average Nullable(Float64) COMMENT 'Mean vote when the record was made, 0 to 10; null while there are no votes',
    poster_path Nullable(String) COMMENT 'Path of the poster below the image base address',
    observed_at DateTime64(3, 'UTC') COMMENT 'When TMDB answered, UTC',
    source LowCardinality(String) COMMENT 'Most detailed source of the fields: details, list or export',
    source_topic LowCardinality(String) DEFAULT 'tmdb.movies' COMMENT 'Kafka topic of the record',
    source_partition Int32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 CODEC(DoubleDelta, ZSTD(1)) COMMENT 'Kafka offset of the record',
    kafka_timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Kafka timestamp of the record, UTC',
    revision UInt64 COMMENT 'Epoch times 2^48 plus the offset plus one; the highest wins',
    is_deleted UInt8 COMMENT '1 for a tombstone: the film left the catalogue',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was inserted, UTC'
)
ENGINE = ReplacingMergeTree(revision, is_deleted)
ORDER BY tmdb_id
-- TMDB's terms allow a cached copy for six months; the TMDB producer's refresh renews what is still in the catalogue.
TTL toDateTime(observed_at) + INTERVAL 180 DAY
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'The film catalogue. Source: TMDB. This product uses the TMDB API but is not endorsed or certified by TMDB.'
