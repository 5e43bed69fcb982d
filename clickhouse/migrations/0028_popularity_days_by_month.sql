-- By months, so that the sink can merge what a day is compared with into one row a film at little cost
-- (clickhouse/merging.py). Filled from popularity_histories; what arrives meanwhile is in it twice, and counts once.
DROP VIEW IF EXISTS popularity_into_days;

DROP TABLE IF EXISTS popularity_days;

CREATE TABLE IF NOT EXISTS popularity_days
(
    day Date COMMENT 'UTC day that the numbers are compared on; up to 15 days after the last snapshot',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    p0 SimpleAggregateFunction(max, UInt256) COMMENT 'Last TMDB popularity known of the day, as popularity_histories has it',
    p1 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of the day before',
    p2 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of two days before',
    p7 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of seven days before with bit 200 set, else of eight days before',
    p14 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of fourteen days before with bit 200 set, else of fifteen days before',
    v0 SimpleAggregateFunction(max, UInt256) COMMENT 'Last count of votes known of the day',
    v1 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of the day before',
    v7 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of seven days before with bit 200 set, else of eight days before',
    v14 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of fourteen days before with bit 200 set, else of fifteen days before',
    s0 SimpleAggregateFunction(max, UInt256) COMMENT 'Last mean vote known of the day, 0 to 10',
    s1 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of the day before',
    seen_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Last snapshot of the day, UTC; 1970 where there is none',
    ingested_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When the last of the snapshots was inserted, UTC'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, tmdb_id)
TTL toDateTime(ingested_at) + INTERVAL 400 DAY
COMMENT 'What the trends of a UTC day compare, by day and film, made from popularity_histories. Read with FINAL. This product uses the TMDB API but is not endorsed or certified by TMDB.';

CREATE MATERIALIZED VIEW IF NOT EXISTS popularity_into_days TO popularity_days
(
    day Date COMMENT 'UTC day that the numbers are compared on',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    p0 UInt256 COMMENT 'Last TMDB popularity known of the day',
    p1 UInt256 COMMENT 'The same of the day before',
    p2 UInt256 COMMENT 'The same of two days before',
    p7 UInt256 COMMENT 'The same of seven days before, else eight',
    p14 UInt256 COMMENT 'The same of fourteen days before, else fifteen',
    v0 UInt256 COMMENT 'Last count of votes known of the day',
    v1 UInt256 COMMENT 'The same of the day before',
    v7 UInt256 COMMENT 'The same of seven days before, else eight',
    v14 UInt256 COMMENT 'The same of fourteen days before, else fifteen',
    s0 UInt256 COMMENT 'Last mean vote known of the day',
    s1 UInt256 COMMENT 'The same of the day before',
    seen_at DateTime64(3, 'UTC') COMMENT 'Last snapshot of the day, UTC',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the last of the snapshots was inserted, UTC'
)
AS WITH
    number -> bitOr(number, bitShiftLeft(toUInt256(number != 0), 200)) AS preferred
SELECT
    h.day + ago AS day,
    h.tmdb_id AS tmdb_id,
    if(ago = 0, h.popularity, 0) AS p0,
    if(ago = 1, h.popularity, 0) AS p1,
    if(ago = 2, h.popularity, 0) AS p2,
    multiIf(ago = 7, preferred(h.popularity), ago = 8, h.popularity, 0) AS p7,
    multiIf(ago = 14, preferred(h.popularity), ago = 15, h.popularity, 0) AS p14,
    if(ago = 0, h.vote_count, 0) AS v0,
    if(ago = 1, h.vote_count, 0) AS v1,
    multiIf(ago = 7, preferred(h.vote_count), ago = 8, h.vote_count, 0) AS v7,
    multiIf(ago = 14, preferred(h.vote_count), ago = 15, h.vote_count, 0) AS v14,
    if(ago = 0, h.vote_average, 0) AS s0,
    if(ago = 1, h.vote_average, 0) AS s1,
    if(ago = 0, h.seen_at, fromUnixTimestamp64Milli(0, 'UTC')) AS seen_at,
    h.ingested_at AS ingested_at
FROM popularity_histories AS h
ARRAY JOIN [0, 1, 2, 7, 8, 14, 15] AS ago
-- The last day that a date can be.
WHERE toUInt32(h.day) + ago <= 65535
COMMENT 'Keeps popularity_days up to date';

-- One statement for each of the days that a snapshot is compared on, so that none takes long, and in small blocks: a row
-- is 400 bytes in memory, and the engine would collect a million.
INSERT INTO popularity_days (day, tmdb_id, p0, v0, s0, seen_at, ingested_at)
SELECT h.day, h.tmdb_id, h.popularity, h.vote_count, h.vote_average, h.seen_at, h.ingested_at
FROM popularity_histories AS h
SETTINGS min_insert_block_size_rows = 131072, min_insert_block_size_bytes = 0;

INSERT INTO popularity_days (day, tmdb_id, p1, v1, s1, ingested_at)
SELECT h.day + 1, h.tmdb_id, h.popularity, h.vote_count, h.vote_average, h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 1
SETTINGS min_insert_block_size_rows = 131072, min_insert_block_size_bytes = 0;

INSERT INTO popularity_days (day, tmdb_id, p2, ingested_at)
SELECT h.day + 2, h.tmdb_id, h.popularity, h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 2
SETTINGS min_insert_block_size_rows = 131072, min_insert_block_size_bytes = 0;

INSERT INTO popularity_days (day, tmdb_id, p7, v7, ingested_at)
SELECT h.day + 7, h.tmdb_id, bitOr(h.popularity, bitShiftLeft(toUInt256(h.popularity != 0), 200)),
    bitOr(h.vote_count, bitShiftLeft(toUInt256(h.vote_count != 0), 200)), h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 7
SETTINGS min_insert_block_size_rows = 131072, min_insert_block_size_bytes = 0;

INSERT INTO popularity_days (day, tmdb_id, p7, v7, ingested_at)
SELECT h.day + 8, h.tmdb_id, h.popularity, h.vote_count, h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 8
SETTINGS min_insert_block_size_rows = 131072, min_insert_block_size_bytes = 0;

INSERT INTO popularity_days (day, tmdb_id, p14, v14, ingested_at)
SELECT h.day + 14, h.tmdb_id, bitOr(h.popularity, bitShiftLeft(toUInt256(h.popularity != 0), 200)),
    bitOr(h.vote_count, bitShiftLeft(toUInt256(h.vote_count != 0), 200)), h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 14
SETTINGS min_insert_block_size_rows = 131072, min_insert_block_size_bytes = 0;

INSERT INTO popularity_days (day, tmdb_id, p14, v14, ingested_at)
SELECT h.day + 15, h.tmdb_id, h.popularity, h.vote_count, h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 15
SETTINGS min_insert_block_size_rows = 131072, min_insert_block_size_bytes = 0
