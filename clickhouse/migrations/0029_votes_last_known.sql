-- Votes and mean vote as they were last known on a day or the day before, which the weighted rating of all films is
-- made of: one number behind its instant, in place of two of which a query takes the later. What is of the day itself
-- is told by the instant. Filled from popularity_histories; what arrives meanwhile is in it twice, and counts once.
ALTER TABLE popularity_days
    ADD COLUMN IF NOT EXISTS v01 SimpleAggregateFunction(max, UInt256) COMMENT 'Last count of votes known of the day, else of the day before, behind its instant as in popularity_histories' AFTER v0,
    ADD COLUMN IF NOT EXISTS s01 SimpleAggregateFunction(max, UInt256) COMMENT 'Last mean vote known of the day, else of the day before, likewise; 0 to 10' AFTER s0;

-- Under another name first, so that no snapshot comes between the two.
CREATE MATERIALIZED VIEW IF NOT EXISTS popularity_into_days_next TO popularity_days
(
    day Date COMMENT 'UTC day that the numbers are compared on',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    p0 UInt256 COMMENT 'Last TMDB popularity known of the day',
    p1 UInt256 COMMENT 'The same of the day before',
    p2 UInt256 COMMENT 'The same of two days before',
    p7 UInt256 COMMENT 'The same of seven days before, else eight',
    p14 UInt256 COMMENT 'The same of fourteen days before, else fifteen',
    v0 UInt256 COMMENT 'Last count of votes known of the day',
    v01 UInt256 COMMENT 'The same of the day, else of the day before',
    v1 UInt256 COMMENT 'The same of the day before',
    v7 UInt256 COMMENT 'The same of seven days before, else eight',
    v14 UInt256 COMMENT 'The same of fourteen days before, else fifteen',
    s0 UInt256 COMMENT 'Last mean vote known of the day',
    s01 UInt256 COMMENT 'The same of the day, else of the day before',
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
    if(ago <= 1, h.vote_count, 0) AS v01,
    if(ago = 1, h.vote_count, 0) AS v1,
    multiIf(ago = 7, preferred(h.vote_count), ago = 8, h.vote_count, 0) AS v7,
    multiIf(ago = 14, preferred(h.vote_count), ago = 15, h.vote_count, 0) AS v14,
    if(ago = 0, h.vote_average, 0) AS s0,
    if(ago <= 1, h.vote_average, 0) AS s01,
    if(ago = 0, h.seen_at, fromUnixTimestamp64Milli(0, 'UTC')) AS seen_at,
    h.ingested_at AS ingested_at
FROM popularity_histories AS h
ARRAY JOIN [0, 1, 2, 7, 8, 14, 15] AS ago
-- The last day that a date can be.
WHERE toUInt32(h.day) + ago <= 65535
COMMENT 'Keeps popularity_days up to date';

DROP VIEW IF EXISTS popularity_into_days;

RENAME TABLE IF EXISTS popularity_into_days_next TO popularity_into_days;

-- In small blocks: a row is 400 bytes in memory, and the engine would collect a million.
INSERT INTO popularity_days (day, tmdb_id, v01, s01, ingested_at)
SELECT h.day, h.tmdb_id, h.vote_count, h.vote_average, h.ingested_at
FROM popularity_histories AS h
SETTINGS min_insert_block_size_rows = 131072, min_insert_block_size_bytes = 0;

INSERT INTO popularity_days (day, tmdb_id, v01, s01, ingested_at)
SELECT h.day + 1, h.tmdb_id, h.vote_count, h.vote_average, h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 1
SETTINGS min_insert_block_size_rows = 131072, min_insert_block_size_bytes = 0;

ALTER TABLE popularity_days DROP COLUMN IF EXISTS s1
